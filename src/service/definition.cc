#include "service/definition.h"

#include <optional>
#include <utility>

#include "base/bytes.h"

namespace millrace {

namespace {

constexpr std::uint8_t kDefinitionVersion = 1;
constexpr std::uint8_t kNameRowVersion = 1;
constexpr std::uint8_t kLive = 1;
constexpr std::uint8_t kDeleted = 2;

ApiError malformed(std::string_view what) {
  return {ErrorCode::internal_failure, std::string(what).append(" is malformed.")};
}

}  // namespace

std::string encode_definition(const QueueInfo& info) {
  std::string bytes;
  append_u8(bytes, kDefinitionVersion);
  append_sized(bytes, info.account.text());
  append_sized(bytes, info.name.text());
  append_i64(bytes, info.created_at.milliseconds);
  append_i64(bytes, info.modified_at.milliseconds);
  append_sized(bytes, config_to_bytes(info.config));
  append_varint(bytes, info.tags.size());
  for (const auto& [key, value] : info.tags) {
    append_sized(bytes, key);
    append_sized(bytes, value);
  }
  return bytes;
}

Expected<QueueInfo> decode_definition(QueueId id, std::string_view bytes) {
  const ApiError error = malformed("A queue's definition");
  ByteReader reader(bytes);
  if (reader.u8() != kDefinitionVersion) return error;
  const std::optional<AccountId> account = AccountId::parse(reader.sized());
  const Expected<QueueName> name = QueueName::parse(reader.sized());
  const Timestamp created_at{reader.i64()};
  const Timestamp modified_at{reader.i64()};
  Expected<QueueConfig> config = config_from_bytes(reader.sized());
  TagMap tags;
  // A count that the bytes do not bear out ends at the first read past their end.
  for (std::uint64_t left = reader.varint(); left > 0 && !reader.failed(); --left) {
    std::string key(reader.sized());
    tags.insert_or_assign(std::move(key), std::string(reader.sized()));
  }
  if (!reader.done() || !account || !name || !config) return error;
  return QueueInfo{.id = id,
                   .account = *account,
                   .name = *name,
                   .config = std::move(*config),
                   .tags = std::move(tags),
                   .created_at = created_at,
                   .modified_at = modified_at};
}

std::string name_key(const AccountId& account, const QueueName& name) {
  std::string key = account.text();
  key.append("/").append(name.text());
  return key;
}

std::string encode_name_row(const NameRow& row) {
  std::string bytes;
  append_u8(bytes, kNameRowVersion);
  if (const QueueId* queue = std::get_if<QueueId>(&row)) {
    append_u8(bytes, kLive);
    append_u64(bytes, queue->value());
  } else {
    append_u8(bytes, kDeleted);
    append_i64(bytes, std::get<Timestamp>(row).milliseconds);
  }
  return bytes;
}

Expected<NameRow> decode_name_row(std::string_view bytes) {
  ByteReader reader(bytes);
  const std::uint8_t version = reader.u8();
  const std::uint8_t kind = reader.u8();
  const std::uint64_t value = reader.u64();
  if (!reader.done() || version != kNameRowVersion || (kind != kLive && kind != kDeleted)) {
    return malformed("The row of a queue's name");
  }
  if (kind == kLive) return NameRow(QueueId(value));
  return NameRow(Timestamp{static_cast<std::int64_t>(value)});
}

}  // namespace millrace
