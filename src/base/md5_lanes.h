// MD5 of several texts side by side, one in each lane of a vector: what md5_many (base/encoding.h)
// runs on. Pure; any thread.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "base/encoding.h"

namespace millrace {

/// The digests of `texts`, in at most `lanes_max` lanes: 16, 8 or 4, of which the processor's
/// widest is taken; 4 work on every processor. `digests` must be as long as `texts`.
void md5_in_lanes(std::span<const std::string_view> texts, std::span<Md5Digest> digests,
                  std::size_t lanes_max);

}  // namespace millrace
