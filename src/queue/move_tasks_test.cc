#include "queue/move_tasks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "base/encoding.h"
#include "base/limits.h"

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;
using Status = MoveTaskRecord::Status;

constexpr QueueId kSource{5};
constexpr QueueId kOther{6};
constexpr Timestamp kStart{1'000'000};

class MoveTasksTest : public testing::Test {
 protected:
  MoveTask start(const NewMoveTask& wanted = {}, QueueId source = kSource) {
    return tasks_.start(source, wanted, 100, kStart).value();
  }
  MoveTaskRecord latest(QueueId source = kSource) { return tasks_.list(source).at(0).record; }
  unsigned allowance(Milliseconds after = 0) { return tasks_.allowance(kSource, kStart + after); }
  void took(std::size_t count, std::size_t away = 0, Milliseconds after = 0) {
    tasks_.took(kSource, count, away, kStart + after);
    tasks_.seal();
  }
  Timestamp next_event() const { return tasks_.next_event(kSource); }

  const std::array<std::uint8_t, 32> key_{7};
  const Fingerprinter fingerprints_{key_};
  Effects effects_;
  MoveTasks tasks_{fingerprints_, effects_};
};

TEST_F(MoveTasksTest, ATaskBeginsWithWhatItWasAskedFor) {
  const MoveTask task = start({QueueId{9}, "arn", 20});
  EXPECT_TRUE(from_uuid_text(task.id));
  EXPECT_EQ(task.record.status, Status::running);
  EXPECT_EQ(task.record.destination, QueueId{9});
  EXPECT_EQ(task.record.destination_arn, "arn");
  EXPECT_EQ(task.record.rate, 20u);
  EXPECT_EQ(task.record.moved, 0u);
  EXPECT_EQ(task.record.to_move, 100u);
  EXPECT_EQ(task.record.started_at, kStart);
  EXPECT_THAT(tasks_.active(), ElementsAre(kSource));
  ASSERT_NE(tasks_.running(kSource), nullptr);
  EXPECT_EQ(tasks_.running(kSource)->id, task.id);
  EXPECT_EQ(tasks_.running(kOther), nullptr);
}

TEST_F(MoveTasksTest, AQueueHasOneActiveTask) {
  const MoveTask first = start();
  const Expected<MoveTask> second = tasks_.start(kSource, {}, 1, kStart);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), ErrorCode::invalid_parameter_value);
  start({}, kOther);
  EXPECT_THAT(tasks_.active(), UnorderedElementsAre(kSource, kOther));
  tasks_.found_nothing(kSource);
  EXPECT_NE(start().id, first.id);
}

TEST_F(MoveTasksTest, TheLastTenAreRemembered) {
  for (int i = 0; i < 12; ++i) {
    start({.rate = static_cast<std::uint32_t>(i + 1)});
    tasks_.found_nothing(kSource);
  }
  const std::vector<MoveTask> listed = tasks_.list(kSource);
  ASSERT_THAT(listed, SizeIs(10));
  EXPECT_EQ(listed.front().record.rate, 12u);
  EXPECT_EQ(listed.back().record.rate, 3u);
}

TEST_F(MoveTasksTest, CountsAsMovedWhatIsThere) {
  const MoveTask task = start();
  took(10, 4);
  EXPECT_EQ(latest().moved, 6u);
  tasks_.answered(kSource, task.number, true);
  EXPECT_EQ(latest().moved, 7u);
  for (int i = 0; i < 2; ++i) tasks_.answered(kSource, task.number, true);
  tasks_.found_nothing(kSource);
  EXPECT_EQ(latest().status, Status::running) << "one is still under way";
  tasks_.answered(kSource, task.number, true);
  tasks_.found_nothing(kSource);
  EXPECT_EQ(latest().status, Status::completed);
  EXPECT_EQ(latest().moved, 10u);
}

TEST_F(MoveTasksTest, FailsWhenATargetIsGone) {
  const MoveTask task = start();
  took(2, 2);
  tasks_.answered(kSource, task.number, false);
  EXPECT_EQ(latest().status, Status::failed);
  EXPECT_EQ(latest().failure_reason, kNoSuchTarget);
  EXPECT_EQ(latest().moved, 0u);
  // What else was under way may arrive, though the task and even the next one have ended.
  start();
  tasks_.answered(kSource, task.number, true);
  EXPECT_EQ(latest().moved, 0u);
  EXPECT_EQ(tasks_.list(kSource).at(1).record.moved, 1u);
}

TEST_F(MoveTasksTest, IsCancelledOnceNothingIsUnderWay) {
  const MoveTask task = start();
  took(3, 2);
  EXPECT_EQ(tasks_.cancel(kSource, task.id).value(), 1u);
  EXPECT_EQ(latest().status, Status::cancelling);
  EXPECT_EQ(allowance(), 0u);
  EXPECT_FALSE(tasks_.start(kSource, {}, 1, kStart)) << "it is still active";
  tasks_.answered(kSource, task.number, true);
  tasks_.answered(kSource, task.number, false);
  EXPECT_EQ(latest().status, Status::cancelled);
  EXPECT_EQ(latest().moved, 2u);
}

