// Cost allocation tags of a queue: the rules for their keys and values. Pure; any thread.
#pragma once

#include <map>
#include <string>

#include "base/error.h"

namespace millrace {

using TagMap = std::map<std::string, std::string>;

/// `current` with the tags of a TagQueue or CreateQueue added; the same key overwrites.
/// @return InvalidParameterValue when a key or value breaks the rules or there would be more than
/// 50; MissingParameter when `given` is empty.
Expected<TagMap> add_tags(const TagMap& current, const TagMap& given);

}  // namespace millrace
