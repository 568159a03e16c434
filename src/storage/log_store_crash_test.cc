// LogStore against a naive model, on a disk that loses its power at every operation.
#include <gtest/gtest.h>

#include <array>
#include <map>

#include "base/random.h"
#include "storage/log_store.h"
#include "support/fault_log_directory.h"
#include "support/forgetting_environment.h"
#include "support/store_calls.h"
#include "support/temporary_directory.h"

namespace millrace {
namespace {

constexpr std::uint64_t kSegmentBytes = std::uint64_t{64} << 10;

// What the store should hold: rows, and the bytes behind the places in Family::index.
struct Model {
  std::array<std::map<std::string, std::string>, kFamilyCount> rows;
  std::map<std::string, std::string> bodies;  // by key in Family::index
  std::uint64_t live_bytes = 0;
};

class CrashTest : public testing::Test {
 protected:
  StoreResult<void> open() {
    store_.reset();
    LogStoreOptions options;
    options.directory = directory_.path() + "/data";
    options.segment_bytes = kSegmentBytes;
    options.memory = memory_;
    options.log_directory = disk_;
    options.rows_environment = rows_.environment();
    auto opened = LogStore::open(options);
    if (!opened) return opened.error();
    store_ = std::move(*opened);
    return {};
  }

  void power_loss() {
    rows_.disk().stop();
    store_.reset();
    rows_.disk().power_loss();
    disk_->power_loss();
  }

  static std::string random_bytes(Random& random, std::size_t count) {
    std::string bytes(count, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random.next());
    return bytes;
  }

