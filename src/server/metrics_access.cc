#include "server/metrics_access.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "base/encoding.h"
#include "server/private_file.h"

namespace millrace {

namespace {

constexpr std::string_view kScheme = "Bearer ";

std::vector<std::string> ranges_in_force(const std::vector<std::string>& ranges, bool has_token) {
  if (!ranges.empty()) return ranges;
  if (has_token) return {"0.0.0.0/0", "::/0"};
  return {"127.0.0.0/8", "::1"};
}

bool fits_in_field(std::string_view token) {
  return !token.empty() &&
         std::ranges::all_of(token, [](char letter) { return letter > ' ' && letter < '\x7f'; });
}

}  // namespace

MetricsAccess::MetricsAccess(const std::vector<std::string>& ranges, std::string token)
    : token_(std::move(token)) {
  for (const std::string& text : ranges_in_force(ranges, !token_.empty())) {
    ranges_.push_back(AddressRange::parse(text).value());
  }
}

StartResult<MetricsAccess> MetricsAccess::open(const std::vector<std::string>& ranges,
                                               const std::string& token_file) {
  if (token_file.empty()) return MetricsAccess(ranges, {});
  StartResult<std::string> token = read_private_file(token_file, "the token for metrics");
  if (!token) return token.error();
  while (token->ends_with('\n') || token->ends_with('\r')) token->pop_back();
  if (!fits_in_field(*token)) {
    return StartError(token_file +
                      ": must hold the token for metrics on one line, of visible ASCII characters");
  }
  return MetricsAccess(ranges, std::move(*token));
}

bool MetricsAccess::contains(std::string_view address) const {
  const std::optional<IpAddress> parsed = IpAddress::parse(address);
  return parsed && std::ranges::any_of(
                       ranges_, [&](const AddressRange& range) { return range.contains(*parsed); });
}

MetricsAccess::Answer MetricsAccess::check(const HttpRequest& request, const Origin& origin) const {
  if (!token_.empty()) {
    const std::string_view field = request.field("authorization");
    if (!field.starts_with(kScheme) || !equal_constant_time(field.substr(kScheme.size()), token_)) {
      return Answer::no_token;
    }
  }
  const bool forwarded = request.has_field("x-forwarded-for") || request.has_field("forwarded");
  const bool unknown = forwarded && origin.address == request.remote_address && token_.empty();
  return !unknown && contains(origin.address) ? Answer::yes : Answer::no_address;
}

}  // namespace millrace
