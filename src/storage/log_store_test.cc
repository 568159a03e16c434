#include "storage/log_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <deque>
#include <filesystem>
#include <fstream>
#include <thread>

#include "support/fault_log_directory.h"
#include "support/forgetting_environment.h"
#include "support/store_calls.h"
#include "support/temporary_directory.h"

namespace millrace {
namespace {

constexpr std::uint64_t kSegmentBytes = std::uint64_t{256} << 10;

class LogStoreTest : public testing::TestWithParam<LogWriterChoice> {
 protected:
  LogStoreOptions options() const {
    LogStoreOptions options;
    options.directory = directory_.path() + "/data";
    options.segment_bytes = kSegmentBytes;
    options.writer = GetParam();
    options.memory = memory_;
    return options;
  }
  void open() {
    store_.reset();
    auto opened = LogStore::open(options());
    ASSERT_TRUE(opened) << opened.error().message();
    store_ = std::move(*opened);
  }
  PayloadPlaces commit(const WriteBatch& batch) {
    auto places = commit_and_wait(*store_, batch);
    EXPECT_TRUE(places) << places.error().message();
    return places ? *places : PayloadPlaces();
  }
  std::optional<std::string> get(Family family, std::string_view key) {
    auto value = store_->snapshot()->get(family, key);
    EXPECT_TRUE(value) << value.error().message();
    return *value;
  }

