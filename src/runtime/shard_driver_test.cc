#include "runtime/shard_driver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_future.hpp>

#include "runtime/cores.h"
#include "storage/memory_store.h"
#include "support/test_keyring.h"

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::array<std::uint8_t, 32> kKey{1, 2, 3};

// What the disk below a FailingStore does. Any thread.
struct DiskFaults {
  std::atomic<int> until_failed_commit = 0;
  std::atomic<int> until_opened = 0;  // openings that fail
  std::atomic<bool> unreadable = false;
  std::atomic<bool> wants_maintenance = false;
  std::atomic<int> maintained = 0;
  std::atomic<bool> maintenance_fails = false;
};

// A store that fails the commit whose turn it is, and tells nobody what became of it.
class FailingStore final : public Store {
 public:
  FailingStore(std::shared_ptr<MemoryStore> below, std::shared_ptr<DiskFaults> faults)
      : below_(std::move(below)), faults_(std::move(faults)) {}

  void commit(const WriteBatch& batch) override {
    failing_ = faults_->until_failed_commit.fetch_sub(1) == 1;
    below_->commit(batch);
  }
  int completion_descriptor() const override { return below_->completion_descriptor(); }
  std::optional<StoreResult<PayloadPlaces>> finish() override {
    std::optional<StoreResult<PayloadPlaces>> outcome = below_->finish();
    if (outcome && failing_) return StoreError("the disk is gone");
    return outcome;
  }
  StoreResult<std::shared_ptr<const std::string>> read(const PayloadPlace& place) const override {
    if (faults_->unreadable) return StoreError("the sector is gone");
    return below_->read(place);
  }
  std::unique_ptr<Snapshot> snapshot() const override { return below_->snapshot(); }
  StoreResult<void> maintain() override {
    if (faults_->maintenance_fails) return StoreError("the disk is full");
    faults_->wants_maintenance = false;
    ++faults_->maintained;
    faults_->maintained.notify_all();
    return below_->maintain();
  }
  bool wants_maintenance() const override { return faults_->wants_maintenance; }
  std::size_t batch_bytes_max() const override { return below_->batch_bytes_max(); }
  StoreResult<std::vector<RelocationCandidate>> relocation_candidates(std::size_t max) override {
    return below_->relocation_candidates(max);
  }
  StoreSpace space() const override { return below_->space(); }
  std::uint32_t epoch() const override { return below_->epoch(); }

 private:
  std::shared_ptr<MemoryStore> below_;
  std::shared_ptr<DiskFaults> faults_;
  bool failing_ = false;
};

// One shard on the second of two cores, its callers on the first.
class ShardDriverTest : public testing::Test {
 protected:
  ShardDriverTest()
      : cores_(2, 1),
        clock_(Timestamp{1'700'000'000'000}),
        sealer_(kKey),
        ids_(kKey),
        fingerprints_(kKey),
        driver_(cores_.context(1), cores_.background(), options()) {
    EXPECT_TRUE(driver_.open());
    runner_ = std::thread([this] { cores_.run(); });
  }

  ~ShardDriverTest() override {
    std::promise<void> stopped;
    driver_.stop([&] { stopped.set_value(); });
    stopped.get_future().wait();
    cores_.stop();
    runner_.join();
    cores_.background().join();
  }

  ShardDriverOptions options() {
    ShardDriverOptions made;
    made.shard.sealer = &sealer_;
    made.shard.ids = &ids_;
    made.shard.fingerprints = &fingerprints_;
    made.shard.keys = &test_keyring();
    made.clock = &clock_;
    made.open_store = [this]() -> StoreResult<std::shared_ptr<Store>> {
      if (faults_->until_opened.fetch_sub(1) > 0) return StoreError("the disk is away");
      return std::static_pointer_cast<Store>(std::make_shared<FailingStore>(memory_, faults_));
    };
    made.report = [this](const std::string& text) {
      const std::lock_guard lock(told_mutex_);
      reports_.push_back(text);
      told_.notify_all();
    };
    made.send_transfer = [](Transfer) {};
    made.answer_transfer = [](TransferResult) {};
    made.reopened = [this](Shard&) {
      const std::lock_guard lock(told_mutex_);
      ++reopenings_;
      told_.notify_all();
    };
    made.housekeeping_interval = seconds(3600);  // no test waits for it
    made.memory_grows = [this] {
      const std::lock_guard lock(told_mutex_);
      ++growths_;
      told_.notify_all();
    };
    return made;
  }

