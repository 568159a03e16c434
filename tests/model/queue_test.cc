// Standard queues through the loop, case by case: what a client sees, and what is left on disk.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "base/limits.h"
#include "support/loop_harness.h"

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

// So little that nothing stays in memory for longer than it is needed.
constexpr std::size_t kNoMemory = 1;

class QueueTest : public testing::Test {
 protected:
  ManualClock clock_{Timestamp{1'700'000'000'000}};
  LoopHarness loop_{clock_};
};

class TinyMemoryTest : public testing::Test {
 protected:
  ManualClock clock_{Timestamp{1'700'000'000'000}};
  LoopHarness loop_{clock_, {.memory_bytes = kNoMemory}};
};

NewMessage new_message(std::string_view body, Milliseconds delay = 0) {
  NewMessage message;
  message.body = body;
  message.delay = delay;
  return message;
}

bool has_message(const LoopHarness& loop) {
  return !loop.rows(Family::index).empty() || !loop.rows(Family::state).empty() ||
         !loop.rows(Family::due).empty();
}

// --- send and receive ---

TEST_F(QueueTest, TheVisibilityOfWhatHasExpiredCannotBeChangedBeforeItIsSweptEither) {
  const QueueId queue = loop_.create_queue({.retention = seconds(60)});
  loop_.send(queue, {"a"});
  const std::string text = loop_.poll(queue, 1, seconds(600)).front().receipt_handle;
  const auto change = [&] {
    std::optional<ApiError> error;
    loop_.submit([&](Shard& shard, Timestamp now) {
      const Shard::VisibilityChange one{loop_.sealer().open(text).value(), text, seconds(5)};
      error = shard.change_visibility(queue, {&one, 1}, now).value().front();
    });
    return error.has_value();
  };
  clock_.advance(seconds(60) - 1);
  EXPECT_FALSE(change());
  clock_.advance(1);
  EXPECT_TRUE(change());
}

// Whether the block has left memory, or only its chunk has.
TEST_F(TinyMemoryTest, PassesOverWhatIsDamaged) {
  for (const bool forgotten : {false, true}) {
    const QueueId queue = loop_.create_queue();
    loop_.send(queue, {"damaged"});
    ASSERT_THAT(loop_.poll(queue, 1, seconds(1)), SizeIs(1));
    loop_.store().damage(parse_index(loop_.rows(Family::index).back().value)->place);
    if (forgotten) loop_.restart();
    loop_.advance(seconds(1));
    const auto waiting = loop_.receive({queue, 10, seconds(30), seconds(20)});
    loop_.settle();
    ASSERT_TRUE(waiting->result);
    ASSERT_FALSE(*waiting->result);
    EXPECT_EQ(waiting->result->error().code(), ErrorCode::internal_failure);
    loop_.send(queue, {"a"});
    EXPECT_THAT(loop_.poll_bodies(queue), ElementsAre("a"));
    EXPECT_EQ(loop_.counts(queue).visible, 1U);
    loop_.restart();
    loop_.advance(seconds(345'600));
    EXPECT_EQ(loop_.counts(queue).visible, 0U) << "it expires as any other";
  }
}

TEST_F(QueueTest, DeliversInOrderOfSending) {
  const QueueId queue = loop_.create_queue();
  loop_.send(queue, {"a", "b"});
  loop_.send(queue, {"c"});
  EXPECT_THAT(loop_.poll_bodies(queue), ElementsAre("a", "b", "c"));
  EXPECT_THAT(loop_.poll_bodies(queue), IsEmpty());
}

TEST_F(QueueTest, AnswersASendOnlyWhenItIsDurable) {
  const QueueId queue = loop_.create_queue();
  const NewMessage message = new_message("a");
  const auto call = loop_.submit([&](Shard& shard, Timestamp at) {
    shard.send(queue, {&message, 1}, at).value();
  });
  const auto poll = loop_.receive({queue, 1, seconds(30), seconds(20)});
  ASSERT_TRUE(loop_.begin_commit());
  EXPECT_FALSE(call->ended());
  EXPECT_FALSE(poll->result);
  ASSERT_TRUE(loop_.finish_commit());
  EXPECT_TRUE(call->succeeded);
  EXPECT_THAT(poll->bodies(), ElementsAre("a"));
}

TEST_F(QueueTest, GivesNoMoreThanWasAskedFor) {
  const QueueId queue = loop_.create_queue();
  loop_.send(queue, {"a", "b", "c"});
  EXPECT_THAT(loop_.poll_bodies(queue, 2), ElementsAre("a", "b"));
  EXPECT_THAT(loop_.poll_bodies(queue, 2), ElementsAre("c"));
}

TEST_F(QueueTest, CountsReceivesAndKeepsTheFirstTime) {
  const QueueId queue = loop_.create_queue();
  loop_.send(queue, {"a"});
  const Timestamp first = clock_.now();
  EXPECT_EQ(loop_.poll(queue, 1, seconds(5)).front().receive_count, 1u);
  loop_.advance(seconds(5));
  const Delivery second = loop_.poll(queue, 1, seconds(5)).front();
  EXPECT_EQ(second.receive_count, 2u);
  EXPECT_EQ(second.first_received_at, first);
}

TEST_F(QueueTest, CountsMessagesByState) {
  const QueueId queue = loop_.create_queue();
  loop_.send(queue, {"a", "b", "c"});
  loop_.send(queue, {"later"}, seconds(60));
  loop_.poll(queue, 1);
  const QueueCounts counts = loop_.counts(queue);
  EXPECT_EQ(counts.visible, 2u);
  EXPECT_EQ(counts.in_flight, 1u);
  EXPECT_EQ(counts.delayed, 1u);
}

TEST_F(QueueTest, RefusesSendsWhileTheDiskIsFull) {
  const QueueId queue = loop_.create_queue();
  loop_.shard().refuse_sends("The disk is nearly full.");
  const NewMessage message = new_message("a");
  std::optional<ApiError> error;
  loop_.submit([&](Shard& shard, Timestamp at) {
    error = shard.send(queue, {&message, 1}, at).error();
  });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), ErrorCode::service_unavailable);
  loop_.shard().refuse_sends("");
  loop_.send(queue, {"b"});
  EXPECT_THAT(loop_.poll_bodies(queue), ElementsAre("b"));
}

// --- visibility ---

TEST_F(QueueTest, ShowsAMessageAgainWhenItsTimeoutIsOver) {
  const QueueId queue = loop_.create_queue();
  loop_.send(queue, {"a"});
  EXPECT_THAT(loop_.poll_bodies(queue, 1, seconds(30)), ElementsAre("a"));
  loop_.advance(seconds(30) - 1);
  EXPECT_THAT(loop_.poll_bodies(queue), IsEmpty());
  loop_.advance(1);
  EXPECT_THAT(loop_.poll_bodies(queue), ElementsAre("a"));
}

TEST_F(QueueTest, GivesAllThatCameBackWhereverItsBodiesAre) {
  const QueueId queue = loop_.create_queue();
  for (const char* body : {"a", "b", "c", "d"}) loop_.send(queue, {body});
  loop_.poll(queue, 2, seconds(10));
  loop_.poll(queue, 1, seconds(20));
  loop_.advance(seconds(20));
  EXPECT_THAT(loop_.poll_bodies(queue), ElementsAre("a", "b", "c", "d"));
}

