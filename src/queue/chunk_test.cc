#include "queue/chunk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "base/bytes.h"
#include "base/encoding.h"
#include "support/test_keyring.h"

namespace millrace {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr Timestamp kNow{1'700'000'000'000};
constexpr MessagePlace kHere{QueueId{7}, SequenceNumber{640}};
constexpr MessagePlace kNext{QueueId{7}, SequenceNumber{641}};
constexpr MessagePlace kOther{QueueId{8}, SequenceNumber{640}};

class ChunkTest : public testing::TestWithParam<bool> {
 protected:
  static NewMessage message(std::string_view body) {
    NewMessage made;
    made.body = body;
    made.sender_id = "the-sender";
    return made;
  }

  // The sealed half of the tests, and the other.
  std::shared_ptr<SealingKey> key() {
    return GetParam() ? keys_.sealing(kManagedKeyAlias, seconds(60), 1, kNow).value() : nullptr;
  }
  std::string chunk_of(std::string_view body, const MessagePlace& place) {
    ChunkBuilder builder;
    builder.add(message(body), Timestamp{1}, {}, place, key(), fingerprints_);
    return builder.finish();
  }
  std::string moved_chunk(const MessageRecord& from, const MessagePlace& place) {
    ChunkBuilder builder;
    builder.add_moved(from, place, fingerprints_);
    return builder.finish();
  }
  // As the queue reads: the text of message `slot` at `place`, or what is wrong with it.
  std::string read(const std::string& chunk, unsigned slot, const MessagePlace& place) {
    const auto record = parse_chunk_message(chunk, slot);
    if (!record || !is_genuine(*record, place, fingerprints_)) return "refused";
    const auto opened = open(chunk, *record, place);
    return opened ? std::string(opened->message.body) : "refused";
  }
  Expected<OpenedMessage> open(const std::string& chunk, const MessageRecord& record,
                               const MessagePlace& place) {
    return open_message(record, place, std::make_shared<const std::string>(chunk), keys_, kNow);
  }

  const std::array<std::uint8_t, 32> secret_{4};
  const Fingerprinter fingerprints_{secret_};
  DataKeys keys_{test_keyring()};
};

INSTANTIATE_TEST_SUITE_P(PlainAndSealed, ChunkTest, testing::Bool());

TEST_P(ChunkTest, MessagesComeBackWithAllTheyHave) {
  const std::vector<MessageAttribute> attributes{{"n", "Number", "1", false},
                                                 {"raw", "Binary.x", std::string("\0\1", 2), true}};
  NewMessage full = message("the-body");
  full.attributes = attributes;
  full.trace_header = "the-trace";
  full.group_id = "the-group";
  full.deduplication_id = "the-deduplication";
  Md5Digest digest{};
  full.body_md5 = &digest;
  ChunkBuilder builder;
  builder.add(message(""), Timestamp{1}, {}, kHere, key(), fingerprints_);
  builder.add(full, Timestamp{2}, GroupKey{5}, kNext, key(), fingerprints_);
  EXPECT_EQ(builder.count(), 2u);
  const std::size_t bytes = builder.bytes();
  const std::string chunk = builder.finish();
  EXPECT_LE(chunk.size(), bytes);
  EXPECT_EQ(builder.count(), 0u);

  const auto empty = parse_chunk_message(chunk, 0);
  ASSERT_TRUE(empty);
  EXPECT_EQ(empty->sent_at, Timestamp{1});
  EXPECT_EQ(empty->group, GroupKey{});
  EXPECT_FALSE(empty->origin);
  const auto opened_empty = open(chunk, *empty, kHere);
  ASSERT_TRUE(opened_empty);
  EXPECT_EQ(opened_empty->message.body, "");
  EXPECT_TRUE(opened_empty->message.attributes.empty());

  const auto record = parse_chunk_message(chunk, 1);
  ASSERT_TRUE(record);
  EXPECT_EQ(record->sent_at, Timestamp{2});
  EXPECT_EQ(record->group, GroupKey{5});
  EXPECT_EQ(record->wrapped_key.empty(), !GetParam());
  const auto opened = open(chunk, *record, kNext);
  ASSERT_TRUE(opened);
  const StoredMessage& stored = opened->message;
  EXPECT_EQ(stored.body, "the-body");
  EXPECT_EQ(stored.body_md5, md5("the-body"));
  EXPECT_EQ(digest, md5("the-body"));
  EXPECT_EQ(stored.sender_id, "the-sender");
  EXPECT_EQ(stored.trace_header, "the-trace");
  EXPECT_EQ(stored.group_id, "the-group");
  EXPECT_EQ(stored.deduplication_id, "the-deduplication");
  EXPECT_EQ(stored.sent_at, Timestamp{2});
  ASSERT_EQ(stored.attributes.size(), 2u);
  EXPECT_EQ(stored.attributes[0].data_type, "Number");
  EXPECT_TRUE(stored.attributes[1].binary);
  EXPECT_EQ(stored.attributes[1].value, std::string("\0\1", 2));
  EXPECT_FALSE(parse_chunk_message(chunk, 2));
}

TEST_P(ChunkTest, NothingOfASealedMessageIsClear) {
  if (!GetParam()) return;
  const std::vector<MessageAttribute> attributes{{"the-name", "String.the-type", "the-value"}};
  NewMessage full = message("the-body");
  full.attributes = attributes;
  full.trace_header = "the-trace";
  full.group_id = "the-group";
  full.deduplication_id = "the-deduplication";
  ChunkBuilder builder;
  builder.add(full, Timestamp{2}, GroupKey{5}, kHere, key(), fingerprints_);
  const std::string chunk = builder.finish();
  EXPECT_THAT(chunk, Not(HasSubstr("the-")));
}

TEST_P(ChunkTest, AMovedMessageKeepsWhatItWasAndWhereItCameFrom) {
  const std::string first = chunk_of("body", kHere);
  MessageRecord moved = parse_chunk_message(first, 0).value();
  MessageOrigin& origin = moved.origin.emplace();
  origin.id[3] = 8;
  origin.source_arn = "arn";
  origin.receive_count = 6;
  origin.first_received_at = Timestamp{7};
  moved.first_place = kHere;
  moved.deduplication_id = origin.id;
  const std::string second = moved_chunk(moved, kOther);
  const auto record = parse_chunk_message(second, 0);
  ASSERT_TRUE(record && record->origin);
  EXPECT_TRUE(is_genuine(*record, kOther, fingerprints_));
  EXPECT_EQ(record->origin->id, origin.id);
  EXPECT_EQ(record->origin->receive_count, 6u);
  EXPECT_EQ(record->origin->first_received_at, Timestamp{7});
  EXPECT_EQ(record->content, moved.content) << "it stays in the form in which it was stored";
  EXPECT_EQ(record->wrapped_key, moved.wrapped_key);
  const auto opened = open(second, *record, kOther);
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->message.body, "body");
  EXPECT_EQ(opened->message.sent_at, Timestamp{1});
  EXPECT_EQ(opened->message.dead_letter_source_arn, "arn");
  EXPECT_EQ(opened->message.deduplication_id, to_uuid_text(origin.id));

