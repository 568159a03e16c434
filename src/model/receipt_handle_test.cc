#include "model/receipt_handle.h"

#include <gtest/gtest.h>

#include <array>
#include <set>

#include "base/random.h"

namespace millrace {
namespace {

std::array<std::uint8_t, 32> key_of(std::uint8_t first) {
  std::array<std::uint8_t, 32> key{};
  key[0] = first;
  return key;
}

ReceiptHandle random_handle(Random& random) {
  return {.queue = QueueId(random.next()),
          .sequence = SequenceNumber(random.next()),
          .delivery = static_cast<std::uint32_t>(random.next()),
          .epoch = static_cast<std::uint32_t>(random.next())};
}

TEST(ReceiptHandle, OpensWhatItSealed) {
  const ReceiptSealer sealer(key_of(1));
  Random random(1);
  for (int i = 0; i < 1000; ++i) {
    const ReceiptHandle handle = random_handle(random);
    const std::string text = sealer.seal(handle);
    EXPECT_EQ(text.size(), 56u);
    const Expected<ReceiptHandle> opened = sealer.open(text);
    ASSERT_TRUE(opened);
    EXPECT_EQ(*opened, handle);
  }
}

TEST(ReceiptHandle, IsTheSameTextForTheSameDelivery) {
  Random random(2);
  const ReceiptHandle handle = random_handle(random);
  EXPECT_EQ(ReceiptSealer(key_of(1)).seal(handle), ReceiptSealer(key_of(1)).seal(handle));
}

TEST(ReceiptHandle, DiffersInEveryField) {
  const ReceiptSealer sealer(key_of(1));
  std::set<std::string> texts;
  texts.insert(sealer.seal({QueueId(1), SequenceNumber(1), 1, 1}));
  texts.insert(sealer.seal({QueueId(2), SequenceNumber(1), 1, 1}));
  texts.insert(sealer.seal({QueueId(1), SequenceNumber(2), 1, 1}));
  texts.insert(sealer.seal({QueueId(1), SequenceNumber(1), 2, 1}));
  texts.insert(sealer.seal({QueueId(1), SequenceNumber(1), 1, 2}));
  EXPECT_EQ(texts.size(), 5u);
}

TEST(ReceiptHandle, IsRefusedWhenAnyCharacterIsChanged) {
  const ReceiptSealer sealer(key_of(1));
  Random random(3);
  const std::string text = sealer.seal(random_handle(random));
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string changed = text;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    const Expected<ReceiptHandle> opened = sealer.open(changed);
    ASSERT_FALSE(opened) << i;
  }
}

TEST(ReceiptHandle, OfAnotherKeyOrFormIsRefusedWithTheTextOfSqs) {
  const ReceiptSealer sealer(key_of(1));
  const std::string foreign = ReceiptSealer(key_of(2)).seal({QueueId(1), SequenceNumber(1), 1, 1});
  const std::string own = sealer.seal({QueueId(1), SequenceNumber(1), 1, 1});
  for (const std::string& text : {foreign, std::string(), std::string("garbage"), own + "AAAA",
                                  own.substr(4), std::string(56, '='), std::string(56, 'A')}) {
    const Expected<ReceiptHandle> opened = sealer.open(text);
    ASSERT_FALSE(opened) << text;
    EXPECT_EQ(opened.error(),
              ApiError(ErrorCode::receipt_handle_is_invalid,
                       "The input receipt handle \"" + text + "\" is not a valid receipt handle."));
  }
}

}  // namespace
}  // namespace millrace