TEST_F(QueueTest, LeavesAMessageVisibleWhenReceivedWithTimeoutZero) {
  const QueueId queue = loop_.create_queue();
  loop_.send(queue, {"a"});
  EXPECT_EQ(loop_.poll(queue, 10, 0).front().receive_count, 1u);
  EXPECT_EQ(loop_.poll(queue, 10, 0).front().receive_count, 2u);
  EXPECT_EQ(loop_.counts(queue).visible, 1u);
}

TEST_F(QueueTest, ReturnsAMessageAtOnceByTimeoutZero) {
  const QueueId queue = loop_.create_queue();
  loop_.send(queue, {"a"});
  const std::string handle = loop_.poll(queue).front().receipt_handle;
  EXPECT_FALSE(loop_.change_visibility(queue, handle, 0));
  EXPECT_EQ(loop_.counts(queue).visible, 1u);
  EXPECT_THAT(loop_.poll_bodies(queue), ElementsAre("a"));
}

TEST_F(QueueTest, PurgesAtAnyTimeWhereTheRuleIsRelaxed) {
  const QueueId queue = loop_.create_queue();
  loop_.purge(queue);
  loop_.crash();
  clock_.advance(-1);
  Expected<void> purged;
  loop_.submit([&](Shard& shard, Timestamp now) { purged = shard.purge_queue(queue, 0, now); });
  EXPECT_TRUE(purged);
}

TEST_F(QueueTest, GivesWhatWasVisibleBeforeTheClockWentBack) {
  const QueueId queue = loop_.create_queue();
  loop_.send(queue, {"delayed"}, seconds(10));
  loop_.send(queue, {"returned"});
  loop_.advance(seconds(10));  // which is written
  const std::string handle = loop_.poll(queue, 1).front().receipt_handle;
  EXPECT_FALSE(loop_.change_visibility(queue, handle, 0));
  loop_.advance(seconds(2));
  loop_.crash();
  clock_.advance(-seconds(3));
  EXPECT_THAT(loop_.poll_bodies(queue), UnorderedElementsAre("delayed", "returned"));
}

TEST_F(QueueTest, HidesNothingThatIsDelayedAgainWhenTheClockHasGoneBack) {
  const QueueId queue = loop_.create_queue();
  loop_.send(queue, {"a"}, seconds(10));
  clock_.advance(seconds(10));
  // The crash comes before anything of this is written.
  const auto receive = loop_.receive({queue, 1, seconds(30), 0});
  loop_.turn();
  for (int loads = 0; loads < 10 && (loop_.perform_load() || loop_.deliver_load()); ++loads) {
  }
  ASSERT_TRUE(receive->result);
  ASSERT_EQ(receive->result->value().deliveries.size(), 1U);
  const std::string handle = receive->result->value().deliveries.front().receipt_handle;
  loop_.crash();
  clock_.advance(-seconds(1));
  EXPECT_TRUE(loop_.change_visibility(queue, handle, seconds(30)));
  EXPECT_EQ(loop_.counts(queue).delayed, 1u);
  loop_.advance(seconds(1));
  EXPECT_EQ(loop_.counts(queue).delayed, 0u);
  EXPECT_THAT(loop_.poll_bodies(queue), ElementsAre("a"));
}

