// Report: the figures of a case, in order, as a table for people and as one JSON object.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "bench/histogram.h"

namespace millrace::bench {

class Report {
 public:
  // `name` is the key in JSON, words joined by "_" with the unit last; the table shows it with
  // spaces.

  void text(std::string_view name, std::string_view value);
  void count(std::string_view name, std::uint64_t value);
  /// @param decimals digits after the point
  void number(std::string_view name, double value, int decimals);
  /// p50, p90, p99, p99.9 and max in milliseconds: <name>_p50_ms and so on. Nothing if it is empty.
  void latency(std::string_view name, const Histogram& histogram);

  void write_table(std::ostream& out) const;
  void write_json(std::ostream& out) const;

 private:
  struct Row {
    std::string name;
    std::string value;
    bool is_text;
  };
  std::vector<Row> rows_;
};

}  // namespace millrace::bench
