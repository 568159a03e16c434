#include "model/attribute_selector.h"

#include <algorithm>

namespace millrace {

AttributeSelector::AttributeSelector(std::span<const std::string> names) {
  constexpr std::string_view kPrefixMark = ".*";
  for (const std::string& name : names) {
    if (name == "All" || name == "*" || name == kPrefixMark) {
      all_ = true;
    } else if (name.ends_with(kPrefixMark)) {
      prefixes_.push_back(name.substr(0, name.size() - kPrefixMark.size()));
    } else {
      names_.push_back(name);
    }
  }
}

bool AttributeSelector::selects(std::string_view name) const {
  return all_ || std::ranges::find(names_, name) != names_.end() ||
         std::ranges::any_of(prefixes_,
                             [&](const std::string& prefix) { return name.starts_with(prefix); });
}

}  // namespace millrace