  void advance(Milliseconds by) {
    clock_.advance(by);
    driver_.wake();
  }
  void wait_for_reopening(int number) {
    std::unique_lock lock(told_mutex_);
    told_.wait(lock, [&] { return reopenings_ >= number; });
  }
  void wait_for_growth(int number) {
    std::unique_lock lock(told_mutex_);
    told_.wait(lock, [&] { return growths_ >= number; });
  }
  void wait_for_report(std::size_t number) {
    std::unique_lock lock(told_mutex_);
    told_.wait(lock, [&] { return reports_.size() >= number; });
  }

  // Runs an operation from the first core, as a request does.
  template <class Operation>
  auto call(Operation operation) {
    return boost::asio::co_spawn(cores_.context(0), driver_.call(operation),
                                 boost::asio::use_future)
        .get();
  }

  QueueId create() {
    return call([](Shard& shard, Timestamp now) -> Expected<QueueId> {
             return shard.create_queue("jobs", QueueSettings{.retention = seconds(3600)}, now);
           })
        .value();
  }

  Expected<std::vector<SentMessage>> send(QueueId queue, std::string body) {
    return call([queue, body](Shard& shard, Timestamp now) {
      NewMessage message;
      message.body = body;
      return shard.send(queue, std::span(&message, 1), now);
    });
  }

  std::future<Expected<ReceiveResult>> receive(QueueId queue, Milliseconds wait,
                                               HangUpWatch* watch = nullptr) {
    const ReceiveRequest request{queue, 10, seconds(30), wait};
    return boost::asio::co_spawn(cores_.context(0), driver_.receive(request, watch),
                                 boost::asio::use_future);
  }

  static std::vector<std::string> bodies(const Expected<ReceiveResult>& result) {
    std::vector<std::string> all;
    for (const Delivery& delivery : result.value().deliveries) {
      all.emplace_back(delivery.message.body);
    }
    return all;
  }

  Cores cores_;
  ManualClock clock_;
  ReceiptSealer sealer_;
  MessageIdCipher ids_;
  Fingerprinter fingerprints_;
  std::shared_ptr<MemoryStore> memory_ = std::make_shared<MemoryStore>();
  std::shared_ptr<DiskFaults> faults_ = std::make_shared<DiskFaults>();
  std::mutex told_mutex_;
  std::condition_variable told_;
  std::vector<std::string> reports_;
  int reopenings_ = 0;
  int growths_ = 0;
  ShardDriver driver_;
  std::thread runner_;
};

TEST_F(ShardDriverTest, CallsAndReceivesFromAnotherCore) {
  const QueueId queue = create();
  ASSERT_TRUE(send(queue, "hello"));
  EXPECT_THAT(bodies(receive(queue, 0).get()), ElementsAre("hello"));
  EXPECT_THAT(bodies(receive(queue, 0).get()), ElementsAre());
}

TEST_F(ShardDriverTest, NothingIsCommittedWhileCommitsAreHeld) {
  const QueueId queue = create();
  const auto hold = [this] {
    std::promise<std::shared_ptr<Store>> held;
    driver_.hold_commits([&held](const std::shared_ptr<Store>& store) { held.set_value(store); });
    return held.get_future().get();
  };
  ASSERT_NE(hold(), nullptr);
  // Both run, and are seen to have run when the shard's thread has come to the second.
  std::future<Expected<std::vector<SentMessage>>> sent =
      boost::asio::co_spawn(cores_.context(0), driver_.call([queue](Shard& shard, Timestamp now) {
        NewMessage message;
        message.body = "held";
        return shard.send(queue, std::span(&message, 1), now);
      }),
                            boost::asio::use_future);
  ASSERT_NE(hold(), nullptr);
  const auto rows = memory_->snapshot()->scan(Family::index, "", "", 10);
  ASSERT_TRUE(rows);
  EXPECT_TRUE(rows->empty());
  EXPECT_EQ(sent.wait_for(std::chrono::seconds(0)), std::future_status::timeout);

  driver_.release_commits();
  EXPECT_TRUE(sent.get());
  EXPECT_THAT(bodies(receive(queue, 0).get()), ElementsAre("held"));
}

