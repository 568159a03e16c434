#include "model/policy_text.h"

#include <algorithm>

#include <boost/json.hpp>

#include "base/limits.h"
#include "model/policy_actions.h"

namespace millrace {

namespace {

namespace json = boost::json;

// Why a text is no policy. SQS does not tell it of a queue's.
ApiError invalid_policy(std::string why) {
  return {ErrorCode::invalid_attribute_value, std::move(why)};
}

ApiError invalid_queue_policy() {
  return invalid_policy("Invalid value for the parameter Policy.");
}

// "8 Actions were found, maximum allowed is 7."
Expected<void> check_count(std::size_t found, std::size_t max, std::string_view what) {
  if (found <= max) return {};
  std::string text = std::to_string(found);
  text.append(" ").append(what).append(" were found, maximum allowed is ");
  text.append(std::to_string(max)).append(".");
  return ApiError(ErrorCode::over_limit, std::move(text));
}

// How many texts a text or an array of texts holds; 0 for anything else.
std::size_t count_texts(const json::value& value) {
  if (value.is_string()) return 1;
  if (!value.is_array()) return 0;
  const json::array& list = value.get_array();
  return std::ranges::all_of(list, [](const json::value& item) { return item.is_string(); })
             ? list.size()
             : 0;
}

// "*", or an object from a kind of principal to a text or texts. 0 when it is neither.
std::size_t count_principals(const json::value& value) {
  if (value.is_string()) return value.get_string() == "*" ? 1 : 0;
  if (!value.is_object()) return 0;
  std::size_t count = 0;
  for (const json::key_value_pair& member : value.get_object()) {
    const std::string_view kind(member.key().data(), member.key().size());
    if (kind != "AWS" && kind != "Service" && kind != "Federated" && kind != "CanonicalUser") {
      return 0;
    }
    const std::size_t texts = count_texts(member.value());
    if (texts == 0) return 0;
    count += texts;
  }
  return count;
}

bool is_condition_value(const json::value& value) {
  const auto is_scalar = [](const json::value& item) {
    return item.is_string() || item.is_bool() || item.is_number();
  };
  if (!value.is_array()) return is_scalar(value);
  return !value.get_array().empty() && std::ranges::all_of(value.get_array(), is_scalar);
}

// {operator: {key: value or values}}: counts the keys.
Expected<std::size_t> count_conditions(const json::value& value) {
  if (!value.is_object()) return invalid_policy("Condition must be an object");
  std::size_t count = 0;
  for (const json::key_value_pair& test : value.get_object()) {
    const std::string name(test.key());
    if (!test.value().is_object()) return invalid_policy(name + " must be an object");
    for (const json::key_value_pair& key : test.value().get_object()) {
      if (!is_condition_value(key.value())) {
        return invalid_policy(std::string(key.key()) + " must have a text, or an array of texts");
      }
      ++count;
    }
  }
  return count;
}

// @param kind the quotas are those on policies of queues, and so is the need of a principal; a
// policy of an identity must name its resources.
Expected<void> check_statement(const json::value& value, PolicyKind kind) {
  if (!value.is_object()) return invalid_policy("it must be an object");
  const auto texts_wanted = [](std::string_view name) {
    return invalid_policy(std::string(name) + " must be a text, or an array of texts");
  };
  std::size_t effects = 0;
  std::size_t principal_fields = 0;
  std::size_t action_fields = 0;
  std::size_t resource_fields = 0;
  for (const json::key_value_pair& member : value.get_object()) {
    const std::string_view name(member.key().data(), member.key().size());
    const json::value& field = member.value();
    Expected<void> checked;
    if (name == "Sid") {
      if (!field.is_string()) return invalid_policy("Sid must be a text");
    } else if (name == "Effect") {
      ++effects;
      if (field != "Allow" && field != "Deny") {
        return invalid_policy("Effect must be Allow or Deny");
      }
    } else if (name == "Principal" || name == "NotPrincipal") {
      ++principal_fields;
      const std::size_t count = count_principals(field);
      if (count == 0) return invalid_policy(std::string(name) + " names nobody");
      checked = check_count(count, limits::kPolicyPrincipalsMax, "Principals");
    } else if (name == "Action" || name == "NotAction") {
      ++action_fields;
      const std::size_t count = count_texts(field);
      if (count == 0) return texts_wanted(name);
      checked = check_count(count, limits::kPolicyActionsMax, "Actions");
    } else if (name == "Resource" || name == "NotResource") {
      ++resource_fields;
      if (count_texts(field) == 0) return texts_wanted(name);
    } else if (name == "Condition") {
      const Expected<std::size_t> count = count_conditions(field);
      if (!count) return count.error();
      checked = check_count(*count, limits::kPolicyConditionsMax, "Conditions");
    } else {
      return invalid_policy("there is no such field: " + std::string(name));
    }
    if (!checked && kind == PolicyKind::queue) return checked;
  }
  const bool for_queue = kind == PolicyKind::queue;
  if (effects != 1) return invalid_policy("it needs an Effect");
  if (for_queue && principal_fields != 1) {
    return invalid_policy("it needs either Principal or NotPrincipal");
  }
  if (!for_queue && principal_fields != 0) {
    return invalid_policy("the policy of an identity is for nobody else, so it has no Principal");
  }
  if (action_fields != 1) return invalid_policy("it needs either Action or NotAction");
  if (resource_fields > 1 || (!for_queue && resource_fields == 0)) {
    return invalid_policy("it needs either Resource or NotResource");
  }
  return {};
}

Expected<json::object> parse_policy(std::string_view text) {
  boost::system::error_code failed;
  json::value policy = json::parse({text.data(), text.size()}, failed);
  if (failed) return invalid_policy("it is not JSON: " + failed.message());
  if (!policy.is_object()) return invalid_policy("it is not a JSON object");
  return std::move(policy.get_object());
}

// The statements of a checked policy, as an array even where the text has a single one.
json::array& statements_of(json::object& policy) {
  json::value& statements = policy["Statement"];
  if (statements.is_object()) statements = json::array{std::move(statements)};
  if (!statements.is_array()) statements = json::array{};
  return statements.get_array();
}

bool has_label(const json::value& statement, std::string_view label) {
  const json::value* sid =
      statement.is_object() ? statement.get_object().if_contains("Sid") : nullptr;
  return sid != nullptr && sid->is_string() &&
         std::string_view(sid->get_string().data(), sid->get_string().size()) == label;
}

bool is_label(std::string_view label) {
  const auto allowed = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '_';
  };
  return label.size() <= limits::kPermissionLabelMax && std::ranges::all_of(label, allowed);
}

Expected<void> check_action(const std::string& action) {
  if (action == "*") return {};
  const auto rows = policy_actions();
  const auto row = std::ranges::find(rows, action, &PolicyActionRow::name);
  if (row != rows.end() && !row->owner_only) return {};
  return invalid_parameter(
      "SQS:" + action, "ActionName",
      row != rows.end() ? "Only the queue owner is allowed to invoke this action."
                        : "Please refer to the appropriate WSDL for a list of valid actions.");
}

// SQS writes one text as it is and several as an array.
json::value one_or_list(json::array texts) {
  if (texts.size() == 1) return std::move(texts[0]);
  return texts;
}

json::object make_statement(const QueueArn& arn, std::string_view label,
                            std::span<const std::string> account_ids,
                            std::span<const std::string> actions) {
  json::array principals;
  for (const std::string& account : account_ids) {
    std::string principal = "arn:";
    principal.append(arn.partition()).append(":iam::").append(account).append(":root");
    principals.emplace_back(principal);
  }
  json::array names;
  for (const std::string& action : actions) names.emplace_back("SQS:" + action);

  json::object statement;
  statement["Sid"] = json::string_view(label.data(), label.size());
  statement["Effect"] = "Allow";
  statement["Principal"] = json::object{{"AWS", one_or_list(std::move(principals))}};
  statement["Action"] = one_or_list(std::move(names));
  statement["Resource"] = arn.text();
  return statement;
}

// read_policy(), with an error that says what is wrong.
Expected<json::object> read_shape(std::string_view text, PolicyKind kind) {
  Expected<json::object> policy = parse_policy(text);
  if (!policy) return policy;
  for (const json::key_value_pair& member : *policy) {
    const std::string_view name(member.key().data(), member.key().size());
    if (name == "Version") {
      if (member.value() != "2012-10-17" && member.value() != "2008-10-17") {
        return invalid_policy("Version must be 2012-10-17 or 2008-10-17");
      }
    } else if (name == "Id") {
      if (!member.value().is_string()) return invalid_policy("Id must be a text");
    } else if (name != "Statement") {
      return invalid_policy("there is no such field: " + std::string(name));
    }
  }
  const json::value* given = policy->if_contains("Statement");
  if (given == nullptr || !(given->is_object() || given->is_array())) {
    return invalid_policy("it needs a Statement, an object or an array of objects");
  }
  const json::array& statements = statements_of(*policy);
  if (statements.empty()) return invalid_policy("it has no statement");
  if (kind == PolicyKind::queue) {
    const Expected<void> checked =
        check_count(statements.size(), limits::kPolicyStatementsMax, "Statements");
    if (!checked) return checked.error();
  }
  for (std::size_t i = 0; i < statements.size(); ++i) {
    const Expected<void> checked = check_statement(statements[i], kind);
    if (checked) continue;
    const ApiError error = checked.error();
    if (error.code() != ErrorCode::invalid_attribute_value) return error;
    return invalid_policy("Statement " + std::to_string(i + 1) + ": " + error.message());
  }
  return policy;
}

}  // namespace

