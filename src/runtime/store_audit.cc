#include "runtime/store_audit.h"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "queue/chunk.h"
#include "queue/records.h"

namespace millrace {

namespace {

// One pass over the rows of a snapshot.
class Auditor {
 public:
  Auditor(const Store& store, StoreAudit& audit)
      : store_(store), audit_(audit), rows_(store.snapshot()) {}

  void run() {
    each(Family::queues, [this](const Row& row) { queue_row(row); });
    each(Family::index, [this](const Row& row) { index_row(row); });
    each(Family::state, [this](const Row& row) { state_row(row); });
    each(Family::due, [this](const Row& row) { due_row(row); });
    each(Family::groups, [this](const Row& row) { group_row(row); });
    each(Family::deduplication, [this](const Row& row) { deduplication_row(row); });
    each(Family::transfers, [this](const Row& row) { transfer_row(row); });
    // Nothing is known of these here but that they can be read.
    each(Family::meta, [](const Row&) {});
    each(Family::names, [](const Row&) {});
    check_counts();
  }

 private:
  struct Counted {
    QueueCounters counters;
    std::uint64_t messages = 0;
    std::uint64_t bytes = 0;
  };

  void each(Family family, const std::function<void(const Row&)>& look) {
    const StoreResult<void> read =
        for_each_page(*rows_, family, [&look](const std::vector<Row>& page) -> StoreResult<void> {
          for (const Row& row : page) look(row);
          return {};
        });
    if (!read) audit_.fault(read.error().message());
  }

  static std::string name(QueueId queue) { return "queue " + std::to_string(queue.value()); }
  static std::string name(QueueId queue, BlockNumber block) {
    return name(queue) + ", block " + std::to_string(block);
  }

  void queue_row(const Row& row) {
    const std::optional<QueueRowKey> key = parse_queue_key(row.key);
    if (!key) return audit_.fault("a row of a queue has no valid key");
    if (key->kind == QueueRowKey::Kind::definition) {
      ++audit_.queues;
    } else if (key->kind == QueueRowKey::Kind::move_task) {
      if (!parse_move_task(row.value))
        audit_.fault(name(key->queue) + ": a move task is malformed");
    } else if (const auto counters = parse_counters(row.value)) {
      queues_[key->queue].counters = *counters;
    } else {
      audit_.fault(name(key->queue) + ": its counters are malformed");
    }
  }

  // The chunk at `place`, if it is as it was written.
  std::shared_ptr<const std::string> chunk(const PayloadPlace& place, const std::string& whose) {
    StoreResult<std::shared_ptr<const std::string>> read = store_.read(place);
    if (!read) {
      audit_.fault(whose + ": " + read.error().message());
      return nullptr;
    }
    audit_.bytes += (*read)->size();
    return std::move(*read);
  }

  // The state row of a block, if it has one that can be read.
  std::optional<StateRecord> state_of(const std::string& key, const std::string& whose) {
    const StoreResult<std::optional<std::string>> value = rows_->get(Family::state, key);
    if (!value) {
      audit_.fault(value.error().message());
      return std::nullopt;
    }
    if (!*value) return std::nullopt;
    std::optional<StateRecord> state = parse_state(**value);
    if (!state) audit_.fault(whose + ": its state is malformed");
    return state;
  }

  void index_row(const Row& row) {
    const std::optional<BlockKey> key = parse_block_key(row.key);
    const std::optional<IndexRecord> index = parse_index(row.value);
    if (!key || !index) return audit_.fault("an index row is malformed");
    const std::string whose = name(key->queue, key->block);
    ++audit_.blocks;
    const std::optional<StateRecord> state = state_of(row.key, whose);
    if (state && (!(state->index.place == index->place) || state->slots.size() != index->count)) {
      audit_.fault(whose + ": its state is that of another block");
    }
    std::uint64_t live = index->count;
    for (const SlotState& slot : state ? state->slots : std::vector<SlotState>()) {
      if (slot.phase == SlotState::Phase::deleted) --live;
    }
    const auto queue = queues_.find(key->queue);
    if (queue == queues_.end()) {
      audit_.fault(whose + ": there is no such queue");
    } else if (key->block >= queue->second.counters.horizon) {
      queue->second.messages += live;
      queue->second.bytes += index->place.length;
      audit_.messages += live;
    }
    if (const auto bytes = chunk(index->place, whose)) check_messages(*bytes, index->count, whose);
  }

