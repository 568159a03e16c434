#include "sim/auditor.h"

#include <gtest/gtest.h>

namespace millrace::sim {
namespace {

// A queue with one acknowledged message, and the words to say what happens to it.
class AuditorTest : public testing::Test {
 protected:
  AuditorTest() { auditor.sent(message, MessageId{1}, SequenceNumber{64}, at(10)); }

  QueueNumber make(const QueueFacts& facts) {
    const QueueNumber made = auditor.create_requested(facts);
    auditor.created(made);
    return made;
  }

  static Timestamp at(std::int64_t milliseconds) { return Timestamp{1'000'000 + milliseconds}; }

  std::optional<DeliveryNumber> receive(QueueNumber from, std::int64_t when, std::uint32_t count,
                                        Milliseconds timeout = 1000) {
    text = auditor.body(message);
    Delivery delivery;
    delivery.message.body = text;
    delivery.id = MessageId{1};
    delivery.receive_count = count;
    return auditor.received(from, delivery, {at(when), at(when)}, timeout);
  }
  void erase(DeliveryNumber delivery, std::int64_t when) {
    auditor.delete_requested(queue, delivery);
    auditor.deleted(queue, delivery, Outcome::done, at(when));
  }
  void expect_broken(const std::string& part) {
    ASSERT_TRUE(auditor.violation());
    EXPECT_NE(auditor.violation()->find(part), std::string::npos) << *auditor.violation();
  }

