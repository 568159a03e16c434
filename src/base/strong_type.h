// StrongType<Tag, T>: a T that cannot be mixed up with another T.
//
// It has equality, order and hash, and no arithmetic: the few functions that step or subtract such
// a value take it apart with value(), where the reader can see it.
#pragma once

#include <compare>
#include <cstddef>
#include <functional>
#include <utility>

namespace millrace {

template <class Tag, class T>
class StrongType {
 public:
  using Value = T;

  constexpr StrongType() = default;
  constexpr explicit StrongType(T value) : value_(std::move(value)) {}

  constexpr const T& value() const { return value_; }

  friend constexpr auto operator<=>(const StrongType&, const StrongType&) = default;
  friend constexpr bool operator==(const StrongType&, const StrongType&) = default;

 private:
  T value_{};
};

}  // namespace millrace

template <class Tag, class T>
struct std::hash<millrace::StrongType<Tag, T>> {
  std::size_t operator()(const millrace::StrongType<Tag, T>& strong) const noexcept {
    return std::hash<T>{}(strong.value());
  }
};
