#include "runtime/reader.h"

#include <algorithm>
#include <map>

#include "base/check.h"
#include "queue/records.h"

namespace millrace {

namespace {

class LoadRun {
 public:
  LoadRun(const Load& load, const Store& store,
          const std::function<void(const std::string&)>& corrupt)
      : load_(load), store_(store), corrupt_(corrupt), snapshot_(store.snapshot()) {
    result_.load = load;
  }

  StoreResult<LoadResult> run() {
    StoreResult<void> outcome;
    switch (load_.kind) {
      case Load::Kind::window:
        outcome = scan(true, load_.bytes_max > 0);
        break;
      case Load::Kind::expire:
      case Load::Kind::look:
        outcome = scan(true, false);
        break;
      case Load::Kind::sweep:
        outcome = scan(false, false);
        break;
      case Load::Kind::due:
        outcome = due();
        break;
      case Load::Kind::block:
        outcome = one(load_.first, false);
        break;
      case Load::Kind::group:
        outcome = group();
        break;
      case Load::Kind::recent:
        outcome = recent();
        break;
      case Load::Kind::relocate:
        outcome = relocate();
        break;
      case Load::Kind::chunk:
      case Load::Kind::transfer:
        outcome = chunk();
        break;
      case Load::Kind::examine:
        outcome = examine_candidates();
        break;
    }
    if (!outcome) return outcome.error();
    return std::move(result_);
  }

 private:
  static StoreError malformed(std::string_view what) {
    return StoreError("a row of family " + std::string(what) + " is malformed", true);
  }

  // Blocks in order from load_.first.
  StoreResult<void> scan(bool with_state, bool with_chunks) {
    return scan_from(load_.first, with_state, with_chunks);
  }
  StoreResult<void> scan_from(BlockNumber from, bool with_state, bool with_chunks) {
    const std::string first = block_key(load_.queue, from);
    const std::string last =
        load_.last > 0 ? block_key(load_.queue, load_.last) : queue_key_end(load_.queue);
    auto rows = snapshot_->scan(Family::index, first, last, load_.blocks_max);
    if (!rows) return rows.error();
    result_.next = from;
    result_.exhausted = rows->size() < load_.blocks_max;
    std::map<std::string, StateRecord> states;
    if (with_state && !rows->empty()) {
      auto found = snapshot_->scan(Family::state, first, rows->back().key + '\0', SIZE_MAX);
      if (!found) return found.error();
      for (Row& row : *found) {
        std::optional<StateRecord> state = parse_state(row.value);
        if (!state) return malformed("state");
        states.emplace(std::move(row.key), std::move(*state));
      }
    }
    std::size_t bytes = 0;
    for (const Row& row : *rows) {
      const std::optional<BlockKey> key = parse_block_key(row.key);
      const std::optional<IndexRecord> index = parse_index(row.value);
      if (!key || !index) return malformed("index");
      LoadedBlock block;
      block.number = key->block;
      block.index = *index;
      if (const auto state = states.find(row.key); state != states.end()) {
        block.state = std::move(state->second);
      }
      if (with_chunks && !block.parked()) {
        if (bytes > 0 && bytes + index->place.length > load_.bytes_max) {
          result_.exhausted = false;
          return {};
        }
        bytes += index->place.length;
        const StoreResult<bool> there = read_into(block, index->place);
        if (!there) return there.error();
        if (!*there) {
          result_.next = key->block + 1;
          continue;
        }
      }
      result_.next = key->block + 1;
      result_.blocks.push_back(std::move(block));
    }
    return {};
  }

  StoreResult<void> due() {
    const std::string first = queue_key(load_.queue);
    const std::string end = queue_key_end(load_.queue);
    const std::string later = due_key(load_.queue, load_.until + 1, 0);
    auto rows = snapshot_->scan(Family::due, first, later, load_.blocks_max);
    if (!rows) return rows.error();
    result_.exhausted = rows->size() < load_.blocks_max;
    std::size_t bytes = 0;
    for (const Row& row : *rows) {
      if (bytes >= load_.bytes_max) {
        result_.exhausted = false;
        break;
      }
      const std::optional<DueKey> key = parse_due_key(row.key);
      if (!key) return malformed("due");
      const std::size_t before = result_.blocks.size();
      StoreResult<void> loaded = one(key->block, true);
      if (!loaded) return loaded;
      if (result_.blocks.size() > before) bytes += result_.blocks.back().index.place.length;
    }
    auto next = snapshot_->scan(Family::due, later, end, 1);
    if (!next) return next.error();
    if (!next->empty()) {
      const std::optional<DueKey> key = parse_due_key(next->front().key);
      if (!key) return malformed("due");
      result_.next_due = key->due;
    }
    return {};
  }

  // Blocks that the group's rows name.
  StoreResult<void> group() {
    const std::string first = group_key(load_.queue, load_.group, load_.first);
    const std::string last = group_key(load_.queue, load_.group, load_.last + 1);
    auto rows = snapshot_->scan(Family::groups, first, last, load_.blocks_max);
    if (!rows) return rows.error();
    result_.exhausted = rows->size() < load_.blocks_max;
    result_.next = load_.first;
    std::size_t bytes = 0;
    for (const Row& row : *rows) {
      if (bytes >= load_.bytes_max) {
        result_.exhausted = false;
        break;
      }
      const std::optional<GroupRowKey> key = parse_group_key(row.key);
      if (!key) return malformed("groups");
      const std::size_t before = result_.blocks.size();
      StoreResult<void> loaded = one(key->block, true);
      if (!loaded) return loaded;
      result_.next = key->block + 1;
      if (result_.blocks.size() > before) bytes += result_.blocks.back().index.place.length;
    }
    return {};
  }