  // Fills `batch` with changes that are sensible after `model`, and brings `model` up to them but
  // for the places, which place() fills in.
  void make_batch(Random& random, Model& model, WriteBatch& batch) {
    batch.clear();
    placed_.clear();
    auto& index = model.rows[static_cast<std::size_t>(Family::index)];
    const auto any_block = [&] {
      return std::next(index.begin(), static_cast<std::ptrdiff_t>(random.below(index.size())));
    };
    for (std::uint64_t i = 1 + random.below(4); i > 0; --i) {
      const std::uint64_t what = random.below(10);
      const std::string key = "key" + std::to_string(random.below(12));
      if (what < 4) {
        const std::string block = "block" + std::to_string(next_block_++);
        const std::string body =
            random_bytes(random, random.chance(1, 8) ? 12'000 : 1 + random.below(800));
        put_block(model, batch, block, body);
      } else if (what < 6 && !index.empty()) {
        const auto block = any_block();
        if (placed_.contains(block->first)) continue;
        batch.erase(Family::index, block->first);
        release(model, batch, *block);
        index.erase(block);
      } else if (what == 6 && !index.empty()) {
        const auto block = any_block();
        if (placed_.contains(block->first)) continue;
        const std::string body = model.bodies[block->first];  // a relocation
        const std::string name = block->first;
        release(model, batch, *block);
        put_block(model, batch, name, body);
      } else if (what == 7) {
        batch.erase_range(Family::state, key, "key9");
        auto& state = model.rows[static_cast<std::size_t>(Family::state)];
        if (key < "key9") state.erase(state.lower_bound(key), state.lower_bound("key9"));
      } else if (what == 8) {
        batch.erase(Family::state, key);
        model.rows[static_cast<std::size_t>(Family::state)].erase(key);
      } else {
        const std::string value = std::to_string(random.next());
        batch.put(Family::state, key, value);
        model.rows[static_cast<std::size_t>(Family::state)][key] = value;
      }
    }
  }

  void put_block(Model& model, WriteBatch& batch, const std::string& block,
                 const std::string& body) {
    placed_[block] = batch.add_payload(shared_bytes(body), block);
    batch.put_placed(Family::index, block, placed_[block], "suffix");
    model.rows[static_cast<std::size_t>(Family::index)][block] = "";
    model.bodies[block] = body;
    model.live_bytes += body.size();
  }
  static void release(Model& model, WriteBatch& batch,
                      const std::pair<const std::string, std::string>& row) {
    const PayloadPlace place = read_place(row.second);
    batch.release(place);
    model.live_bytes -= place.length;
    model.bodies.erase(row.first);
  }
  void place(Model& model, const PayloadPlaces& places) const {
    for (const auto& [block, payload] : placed_) {
      std::string value;
      append_place(value, places[payload]);
      model.rows[static_cast<std::size_t>(Family::index)][block] = value + "suffix";
    }
  }

  // Whether the store's state is `model`, places in the batch that was in flight aside.
  bool holds(const Model& model, bool unsure) {
    if (store_->live_bytes() != model.live_bytes) return false;
    const auto snapshot = store_->snapshot();
    for (std::size_t family = 0; family < kFamilyCount; ++family) {
      const auto rows = snapshot->scan(static_cast<Family>(family), "", "", SIZE_MAX);
      if (!rows || rows->size() != model.rows[family].size()) return false;
      auto expected = model.rows[family].begin();
      for (const Row& row : *rows) {
        if (row.key != expected->first) return false;
        const bool place_unknown = unsure && expected->second.empty();
        if (row.value != expected->second && !place_unknown) return false;
        if (static_cast<Family>(family) == Family::index) {
          const auto body = store_->read(read_place(row.value));
          if (!body || **body != model.bodies.at(row.key)) return false;
        }
        ++expected;
      }
    }
    return true;
  }

  // Takes the places of a batch that turned out to be durable from the store.
  void adopt_places(Model& model) {
    const auto rows = store_->snapshot()->scan(Family::index, "", "", SIZE_MAX);
    for (const Row& row : *rows) {
      model.rows[static_cast<std::size_t>(Family::index)][row.key] = row.value;
    }
  }

  // Works until `commits` are done or the disk stops. @return false if it stopped; then `unsure` is
  // the model with the batch in flight.
  bool work(Random& random, int commits, Model& model, Model& unsure) {
    WriteBatch batch;
    for (int i = 0; i < commits; ++i) {
      unsure = model;
      make_batch(random, unsure, batch);
      store_->commit(batch);
      const auto result = store_->finish();
      CHECK(result);
      if (!*result) return false;
      model = unsure;
      place(model, **result);
      if (random.chance(1, 6)) {
        EXPECT_TRUE(holds(model, false));
      }
      const bool flush = random.chance(1, 10);
      if ((store_->wants_maintenance() || flush) && !store_->maintain() && disk_->stopped()) {
        unsure = model;
        return false;
      }
    }
    return true;
  }

  // One life: works with the power going at operation `cut`, comes back, and works on.
  void run(std::uint64_t seed, std::uint64_t cut) {
    SCOPED_TRACE("seed " + std::to_string(seed) + ", cut " + std::to_string(cut));
    Random random(seed);
    Model model;
    Model unsure;
    disk_->stop_at(cut);
    bool alive = static_cast<bool>(open());
    if (alive) alive = work(random, 60, model, unsure);
    operations_ = disk_->operations();
    power_loss();

    // The power goes again while it recovers, now and then.
    for (std::uint64_t again = 1; random.chance(1, 3) && again < 5; ++again) {
      disk_->stop_at(again);
      static_cast<void>(open());
      power_loss();
    }
    const auto opened = open();
    ASSERT_TRUE(opened) << opened.error().message();
    if (!holds(model, false)) {
      ASSERT_FALSE(alive);
      ASSERT_TRUE(holds(unsure, true));
      model = unsure;
      adopt_places(model);
    }
    ASSERT_TRUE(work(random, 20, model, unsure));
    ASSERT_TRUE(holds(model, false));
    const auto opened_again = open();
    ASSERT_TRUE(opened_again) << opened_again.error().message();
    ASSERT_TRUE(holds(model, false));
  }

  TemporaryDirectory directory_;
  std::shared_ptr<RowsMemory> memory_ =
      std::make_shared<RowsMemory>(std::size_t{1} << 20, std::size_t{4} << 20);
  std::shared_ptr<FaultLogDirectory> disk_;
  ForgettingEnvironment rows_;
  std::unique_ptr<LogStore> store_;
  std::map<std::string, std::uint32_t> placed_;  // blocks of the batch -> payload
  std::uint64_t next_block_ = 0;
  std::uint64_t operations_ = 0;
};

TEST_F(CrashTest, NothingCommittedIsLostWhereverThePowerGoes) {
  const std::uint64_t seed = 20240611;
  std::uint64_t last = 1;
  for (std::uint64_t cut = 1; cut <= last; ++cut) {
    std::filesystem::remove_all(directory_.path() + "/data");
    disk_ = std::make_shared<FaultLogDirectory>(seed + cut);
    next_block_ = 0;
    // The first life is never cut, and says how many operations there are.
    run(seed, cut == 1 ? UINT64_MAX / 2 : cut - 1);
    if (HasFatalFailure()) return;
    if (cut == 1) last = operations_ + 1;
    store_.reset();
  }
  EXPECT_GT(last, 60u);
}

TEST_F(CrashTest, RandomLives) {
  Random random(99);
  for (int life = 0; life < 40; ++life) {
    std::filesystem::remove_all(directory_.path() + "/data");
    const std::uint64_t seed = random.next();
    disk_ = std::make_shared<FaultLogDirectory>(seed);
    next_block_ = 0;
    run(seed, 1 + random.below(120));
    if (HasFatalFailure()) return;
    store_.reset();
  }
}

}  // namespace
}  // namespace millrace
