#include "auth/policy.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include <boost/json.hpp>

#include "auth/condition.h"
#include "auth/pattern.h"
#include "auth/principals.h"
#include "base/ascii.h"
#include "model/policy_text.h"

namespace millrace {

namespace {

namespace json = boost::json;

// A set of actions: one bit for each.
using ActionSet = std::uint32_t;

ActionSet bit_of(PolicyAction action) {
  return ActionSet{1} << static_cast<unsigned>(action);
}

ApiError fault(std::string text) {
  return {ErrorCode::invalid_attribute_value, std::move(text)};
}

// Calls `visit(std::string_view)` for a text, or for each text of an array, until it returns an
// error.
template <class Visit>
Expected<void> for_each_text(const json::value& value, Visit&& visit) {
  if (value.is_string()) return visit(std::string_view(value.get_string()));
  for (const json::value& text : value.get_array()) {
    const Expected<void> visited = visit(std::string_view(text.get_string()));
    if (!visited) return visited;
  }
  return {};
}

}  // namespace

struct Policy::Statement {
  std::string sid;
  bool allows = false;
  bool for_queue = false;  // of a queue's policy: it has principals
  bool not_principal = false;
  bool not_resource = false;
  ActionSet actions = 0;  // those of NotAction are taken off already
  PrincipalList principals;
  std::vector<ArnPattern> resources;
  std::vector<Condition> conditions;

  bool is_about(std::string_view resource, const AccessRequest& request) const {
    const bool named = std::ranges::any_of(
        resources, [&](const ArnPattern& pattern) { return pattern.matches(resource, request); });
    return named != not_resource;
  }

  bool is_for(const AccessRequest& request) const {
    if (!for_queue) return true;
    const Principal& principal = request.principal;
    const bool accounts_cover_members =
        allows ? not_principal || !in_own_account(request) : !not_principal;
    return principals.names(principal, accounts_cover_members) != not_principal;
  }

  bool applies_to(const AccessRequest& request) const {
    return (actions & bit_of(request.action)) != 0 && is_for(request) &&
           is_about(request.resource, request) &&
           std::ranges::all_of(
               conditions, [&](const Condition& condition) { return condition.holds(request); });
  }
};

// Makes statements of what read_policy() has found to be of the right shape.
class Policy::Compiler {
 public:
  Compiler(PolicyKind kind, const json::object& policy) : kind_(kind), policy_(policy) {
    const json::value* const version = policy.if_contains("Version");
    variables_ = version != nullptr && *version == "2012-10-17";
  }

  Expected<Policy> compile() const {
    std::vector<Statement> statements;
    for (const json::value& value : policy_.at("Statement").get_array()) {
      Expected<Statement> statement = compile_statement(value.get_object());
      if (!statement) {
        return fault("Statement " + std::to_string(statements.size() + 1) + ": " +
                     statement.error().message());
      }
      statements.push_back(std::move(*statement));
    }
    return Policy(std::move(statements));
  }

 private:
  Expected<Statement> compile_statement(const json::object& given) const {
    Statement statement;
    statement.for_queue = kind_ == PolicyKind::queue;
    statement.not_resource = true;  // without a Resource a statement is about all but nothing
    for (const json::key_value_pair& member : given) {
      const std::string_view name(member.key());
      const json::value& field = member.value();
      Expected<void> compiled;
      if (name == "Sid") {
        statement.sid = field.get_string();
      } else if (name == "Effect") {
        statement.allows = field == "Allow";
      } else if (name == "Principal" || name == "NotPrincipal") {
        statement.not_principal = name == "NotPrincipal";
        Expected<PrincipalList> principals = PrincipalList::parse(field);
        if (!principals) return principals.error();
        statement.principals = std::move(*principals);
      } else if (name == "Action" || name == "NotAction") {
        compiled = add_actions(field, statement);
        if (name == "NotAction") statement.actions = ~statement.actions;
      } else if (name == "Resource" || name == "NotResource") {
        statement.not_resource = name == "NotResource";
        compiled = add_resources(field, statement);
      } else {
        compiled = add_conditions(field.get_object(), statement);
      }
      if (!compiled) return compiled.error();
    }
    return statement;
  }