TEST_F(QueueTest, EndsVisibilityTwelveHoursAfterTheReceive) {
  const QueueId queue = loop_.create_queue();
  loop_.send(queue, {"a"});
  const std::string handle = loop_.poll(queue, 1, seconds(60)).front().receipt_handle;
  loop_.advance(seconds(30));
  EXPECT_FALSE(loop_.change_visibility(queue, handle, seconds(43'200 - 30)));
  const std::optional<ApiError> error =
      loop_.change_visibility(queue, handle, seconds(43'200 - 29));
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), ErrorCode::invalid_parameter_value);
  loop_.advance(seconds(43'200 - 30) - 1);
  EXPECT_THAT(loop_.poll_bodies(queue), IsEmpty());
  loop_.advance(1);
  EXPECT_THAT(loop_.poll_bodies(queue), ElementsAre("a"));
}

TEST_F(QueueTest, RefusesToChangeWhatIsGoneOrWasReceivedAgain) {
  const QueueId queue = loop_.create_queue();
  loop_.send(queue, {"a"});
  const std::string outdated = loop_.poll(queue, 1, seconds(1)).front().receipt_handle;
  loop_.advance(seconds(1));
  const std::string handle = loop_.poll(queue, 1).front().receipt_handle;
  EXPECT_TRUE(loop_.change_visibility(queue, outdated, 0));
  EXPECT_FALSE(loop_.change_visibility(queue, handle, seconds(10)));
  loop_.erase(queue, {handle});
  EXPECT_TRUE(loop_.change_visibility(queue, handle, 0));
}

// --- delete ---

TEST_F(QueueTest, DeletesForGoodAndTwiceAsOnce) {
  const QueueId queue = loop_.create_queue();
  loop_.send(queue, {"a", "b"});
  const std::vector<Delivery> received = loop_.poll(queue, 10, seconds(1));
  loop_.erase(queue, {received[0].receipt_handle});
  loop_.erase(queue, {received[0].receipt_handle});
  loop_.advance(seconds(1));
  EXPECT_THAT(loop_.poll_bodies(queue), ElementsAre("b"));
}

TEST_F(QueueTest, DeletesByAnExpiredHandleButNotFromANewReceiver) {
  const QueueId queue = loop_.create_queue();
  loop_.send(queue, {"a", "b"});
  const std::vector<Delivery> first = loop_.poll(queue, 10, seconds(1));
  loop_.advance(seconds(1));
  loop_.erase(queue, {first[0].receipt_handle});  // expired: it goes
  EXPECT_THAT(loop_.poll_bodies(queue, 10, seconds(5)), ElementsAre("b"));
  loop_.erase(queue, {first[1].receipt_handle});  // outdated: it stays
  EXPECT_EQ(loop_.counts(queue).in_flight, 1u);
  loop_.advance(seconds(5));
  EXPECT_THAT(loop_.poll_bodies(queue), ElementsAre("b"));
}

TEST_F(QueueTest, DeletesInOneCallWhatIsHereAndWhatIsLongGone) {
  const QueueId queue = loop_.create_queue();
  loop_.send(queue, {"a"});
  const std::string gone = loop_.poll(queue).front().receipt_handle;
  loop_.erase(queue, {gone});
  loop_.send(queue, {"b"});
  const std::string here = loop_.poll(queue).front().receipt_handle;
  std::vector<ReceiptHandle> handles{*loop_.sealer().open(gone), *loop_.sealer().open(here)};
  const auto call =
      loop_.submit([&](Shard& shard, Timestamp at) { shard.erase(queue, handles, at).value(); });
  ASSERT_TRUE(loop_.begin_commit());
  ASSERT_TRUE(loop_.finish_commit());  // what was here is gone as well when the call runs again
  loop_.settle();
  EXPECT_TRUE(call->succeeded);
  EXPECT_FALSE(has_message(loop_));
}

TEST_F(QueueTest, LeavesNothingOnDiskOfWhatWasDeleted) {
  const QueueId queue = loop_.create_queue();
  loop_.send(queue, {"a", "b"});
  for (const Delivery& delivery : loop_.poll(queue)) loop_.erase(queue, {delivery.receipt_handle});
  EXPECT_FALSE(has_message(loop_));
  EXPECT_EQ(loop_.counts(queue).in_flight, 0u);
}

// --- delays ---

TEST_F(QueueTest, GivesAShortPollWhatHasJustBecomeVisible) {
  const QueueId queue = loop_.create_queue();
  loop_.send(queue, {"a"});
  ASSERT_THAT(loop_.poll_bodies(queue, 1, seconds(5)), ElementsAre("a"));
  loop_.send(queue, {"b"}, seconds(5));
  clock_.advance(seconds(5));  // and no timer has run since
  const auto poll = loop_.receive({queue, 10, seconds(30), 0});
  loop_.settle();
  EXPECT_THAT(poll->bodies(), UnorderedElementsAre("a", "b"));
}

TEST_F(QueueTest, HidesAMessageUntilItsDelayIsOver) {
  const QueueId queue = loop_.create_queue();
  loop_.send(queue, {"a"}, seconds(10));
  const auto poll = loop_.receive({queue, 1, seconds(30), seconds(20)});
  loop_.advance(seconds(10) - 1);
  EXPECT_FALSE(poll->result);
  loop_.advance(1);
  EXPECT_THAT(poll->bodies(), ElementsAre("a"));
  EXPECT_EQ(loop_.counts(queue).delayed, 0u);
  EXPECT_THAT(loop_.rows(Family::due), IsEmpty());
}

TEST_F(QueueTest, KeepsDelaysOverARestart) {
  const QueueId queue = loop_.create_queue();
  loop_.send(queue, {"soon"}, seconds(10));
  loop_.send(queue, {"later"}, seconds(100));
  loop_.crash();
  loop_.advance(seconds(10));
  EXPECT_THAT(loop_.poll_bodies(queue), ElementsAre("soon"));
  EXPECT_EQ(loop_.counts(queue).delayed, 1u);
  loop_.restart();
  loop_.advance(seconds(90));
  std::vector<std::string> bodies = loop_.poll_bodies(queue);
  const std::vector<std::string> rest = loop_.poll_bodies(queue);
  bodies.insert(bodies.end(), rest.begin(), rest.end());
  EXPECT_THAT(bodies, UnorderedElementsAre("soon", "later"));
}

// --- retention ---

TEST_F(QueueTest, ExpiresMessagesInEveryState) {
  const QueueId queue = loop_.create_queue({.retention = seconds(60)});
  loop_.send(queue, {"in flight"});
  loop_.poll(queue, 1, seconds(300));
  loop_.send(queue, {"visible"});
  loop_.send(queue, {"delayed"}, seconds(200));
  loop_.advance(seconds(62));
  EXPECT_THAT(loop_.poll_bodies(queue), IsEmpty());
  const QueueCounts counts = loop_.counts(queue);
  EXPECT_EQ(counts.visible + counts.in_flight + counts.delayed, 0u);
  EXPECT_FALSE(has_message(loop_));
}

TEST_F(QueueTest, ExpiresByACutRetentionWhatIsThereAlready) {
  const QueueId queue = loop_.create_queue();
  loop_.send(queue, {"old"});
  loop_.advance(seconds(100));
  loop_.send(queue, {"new"});
  loop_.configure(queue, {.retention = seconds(90)});
  EXPECT_THAT(loop_.poll_bodies(queue), ElementsAre("new"));
  loop_.advance(seconds(2));
  EXPECT_EQ(loop_.counts(queue).in_flight + loop_.counts(queue).visible, 1u);
}

TEST_F(TinyMemoryTest, ExpiresDeadLettersThatAreOnDiskOnly) {
  const QueueId dead = loop_.create_queue({.retention = seconds(100)});
  const QueueId source = loop_.create_queue(
      {.retention = seconds(1000), .receive_count_max = 1, .dead_letter_queue = dead});
  loop_.send(source, {"a"});
  loop_.poll(source, 1, 0);
  loop_.poll(source, 1, 0);
  ASSERT_EQ(loop_.counts(dead).visible, 1u);
  loop_.advance(seconds(102));
  EXPECT_EQ(loop_.counts(dead).visible, 0u);
  EXPECT_FALSE(has_message(loop_));
}

TEST_F(TinyMemoryTest, ExpiresWhatWasParked) {
  const QueueId queue = loop_.create_queue({.retention = seconds(60)});
  loop_.send(queue, {"a"});
  loop_.poll(queue, 1, seconds(300));
  loop_.advance(seconds(62));
  EXPECT_EQ(loop_.counts(queue).in_flight, 0u);
  EXPECT_FALSE(has_message(loop_));
}

// --- purge and delete ---

TEST_F(QueueTest, ASendIsToldItsDigestWhateverTheSameCommitDoesToIt) {
  const QueueId purged = loop_.create_queue();
  const QueueId deleted = loop_.create_queue({.retention = seconds(60)});
  std::array<Md5Digest, 2> digests{};
  const auto send = [&](QueueId queue, Md5Digest& digest) {
    return loop_.submit([&digest, queue](Shard& shard, Timestamp now) {
      NewMessage message = new_message("body");
      message.body_md5 = &digest;
      EXPECT_TRUE(shard.send(queue, {&message, 1}, now));
    });
  };
  const auto first = send(purged, digests[0]);
  const auto second = send(deleted, digests[1]);
  loop_.submit([&](Shard& shard, Timestamp at) { shard.purge_queue(purged, 0, at).value(); });
  loop_.submit([&](Shard& shard, Timestamp) { shard.delete_queue(deleted).value(); });
  loop_.forget(deleted);
  loop_.settle();
  EXPECT_TRUE(first->succeeded && second->succeeded);
  EXPECT_THAT(digests, testing::Each(md5("body")));
}

TEST_F(QueueTest, PurgesEveryStateAndItsRows) {
  const QueueId queue = loop_.create_queue();
  loop_.send(queue, {"a", "b"});
  const std::string handle = loop_.poll(queue, 1).front().receipt_handle;
  loop_.send(queue, {"c"}, seconds(60));
  loop_.purge(queue);
  loop_.erase(queue, {handle});
  EXPECT_THAT(loop_.poll_bodies(queue), IsEmpty());
  const QueueCounts counts = loop_.counts(queue);
  EXPECT_EQ(counts.visible + counts.in_flight + counts.delayed, 0u);
  EXPECT_FALSE(has_message(loop_));
  loop_.send(queue, {"d"});
  EXPECT_THAT(loop_.poll_bodies(queue), ElementsAre("d"));
}

TEST_F(QueueTest, PurgesWhatIsNotYetCommitted) {
  const QueueId queue = loop_.create_queue();
  const NewMessage delayed = new_message("a", seconds(10));
  const auto send = loop_.submit([&](Shard& shard, Timestamp at) {
    shard.send(queue, {&delayed, 1}, at).value();
  });
  loop_.purge(queue);
  EXPECT_TRUE(send->succeeded);
  loop_.advance(seconds(20));
  EXPECT_THAT(loop_.poll_bodies(queue), IsEmpty());
  EXPECT_FALSE(has_message(loop_));
  loop_.send(queue, {"b"});
  EXPECT_THAT(loop_.poll_bodies(queue), ElementsAre("b"));
}

TEST_F(QueueTest, PurgesWhileADeleteIsOnItsWayToDisk) {
  const QueueId queue = loop_.create_queue();
  loop_.send(queue, {"a"});
  const ReceiptHandle handle = *loop_.sealer().open(loop_.poll(queue).front().receipt_handle);
  loop_.submit([&](Shard& shard, Timestamp at) { shard.erase(queue, {&handle, 1}, at).value(); });
  ASSERT_TRUE(loop_.begin_commit());
  loop_.submit([&](Shard& shard, Timestamp at) { shard.purge_queue(queue, 0, at).value(); });
  while (loop_.perform_load()) {
  }
  loop_.settle();
  EXPECT_FALSE(has_message(loop_));
}

TEST_F(QueueTest, ExpiresNothingThatItsCommitHasNotBroughtYet) {
  const QueueId queue = loop_.create_queue({.retention = seconds(60)});
  loop_.send(queue, {"first"});
  loop_.advance(seconds(50));
  loop_.submit([&](Shard& shard, Timestamp at) {
    NewMessage message;
    message.body = "second";
    shard.send(queue, {&message, 1}, at).value();
  });
  ASSERT_TRUE(loop_.begin_commit());
  // On disk, and so in what a load sees; but the disk is slow to say so.
  loop_.make_durable();
  clock_.advance(seconds(61));
  loop_.turn();
  while (loop_.perform_load()) loop_.deliver_load();
  ASSERT_TRUE(loop_.finish_commit());
  loop_.advance(seconds(61));
  EXPECT_THAT(loop_.poll_bodies(queue), IsEmpty());
  EXPECT_FALSE(has_message(loop_));
}

TEST_F(QueueTest, GoesOnSweepingAPurgeAfterARestart) {
  const QueueId queue = loop_.create_queue();
  const QueueId deleted = loop_.create_queue();
  loop_.send(queue, {"a"});
  loop_.send(deleted, {"a"});
  loop_.submit([&](Shard& shard, Timestamp at) {
    shard.purge_queue(queue, 0, at).value();
    shard.delete_queue(deleted).value();
  });
  ASSERT_TRUE(loop_.begin_commit());
  loop_.make_durable();
  loop_.crash();
  loop_.settle();
  EXPECT_FALSE(has_message(loop_));
  EXPECT_THAT(loop_.rows(Family::queues), SizeIs(2));
  EXPECT_THAT(loop_.poll_bodies(queue), IsEmpty());
}

TEST_F(QueueTest, RefusesASecondPurgeTooSoon) {
  const QueueId queue = loop_.create_queue();
  std::vector<bool> done;
  const auto purge = [&] {
    loop_.submit([&](Shard& shard, Timestamp at) {
      done.push_back(shard.purge_queue(queue, seconds(60), at).has_value());
    });
    loop_.settle();
  };
  purge();
  loop_.advance(seconds(60) - 1);
  purge();
  loop_.advance(1);
  purge();
  EXPECT_THAT(done, ElementsAre(true, false, true));
}

TEST_F(QueueTest, LeavesNothingOfADeletedQueue) {
  const QueueId queue = loop_.create_queue();
  loop_.send(queue, {"a"});
  loop_.send(queue, {"b"}, seconds(10));
  const auto poll = loop_.receive({queue, 1, seconds(30), seconds(20)});
  const auto second = loop_.receive({queue, 1, seconds(30), seconds(20)});
  EXPECT_THAT(poll->bodies(), ElementsAre("a"));
  loop_.delete_queue(queue);
  ASSERT_TRUE(second->result && second->result->has_error());
  EXPECT_EQ(second->result->error().code(), ErrorCode::queue_does_not_exist);
  EXPECT_FALSE(has_message(loop_));
  EXPECT_THAT(loop_.rows(Family::queues), IsEmpty());
  EXPECT_FALSE(loop_.shard().counts(queue, clock_.now()));
  EXPECT_NE(loop_.create_queue(), queue);
}

// --- polls ---

TEST_F(QueueTest, ServesLongPollsInTurn) {
  const QueueId queue = loop_.create_queue();
  const auto first = loop_.receive({queue, 10, seconds(30), seconds(20)});
  const auto second = loop_.receive({queue, 10, seconds(30), seconds(20)});
  loop_.send(queue, {"a"});
  EXPECT_THAT(first->bodies(), ElementsAre("a"));
  EXPECT_FALSE(second->result);
  loop_.send(queue, {"b"});
  EXPECT_THAT(second->bodies(), ElementsAre("b"));
}

TEST_F(QueueTest, EndsALongPollWhenItsTimeIsOver) {
  const QueueId queue = loop_.create_queue();
  const auto poll = loop_.receive({queue, 10, seconds(30), seconds(20)});
  loop_.advance(seconds(20) - 1);
  EXPECT_FALSE(poll->result);
  loop_.advance(1);
  EXPECT_THAT(poll->deliveries(), IsEmpty());
}

TEST_F(QueueTest, GivesNothingToAClientThatHungUp) {
  const QueueId queue = loop_.create_queue();
  const auto gone = loop_.receive({queue, 10, seconds(30), seconds(20)});
  EXPECT_TRUE(loop_.loop().cancel(gone->waiter, clock_.now()));
  EXPECT_FALSE(loop_.loop().cancel(gone->waiter, clock_.now()));
  const auto waiting = loop_.receive({queue, 10, seconds(30), seconds(20)});
  loop_.send(queue, {"a"});
  EXPECT_FALSE(gone->result);
  EXPECT_THAT(waiting->bodies(), ElementsAre("a"));
}

TEST_F(QueueTest, WakesALongPollByEveryReturn) {
  const QueueId queue = loop_.create_queue();
  loop_.send(queue, {"a"});
  std::string handle = loop_.poll(queue, 1, seconds(5)).front().receipt_handle;
  const auto expiry = loop_.receive({queue, 1, seconds(100), seconds(20)});
  loop_.advance(seconds(5));
  ASSERT_THAT(expiry->bodies(), ElementsAre("a"));
  const auto change = loop_.receive({queue, 1, seconds(100), seconds(20)});
  loop_.change_visibility(queue, expiry->deliveries().front().receipt_handle, 0);
  ASSERT_THAT(change->bodies(), ElementsAre("a"));
  const auto undone = loop_.receive({queue, 1, seconds(100), seconds(20)});
  const ReceiptHandle last = *loop_.sealer().open(change->deliveries().front().receipt_handle);
  loop_.shard().undo(queue, {&last, 1}, clock_.now());
  loop_.settle();
  ASSERT_THAT(undone->bodies(), ElementsAre("a"));
  EXPECT_EQ(undone->deliveries().front().receive_count, 3u);  // the undone one does not count
}

TEST_F(QueueTest, AnswersEveryPollAtAStop) {
  const QueueId queue = loop_.create_queue();
  const auto poll = loop_.receive({queue, 10, seconds(30), seconds(20)});
  loop_.loop().stop(clock_.now());
  loop_.settle();
  EXPECT_THAT(poll->deliveries(), IsEmpty());
  EXPECT_TRUE(loop_.loop().drained());
}

TEST_F(QueueTest, StopsDeliveringAtTheInFlightLimit) {
  const QueueId queue = loop_.create_queue();
  const std::vector<std::string> thousand(1000, "m");
  for (std::size_t sent = 0; sent <= limits::kInFlightMax; sent += thousand.size()) {
    loop_.send(queue, thousand);
  }
  std::string handle;
  for (std::size_t received = 0; received < limits::kInFlightMax;) {
    const std::vector<Delivery> deliveries = loop_.poll(queue, 10, seconds(1000));
    ASSERT_THAT(deliveries, Not(IsEmpty()));
    received += deliveries.size();
    handle = deliveries.front().receipt_handle;
  }
  const auto refused = loop_.receive({queue, 10, seconds(30), 0});
  const auto waiting = loop_.receive({queue, 10, seconds(30), seconds(20)});
  loop_.settle();
  ASSERT_TRUE(refused->result && refused->result->has_error());
  EXPECT_EQ(refused->result->error().code(), ErrorCode::over_limit);
  EXPECT_FALSE(waiting->result);
  loop_.erase(queue, {handle});
  EXPECT_THAT(waiting->deliveries(), SizeIs(1));
}

TEST_F(QueueTest, HoldsRepliesToTheirBudget) {
  LoopHarness loop(clock_, {.reply_bytes = 100});
  const QueueId queue = loop.create_queue();
  loop.send(queue, {std::string(150, 'a'), "b"});
  auto first = loop.receive({queue, 1, seconds(30), 0});
  ASSERT_THAT(first->bodies(), SizeIs(1));
  EXPECT_THAT(loop.poll_bodies(queue), IsEmpty());
  const auto waiting = loop.receive({queue, 1, seconds(30), seconds(20)});
  first->result.reset();  // its reply was written
  loop.advance(100);
  EXPECT_THAT(waiting->bodies(), ElementsAre("b"));
}

TEST_F(QueueTest, ServesOthersWhileTheRepliesOfOneQueueAreNotRead) {
  LoopHarness loop(clock_, {.reply_bytes = 100});
  const QueueId deaf = loop.create_queue();
  const QueueId other = loop.create_queue();
  loop.send(other, {"b"});
  std::vector<std::shared_ptr<PendingReceive>> unread;
  do {
    loop.send(deaf, {std::string(30, 'a')});
    unread.push_back(loop.receive({deaf, 1, seconds(30), 0}));
    loop.settle();
    ASSERT_LT(unread.size(), 10U);
  } while (!unread.back()->bodies().empty());
  EXPECT_THAT(loop.poll_bodies(other), ElementsAre("b"));
}

// --- dead letters ---

TEST_F(QueueTest, MovesAMessageThatWasReceivedOftenEnough) {
  const QueueId dead = loop_.create_queue();
  const QueueId source = loop_.create_queue({.retention = seconds(1000),
                                             .receive_count_max = 2,
                                             .dead_letter_queue = dead,
                                             .arn = "arn:source"});
  loop_.send(source, {"a"});
  const Timestamp sent_at = clock_.now();
  loop_.advance(seconds(1));
  const Timestamp first_received_at = clock_.now();
  const MessageId id = loop_.poll(source, 1, seconds(1)).front().id;
  loop_.advance(seconds(1));
  loop_.poll(source, 1, seconds(1));
  loop_.advance(seconds(1));
  EXPECT_THAT(loop_.poll_bodies(source), IsEmpty());
  const std::vector<Delivery> moved = loop_.poll(dead);
  ASSERT_THAT(moved, SizeIs(1));
  EXPECT_EQ(moved[0].message.body, "a");
  EXPECT_EQ(moved[0].id, id);
  EXPECT_EQ(moved[0].receive_count, 3u);
  EXPECT_EQ(moved[0].first_received_at, first_received_at);
  EXPECT_EQ(moved[0].message.sent_at, sent_at);
  EXPECT_EQ(moved[0].message.sender_id, "sender");
  EXPECT_EQ(moved[0].message.dead_letter_source_arn, "arn:source");
  EXPECT_EQ(loop_.counts(source).visible + loop_.counts(source).in_flight, 0u);
}

TEST_F(QueueTest, ShowsADeadLetterToAPollThatFollowsItsMove) {
  const QueueId dead = loop_.create_queue();
  const QueueId source = loop_.create_queue(
      {.retention = seconds(1000), .receive_count_max = 1, .dead_letter_queue = dead});
  loop_.send(source, {"a"});
  loop_.poll(source, 1, 0);
  const auto move = loop_.receive({source, 1, seconds(30), 0});
  EXPECT_FALSE(move->result) << "it must not be answered before the move is durable";
  ASSERT_TRUE(loop_.begin_commit());
  ASSERT_TRUE(loop_.finish_commit());
  EXPECT_THAT(move->deliveries(), IsEmpty());
  EXPECT_THAT(loop_.receive({dead, 1, seconds(30), 0})->bodies(), ElementsAre("a"));
}

TEST_F(QueueTest, KeepsDeliveringWhenTheDeadLetterQueueIsGone) {
  const QueueId dead = loop_.create_queue();
  const QueueId source = loop_.create_queue(
      {.retention = seconds(1000), .receive_count_max = 1, .dead_letter_queue = dead});
  loop_.send(source, {"a"});
  loop_.poll(source, 1, 0);
  loop_.delete_queue(dead);
  EXPECT_THAT(loop_.poll_bodies(source, 1, 0), ElementsAre("a"));
}

TEST_F(QueueTest, MayMoveToItself) {
  const QueueId queue = loop_.create_queue();
  loop_.configure(queue,
                  {.retention = seconds(1000), .receive_count_max = 1, .dead_letter_queue = queue});
  loop_.send(queue, {"a"});
  EXPECT_EQ(loop_.poll(queue, 1, 0).front().receive_count, 1u);
  EXPECT_THAT(loop_.poll_bodies(queue, 1, 0), IsEmpty());
  EXPECT_EQ(loop_.poll(queue, 1, 0).front().receive_count, 2u);
  EXPECT_EQ(loop_.counts(queue).visible, 1u);
}

TEST_F(QueueTest, MovesNoMoreThanABatchHolds) {
  LoopHarness loop(clock_, {.batch_bytes_max = 2000});
  const QueueId dead = loop.create_queue();
  const QueueId source = loop.create_queue(
      {.retention = seconds(1000), .receive_count_max = 1, .dead_letter_queue = dead});
  for (int i = 0; i < 40; ++i) loop.send(source, {std::string(100'000, 'x')});
  for (int i = 0; i < 4; ++i) ASSERT_THAT(loop.poll(source, 10, seconds(1)), SizeIs(10));
  clock_.advance(seconds(1));
  loop.turn();
  const auto move = loop.receive({source, 10, seconds(1), 0});
  std::size_t batches = 0;
  for (int i = 0; i < 200 && !move->result; ++i) {
    clock_.advance(1);
    loop.turn();
    while (loop.perform_load() && loop.deliver_load()) {
    }
    if (loop.begin_commit()) ++batches;
    loop.finish_commit();
  }
  loop.settle();
  EXPECT_THAT(move->deliveries(), IsEmpty());
  EXPECT_GE(batches, 4u);
  EXPECT_EQ(loop.counts(dead).visible, 40u);
  EXPECT_EQ(loop.counts(source).visible, 0u);
}

// --- batches ---

TEST_F(QueueTest, MakesCallsWaitForTheirTurnWhenTheBatchIsFull) {
  LoopHarness loop(clock_, {.batch_bytes_max = 1000});
  const QueueId queue = loop.create_queue();
  const std::string body(600, 'x');
  const NewMessage message = new_message(body);
  const auto send = [&](Shard& shard, Timestamp at) {
    shard.send(queue, {&message, 1}, at).value();
  };
  const auto first = loop.submit(send);
  const auto second = loop.submit(send);
  const auto third = loop.submit(send);
  EXPECT_EQ(second->runs, 1u);
  EXPECT_EQ(third->runs, 0u);
  ASSERT_TRUE(loop.begin_commit());
  loop.turn();
  EXPECT_EQ(third->runs, 1u);
  ASSERT_TRUE(loop.finish_commit());
  EXPECT_TRUE(first->succeeded && second->succeeded);
  EXPECT_FALSE(third->ended());
  loop.settle();
  EXPECT_TRUE(third->succeeded);
}

TEST_F(QueueTest, AsksForNoTurnThatHasToWaitForTheCommitInFlight) {
  const QueueId queue = loop_.create_queue(QueueSettings());
  loop_.send(queue, {"a"});
  ASSERT_THAT(loop_.poll_bodies(queue, 1, seconds(1000)), ElementsAre("a"));
  EXPECT_EQ(loop_.loop().next_event(), clock_.now() + seconds(1)) << "to write lazy state";
  const NewMessage message = new_message("b");
  loop_.submit([&](Shard& shard, Timestamp at) { shard.send(queue, {&message, 1}, at).value(); });
  ASSERT_TRUE(loop_.begin_commit());
  clock_.advance(seconds(1));
  EXPECT_GT(loop_.loop().next_event(), clock_.now());
  ASSERT_TRUE(loop_.finish_commit());
  EXPECT_LE(loop_.loop().next_event(), clock_.now());
}

TEST_F(QueueTest, GoesOnWithDeadLettersAsSoonAsTheFullBatchIsTaken) {
  LoopHarness loop(clock_, {.batch_bytes_max = 2000});
  const QueueId dead = loop.create_queue();
  const QueueId source = loop.create_queue(
      {.retention = seconds(1000), .receive_count_max = 1, .dead_letter_queue = dead});
  for (int i = 0; i < 3; ++i) loop.send(source, {std::string(1500, 'x')});
  ASSERT_THAT(loop.poll(source, 10, seconds(1)), SizeIs(3));
  loop.advance(seconds(2));
  const std::string large(2500, 'x');
  const NewMessage filler = new_message(large);
  const QueueId other = loop.create_queue();
  loop.submit([&](Shard& shard, Timestamp at) { shard.send(other, {&filler, 1}, at).value(); });
  const auto move = loop.receive({source, 10, seconds(1), 0});
  while (loop.perform_load() && loop.deliver_load()) {
  }
  EXPECT_FALSE(move->result);
  EXPECT_GT(loop.loop().next_event(), clock_.now()) << "the batch is full";
  ASSERT_TRUE(loop.begin_commit());
  EXPECT_LE(loop.loop().next_event(), clock_.now());
  loop.turn();
  ASSERT_TRUE(loop.finish_commit());
  loop.settle();
  EXPECT_THAT(move->deliveries(), IsEmpty());
  EXPECT_EQ(loop.counts(dead).visible, 3u);
}

TEST_F(QueueTest, FailsEveryCallAndReceiveWithTheShard) {
  const QueueId queue = loop_.create_queue();
  const NewMessage message = new_message("a");
  const auto send = loop_.submit([&](Shard& shard, Timestamp at) {
    shard.send(queue, {&message, 1}, at).value();
  });
  const auto poll = loop_.receive({queue, 1, seconds(30), seconds(20)});
  loop_.loop().fail(ApiError(ErrorCode::service_unavailable));
  EXPECT_TRUE(send->error);
  ASSERT_TRUE(poll->result && poll->result->has_error());
  EXPECT_EQ(loop_.loop().receive(*poll, {queue, 1, 0, 0}, clock_.now()), WaiterId{});
}

// --- restarts ---

TEST_F(QueueTest, KeepsWhatWasLazilyWrittenOverACleanStop) {
  const QueueId queue = loop_.create_queue();
  loop_.send(queue, {"a", "b"});
  const std::vector<Delivery> received = loop_.poll(queue, 1, seconds(60));
  loop_.restart();
  EXPECT_EQ(loop_.counts(queue).in_flight, 1u);
  EXPECT_EQ(loop_.counts(queue).visible, 1u);
  EXPECT_THAT(loop_.poll_bodies(queue), ElementsAre("b"));
  EXPECT_FALSE(loop_.change_visibility(queue, received[0].receipt_handle, 0));
  EXPECT_EQ(loop_.poll(queue).front().receive_count, 2u);
}

TEST_F(QueueTest, WritesLazyStateWithinASecond) {
  const QueueId queue = loop_.create_queue();
  loop_.send(queue, {"a"});
  loop_.poll(queue, 1, seconds(60));
  EXPECT_THAT(loop_.rows(Family::state), IsEmpty());
  loop_.advance(seconds(1));
  EXPECT_THAT(loop_.rows(Family::state), SizeIs(1));
  loop_.crash();
  EXPECT_EQ(loop_.counts(queue).in_flight, 1u);
  loop_.advance(seconds(59));
  EXPECT_EQ(loop_.poll(queue).front().receive_count, 2u);
}

TEST_F(QueueTest, DeletesByAHandleWhoseDeliveryWasForgotten) {
  const QueueId queue = loop_.create_queue();
  loop_.send(queue, {"a"});
  const std::string handle = loop_.poll(queue, 1, seconds(60)).front().receipt_handle;
  loop_.crash();
  EXPECT_EQ(loop_.counts(queue).visible, 1u);
  loop_.erase(queue, {handle});
  EXPECT_THAT(loop_.poll_bodies(queue), IsEmpty());
  EXPECT_FALSE(has_message(loop_));
}

TEST_F(QueueTest, ExtendsAndThenDeletesByAHandleWhoseDeliveryWasForgotten) {
  const QueueId queue = loop_.create_queue();
  loop_.send(queue, {"a"});
  const std::string handle = loop_.poll(queue, 1, seconds(60)).front().receipt_handle;
  loop_.crash();
  EXPECT_FALSE(loop_.change_visibility(queue, handle, seconds(100)));
  EXPECT_THAT(loop_.poll_bodies(queue), IsEmpty());
  EXPECT_FALSE(loop_.change_visibility(queue, handle, seconds(50)));
  loop_.erase(queue, {handle});
  loop_.advance(seconds(100));
  EXPECT_THAT(loop_.poll_bodies(queue), IsEmpty());
}

TEST_F(QueueTest, DeletesByAHandleThatIsNewerThanTheStateOnDisk) {
  const QueueId queue = loop_.create_queue();
  loop_.send(queue, {"a"});
  const std::string first = loop_.poll(queue, 1, seconds(600)).front().receipt_handle;
  loop_.advance(seconds(1));  // that delivery is on disk
  loop_.change_visibility(queue, first, 0);
  const std::string second = loop_.poll(queue, 1, seconds(600)).front().receipt_handle;
  loop_.crash();
  EXPECT_EQ(loop_.counts(queue).in_flight, 1u);
  loop_.erase(queue, {second});
  EXPECT_FALSE(has_message(loop_));
}

TEST_F(QueueTest, DoesNotLetAHandleFromBeforeACrashActOnALaterDelivery) {
  const QueueId queue = loop_.create_queue();
  loop_.send(queue, {"a"});
  const std::string before = loop_.poll(queue, 1, seconds(600)).front().receipt_handle;
  loop_.crash();
  const std::string after = loop_.poll(queue, 1, seconds(600)).front().receipt_handle;
  loop_.erase(queue, {before});
  EXPECT_EQ(loop_.counts(queue).in_flight, 1u);
  EXPECT_TRUE(loop_.change_visibility(queue, before, 0));
  EXPECT_FALSE(loop_.change_visibility(queue, after, 0));
  EXPECT_TRUE(loop_.change_visibility(queue, before, seconds(5)))
      << "it was received again since, if it is visible or not";
}

TEST_F(QueueTest, LosesWhatWasNotDurable) {
  const QueueId queue = loop_.create_queue();
  loop_.send(queue, {"a"});
  const NewMessage message = new_message("b");
  const auto send = [&](Shard& shard, Timestamp at) {
    shard.send(queue, {&message, 1}, at).value();
  };
  loop_.submit(send);
  ASSERT_TRUE(loop_.begin_commit());
  loop_.crash(FaultStore::InFlight::lost);
  EXPECT_THAT(loop_.poll_bodies(queue, 10, 0), ElementsAre("a"));
  loop_.submit(send);
  ASSERT_TRUE(loop_.begin_commit());
  loop_.crash(FaultStore::InFlight::kept);
  EXPECT_THAT(loop_.poll_bodies(queue, 10, 0), ElementsAre("a", "b"));
}

// --- memory ---

TEST_F(TinyMemoryTest, DeliversABacklogThatIsOnDiskOnly) {
  const QueueId queue = loop_.create_queue();
  std::vector<std::string> sent;
  for (int i = 0; i < 30; ++i) {
    sent.push_back("m" + std::to_string(i));
    loop_.send(queue, {sent.back()});
  }
  std::vector<std::string> received;
  for (int i = 0; i < 30; ++i) {
    const std::vector<Delivery> deliveries = loop_.poll(queue, 1, seconds(600));
    ASSERT_THAT(deliveries, SizeIs(1));
    received.emplace_back(deliveries[0].message.body);
    loop_.erase(queue, {deliveries[0].receipt_handle});
  }
  EXPECT_EQ(received, sent);
  EXPECT_FALSE(has_message(loop_));
}

TEST_F(TinyMemoryTest, ParksWhatIsInFlightUntilItIsVisibleAgain) {
  const QueueId queue = loop_.create_queue();
  loop_.send(queue, {"a", "b"});
  ASSERT_THAT(loop_.poll(queue, 10, seconds(60)), SizeIs(2));
  loop_.settle();
  EXPECT_THAT(loop_.rows(Family::due), SizeIs(1));
  EXPECT_EQ(loop_.shard().usage().memory_used, 0u);
  EXPECT_EQ(loop_.counts(queue).in_flight, 2u);
  const auto poll = loop_.receive({queue, 10, seconds(60), seconds(20)});
  loop_.advance(seconds(19));
  EXPECT_FALSE(poll->result);
  loop_.advance(seconds(1));
  EXPECT_THAT(poll->deliveries(), IsEmpty());
  const auto later = loop_.receive({queue, 10, seconds(60), seconds(100)});
  loop_.advance(seconds(40));
  EXPECT_THAT(later->bodies(), ElementsAre("a", "b"));
  EXPECT_EQ(later->deliveries()[0].receive_count, 2u);
}

TEST_F(TinyMemoryTest, ActsOnMessagesThatAreOnDiskOnly) {
  const QueueId queue = loop_.create_queue();
  loop_.send(queue, {"a", "b", "c"});
  const std::vector<Delivery> received = loop_.poll(queue, 10, seconds(60));
  ASSERT_THAT(received, SizeIs(3));
  loop_.erase(queue, {received[0].receipt_handle, received[1].receipt_handle});
  EXPECT_FALSE(loop_.change_visibility(queue, received[2].receipt_handle, 0));
  EXPECT_TRUE(loop_.change_visibility(queue, received[0].receipt_handle, 0));
  EXPECT_THAT(loop_.poll_bodies(queue), ElementsAre("c"));
}

TEST_F(TinyMemoryTest, ActsOnSeveralBlocksInOneCallAndChangesNone) {
  const QueueId queue = loop_.create_queue();
  loop_.send(queue, {"a"});
  loop_.send(queue, {"b"});
  std::vector<std::string> outdated;
  for (int i = 0; i < 2; ++i) {
    outdated.push_back(loop_.poll(queue, 1, seconds(1)).front().receipt_handle);
  }
  loop_.advance(seconds(1));
  for (int i = 0; i < 2; ++i) ASSERT_THAT(loop_.poll(queue, 1, seconds(60)), SizeIs(1));
  loop_.erase(queue, outdated);
  EXPECT_EQ(loop_.counts(queue).in_flight, 2u);
}

TEST_F(TinyMemoryTest, EndsACallOneOfWhoseBlocksArrivesAgain) {
  const QueueId queue = loop_.create_queue();
  loop_.send(queue, {"a", "b"});
  loop_.send(queue, {"c"});
  std::vector<ReceiptHandle> handles;
  for (const Delivery& delivery : loop_.poll(queue, 10, seconds(60))) {
    handles.push_back(*loop_.sealer().open(delivery.receipt_handle));
  }
  for (const Delivery& delivery : loop_.poll(queue, 10, seconds(60))) {
    handles.push_back(*loop_.sealer().open(delivery.receipt_handle));
  }
  ASSERT_THAT(handles, SizeIs(3));
  ASSERT_EQ(block_of(handles[0].sequence), block_of(handles[1].sequence));
  ASSERT_NE(block_of(handles[0].sequence), block_of(handles[2].sequence));
  const auto erase = [&](std::span<const ReceiptHandle> which) {
    return loop_.submit(
        [queue, which](Shard& shard, Timestamp at) { shard.erase(queue, which, at).value(); });
  };
  const std::span<const ReceiptHandle> all(handles);
  const auto waiting = erase(all);  // for the first block twice, and for the second
  ASSERT_TRUE(loop_.perform_load());
  ASSERT_TRUE(loop_.perform_load());
  ASSERT_TRUE(loop_.deliver_load());
  const auto first = erase(all.first(2));  // which is here, and gone with the next commit
  ASSERT_TRUE(loop_.begin_commit());
  ASSERT_TRUE(loop_.finish_commit());
  ASSERT_TRUE(first->succeeded);
  const auto again = erase(all.first(1));
  ASSERT_TRUE(loop_.perform_load());
  ASSERT_TRUE(loop_.deliver_load(1));  // the first block's, before the second's
  EXPECT_TRUE(again->succeeded);
  EXPECT_FALSE(waiting->ended());
  loop_.settle();
  EXPECT_TRUE(waiting->succeeded);
  EXPECT_FALSE(has_message(loop_));
}

TEST_F(TinyMemoryTest, ActsOnABlockThatIsVisibleInPart) {
  const QueueId queue = loop_.create_queue();
  loop_.send(queue, {"a", "b"});
  const std::vector<Delivery> received = loop_.poll(queue, 1, seconds(60));
  ASSERT_THAT(received, SizeIs(1));
  loop_.erase(queue, {received[0].receipt_handle});
  EXPECT_THAT(loop_.poll_bodies(queue), ElementsAre("b"));
}

TEST_F(TinyMemoryTest, CountsInFlightExactlyWhenPartOfABlockIsOnDisk) {
  const QueueId queue = loop_.create_queue();
  loop_.send(queue, {"a", "b"});
  ASSERT_THAT(loop_.poll(queue, 1, seconds(60)), SizeIs(1));
  loop_.advance(seconds(60));
  EXPECT_EQ(loop_.counts(queue).in_flight, 0u);
  EXPECT_EQ(loop_.counts(queue).visible, 2u);
}

TEST_F(TinyMemoryTest, ForgetsNoDeleteThatIsOnItsWayToDisk) {
  const QueueId queue = loop_.create_queue();
  loop_.send(queue, {"a", "b"});
  const std::vector<Delivery> received = loop_.poll(queue, 1, seconds(60));
  const ReceiptHandle handle = *loop_.sealer().open(received[0].receipt_handle);
  const auto erase = loop_.submit([&](Shard& shard, Timestamp at) {
    shard.erase(queue, {&handle, 1}, at).value();
  });
  while (loop_.perform_load() && loop_.deliver_load()) {
  }
  ASSERT_TRUE(loop_.begin_commit());
  loop_.turn();
  loop_.shard().tick(clock_.now());  // out of memory: the block goes while its row is being written
  const auto poll = loop_.receive({queue, 10, seconds(60), seconds(20)});
  while (loop_.perform_load() && loop_.deliver_load()) {
  }
  loop_.settle();
  EXPECT_TRUE(erase->succeeded);
  EXPECT_THAT(poll->bodies(), ElementsAre("b"));
}

// --- relocation ---

class RelocationTest : public QueueTest {
 protected:
  // What the store would name of `queue`'s only block.
  void relocate() {
    const std::vector<Row> index = loop_.rows(Family::index);
    ASSERT_THAT(index, SizeIs(1));
    loop_.shard().relocate(index[0].key, read_place(index[0].value), clock_.now());
    loop_.turn();
  }
  PayloadPlace place() { return read_place(loop_.rows(Family::index).at(0).value); }
};

TEST_F(RelocationTest, WritesAChunkAgainAndReadsItThere) {
  const QueueId queue = loop_.create_queue();
  loop_.send(queue, {"a"});
  const PayloadPlace before = place();
  relocate();
  loop_.settle();
  EXPECT_NE(place(), before);
  EXPECT_TRUE(loop_.store().read(place()));
  loop_.crash();
  const std::vector<Delivery> received = loop_.poll(queue);
  ASSERT_THAT(received, SizeIs(1));
  loop_.erase(queue, {received[0].receipt_handle});
  EXPECT_FALSE(has_message(loop_));
}

TEST_F(RelocationTest, MovesADelayedBlockWithItsDelay) {
  const QueueId queue = loop_.create_queue();
  loop_.send(queue, {"a"}, seconds(60));
  relocate();
  loop_.settle();
  loop_.advance(seconds(60));
  EXPECT_THAT(loop_.poll_bodies(queue), ElementsAre("a"));
}

TEST_F(RelocationTest, LetsAShortPollWaitForIt) {
  const QueueId queue = loop_.create_queue();
  loop_.send(queue, {"a"});
  const std::string handle = loop_.poll(queue).front().receipt_handle;
  relocate();
  while (loop_.perform_load() && loop_.deliver_load()) {
  }
  ASSERT_TRUE(loop_.begin_commit());
  const Shard::VisibilityChange change{*loop_.sealer().open(handle), handle, 0};
  loop_.submit([&](Shard& shard, Timestamp at) {
    shard.change_visibility(queue, {&change, 1}, at).value();
  });
  const auto poll = loop_.receive({queue, 1, seconds(30), 0});
  loop_.settle();
  EXPECT_THAT(poll->bodies(), ElementsAre("a"));
}

TEST_F(RelocationTest, AsksOnceHoweverOftenTheStoreDoes) {
  const QueueId queue = loop_.create_queue();
  loop_.send(queue, {"a"}, seconds(60));
  relocate();
  relocate();
  while (loop_.perform_load() && loop_.deliver_load()) {
  }
  ASSERT_TRUE(loop_.begin_commit());
  relocate();  // the store does not know yet
  while (loop_.perform_load() && loop_.deliver_load()) {
  }
  loop_.settle();
  loop_.advance(seconds(60));
  EXPECT_THAT(loop_.poll_bodies(queue), ElementsAre("a"));
}

TEST_F(RelocationTest, LosesTheRaceAgainstAPurge) {
  const QueueId queue = loop_.create_queue();
  loop_.send(queue, {"a"});
  relocate();
  while (loop_.perform_load() && loop_.deliver_load()) {
  }
  ASSERT_TRUE(loop_.begin_commit());
  loop_.submit([&](Shard& shard, Timestamp at) { shard.purge_queue(queue, 0, at).value(); });
  while (loop_.perform_load()) {
  }
  loop_.settle();
  EXPECT_FALSE(has_message(loop_));
}

TEST_F(RelocationTest, BringsBackNoBlockThatIsBeingRemoved) {
  const QueueId queue = loop_.create_queue();
  loop_.send(queue, {"a"});
  const ReceiptHandle handle = *loop_.sealer().open(loop_.poll(queue).front().receipt_handle);
  loop_.submit([&](Shard& shard, Timestamp at) { shard.erase(queue, {&handle, 1}, at).value(); });
  ASSERT_TRUE(loop_.begin_commit());
  relocate();
  while (loop_.perform_load() && loop_.deliver_load()) {
  }
  loop_.settle();
  EXPECT_FALSE(has_message(loop_));
}

}  // namespace
}  // namespace millrace
