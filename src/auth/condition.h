// Condition: one key of a statement's Condition under one operator, compiled.
//
// THE TABLE OF CONDITION OPERATORS is in condition.cc. (IAM User Guide, "Condition operators" and
// "Single-valued vs. multivalued context keys".) What decides where a key is absent:
//
//   plain, positive                false           StringEquals, Bool, IpAddress …
//   plain, negated                 true            StringNotEquals, NotIpAddress …
//   …IfExists                      true
//   ForAllValues:                  true
//   ForAnyValue:                   false, with …IfExists true
//   Null                           true for "true"
//
// A negated operator with several texts holds when none of them matches. On a key of several values
// a plain operator asks what ForAnyValue: does, and a negated one that no value matches.
// Immutable; any thread; evaluating allocates nothing.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <boost/json/value.hpp>

#include "auth/address_range.h"
#include "auth/context_key.h"
#include "auth/pattern.h"
#include "base/error.h"

namespace millrace {

struct ConditionOperator;

class Condition {
 public:
  /// @param operator_name as the policy has it, with its prefix and suffix; in any case.
  /// @param values a text, number or truth value, or an array of them, not empty.
  /// @param variables whether the policy's version has policy variables.
  /// @return InvalidAttributeValue saying in its text what is wrong.
  static Expected<Condition> parse(std::string_view operator_name, std::string_view key,
                                   const boost::json::value& values, bool variables);

  bool holds(const AccessRequest& request) const;

 private:
  enum class Quantifier { none, any_value, all_values };
  // What a text of the policy became: by the kind of its operator.
  using Operand =
      std::variant<Pattern, ArnPattern, double, Timestamp, bool, AddressRange, std::string>;

  explicit Condition(std::string_view key) : key_(key) {}
  static std::optional<Operand> operand_of(const ConditionOperator& row, const std::string& text,
                                           bool variables);
  bool matches(std::string_view value, const AccessRequest& request) const;

  const ConditionOperator* operator_ = nullptr;
  Quantifier quantifier_ = Quantifier::none;
  bool if_exists_ = false;
  ContextKey key_;
  std::vector<Operand> operands_;
};

}  // namespace millrace