  Auditor auditor;
  const QueueNumber dead_letters = make({0, 0, seconds(1000), 0, {}});
  const QueueNumber queue = make({1, 0, seconds(1000), 2, 0});
  const MessageNumber message = auditor.send_requested(queue, 30, 0, at(0));
  std::string text;
};

TEST_F(AuditorTest, IsContentWithALifeAsPromised) {
  receive(queue, 20, 1);
  receive(queue, 1020, 2);
  const auto last = receive(dead_letters, 2020, 3);
  auditor.delete_requested(dead_letters, *last);
  auditor.deleted(dead_letters, *last, Outcome::done, at(2030));
  auditor.drained(0, at(9000));
  EXPECT_FALSE(auditor.violation()) << *auditor.violation();
}

TEST_F(AuditorTest, MissesALostMessage) {
  auditor.drained(0, at(9000));
  expect_broken("lost");
}

TEST_F(AuditorTest, AcceptsThatAnExpiredMessageIsGone) {
  auditor.drained(0, at(1'000'000));
  EXPECT_FALSE(auditor.violation());
}

TEST_F(AuditorTest, SeesADeletedMessageComeBack) {
  erase(*receive(queue, 20, 1), 30);
  receive(queue, 2000, 2);
  expect_broken("acknowledged delete came back");
}

TEST_F(AuditorTest, LetsADeleteWithAnOutdatedHandleDoNothing) {
  const auto first = receive(queue, 20, 1);
  receive(queue, 1020, 2);
  erase(*first, 1030);
  receive(dead_letters, 2020, 3);
  EXPECT_FALSE(auditor.violation()) << *auditor.violation();
}

TEST_F(AuditorTest, SeesAReceiveInsideAVisibilityTimeout) {
  receive(queue, 20, 1);
  receive(queue, 1019, 2);
  expect_broken("inside another receive's visibility timeout");
}

TEST_F(AuditorTest, AllowsItAfterACrash) {
  receive(queue, 20, 1);
  auditor.crashed(0);
  receive(queue, 30, 1);
  EXPECT_FALSE(auditor.violation()) << *auditor.violation();
}

TEST_F(AuditorTest, FollowsChangesOfVisibility) {
  const auto delivery = receive(queue, 20, 1);
  auditor.change_requested(*delivery, 5000, at(500));
  auditor.changed(*delivery, 5000, at(500), true);
  receive(queue, 1020, 2);
  expect_broken("inside another receive's visibility timeout");
}

TEST_F(AuditorTest, SeesAReceiveBeforeTheDelay) {
  const MessageNumber late = auditor.send_requested(queue, 30, 500, at(100));
  text = auditor.body(late);
  Delivery delivery;
  delivery.message.body = text;
  delivery.receive_count = 1;
  auditor.received(queue, delivery, {at(599), at(599)}, 0);
  expect_broken("before its delay was over");
}

TEST_F(AuditorTest, CountsReceivesUpToTheDeadLetterQueue) {
  receive(queue, 20, 1);
  receive(queue, 1020, 2);
  receive(queue, 2020, 3);
  expect_broken("maxReceiveCount");
}

TEST_F(AuditorTest, SeesAReceiveCountThatStandsStill) {
  receive(queue, 20, 1);
  receive(queue, 1020, 1);
  expect_broken("did not rise");
}

TEST_F(AuditorTest, SeesAMessageInTheDeadLetterQueueTooEarly) {
  receive(dead_letters, 20, 2);
  expect_broken("before it was received often enough");
}

TEST_F(AuditorTest, SeesAMessageInBothQueues) {
  receive(dead_letters, 20, 3);
  auditor.crashed(0);
  receive(queue, 2020, 1);
  expect_broken("and then from its first");
}

TEST_F(AuditorTest, SeesAPurgedMessageComeBack) {
  auditor.purge_requested(queue);
  auditor.purged(queue, Outcome::done, at(50));
  receive(queue, 60, 1);
  expect_broken("purged message came back");
}

TEST_F(AuditorTest, SeesASequenceNumberFall) {
  const MessageNumber next = auditor.send_requested(queue, 30, 0, at(100));
  auditor.sent(next, MessageId{2}, SequenceNumber{63}, at(110));
  expect_broken("does not rise");
}

TEST_F(AuditorTest, SeesAMessageThatNobodySent) {
  Delivery delivery;
  delivery.message.body = "m7 x";
  auditor.received(queue, delivery, {at(20), at(20)}, 0);
  expect_broken("nobody sent");
}

TEST_F(AuditorTest, SeesALatePoll) {
  auditor.receive_requested(queue);
  auditor.receive_ended(queue, Outcome::done, at(0), 1000, false, at(1000 + kPollSlack + 1));
  expect_broken("was answered after");
}

TEST_F(AuditorTest, SeesALostQueueAndOneThatCameBack) {
  Auditor other = auditor;
  auditor.opened(0, {{dead_letters, 0}}, at(20));
  expect_broken("a queue was lost");
  other.delete_requested(queue);
  other.queue_deleted(queue, at(20));
  other.opened(0, {{dead_letters, 0}, {queue, 0}}, at(30));
  EXPECT_TRUE(other.violation());
}

TEST_F(AuditorTest, SeesAChangeOfAttributesLost) {
  const VersionNumber version = auditor.attributes_requested(queue, {1, 0, seconds(5)}, at(20));
  auditor.attributes_set(queue, version, Outcome::unknown, at(30));
  auditor.opened(0, {{dead_letters, 0}, {queue, 0}}, at(40));
  EXPECT_FALSE(auditor.violation()) << *auditor.violation();
  const VersionNumber again = auditor.attributes_requested(queue, {1, 0, seconds(5)}, at(50));
  auditor.attributes_set(queue, again, Outcome::done, at(60));
  auditor.opened(0, {{dead_letters, 0}, {queue, 0}}, at(70));
  expect_broken("attributes was lost");
}

TEST_F(AuditorTest, AcceptsOldAndNewAttributesUntilTheirChangeIsAcknowledged) {
  const VersionNumber version =
      auditor.attributes_requested(queue, {1, 0, seconds(1000), 1, 0}, at(20));
  receive(queue, 30, 1);
  receive(queue, 1030, 2);
  EXPECT_FALSE(auditor.violation()) << *auditor.violation();
  auditor.attributes_set(queue, version, Outcome::done, at(1040));
  receive(queue, 2030, 3);
  expect_broken("more than maxReceiveCount");
}

TEST_F(AuditorTest, KnowsThatAShorterRetentionHoldsForWhatWasSentBefore) {
  const VersionNumber version = auditor.attributes_requested(queue, {1, 0, seconds(5)}, at(20));
  auditor.attributes_set(queue, version, Outcome::done, at(30));
  EXPECT_FALSE(auditor.missing_messages(at(5000)));
  receive(queue, 5010, 1);
  expect_broken("retention");
}

TEST_F(AuditorTest, GoesByTheClockThatTheServerShows) {
  receive(queue, 20, 1, 1000);
  auditor.clock_stepped(at(100), 1000);
  receive(queue, 200, 2, 1000);
  EXPECT_FALSE(auditor.violation()) << *auditor.violation();
  auditor.clock_stepped(at(900), 500);
  receive(queue, 1600, 3, 1000);
  expect_broken("visibility timeout");
}

TEST_F(AuditorTest, LetsNoDelayBeginAnewWhenTheClockGoesBack) {
  const MessageNumber delayed = auditor.send_requested(queue, 30, 500, at(20));
  auditor.clock_stepped(at(550), -200);
  const std::string body = auditor.body(delayed);
  Delivery delivery;
  delivery.message.body = body;
  delivery.id = MessageId{2};
  delivery.receive_count = 1;
  auditor.received(queue, delivery, {at(560), at(560)}, 1000);
  EXPECT_FALSE(auditor.violation()) << *auditor.violation();
}

TEST(ServerClock, KnowsWhatItHasShown) {
  ServerClock clock;
  EXPECT_EQ(clock.at(Timestamp{10}), Timestamp{10});
  clock.step(Timestamp{20}, 100);
  clock.step(Timestamp{30}, 50);
  EXPECT_EQ(clock.at(Timestamp{19}), Timestamp{19});
  EXPECT_EQ(clock.at(Timestamp{25}), Timestamp{125});
  EXPECT_EQ(clock.at(Timestamp{31}), Timestamp{81});
  EXPECT_EQ(clock.latest(Timestamp{31}), Timestamp{129});
  EXPECT_EQ(clock.latest(Timestamp{90}), Timestamp{140});
  EXPECT_EQ(clock.repeated(Timestamp{29}), 0);
  EXPECT_EQ(clock.repeated(Timestamp{31}), 50);
}

TEST_F(AuditorTest, ComparesCountsWithWhatCanBeReceived) {
  auditor.rests(2, 0, 0, at(5000));
  const auto delivery = receive(queue, 6000, 1);
  erase(*delivery, 6010);
  auditor.drained(0, at(9000));
  expect_broken("at rest, 2 messages were counted and 1 could be received");
}

// A FIFO queue, and the words to say what happens to messages of one group.
class FifoAuditorTest : public AuditorTest {
 protected:
  MessageNumber request(const std::string& deduplication_id, std::int64_t when) {
    return auditor.send_requested(fifo, 30, 0, at(when), {"group", deduplication_id});
  }
  bool answer(MessageNumber number, std::uint8_t id, std::int64_t when) {
    return auditor.sent(number, MessageId{id}, SequenceNumber{id}, at(when));
  }
  // A receive in an answer of its own, unless told otherwise.
  DeliveryNumber receive_fifo(MessageNumber number, std::uint8_t id, std::int64_t when,
                              AttemptNumber attempt = 0, bool same_answer = false) {
    text = auditor.body(number);
    Delivery delivery;
    delivery.message.body = text;
    delivery.message.group_id = "group";
    delivery.id = MessageId{id};
    delivery.sequence = SequenceNumber{id};
    delivery.receive_count = 1;
    if (!same_answer) auditor.answer_begins();
    return *auditor.received(fifo, delivery, {at(when), at(when)}, 1000, attempt);
  }

