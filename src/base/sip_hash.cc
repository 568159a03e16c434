#include "base/sip_hash.h"

#include <cstring>

#include "base/encoding.h"

namespace millrace {

SipKey derive_sip_key(std::span<const std::uint8_t, 32> secret, std::string_view use) {
  const Sha256Digest derived =
      hmac_sha256({reinterpret_cast<const char*>(secret.data()), secret.size()}, use);
  SipKey key;
  std::memcpy(&key, derived.data(), sizeof key);
  return key;
}

}  // namespace millrace
