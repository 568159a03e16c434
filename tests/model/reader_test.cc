// What the reader makes of chunks that cannot be read.
#include "runtime/reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "queue/records.h"
#include "support/fault_store.h"

namespace millrace {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

constexpr QueueId kQueue{1};
constexpr BlockNumber kBlock = 1;

class ReaderTest : public testing::Test {
 protected:
  ReaderTest() {
    WriteBatch batch;
    const std::string key = block_key(kQueue, kBlock);
    IndexRecord index;
    index.count = 1;
    const auto payload = batch.add_payload(std::make_shared<const std::string>("chunk"), key);
    batch.put_placed(Family::index, key, payload, encode_index(index));
    place_ = commit(batch).front();
  }

  PayloadPlaces commit(const WriteBatch& batch) {
    store_.commit(batch);
    return store_.finish().value().value();
  }
  StoreResult<LoadResult> load(Load::Kind kind) {
    Load load;
    load.kind = kind;
    load.queue = kQueue;
    load.first = kBlock;
    load.place = place_;
    load.blocks_max = 10;
    load.bytes_max = 1000;
    return perform_load(load, store_,
                        [this](const std::string& text) { corruptions_.push_back(text); });
  }

  FaultStore store_;
  PayloadPlace place_;
  std::vector<std::string> corruptions_;
};

TEST_F(ReaderTest, BringsTheChunk) {
  for (const auto kind : {Load::Kind::window, Load::Kind::chunk, Load::Kind::relocate}) {
    const StoreResult<LoadResult> loaded = load(kind);
    ASSERT_TRUE(loaded);
    ASSERT_THAT(loaded->blocks, SizeIs(1));
    EXPECT_EQ(*loaded->blocks.front().chunk, "chunk");
  }
}

TEST_F(ReaderTest, TellsOfADiskThatDoesNotReadInsteadOfLeavingABlockOut) {
  store_.fail_reads(true);
  for (const auto kind : {Load::Kind::window, Load::Kind::chunk, Load::Kind::relocate}) {
    EXPECT_FALSE(load(kind));
  }
  EXPECT_TRUE(load(Load::Kind::block)) << "it wants no chunk";
}

TEST_F(ReaderTest, TellsWhichBlockIsDamaged) {
  store_.damage(place_);
  for (const auto kind : {Load::Kind::window, Load::Kind::chunk, Load::Kind::relocate}) {
    const StoreResult<LoadResult> loaded = load(kind);
    ASSERT_TRUE(loaded);
    ASSERT_THAT(loaded->blocks, SizeIs(1));
    EXPECT_TRUE(loaded->blocks.front().damaged);
    EXPECT_EQ(loaded->blocks.front().chunk, nullptr);
  }
  EXPECT_THAT(corruptions_, SizeIs(3));
}

TEST_F(ReaderTest, LeavesOutWhatWasReleasedMeanwhile) {
  WriteBatch batch;
  batch.release(place_);
  batch.erase(Family::index, block_key(kQueue, kBlock));
  commit(batch);
  const StoreResult<LoadResult> loaded = load(Load::Kind::chunk);
  ASSERT_TRUE(loaded);
  EXPECT_THAT(loaded->blocks, IsEmpty());
  EXPECT_THAT(corruptions_, IsEmpty());
}

}  // namespace
}  // namespace millrace
