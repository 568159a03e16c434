// Dates in policies: ISO 8601 as the W3C profiles it, or seconds since 1970. Pure; any thread.
#pragma once

#include <optional>
#include <string_view>

#include "base/clock.h"

namespace millrace {

/// Reads YYYY, YYYY-MM, YYYY-MM-DD, YYYY-MM-DDThh:mm, …:ss or …:ss.fraction, the last three with Z
/// or an offset such as +01:00 behind; or, from five digits on, seconds since 1970.
/// @return nothing for anything else and for days that no calendar has.
std::optional<Timestamp> parse_date_text(std::string_view text);

}  // namespace millrace
