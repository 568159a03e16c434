#include "crypt/keyring.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <span>

#include "base/bytes.h"
#include "base/encoding.h"

namespace millrace {

namespace {

// A wrapped data key: version (1), id of the master key (16), its version (4), nonce (12), the data
// key sealed (32 and the tag). What stands before the nonce is associated data.
constexpr std::uint8_t kWrappedVersion = 1;
constexpr std::size_t kNamedBytes = 1 + 16 + 4;
constexpr std::size_t kWrappedBytes =
    kNamedBytes + sizeof(GcmNonce) + SecretKey::kBytes + kGcmTagBytes;

struct Wrapped {
  std::array<std::uint8_t, 16> id;
  std::uint32_t version = 0;
  std::string_view associated;
  GcmNonce nonce;
  std::string_view sealed;
};

std::optional<Wrapped> parse_wrapped(std::string_view bytes) {
  if (bytes.size() != kWrappedBytes) return std::nullopt;
  ByteReader in(bytes);
  if (in.u8() != kWrappedVersion) return std::nullopt;
  Wrapped wrapped;
  for (std::uint8_t& byte : wrapped.id) byte = in.u8();
  wrapped.version = in.u32();
  wrapped.associated = bytes.substr(0, kNamedBytes);
  for (std::uint8_t& byte : wrapped.nonce) byte = in.u8();
  wrapped.sealed = in.rest();
  return wrapped;
}

ApiError damaged() {
  return {ErrorCode::internal_failure, "The data key of a stored message is damaged."};
}

// "arn:aws:kms:us-east-1:000000000000:key/ID" -> "ID", and ":alias/NAME" -> "alias/NAME".
std::string_view without_arn(std::string_view name) {
  if (!name.starts_with("arn:")) return name;
  constexpr std::size_t kFieldsBefore = 5;
  std::string_view rest = name;
  for (std::size_t field = 0; field < kFieldsBefore; ++field) {
    const std::size_t colon = rest.find(':');
    if (colon == std::string_view::npos) return {};
    if (field == 2 && rest.substr(0, colon) != "kms") return {};
    rest.remove_prefix(colon + 1);
  }
  constexpr std::string_view kKey = "key/";
  return rest.starts_with(kKey) ? rest.substr(kKey.size()) : rest;
}

const MasterKeyVersion* find_version(const MasterKey& key, std::uint32_t number) {
  const auto found = std::ranges::find(key.versions, number, &MasterKeyVersion::number);
  return found == key.versions.end() ? nullptr : &*found;
}

}  // namespace

bool MasterKey::managed() const {
  return std::ranges::find(aliases, kManagedKeyAlias) != aliases.end();
}

MasterKey make_master_key(std::string_view alias, Timestamp now) {
  std::array<std::uint8_t, 16> id;
  fill_random(id);
  id[6] = static_cast<std::uint8_t>(0x40 | (id[6] & 0x0f));  // version 4
  id[8] = static_cast<std::uint8_t>(0x80 | (id[8] & 0x3f));  // variant of RFC 9562
  MasterKey key;
  key.id = to_uuid_text(id);
  if (!alias.empty()) key.aliases.emplace_back(alias);
  key.versions.push_back({.number = 1, .created_at = now, .secret = SecretKey::generate()});
  return key;
}

void rotate(MasterKey& key, Timestamp now) {
  key.versions.push_back({.number = key.versions.back().number + 1,
                          .created_at = now,
                          .secret = SecretKey::generate()});
}

bool is_key_alias(std::string_view text) {
  constexpr std::string_view kPrefix = "alias/";
  constexpr std::size_t kNameMax = 250;
  if (!text.starts_with(kPrefix)) return false;
  text.remove_prefix(kPrefix.size());
  return !text.empty() && text.size() <= kNameMax && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' ||
           c == '_' || c == '-';
  });
}

Keyring Keyring::fresh(Timestamp now) {
  std::vector<MasterKey> keys;
  keys.push_back(make_master_key(kManagedKeyAlias, now));
  return Keyring(std::move(keys));
}

const MasterKey* Keyring::find(std::string_view name) const {
  const std::string_view wanted = without_arn(name);
  const auto found = std::ranges::find_if(keys_, [&](const MasterKey& key) {
    return key.id == wanted || std::ranges::find(key.aliases, wanted) != key.aliases.end();
  });
  return found == keys_.end() ? nullptr : &*found;
}

Expected<DataKey> Keyring::make_data_key(std::string_view master_key) const {
  const MasterKey* master = find(master_key);
  if (master == nullptr) return ApiError(ErrorCode::kms_not_found);
  if (!master->enabled) return ApiError(ErrorCode::kms_disabled);
  const std::optional<std::array<std::uint8_t, 16>> id = from_uuid_text(master->id);
  if (!id) return ApiError(ErrorCode::kms_invalid_state);
  const MasterKeyVersion& version = master->versions.back();

  DataKey data{.key = SecretKey::generate(), .wrapped = {}};
  std::string& wrapped = data.wrapped;
  wrapped.reserve(kWrappedBytes);
  append_u8(wrapped, kWrappedVersion);
  for (const std::uint8_t byte : *id) append_u8(wrapped, byte);
  append_u32(wrapped, version.number);
  GcmNonce nonce;
  fill_random(nonce);
  for (const std::uint8_t byte : nonce) append_u8(wrapped, byte);
  const std::size_t at = wrapped.size();
  wrapped.append(data.key.text());
  wrapped.resize(kWrappedBytes);
  char* sealed = wrapped.data() + at;
  GcmSealer(version.secret)
      .seal(nonce, std::string_view(wrapped).substr(0, kNamedBytes), {sealed, SecretKey::kBytes},
            std::span<char, kGcmTagBytes>(sealed + SecretKey::kBytes, kGcmTagBytes));
  return data;
}

Expected<SecretKey> Keyring::unwrap(std::string_view bytes) const {
  const std::optional<Wrapped> wrapped = parse_wrapped(bytes);
  if (!wrapped) return damaged();
  const MasterKey* master = find(to_uuid_text(wrapped->id));
  if (master == nullptr) return ApiError(ErrorCode::kms_not_found);
  if (!master->enabled) return ApiError(ErrorCode::kms_disabled);
  const MasterKeyVersion* version = find_version(*master, wrapped->version);
  if (version == nullptr) return ApiError(ErrorCode::kms_invalid_state);
  SecretKey key;
  GcmOpener opener(version->secret);
  if (!opener.open(wrapped->nonce, wrapped->associated, wrapped->sealed,
                   reinterpret_cast<char*>(key.bytes().data()))) {
    return damaged();
  }
  return key;
}

std::string master_key_of(std::string_view bytes) {
  const std::optional<Wrapped> wrapped = parse_wrapped(bytes);
  return wrapped ? to_uuid_text(wrapped->id) : std::string();
}

}  // namespace millrace
