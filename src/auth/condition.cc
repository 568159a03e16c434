#include "auth/condition.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <compare>
#include <optional>

#include <boost/json/serialize.hpp>

#include "auth/date_text.h"
#include "base/ascii.h"
#include "base/encoding.h"

namespace millrace {

// How a value of the request is compared with one of the policy.
enum class Comparison { text, any_case, number, date, truth, binary, address, arn, absence };

struct ConditionOperator {
  std::string_view name;
  Comparison comparison;
  bool negated = false;
  bool wildcards = false;                            // of texts
  bool (*ordered)(std::partial_ordering) = nullptr;  // of numbers and dates
};

namespace {

namespace json = boost::json;
using enum Comparison;

// THE TABLE OF CONDITION OPERATORS. Before a name may stand ForAllValues: or ForAnyValue:, behind
// it IfExists; neither with Null.
constexpr ConditionOperator kOperators[] = {
    {"StringEquals", text},
    {"StringNotEquals", text, true},
    {"StringEqualsIgnoreCase", any_case},
    {"StringNotEqualsIgnoreCase", any_case, true},
    {"StringLike", text, false, true},
    {"StringNotLike", text, true, true},
    {"NumericEquals", number, false, false, std::is_eq},
    {"NumericNotEquals", number, true, false, std::is_eq},
    {"NumericLessThan", number, false, false, std::is_lt},
    {"NumericLessThanEquals", number, false, false, std::is_lteq},
    {"NumericGreaterThan", number, false, false, std::is_gt},
    {"NumericGreaterThanEquals", number, false, false, std::is_gteq},
    {"DateEquals", date, false, false, std::is_eq},
    {"DateNotEquals", date, true, false, std::is_eq},
    {"DateLessThan", date, false, false, std::is_lt},
    {"DateLessThanEquals", date, false, false, std::is_lteq},
    {"DateGreaterThan", date, false, false, std::is_gt},
    {"DateGreaterThanEquals", date, false, false, std::is_gteq},
    {"Bool", truth},
    {"BinaryEquals", binary},
    {"IpAddress", address},
    {"NotIpAddress", address, true},
    {"ArnEquals", arn},
    {"ArnNotEquals", arn, true},
    {"ArnLike", arn},
    {"ArnNotLike", arn, true},
    {"Null", absence},
};

const ConditionOperator* find_operator(std::string_view name) {
  const auto* const found = std::ranges::find_if(
      kOperators, [&](const auto& row) { return equal_ignoring_case(row.name, name); });
  return found == std::end(kOperators) ? nullptr : found;
}

// Takes `word` off the start of `name`, in any case. @return whether it was there.
bool take_prefix(std::string_view& name, std::string_view word) {
  if (!equal_ignoring_case(name.substr(0, word.size()), word)) return false;
  name.remove_prefix(word.size());
  return true;
}

bool take_suffix(std::string_view& name, std::string_view word) {
  if (name.size() < word.size() ||
      !equal_ignoring_case(name.substr(name.size() - word.size()), word)) {
    return false;
  }
  name.remove_suffix(word.size());
  return true;
}

std::optional<double> parse_number(std::string_view text) {
  double number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, failed] = std::from_chars(text.data(), end, number);
  if (failed != std::errc() || rest != end || !std::isfinite(number)) return std::nullopt;
  return number;
}

std::optional<bool> parse_truth(std::string_view text) {
  if (equal_ignoring_case(text, "true")) return true;
  if (equal_ignoring_case(text, "false")) return false;
  return std::nullopt;
}

// A value of the policy as the text that a client would have written for it.
std::string text_of(const json::value& value) {
  if (value.is_string()) return std::string(value.get_string());
  if (value.is_double()) {
    std::array<char, 32> digits;
    const auto end =
        std::to_chars(digits.data(), digits.data() + digits.size(), value.get_double()).ptr;
    return {digits.data(), end};
  }
  return json::serialize(value);
}

template <class T, class Result>
std::optional<Result> as(std::optional<T> parsed) {
  if (!parsed) return std::nullopt;
  return Result(std::move(*parsed));
}

ApiError fault(std::string_view what, std::string_view text) {
  std::string message(what);
  message.append(": ").append(text);
  return {ErrorCode::invalid_attribute_value, std::move(message)};
}

}  // namespace

