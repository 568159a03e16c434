// Fuzzes receipt handles. The input is the text of one: only the corpus has handles of the key
// here, so whatever else is opened has been forged. Its first bytes, made into a handle, must come
// back.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "base/check.h"
#include "model/receipt_handle.h"

namespace millrace {
namespace {

const ReceiptSealer& sealer() {
  static constexpr std::array<std::uint8_t, 32> kKey{1, 2, 3};
  static const ReceiptSealer sealer{kKey};
  return sealer;
}

void open(std::string_view text) {
  const Expected<ReceiptHandle> opened = sealer().open(text);
  if (opened) {
    CHECK(sealer().seal(*opened) == text);
  } else {
    CHECK(opened.error().code() == ErrorCode::receipt_handle_is_invalid);
  }
}

void seal(std::string_view bytes) {
  std::array<std::uint64_t, 3> numbers{};
  std::memcpy(numbers.data(), bytes.data(), std::min(bytes.size(), sizeof numbers));
  const ReceiptHandle handle{.queue = QueueId{numbers[0]},
                             .sequence = SequenceNumber{numbers[1]},
                             .delivery = static_cast<std::uint32_t>(numbers[2]),
                             .epoch = static_cast<std::uint32_t>(numbers[2] >> 32)};
  std::string text = sealer().seal(handle);
  CHECK(sealer().open(text) == handle);
  // Nothing of it can be changed.
  char& changed = text[bytes.size() % text.size()];
  changed = changed == 'A' ? 'B' : 'A';
  CHECK(!sealer().open(text));
}

}  // namespace
}  // namespace millrace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  millrace::open(text);
  millrace::seal(text);
  return 0;
}