  TemporaryDirectory directory_;
  std::shared_ptr<RowsMemory> memory_ =
      std::make_shared<RowsMemory>(std::size_t{1} << 20, std::size_t{4} << 20);
  std::unique_ptr<LogStore> store_;
};

TEST_P(LogStoreTest, WhatWasCommittedIsThereAfterOpeningAgain) {
  open();
  WriteBatch batch;
  batch.put(Family::queues, "queue", "definition");
  const auto payload = batch.add_payload(shared_bytes("hello"), "block");
  batch.put_placed(Family::index, "block", payload, "attributes");
  const PayloadPlaces places = commit(batch);
  ASSERT_EQ(places.size(), 1u);
  EXPECT_EQ(**store_->read(places[0]), "hello");

  const std::uint32_t epoch = store_->epoch();
  open();
  EXPECT_GT(store_->epoch(), epoch);
  EXPECT_EQ(get(Family::queues, "queue"), "definition");
  const auto row = get(Family::index, "block");
  ASSERT_TRUE(row);
  EXPECT_EQ(read_place(*row), places[0]);
  EXPECT_EQ(row->substr(kPayloadPlaceBytes), "attributes");
  EXPECT_EQ(**store_->read(places[0]), "hello");
}

TEST_P(LogStoreTest, SegmentsAreRecycledWhileMessagesComeAndGo) {
  open();
  const std::string body(10'000, 'x');
  std::uint64_t most_used = 0;
  for (int round = 0; round < 2'000; ++round) {
    WriteBatch batch;
    const std::string key = "block" + std::to_string(round);
    batch.put_placed(Family::index, key, batch.add_payload(shared_bytes(body), key), "");
    const PayloadPlaces places = commit(batch);
    batch.clear();
    batch.erase(Family::index, key);
    batch.release(places[0]);
    commit(batch);
    if (store_->wants_maintenance()) {
      ASSERT_TRUE(store_->maintain());
    }
    most_used = std::max(most_used, store_->space().used_bytes);
  }
  EXPECT_LT(most_used, 12 * kSegmentBytes);  // 20 MB went through
  EXPECT_THAT(*store_->snapshot()->scan(Family::index, "", "", 10), testing::IsEmpty());
  open();
  EXPECT_THAT(*store_->snapshot()->scan(Family::index, "", "", 10), testing::IsEmpty());
}

TEST_P(LogStoreTest, ASecondProcessIsRefused) {
  open();
  const auto second = LogStore::open(options());
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message(), testing::HasSubstr(options().directory));
  EXPECT_THAT(second.error().message(),
              testing::HasSubstr("process " + std::to_string(::getpid())));
  EXPECT_FALSE(second.error().corruption());
}

TEST_P(LogStoreTest, ANewerFormatIsRefused) {
  open();
  store_.reset();
  std::ofstream(options().directory + "/FORMAT") << "millrace-store\nversion 4\nid 12\n";
  const auto newer = LogStore::open(options());
  ASSERT_FALSE(newer);
  EXPECT_THAT(newer.error().message(), testing::HasSubstr("format version 4"));
  std::ofstream(options().directory + "/FORMAT") << "something else";
  EXPECT_FALSE(LogStore::open(options()));
  std::filesystem::remove(options().directory + "/FORMAT");
  EXPECT_FALSE(LogStore::open(options()));  // data without a format
}

TEST_P(LogStoreTest, LeftOversOfAnEarlierLifeAreCleanedAway) {
  open();
  WriteBatch batch;
  batch.put(Family::meta, "a", "1");
  commit(batch);
  store_.reset();
  const std::string half = options().directory + "/log/ready.new";
  std::ofstream(half) << "half a segment";
  std::ofstream(options().directory + "/EPOCH.new") << "ep";
  open();
  EXPECT_EQ(get(Family::meta, "a"), "1");
  EXPECT_FALSE(std::filesystem::exists(half));
}

// What a backup does with a copy that is made of links.
void end_copy_at(const std::string& copy, const CopyEnd& end) {
  const std::string name = copy + "/" + end.file;
  const std::uint64_t whole = std::filesystem::file_size(name);
  std::filesystem::copy_file(name, name + "0");
  std::filesystem::resize_file(name + "0", end.bytes);
  std::filesystem::resize_file(name + "0", whole);
  std::filesystem::rename(name + "0", name);
}

// A copy is begun, cut and finished while messages come and go, and opened when all the segments
// that it was made of have been given back.
TEST_P(LogStoreTest, ACopyHoldsWhatWasCommittedBeforeTheCut) {
  open();
  const std::string body(20'000, 'x');
  std::deque<std::pair<std::string, PayloadPlace>> alive;
  int sent = 0;
  const auto churn = [&](int rounds) {
    for (int round = 0; round < rounds; ++round) {
      WriteBatch batch;
      const std::string key = "block" + std::to_string(sent++);
      const std::string bytes = key + body;
      batch.put_placed(Family::index, key, batch.add_payload(shared_bytes(bytes), key), "");
      if (alive.size() == 20) {
        batch.erase(Family::index, alive.front().first);
        batch.release(alive.front().second);
        alive.pop_front();
      }
      alive.emplace_back(key, commit(batch).at(0));
      if (store_->wants_maintenance()) {
        EXPECT_TRUE(store_->maintain());
      }
    }
  };
  churn(50);
  const std::string path = directory_.path() + "/copy";
  auto copy = store_->begin_copy(path);
  ASSERT_TRUE(copy) << copy.error().message();
  churn(50);
  (*copy)->cut();
  const auto expected = alive;
  churn(50);
  const StoreResult<CopyEnd> end = (*copy)->finish();
  ASSERT_TRUE(end) << end.error().message();
  copy->reset();
  churn(100);
  EXPECT_LT(store_->space().used_bytes, 20 * kSegmentBytes);

  end_copy_at(path, *end);
  LogStoreOptions copied = options();
  copied.directory = path;
  const auto opened = LogStore::open(copied);
  ASSERT_TRUE(opened) << opened.error().message();
  const auto rows = (*opened)->snapshot()->scan(Family::index, "", "", 100);
  ASSERT_TRUE(rows);
  EXPECT_EQ(rows->size(), expected.size());
  for (const auto& [key, place] : expected) {
    const auto row = (*opened)->snapshot()->get(Family::index, key);
    ASSERT_TRUE(row && *row) << key;
    EXPECT_EQ(read_place(**row), place);
    EXPECT_EQ(**(*opened)->read(place), key + body);
  }
}

TEST_P(LogStoreTest, ACopyOfAnEmptyStoreIsOne) {
  open();
  const std::string path = directory_.path() + "/copy";
  auto copy = store_->begin_copy(path);
  ASSERT_TRUE(copy) << copy.error().message();
  (*copy)->cut();
  const StoreResult<CopyEnd> end = (*copy)->finish();
  ASSERT_TRUE(end) << end.error().message();
  LogStoreOptions copied = options();
  copied.directory = path;
  EXPECT_TRUE(LogStore::open(copied));
  EXPECT_FALSE(store_->begin_copy(path));  // it is there
}

TEST_P(LogStoreTest, ALostSegmentWithMessagesIsDamage) {
  open();
  WriteBatch batch;
  batch.put_placed(Family::index, "b",
                   batch.add_payload(shared_bytes(std::string(100'000, 'x')), "b"), "");
  commit(batch);
  batch.clear();
  batch.add_payload(shared_bytes(std::string(200'000, 'x')), "c");
  commit(batch);
  ASSERT_EQ(store_->space().used_bytes / kSegmentBytes, 2u);
  store_.reset();
  std::filesystem::remove(options().directory + "/log/" + segment_file_name(1));
  const auto opened = LogStore::open(options());
  ASSERT_FALSE(opened);
  EXPECT_TRUE(opened.error().corruption());
  EXPECT_THAT(opened.error().message(), testing::HasSubstr(segment_file_name(1)));
}

TEST_P(LogStoreTest, ASnapshotKeepsItsChunksReadable) {
  open();
  WriteBatch batch;
  batch.put_placed(Family::index, "b", batch.add_payload(shared_bytes("hello"), "b"), "");
  const PayloadPlaces places = commit(batch);
  auto before = store_->snapshot();
  batch.clear();
  batch.erase(Family::index, "b");
  batch.release(places[0]);
  commit(batch);
  const auto fill = [&] {
    for (int i = 0; i < 100; ++i) {
      batch.clear();
      batch.put(Family::state, "filler", std::string(20'000, 'x'));
      commit(batch);
      ASSERT_TRUE(store_->maintain());
    }
  };
  fill();
  ASSERT_TRUE(*before->get(Family::index, "b"));
  EXPECT_EQ(**store_->read(places[0]), "hello");
  before.reset();
  EXPECT_TRUE(store_->wants_maintenance());
  ASSERT_TRUE(store_->maintain());
  const auto gone = store_->read(places[0]);
  ASSERT_FALSE(gone);
  EXPECT_TRUE(gone.error().gone());
  EXPECT_FALSE(gone.error().corruption());
}

TEST_P(LogStoreTest, RelocationKeepsOldMessagesFromPinningTheLog) {
  open();
  // Every 50th message stays; all others go at once.
  const std::string body(4'000, 'x');
  std::vector<std::string> staying;
  for (int i = 0; i < 3'000; ++i) {
    WriteBatch batch;
    const std::string key = "block" + std::to_string(i);
    batch.put_placed(Family::index, key, batch.add_payload(shared_bytes(body + key), key), "s");
    const PayloadPlaces places = commit(batch);
    batch.clear();
    if (i % 50 == 0) {
      staying.push_back(key);
    } else {
      batch.erase(Family::index, key);
      batch.release(places[0]);
      commit(batch);
    }
    if (!store_->wants_maintenance()) continue;
    ASSERT_TRUE(store_->maintain());
    const auto candidates = store_->relocation_candidates(8);
    ASSERT_TRUE(candidates) << candidates.error().message();
    for (const RelocationCandidate& candidate : *candidates) {
      batch.clear();
      const auto moved = batch.add_payload(*store_->read(candidate.place), candidate.owner_key);
      batch.put_placed(Family::index, candidate.owner_key, moved, "s");
      batch.release(candidate.place);
      commit(batch);
    }
  }
  EXPECT_LT(store_->space().used_bytes, 18 * kSegmentBytes);  // 24 MB, 96 segments, went through
  open();
  const auto rows = store_->snapshot()->scan(Family::index, "", "", SIZE_MAX);
  ASSERT_EQ(rows->size(), staying.size());
  for (const Row& row : *rows) {
    EXPECT_EQ(**store_->read(read_place(row.value)), body + row.key);
  }
}

TEST_P(LogStoreTest, LogIsReplayedOnlyUpToItsBound) {
  open();
  for (int i = 0; i < 200; ++i) {
    WriteBatch batch;
    batch.put(Family::state, "key" + std::to_string(i), std::string(10'000, 'x'));
    commit(batch);
    if (store_->wants_maintenance()) {
      ASSERT_TRUE(store_->maintain());
    }
    // Nothing is alive in the log: what is there is what a replay needs, and what is ready.
    EXPECT_LE(store_->space().used_bytes, 30 * kSegmentBytes);
  }
  open();
  EXPECT_EQ(store_->snapshot()->scan(Family::state, "", "", SIZE_MAX)->size(), 200u);
}

TEST_P(LogStoreTest, ReadersAndMaintenanceMayRunBesideTheShard) {
  open();
  std::atomic<bool> done = false;
  std::thread maintenance([&] {
    while (!done) {
      ASSERT_TRUE(store_->maintain());
      ASSERT_TRUE(store_->relocation_candidates(4));
    }
  });
  std::thread reader([&] {
    while (!done) {
      const auto snapshot = store_->snapshot();
      const auto rows = snapshot->scan(Family::index, "", "", 100);
      ASSERT_TRUE(rows);
      for (const Row& row : *rows) {
        const auto body = store_->read(read_place(row.value));
        ASSERT_TRUE(body) << body.error().message();
        ASSERT_EQ((*body)->substr(0, row.key.size()), row.key);
      }
    }
  });
  std::deque<std::pair<std::string, PayloadPlace>> alive;
  for (int i = 0; i < 1'500; ++i) {
    WriteBatch batch;
    const std::string key = "block" + std::to_string(i);
    const auto body = shared_bytes(key + std::string(static_cast<std::size_t>(i % 9'000), 'x'));
    batch.put_placed(Family::index, key, batch.add_payload(body, key), "");
    if (alive.size() > 20) {
      batch.erase(Family::index, alive.front().first);
      batch.release(alive.front().second);
      alive.pop_front();
    }
    alive.emplace_back(key, commit(batch)[0]);
  }
  done = true;
  maintenance.join();
  reader.join();
  EXPECT_EQ(store_->snapshot()->scan(Family::index, "", "", 100)->size(), alive.size());
}

INSTANTIATE_TEST_SUITE_P(Writers, LogStoreTest,
                         testing::Values(LogWriterChoice::io_uring, LogWriterChoice::thread),
                         [](const auto& writer) {
                           return writer.param == LogWriterChoice::thread ? "thread" : "io_uring";
                         });

TEST(LogStoreFaultTest, AFullDiskIsGotOver) {
  const TemporaryDirectory directory;
  ForgettingEnvironment rows;
  LogStoreOptions options;
  options.directory = directory.path() + "/data";
  options.segment_bytes = kSegmentBytes;
  options.log_directory = std::make_shared<FaultLogDirectory>(1);
  auto& disk = static_cast<FaultLogDirectory&>(*options.log_directory);
  options.rows_environment = rows.environment();
  auto store = LogStore::open(options);
  ASSERT_TRUE(store) << store.error().message();
  ASSERT_TRUE((*store)->maintain());

  disk.fail_creates(true);
  rows.disk().set_full(true);
  int commits = 0;
  const auto commit = [&] {
    WriteBatch batch;
    batch.put(Family::state, std::to_string(commits), std::string(20'000, 'x'));
    ++commits;
    return commit_and_wait(**store, batch);
  };
  // Room for deletes is left in the segments that are ready.
  for (int i = 0; i < 30; ++i) ASSERT_TRUE(commit());
  EXPECT_FALSE((*store)->maintain());
  EXPECT_TRUE((*store)->wants_maintenance());
  EXPECT_FALSE((*store)->maintain());
  EXPECT_TRUE(commit());

  disk.fail_creates(false);
  rows.disk().set_full(false);
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(commit());
    if ((*store)->wants_maintenance()) {
      const auto maintained = (*store)->maintain();
      ASSERT_TRUE(maintained) << maintained.error().message();
    }
  }
  store->reset();
  store = LogStore::open(options);
  ASSERT_TRUE(store) << store.error().message();
  EXPECT_EQ((*store)->snapshot()->scan(Family::state, "", "", SIZE_MAX)->size(),
            static_cast<std::size_t>(commits));
}

TEST(LogStoreFaultTest, AFailedWriteEndsTheStoreAndOpeningAgainHeals) {
  const TemporaryDirectory directory;
  LogStoreOptions options;
  options.directory = directory.path() + "/data";
  options.segment_bytes = kSegmentBytes;
  options.log_directory = std::make_shared<FaultLogDirectory>(2);
  auto store = LogStore::open(options);
  ASSERT_TRUE(store);
  WriteBatch batch;
  batch.put(Family::meta, "a", "1");
  ASSERT_TRUE(commit_and_wait(**store, batch));
  static_cast<FaultLogDirectory&>(*options.log_directory).fail_next_write();
  batch.put(Family::meta, "a", "2");
  EXPECT_FALSE(commit_and_wait(**store, batch));
  store->reset();
  store = LogStore::open(options);
  ASSERT_TRUE(store);
  EXPECT_THAT(**(*store)->snapshot()->get(Family::meta, "a"), testing::AnyOf("1", "2"));
  EXPECT_TRUE(commit_and_wait(**store, batch));
}

TEST(LogStoreFaultTest, AWriteThatTakesLongIsWaitedFor) {
  const TemporaryDirectory directory;
  LogStoreOptions options;
  options.directory = directory.path() + "/data";
  options.segment_bytes = kSegmentBytes;
  options.log_directory = std::make_shared<FaultLogDirectory>(3);
  auto& disk = static_cast<FaultLogDirectory&>(*options.log_directory);
  auto store = LogStore::open(options);
  ASSERT_TRUE(store);
  disk.hold_writes(true);
  WriteBatch batch;
  batch.put(Family::meta, "a", "1");
  (*store)->commit(batch);
  EXPECT_FALSE((*store)->finish());
  EXPECT_EQ(*(*store)->snapshot()->get(Family::meta, "a"), std::nullopt);
  disk.hold_writes(false);
  EXPECT_TRUE((*store)->finish());
  EXPECT_EQ(*(*store)->snapshot()->get(Family::meta, "a"), "1");
}

TEST(LogStoreSizesTest, SegmentsSuitTheDiskAndHoldTheBiggestBatch) {
  constexpr std::uint64_t kMebibyte = std::uint64_t{1} << 20;
  EXPECT_EQ(LogStore::segment_bytes_for(256 * kMebibyte), 8 * kMebibyte);
  EXPECT_EQ(LogStore::segment_bytes_for(1024 * kMebibyte), 16 * kMebibyte);
  EXPECT_EQ(LogStore::segment_bytes_for(1024 * 1024 * kMebibyte), 64 * kMebibyte);
  EXPECT_EQ(LogStore::batch_bytes_max_for(64 * kMebibyte), 16 * kMebibyte);
  EXPECT_EQ(LogStore::batch_bytes_max_for(8 * kMebibyte), 4 * kMebibyte);
}

}  // namespace
}  // namespace millrace