std::optional<Condition::Operand> Condition::operand_of(const ConditionOperator& row,
                                                        const std::string& text, bool variables) {
  switch (row.comparison) {
    case Comparison::text:
    case any_case:
      return as<Pattern, Operand>(
          Pattern::parse(text, {.wildcards = row.wildcards, .variables = variables}));
    case arn: {
      using enum ArnPattern::Variables;
      return as<ArnPattern, Operand>(ArnPattern::parse(text, variables ? in_every_part : none));
    }
    case number:
      return as<double, Operand>(parse_number(text));
    case date:
      return as<Timestamp, Operand>(parse_date_text(text));
    case truth:
    case absence:
      return as<bool, Operand>(parse_truth(text));
    case binary:
      return as<std::string, Operand>(from_base64(text));
    case address:
      return as<AddressRange, Operand>(AddressRange::parse(text));
  }
  return std::nullopt;
}

Expected<Condition> Condition::parse(std::string_view operator_name, std::string_view key,
                                     const json::value& values, bool variables) {
  if (key.empty()) return fault("Condition without a key", operator_name);
  Condition condition(key);
  std::string_view name = operator_name;
  if (take_prefix(name, "ForAllValues:")) {
    condition.quantifier_ = Quantifier::all_values;
  } else if (take_prefix(name, "ForAnyValue:")) {
    condition.quantifier_ = Quantifier::any_value;
  }
  condition.if_exists_ = take_suffix(name, "IfExists");
  condition.operator_ = find_operator(name);
  const bool plain = condition.quantifier_ == Quantifier::none && !condition.if_exists_;
  if (condition.operator_ == nullptr || (condition.operator_->comparison == absence && !plain)) {
    return fault("Unknown condition operator", operator_name);
  }
  const auto add = [&](const json::value& value) -> Expected<void> {
    const std::string text = text_of(value);
    std::optional<Operand> operand = operand_of(*condition.operator_, text, variables);
    if (!operand) return fault(std::string(operator_name) + " cannot compare with", text);
    condition.operands_.push_back(std::move(*operand));
    return {};
  };
  if (!values.is_array()) {
    const Expected<void> added = add(values);
    if (!added) return added.error();
    return condition;
  }
  for (const json::value& value : values.get_array()) {
    const Expected<void> added = add(value);
    if (!added) return added.error();
  }
  return condition;
}

// Whether one value of the request matches one of the policy's, before any negation. A value that
// is not of the operator's kind matches nothing.
bool Condition::matches(std::string_view value, const AccessRequest& request) const {
  const auto any_of = [&](auto&& compare) {
    return std::ranges::any_of(operands_, [&](const Operand& operand) { return compare(operand); });
  };
  switch (operator_->comparison) {
    case text:
      return any_of([&](const Operand& operand) {
        return std::get<Pattern>(operand).matches(value, request);
      });
    case any_case:
      return any_of([&](const Operand& operand) {
        return std::get<Pattern>(operand).matches_ignoring_case(value, request);
      });
    case arn:
      return any_of([&](const Operand& operand) {
        return std::get<ArnPattern>(operand).matches(value, request);
      });
    case number: {
      const std::optional<double> given = parse_number(value);
      return given && any_of([&](const Operand& operand) {
               return operator_->ordered(*given <=> std::get<double>(operand));
             });
    }
    case date: {
      const std::optional<Timestamp> given = parse_date_text(value);
      return given && any_of([&](const Operand& operand) {
               return operator_->ordered(*given <=> std::get<Timestamp>(operand));
             });
    }
    case truth: {
      const std::optional<bool> given = parse_truth(value);
      return given &&
             any_of([&](const Operand& operand) { return std::get<bool>(operand) == *given; });
    }
    case binary:
      return any_of(
          [&](const Operand& operand) { return std::get<std::string>(operand) == value; });
    case address: {
      const std::optional<IpAddress> given = IpAddress::parse(value);
      return given && any_of([&](const Operand& operand) {
               return std::get<AddressRange>(operand).contains(*given);
             });
    }
    case absence:
      break;
  }
  return false;
}

bool Condition::holds(const AccessRequest& request) const {
  KeyValues values;
  key_.look_up(request, values);
  if (operator_->comparison == absence) {
    return std::ranges::any_of(operands_, [&](const Operand& operand) {
      return std::get<bool>(operand) == values.empty();
    });
  }
  const bool negated = operator_->negated;
  if (values.empty()) {
    if (quantifier_ == Quantifier::none) return negated || if_exists_;
    return quantifier_ == Quantifier::all_values || if_exists_;
  }
  const bool need_all =
      quantifier_ == Quantifier::all_values || (quantifier_ == Quantifier::none && negated);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const bool held = matches(values[i], request) != negated;
    if (held != need_all) return held;
  }
  return need_all;
}

}  // namespace millrace
