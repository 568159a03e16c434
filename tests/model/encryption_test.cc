// Encryption at rest through the loop: what is on disk, what happens when a key is of no use, and
// what becomes of messages that somebody has changed there.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "base/bytes.h"
#include "queue/chunk.h"
#include "support/loop_harness.h"

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr std::string_view kAlias = "alias/orders";

// The master keys: the tests' managed one, and one more that a test may turn off and on.
class Keys {
 public:
  explicit Keys(std::vector<LoopHarness*> loops) : loops_(std::move(loops)) { replace(); }

  void enable(bool enabled) {
    keys_.back().enabled = enabled;
    replace();
  }
  void rotate_all() {
    for (MasterKey& key : keys_) rotate(key, Timestamp{});
    replace();
  }

 private:
  void replace() {
    for (LoopHarness* loop : loops_) loop->keys().replace(std::make_shared<const Keyring>(keys_));
  }

  static std::vector<MasterKey> keys_of(LoopHarness& loop) {
    std::vector<MasterKey> keys = loop.keys().get()->keys();
    keys.push_back(make_master_key(kAlias, Timestamp{}));
    return keys;
  }

  std::vector<LoopHarness*> loops_;
  std::vector<MasterKey> keys_ = keys_of(*loops_.front());
};

class EncryptionTest : public testing::Test {
 protected:
  static QueueSettings settings(std::string_view master_key) {
    QueueSettings made = LoopHarness::kUsual;
    made.encryption.master_key = master_key;
    return made;
  }
  static QueueSettings fifo(std::string_view master_key) {
    QueueSettings made = settings(master_key);
    made.fifo = true;
    return made;
  }

  // The outcome of a send.
  std::optional<ApiError> send_error(QueueId queue) {
    std::optional<ApiError> error;
    const auto call = loop_.submit([&](Shard& shard, Timestamp at) {
      NewMessage message;
      message.body = "body";
      const auto sent = shard.send(queue, {&message, 1}, at);
      if (!sent) error = sent.error();
    });
    loop_.settle();
    EXPECT_TRUE(call->succeeded);
    return error;
  }
  // The error of a receive; nothing if it gets messages, or none.
  std::optional<ErrorCode> receive_error(QueueId queue, Milliseconds wait = 0,
                                         std::string attempt = {}) {
    ReceiveRequest request{queue, 10, seconds(30), wait};
    request.attempt_id = std::move(attempt);
    const auto receive = loop_.receive(request);
    loop_.settle();
    if (!receive->result) ADD_FAILURE() << "it was not answered";
    if (!receive->result || *receive->result) return std::nullopt;
    return receive->result->error().code();
  }
  void send_to_group(QueueId queue, std::string_view group, std::string_view body) {
    loop_.submit([&](Shard& shard, Timestamp at) {
      NewMessage message;
      message.body = body;
      message.group_id = group;
      message.deduplication_id = body;
      shard.send(queue, {&message, 1}, at).value();
    });
    loop_.settle();
  }

  struct Stored {
    std::string key;  // of the index row
    PayloadPlace place;
    std::string chunk;
  };
  std::vector<Stored> stored(Family family = Family::index) {
    std::vector<Stored> all;
    for (const Row& row : loop_.rows(family)) {
      const PayloadPlace place = read_place(row.value);
      all.push_back({row.key, place, **loop_.store().read(place)});
    }
    return all;
  }
  std::set<std::string> data_keys() {
    std::set<std::string> keys;
    for (const Stored& one : stored()) {
      keys.emplace(parse_chunk_message(one.chunk, 0)->wrapped_key);
    }
    return keys;
  }
  // Somebody changes the disk while the server does not run.
  void replace_chunk(const Stored& one, std::string chunk) {
    WriteBatch batch;
    const std::string value = *loop_.store().snapshot()->get(Family::index, one.key).value();
    const std::uint32_t payload =
        batch.add_payload(std::make_shared<const std::string>(std::move(chunk)), one.key);
    batch.erase(Family::index, one.key);
    batch.put_placed(Family::index, one.key, payload,
                     std::string_view(value).substr(kPayloadPlaceBytes));
    loop_.store().hold_commits(false);
    loop_.store().commit(batch);
    ASSERT_TRUE(loop_.store().finish());
  }

