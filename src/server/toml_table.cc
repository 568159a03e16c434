#include "server/toml_table.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>

namespace millrace {

StartResult<toml::table> parse_toml(std::string_view text, const std::string& path) {
  try {
    return toml::parse(text, path);
  } catch (const toml::parse_error& error) {
    return StartError(path + ":" + std::to_string(error.source().begin.line) + ": " +
                      std::string(error.description()));
  }
}

StartError TomlTable::wrong(const toml::node& node, const std::string& what) const {
  return StartError(path_ + ":" + std::to_string(node.source().begin.line) + ": " + what);
}

StartResult<void> TomlTable::check_keys(std::span<const std::string_view> known) const {
  for (const auto& [key, value] : table_) {
    if (std::ranges::find(known, key.str()) != known.end()) continue;
    std::string text = std::string(key.str()) + ": there is no such key here; known are:";
    for (const std::string_view one : known) text.append(" ").append(one);
    return wrong(value, text);
  }
  return {};
}

StartResult<void> TomlTable::read(std::string_view key, std::string& into) const {
  const toml::node* node = table_.get(key);
  if (node == nullptr) return {};
  if (!node->is_string()) return wrong(*node, std::string(key) + " must be a string, in quotes");
  into = node->as_string()->get();
  if (into.empty()) return wrong(*node, std::string(key) + " must not be empty");
  return {};
}

StartResult<void> TomlTable::read(std::string_view key, bool& into) const {
  const toml::node* node = table_.get(key);
  if (node == nullptr) return {};
  if (!node->is_boolean()) {
    return wrong(*node, std::string(key) + " must be true or false, without quotes");
  }
  into = node->as_boolean()->get();
  return {};
}

StartResult<void> TomlTable::read(std::string_view key, std::int64_t& into) const {
  const toml::node* node = table_.get(key);
  if (node == nullptr) return {};
  if (!node->is_integer()) {
    return wrong(*node, std::string(key) + " must be a whole number, without quotes");
  }
  into = node->as_integer()->get();
  return {};
}

StartResult<void> TomlTable::read(std::string_view key, std::optional<Timestamp>& into) const {
  const toml::node* node = table_.get(key);
  if (node == nullptr) return {};
  const auto* moment = node->as_date_time();
  if (moment == nullptr || !moment->get().offset) {
    return wrong(*node, std::string(key) + " must be a moment, like 2027-01-01T00:00:00Z");
  }
  const toml::date date = moment->get().date;
  const toml::time time = moment->get().time;
  const std::chrono::sys_days day(std::chrono::year(date.year) / date.month / date.day);
  const std::int64_t minutes =
      (std::int64_t{day.time_since_epoch().count()} * 24 + time.hour) * 60 + time.minute -
      moment->get().offset->minutes;
  into = Timestamp{seconds(minutes * 60 + time.second)};
  return {};
}

StartResult<void> TomlTable::read(std::string_view key, std::vector<std::string>& into) const {
  const toml::node* node = table_.get(key);
  if (node == nullptr) return {};
  const toml::array* array = node->as_array();
  if (array == nullptr || (!array->empty() && !array->is_homogeneous(toml::node_type::string))) {
    return wrong(*node, std::string(key) + " must be a list of strings, like [\"one\", \"two\"]");
  }
  for (const toml::node& element : *array) into.push_back(element.as_string()->get());
  return {};
}

std::string toml_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.append(1, '\\').append(1, c);
    } else if (byte < ' ' || byte == 0x7f) {
      std::array<char, 8> escape;
      std::snprintf(escape.data(), escape.size(), "\\u%04x", unsigned{byte});
      out += escape.data();
    } else {
      out += c;
    }
  }
  return out + '"';
}

void append_toml(std::string& out, std::string_view key, const std::string& value) {
  if (!value.empty()) out.append(key).append(" = ").append(toml_string(value)).append("\n");
}

std::string moment_text(Timestamp moment) {
  const std::chrono::sys_seconds second(std::chrono::seconds(moment.milliseconds / 1000));
  const auto midnight = std::chrono::floor<std::chrono::days>(second);
  const std::chrono::year_month_day date(midnight);
  const std::chrono::hh_mm_ss time(second - midnight);
  std::array<char, 40> text;
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02dZ",
                static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), static_cast<int>(time.hours().count()),
                static_cast<int>(time.minutes().count()), static_cast<int>(time.seconds().count()));
  return text.data();
}

}  // namespace millrace
