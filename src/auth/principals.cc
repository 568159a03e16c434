#include "auth/principals.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "model/names.h"

namespace millrace {

namespace {

namespace json = boost::json;

bool is_upper_or_digit(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// The id of a user (AIDA…) or role (AROA…), which IAM leaves in a policy in place of an ARN when
// the principal is deleted.
bool is_unique_id(std::string_view text) {
  return (text.starts_with("AIDA") || text.starts_with("AROA")) && text.size() >= 16 &&
         std::ranges::all_of(text, is_upper_or_digit);
}

bool is_service_name(std::string_view text) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  };
  return text.find('.') != std::string_view::npos && std::ranges::all_of(text, allowed);
}

// Takes what stands before the first `separator` off `text`, and the separator.
std::string_view take_part(std::string_view& text, char separator) {
  const std::size_t end = text.find(separator);
  const std::string_view part = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return part;
}

struct PrincipalArn {
  std::string_view account;
  bool root;
};

// arn:<partition>:iam::<account>:root, :user/… or :role/…, or
// arn:<partition>:sts::<account>:assumed-role/<role>/<session> or :federated-user/<name>.
std::optional<PrincipalArn> parse_arn(std::string_view text) {
  if (text.find_first_of("*?") != std::string_view::npos) return std::nullopt;
  if (take_part(text, ':') != "arn") return std::nullopt;
  const std::string_view partition = take_part(text, ':');
  if (partition != "aws" && partition != "aws-cn" && partition != "aws-us-gov") return std::nullopt;
  const std::string_view service = take_part(text, ':');
  if (!take_part(text, ':').empty()) return std::nullopt;
  const std::string_view account = take_part(text, ':');
  if (!AccountId::parse(account)) return std::nullopt;
  if (service == "iam" && text == "root") return PrincipalArn{account, true};
  const std::string_view type = take_part(text, '/');
  if (text.empty() || text.ends_with('/')) return std::nullopt;
  const bool iam = service == "iam" && (type == "user" || type == "role");
  const bool session =
      service == "sts" && type == "assumed-role" && text.find('/') != std::string_view::npos;
  const bool federated = service == "sts" && type == "federated-user";
  if (!iam && !session && !federated) return std::nullopt;
  return PrincipalArn{account, false};
}

}  // namespace

std::optional<PrincipalList::Entry> PrincipalList::entry_of(std::string_view type,
                                                            std::string_view text) {
  if (type == "Service") {
    if (!is_service_name(text)) return std::nullopt;
    return Entry{Kind::service, std::string(text)};
  }
  if (type != "AWS") return Entry{Kind::nobody, {}};
  if (text == "*") return Entry{Kind::everybody, {}};
  if (AccountId::parse(text)) return Entry{Kind::account, std::string(text)};
  if (is_unique_id(text)) return Entry{Kind::unique_id, std::string(text)};
  const std::optional<PrincipalArn> arn = parse_arn(text);
  if (!arn) return std::nullopt;
  if (arn->root) return Entry{Kind::account, std::string(arn->account)};
  return Entry{Kind::arn, std::string(text)};
}

Expected<PrincipalList> PrincipalList::parse(const json::value& value) {
  PrincipalList list;
  if (value.is_string()) {  // "*": no other text has the shape of a policy
    list.entries_.push_back({Kind::everybody, {}});
    return list;
  }
  const auto add = [&](std::string_view type, const json::value& given) -> Expected<void> {
    const std::string_view text(given.get_string());
    std::optional<Entry> entry = entry_of(type, text);
    if (!entry) {
      return ApiError(ErrorCode::invalid_attribute_value,
                      "Invalid principal: " + std::string(text));
    }
    list.entries_.push_back(std::move(*entry));
    return {};
  };
  for (const json::key_value_pair& member : value.get_object()) {
    const std::string_view type(member.key());
    if (!member.value().is_array()) {
      const Expected<void> added = add(type, member.value());
      if (!added) return added.error();
      continue;
    }
    for (const json::value& text : member.value().get_array()) {
      const Expected<void> added = add(type, text);
      if (!added) return added.error();
    }
  }
  return list;
}

bool PrincipalList::is_named(const Entry& entry, const Principal& principal,
                             bool accounts_cover_members) {
  switch (entry.kind) {
    case Kind::everybody:
      return true;
    case Kind::account:
      return principal.account == entry.text &&
             (accounts_cover_members || principal.kind == PrincipalKind::root);
    case Kind::arn:
      return entry.text == principal.arn || entry.text == principal.role_arn;
    case Kind::unique_id:  // of a role's session the id of the role comes first
      return principal.id.substr(0, principal.id.find(':')) == entry.text;
    case Kind::service:
      return principal.kind == PrincipalKind::service && principal.name == entry.text;
    case Kind::nobody:
      break;
  }
  return false;
}

bool PrincipalList::names(const Principal& principal, bool accounts_cover_members) const {
  return std::ranges::any_of(entries_, [&](const Entry& entry) {
    return is_named(entry, principal, accounts_cover_members);
  });
}

}  // namespace millrace