TEST_F(ShardDriverTest, TellsEachTimeThatItsMemoryHasGrownByAStep) {
  const QueueId queue = create();
  const std::string body(std::size_t{1} << 20, 'b');
  constexpr int kBodiesOfAStep = ShardDriver::kMemoryStep >> 20;
  for (int i = 0; i < kBodiesOfAStep - 1; ++i) ASSERT_TRUE(send(queue, body));
  {
    const std::lock_guard lock(told_mutex_);
    EXPECT_EQ(growths_, 0);
  }
  for (int i = 0; i < 2 * kBodiesOfAStep; ++i) ASSERT_TRUE(send(queue, body));
  wait_for_growth(2);
}

TEST_F(ShardDriverTest, MaintainsItsStoreWhenThatWantsIt) {
  const QueueId queue = create();
  for (int times = 0; times < 3; ++times) {
    clock_.advance(seconds(1));
    faults_->wants_maintenance = true;
    ASSERT_TRUE(send(queue, "hello"));
    faults_->maintained.wait(times);
    EXPECT_EQ(faults_->maintained, times + 1);
  }
}

TEST_F(ShardDriverTest, TriesAFailedMaintenanceNotAgainAtOnce) {
  const QueueId queue = create();
  faults_->maintenance_fails = true;
  faults_->wants_maintenance = true;
  for (int times = 0; times < 3; ++times) {
    clock_.advance(seconds(1));
    ASSERT_TRUE(send(queue, "hello"));
    wait_for_report(1);
    ASSERT_TRUE(send(queue, "hello"));  // by now the shard knows of the failure
  }
  const std::lock_guard lock(told_mutex_);
  EXPECT_EQ(reports_.size(), 1U);
}

TEST_F(ShardDriverTest, AShardThatIsNotOpenHoldsNoStore) {
  const QueueId queue = create();
  faults_->until_opened = 1;
  faults_->until_failed_commit = 1;
  EXPECT_FALSE(send(queue, "lost"));
  std::promise<std::shared_ptr<Store>> held;
  driver_.hold_commits([&held](const std::shared_ptr<Store>& store) { held.set_value(store); });
  EXPECT_EQ(held.get_future().get(), nullptr);
  driver_.release_commits();
}

// Its coroutine ends on the first core while the second still returns from answering: often enough
// for the sanitizers to see whoever touches it then.
TEST_F(ShardDriverTest, AReceiveThatIsAnsweredAtOnceIsLeftAlone) {
  const QueueId queue = create();
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(receive(queue, 0).get());
}

TEST_F(ShardDriverTest, ASendWakesAWaitingReceive) {
  const QueueId queue = create();
  std::future<Expected<ReceiveResult>> waiting = receive(queue, seconds(20));
  ASSERT_TRUE(send(queue, "wake up"));
  EXPECT_THAT(bodies(waiting.get()), ElementsAre("wake up"));
}

TEST_F(ShardDriverTest, AWaitEndsByTheClock) {
  const QueueId queue = create();
  std::future<Expected<ReceiveResult>> waiting = receive(queue, seconds(5));
  ASSERT_TRUE(call([queue](Shard& shard, Timestamp now) { return shard.counts(queue, now); }));
  clock_.advance(seconds(5));
  driver_.wake();
  EXPECT_THAT(bodies(waiting.get()), ElementsAre());
}

// Keeps what it was given, to call it as a connection would.
class RecordedWatch final : public HangUpWatch {
 public:
  void watch(std::function<void()> on_hang_up) override {
    watched_.set_value(std::move(on_hang_up));
  }
  std::function<void()> callback() { return watched_.get_future().get(); }

 private:
  std::promise<std::function<void()>> watched_;
};

