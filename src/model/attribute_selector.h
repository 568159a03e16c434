// Which message attributes a ReceiveMessage asked for (MessageAttributeNames).
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace millrace {

/// Exact names, prefixes ("prefix.*") or everything ("All", ".*", "*"). Names that match nothing
/// select nothing and are no error. Immutable; any thread.
class AttributeSelector {
 public:
  /// Selects nothing.
  AttributeSelector() = default;
  explicit AttributeSelector(std::span<const std::string> names);

  bool selects(std::string_view name) const;
  bool selects_nothing() const { return !all_ && names_.empty() && prefixes_.empty(); }

 private:
  bool all_ = false;
  std::vector<std::string> names_;
  std::vector<std::string> prefixes_;
};

}  // namespace millrace
