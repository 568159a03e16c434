#include "auth/access_request.h"

namespace millrace {

namespace {

// The part of an ARN behind its `index`th colon, counted from 1, up to the next colon.
std::string_view arn_part(std::string_view arn, int index) {
  for (int i = 0; i < index; ++i) {
    const std::size_t colon = arn.find(':');
    if (colon == std::string_view::npos) return {};
    arn.remove_prefix(colon + 1);
  }
  return arn.substr(0, arn.find(':'));
}

}  // namespace

bool in_own_account(const AccessRequest& request) {
  const std::string_view account = request.principal.account;
  return !account.empty() && account == account_of_arn(request.resource);
}

std::string_view account_of_arn(std::string_view arn) {
  return arn_part(arn, 4);
}

std::string_view region_of_arn(std::string_view arn) {
  return arn_part(arn, 3);
}

}  // namespace millrace