  const QueueNumber fifo = make({2, 0, seconds(1000), 0, {}, true});
  const MessageNumber first = request("a", 0);
  const MessageNumber second = request("b", 5);
};

TEST_F(FifoAuditorTest, IsContentWithAGroupInOrder) {
  EXPECT_TRUE(answer(first, 10, 10) && answer(second, 11, 10));
  const DeliveryNumber delivery = receive_fifo(first, 10, 20);
  auditor.delete_requested(fifo, delivery);
  receive_fifo(second, 11, 30);
  EXPECT_FALSE(auditor.violation()) << *auditor.violation();
}

TEST_F(FifoAuditorTest, IsContentWithAGroupInOneAnswer) {
  EXPECT_TRUE(answer(first, 10, 10) && answer(second, 11, 10));
  receive_fifo(first, 10, 20);
  receive_fifo(second, 11, 20, 0, true);
  EXPECT_FALSE(auditor.violation()) << *auditor.violation();
}

TEST_F(FifoAuditorTest, SeesAMessageOvertakeOneInFlightAfterACrashAsWell) {
  EXPECT_TRUE(answer(first, 10, 10) && answer(second, 11, 10));
  receive_fifo(first, 10, 20);
  auditor.crashed(0);
  receive_fifo(second, 11, 30);
  expect_broken("before another one");
}

TEST_F(FifoAuditorTest, SeesARepeatedIdStoredTwice) {
  EXPECT_TRUE(answer(first, 10, 10));
  answer(request("a", 20), 12, 30);
  expect_broken("has the same deduplication id");
}

TEST_F(FifoAuditorTest, SeesARepeatDelivered) {
  EXPECT_TRUE(answer(first, 10, 10));
  const MessageNumber repeat = request("a", 20);
  EXPECT_FALSE(answer(repeat, 10, 30));
  receive_fifo(repeat, 10, 40);
  expect_broken("a repeat was stored");
}

TEST_F(FifoAuditorTest, LetsAnIdBeUsedAgainAfterFiveMinutes) {
  EXPECT_TRUE(answer(first, 10, 10));
  EXPECT_TRUE(answer(request("a", 300'010), 12, 300'020));
  EXPECT_FALSE(auditor.violation()) << *auditor.violation();
}

TEST_F(FifoAuditorTest, SeesADeleteRefusedInTime) {
  EXPECT_TRUE(answer(first, 10, 10));
  const DeliveryNumber delivery = receive_fifo(first, 10, 20);
  auditor.delete_requested(fifo, delivery);
  auditor.delete_refused(delivery, at(1019));
  expect_broken("was refused");
}

TEST_F(FifoAuditorTest, SeesARepeatedAttemptBringSomethingElse) {
  EXPECT_TRUE(answer(first, 10, 10));
  const AttemptNumber attempt = auditor.attempt_planned();
  auditor.attempt_requested(attempt, 1000, at(20));
  const DeliveryNumber delivery = receive_fifo(first, 10, 20, attempt);
  auditor.attempt_ended(attempt, Auditor::AttemptEnd::answered, {delivery}, {at(20), at(20)});
  auditor.attempt_requested(attempt, 1000, at(500));
  auditor.attempt_ended(attempt, Auditor::AttemptEnd::answered, {}, {at(500), at(500)});
  expect_broken("did not bring the same messages");
}

// Two FIFO queues, and a task that takes messages of one group from the first to the second.
class MoveAuditorTest : public FifoAuditorTest {
 protected:
  MoveAuditorTest() {
    answer(first, 10, 10);
    answer(second, 11, 10);
    auditor.move_requested(fifo, 3);
    auditor.move_answered(fifo, &task);
  }

  static MoveTask make_task() {
    MoveTask made;
    made.id = "task";
    made.record.started_at = at(15);
    return made;
  }
  void list(std::int64_t when) { auditor.moves_listed(fifo, {task}, at(when)); }
  void receive_there(MessageNumber number, std::uint64_t sequence, std::int64_t when,
                     const std::string& arn = "") {
    text = auditor.body(number);
    Delivery delivery;
    delivery.message.body = text;
    delivery.message.group_id = "group";
    delivery.message.dead_letter_source_arn = arn;
    delivery.sequence = SequenceNumber{sequence};
    delivery.receive_count = 1;
    auditor.answer_begins();
    auditor.received(target, delivery, {at(when), at(when)}, 0);
  }

  const QueueNumber target = make({3, 0, seconds(1000), 0, {}, true});
  MoveTask task = make_task();
};

TEST_F(MoveAuditorTest, IsContentWithMessagesMovedInOrder) {
  receive_fifo(first, 10, 12);
  list(20);
  receive_there(first, 200, 2000);
  task.record.status = MoveTaskRecord::Status::completed;
  list(2100);
  auditor.delete_requested(target, 1);
  auditor.deleted(target, 1, Outcome::done, at(2200));
  receive_there(second, 201, 2300);
  EXPECT_FALSE(auditor.violation()) << *auditor.violation();
}

TEST_F(MoveAuditorTest, SeesAGroupMovedOutOfOrder) {
  receive_there(second, 200, 2000);
  receive_there(first, 201, 2100);
  expect_broken("changed the order of group");
}

TEST_F(MoveAuditorTest, SeesAMovedMessageWhereItWasBefore) {
  receive_fifo(first, 10, 12);
  receive_there(first, 200, 2000);
  receive_fifo(first, 10, 3000);
  expect_broken("before it moved");
}

TEST_F(MoveAuditorTest, SeesAMessageWhereNoTaskLeads) {
  text = auditor.body(first);
  Delivery delivery;
  delivery.message.body = text;
  delivery.receive_count = 1;
  auditor.received(dead_letters, delivery, {at(2000), at(2000)}, 0);
  expect_broken("cannot be in");
}

TEST_F(MoveAuditorTest, SeesADeadLetterOfAQueueThatHasNone) {
  receive_there(first, 200, 2000, "arn:aws:sqs:sim:000000000000:q2");
  expect_broken("cannot be in");
}

TEST_F(MoveAuditorTest, SeesAMessageOvertakeOneOnceTheTaskHasEnded) {
  task.record.status = MoveTaskRecord::Status::completed;
  list(20);
  const MessageNumber third = request("c", 30);
  const MessageNumber fourth = request("d", 30);
  EXPECT_TRUE(answer(third, 20, 40) && answer(fourth, 21, 40));
  receive_fifo(fourth, 21, 50);
  expect_broken("before another one");
}

TEST_F(MoveAuditorTest, SeesATaskLost) {
  auditor.moves_listed(fifo, {}, at(20));
  expect_broken("an acknowledged task was lost");
}

TEST_F(MoveAuditorTest, SeesATaskUndoWhatItHasDone) {
  task.record.moved = 2;
  list(20);
  task.record.moved = 1;
  list(30);
  expect_broken("has moved less than before");
}

TEST_F(MoveAuditorTest, SeesATaskGoOnAfterItsEnd) {
  task.record.status = MoveTaskRecord::Status::completed;
  list(20);
  task.record.status = MoveTaskRecord::Status::running;
  list(30);
  expect_broken("went on after its end");
}

TEST_F(MoveAuditorTest, SeesACancelledTaskGoOn) {
  auditor.move_cancelled(fifo, "task");
  list(30);
  expect_broken("went on after it was cancelled");
}

TEST_F(MoveAuditorTest, SeesATaskMoveFasterThanItShould) {
  task.record.rate = 10;
  task.record.moved = 11;
  list(1000);
  expect_broken("faster");
}

TEST_F(MoveAuditorTest, SeesTwoActiveTasks) {
  MoveTask other = make_task();
  other.id = "other";
  auditor.moves_listed(fifo, {task, other}, at(20));
  expect_broken("two active tasks");
}

TEST_F(MoveAuditorTest, SeesATaskFailForAQueueThatIsThere) {
  task.record.status = MoveTaskRecord::Status::failed;
  task.record.failure_reason = kNoSuchTarget;
  list(20);
  expect_broken("although its target is there");
}

}  // namespace
}  // namespace millrace::sim
