#include "model/write_batch.h"

#include "base/bytes.h"
#include "base/check.h"

namespace millrace {

namespace {

// A row is: operation (1), family (1), key length (4), value length (4), key, value; big-endian.
constexpr std::size_t kRowHeaderBytes = 10;

}  // namespace

void append_place(std::string& out, const PayloadPlace& place) {
  append_u64(out, place.segment);
  append_u32(out, place.offset);
  append_u32(out, place.length);
}

PayloadPlace read_place(std::string_view bytes) {
  CHECK(bytes.size() >= kPayloadPlaceBytes);
  ByteReader in(bytes);
  PayloadPlace place;
  place.segment = in.u64();
  place.offset = in.u32();
  place.length = in.u32();
  return place;
}

std::uint32_t WriteBatch::add_payload(std::shared_ptr<const std::string> bytes,
                                      std::string owner_key) {
  payload_bytes_ += bytes->size();
  payloads_.push_back({std::move(bytes), std::move(owner_key)});
  return static_cast<std::uint32_t>(payloads_.size() - 1);
}

void WriteBatch::begin(RowOperation operation, Family family, std::string_view key,
                       std::size_t value_bytes) {
  rows_.push_back(static_cast<char>(operation));
  rows_.push_back(static_cast<char>(family));
  append_u32(rows_, static_cast<std::uint32_t>(key.size()));
  append_u32(rows_, static_cast<std::uint32_t>(value_bytes));
  rows_.append(key);
}

void WriteBatch::put(Family family, std::string_view key, std::string_view value) {
  begin(RowOperation::put, family, key, value.size());
  rows_.append(value);
}

void WriteBatch::put_placed(Family family, std::string_view key, std::uint32_t payload,
                            std::string_view value) {
  CHECK(payload < payloads_.size());
  begin(RowOperation::put_placed, family, key, kPayloadPlaceBytes + value.size());
  placed_.push_back({payload, static_cast<std::uint32_t>(rows_.size())});
  rows_.append(kPayloadPlaceBytes, '\0');
  rows_.append(value);
}

void WriteBatch::erase(Family family, std::string_view key) {
  begin(RowOperation::erase, family, key, 0);
}

void WriteBatch::erase_range(Family family, std::string_view first, std::string_view last) {
  begin(RowOperation::erase_range, family, first, last.size());
  rows_.append(last);
}

void WriteBatch::release(const PayloadPlace& place) {
  released_.push_back(place);
}

void WriteBatch::clear() {
  rows_.clear();
  placed_.clear();
  payloads_.clear();
  released_.clear();
  payload_bytes_ = 0;
}

bool RowReader::next(RowChange& change) {
  if (rest_.empty()) return false;
  malformed_ = true;
  if (rest_.size() < kRowHeaderBytes) return false;
  ByteReader in(rest_);
  const std::uint8_t operation = in.u8();
  const std::uint8_t family = in.u8();
  const std::size_t key_bytes = in.u32();
  const std::size_t value_bytes = in.u32();
  if (operation > static_cast<std::uint8_t>(RowOperation::put_placed) || family >= kFamilyCount ||
      key_bytes + value_bytes > rest_.size() - kRowHeaderBytes) {
    return false;
  }
  change.operation = static_cast<RowOperation>(operation);
  change.family = static_cast<Family>(family);
  change.key = rest_.substr(kRowHeaderBytes, key_bytes);
  change.value = rest_.substr(kRowHeaderBytes + key_bytes, value_bytes);
  rest_.remove_prefix(kRowHeaderBytes + key_bytes + value_bytes);
  malformed_ = false;
  return true;
}

}  // namespace millrace
