// Message move tasks through the loop: every message arrives once, in order and as a new one, on
// the same shard and on another, whatever gets lost on the way.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "support/loop_harness.h"

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using Status = MoveTaskRecord::Status;

constexpr Milliseconds kLong = seconds(345'600);

std::vector<std::string> numbered(unsigned count, std::size_t bytes = 0) {
  std::vector<std::string> bodies;
  for (unsigned i = 0; i < count; ++i) {
    bodies.push_back(std::to_string(1'000'000 + i) + std::string(bytes, '.'));
  }
  return bodies;
}

MoveTask start(LoopHarness& loop, QueueId source, const NewMoveTask& wanted = {}) {
  Expected<MoveTask> task = MoveTask();
  const auto call = loop.submit(
      [&](Shard& shard, Timestamp at) { task = shard.start_move_task(source, wanted, at); });
  loop.settle();
  EXPECT_TRUE(call->succeeded);
  return task.value();
}

std::uint64_t cancel(LoopHarness& loop, QueueId source, const MoveTask& task) {
  const std::uint64_t moved = loop.shard().cancel_move_task(source, task.id).value();
  loop.settle();
  return moved;
}

MoveTaskRecord latest(LoopHarness& loop, QueueId source) {
  return loop.shard().move_tasks(source).value().at(0).record;
}

// Receives and deletes all that can be received, in order.
std::vector<std::string> consume(LoopHarness& loop, QueueId queue) {
  std::vector<std::string> bodies;
  for (;;) {
    const std::vector<Delivery> deliveries = loop.poll(queue);
    if (deliveries.empty()) return bodies;
    std::vector<std::string> handles;
    for (const Delivery& delivery : deliveries) {
      bodies.emplace_back(delivery.message.body);
      handles.push_back(delivery.receipt_handle);
    }
    loop.erase(queue, handles);
  }
}

void send_fifo(LoopHarness& loop, QueueId queue, const std::string& body,
               const std::string& group) {
  NewMessage message;
  message.body = body;
  message.group_id = group;
  message.deduplication_id = body;
  const auto call = loop.submit([&](Shard& shard, Timestamp at) {
    shard.send(queue, {&message, 1}, at).value();
  });
  loop.settle();
  ASSERT_TRUE(call->succeeded);
}

bool is_empty(LoopHarness& loop, QueueId queue) {
  const QueueCounts counts = loop.counts(queue);
  return counts.visible + counts.in_flight + counts.delayed == 0;
}

// --- on one shard ---

class MoveTaskTest : public testing::Test {
 protected:
  // A queue whose messages go to dead_ after one receive.
  QueueId create_source(const std::string& arn) {
    QueueSettings settings;
    settings.retention = kLong;
    settings.receive_count_max = 1;
    settings.dead_letter_queue = dead_;
    settings.arn = arn;
    const QueueId queue = loop_.create_queue(settings);
    loop_.arns[arn] = queue;
    return queue;
  }
  // Sends messages and makes dead letters of them.
  void send_dead(QueueId queue, const std::vector<std::string>& bodies) {
    loop_.send(queue, bodies);
    while (!loop_.poll(queue, 10, 0).empty()) {
    }
  }

  ManualClock clock_{Timestamp{1'700'000'000'000}};
  LoopHarness loop_{clock_};
  const QueueId dead_ = loop_.create_queue();
  const QueueId target_ = loop_.create_queue();
};

TEST_F(MoveTaskTest, WaitsWhileTheDiskIsFull) {
  send_dead(create_source("source"), {"a", "b"});
  loop_.shard().refuse_sends("The disk is nearly full.");
  start(loop_, dead_);
  loop_.advance(seconds(60));
  EXPECT_EQ(latest(loop_, dead_).status, Status::running);
  EXPECT_EQ(latest(loop_, dead_).moved, 0u);
  EXPECT_EQ(loop_.counts(dead_).visible, 2u);
  loop_.shard().refuse_sends("");
  loop_.advance(1);
  EXPECT_EQ(latest(loop_, dead_).status, Status::completed);
  EXPECT_EQ(latest(loop_, dead_).moved, 2u);
}

TEST_F(MoveTaskTest, TakesEachMessageBackToWhereItCameFrom) {
  const QueueId first = create_source("first");
  const QueueId second = create_source("second");
  send_dead(first, {"a"});
  send_dead(second, {"b"});
  send_dead(first, {"c"});
  EXPECT_EQ(loop_.counts(dead_).visible, 3u);
  start(loop_, dead_);
  const MoveTaskRecord task = latest(loop_, dead_);
  EXPECT_EQ(task.status, Status::completed);
  EXPECT_EQ(task.to_move, 3u);
  EXPECT_EQ(task.moved, 3u);
  EXPECT_TRUE(is_empty(loop_, dead_));
  EXPECT_THAT(loop_.poll_bodies(first), ElementsAre("a", "c"));
  EXPECT_THAT(loop_.poll_bodies(second), ElementsAre("b"));
}

TEST_F(MoveTaskTest, BringsNewMessages) {
  const QueueId source = create_source("source");
  send_dead(source, {"a"});
  const std::vector<Delivery> before = loop_.poll(dead_, 1, 0);
  ASSERT_THAT(before, SizeIs(1));
  EXPECT_EQ(before[0].message.dead_letter_source_arn, "source");
  loop_.advance(seconds(10));
  start(loop_, dead_);
  const std::vector<Delivery> after = loop_.poll(source, 1, 0);
  ASSERT_THAT(after, SizeIs(1));
  EXPECT_EQ(after[0].message.body, "a");
  EXPECT_EQ(after[0].message.sender_id, "sender");
  EXPECT_EQ(after[0].message.sent_at, before[0].message.sent_at + seconds(10));
  EXPECT_NE(after[0].id, before[0].id);
  EXPECT_EQ(after[0].receive_count, 1u);
  EXPECT_EQ(after[0].first_received_at, clock_.now());
  EXPECT_EQ(after[0].message.dead_letter_source_arn, "");
  loop_.advance(kLong - 1);
  EXPECT_TRUE(loop_.poll(source).empty()) << "it has become a dead letter once more";
  EXPECT_THAT(loop_.poll_bodies(dead_), ElementsAre("a")) << "and its retention began anew";
}

TEST_F(MoveTaskTest, TakesAllToItsDestinationInOrder) {
  const std::vector<std::string> bodies = numbered(2'500);
  for (std::size_t i = 0; i < bodies.size(); i += 500) {
    loop_.send(dead_, std::vector(bodies.begin() + static_cast<std::ptrdiff_t>(i),
                                  bodies.begin() + static_cast<std::ptrdiff_t>(i + 500)));
  }
  start(loop_, dead_, {.destination = target_, .destination_arn = "target"});
  EXPECT_EQ(latest(loop_, dead_).status, Status::completed);
  EXPECT_EQ(latest(loop_, dead_).moved, bodies.size());
  EXPECT_TRUE(is_empty(loop_, dead_));
  EXPECT_EQ(consume(loop_, target_), bodies);
}

TEST_F(MoveTaskTest, WakesAReceiveThatWaitsAtTheTarget) {
  const auto waiting = loop_.receive({target_, 10, seconds(30), seconds(20)});
  loop_.send(dead_, {"a"});
  start(loop_, dead_, {.destination = target_});
  EXPECT_THAT(waiting->bodies(), ElementsAre("a"));
}

TEST_F(MoveTaskTest, LeavesWhatIsInFlightOrDelayed) {
  loop_.send(dead_, {"in flight"});
  loop_.poll(dead_);
  loop_.send(dead_, {"delayed"}, seconds(900));
  loop_.send(dead_, {"visible"});
  start(loop_, dead_, {.destination = target_});
  EXPECT_EQ(latest(loop_, dead_).status, Status::completed);
  EXPECT_EQ(latest(loop_, dead_).to_move, 1u);
  EXPECT_THAT(consume(loop_, target_), ElementsAre("visible"));
  EXPECT_EQ(loop_.counts(dead_).in_flight, 1u);
  EXPECT_EQ(loop_.counts(dead_).delayed, 1u);
}

TEST_F(MoveTaskTest, TakesWhatHasBecomeDueOnDisk) {
  loop_.send(dead_, {"delayed"}, seconds(10));
  loop_.advance(seconds(10));
  loop_.crash();
  start(loop_, dead_, {.destination = target_});
  EXPECT_EQ(latest(loop_, dead_).to_move, 1u);
  EXPECT_THAT(consume(loop_, target_), ElementsAre("delayed"));
}

TEST_F(MoveTaskTest, FailsAtAMessageWithoutASource) {
  const QueueId source = create_source("source");
  send_dead(source, {"a"});
  loop_.send(dead_, {"sent by somebody", "b"});
  start(loop_, dead_);
  EXPECT_EQ(latest(loop_, dead_).status, Status::failed);
  EXPECT_EQ(latest(loop_, dead_).failure_reason, kNoSource);
  EXPECT_EQ(latest(loop_, dead_).moved, 1u);
  EXPECT_THAT(loop_.poll_bodies(source), ElementsAre("a"));
  EXPECT_THAT(loop_.poll_bodies(dead_), ElementsAre("sent by somebody", "b"));
}

TEST_F(MoveTaskTest, FailsAtAMessageOfTheQueueItself) {
  QueueSettings settings;
  settings.retention = kLong;
  settings.receive_count_max = 1;
  settings.dead_letter_queue = dead_;
  settings.arn = "dead";
  loop_.arns["dead"] = dead_;
  loop_.configure(dead_, settings);
  loop_.send(dead_, {"a"});
  loop_.poll(dead_, 1, 0);
  loop_.poll(dead_, 1, 0);
  start(loop_, dead_);
  EXPECT_EQ(latest(loop_, dead_).failure_reason, kNoSource);
  EXPECT_EQ(loop_.counts(dead_).visible, 1u);
}

TEST_F(MoveTaskTest, FailsAtTheEndForWhatIsDamaged) {
  for (const char* body : {"a", "b", "c"}) loop_.send(dead_, {body});
  loop_.store().damage(parse_index(loop_.rows(Family::index).at(1).value)->place);
  loop_.crash();
  start(loop_, dead_, {.destination = target_});
  EXPECT_EQ(latest(loop_, dead_).status, Status::failed);
  EXPECT_EQ(latest(loop_, dead_).failure_reason, "DamagedMessage");
  EXPECT_EQ(latest(loop_, dead_).moved, 2u);
  EXPECT_THAT(consume(loop_, target_), ElementsAre("a", "c"));
  EXPECT_EQ(loop_.counts(dead_).visible, 1u);
}

TEST_F(MoveTaskTest, FailsWhenTheTargetIsGone) {
  const QueueId source = create_source("source");
  send_dead(source, {"a"});
  loop_.delete_queue(source);
  start(loop_, dead_);
  EXPECT_EQ(latest(loop_, dead_).failure_reason, kNoSuchTarget);
  loop_.arns.clear();
  start(loop_, dead_);
  EXPECT_EQ(latest(loop_, dead_).failure_reason, kNoSuchTarget);
  loop_.delete_queue(target_);
  start(loop_, dead_, {.destination = target_});
  EXPECT_EQ(latest(loop_, dead_).status, Status::failed);
  EXPECT_EQ(latest(loop_, dead_).failure_reason, kNoSuchTarget);
  EXPECT_THAT(loop_.poll_bodies(dead_), ElementsAre("a"));
}

TEST_F(MoveTaskTest, KeepsItsRate) {
  loop_.send(dead_, numbered(5));
  start(loop_, dead_, {.destination = target_, .rate = 2});
  for (const std::uint64_t moved : {1u, 2u, 3u, 4u}) {
    EXPECT_EQ(loop_.counts(target_).visible, moved);
    EXPECT_EQ(latest(loop_, dead_).moved, moved);
    loop_.advance(499);
    EXPECT_EQ(loop_.counts(target_).visible, moved);
    loop_.advance(1);
  }
  EXPECT_EQ(loop_.counts(target_).visible, 5u);
  EXPECT_EQ(latest(loop_, dead_).status, Status::running);
  loop_.advance(500);
  EXPECT_EQ(latest(loop_, dead_).status, Status::completed);
}

TEST_F(MoveTaskTest, StopsWhereItIsCancelled) {
  const std::vector<std::string> bodies = numbered(5);
  loop_.send(dead_, bodies);
  const MoveTask task = start(loop_, dead_, {.destination = target_, .rate = 2});
  loop_.advance(500);
  EXPECT_EQ(cancel(loop_, dead_, task), 2u);
  EXPECT_EQ(latest(loop_, dead_).status, Status::cancelled);
  loop_.advance(seconds(60));
  EXPECT_THAT(loop_.poll_bodies(target_), ElementsAre(bodies[0], bodies[1]));
  EXPECT_THAT(loop_.poll_bodies(dead_), ElementsAre(bodies[2], bodies[3], bodies[4]));
}

TEST_F(MoveTaskTest, EndsWithAPurge) {
  loop_.send(dead_, numbered(5));
  start(loop_, dead_, {.destination = target_, .rate = 1});
  loop_.purge(dead_);
  EXPECT_EQ(latest(loop_, dead_).status, Status::running);
  loop_.advance(seconds(1));
  EXPECT_EQ(latest(loop_, dead_).status, Status::completed);
  EXPECT_EQ(latest(loop_, dead_).moved, 1u);
}

TEST_F(MoveTaskTest, GoesWithItsQueue) {
  loop_.send(dead_, numbered(5));
  start(loop_, dead_, {.destination = target_, .rate = 1});
  loop_.delete_queue(dead_);
  loop_.advance(seconds(60));
  EXPECT_EQ(loop_.shard().move_tasks(dead_).error().code(), ErrorCode::queue_does_not_exist);
  EXPECT_THAT(loop_.rows(Family::queues), SizeIs(2)) << "those of the target";
  EXPECT_THAT(consume(loop_, target_), SizeIs(1));
  loop_.crash();
  EXPECT_THAT(loop_.shard().moving(), IsEmpty());
}

TEST_F(MoveTaskTest, IsRememberedOverARestart) {
  loop_.send(dead_, numbered(1));
  const MoveTask task = start(loop_, dead_, {.destination = target_, .destination_arn = "target"});
  loop_.restart();
  const std::vector<MoveTask> listed = loop_.shard().move_tasks(dead_).value();
  ASSERT_THAT(listed, SizeIs(1));
  EXPECT_EQ(listed[0].id, task.id);
  EXPECT_EQ(listed[0].record.status, Status::completed);
  EXPECT_EQ(listed[0].record.moved, 1u);
  EXPECT_EQ(listed[0].record.destination_arn, "target");
}

// Crashes after every commit, whether it had become durable or not.
TEST_F(MoveTaskTest, GoesOnAfterCrashesWithNothingLostOrDoubled) {
  const std::vector<std::string> bodies = numbered(200);
  loop_.send(dead_, bodies);
  start(loop_, dead_, {.destination = target_, .rate = 100});
  bool lost = false;
  for (unsigned crashes = 0; latest(loop_, dead_).status == Status::running; ++crashes) {
    ASSERT_LT(crashes, 500u);
    clock_.advance(100);
    loop_.turn();
    while (!loop_.begin_commit()) {
      if (!loop_.perform_load() || !loop_.deliver_load()) break;
    }
    lost = !lost;
    loop_.crash(lost ? FaultStore::InFlight::lost : FaultStore::InFlight::kept);
    loop_.settle();
  }
  EXPECT_EQ(latest(loop_, dead_).status, Status::completed);
  EXPECT_EQ(latest(loop_, dead_).moved, bodies.size());
  EXPECT_TRUE(is_empty(loop_, dead_));
  EXPECT_EQ(consume(loop_, target_), bodies);
}

TEST(MoveTaskWithoutMemory, MovesItsBacklog) {
  ManualClock clock(Timestamp{1'700'000'000'000});
  LoopHarness loop(clock, {.memory_bytes = 1, .batch_bytes_max = std::size_t{1} << 20});
  const QueueId dead = loop.create_queue();
  const QueueId target = loop.create_queue();
  const std::vector<std::string> bodies = numbered(300, 40'000);
  for (const std::string& body : bodies) loop.send(dead, {body});
  start(loop, dead, {.destination = target});
  EXPECT_EQ(latest(loop, dead).status, Status::completed);
  EXPECT_EQ(latest(loop, dead).moved, bodies.size());
  EXPECT_TRUE(is_empty(loop, dead));
  EXPECT_EQ(loop.counts(target).visible, bodies.size());
  EXPECT_EQ(consume(loop, target), bodies);
}

// --- FIFO ---

class FifoMoveTaskTest : public testing::Test {
 protected:
  // Receives all of one group after the other: a queue gives what one group has first.
  static void expect_in_order(const std::vector<std::string>& bodies, unsigned count) {
    for (const char group : {'a', 'b', 'c'}) {
      std::vector<std::string> of_group;
      for (const std::string& body : bodies) {
        if (body[0] == group) of_group.push_back(body);
      }
      ASSERT_THAT(of_group, SizeIs(count));
      EXPECT_TRUE(std::ranges::is_sorted(of_group));
    }
  }
  static void send_groups(LoopHarness& loop, QueueId queue, unsigned count) {
    for (unsigned i = 0; i < count; ++i) {
      for (const char* group : {"a", "b", "c"}) {
        send_fifo(loop, queue, group + std::to_string(1'000 + i), group);
      }
    }
  }

  const QueueSettings settings_{.retention = kLong, .fifo = true};
  ManualClock clock_{Timestamp{1'700'000'000'000}};
};

TEST_F(FifoMoveTaskTest, KeepsTheOrderOfEachGroup) {
  for (const std::size_t memory : {std::size_t{256} << 20, std::size_t{1}}) {
    LoopHarness loop(clock_, {.memory_bytes = memory});
    const QueueId dead = loop.create_queue(settings_);
    const QueueId target = loop.create_queue(settings_);
    send_groups(loop, dead, 60);
    start(loop, dead, {.destination = target, .rate = 100});
    loop.advance(900);
    loop.crash();
    loop.advance(seconds(2));
    EXPECT_EQ(latest(loop, dead).status, Status::completed);
    EXPECT_TRUE(is_empty(loop, dead));
    expect_in_order(consume(loop, target), 60);
  }
}

TEST_F(FifoMoveTaskTest, WaitsForAGroupThatIsLocked) {
  LoopHarness loop(clock_);
  const QueueId dead = loop.create_queue(settings_);
  const QueueId target = loop.create_queue(settings_);
  send_groups(loop, dead, 3);
  ASSERT_THAT(loop.poll_bodies(dead, 1), ElementsAre("a1000"));
  start(loop, dead, {.destination = target});
  EXPECT_EQ(latest(loop, dead).status, Status::running);
  EXPECT_EQ(latest(loop, dead).moved, 6u);
  loop.advance(seconds(30));
  EXPECT_EQ(latest(loop, dead).status, Status::completed);
  expect_in_order(consume(loop, target), 3);
}

TEST_F(FifoMoveTaskTest, DeduplicatesNothing) {
  LoopHarness loop(clock_);
  const QueueId dead = loop.create_queue(settings_);
  const QueueId target = loop.create_queue(settings_);
  send_fifo(loop, target, "a", "g");
  send_fifo(loop, dead, "a", "g");
  start(loop, dead, {.destination = target});
  const std::vector<Delivery> deliveries = loop.poll(target);
  ASSERT_THAT(deliveries, SizeIs(2));
  EXPECT_EQ(deliveries[1].message.body, "a");
  EXPECT_EQ(deliveries[1].message.group_id, "g");
  EXPECT_EQ(deliveries[1].message.deduplication_id, "a");
}

// --- between two shards ---

class TwoShardMoveTaskTest : public testing::Test {
 protected:
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
  void carry_all() {
    for (unsigned rounds = 0; !source_.transfers.empty(); ++rounds) {
      ASSERT_LT(rounds, 1'000u);
      carry();
      carry_answers();
    }
  }

  static constexpr std::uint16_t kTarget = 5;
  ManualClock clock_{Timestamp{1'700'000'000'000}};
  LoopHarness source_{clock_};
  LoopHarness target_{clock_, {.shard = kTarget}};
  const QueueId dead_ = source_.create_queue();
  const QueueId queue_ = target_.create_queue();
};

TEST_F(TwoShardMoveTaskTest, CountsWhatHasArrived) {
  source_.send(dead_, {"a", "b"});
  start(source_, dead_, {.destination = queue_});
  EXPECT_EQ(latest(source_, dead_).status, Status::running);
  EXPECT_EQ(latest(source_, dead_).moved, 0u);
  EXPECT_EQ(source_.counts(dead_).in_flight, 2u);
  carry();
  carry_answers();
  EXPECT_EQ(latest(source_, dead_).status, Status::completed);
  EXPECT_EQ(latest(source_, dead_).moved, 2u);
  EXPECT_TRUE(is_empty(source_, dead_));
  EXPECT_THAT(source_.rows(Family::transfers), IsEmpty());
  const std::vector<Delivery> moved = target_.poll(queue_);
  ASSERT_THAT(moved, SizeIs(2));
  EXPECT_EQ(moved[0].message.body, "a");
  EXPECT_EQ(moved[0].receive_count, 1u);
}

TEST_F(TwoShardMoveTaskTest, MovesABacklog) {
  const std::vector<std::string> bodies = numbered(2'500);
  source_.send(dead_, bodies);
  start(source_, dead_, {.destination = queue_});
  carry_all();
  EXPECT_EQ(latest(source_, dead_).status, Status::completed);
  EXPECT_EQ(latest(source_, dead_).moved, bodies.size());
  EXPECT_EQ(consume(target_, queue_), bodies);
}

TEST_F(TwoShardMoveTaskTest, DeliversOnceWhenTheAnswerGetsLost) {
  source_.send(dead_, {"a"});
  start(source_, dead_, {.destination = queue_});
  carry();
  target_.transfer_results.clear();
  EXPECT_THAT(consume(target_, queue_), ElementsAre("a"));
  source_.crash();
  source_.settle();
  EXPECT_EQ(latest(source_, dead_).moved, 0u);
  ASSERT_THAT(source_.transfers, SizeIs(1)) << "it is sent again";
  carry();
  carry_answers();
  EXPECT_EQ(latest(source_, dead_).status, Status::completed);
  EXPECT_EQ(latest(source_, dead_).moved, 1u);
  EXPECT_TRUE(is_empty(source_, dead_));
  EXPECT_THAT(consume(target_, queue_), IsEmpty());
}

TEST_F(TwoShardMoveTaskTest, LosesNothingInACrashOfEither) {
  const std::vector<std::string> bodies = numbered(40);
  source_.send(dead_, bodies);
  start(source_, dead_, {.destination = queue_, .rate = 10});
  for (unsigned second = 0; second < 10; ++second) {
    for (const Transfer& transfer : source_.transfers) {
      target_.shard().apply_transfer(transfer, clock_.now());
    }
    source_.transfers.clear();
    if (second % 2 == 0) {
      target_.crash();  // before it was durable
      source_.shard().resend_transfers(kTarget);
      source_.settle();
      carry();
    } else {
      target_.settle();
    }
    if (second % 3 == 0) source_.crash();
    source_.settle();
    carry();
    carry_answers();
    source_.advance(seconds(1));
  }
  carry_all();
  EXPECT_EQ(latest(source_, dead_).status, Status::completed);
  EXPECT_EQ(latest(source_, dead_).moved, bodies.size());
  EXPECT_TRUE(is_empty(source_, dead_));
  EXPECT_EQ(consume(target_, queue_), bodies);
}

TEST_F(TwoShardMoveTaskTest, FailsAndTakesTheMessageBackWhenTheTargetIsGone) {
  source_.send(dead_, {"a", "b"});
  start(source_, dead_, {.destination = queue_});
  target_.delete_queue(queue_);
  for (unsigned round = 0; round < 4; ++round) {
    carry();
    carry_answers();
  }
  EXPECT_EQ(latest(source_, dead_).status, Status::failed);
  EXPECT_EQ(latest(source_, dead_).failure_reason, kNoSuchTarget);
  EXPECT_EQ(latest(source_, dead_).moved, 0u);
  EXPECT_THAT(source_.rows(Family::transfers), IsEmpty());
  EXPECT_THAT(source_.poll_bodies(dead_), ElementsAre("a", "b"));
}

TEST_F(TwoShardMoveTaskTest, IsCancelledWhenWhatIsUnderWayHasArrived) {
  source_.send(dead_, numbered(3));
  const MoveTask task = start(source_, dead_, {.destination = queue_, .rate = 1});
  EXPECT_EQ(cancel(source_, dead_, task), 0u);
  EXPECT_EQ(latest(source_, dead_).status, Status::cancelling);
  source_.crash();
  source_.settle();
  EXPECT_EQ(latest(source_, dead_).status, Status::cancelling);
  carry();
  carry_answers();
  EXPECT_EQ(latest(source_, dead_).status, Status::cancelled);
  EXPECT_EQ(latest(source_, dead_).moved, 1u);
  source_.advance(seconds(10));
  EXPECT_EQ(source_.counts(dead_).visible, 2u);
}

TEST_F(TwoShardMoveTaskTest, LeavesDeadLettersOfTheSourceAlone) {
  // The dead-letter queue has one of its own, on the other shard; those moves are no task's.
  QueueSettings settings;
  settings.retention = kLong;
  settings.receive_count_max = 1;
  settings.dead_letter_queue = queue_;
  settings.dead_letters_leave_shard = true;
  source_.configure(dead_, settings);
  source_.send(dead_, {"a"});
  source_.poll(dead_, 1, 0);
  source_.receive({dead_, 1, 0, 0});
  source_.settle();
  ASSERT_THAT(source_.transfers, SizeIs(1));
  source_.send(dead_, {"b"});
  start(source_, dead_, {.destination = queue_});
  carry_all();
  EXPECT_EQ(latest(source_, dead_).status, Status::completed);
  EXPECT_EQ(latest(source_, dead_).moved, 1u);
  const std::vector<Delivery> arrived = target_.poll(queue_);
  ASSERT_THAT(arrived, SizeIs(2));
  EXPECT_EQ(arrived[0].receive_count, 2u) << "a dead letter goes on being counted";
  EXPECT_EQ(arrived[1].receive_count, 1u) << "and what a task moves begins anew";
}

TEST_F(TwoShardMoveTaskTest, EndsWithItsQueueThoughMessagesAreUnderWay) {
  source_.send(dead_, {"a"});
  start(source_, dead_, {.destination = queue_});
  source_.delete_queue(dead_);
  carry();
  carry_answers();
  EXPECT_THAT(source_.rows(Family::transfers), IsEmpty());
  EXPECT_THAT(source_.rows(Family::queues), IsEmpty());
  EXPECT_THAT(consume(target_, queue_), ElementsAre("a"));
}

TEST_F(TwoShardMoveTaskTest, CompletesWhenItsQueueIsPurged) {
  source_.send(dead_, numbered(3));
  start(source_, dead_, {.destination = queue_, .rate = 1});
  source_.purge(dead_);
  source_.advance(seconds(1));
  EXPECT_EQ(latest(source_, dead_).status, Status::running) << "one is under way";
  carry();
  carry_answers();
  EXPECT_EQ(latest(source_, dead_).status, Status::completed);
  EXPECT_EQ(latest(source_, dead_).moved, 1u);
}

TEST_F(TwoShardMoveTaskTest, KeepsTheOrderOfFifoGroups) {
  const QueueSettings fifo{.retention = kLong, .fifo = true};
  const QueueId dead = source_.create_queue(fifo);
  const QueueId target = target_.create_queue(fifo);
  std::vector<std::string> bodies;
  for (unsigned i = 0; i < 50; ++i) {
    bodies.push_back(std::to_string(1'000 + i));
    send_fifo(source_, dead, bodies.back(), "g");
  }
  start(source_, dead, {.destination = target, .rate = 100});
  for (unsigned round = 0; round < 10; ++round) {
    carry_all();
    source_.advance(100);
  }
  carry_all();
  EXPECT_EQ(latest(source_, dead).status, Status::completed);
  EXPECT_TRUE(is_empty(source_, dead));
  EXPECT_EQ(consume(target_, target), bodies);
}

TEST_F(TwoShardMoveTaskTest, MovesABacklogWithoutMemory) {
  LoopHarness tiny(clock_, {.shard = 7, .memory_bytes = 1});
  const QueueId dead = tiny.create_queue();
  const std::vector<std::string> bodies = numbered(60, 100'000);
  for (const std::string& body : bodies) tiny.send(dead, {body});
  start(tiny, dead, {.destination = queue_});
  for (unsigned rounds = 0; !tiny.transfers.empty(); ++rounds) {
    ASSERT_LT(rounds, 1'000u);
    for (const Transfer& transfer : std::exchange(tiny.transfers, {})) {
      target_.shard().apply_transfer(transfer, clock_.now());
    }
    target_.settle();
    for (const TransferResult& result : std::exchange(target_.transfer_results, {})) {
      tiny.shard().transfer_done(result, clock_.now());
    }
    tiny.settle();
  }
  EXPECT_EQ(latest(tiny, dead).status, Status::completed);
  EXPECT_TRUE(is_empty(tiny, dead));
  EXPECT_EQ(consume(target_, queue_), bodies);
}

}  // namespace
}  // namespace millrace
