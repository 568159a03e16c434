// Looks at queues: what peek, search and the list of message groups are made of; and deletes and
// moves of messages by their places.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "support/loop_harness.h"

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

// So little that nothing stays in memory for longer than it is needed.
constexpr std::size_t kNoMemory = 1;

std::vector<std::string> bodies(const std::vector<LookedMessage>& messages) {
  std::vector<std::string> all;
  for (const LookedMessage& message : messages) all.push_back(message.body);
  return all;
}

std::vector<std::string> numbered(std::size_t count) {
  std::vector<std::string> all;
  for (std::size_t i = 0; i < count; ++i) all.push_back("m" + std::to_string(i));
  return all;
}

// With all the memory that it wants, and with next to none.
class LookTest : public testing::TestWithParam<std::size_t> {
 protected:
  std::vector<LookedMessage> look(const LookWanted& wanted = {}, std::size_t page = 100) {
    return loop_.look(queue_, wanted, page).value();
  }
  void send(const std::vector<NewMessage>& messages) {
    loop_.submit([&](Shard& shard, Timestamp at) { shard.send(queue_, messages, at).value(); });
    loop_.settle();
  }
  SequenceNumber place_of(const std::string& body) {
    const std::vector<LookedMessage> all = look();
    return std::ranges::find(all, body, &LookedMessage::body)->sequence;
  }
  // Fails the test if it was refused.
  void erase(const std::string& body) {
    EXPECT_EQ(loop_.erase_messages(queue_, {place_of(body)}).front(), std::nullopt);
  }

  ManualClock clock_{Timestamp{1'700'000'000'000}};
  LoopHarness loop_{clock_, {.memory_bytes = GetParam()}};
  QueueId queue_ = loop_.create_queue();
};

INSTANTIATE_TEST_SUITE_P(Memory, LookTest, testing::Values(kNoMemory, std::size_t{256} << 20));

class LookFifoTest : public LookTest {
 protected:
  LookFifoTest() {
    QueueSettings settings = LoopHarness::kUsual;
    settings.fifo = true;
    queue_ = loop_.create_queue(settings);
  }
  void send_to(const std::string& group, const std::string& body) {
    NewMessage message;
    message.body = body;
    message.group_id = group;
    message.deduplication_id = body;
    send({message});
  }
  std::vector<std::string> poll(Milliseconds timeout = seconds(30)) {
    return loop_.poll_bodies(queue_, 10, timeout);
  }
};

INSTANTIATE_TEST_SUITE_P(Memory, LookFifoTest, testing::Values(kNoMemory, std::size_t{256} << 20));

TEST_P(LookTest, TellsTheStateOfEachMessageAndChangesNone) {
  loop_.send(queue_, {"received"});
  ASSERT_THAT(loop_.poll_bodies(queue_), ElementsAre("received"));
  loop_.send(queue_, {"later"}, seconds(60));
  loop_.send(queue_, {"waiting"});
  const QueueCounts before = loop_.counts(queue_);
  const std::vector<LookedMessage> all = look();
  ASSERT_THAT(bodies(all), ElementsAre("received", "later", "waiting"));
  EXPECT_EQ(all[0].state, MessageState::in_flight);
  EXPECT_EQ(all[0].visible_at, clock_.now() + seconds(30));
  EXPECT_EQ(all[0].receive_count, 1u);
  EXPECT_EQ(all[1].state, MessageState::delayed);
  EXPECT_EQ(all[1].visible_at, clock_.now() + seconds(60));
  EXPECT_EQ(all[2].state, MessageState::available);
  EXPECT_EQ(all[2].visible_at, std::nullopt);
  EXPECT_EQ(all[2].receive_count, 0u);

  const QueueCounts after = loop_.counts(queue_);
  EXPECT_EQ(after.visible, before.visible);
  EXPECT_EQ(after.in_flight, before.in_flight);
  EXPECT_EQ(after.delayed, before.delayed);
  EXPECT_EQ(loop_.poll(queue_).front().receive_count, 1u);

  loop_.restart();
  EXPECT_THAT(bodies(look()), ElementsAre("received", "later", "waiting"));
}

