// Bodies: the text of each message, from its number and a seed.
//
// A body is 16 hex digits, its number, and then text that does not compress beyond its alphabet of
// 64 characters: a piece of one long random text, from a place that depends on the number. All
// characters stand for themselves in JSON, in XML and in a form, so nothing has to be escaped.
// Immutable after construction; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace millrace::bench {

inline constexpr std::size_t kBodyBytesMin = 16;
inline constexpr std::size_t kBodyBytesMax = 1'048'576;

class Bodies {
 public:
  /// @param size bytes of each body, from kBodyBytesMin to kBodyBytesMax
  /// @param seed the same seed and number give the same body
  Bodies(std::size_t size, std::uint64_t seed);

  std::size_t size() const { return size_; }
  /// Appends the body of message `number`.
  void append(std::string& out, std::uint64_t number) const;

 private:
  std::size_t size_;
  std::string noise_;
};

/// The number at the start of a body, or nothing if it does not start with one.
std::optional<std::uint64_t> number_of_body(std::string_view body);

}  // namespace millrace::bench
