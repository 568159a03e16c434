#include "runtime/store_audit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <memory>

#include "queue/chunk.h"
#include "queue/records.h"
#include "storage/memory_store.h"

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr QueueId kQueue{7};
constexpr BlockNumber kBlock = 3;

class StoreAuditTest : public testing::Test {
 protected:
  // A queue with one block of two messages, one of which is deleted.
  StoreAuditTest() {
    NewMessage message;
    message.body = "body";
    ChunkBuilder builder;
    for (const unsigned slot : {0U, 1U}) {
      const MessagePlace place{kQueue, sequence_of(kBlock, slot)};
      builder.add(message, Timestamp{1}, {}, place, nullptr, fingerprints_);
    }
    chunk_ = builder.finish();
    index_.count = 2;
    counters_.messages = 1;
    counters_.bytes = chunk_.size();
    slots_.resize(2);
    slots_[0].phase = SlotState::Phase::deleted;
  }

  void write() {
    batch_.put(Family::queues, queue_key(kQueue), "definition");
    batch_.put(Family::queues, counters_key(kQueue), encode_counters(counters_));
    const std::string key = block_key(kQueue, kBlock);
    const auto payload = batch_.add_payload(std::make_shared<const std::string>(chunk_), key);
    batch_.put_placed(Family::index, key, payload, encode_index(index_));
    batch_.put_placed(Family::state, key, payload, encode_state(index_, {}, slots_));
  }

  StoreAudit audit() {
    store_.commit(batch_);
    EXPECT_TRUE(store_.finish()->has_value());
    return audit_store(store_);
  }

  const std::array<std::uint8_t, 32> secret_{};
  const Fingerprinter fingerprints_{secret_};
  MemoryStore store_;
  WriteBatch batch_;
  std::string chunk_;
  IndexRecord index_;
  QueueCounters counters_;
  std::vector<SlotState> slots_;
};

TEST_F(StoreAuditTest, CountsWhatIsThere) {
  write();
  const StoreAudit found = audit();
  EXPECT_TRUE(found.sound()) << found.faults.front();
  EXPECT_EQ(found.queues, 1u);
  EXPECT_EQ(found.messages, 1u);
  EXPECT_EQ(found.blocks, 1u);
  EXPECT_EQ(found.bytes, chunk_.size());
}

TEST_F(StoreAuditTest, FindsWrongCounts) {
  counters_.messages = 2;
  write();
  EXPECT_THAT(audit().faults, ElementsAre(HasSubstr("queue 7: it counts 2 messages")));
}

TEST_F(StoreAuditTest, FindsChunksThatHoldOtherMessages) {
  chunk_.resize(chunk_.size() / 2);
  counters_.bytes = chunk_.size();
  write();
  EXPECT_THAT(audit().faults, ElementsAre(HasSubstr("queue 7, block 3: message")));
}

TEST_F(StoreAuditTest, FindsStatesOfOtherBlocks) {
  slots_.pop_back();
  index_.count = 1;
  counters_.messages = 0;
  write();
  index_.count = 2;
  slots_.resize(2);
  batch_.put(Family::state, block_key(kQueue, kBlock),
             std::string(kPayloadPlaceBytes, '\1') + encode_state(index_, {}, slots_));
  EXPECT_THAT(audit().faults, testing::Contains(HasSubstr("its state is that of another block")));
}

TEST_F(StoreAuditTest, FindsRowsThatNameNothing) {
  write();
  batch_.put(Family::due, due_key(kQueue, Timestamp{5}, kBlock + 1), {});
  batch_.put(Family::groups, group_key(kQueue, GroupKey{1}, kBlock + 2), {});
  EXPECT_THAT(audit().faults, ElementsAre(HasSubstr("block 4: it is due once but is not"),
                                          HasSubstr("block 5: a group names it, but it is not")));
}

TEST_F(StoreAuditTest, FindsMalformedRows) {
  write();
  batch_.put(Family::queues, counters_key(kQueue), "short");
  batch_.put(Family::index, "short", "short");
  batch_.put(Family::due, "short", {});
  batch_.put(Family::groups, "short", {});
  batch_.put(Family::deduplication, "short", {});
  batch_.put(Family::transfers, "short", {});
  EXPECT_GE(audit().fault_count, 6u);
}

TEST_F(StoreAuditTest, ListsTheFirstFaultsOnly) {
  for (unsigned i = 0; i < StoreAudit::kFaultsListed + 5; ++i) {
    batch_.put(Family::due, "short" + std::to_string(i), {});
  }
  const StoreAudit found = audit();
  EXPECT_EQ(found.faults.size(), StoreAudit::kFaultsListed);
  EXPECT_EQ(found.fault_count, StoreAudit::kFaultsListed + 5);
}

}  // namespace
}  // namespace millrace
