#include "model/message_id.h"

#include <gtest/gtest.h>

#include <bit>
#include <set>

#include "base/limits.h"
#include "base/random.h"

namespace millrace {
namespace {

std::array<std::uint8_t, 32> key_of(std::uint8_t first) {
  std::array<std::uint8_t, 32> key{};
  key[0] = first;
  return key;
}

constexpr std::uint64_t kHalf = std::uint64_t{1} << limits::kMessageIdHalfBits;

TEST(MessageId, LeadsBackToItsPlace) {
  const MessageIdCipher cipher(key_of(1));
  Random random(1);
  for (int i = 0; i < 2000; ++i) {
    const MessagePlace place{QueueId(random.below(kHalf)), SequenceNumber(random.below(kHalf))};
    EXPECT_EQ(cipher.place(cipher.id(place)), place);
  }
  for (const std::uint64_t edge : {std::uint64_t{0}, std::uint64_t{1}, kHalf - 1}) {
    const MessagePlace place{QueueId(edge), SequenceNumber(kHalf - 1 - edge)};
    EXPECT_EQ(cipher.place(cipher.id(place)), place);
  }
}

TEST(MessageId, EveryIdOfTheFormIsTheIdOfItsPlace) {
  const MessageIdCipher cipher(key_of(1));
  Random random(2);
  for (int i = 0; i < 2000; ++i) {
    MessageId id;
    for (std::uint8_t& byte : id) byte = static_cast<std::uint8_t>(random.below(256));
    id[6] = static_cast<std::uint8_t>((id[6] & 0x0f) | 0x40);
    id[8] = static_cast<std::uint8_t>((id[8] & 0x3f) | 0x80);
    const std::optional<MessagePlace> place = cipher.place(id);
    ASSERT_TRUE(place);
    EXPECT_EQ(cipher.id(*place), id);
  }
}

TEST(MessageId, HasTheFormOfAUuidOfVersionFour) {
  const MessageIdCipher cipher(key_of(1));
  for (std::uint64_t sequence = 0; sequence < 500; ++sequence) {
    const std::string text = to_uuid_text(cipher.id({QueueId(7), SequenceNumber(sequence)}));
    EXPECT_EQ(text[14], '4');
    EXPECT_NE(std::string("89ab").find(text[19]), std::string::npos) << text;
  }
}

TEST(MessageId, OfAnotherFormHasNoPlace) {
  const MessageIdCipher cipher(key_of(1));
  MessageId id = cipher.id({QueueId(1), SequenceNumber(1)});
  id[6] ^= 0x10;
  EXPECT_EQ(cipher.place(id), std::nullopt);
  id[6] ^= 0x10;
  id[8] ^= 0x40;
  EXPECT_EQ(cipher.place(id), std::nullopt);
}

TEST(MessageId, DependsOnTheKey) {
  const MessagePlace place{QueueId(1), SequenceNumber(1)};
  EXPECT_NE(MessageIdCipher(key_of(1)).id(place), MessageIdCipher(key_of(2)).id(place));
  EXPECT_EQ(MessageIdCipher(key_of(1)).id(place), MessageIdCipher(key_of(1)).id(place));
}

TEST(MessageId, ChangesAboutHalfOfItsBitsFromOneMessageToTheNext) {
  const MessageIdCipher cipher(key_of(1));
  constexpr int kPairs = 1000;
  int changed = 0;
  MessageId last = cipher.id({QueueId(1), SequenceNumber(0)});
  for (std::uint64_t sequence = 1; sequence <= kPairs; ++sequence) {
    const MessageId id = cipher.id({QueueId(1), SequenceNumber(sequence)});
    for (std::size_t i = 0; i < id.size(); ++i) {
      changed += std::popcount(static_cast<unsigned>(id[i] ^ last[i]));
    }
    last = id;
  }
  EXPECT_NEAR(changed, 61 * kPairs, kPairs);
}

}  // namespace
}  // namespace millrace
