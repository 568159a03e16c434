#include "auth/date_text.h"

#include <chrono>

#include "base/encoding.h"

namespace millrace {

namespace {

// Takes a date apart from its start.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  bool ok() const { return ok_; }
  bool at_end() const { return rest_.empty(); }

  /// Whether `c` comes next; then it is taken.
  bool take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  void expect(char c) { ok_ = take(c) && ok_; }

  /// A number of exactly so many digits.
  std::int64_t number(std::size_t digits, std::int64_t max) {
    const std::string_view text = rest_.substr(0, digits);
    const std::optional<std::int64_t> value = parse_digits(text);
    ok_ = ok_ && text.size() == digits && value && *value <= max;
    if (!ok_) return 0;
    rest_.remove_prefix(digits);
    return *value;
  }

  /// The digits of a fraction of a second, cut off at milliseconds.
  std::int64_t fraction() {
    std::int64_t milliseconds = 0;
    std::size_t count = 0;
    for (; !rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9'; ++count) {
      if (count < 3) milliseconds = milliseconds * 10 + (rest_.front() - '0');
      rest_.remove_prefix(1);
    }
    ok_ = ok_ && count > 0;
    for (; count < 3; ++count) milliseconds *= 10;
    return milliseconds;
  }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

// Minutes east of Greenwich: Z, +hh:mm or -hh:mm.
std::int64_t read_offset(Reader& reader) {
  if (reader.take('Z')) return 0;
  const bool west = reader.take('-');
  if (!west) reader.expect('+');
  const std::int64_t hours = reader.number(2, 23);
  reader.expect(':');
  const std::int64_t minutes = hours * 60 + reader.number(2, 59);
  return west ? -minutes : minutes;
}

Milliseconds read_time_of_day(Reader& reader) {
  const std::int64_t hours = reader.number(2, 23);
  reader.expect(':');
  const std::int64_t minutes = reader.number(2, 59);
  Milliseconds time = seconds(hours * 3600 + minutes * 60);
  if (reader.take(':')) {
    time += seconds(reader.number(2, 59));
    if (reader.take('.')) time += reader.fraction();
  }
  return time - seconds(read_offset(reader) * 60);
}

}  // namespace

std::optional<Timestamp> parse_date_text(std::string_view text) {
  namespace chrono = std::chrono;
  if (text.size() > 4) {
    constexpr std::int64_t kSecondsMax = 253'402'300'799;  // the last one of the year 9999
    if (const std::optional<std::int64_t> epoch = parse_digits(text); epoch) {
      if (*epoch > kSecondsMax) return std::nullopt;
      return Timestamp{seconds(*epoch)};
    }
  }
  Reader reader(text);
  const chrono::year year(static_cast<int>(reader.number(4, 9999)));
  chrono::month month(1);
  chrono::day day(1);
  Milliseconds time = 0;
  if (reader.take('-')) {
    month = chrono::month(static_cast<unsigned>(reader.number(2, 12)));
    if (reader.take('-')) {
      day = chrono::day(static_cast<unsigned>(reader.number(2, 31)));
      if (reader.take('T')) time = read_time_of_day(reader);
    }
  }
  const chrono::year_month_day date(year, month, day);
  if (!reader.ok() || !reader.at_end() || !date.ok()) return std::nullopt;
  const chrono::sys_time<chrono::milliseconds> midnight = chrono::sys_days(date);
  return Timestamp{midnight.time_since_epoch().count() + time};
}

}  // namespace millrace
