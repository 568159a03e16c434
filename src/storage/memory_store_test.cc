#include "storage/memory_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/fault_store.h"
#include "support/store_calls.h"

namespace millrace {
namespace {

using InFlight = FaultStore::InFlight;

// The keys that a scan of `family` finds.
std::vector<std::string> keys(const Snapshot& snapshot, Family family, std::string_view first = "",
                              std::string_view last = "", std::size_t count_max = SIZE_MAX) {
  const auto rows = snapshot.scan(family, first, last, count_max);
  EXPECT_TRUE(rows);
  std::vector<std::string> keys;
  for (const Row& row : *rows) keys.push_back(row.key);
  return keys;
}

TEST(MemoryStoreTest, GivesBackWhatWasCommitted) {
  MemoryStore store;
  WriteBatch batch;
  const auto payload = batch.add_payload(shared_bytes("hello"), "b");
  batch.put_placed(Family::index, "b", payload, "suffix");
  batch.put(Family::state, "b", "1");
  batch.put(Family::state, "a", "2");
  batch.put(Family::state, "c", "3");
  const auto places = commit_and_wait(store, batch);
  ASSERT_TRUE(places);
  EXPECT_EQ(**store.read((*places)[0]), "hello");
  const auto snapshot = store.snapshot();
  EXPECT_THAT(keys(*snapshot, Family::state), testing::ElementsAre("a", "b", "c"));
  EXPECT_THAT(keys(*snapshot, Family::state, "b"), testing::ElementsAre("b", "c"));
  EXPECT_THAT(keys(*snapshot, Family::state, "a", "c"), testing::ElementsAre("a", "b"));
  EXPECT_THAT(keys(*snapshot, Family::state, "", "", 1), testing::ElementsAre("a"));
  const auto row = *snapshot->get(Family::index, "b");
  ASSERT_TRUE(row);
  EXPECT_EQ(read_place(*row), (*places)[0]);
  EXPECT_EQ(row->substr(kPayloadPlaceBytes), "suffix");
  EXPECT_EQ(*snapshot->get(Family::index, "c"), std::nullopt);
}

TEST(MemoryStoreTest, ThereIsNothingToFinishWithoutACommit) {
  MemoryStore store;
  EXPECT_FALSE(store.finish());
  WriteBatch batch;
  batch.put(Family::meta, "a", "1");
  EXPECT_TRUE(commit_and_wait(store, batch));
  EXPECT_FALSE(store.finish());
}

TEST(MemoryStoreTest, ASnapshotStaysAsItWas) {
  MemoryStore store;
  WriteBatch batch;
  batch.put_placed(Family::index, "b", batch.add_payload(shared_bytes("hello"), "b"), "");
  batch.put(Family::state, "a", "1");
  batch.put(Family::state, "c", "1");
  const auto places = commit_and_wait(store, batch);
  auto before = store.snapshot();

  batch.clear();
  batch.erase(Family::index, "b");
  batch.release((*places)[0]);
  batch.put(Family::state, "a", "2");
  batch.put(Family::state, "b", "2");
  batch.erase_range(Family::state, "b", "d");
  ASSERT_TRUE(commit_and_wait(store, batch));
  EXPECT_EQ(*before->get(Family::state, "a"), "1");
  EXPECT_THAT(keys(*before, Family::state), testing::ElementsAre("a", "c"));
  EXPECT_EQ(**store.read((*places)[0]), "hello");  // which its rows name
  const auto after = store.snapshot();
  EXPECT_EQ(*after->get(Family::state, "a"), "2");
  EXPECT_THAT(keys(*after, Family::state), testing::ElementsAre("a"));
  EXPECT_THAT(keys(*after, Family::index), testing::IsEmpty());

  before.reset();
  batch.clear();
  batch.put(Family::meta, "x", "");
  ASSERT_TRUE(commit_and_wait(store, batch));
  EXPECT_FALSE(store.read((*places)[0]));
  EXPECT_EQ(store.space().used_bytes, 0u);
}

TEST(MemoryStoreDeathTest, ChecksItsUser) {
  MemoryStore store;
  WriteBatch batch;
  batch.put_placed(Family::index, "b", batch.add_payload(shared_bytes("hello"), "b"), "");
  batch.put(Family::due, "d", "");
  const auto places = commit_and_wait(store, batch);

  WriteBatch twice;
  twice.put(Family::due, "d", "");
  EXPECT_DEATH(store.commit(twice), "CHECK failed");
  WriteBatch absent;
  absent.erase(Family::index, "c");
  EXPECT_DEATH(store.commit(absent), "CHECK failed");
  WriteBatch released_twice;
  released_twice.release((*places)[0]);
  released_twice.release((*places)[0]);
  EXPECT_DEATH(store.commit(released_twice), "CHECK failed");
  WriteBatch two_in_flight;
  store.commit(two_in_flight);
  EXPECT_DEATH(store.commit(two_in_flight), "CHECK failed");
}

TEST(MemoryStoreTest, ARelocationMayWriteOverAnIndexRow) {
  MemoryStore store;
  WriteBatch batch;
  batch.put_placed(Family::index, "b", batch.add_payload(shared_bytes("hello"), "b"), "");
  const auto places = commit_and_wait(store, batch);
  batch.clear();
  batch.put_placed(Family::index, "b", batch.add_payload(shared_bytes("hello"), "b"), "");
  batch.release((*places)[0]);
  const auto moved = commit_and_wait(store, batch);
  EXPECT_EQ(read_place(**store.snapshot()->get(Family::index, "b")), (*moved)[0]);
}

TEST(FaultStoreTest, ACrashForgetsTheCommitInFlightOrKeepsIt) {
  for (const InFlight in_flight : {InFlight::lost, InFlight::kept}) {
    auto store = std::make_unique<FaultStore>();
    WriteBatch batch;
    batch.put(Family::meta, "a", "1");
    ASSERT_TRUE(commit_and_wait(*store, batch));
    store->hold_commits(true);
    batch.put(Family::meta, "a", "2");
    store->commit(batch);
    EXPECT_FALSE(store->finish());
    EXPECT_TRUE(store->commit_in_flight());
    EXPECT_EQ(*store->snapshot()->get(Family::meta, "a"), "1");
    auto reopened = store->crash(in_flight);
    EXPECT_EQ(*reopened->snapshot()->get(Family::meta, "a"),
              in_flight == InFlight::lost ? "1" : "2");
    EXPECT_GT(reopened->epoch(), store->epoch());
    EXPECT_TRUE(commit_and_wait(*reopened, batch));
  }
}

TEST(FaultStoreTest, TheChosenCommitFails) {
  for (const InFlight outcome : {InFlight::lost, InFlight::kept}) {
    FaultStore store;
    store.fail_commit(2, outcome);
    WriteBatch batch;
    batch.put(Family::meta, "a", "1");
    EXPECT_TRUE(commit_and_wait(store, batch));
    batch.put(Family::meta, "a", "2");
    EXPECT_FALSE(commit_and_wait(store, batch));
    const auto reopened = store.crash(InFlight::lost);
    EXPECT_EQ(*reopened->snapshot()->get(Family::meta, "a"), outcome == InFlight::lost ? "1" : "2");
  }
}

TEST(FaultStoreTest, HeldCommitsEndWhenTold) {
  FaultStore store;
  store.hold_commits(true);
  WriteBatch batch;
  batch.put(Family::meta, "a", "1");
  store.commit(batch);
  EXPECT_FALSE(store.finish());
  store.complete_commit();
  EXPECT_TRUE(store.finish());
  EXPECT_EQ(store.commits(), 1u);
}

}  // namespace
}  // namespace millrace