  void check_messages(const std::string& bytes, unsigned count, const std::string& whose) {
    for (unsigned slot = 0; slot < count; ++slot) {
      if (!parse_chunk_message(bytes, slot)) {
        return audit_.fault(whose + ": message " + std::to_string(slot) + " cannot be read");
      }
    }
  }

  bool has_index(QueueId queue, BlockNumber block) {
    const auto row = rows_->get(Family::index, block_key(queue, block));
    if (!row) audit_.fault(row.error().message());
    return !row || row->has_value();
  }

  void state_row(const Row& row) {
    const std::optional<BlockKey> key = parse_block_key(row.key);
    if (!key) return audit_.fault("a row of a block's state has no valid key");
    if (!has_index(key->queue, key->block)) {
      audit_.fault(name(key->queue, key->block) + ": it has a state but is not in the index");
    }
  }

  void due_row(const Row& row) {
    const std::optional<DueKey> key = parse_due_key(row.key);
    if (!key) return audit_.fault("a row of a parked block has no valid key");
    if (!has_index(key->queue, key->block)) {
      audit_.fault(name(key->queue, key->block) + ": it is due once but is not in the index");
    }
  }

  void group_row(const Row& row) {
    const std::optional<GroupRowKey> key = parse_group_key(row.key);
    if (!key) return audit_.fault("a row of a message group has no valid key");
    if (!has_index(key->queue, key->block)) {
      audit_.fault(name(key->queue, key->block) + ": a group names it, but it is not in the index");
    }
  }

  void deduplication_row(const Row& row) {
    const std::optional<DeduplicationKey> key = parse_deduplication_key(row.key);
    const bool sound = key && (key->attempt ? parse_attempt(row.value, key->at).has_value()
                                            : parse_ids(row.value).has_value());
    if (!sound) audit_.fault("a row of deduplication is malformed");
  }

  void transfer_row(const Row& row) {
    const std::optional<TransferKey> key = parse_transfer_key(row.key);
    if (!key) return audit_.fault("a row of a transfer has no valid key");
    if (!key->outbox) {
      if (!parse_number(row.value)) audit_.fault("the number of a channel is malformed");
      return;
    }
    const std::optional<OutboxRecord> record = parse_outbox(row.value);
    if (!record) return audit_.fault("a row of the outbox is malformed");
    const std::string whose = "transfer " + std::to_string(key->number);
    if (const auto bytes = chunk(record->place, whose)) check_messages(*bytes, 1, whose);
  }

  void check_counts() {
    for (const auto& [queue, counted] : queues_) {
      const QueueCounters& told = counted.counters;
      if (told.deleted || (told.messages == counted.messages && told.bytes == counted.bytes)) {
        continue;
      }
      audit_.fault(name(queue) + ": it counts " + std::to_string(told.messages) + " messages in " +
                   std::to_string(told.bytes) + " bytes, but holds " +
                   std::to_string(counted.messages) + " in " + std::to_string(counted.bytes));
    }
  }

  const Store& store_;
  StoreAudit& audit_;
  const std::unique_ptr<Snapshot> rows_;
  std::map<QueueId, Counted> queues_;
};

}  // namespace

void StoreAudit::fault(std::string text) {
  ++fault_count;
  if (faults.size() < kFaultsListed) faults.push_back(std::move(text));
}

StoreAudit audit_store(const Store& store) {
  StoreAudit audit;
  Auditor(store, audit).run();
  return audit;
}

}  // namespace millrace