TEST_P(LookTest, FindsOnlyMessagesInTheStatesThatAreWanted) {
  loop_.send(queue_, {"received"});
  loop_.poll(queue_);
  loop_.send(queue_, {"waiting"});
  loop_.send(queue_, {"later"}, seconds(60));
  EXPECT_THAT(bodies(look({.in_flight = false, .delayed = false})), ElementsAre("waiting"));
  EXPECT_THAT(bodies(look({.available = false, .delayed = false})), ElementsAre("received"));
  EXPECT_THAT(bodies(look({.available = false, .in_flight = false})), ElementsAre("later"));
  loop_.advance(seconds(60));
  EXPECT_THAT(look({.available = false, .in_flight = false}), IsEmpty());
}

TEST_P(LookTest, PagesMeetWhatIsThereAllTheTimeOnce) {
  loop_.send(queue_, numbered(300));
  const auto page = std::make_shared<Look>();
  page->queue = queue_;
  page->found_max = 7;
  page->body_bytes_max = page->found_bytes_max = 1000;
  std::vector<std::string> seen;
  while (!page->exhausted) {
    page->found.clear();
    page->found_bytes = 0;
    loop_.look_on(page);
    for (const LookedMessage& message : page->found) seen.push_back(message.body);
    loop_.send(queue_, {"new"});  // behind all others
    loop_.poll(queue_, 5, seconds(1));
    loop_.advance(seconds(2));
    if (seen.size() > 1000) break;
  }
  std::erase(seen, "new");
  EXPECT_EQ(seen, numbered(300));
}