  ManualClock clock_{Timestamp{1'700'000'000'000}};
  LoopHarness loop_{clock_};
  Keys keys_{{&loop_}};
};

TEST_F(EncryptionTest, OnlyAQueueWithoutEncryptionStoresClearText) {
  const QueueId queue = loop_.create_queue();
  loop_.send(queue, {"a secret"});
  ASSERT_THAT(stored(), SizeIs(1));
  EXPECT_THAT(stored().front().chunk, Not(HasSubstr("a secret")));
  const QueueId open = loop_.create_queue({.retention = seconds(1000)});
  loop_.send(open, {"no secret"});
  EXPECT_THAT(stored().back().chunk, HasSubstr("no secret"));
  loop_.restart();
  EXPECT_THAT(loop_.poll_bodies(queue), ElementsAre("a secret"));
  EXPECT_THAT(loop_.poll_bodies(open), ElementsAre("no secret"));
}

TEST_F(EncryptionTest, AChangeIsForNewMessages) {
  const QueueId queue = loop_.create_queue({.retention = seconds(1000)});
  loop_.send(queue, {"one"});
  loop_.configure(queue, settings(kAlias));
  loop_.send(queue, {"two"});
  EXPECT_THAT(stored().front().chunk, HasSubstr("one"));
  EXPECT_THAT(stored().back().chunk, Not(HasSubstr("two")));
  EXPECT_THAT(loop_.poll_bodies(queue), ElementsAre("one", "two"));
}

TEST_F(EncryptionTest, SendsUnderAKeyOfNoUseAreRefused) {
  const QueueId queue = loop_.create_queue(settings("alias/unknown"));
  EXPECT_EQ(send_error(queue)->code(), ErrorCode::kms_not_found);
  loop_.configure(queue, settings(kAlias));
  EXPECT_FALSE(send_error(queue));
  keys_.enable(false);
  EXPECT_EQ(send_error(queue)->code(), ErrorCode::kms_disabled);
  keys_.enable(true);
  EXPECT_FALSE(send_error(queue));
  EXPECT_EQ(loop_.counts(queue).visible, 2u);
}

TEST_F(EncryptionTest, ALookNeedsTheKeyWhileDeletesAndMovesByPlaceDoNot) {
  const QueueId queue = loop_.create_queue(settings(kAlias));
  const QueueId target = loop_.create_queue(settings(kAlias));
  const std::vector<SequenceNumber> places = loop_.send(queue, {"one", "two", "three"});
  EXPECT_THAT(loop_.look(queue).value(), SizeIs(3));
  keys_.enable(false);
  EXPECT_EQ(loop_.look(queue).error().code(), ErrorCode::kms_disabled);
  EXPECT_FALSE(loop_.erase_messages(queue, {places[0]}).front());
  EXPECT_FALSE(loop_.move_messages(queue, target, {places[1]}).front());
  keys_.enable(true);
  EXPECT_EQ(loop_.look(queue).value().front().body, "three");
  EXPECT_EQ(loop_.look(target).value().front().body, "two");
}

TEST_F(EncryptionTest, ADisabledKeyTakesNothingFromAReceive) {
  const QueueId queue = loop_.create_queue(settings(kAlias));
  loop_.send(queue, {"one", "two"});
  keys_.enable(false);
  for (unsigned i = 0; i < 3; ++i) EXPECT_EQ(receive_error(queue), ErrorCode::kms_disabled);
  EXPECT_EQ(receive_error(queue, seconds(20)), ErrorCode::kms_disabled) << "it need not wait";
  EXPECT_EQ(loop_.counts(queue).visible, 2u);
  keys_.enable(true);
  const std::vector<Delivery> received = loop_.poll(queue);
  ASSERT_THAT(received, SizeIs(2));
  EXPECT_EQ(received[0].receive_count, 1u);
  EXPECT_EQ(received[0].message.body, "one");
}

