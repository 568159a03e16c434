// ContextKey: a condition key of a policy, and what a request holds under it.
//
// THE TABLE OF CONDITION KEYS is in context_key.cc; a key without a row is looked for among the
// request's other facts. (IAM User Guide, "AWS global condition context keys".) Immutable; any
// thread. Looking up allocates nothing.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>

#include "auth/access_request.h"

namespace millrace {

/// The values of one key in one request: mostly none or one. Not copyable: it may hold the text of
/// a number or a time itself.
class KeyValues {
 public:
  KeyValues() = default;
  KeyValues(const KeyValues&) = delete;
  KeyValues& operator=(const KeyValues&) = delete;

  std::size_t size() const { return many_.empty() ? (has_one_ ? 1 : 0) : many_.size(); }
  bool empty() const { return size() == 0; }
  std::string_view operator[](std::size_t index) const {
    return many_.empty() ? one_ : std::string_view(many_[index]);
  }

  void set(std::string_view value);
  /// Sets `value` unless it is empty.
  void set_known(std::string_view value);
  void set(std::span<const std::string> values) { many_ = values; }
  void set_number(std::int64_t number);
  /// As YYYY-MM-DDThh:mm:ssZ.
  void set_time(Timestamp moment);

 private:
  bool has_one_ = false;
  std::string_view one_;
  std::span<const std::string> many_;
  std::array<char, 32> text_;
};

struct ContextKeyRow;

class ContextKey {
 public:
  /// @param name as a policy writes it, in any case.
  explicit ContextKey(std::string_view name);

  /// Fills `values`, which must be fresh, with what `request` has under this key.
  void look_up(const AccessRequest& request, KeyValues& values) const;

 private:
  const ContextKeyRow* row_;  // null: one of the request's other facts
  std::string name_;          // lower case; of a tag, its key
};

}  // namespace millrace
