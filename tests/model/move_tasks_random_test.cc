// Random runs of a move task, while either shard crashes and what travels between them gets lost:
// every message arrives exactly once, in the order of its group, and is counted once.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "base/random.h"
#include "support/loop_harness.h"

namespace millrace {
namespace {

constexpr std::uint16_t kFarShard = 5;
constexpr Milliseconds kLong = seconds(345'600);
constexpr unsigned kStepsMax = 400;
constexpr unsigned kRoundsMax = 5'000;  // to finish what is left in peace
constexpr unsigned kGroups = 4;

class RandomMove {
 public:
  explicit RandomMove(std::uint64_t seed)
      : random_(seed),
        fifo_(random_.chance(1, 2)),
        near_(clock_, {.memory_bytes = random_.chance(1, 2) ? 1 : std::size_t{256} << 20}),
        far_(clock_, {.shard = kFarShard}),
        to_far_(random_.chance(2, 3)),
        dead_(near_.create_queue(settings())),
        target_(to_far_ ? far_.create_queue(settings()) : near_.create_queue(settings())) {}

  void go() {
    send(20 + static_cast<unsigned>(random_.below(100)));
    start();
    for (unsigned steps = 0; steps < kStepsMax && is_active(); ++steps) step();
    finish();
    for (;;) {
      if (!consume(10)) break;
    }
    check();
  }

 private:
  QueueSettings settings() const { return {.retention = kLong, .fifo = fifo_}; }
  LoopHarness& target_loop() { return to_far_ ? far_ : near_; }

  void send(unsigned count) {
    for (sent_ = 0; sent_ < count; ++sent_) {
      const std::string body = std::to_string(1'000 + sent_);
      const std::string group = "g" + std::to_string(sent_ % kGroups);
      NewMessage message;
      message.body = body;
      if (fifo_) {
        message.group_id = group;
        message.deduplication_id = body;
      }
      near_.submit([&](Shard& shard, Timestamp at) {
        shard.send(dead_, {&message, 1}, at).value();
      });
      if (random_.chance(1, 5)) near_.settle();
    }
    near_.settle();
  }

  void start() {
    NewMoveTask wanted{.destination = target_};
    if (random_.chance(2, 3)) wanted.rate = 1 + static_cast<std::uint32_t>(random_.below(200));
    near_.submit(
        [&](Shard& shard, Timestamp at) { shard.start_move_task(dead_, wanted, at).value(); });
    near_.settle();  // a crash from here on does not take the task away
  }

  MoveTaskRecord task() { return near_.shard().move_tasks(dead_).value().at(0).record; }
  bool is_active() { return task().status == MoveTaskRecord::Status::running; }

  void step() {
    LoopHarness& loop = random_.chance(1, 2) ? near_ : far_;
    switch (random_.below(12)) {
      case 0:
        loop.crash(random_.chance(1, 2) ? FaultStore::InFlight::lost : FaultStore::InFlight::kept);
        if (&loop == &far_) near_.shard().resend_transfers(kFarShard);
        break;
      case 1:
        clock_.advance(static_cast<Milliseconds>(random_.below(100)));
        loop.turn();
        break;
      case 2:
        loop.begin_commit();
        break;
      case 3:
        loop.make_durable();
        break;
      case 4:
      case 5:
        loop.finish_commit();
        break;
      case 6:
        loop.perform_load();
        break;
      case 7:
        loop.deliver_load();
        break;
      case 8:
      case 9:
        carry();
        break;
      case 10:
        carry_answers();
        break;
      default:
        peek();
    }
  }

  // Somebody reads along at the dead-letter queue, and hides nothing.
  void peek() {
    if (random_.chance(1, 4)) near_.poll(dead_, 3, 0);
  }
  void carry() {
    for (const Transfer& transfer : std::exchange(near_.transfers, {})) {
      far_.shard().apply_transfer(transfer, clock_.now());
    }
    far_.turn();
  }
  void carry_answers() {
    for (const TransferResult& result : std::exchange(far_.transfer_results, {})) {
      near_.shard().transfer_done(result, clock_.now());
    }
    near_.turn();
  }

  void finish() {
    near_.shard().resend_transfers(kFarShard);
    for (unsigned rounds = 0; is_active(); ++rounds) {
      ASSERT_LT(rounds, kRoundsMax);
      near_.advance(100);
      carry();
      far_.settle();
      carry_answers();
      near_.settle();
    }
  }

  bool consume(unsigned count_max) {
    LoopHarness& loop = target_loop();
    const std::vector<Delivery> deliveries = loop.poll(target_, count_max);
    std::vector<std::string> handles;
    for (const Delivery& delivery : deliveries) {
      EXPECT_EQ(delivery.receive_count, 1u);
      arrived_.emplace_back(delivery.message.body);
      by_group_[std::string(delivery.message.group_id)].emplace_back(delivery.message.body);
      handles.push_back(delivery.receipt_handle);
    }
    loop.erase(target_, handles);
    return !deliveries.empty();
  }

  void check() {
    EXPECT_EQ(task().status, MoveTaskRecord::Status::completed);
    EXPECT_EQ(task().moved, sent_);
    EXPECT_EQ(near_.counts(dead_).visible + near_.counts(dead_).in_flight, 0u);
    for (const auto& [group, bodies] : by_group_) {
      EXPECT_TRUE(!fifo_ || std::ranges::is_sorted(bodies)) << group;
    }
    std::ranges::sort(arrived_);
    ASSERT_EQ(arrived_.size(), sent_);
    EXPECT_EQ(std::ranges::adjacent_find(arrived_), arrived_.end());
  }

  Random random_;
  const bool fifo_;
  ManualClock clock_{Timestamp{1'700'000'000'000}};
  LoopHarness near_;
  LoopHarness far_;
  const bool to_far_;
  const QueueId dead_;
  const QueueId target_;
  unsigned sent_ = 0;
  std::vector<std::string> arrived_;
  std::map<std::string, std::vector<std::string>> by_group_;
};

TEST(RandomMoveTasks, MoveEachMessageOnce) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(seed);
    RandomMove(seed).go();
    if (testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace millrace