TEST_F(MoveTasksTest, CancelsOnlyWhatRuns) {
  const MoveTask task = start();
  EXPECT_EQ(tasks_.cancel(kSource, "other").error().code(), ErrorCode::resource_not_found);
  EXPECT_EQ(tasks_.cancel(kOther, task.id).error().code(), ErrorCode::resource_not_found);
  EXPECT_EQ(tasks_.cancel(kSource, task.id).value(), 0u);
  EXPECT_EQ(latest().status, Status::cancelled);
  EXPECT_EQ(tasks_.cancel(kSource, task.id).error().code(), ErrorCode::invalid_parameter_value);
}

TEST_F(MoveTasksTest, TakesOncePerCommitWithoutARate) {
  start();
  EXPECT_GT(allowance(), 500u);
  tasks_.took(kSource, 10, 0, kStart);
  EXPECT_EQ(allowance(), 0u);
  tasks_.seal();
  EXPECT_GT(allowance(), 500u);
}

TEST_F(MoveTasksTest, HasNotTooManyUnderWay) {
  const MoveTask task = start();
  const unsigned all = allowance();
  took(all, all);
  EXPECT_EQ(allowance(), 0u);
  tasks_.answered(kSource, task.number, true);
  EXPECT_EQ(allowance(), 1u);
}

TEST_F(MoveTasksTest, KeepsItsRate) {
  start({.rate = 2});
  EXPECT_EQ(allowance(), 1u);
  took(1);
  EXPECT_EQ(allowance(499), 0u);
  EXPECT_EQ(next_event(), kStart + 500);
  EXPECT_EQ(allowance(500), 1u);
  EXPECT_EQ(next_event(), kStart + limits::kMoveTaskRunMax) << "it waits for messages";
  took(1, 0, 2000);
  EXPECT_EQ(allowance(2499), 0u) << "what it did not use before is gone";
}

TEST_F(MoveTasksTest, KeepsAHighRateInFewSteps) {
  for (const std::uint32_t rate : {7u, 99u, 500u}) {
    start({.rate = rate});
    std::uint64_t moved = 0;
    for (Milliseconds at = 0; at < 10'000; ++at) {
      const unsigned count = allowance(at);
      if (count > 0) took(count, 0, at);
      moved += count;
    }
    EXPECT_LE(moved, 10u * rate + rate / 10 + 1);
    EXPECT_GE(moved, 9u * rate);
    tasks_.found_nothing(kSource);
  }
}

TEST_F(MoveTasksTest, FailsWhenItHasRunForTooLong) {
  start();
  EXPECT_GT(allowance(limits::kMoveTaskRunMax - 1), 0u);
  EXPECT_EQ(next_event(), kStart + limits::kMoveTaskRunMax);
  EXPECT_EQ(allowance(limits::kMoveTaskRunMax), 0u);
  EXPECT_EQ(latest().status, Status::failed);
  EXPECT_EQ(next_event(), kNever);
}

TEST_F(MoveTasksTest, GoesOnAfterAStartWhenReleased) {
  const MoveTask task = start({.rate = 5});
  took(3, 2);
  const std::string row = encode_move_task(latest());
  Effects effects;
  MoveTasks again(fingerprints_, effects);
  EXPECT_FALSE(again.restore(kSource, task.number, "?"));
  ASSERT_TRUE(again.restore(kSource, task.number, row));
  again.restore_under_way(kSource, task.number);
  again.restore_under_way(kOther, task.number);  // its queue was deleted
  EXPECT_EQ(again.list(kSource).at(0).id, task.id);
  EXPECT_EQ(again.allowance(kSource, kStart), 0u);
  EXPECT_EQ(again.next_event(kSource), kNever);
  again.release(kSource);
  EXPECT_EQ(again.next_event(kSource), Timestamp{});
  EXPECT_EQ(again.allowance(kSource, kStart), 0u) << "it may just have taken something";
  EXPECT_EQ(again.next_event(kSource), kStart + 200);
  EXPECT_EQ(again.allowance(kSource, kStart + 200), 1u);
  again.found_nothing(kSource);
  EXPECT_NE(again.running(kSource), nullptr);
  again.answered(kSource, task.number, true);
  again.found_nothing(kSource);
  EXPECT_EQ(again.running(kSource), nullptr);
}

TEST_F(MoveTasksTest, WritesWhatHasChanged) {
  EXPECT_FALSE(tasks_.changed());
  start();
  EXPECT_TRUE(tasks_.changed());
  EXPECT_TRUE(effects_.writes.empty());
  tasks_.seal();
  EXPECT_FALSE(tasks_.changed());
  EXPECT_FALSE(effects_.writes.empty());
  effects_.writes.clear();
  tasks_.seal();
  EXPECT_TRUE(effects_.writes.empty());
}

TEST_F(MoveTasksTest, GoWithTheirQueue) {
  const MoveTask task = start();
  tasks_.forget(kSource);
  EXPECT_THAT(tasks_.list(kSource), IsEmpty());
  EXPECT_THAT(tasks_.active(), IsEmpty());
  EXPECT_EQ(allowance(), 0u);
  EXPECT_EQ(next_event(), kNever);
  tasks_.answered(kSource, task.number, true);  // it was under way
  tasks_.seal();
}

}  // namespace
}  // namespace millrace