  MessageRecord onward = *record;
  onward.origin.reset();
  const std::string third = moved_chunk(onward, kNext);
  const auto anew = parse_chunk_message(third, 0);
  ASSERT_TRUE(anew && is_genuine(*anew, kNext, fingerprints_));
  EXPECT_FALSE(anew->origin) << "a move task has brought it";
  const auto opened_anew = open(third, *anew, kNext);
  ASSERT_TRUE(opened_anew);
  EXPECT_EQ(opened_anew->message.body, "body");
  EXPECT_EQ(opened_anew->message.deduplication_id, to_uuid_text(origin.id));
  EXPECT_EQ(opened_anew->message.dead_letter_source_arn, "");
}

TEST_P(ChunkTest, AMoveCannotBeForgedNorPutElsewhere) {
  const std::string first = chunk_of("body", kHere);
  MessageRecord moved = parse_chunk_message(first, 0).value();
  moved.first_place = kHere;
  const std::string second = moved_chunk(moved, kOther);
  EXPECT_EQ(read(second, 0, kOther), "body");
  EXPECT_EQ(read(second, 0, kNext), "refused");
  EXPECT_EQ(read(second, 0, kHere), "refused");

  const std::array<std::uint8_t, 32> wrong{5};
  ChunkBuilder builder;
  builder.add_moved(moved, kNext, Fingerprinter(wrong));
  EXPECT_EQ(read(builder.finish(), 0, kNext), "refused");
}

TEST_P(ChunkTest, AMessageIsBoundToItsPlace) {
  ChunkBuilder builder;
  builder.add(message("one"), Timestamp{1}, {}, kHere, key(), fingerprints_);
  builder.add(message("two"), Timestamp{1}, {}, kNext, key(), fingerprints_);
  const std::string chunk = builder.finish();
  EXPECT_EQ(read(chunk, 0, kHere), "one");
  EXPECT_EQ(read(chunk, 1, kNext), "two");
  EXPECT_EQ(read(chunk, 0, kNext), "refused");
  EXPECT_EQ(read(chunk, 1, kHere), "refused");
  EXPECT_EQ(read(chunk, 0, kOther), "refused");
}