  // Blocks sent later than load_.until. They are last, so the first of them is searched for by
  // halving; a block number that is not there stands for the next one that is.
  StoreResult<void> recent() {
    BlockNumber low = load_.first;
    BlockNumber high = load_.last;
    const std::string end = queue_key_end(load_.queue);
    while (low < high) {
      const BlockNumber middle = low + (high - low) / 2;
      auto rows = snapshot_->scan(Family::index, block_key(load_.queue, middle), end, 1);
      if (!rows) return rows.error();
      if (rows->empty()) {
        high = middle;
        continue;
      }
      const std::optional<IndexRecord> index = parse_index(rows->front().value);
      if (!index) return malformed("index");
      if (index->sent_at > load_.until) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    return scan_from(low, true, false);
  }

  // Block `number`, if it exists.
  StoreResult<void> one(BlockNumber number, bool with_chunk) {
    const std::string key = block_key(load_.queue, number);
    auto index = snapshot_->get(Family::index, key);
    if (!index) return index.error();
    if (!*index) return {};
    auto state = snapshot_->get(Family::state, key);
    if (!state) return state.error();
    LoadedBlock block;
    block.number = number;
    const std::optional<IndexRecord> record = parse_index(**index);
    if (!record) return malformed("index");
    block.index = *record;
    if (*state) {
      block.state = parse_state(**state);
      if (!block.state) return malformed("state");
    }
    if (with_chunk) {
      const StoreResult<bool> there = read_into(block, record->place);
      if (!there) return there.error();
      if (!*there) return {};
    }
    result_.blocks.push_back(std::move(block));
    return {};
  }

  StoreResult<void> relocate() {
    StoreResult<void> loaded = one(load_.first, false);
    if (!loaded || result_.blocks.empty()) return loaded;
    LoadedBlock& block = result_.blocks.front();
    if (!(block.index.place == load_.place)) return {};
    const StoreResult<bool> there = read_into(block, load_.place);
    if (!there) return there.error();
    return {};
  }

  StoreResult<void> chunk() {
    LoadedBlock block;
    block.number = load_.first;
    const StoreResult<bool> there = read_into(block, load_.place);
    if (!there) return there.error();
    if (*there) result_.blocks.push_back(std::move(block));
    return {};
  }

  // Looks at candidates until the look has what it wants, or has read enough for one slice.
  StoreResult<void> examine_candidates() {
    Look& look = *load_.look;
    std::size_t bytes = 0;
    for (const Look::Candidate& candidate : look.candidates) {
      unsigned reached = candidate.slots.front().number;
      bool stop = bytes >= load_.bytes_max;
      if (!stop) {
        auto chunk = candidate.chunk ? candidate.chunk : std::shared_ptr<const std::string>();
        if (!chunk) {
          auto found = find_chunk(candidate);
          if (!found) return found.error();
          chunk = std::move(*found);
          bytes += candidate.place.length;
        }
        if (!chunk) continue;  // its messages are gone, or cannot be read
        if (const std::optional<unsigned> slot = examine(look, candidate, chunk)) {
          reached = *slot;
          stop = true;
        }
      }
      if (!stop) continue;
      look.next = sequence_of(candidate.block, reached);
      look.exhausted = false;
      break;
    }
    look.bytes_read += bytes;
    return {};
  }

  // The chunk of a block that may have been written to another place since its row was read.
  StoreResult<std::shared_ptr<const std::string>> find_chunk(const Look::Candidate& candidate) {
    auto chunk = read(candidate.place);
    if (!chunk || *chunk) return chunk;
    const auto row = snapshot_->get(Family::index, block_key(load_.queue, candidate.block));
    if (!row) return row.error();
    if (!*row) return chunk;
    const std::optional<IndexRecord> index = parse_index(**row);
    if (!index) return malformed("index");
    return index->place == candidate.place ? chunk : read(index->place);
  }

  // Reads the block's chunk, or finds it damaged. @return false: it was released meanwhile.
  StoreResult<bool> read_into(LoadedBlock& block, const PayloadPlace& place) {
    StoreResult<std::shared_ptr<const std::string>> chunk = store_.read(place);
    if (chunk) {
      block.chunk = std::move(*chunk);
      return true;
    }
    if (chunk.error().gone()) return false;
    if (!chunk.error().corruption()) return chunk.error();
    corrupt_(chunk.error().message());
    block.damaged = true;
    return true;
  }

  // The chunk at `place`; null where it was released or is damaged.
  StoreResult<std::shared_ptr<const std::string>> read(const PayloadPlace& place) {
    LoadedBlock block;
    const StoreResult<bool> there = read_into(block, place);
    if (!there) return there.error();
    return block.chunk;
  }

  const Load& load_;
  const Store& store_;
  const std::function<void(const std::string&)>& corrupt_;
  std::unique_ptr<Snapshot> snapshot_;
  LoadResult result_;
};

}  // namespace

StoreResult<LoadResult> perform_load(const Load& load, const Store& store,
                                     const std::function<void(const std::string&)>& corrupt) {
  return LoadRun(load, store, corrupt).run();
}

}  // namespace millrace