TEST_P(LookTest, DoesNotSeeWhatIsGoneOrTooOld) {
  loop_.send(queue_, {"a", "b", "c"});
  loop_.erase(queue_, {loop_.poll(queue_, 1).front().receipt_handle});
  EXPECT_THAT(look(), SizeIs(2));
  clock_.advance(seconds(345'600));
  EXPECT_THAT(look(), IsEmpty());
  loop_.send(queue_, {"d"});
  loop_.purge(queue_);
  EXPECT_THAT(look(), IsEmpty());
}

TEST_P(LookTest, FindsMessagesByWhatTheyHold) {
  const MessageAttribute color{.name = "color", .data_type = "String", .value = "red"};
  NewMessage plain;
  plain.body = "an order of tea";
  NewMessage colored;
  colored.body = "an order of coffee";
  colored.attributes = {&color, 1};
  colored.group_id = "tenant";
  send({plain, colored});
  const std::vector<LookedMessage> all = look();
  ASSERT_THAT(all, SizeIs(2));
  EXPECT_THAT(bodies(look({.text = "coffee"})), ElementsAre("an order of coffee"));
  EXPECT_THAT(look({.text = "order"}), SizeIs(2));
  EXPECT_THAT(look({.text = "Coffee"}), IsEmpty());
  EXPECT_THAT(bodies(look({.id = all[0].id})), ElementsAre("an order of tea"));
  EXPECT_THAT(bodies(look({.group_id = "tenant"})), ElementsAre("an order of coffee"));
  EXPECT_THAT(look({.group_id = "nobody"}), IsEmpty());
  EXPECT_THAT(look({.attribute_name = "color"}), SizeIs(1));
  EXPECT_THAT(look({.attribute_name = "color", .attribute_value = "red"}), SizeIs(1));
  EXPECT_THAT(look({.attribute_name = "color", .attribute_value = "blue"}), IsEmpty());
  EXPECT_THAT(look({.attribute_value = "red"}), SizeIs(1));
  EXPECT_EQ(look({.attribute_name = "color"}).front().attributes, std::vector{color});
}

TEST_P(LookTest, FindsMessagesByTheTimeOfTheirSending) {
  loop_.send(queue_, {"early"});
  loop_.advance(seconds(10));
  const Timestamp later = clock_.now();
  loop_.send(queue_, {"late"});
  EXPECT_THAT(bodies(look({.sent_from = later})), ElementsAre("late"));
  EXPECT_THAT(bodies(look({.sent_until = later - 1})), ElementsAre("early"));
  EXPECT_THAT(look({.sent_from = later - seconds(10), .sent_until = later}), SizeIs(2));
}

TEST_P(LookTest, FindsADeadLetterByTheIdThatItHadInItsOldQueue) {
  const QueueId dead = queue_;
  QueueSettings settings = LoopHarness::kUsual;
  settings.receive_count_max = 1;
  settings.dead_letter_queue = dead;
  settings.arn = "arn:aws:sqs:eu-west-1:000000000000:source";
  const QueueId source = loop_.create_queue(settings);
  loop_.send(source, {"a"});
  const MessageId id = loop_.poll(source, 1, 0).front().id;
  loop_.poll(source);
  const std::vector<LookedMessage> found = look({.id = id});
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(found.front().dead_letter_source_arn, settings.arn);
  EXPECT_EQ(found.front().receive_count, 1u);
}

TEST_P(LookTest, CutsBodiesAndKeepsTheirSize) {
  loop_.send(queue_, {"0123456789"});
  const auto page = std::make_shared<Look>();
  page->queue = queue_;
  page->body_bytes_max = 4;
  loop_.look_on(page);
  ASSERT_THAT(page->found, SizeIs(1));
  EXPECT_EQ(page->found.front().body, "0123");
  EXPECT_EQ(page->found.front().body_size, 10u);
}

// --- deleting ---

TEST_P(LookTest, DeletesAMessageInAnyState) {
  loop_.send(queue_, {"received", "kept"});
  const std::string handle = loop_.poll(queue_, 1).front().receipt_handle;
  loop_.send(queue_, {"later"}, seconds(60));
  erase("received");
  erase("later");
  EXPECT_THAT(bodies(look()), ElementsAre("kept"));
  EXPECT_EQ(loop_.counts(queue_).in_flight, 0u);
  EXPECT_EQ(loop_.counts(queue_).delayed, 0u);
  loop_.erase(queue_, {handle});  // of what is gone: a success
  loop_.crash();
  loop_.advance(seconds(60));
  EXPECT_THAT(loop_.poll_bodies(queue_), ElementsAre("kept"));
}

TEST_P(LookTest, RefusesToDeleteWhatIsGone) {
  loop_.send(queue_, {"a"});
  const SequenceNumber place = place_of("a");
  erase("a");
  const std::optional<ApiError> refusal = loop_.erase_messages(queue_, {place}).front();
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->code(), ErrorCode::resource_not_found);
}

TEST_P(LookTest, LeavesTheOthersDelayedWhereOneOfThemIsDeleted) {
  std::vector<NewMessage> messages(3);
  for (std::size_t i = 0; i < 3; ++i) {
    messages[i].body = std::string_view("abc").substr(i, 1);
    messages[i].delay = seconds(60);
  }
  send(messages);
  erase("b");
  EXPECT_EQ(loop_.counts(queue_).delayed, 2u);
  EXPECT_THAT(loop_.poll(queue_), IsEmpty());
  loop_.advance(seconds(30));
  erase("a");
  EXPECT_EQ(loop_.counts(queue_).delayed, 1u);
  loop_.restart();
  EXPECT_EQ(loop_.counts(queue_).delayed, 1u);
  EXPECT_THAT(loop_.poll(queue_), IsEmpty());
  loop_.advance(seconds(30));
  EXPECT_EQ(loop_.counts(queue_).delayed, 0u);
  EXPECT_THAT(loop_.poll_bodies(queue_), ElementsAre("c"));
}

// --- moving ---

TEST_P(LookTest, MovesWhatIsAvailableOrDelayedAsNewMessages) {
  const QueueId target = loop_.create_queue();
  loop_.send(queue_, {"received", "a", "b"});
  loop_.poll(queue_, 1);
  loop_.send(queue_, {"later"}, seconds(60));
  const std::vector<LookedMessage> all = look();
  const std::vector<std::optional<ApiError>> refusals = loop_.move_messages(
      queue_, target, {all[0].sequence, all[1].sequence, all[2].sequence, all[3].sequence});
  ASSERT_TRUE(refusals[0]);
  EXPECT_EQ(refusals[0]->code(), ErrorCode::unsupported_operation);
  EXPECT_EQ(refusals[1], std::nullopt);
  EXPECT_THAT(bodies(look()), ElementsAre("received"));
  const std::vector<LookedMessage> moved = loop_.look(target).value();
  EXPECT_THAT(bodies(moved), ElementsAre("a", "b", "later"));
  EXPECT_NE(moved[0].id, all[1].id);
  loop_.crash();
  EXPECT_THAT(loop_.poll_bodies(target), UnorderedElementsAre("a", "b", "later"));
  EXPECT_EQ(loop_.counts(queue_).delayed, 0u);
}

TEST_P(LookTest, MovesToAnotherShardOnce) {
  LoopHarness other(clock_, {.shard = 5});
  const QueueId target = other.create_queue();
  loop_.send(queue_, {"a"});
  loop_.send(queue_, {"later"}, seconds(60));
  loop_.move_messages(queue_, target, {place_of("a"), place_of("later")});
  EXPECT_EQ(loop_.counts(queue_).in_flight, 2u) << "until the other shard has them";
  loop_.crash();  // the answer is lost, or the transfer was
  for (int i = 0; i < 2; ++i) {
    loop_.shard().resend_transfers(5);
    loop_.settle();
    for (const Transfer& transfer : std::exchange(loop_.transfers, {})) {
      other.shard().apply_transfer(transfer, clock_.now());
    }
    other.settle();
  }
  for (const TransferResult& result : std::exchange(other.transfer_results, {})) {
    loop_.shard().transfer_done(result, clock_.now());
    loop_.settle();
  }
  EXPECT_THAT(look(), IsEmpty());
  EXPECT_THAT(other.poll_bodies(target), UnorderedElementsAre("a", "later"));
}

TEST_P(LookTest, TakesAMessageBackWhoseTargetIsGoneToWhatItWas) {
  LoopHarness other(clock_, {.shard = 5});
  const QueueId target = other.create_queue();
  other.delete_queue(target);
  loop_.send(queue_, {"later"}, seconds(60));
  loop_.move_messages(queue_, target, {place_of("later")});
  for (const Transfer& transfer : std::exchange(loop_.transfers, {})) {
    other.shard().apply_transfer(transfer, clock_.now());
  }
  other.settle();
  for (const TransferResult& result : std::exchange(other.transfer_results, {})) {
    loop_.shard().transfer_done(result, clock_.now());
  }
  loop_.settle();
  EXPECT_EQ(look().front().state, MessageState::delayed);
  EXPECT_EQ(loop_.counts(queue_).delayed, 1u);
  EXPECT_THAT(loop_.poll(queue_), IsEmpty());
  loop_.advance(seconds(60));
  EXPECT_THAT(loop_.poll_bodies(queue_), ElementsAre("later"));
}

// --- FIFO ---

TEST_P(LookFifoTest, SeesDelayedMessagesAndThoseInFlight) {
  QueueSettings settings = LoopHarness::kUsual;
  settings.fifo = true;
  send_to("g", "a");
  ASSERT_THAT(poll(), ElementsAre("a"));
  settings.delay = seconds(60);
  loop_.configure(queue_, settings);
  send_to("h", "b");
  const std::vector<LookedMessage> all = look();
  ASSERT_THAT(bodies(all), ElementsAre("a", "b"));
  EXPECT_EQ(all[0].state, MessageState::in_flight);
  EXPECT_EQ(all[1].state, MessageState::delayed);
  EXPECT_EQ(all[1].visible_at, clock_.now() + seconds(60));
  EXPECT_EQ(all[1].group_id, "h");
}

TEST_P(LookFifoTest, KeepsTheOrderOfAGroupWhenAMessageOfItIsDeletedOrMoved) {
  QueueSettings settings = LoopHarness::kUsual;
  settings.fifo = true;
  const QueueId target = loop_.create_queue(settings);
  for (const char* body : {"a", "b", "c", "d"}) send_to("g", body);
  erase("b");
  loop_.move_messages(queue_, target, {place_of("c")});
  EXPECT_THAT(poll(), ElementsAre("a", "d"));
  EXPECT_THAT(loop_.poll_bodies(target), ElementsAre("c"));
}

TEST_P(LookFifoTest, UnlocksAGroupWhoseMessageInFlightIsDeleted) {
  send_to("g", "a");
  ASSERT_THAT(poll(), ElementsAre("a"));
  send_to("g", "b");
  ASSERT_THAT(poll(), IsEmpty());
  erase("a");
  EXPECT_THAT(poll(), ElementsAre("b"));
}

TEST_P(LookFifoTest, ListsTheOthersWhereTheFirstMessageOfAGroupIsDamaged) {
  for (const char* group : {"g", "h", "i"}) send_to(group, group);
  loop_.store().damage(parse_index(loop_.rows(Family::index).at(1).value)->place);
  loop_.restart();
  EXPECT_THAT(bodies(look({.group_heads = true}, 1)), ElementsAre("g", "i"));
}

TEST_P(LookFifoTest, ListsGroupsByTheirFirstMessages) {
  for (int i = 0; i < 3; ++i) {
    for (const char* group : {"g", "h"}) send_to(group, group + std::to_string(i));
  }
  loop_.poll(queue_, 1);
  const std::vector<LookedMessage> heads = look({.group_heads = true}, 1);
  ASSERT_THAT(bodies(heads), ElementsAre("g0", "h0"));
  EXPECT_EQ(heads[0].state, MessageState::in_flight);
  EXPECT_EQ(heads[1].state, MessageState::available);
}

}  // namespace
}  // namespace millrace