TEST_F(EncryptionTest, WhatWasReceivedIsDeletedWithoutItsKey) {
  const QueueId queue = loop_.create_queue(settings(kAlias));
  loop_.send(queue, {"one", "two"});
  const std::vector<Delivery> received = loop_.poll(queue);
  keys_.enable(false);
  EXPECT_FALSE(loop_.change_visibility(queue, received[1].receipt_handle, seconds(100)));
  loop_.erase(queue, {received[0].receipt_handle, received[1].receipt_handle});
  EXPECT_FALSE(receive_error(queue));
  EXPECT_THAT(loop_.rows(Family::index), IsEmpty());
}

TEST_F(EncryptionTest, AReceiveGivesWhatCanBeOpened) {
  const QueueId queue = loop_.create_queue(settings(kAlias));
  loop_.send(queue, {"one", "two"});
  loop_.configure(queue, settings(kManagedKeyAlias));
  loop_.send(queue, {"three"});
  keys_.enable(false);
  EXPECT_THAT(loop_.poll_bodies(queue), ElementsAre("three"));
  EXPECT_EQ(receive_error(queue), ErrorCode::kms_disabled);
  keys_.enable(true);
  EXPECT_THAT(loop_.poll_bodies(queue), ElementsAre("one", "two"));
}

TEST_F(EncryptionTest, ManyThatCannotBeOpenedDoNotHoldUpTheShard) {
  LoopHarness tiny(clock_, {.memory_bytes = 1});
  Keys keys({&tiny});
  const QueueId queue = tiny.create_queue(settings(kAlias));
  for (unsigned i = 0; i < 30; ++i) {
    tiny.send(queue, std::vector<std::string>(64, std::string(100, 'x')));
  }
  tiny.restart();
  keys.enable(false);
  const auto receive = tiny.receive({queue, 10, seconds(30), seconds(20)});
  tiny.settle();
  ASSERT_TRUE(receive->result);
  EXPECT_EQ(receive->result->error().code(), ErrorCode::kms_disabled);
  keys.enable(true);
  EXPECT_THAT(tiny.poll(queue), SizeIs(10));
}

TEST_F(EncryptionTest, AGroupEndsBeforeWhatCannotBeOpened) {
  const QueueId queue = loop_.create_queue(fifo(kAlias));
  send_to_group(queue, "a", "a1");
  loop_.configure(queue, fifo(kManagedKeyAlias));
  send_to_group(queue, "a", "a2");
  send_to_group(queue, "b", "b1");
  keys_.enable(false);
  EXPECT_THAT(loop_.poll_bodies(queue), ElementsAre("b1"));
  EXPECT_EQ(receive_error(queue), ErrorCode::kms_disabled);
  keys_.enable(true);
  EXPECT_THAT(loop_.poll_bodies(queue), ElementsAre("a1", "a2"));
}

TEST_F(EncryptionTest, ARepeatedAttemptNeedsTheKey) {
  const QueueId queue = loop_.create_queue(fifo(kAlias));
  send_to_group(queue, "a", "a1");
  EXPECT_FALSE(receive_error(queue, 0, "attempt"));
  keys_.enable(false);
  EXPECT_EQ(receive_error(queue, 0, "attempt"), ErrorCode::kms_disabled);
  keys_.enable(true);
  const auto again = loop_.receive({queue, 10, seconds(30), 0, "attempt"});
  loop_.settle();
  EXPECT_THAT(again->bodies(), ElementsAre("a1"));
  EXPECT_EQ(again->deliveries().front().receive_count, 1u);
}

