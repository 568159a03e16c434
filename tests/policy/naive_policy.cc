#include "policy/naive_policy.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <optional>
#include <set>
#include <vector>

#include <boost/json.hpp>

#include "base/encoding.h"

namespace millrace::policy_tests {

namespace {

namespace json = boost::json;
using Texts = std::vector<std::string>;

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

Texts texts_of(const json::value& value) {
  Texts texts;
  const auto add = [&](const json::value& one) {
    texts.push_back(one.is_string() ? std::string(one.get_string()) : json::serialize(one));
  };
  if (value.is_array()) {
    for (const json::value& one : value.get_array()) add(one);
  } else {
    add(value);
  }
  return texts;
}

Texts split(std::string text, char separator, std::size_t parts_max) {
  Texts parts;
  while (parts.size() + 1 < parts_max && text.find(separator) != std::string::npos) {
    parts.push_back(text.substr(0, text.find(separator)));
    text.erase(0, text.find(separator) + 1);
  }
  parts.push_back(text);
  return parts;
}

// Wildcards and variables are code points of their own until they are matched: a text that stands
// for itself cannot hold them.
constexpr char kRun = '\x01';
constexpr char kOne = '\x02';

bool glob(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern[0] == kRun) {
    return glob(pattern.substr(1), text) || (!text.empty() && glob(pattern, text.substr(1)));
  }
  return !text.empty() && (pattern[0] == kOne || pattern[0] == text[0]) &&
         glob(pattern.substr(1), text.substr(1));
}

struct Evaluation {
  const AccessRequest& request;
  const Context& context;
  bool variables = false;

  std::optional<Texts> values_of(const std::string& key) const {
    const auto found = context.find(lower(key));
    if (found == context.end()) return std::nullopt;
    return found->second;
  }

  // Nothing when a variable has no value.
  std::optional<std::string> expand(const std::string& text, bool wildcards) const {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (variables && text.compare(i, 2, "${") == 0) {
        const std::size_t end = text.find('}', i);
        const std::string inside = text.substr(i + 2, end - i - 2);
        i = end;
        if (inside == "*" || inside == "?" || inside == "$") {
          out += inside;
          continue;
        }
        const std::size_t comma = inside.find(',');
        const std::optional<Texts> values = values_of(inside.substr(0, comma));
        if (values && values->size() == 1) {
          out += values->front();
        } else if (comma != std::string::npos) {
          const std::size_t open = inside.find('\'');
          out += inside.substr(open + 1, inside.rfind('\'') - open - 1);
        } else {
          return std::nullopt;
        }
      } else if (wildcards && text[i] == '*') {
        out += kRun;
      } else if (wildcards && text[i] == '?') {
        out += kOne;
      } else {
        out += text[i];
      }
    }
    return out;
  }

  bool like(const std::string& pattern, const std::string& text, bool wildcards) const {
    const std::optional<std::string> expanded = expand(pattern, wildcards);
    return expanded && glob(*expanded, text);
  }