Expected<json::object> read_policy(std::string_view text, PolicyKind kind) {
  if (kind == PolicyKind::identity) return read_shape(text, kind);
  if (text.size() > limits::kPolicyBytesMax) return invalid_queue_policy();
  Expected<json::object> policy = read_shape(text, kind);
  if (!policy && policy.error().code() == ErrorCode::invalid_attribute_value) {
    return invalid_queue_policy();
  }
  return policy;
}

Expected<void> check_policy(std::string_view text) {
  const Expected<json::object> policy = read_policy(text, PolicyKind::queue);
  if (!policy) return policy.error();
  return {};
}

Expected<std::string> add_permission(std::string_view policy, const QueueArn& arn,
                                     std::string_view label,
                                     std::span<const std::string> account_ids,
                                     std::span<const std::string> actions) {
  if (label.empty()) return missing_parameter("Label");
  if (account_ids.empty()) return missing_parameter("AWSAccountIds");
  if (actions.empty()) return missing_parameter("ActionName");
  if (!is_label(label)) {
    return invalid_parameter(
        label, "Label",
        "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length");
  }
  if (const Expected<void> checked =
          check_count(actions.size(), limits::kPolicyActionsMax, "Actions");
      !checked) {
    return checked.error();
  }
  for (const std::string& action : actions) {
    if (const Expected<void> checked = check_action(action); !checked) return checked.error();
  }
  for (const std::string& account : account_ids) {
    if (!AccountId::parse(account)) {
      return invalid_parameter(account, "PrincipalId", "Unable to verify.");
    }
  }

  json::object document{{"Version", "2008-10-17"}, {"Id", arn.text() + "/SQSDefaultPolicy"}};
  if (!policy.empty()) {
    Expected<json::object> parsed = parse_policy(policy);
    if (!parsed) return invalid_queue_policy();
    document = std::move(*parsed);
  }
  json::array& statements = statements_of(document);
  const auto same_label = [&](const json::value& statement) { return has_label(statement, label); };
  if (std::ranges::any_of(statements, same_label)) {
    return invalid_parameter(label, "Label", "Already exists.");
  }
  statements.emplace_back(make_statement(arn, label, account_ids, actions));
  std::string text = json::serialize(document);
  if (const Expected<void> checked = check_policy(text); !checked) return checked.error();
  return text;
}

Expected<std::string> remove_permission(std::string_view policy, std::string_view label) {
  if (label.empty()) return missing_parameter("Label");
  const ApiError unknown = invalid_parameter(label, "Label", "can't find label.");
  if (policy.empty()) return unknown;
  Expected<json::object> document = parse_policy(policy);
  if (!document) return invalid_queue_policy();
  json::array& statements = statements_of(*document);
  const auto same_label = [&](const json::value& statement) { return has_label(statement, label); };
  const auto* const found = std::ranges::find_if(statements, same_label);
  if (found == statements.end()) return unknown;
  statements.erase(found);
  if (statements.empty()) return std::string();
  return std::string(json::serialize(*document));
}

}  // namespace millrace
