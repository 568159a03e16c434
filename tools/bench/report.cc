#include "bench/report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iomanip>
#include <ostream>
#include <utility>

namespace millrace::bench {
namespace {

std::string to_text(double value, int decimals) {
  // JSON has no way to write an infinity.
  const double finite = std::isfinite(value) ? value : 0;
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", decimals, finite);
  return text;
}

void write_quoted(std::ostream& out, std::string_view text) {
  out << '"';
  for (const char character : text) {
    if (character == '"' || character == '\\') {
      out << '\\' << character;
    } else if (static_cast<unsigned char>(character) < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(character));
      out << escape;
    } else {
      out << character;
    }
  }
  out << '"';
}

}  // namespace

void Report::text(std::string_view name, std::string_view value) {
  rows_.push_back({std::string(name), std::string(value), true});
}

void Report::count(std::string_view name, std::uint64_t value) {
  rows_.push_back({std::string(name), std::to_string(value), false});
}

void Report::number(std::string_view name, double value, int decimals) {
  rows_.push_back({std::string(name), to_text(value, decimals), false});
}

void Report::latency(std::string_view name, const Histogram& histogram) {
  if (histogram.count() == 0) {
    return;
  }
  const std::pair<std::string_view, double> percentiles[] = {
      {"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p999", 0.999}, {"max", 1}};
  for (const auto& [label, share] : percentiles) {
    const auto nanoseconds = static_cast<double>(histogram.percentile(share));
    number(std::string(name) + "_" + std::string(label) + "_ms",
           nanoseconds / static_cast<double>(kMillisecond), 4);
  }
}

void Report::write_table(std::ostream& out) const {
  std::size_t width = 0;
  for (const Row& row : rows_) {
    width = std::max(width, row.name.size());
  }
  for (const Row& row : rows_) {
    std::string label = row.name;
    std::replace(label.begin(), label.end(), '_', ' ');
    out << std::left << std::setw(static_cast<int>(width + 2)) << label << row.value << '\n';
  }
}

void Report::write_json(std::ostream& out) const {
  out << '{';
  std::string_view separator;
  for (const Row& row : rows_) {
    out << separator;
    separator = ",";
    write_quoted(out, row.name);
    out << ':';
    if (row.is_text) {
      write_quoted(out, row.value);
    } else {
      out << row.value;
    }
  }
  out << "}\n";
}

}  // namespace millrace::bench