TEST_F(EncryptionTest, ADeadLetterMovesWithoutItsKeyAndStaysAsItIs) {
  for (const bool is_fifo : {false, true}) {
    QueueSettings dead_settings{.retention = seconds(345'600), .fifo = is_fifo};
    const QueueId dead = loop_.create_queue(dead_settings);
    QueueSettings source_settings = settings(kAlias);
    source_settings.fifo = is_fifo;
    source_settings.receive_count_max = 1;
    source_settings.dead_letter_queue = dead;
    source_settings.arn = "arn:source";
    const QueueId source = loop_.create_queue(source_settings);
    send_to_group(source, "group", "a secret");
    const std::vector<Delivery> first = loop_.poll(source, 10, 0);
    ASSERT_THAT(first, SizeIs(1));
    keys_.enable(false);
    EXPECT_FALSE(receive_error(source)) << "it moves it";
    EXPECT_EQ(loop_.counts(source).visible, 0u);
    EXPECT_EQ(loop_.counts(dead).visible, 1u);
    EXPECT_THAT(stored().back().chunk, Not(HasSubstr("a secret"))) << "the new queue encrypts not";
    EXPECT_EQ(receive_error(dead), ErrorCode::kms_disabled);
    keys_.enable(true);
    loop_.restart();
    const std::vector<Delivery> moved = loop_.poll(dead);
    ASSERT_THAT(moved, SizeIs(1));
    EXPECT_EQ(moved[0].message.body, "a secret");
    EXPECT_EQ(moved[0].message.group_id, "group");
    EXPECT_EQ(moved[0].message.dead_letter_source_arn, "arn:source");
    EXPECT_EQ(moved[0].id, first[0].id);
    EXPECT_EQ(moved[0].receive_count, 2u);
    const std::string own = is_fifo ? to_uuid_text(moved[0].id) : "a secret";
    EXPECT_EQ(moved[0].message.deduplication_id, own);
    loop_.erase(dead, {moved[0].receipt_handle});
  }
}

TEST_F(EncryptionTest, WhatGoesToAnotherShardNeedsNoKeyAndCannotBeChangedOnItsWay) {
  LoopHarness target(clock_, {.shard = 1});
  Keys keys({&loop_, &target});
  const QueueId dead = target.create_queue();
  QueueSettings source_settings = settings(kAlias);
  source_settings.receive_count_max = 1;
  source_settings.dead_letter_queue = dead;
  source_settings.dead_letters_leave_shard = true;
  const QueueId source = loop_.create_queue(source_settings);
  loop_.send(source, {"a secret"});
  EXPECT_THAT(loop_.poll_bodies(source, 10, 0), ElementsAre("a secret"));
  keys.enable(false);
  const auto receive = loop_.receive({source, 10, seconds(30), 0});
  loop_.settle();
  ASSERT_THAT(loop_.transfers, SizeIs(1));
  const Transfer sent = loop_.transfers.front();
  EXPECT_THAT(*sent.chunk, Not(HasSubstr("a secret")));

  Transfer changed = sent;
  changed.sequence = SequenceNumber{sent.sequence.value() + 1};
  target.shard().apply_transfer(changed, clock_.now());
  target.settle();
  ASSERT_THAT(target.transfer_results, SizeIs(1));
  EXPECT_FALSE(target.transfer_results.front().applied);
  EXPECT_EQ(target.counts(dead).visible, 0u);

  target.shard().apply_transfer(sent, clock_.now());
  target.settle();
  EXPECT_TRUE(target.transfer_results.back().applied);
  keys.enable(true);
  EXPECT_THAT(target.poll_bodies(dead), ElementsAre("a secret"));
}

TEST_F(EncryptionTest, ADataKeyIsReplacedAfterTheQueuesPeriodAndAtAStart) {
  QueueSettings short_period = settings(kAlias);
  short_period.encryption.reuse = seconds(60);
  const QueueId queue = loop_.create_queue(short_period);
  loop_.send(queue, {"1"});
  loop_.advance(seconds(59));
  loop_.send(queue, {"2"});
  EXPECT_THAT(data_keys(), SizeIs(1));
  loop_.advance(seconds(1));
  loop_.send(queue, {"3"});
  EXPECT_THAT(data_keys(), SizeIs(2));
  loop_.crash();
  loop_.send(queue, {"4"});
  EXPECT_THAT(data_keys(), SizeIs(3)) << "numbers under a key start anew with it";
  EXPECT_THAT(loop_.poll_bodies(queue), ElementsAre("1", "2", "3", "4"));
}

TEST_F(EncryptionTest, WhatWasSealedBeforeARotationCanBeOpened) {
  const QueueId queue = loop_.create_queue(settings(kAlias));
  const QueueId managed = loop_.create_queue();
  loop_.send(queue, {"one"});
  loop_.send(managed, {"uno"});
  keys_.rotate_all();
  loop_.send(queue, {"two"});
  loop_.send(managed, {"due"});
  EXPECT_THAT(data_keys(), SizeIs(4));
  loop_.restart();
  EXPECT_THAT(loop_.poll_bodies(queue), ElementsAre("one", "two"));
  EXPECT_THAT(loop_.poll_bodies(managed), ElementsAre("uno", "due"));
}

TEST_F(EncryptionTest, ARelocatedMessageIsTheSame) {
  const QueueId queue = loop_.create_queue();
  loop_.send(queue, {"one"});
  const Stored before = stored().front();
  loop_.shard().relocate(before.key, before.place, clock_.now());
  loop_.settle();
  EXPECT_NE(stored().front().place, before.place);
  loop_.restart();
  EXPECT_THAT(loop_.poll_bodies(queue), ElementsAre("one"));
}

TEST_F(EncryptionTest, MessagesThatWereSwappedAreRefused) {
  const QueueId queue = loop_.create_queue();
  const QueueId other = loop_.create_queue();
  loop_.send(queue, {"one"});
  loop_.send(queue, {"two"});
  loop_.send(other, {"uno"});
  const std::vector<Stored> before = stored();
  ASSERT_THAT(before, SizeIs(3));
  const auto refused = [&](QueueId of) {
    loop_.crash();
    const auto error = receive_error(of);
    loop_.crash();
    return error == ErrorCode::internal_failure;
  };
  // Within the queue.
  replace_chunk(before[0], before[1].chunk);
  replace_chunk(before[1], before[0].chunk);
  EXPECT_TRUE(refused(queue));
  // Between queues.
  replace_chunk(before[0], before[2].chunk);
  replace_chunk(before[1], before[2].chunk);
  replace_chunk(before[2], before[0].chunk);
  EXPECT_TRUE(refused(queue));
  EXPECT_TRUE(refused(other));
  for (const Stored& one : before) replace_chunk(one, one.chunk);
  loop_.crash();
  EXPECT_THAT(loop_.poll_bodies(queue), ElementsAre("one", "two"));
  EXPECT_THAT(loop_.poll_bodies(other), ElementsAre("uno"));
}

TEST_F(EncryptionTest, MessagesThatWereSwappedWithinABlockAreRefused) {
  const QueueId queue = loop_.create_queue();
  loop_.submit([&](Shard& shard, Timestamp at) {
    for (const std::string_view body : {"one", "two"}) {
      NewMessage message;
      message.body = body;
      shard.send(queue, {&message, 1}, at).value();
    }
  });
  loop_.settle();
  ASSERT_THAT(stored(), SizeIs(1));
  const Stored before = stored().front();
  // The records are of one length: they change places.
  std::string swapped = before.chunk;
  const auto first = parse_chunk_message(before.chunk, 0)->content;
  const auto second = parse_chunk_message(before.chunk, 1)->content;
  ASSERT_EQ(first.size(), second.size());
  const auto at = [&](std::string_view view) {
    return static_cast<std::size_t>(view.data() - before.chunk.data());
  };
  const std::size_t begin = 1;  // behind the chunk's version
  const std::size_t length = at(second) - at(first);
  swapped.replace(begin, length, before.chunk, begin + length, length);
  swapped.replace(begin + length, length, before.chunk, begin, length);
  ASSERT_EQ(parse_chunk_message(swapped, 0)->content, second);
  replace_chunk(before, swapped);
  loop_.crash();
  EXPECT_EQ(receive_error(queue), ErrorCode::internal_failure);
  EXPECT_EQ(loop_.counts(queue).visible, 2u);
}

TEST_F(EncryptionTest, AChunkThatIsNoneIsRefused) {
  const QueueId queue = loop_.create_queue();
  const QueueId ordered = loop_.create_queue(fifo(kManagedKeyAlias));
  loop_.send(queue, {"one"});
  send_to_group(ordered, "a", "a1");
  for (const Stored& one : stored()) replace_chunk(one, "rubbish");
  loop_.crash();
  EXPECT_EQ(receive_error(queue), ErrorCode::internal_failure);
  EXPECT_EQ(receive_error(ordered), ErrorCode::internal_failure);
}

}  // namespace
}  // namespace millrace