  Expected<void> add_actions(const json::value& field, Statement& statement) const {
    return for_each_text(field, [&](std::string_view text) -> Expected<void> {
      const std::size_t colon = text.find(':');
      const std::string_view service = text.substr(0, colon);
      const bool everything = text == "*";
      const bool of_sqs = everything || equal_ignoring_case(service, "sqs");
      if ((colon == std::string_view::npos && !everything) ||
          (kind_ == PolicyKind::queue && !of_sqs)) {
        return fault("Invalid action: " + std::string(text));
      }
      const std::string_view name = everything ? text : text.substr(colon + 1);
      const Pattern pattern = *Pattern::parse(name, {.wildcards = true, .variables = false});
      for (const auto rows : {policy_actions(), server_policy_actions()}) {
        for (const PolicyActionRow& row : rows) {
          const bool meant = everything || equal_ignoring_case(service, row.service);
          if (meant && pattern.matches_ignoring_case(row.name, {})) {
            statement.actions |= bit_of(row.action);
          }
        }
      }
      return {};
    });
  }

  Expected<void> add_resources(const json::value& field, Statement& statement) const {
    using enum ArnPattern::Variables;
    return for_each_text(field, [&](std::string_view text) -> Expected<void> {
      std::optional<ArnPattern> pattern = ArnPattern::parse(text, variables_ ? in_last_part : none);
      if (!pattern) return fault("Invalid resource: " + std::string(text));
      statement.resources.push_back(std::move(*pattern));
      return {};
    });
  }

  Expected<void> add_conditions(const json::object& field, Statement& statement) const {
    for (const json::key_value_pair& test : field) {
      for (const json::key_value_pair& key : test.value().get_object()) {
        Expected<Condition> condition =
            Condition::parse(test.key(), key.key(), key.value(), variables_);
        if (!condition) return condition.error();
        statement.conditions.push_back(std::move(*condition));
      }
    }
    return {};
  }

  PolicyKind kind_;
  const json::object& policy_;
  bool variables_ = false;
};

Policy::Policy(std::vector<Statement> statements) : statements_(std::move(statements)) {}
Policy::Policy(Policy&&) noexcept = default;
Policy& Policy::operator=(Policy&&) noexcept = default;
Policy::~Policy() = default;

Expected<Policy> Policy::of_queue(std::string_view text, const QueueArn& arn) {
  const Expected<json::object> read = read_policy(text, PolicyKind::queue);
  if (!read) return read.error();
  Expected<Policy> policy = Compiler(PolicyKind::queue, *read).compile();
  const ApiError invalid = fault("Invalid value for the parameter Policy.");
  if (!policy) return invalid;
  // A variable in a Resource can become anything, so it is no reason to refuse.
  const std::string name = arn.text();
  const auto may_be_about = [&](const Statement& statement) {
    return statement.is_about(name, {}) ||
           std::ranges::any_of(statement.resources, &ArnPattern::has_variables);
  };
  if (std::ranges::none_of(policy->statements_, may_be_about)) return invalid;
  return policy;
}

Expected<Policy> Policy::of_identity(std::string_view text) {
  const Expected<json::object> read = read_policy(text, PolicyKind::identity);
  if (!read) return read.error();
  return Compiler(PolicyKind::identity, *read).compile();
}

std::optional<AppliedStatement> Policy::evaluate(const AccessRequest& request) const {
  std::optional<AppliedStatement> allowing;
  for (std::size_t i = 0; i < statements_.size(); ++i) {
    const Statement& statement = statements_[i];
    if ((statement.allows && allowing) || !statement.applies_to(request)) continue;
    const AppliedStatement applied{statement.allows, i, statement.sid};
    if (!statement.allows) return applied;
    allowing = applied;
  }
  return allowing;
}

}  // namespace millrace
