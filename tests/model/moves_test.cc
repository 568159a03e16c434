// Dead letters between two shards: each message arrives once, whatever gets lost on the way.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/loop_harness.h"

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

class MovesTest : public testing::Test {
 protected:
  MovesTest() {
    dead_ = target_.create_queue();
    QueueSettings settings;
    settings.retention = seconds(345'600);
    settings.receive_count_max = 1;
    settings.dead_letter_queue = dead_;
    settings.dead_letters_leave_shard = true;
    queue_ = source_.create_queue(settings);
  }

  // Sends a message and makes it leave; its transfer waits in source_.transfers.
  std::shared_ptr<PendingReceive> move(const std::string& body) {
    source_.send(queue_, {body});
    EXPECT_THAT(source_.poll_bodies(queue_, 10, 0), ElementsAre(body));
    const auto receive = source_.receive({queue_, 10, 0, 0});
    source_.settle();
    return receive;
  }
  void carry() {
    for (const Transfer& transfer : std::exchange(source_.transfers, {})) {
      target_.shard().apply_transfer(transfer, clock_.now());
    }
    target_.settle();
  }
  void carry_answers() {
    for (const TransferResult& result : std::exchange(target_.transfer_results, {})) {
      source_.shard().transfer_done(result, clock_.now());
    }
    source_.settle();
  }
  void resend() {
    source_.shard().resend_transfers(kTarget);
    source_.settle();
  }
  bool source_is_empty() {
    const QueueCounts counts = source_.counts(queue_);
    return counts.visible + counts.in_flight + counts.delayed == 0 &&
           source_.rows(Family::index).empty() && source_.rows(Family::transfers).empty();
  }

  static constexpr std::uint16_t kTarget = 5;
  ManualClock clock_{Timestamp{1'700'000'000'000}};
  LoopHarness source_{clock_};
  LoopHarness target_{clock_, {.shard = kTarget}};
  QueueId dead_;
  QueueId queue_;
};

TEST_F(MovesTest, AnswersTheReceiveWhenTheMessageIsThere) {
  const auto receive = move("a");
  EXPECT_EQ(source_.counts(queue_).in_flight, 1u);
  carry();
  EXPECT_FALSE(receive->result);
  carry_answers();
  EXPECT_THAT(receive->deliveries(), IsEmpty());
  EXPECT_TRUE(source_is_empty());
  const std::vector<Delivery> moved = target_.poll(dead_);
  ASSERT_THAT(moved, SizeIs(1));
  EXPECT_EQ(moved[0].message.body, "a");
  EXPECT_EQ(moved[0].receive_count, 2u);
}

TEST_F(MovesTest, AnswersTheReceiveWithinSecondsWhateverBecomesOfTheMessage) {
  const auto receive = move("a");
  source_.advance(seconds(5) - 1);
  EXPECT_FALSE(receive->result);
  source_.advance(1);
  EXPECT_THAT(receive->deliveries(), IsEmpty());
  carry();
  carry_answers();
  EXPECT_TRUE(source_is_empty());
  EXPECT_THAT(target_.poll_bodies(dead_), ElementsAre("a"));
}

TEST_F(MovesTest, GivesNothingToAClientThatHangsUpMeanwhile) {
  source_.send(queue_, {"a", "b"});
  ASSERT_THAT(source_.poll_bodies(queue_, 1, 0), ElementsAre("a"));
  const auto receive = source_.receive({queue_, 10, seconds(30), seconds(20)});
  source_.settle();
  EXPECT_FALSE(receive->result) << "it holds b, and a is on its way";
  EXPECT_TRUE(source_.loop().cancel(receive->waiter, clock_.now()));
  EXPECT_FALSE(source_.loop().cancel(receive->waiter, clock_.now()));
  const std::vector<Delivery> again = source_.poll(queue_, 10, 0);
  ASSERT_THAT(again, SizeIs(1));
  EXPECT_EQ(again[0].message.body, "b");
  EXPECT_EQ(again[0].receive_count, 1u);
  carry();
  carry_answers();
  EXPECT_FALSE(receive->result);
}

TEST_F(MovesTest, AnswersTheReceiveAtAStop) {
  const auto receive = move("a");
  source_.loop().stop(clock_.now());
  source_.settle();
  EXPECT_THAT(receive->deliveries(), IsEmpty());
}

TEST_F(MovesTest, SendsNothingBeforeItIsDurable) {
  source_.send(queue_, {"a"});
  source_.poll(queue_, 1, 0);
  source_.receive({queue_, 10, 0, 0});
  ASSERT_TRUE(source_.begin_commit());
  EXPECT_THAT(source_.transfers, IsEmpty());
  ASSERT_TRUE(source_.finish_commit());
  EXPECT_THAT(source_.transfers, SizeIs(1));
}

TEST_F(MovesTest, RepeatsATransferThatGotLost) {
  move("a");
  source_.transfers.clear();
  resend();
  carry();
  carry_answers();
  EXPECT_THAT(target_.poll_bodies(dead_), ElementsAre("a"));
  EXPECT_TRUE(source_is_empty());
}

TEST_F(MovesTest, AppliesARepeatOnceAndAnswersIt) {
  move("a");
  carry();
  target_.transfer_results.clear();  // the answer gets lost
  const std::vector<Delivery> moved = target_.poll(dead_);
  ASSERT_THAT(moved, SizeIs(1));
  target_.erase(dead_, {moved[0].receipt_handle});
  resend();
  carry();
  EXPECT_THAT(target_.transfer_results, SizeIs(1));
  carry_answers();
  EXPECT_TRUE(source_is_empty());
  EXPECT_THAT(target_.poll_bodies(dead_), IsEmpty());
}

TEST_F(MovesTest, LosesNothingWhenALaterTransferArrivesFirst) {
  move("a");
  source_.transfers.clear();
  move("b");
  carry();
  EXPECT_THAT(target_.poll_bodies(dead_), IsEmpty());
  resend();
  carry();
  carry_answers();
  EXPECT_THAT(target_.poll_bodies(dead_), UnorderedElementsAre("a", "b"));
  EXPECT_TRUE(source_is_empty());
}

TEST_F(MovesTest, SurvivesCrashesOfBothShards) {
  move("a");
  source_.crash();
  EXPECT_EQ(source_.counts(queue_).in_flight, 1u);
  source_.settle();
  ASSERT_THAT(source_.transfers, SizeIs(1));
  for (const Transfer& transfer : source_.transfers)
    target_.shard().apply_transfer(transfer, clock_.now());
  source_.transfers.clear();
  target_.crash();  // before it was durable
  EXPECT_EQ(target_.counts(dead_).visible, 0u);
  resend();
  carry();
  target_.crash();  // after it was
  resend();
  carry();
  carry_answers();
  EXPECT_THAT(target_.poll_bodies(dead_), ElementsAre("a"));
  EXPECT_TRUE(source_is_empty());
}

TEST_F(MovesTest, ReturnsTheMessageWhenItsTargetIsGone) {
  move("a");
  target_.delete_queue(dead_);
  carry();
  carry_answers();
  EXPECT_EQ(source_.counts(queue_).visible, 1u);
  EXPECT_THAT(source_.rows(Family::transfers), IsEmpty());
  QueueSettings plain;
  plain.retention = seconds(345'600);
  source_.configure(queue_, plain);
  EXPECT_THAT(source_.poll_bodies(queue_), ElementsAre("a"));
}

TEST_F(MovesTest, DoesNotReturnWhatArrivedBeforeItsTargetWent) {
  move("a");
  carry();
  target_.transfer_results.clear();  // the answer gets lost
  target_.delete_queue(dead_);
  resend();
  carry();
  carry_answers();
  EXPECT_TRUE(source_is_empty());
}

TEST_F(MovesTest, TakesALateAnswerForNoAnswerToTheNextMove) {
  move("a");
  target_.delete_queue(dead_);
  carry();
  const std::vector<TransferResult> answers = target_.transfer_results;
  carry_answers();
  const QueueId second = target_.create_queue();
  QueueSettings settings;
  settings.retention = seconds(345'600);
  settings.receive_count_max = 1;
  settings.dead_letter_queue = second;
  settings.dead_letters_leave_shard = true;
  source_.configure(queue_, settings);
  source_.receive({queue_, 10, 0, 0});
  source_.settle();
  for (const TransferResult& answer : answers) source_.shard().transfer_done(answer, clock_.now());
  EXPECT_EQ(source_.counts(queue_).in_flight, 1u) << "it is on its way to the second queue";
  carry();
  carry_answers();
  EXPECT_TRUE(source_is_empty());
  EXPECT_THAT(target_.poll_bodies(second), ElementsAre("a"));
}

TEST_F(MovesTest, EndsAMoveWhoseSourceWasPurgedOrDeleted) {
  move("a");
  carry();
  source_.purge(queue_);
  carry_answers();
  EXPECT_TRUE(source_is_empty());
  move("b");
  carry();
  source_.delete_queue(queue_);
  carry_answers();
  EXPECT_THAT(source_.rows(Family::transfers), IsEmpty());
  EXPECT_THAT(target_.poll_bodies(dead_), UnorderedElementsAre("a", "b"));
}

TEST_F(MovesTest, FinishesAMoveWhoseBlockIsOnDiskOnly) {
  LoopHarness tiny(clock_, {.shard = 7, .memory_bytes = 1});
  QueueSettings settings;
  settings.retention = seconds(345'600);
  settings.receive_count_max = 1;
  settings.dead_letter_queue = dead_;
  settings.dead_letters_leave_shard = true;
  const QueueId queue = tiny.create_queue(settings);
  tiny.send(queue, {"a", "b"});
  tiny.poll(queue, 1, 0);
  const auto receive = tiny.receive({queue, 10, 0, 0});
  tiny.settle();
  tiny.crash();
  tiny.settle();
  for (const Transfer& transfer : tiny.transfers)
    target_.shard().apply_transfer(transfer, clock_.now());
  target_.settle();
  for (const TransferResult& result : target_.transfer_results) {
    tiny.shard().transfer_done(result, clock_.now());
  }
  tiny.settle();
  EXPECT_EQ(tiny.counts(queue).in_flight, 0u);
  EXPECT_EQ(tiny.counts(queue).visible, 1u);
  EXPECT_THAT(target_.poll_bodies(dead_), ElementsAre("a"));
}

}  // namespace
}  // namespace millrace