  bool arn_like(const std::string& pattern, const std::string& arn) const {
    if (pattern == "*") return true;
    const std::optional<std::string> expanded = expand(pattern, true);
    if (!expanded) return false;
    const Texts wanted = split(*expanded, ':', 6);
    const Texts given = split(arn, ':', 6);
    if (given.size() != 6) return false;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      if (!glob(wanted[i], given[i])) return false;
    }
    return true;
  }

  static std::optional<double> number_of(const std::string& text) {
    char* end = nullptr;
    const double number = std::strtod(text.c_str(), &end);
    if (text.empty() || *end != '\0') return std::nullopt;
    return number;
  }

  // The dates of the tests have whole seconds, in UTC.
  static std::optional<double> date_of(const std::string& text) {
    if (const std::optional<double> seconds = number_of(text); seconds && text.size() > 4) {
      return seconds;
    }
    std::tm parts{};
    parts.tm_mday = 1;
    for (const char* format : {"%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%MZ", "%Y-%m-%d", "%Y"}) {
      std::tm read = parts;
      const char* const end = strptime(text.c_str(), format, &read);
      if (end != nullptr && *end == '\0') return static_cast<double>(timegm(&read));
    }
    return std::nullopt;
  }

  static std::string bits_of_address(const std::string& text) {
    std::uint8_t bytes[16];
    std::size_t size = 0;
    if (inet_pton(AF_INET, text.c_str(), bytes) == 1) size = 4;
    if (size == 0 && inet_pton(AF_INET6, text.c_str(), bytes) == 1) size = 16;
    std::string bits(size == 4 ? "v4" : "v6");
    for (std::size_t i = 0; i < size * 8; ++i) {
      bits += (bytes[i / 8] >> (7 - i % 8) & 1) != 0 ? '1' : '0';
    }
    return size == 0 ? "" : bits;
  }

  static bool in_block(const std::string& block, const std::string& address) {
    const Texts parts = split(block, '/', 2);
    std::string start = bits_of_address(parts[0]);
    const std::string given = bits_of_address(address);
    if (parts.size() == 2) start.resize(2 + std::stoul(parts[1]));
    return !given.empty() && given.compare(0, start.size(), start) == 0;
  }

  bool compare(const std::string& op, const std::string& wanted, const std::string& given) const {
    if (op == "stringequals") return like(wanted, given, false);
    if (op == "stringequalsignorecase") {
      const std::optional<std::string> expanded = expand(wanted, false);
      return expanded && lower(*expanded) == lower(given);
    }
    if (op == "stringlike") return like(wanted, given, true);
    if (op == "arnequals" || op == "arnlike") return arn_like(wanted, given);
    if (op == "bool") return lower(wanted) == lower(given);
    if (op == "binaryequals") return from_base64(wanted) == given;
    if (op == "ipaddress") return in_block(wanted, given);
    const bool date = op.starts_with("date");
    const std::optional<double> a = date ? date_of(given) : number_of(given);
    const std::optional<double> b = date ? date_of(wanted) : number_of(wanted);
    if (!a || !b) return false;
    if (op.ends_with("lessthan")) return *a < *b;
    if (op.ends_with("lessthanequals")) return *a <= *b;
    if (op.ends_with("greaterthan")) return *a > *b;
    if (op.ends_with("greaterthanequals")) return *a >= *b;
    return *a == *b;
  }

  bool holds(std::string op, const std::string& key, const json::value& policy_values) const {
    op = lower(op);
    const Texts wanted = texts_of(policy_values);
    const std::optional<Texts> given = values_of(key);
    if (op == "null") {
      return std::ranges::any_of(
          wanted, [&](const std::string& text) { return (lower(text) == "true") == !given; });
    }
    std::string quantifier;
    if (const std::size_t colon = op.find(':'); colon != std::string::npos) {
      quantifier = op.substr(0, colon);
      op.erase(0, colon + 1);
    }
    bool if_exists = false;
    if (op.ends_with("ifexists")) {
      if_exists = true;
      op.resize(op.size() - 8);
    }
    bool negated = false;
    if (const std::size_t no = op.find("not"); no != std::string::npos) {
      negated = true;
      op.erase(no, 3);
    }
    if (!given) {
      if (if_exists || quantifier == "forallvalues") return true;
      return quantifier.empty() && negated;
    }
    std::size_t good = 0;
    for (const std::string& value : *given) {
      const bool matched = std::ranges::any_of(
          wanted, [&](const std::string& text) { return compare(op, text, value); });
      if (matched != negated) ++good;
    }
    const bool all = quantifier == "forallvalues" || (quantifier.empty() && negated);
    return all ? good == given->size() : good > 0;
  }

  bool names_caller(const json::value& principals, bool accounts_cover_members) const {
    if (principals.is_string()) return true;
    const Principal& caller = request.principal;
    for (const json::key_value_pair& member : principals.get_object()) {
      for (const std::string& text : texts_of(member.value())) {
        if (member.key() == "Service") {
          if (caller.kind == PrincipalKind::service && caller.name == text) return true;
          continue;
        }
        if (member.key() != "AWS") continue;
        if (text == "*") return true;
        const std::string account(caller.account);
        const bool names_account =
            !account.empty() && (text == account || text == "arn:aws:iam::" + account + ":root");
        if (names_account && (accounts_cover_members || caller.kind == PrincipalKind::root)) {
          return true;
        }
        if (!names_account && (text == caller.arn || text == caller.role_arn)) return true;
        if (!caller.id.empty() && text.starts_with("A") &&
            text == split(std::string(caller.id), ':', 2)[0]) {
          return true;
        }
      }
    }
    return false;
  }

  bool applies(const json::object& statement) const {
    const bool allow = statement.at("Effect") == "Allow";
    const bool own = request.principal.account == "111122223333";
    if (const json::value* named = statement.if_contains("Principal"); named != nullptr) {
      if (!names_caller(*named, !allow || !own)) return false;
    }
    if (const json::value* spared = statement.if_contains("NotPrincipal"); spared != nullptr) {
      if (names_caller(*spared, allow)) return false;
    }
    const std::string action = "sqs:" + std::string(policy_action_row(request.action).name);
    const auto is_action = [&](const json::value& field) {
      return std::ranges::any_of(texts_of(field), [&](std::string text) {
        std::ranges::replace(text, '*', kRun);
        std::ranges::replace(text, '?', kOne);
        return glob(lower(text), lower(action));
      });
    };
    if (const json::value* field = statement.if_contains("Action"); field != nullptr) {
      if (!is_action(*field)) return false;
    }
    if (const json::value* field = statement.if_contains("NotAction"); field != nullptr) {
      if (is_action(*field)) return false;
    }
    const auto is_resource = [&](const json::value& field) {
      return std::ranges::any_of(texts_of(field), [&](const std::string& text) {
        return arn_like(text, std::string(request.resource));
      });
    };
    if (const json::value* field = statement.if_contains("Resource"); field != nullptr) {
      if (!is_resource(*field)) return false;
    }
    if (const json::value* field = statement.if_contains("NotResource"); field != nullptr) {
      if (is_resource(*field)) return false;
    }
    const json::value* conditions = statement.if_contains("Condition");
    if (conditions == nullptr) return true;
    for (const json::key_value_pair& op : conditions->get_object()) {
      for (const json::key_value_pair& key : op.value().get_object()) {
        if (!holds(std::string(op.key()), std::string(key.key()), key.value())) return false;
      }
    }
    return true;
  }
};

