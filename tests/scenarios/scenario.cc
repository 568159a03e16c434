#include "scenarios/scenario.h"

#include <cctype>
#include <stdexcept>

#include "base/encoding.h"

namespace millrace::scenarios {

namespace {

namespace json = boost::json;

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\r')) text.remove_suffix(1);
  return text;
}

/// Takes the first word off `rest`.
std::string_view take_word(std::string_view& rest) {
  rest = trimmed(rest);
  const std::string_view word = rest.substr(0, rest.find(' '));
  rest = trimmed(rest.substr(word.size()));
  return word;
}

[[noreturn]] void fail(std::size_t line, const std::string& what) {
  throw std::runtime_error("line " + std::to_string(line) + ": " + what);
}

Milliseconds read_length(std::string_view text, std::size_t line) {
  static const std::map<std::string_view, Milliseconds> units = {
      {"ms", 1}, {"s", 1'000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}};
  const std::size_t digits = text.find_first_not_of("0123456789");
  if (digits == std::string_view::npos || digits == 0) fail(line, "advance needs a unit");
  const auto unit = units.find(text.substr(digits));
  const auto count = parse_digits(text.substr(0, digits));
  if (unit == units.end() || !count) fail(line, "advance takes ms, s, m, h or d");
  return *count * unit->second;
}

Step read_step(std::string_view text, std::size_t line) {
  Step step;
  step.line = line;
  std::string_view rest = text;
  const std::string_view word = take_word(rest);
  if (word == "advance") {
    step.kind = Step::Kind::advance;
    step.advance = read_length(rest, line);
  } else if (word == "as") {
    step.kind = Step::Kind::as;
    step.name = rest;
  } else if (word == "restart") {
    step.kind = Step::Kind::restart;
  } else if (word == "waits" || word == "finish") {
    step.kind = word == "waits" ? Step::Kind::waits : Step::Kind::finish;
    step.name = rest;
  } else if (word == "hang") {
    take_word(rest);
    step.kind = Step::Kind::hang_up;
    step.name = rest;
  } else {
    if (word == "start") {
      step.kind = Step::Kind::start;
      step.name = take_word(rest);
      step.action = take_word(rest);
    } else {
      step.action = word;
    }
    step.request = rest.empty() ? "{}" : std::string(rest);
  }
  return step;
}

bool is_name_letter(char letter) {
  return std::isalnum(static_cast<unsigned char>(letter)) != 0 || letter == '_';
}

std::string compare(const std::string& where, const json::value& pattern, const json::value& value,
                    Bindings& bindings);

std::string mismatch(const std::string& where, const json::value& pattern,
                     const json::value& value) {
  return where + ": expected " + json::serialize(pattern) + ", got " + json::serialize(value);
}

std::string compare_text(const std::string& where, const json::value& pattern,
                         const json::value& value, Bindings& bindings) {
  const std::string expected(pattern.as_string());
  if (!value.is_string()) return mismatch(where, pattern, value);
  const std::string actual(value.as_string());
  if (expected == "*") return {};
  if (expected.size() > 1 && expected.front() == '$') {
    const auto [bound, fresh] = bindings.emplace(expected.substr(1), actual);
    if (fresh || bound->second == actual) return {};
    return where + ": " + expected + " is " + bound->second + ", got " + actual;
  }
  return expected == actual ? std::string() : mismatch(where, pattern, value);
}

std::string compare_objects(const std::string& where, const json::object& pattern,
                            const json::object& value, Bindings& bindings) {
  for (const auto& [key, expected] : pattern) {
    const std::string inner = where + "." + std::string(key);
    const json::value* actual = value.if_contains(key);
    if (actual == nullptr) return inner + ": is missing";
    if (std::string wrong = compare(inner, expected, *actual, bindings); !wrong.empty()) {
      return wrong;
    }
  }
  for (const auto& [key, actual] : value) {
    if (!pattern.contains(key)) {
      return where + "." + std::string(key) + ": not expected, got " + json::serialize(actual);
    }
  }
  return {};
}

std::string compare(const std::string& where, const json::value& pattern, const json::value& value,
                    Bindings& bindings) {
  if (pattern.is_string()) return compare_text(where, pattern, value, bindings);
  if (pattern.is_object() && value.is_object()) {
    return compare_objects(where, pattern.get_object(), value.get_object(), bindings);
  }
  if (pattern.is_array() && value.is_array()) {
    const json::array& expected = pattern.get_array();
    const json::array& actual = value.get_array();
    if (expected.size() != actual.size()) return mismatch(where, pattern, value);
    for (std::size_t i = 0; i < expected.size(); ++i) {
      const std::string inner = where + "[" + std::to_string(i) + "]";
      if (std::string wrong = compare(inner, expected[i], actual[i], bindings); !wrong.empty()) {
        return wrong;
      }
    }
    return {};
  }
  return pattern == value ? std::string() : mismatch(where, pattern, value);
}

std::string substituted(std::string_view text, const Bindings& bindings, bool escape) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    std::size_t end = i + 1;
    if (text[i] == '$') {
      while (end < text.size() && is_name_letter(text[end])) ++end;
      const auto bound = bindings.find(std::string(text.substr(i + 1, end - i - 1)));
      if (bound != bindings.end()) {
        const std::string quoted = json::serialize(json::value(bound->second));
        out += escape ? quoted.substr(1, quoted.size() - 2) : bound->second;
        i = end;
        continue;
      }
    }
    out.append(text.substr(i, end - i));
    i = end;
  }
  return out;
}

}  // namespace

std::vector<Step> read_scenario(std::string_view text) {
  std::vector<Step> steps;
  std::map<std::string, std::string> started;
  std::size_t number = 0;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    ++number;
    const std::string_view content = trimmed(line);
    if (content.empty() || content.front() == '#') continue;
    if (content.front() == '|' || line.front() == ' ') {
      if (steps.empty()) fail(number, "continues nothing");
      if (content.front() == '|') {
        steps.back().request.append(trimmed(content.substr(1)));
      } else {
        steps.back().answer.append(content).append(" ");
      }
      continue;
    }
    Step step = read_step(content, number);
    if (step.kind == Step::Kind::start) started[step.name] = step.action;
    if (step.kind == Step::Kind::finish) step.action = started[step.name];
    steps.push_back(std::move(step));
  }
  for (const Step& step : steps) {
    const bool answered = step.kind == Step::Kind::request || step.kind == Step::Kind::finish;
    if (answered == step.answer.empty()) {
      fail(step.line, answered ? "needs an answer" : "cannot have an answer");
    }
  }
  return steps;
}

std::string with_bindings(std::string_view text, const Bindings& bindings) {
  return substituted(text, bindings, true);
}

std::string difference(std::string_view answer, const ReadReply& reply, Bindings& bindings) {
  const std::string got = reply.status == 200 ? json::serialize(reply.value)
                                              : "error " + std::to_string(reply.status) + " " +
                                                    reply.code + ": " + reply.message;
  answer = trimmed(answer);
  if (answer.starts_with("error ")) {
    const std::string expected = substituted(answer, bindings, false);
    return expected == got ? std::string() : "expected " + expected + "\n  got      " + got;
  }
  if (reply.status != 200) return "expected success, got " + got;
  std::string wrong = compare("answer", json::parse(answer), reply.value, bindings);
  return wrong.empty() ? wrong : wrong + "\n  in " + got;
}

}  // namespace millrace::scenarios
