#include "queue/look.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "base/limits.h"
#include "queue/chunk.h"
#include "support/test_keyring.h"

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr QueueId kQueue{7};
constexpr BlockNumber kBlock = 10;
constexpr Timestamp kNow{1'700'000'000'000};

class LookTest : public testing::Test {
 protected:
  LookTest() {
    look_.queue = kQueue;
    look_.found_max = 100;
    look_.body_bytes_max = look_.found_bytes_max = 1'000;
    look_.now = kNow;
    look_.ids = &ids_;
    look_.fingerprints = &fingerprints_;
    look_.keys = std::make_shared<DataKeys>(test_keyring());
    candidate_.block = kBlock;
  }

  // Adds a message to the block, sealed, sent at the number of its slot.
  void add(std::string_view body, std::span<const MessageAttribute> attributes = {}) {
    NewMessage message;
    message.body = body;
    message.attributes = attributes;
    const auto slot = static_cast<unsigned>(builder_.count());
    const auto key = look_.keys->sealing(kManagedKeyAlias, seconds(60), 1, kNow).value();
    builder_.add(message, Timestamp{slot}, {}, {kQueue, sequence_of(kBlock, slot)}, key,
                 fingerprints_);
    candidate_.slots.emplace_back().number = slot;
  }
  // Looks at all that was added. @return the slot that it stopped at.
  std::optional<unsigned> examine_all() {
    return examine(look_, candidate_, std::make_shared<const std::string>(builder_.finish()));
  }
  std::vector<std::string> bodies() const {
    std::vector<std::string> all;
    for (const LookedMessage& message : look_.found) all.push_back(message.body);
    return all;
  }

  const std::array<std::uint8_t, 32> secret_{4};
  const Fingerprinter fingerprints_{secret_};
  const MessageIdCipher ids_{secret_};
  ChunkBuilder builder_;
  Look::Candidate candidate_;
  Look look_;
};

TEST_F(LookTest, CutsBodiesBetweenCharacters) {
  add("a\xc3\xa4\xe2\x82\xac");  // one, two and three bytes
  const std::string body = "a\xc3\xa4\xe2\x82\xac";
  const auto chunk = std::make_shared<const std::string>(builder_.finish());
  const auto cut = [&](std::size_t bytes) {
    look_.found.clear();
    look_.body_bytes_max = bytes;
    examine(look_, candidate_, chunk);
    EXPECT_EQ(look_.found.front().body_size, body.size());
    return look_.found.front().body;
  };
  EXPECT_EQ(cut(0), "");
  EXPECT_EQ(cut(1), "a");
  EXPECT_EQ(cut(2), "a");
  EXPECT_EQ(cut(3), "a\xc3\xa4");
  EXPECT_EQ(cut(5), "a\xc3\xa4");
  EXPECT_EQ(cut(6), body);
  EXPECT_EQ(cut(7), body);
}

TEST_F(LookTest, StopsWhereItHasAsManyAsAreWanted) {
  for (const char* body : {"a", "b", "c"}) add(body);
  look_.found_max = 2;
  EXPECT_EQ(examine_all(), 2U);
  EXPECT_THAT(bodies(), ElementsAre("a", "b"));
  EXPECT_TRUE(has_enough(look_));
}

TEST_F(LookTest, StopsWhereItHasEnoughBytesButGivesOneMessage) {
  const MessageAttribute attribute{"name", "String", std::string(10, 'v'), false};
  add("a", {&attribute, 1});
  add("b");
  look_.found_bytes_max = 5;
  EXPECT_EQ(examine_all(), 1U);
  EXPECT_THAT(bodies(), ElementsAre("a"));
  EXPECT_EQ(look_.found_bytes, 11U) << "of the body and of the attribute";
}

TEST_F(LookTest, PassesOverWhatIsTooOldOrOutsideOfTheTimeThatIsWanted) {
  for (const char* body : {"0", "1", "2", "3", "4"}) add(body);
  look_.kept_from = Timestamp{1};
  look_.wanted.sent_from = Timestamp{2};
  look_.wanted.sent_until = Timestamp{3};
  EXPECT_EQ(examine_all(), std::nullopt);
  EXPECT_THAT(bodies(), ElementsAre("2", "3"));
}

TEST_F(LookTest, PassesOverWhatIsNotWhatWasStored) {
  add("a");
  candidate_.block = kBlock + 1;  // where nobody has put it
  EXPECT_EQ(examine_all(), std::nullopt);
  EXPECT_THAT(look_.found, IsEmpty());
  EXPECT_FALSE(look_.error);
}

TEST_F(LookTest, TellsOfAKeyThatCannotBeUsed) {
  add("a");
  const Keyring other = Keyring::fresh(kNow);
  look_.keys = std::make_shared<DataKeys>(other);
  EXPECT_EQ(examine_all(), 0U);
  ASSERT_TRUE(look_.error);
  EXPECT_NE(look_.error->code(), ErrorCode::internal_failure);
}

TEST_F(LookTest, GivesChunksWithoutAKey) {
  add("a");
  const Keyring other = Keyring::fresh(kNow);
  look_.keys = std::make_shared<DataKeys>(other);
  look_.keep_chunks = true;
  EXPECT_EQ(examine_all(), std::nullopt);
  ASSERT_EQ(look_.found.size(), 1U);
  EXPECT_NE(look_.found.front().chunk, nullptr);
  EXPECT_FALSE(look_.error);
}

TEST_F(LookTest, HasEnoughWhenNothingIsLeftOrMuchWasRead) {
  EXPECT_FALSE(has_enough(look_));
  look_.bytes_read = limits::kLookBytesMax;
  EXPECT_TRUE(has_enough(look_));
  look_.bytes_read = 0;
  look_.exhausted = true;
  EXPECT_TRUE(has_enough(look_));
}

TEST_F(LookTest, HasEnoughGroupsThoughNotAllCanBeShown) {
  look_.wanted.group_heads = true;
  look_.groups_max = 1;
  EXPECT_FALSE(has_enough(look_));
  look_.groups_listed.insert(GroupKey{1});
  EXPECT_TRUE(has_enough(look_));
}

TEST_F(LookTest, GoesOnWhereItEnded) {
  look_.next = SequenceNumber{99};
  look_.stage = Look::Stage::done;
  look_.candidates.push_back(candidate_);
  go_on(look_);
  EXPECT_EQ(look_.from, SequenceNumber{99});
  EXPECT_EQ(look_.stage, Look::Stage::asked);
  EXPECT_THAT(look_.candidates, IsEmpty());
}

}  // namespace
}  // namespace millrace
