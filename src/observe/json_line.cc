#include "observe/json_line.h"

#include <array>
#include <charconv>
#include <chrono>

#include "observe/quoted_text.h"

namespace millrace {

namespace {

void append_digits(std::string& out, std::int64_t number, std::size_t width) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  const auto size = static_cast<std::size_t>(end - digits.data());
  if (size < width) out.append(width - size, '0');
  out.append(digits.data(), size);
}

void append_time(std::string& out, Timestamp time) {
  using namespace std::chrono;
  const sys_time<milliseconds> moment{milliseconds(time.milliseconds)};
  const sys_days day = floor<days>(moment);
  const year_month_day date(day);
  const hh_mm_ss<milliseconds> clock(moment - day);
  append_digits(out, static_cast<int>(date.year()), 4);
  out += '-';
  append_digits(out, static_cast<unsigned>(date.month()), 2);
  out += '-';
  append_digits(out, static_cast<unsigned>(date.day()), 2);
  out += 'T';
  append_digits(out, clock.hours().count(), 2);
  out += ':';
  append_digits(out, clock.minutes().count(), 2);
  out += ':';
  append_digits(out, clock.seconds().count(), 2);
  out += '.';
  append_digits(out, clock.subseconds().count(), 3);
  out += 'Z';
}

}  // namespace

JsonLine::JsonLine(Timestamp time) {
  constexpr std::size_t kUsualSize = 448;
  text_.reserve(kUsualSize);
  text_ = "{\"time\":\"";
  append_time(text_, time);
  text_ += '"';
}

JsonLine& JsonLine::add(std::string_view name, std::string_view text) {
  begin_member(name);
  append_quoted(text_, text);
  return *this;
}

JsonLine& JsonLine::add(std::string_view name, std::int64_t number) {
  begin_member(name);
  append_digits(text_, number, 1);
  return *this;
}

std::string JsonLine::take() {
  text_ += '}';
  return std::move(text_);
}

void JsonLine::begin_member(std::string_view name) {
  text_.append(",\"").append(name).append("\":");
}

}  // namespace millrace
