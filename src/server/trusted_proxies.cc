#include "server/trusted_proxies.h"

#include <algorithm>
#include <optional>

#include "base/ascii.h"

namespace millrace {

namespace {

ApiError malformed(std::string_view field) {
  return {ErrorCode::serialization,
          std::string("The field ").append(field).append(" of a proxy could not be read.")};
}

/// Cuts the last element off a list with commas.
std::string_view take_last(std::string_view& list) {
  const std::size_t comma = list.rfind(',');
  const std::string_view last =
      trimmed(comma == std::string_view::npos ? list : list.substr(comma + 1));
  list = list.substr(0, comma == std::string_view::npos ? 0 : comma);
  return last;
}

/// `text` without a port and the brackets of IPv6; what is left may be no address.
std::string_view without_port(std::string_view text) {
  if (const std::size_t end = text.find(']'); text.starts_with('[') && end != text.npos) {
    return text.substr(1, end - 1);
  }
  const std::size_t colon = text.find(':');
  const bool only_one = colon == text.rfind(':');  // an IPv6 address has more
  return only_one ? text.substr(0, colon) : text;
}

}  // namespace

TrustedProxies::TrustedProxies(const std::vector<std::string>& ranges) {
  for (const std::string& range : ranges) ranges_.push_back(AddressRange::parse(range).value());
}

bool TrustedProxies::contains(std::string_view address) const {
  const std::optional<IpAddress> parsed = IpAddress::parse(address);
  return parsed && std::ranges::any_of(
                       ranges_, [&](const AddressRange& range) { return range.contains(*parsed); });
}

/// Goes from the right to the left, until an address is no proxy's.
Expected<void> TrustedProxies::read_addresses(std::string_view list, Origin& origin) const {
  do {
    const std::string_view address = without_port(take_last(list));
    if (!IpAddress::parse(address)) return malformed("X-Forwarded-For");
    origin.address = address;
  } while (contains(origin.address) && !list.empty());
  return {};
}

Expected<Origin> TrustedProxies::origin_of(const HttpRequest& request) const {
  Origin origin{request.remote_address, request.secure};
  if (ranges_.empty() || !contains(origin.address)) return origin;
  bool scheme_read = false;
  for (auto at = request.fields.rbegin(); at != request.fields.rend(); ++at) {
    const HttpField& field = *at;
    if (equal_ignoring_case(field.name, "x-forwarded-for") && contains(origin.address)) {
      const Expected<void> read = read_addresses(field.value, origin);
      if (!read) return read.error();
    } else if (equal_ignoring_case(field.name, "x-forwarded-proto") && !scheme_read) {
      scheme_read = true;
      std::string_view list = field.value;
      const std::string_view scheme = take_last(list);
      origin.secure = equal_ignoring_case(scheme, "https");
      if (!origin.secure && !equal_ignoring_case(scheme, "http")) {
        return malformed("X-Forwarded-Proto");
      }
    }
  }
  return origin;
}

}  // namespace millrace