TEST_F(ShardDriverTest, AClientThatHangsUpTakesNothing) {
  const QueueId queue = create();
  RecordedWatch watch;
  std::future<Expected<ReceiveResult>> waiting = receive(queue, seconds(20), &watch);
  const std::function<void()> hang_up = watch.callback();
  // Behind the start of the receive on the shard's thread.
  ASSERT_TRUE(call([queue](Shard& shard, Timestamp now) { return shard.counts(queue, now); }));
  hang_up();
  EXPECT_THAT(bodies(waiting.get()), ElementsAre());
  ASSERT_TRUE(send(queue, "for someone else"));
  EXPECT_THAT(bodies(receive(queue, 0).get()), ElementsAre("for someone else"));
  hang_up();  // too late, and harmless
}

TEST_F(ShardDriverTest, AFailedCommitIsNotAcknowledgedAndTheShardOpensAgain) {
  const QueueId queue = create();
  ASSERT_TRUE(send(queue, "before"));
  faults_->until_failed_commit = 1;
  const Expected<std::vector<SentMessage>> lost = send(queue, "unknown");
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().code(), ErrorCode::service_unavailable);
  wait_for_reopening(1);
  EXPECT_THAT(bodies(receive(queue, 0).get()), testing::Contains("before"));
  EXPECT_TRUE(send(queue, "after"));
  const std::lock_guard lock(told_mutex_);
  EXPECT_THAT(reports_, testing::Contains(HasSubstr("the disk is gone")));
}

TEST_F(ShardDriverTest, AShardThatFailsAgainAndAgainRestsLongerEachTime) {
  const QueueId queue = create();
  ASSERT_TRUE(send(queue, "on a bad sector"));
  faults_->unreadable = true;
  faults_->until_failed_commit = 1;
  ASSERT_FALSE(send(queue, "unknown"));
  int reopenings = 0;
  const auto rest = [&](Milliseconds length) {
    advance(length);
    wait_for_reopening(++reopenings);
  };
  for (const Milliseconds delay : {100, 200, 400, 800, 1600, 3200}) {
    rest(delay);
    EXPECT_FALSE(receive(queue, 0).get());
  }
  rest(seconds(5));
  advance(seconds(59));  // not long enough to be trusted again
  EXPECT_FALSE(receive(queue, 0).get());
  faults_->unreadable = false;
  rest(seconds(5));
  EXPECT_THAT(bodies(receive(queue, 0).get()), testing::Contains("on a bad sector"));
  advance(seconds(60));
  faults_->until_failed_commit = 1;
  ASSERT_FALSE(send(queue, "unknown"));
  const std::lock_guard lock(told_mutex_);
  EXPECT_THAT(
      reports_,
      ElementsAre(HasSubstr("in 100 ms"), HasSubstr("in 200 ms"), HasSubstr("in 400 ms"),
                  HasSubstr("in 800 ms"), HasSubstr("in 1600 ms"), HasSubstr("in 3200 ms"),
                  HasSubstr("in 5000 ms"), HasSubstr("in 5000 ms"), HasSubstr("in 100 ms")));
}

TEST_F(ShardDriverTest, AStoreThatCannotBeOpenedIsTriedAgain) {
  const QueueId queue = create();
  faults_->until_opened = 2;
  faults_->until_failed_commit = 1;
  ASSERT_FALSE(send(queue, "unknown"));
  for (const std::size_t failure : {1, 2, 3}) {
    wait_for_report(failure);
    advance(seconds(5));
  }
  wait_for_reopening(1);
  EXPECT_TRUE(send(queue, "after"));
  const std::lock_guard lock(told_mutex_);
  EXPECT_THAT(reports_, ElementsAre(HasSubstr("the disk is gone; it is opened again in 100 ms"),
                                    HasSubstr("the disk is away; it is opened again in 200 ms"),
                                    HasSubstr("the disk is away; it is opened again in 400 ms")));
}

TEST(SpaceMarksTest, TheDefaultFollowsTheDisk) {
  constexpr std::uint64_t kGibibyte = std::uint64_t{1} << 30;
  EXPECT_EQ(SpaceMarks::default_for(kGibibyte), kGibibyte / 10);
  EXPECT_EQ(SpaceMarks::default_for(15 * kGibibyte), kGibibyte);
  EXPECT_EQ(SpaceMarks::default_for(40 * kGibibyte), 2 * kGibibyte);
}

}  // namespace
}  // namespace millrace