TEST_P(ChunkTest, NoByteOfASealedMessageCanBeChanged) {
  if (!GetParam()) return;
  const std::string chunk = chunk_of("body", kHere);
  const std::string_view content = parse_chunk_message(chunk, 0)->content;
  const auto begin = static_cast<std::size_t>(content.data() - chunk.data());
  const std::string_view wrapped_key = parse_chunk_message(chunk, 0)->wrapped_key;
  const auto key_begin = static_cast<std::size_t>(wrapped_key.data() - chunk.data());
  for (std::size_t i = 0; i < chunk.size(); ++i) {
    const bool secret = (i >= begin && i < begin + content.size()) ||
                        (i >= key_begin && i < key_begin + wrapped_key.size());
    std::string changed = chunk;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    const std::string got = read(changed, 0, kHere);
    if (secret) {
      EXPECT_EQ(got, "refused") << i;
    } else {
      EXPECT_THAT(got, testing::AnyOf("refused", "body")) << i;  // the time of sending is clear
    }
  }
}

TEST_P(ChunkTest, NobodyPassesOffASealedMessageAsOneThatIsNot) {
  if (!GetParam()) return;
  const std::string chunk = chunk_of("body", kHere);
  std::string changed = chunk;
  changed[1] = static_cast<char>(changed[1] ^ 1);  // the flag
  ASSERT_TRUE(parse_chunk_message(changed, 0));
  EXPECT_EQ(read(changed, 0, kHere), "refused");
  const std::array<std::uint8_t, 32> wrong{5};
  ChunkBuilder forged;
  forged.add(message("forged"), Timestamp{1}, {}, kHere, nullptr, Fingerprinter(wrong));
  EXPECT_EQ(read(forged.finish(), 0, kHere), "refused");
}

TEST_P(ChunkTest, ReadsNothingOutsideOfDamagedBytes) {
  ChunkBuilder builder;
  for (unsigned i = 0; i < 2; ++i) {
    builder.add(message("body"), Timestamp{1}, GroupKey{i}, kHere, key(), fingerprints_);
  }
  const std::string source = chunk_of("moved", kOther);
  MessageRecord moved = parse_chunk_message(source, 0).value();
  moved.first_place = kOther;
  moved.origin.emplace().source_arn = "arn";
  moved.deduplication_id.emplace();
  builder.add_moved(moved, kHere, fingerprints_);
  const std::string chunk = builder.finish();
  for (std::size_t length = 0; length < chunk.size(); ++length) {
    for (unsigned slot = 0; slot < 4; ++slot) {
      read(std::string(chunk, 0, length), slot, kHere);  // the sanitizer watches
    }
  }
  for (std::size_t i = 0; i < chunk.size(); ++i) {
    for (const char damage : {'\0', '\x7f', '\xff'}) {
      std::string damaged = chunk;
      damaged[i] = damage;
      for (unsigned slot = 0; slot < 4; ++slot) {
        const auto record = parse_chunk_message(damaged, slot);
        if (record) static_cast<void>(open(damaged, *record, kHere));
      }
    }
  }
  EXPECT_FALSE(parse_chunk_message("", 0));
  EXPECT_FALSE(parse_chunk_message(std::string("\1") + chunk.substr(1), 0));
}

TEST_P(ChunkTest, AChunkHoldsEachKeyOnce) {
  if (!GetParam()) return;
  ChunkBuilder builder;
  std::string first_key;
  for (unsigned i = 0; i < 3; ++i) {
    const Timestamp now = kNow + (i == 2 ? seconds(60) : 0);
    const auto one = keys_.sealing(kManagedKeyAlias, seconds(60), 1, now).value();
    if (i == 0) first_key = one->wrapped();
    builder.add(message("body"), Timestamp{1}, {}, kHere, one, fingerprints_);
  }
  const std::string chunk = builder.finish();
  EXPECT_EQ(parse_chunk_message(chunk, 0)->wrapped_key, first_key);
  EXPECT_EQ(parse_chunk_message(chunk, 1)->wrapped_key, first_key);
  EXPECT_NE(parse_chunk_message(chunk, 2)->wrapped_key, first_key);
  EXPECT_EQ(chunk.find(first_key), chunk.rfind(first_key));
  for (unsigned slot = 0; slot < 3; ++slot) EXPECT_EQ(read(chunk, slot, kHere), "body");
}

TEST_P(ChunkTest, AChunkHasNoRoomToSpareAndItsBuilderBeginsAnew) {
  ChunkBuilder builder;
  for (const std::size_t bytes : {std::size_t{100}, std::size_t{1} << 20, std::size_t{1000}}) {
    const std::string body(bytes, 'b');
    for (unsigned i = 0; i < 3; ++i) {
      builder.add(message(body), Timestamp{1}, {}, kHere, key(), fingerprints_);
    }
    const std::string chunk = builder.finish();
    EXPECT_LE(chunk.capacity(), chunk.size() + chunk.size() / 8);
    EXPECT_EQ(builder.count(), 0U);
    for (unsigned slot = 0; slot < 3; ++slot) EXPECT_EQ(read(chunk, slot, kHere), body);
  }
}

}  // namespace
}  // namespace millrace
