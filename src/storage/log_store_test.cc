#include "storage/log_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/store_test_support.h"

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

INSTANTIATE_TEST_SUITE_P(Writers, LogStoreTest,
                         testing::Values(LogWriterChoice::io_uring, LogWriterChoice::thread),
                         [](const auto& writer) {
                           return writer.param == LogWriterChoice::thread ? "thread" : "io_uring";
                         });

}  // namespace
}  // namespace millrace