struct Found {
  int allow = 0;  // number of the first statement that applies, or 0
  int deny = 0;
};

Found find_statements(const json::value& policy, const AccessRequest& request,
                      const Context& context) {
  Found found;
  if (policy.is_null()) return found;
  const json::object& object = policy.get_object();
  const json::value* version = object.if_contains("Version");
  const Evaluation evaluation{request, context, version != nullptr && *version == "2012-10-17"};
  int number = 0;
  for (const json::value& statement : object.at("Statement").get_array()) {
    ++number;
    if (!evaluation.applies(statement.get_object())) continue;
    int& first = statement.at("Effect") == "Allow" ? found.allow : found.deny;
    if (first == 0) first = number;
  }
  return found;
}

}  // namespace

std::string decide_naively(const std::vector<json::value>& identity, const json::value& queue,
                           const AccessRequest& request, const Context& context) {
  std::string identity_denies;
  std::string identity_allows;
  for (std::size_t i = 0; i < identity.size(); ++i) {
    const Found found = find_statements(identity[i], request, context);
    const std::string policy = i == 0 ? "" : " of policy " + std::to_string(i + 1);
    if (identity_denies.empty() && found.deny > 0) {
      identity_denies = "denied by identity " + std::to_string(found.deny) + policy;
    }
    if (identity_allows.empty() && found.allow > 0) {
      identity_allows = "allowed by identity " + std::to_string(found.allow) + policy;
    }
  }
  const Found in_queue = find_statements(queue, request, context);
  const bool own = request.principal.account == "111122223333";
  const bool root = request.principal.kind == PrincipalKind::root;
  const bool iam = !request.principal.account.empty();
  static const std::set<PolicyAction> kUnlocking = {
      PolicyAction::get_queue_attributes, PolicyAction::set_queue_attributes,
      PolicyAction::get_queue_url, PolicyAction::list_queues};
  if (!identity_denies.empty()) return identity_denies;
  if (in_queue.deny > 0 && !(own && root && kUnlocking.contains(request.action))) {
    return "denied by queue " + std::to_string(in_queue.deny);
  }
  const std::string by_queue = "allowed by queue " + std::to_string(in_queue.allow);
  if (own && root) return "allowed as root";
  if (own && !identity_allows.empty()) return identity_allows;
  if (own && in_queue.allow > 0) return by_queue;
  if (own) return "no identity";
  if (policy_action_row(request.action).owner_only) return "owner only";
  if (iam && !root && identity_allows.empty()) return "no identity";
  return in_queue.allow > 0 ? by_queue : "no queue";
}

}  // namespace millrace::policy_tests
