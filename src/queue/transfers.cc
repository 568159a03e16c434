#include "queue/transfers.h"

#include <algorithm>
#include <set>

#include "base/check.h"

namespace millrace {

bool Transfers::restore(std::string_view key, std::string_view value) {
  const std::optional<TransferKey> parsed = parse_transfer_key(key);
  if (!parsed) return false;
  if (!parsed->outbox) {
    const std::optional<std::uint64_t> number = parse_number(value);
    if (number) applied_[parsed->shard] = *number;
    return number.has_value();
  }
  const std::optional<OutboxRecord> record = parse_outbox(value);
  if (!record) return false;
  outbox_[{parsed->shard, parsed->number}].record = *record;
  return true;
}

void Transfers::load(const Key& key, Entry& entry) {
  entry.committed = true;
  entry.sent = false;
  entry.chunk.reset();
  Load load;
  load.kind = Load::Kind::transfer;
  load.first = key.second;
  load.last = key.first;
  load.place = entry.record.place;
  effects_.loads.push_back(load);
}

void Transfers::resend(std::uint16_t to_shard) {
  for (auto it = outbox_.lower_bound({to_shard, 0});
       it != outbox_.end() && it->first.first == to_shard; ++it) {
    if (it->second.committed && !it->second.refused) load(it->first, it->second);
  }
}

void Transfers::resend_all() {
  for (auto& [key, entry] : outbox_) load(key, entry);
}

void Transfers::seal() {
  sealed_ = std::exchange(added_, {});
  refused_sealed_ = std::exchange(refused_, {});
}

std::uint64_t Transfers::add(std::uint16_t to_shard, OutboxRecord record,
                             std::shared_ptr<const std::string> chunk) {
  const std::uint64_t number = ++next_number_;
  Entry entry;
  entry.record = record;
  entry.chunk = std::move(chunk);
  const std::string key = outbox_key(to_shard, number);
  entry.payload = effects_.writes.add_payload(entry.chunk, key);
  effects_.writes.put_placed(Family::transfers, key, entry.payload, encode_outbox(entry.record));
  outbox_.emplace(Key{to_shard, number}, std::move(entry));
  added_.emplace_back(to_shard, number);
  return number;
}

// The target takes a lower number for a repeat, so a channel's transfers leave in order.
void Transfers::send_in_order(std::uint16_t to_shard) {
  std::uint64_t previous = 0;
  for (auto it = outbox_.lower_bound({to_shard, 0});
       it != outbox_.end() && it->first.first == to_shard; ++it) {
    Entry& entry = it->second;
    const std::uint64_t before = std::exchange(previous, it->first.second);
    if (entry.sent || entry.refused) continue;
    if (!entry.committed || !entry.chunk) return;
    entry.sent = true;
    effects_.transfers.push_back({shard_, to_shard, it->first.second, before, entry.record.source,
                                  entry.record.sequence, entry.record.target,
                                  std::exchange(entry.chunk, nullptr)});
  }
}

void Transfers::loaded(const LoadResult& result) {
  const Key key{static_cast<std::uint16_t>(result.load.last), result.load.first};
  const auto found = outbox_.find(key);
  if (found == outbox_.end() || result.blocks.empty()) return;
  found->second.chunk = result.blocks.front().chunk;
  send_in_order(key.first);
}

void Transfers::committed(std::span<const PayloadPlace> places) {
  for (const Key& key : std::exchange(sealed_, {})) {
    Entry& entry = outbox_.at(key);
    entry.record.place = places[entry.payload];
    entry.committed = true;
    send_in_order(key.first);
  }
  const std::vector<Key> refused = std::exchange(refused_sealed_, {});
  for (const Key& key : refused) outbox_.erase(key);
  std::set<std::uint16_t> shards;
  for (const Key& key : refused) shards.insert(key.first);
  for (const std::uint16_t shard : shards) resend(shard);
}

bool Transfers::pending(const Transfer& transfer) const {
  const auto found = outbox_.find({transfer.to_shard, transfer.number});
  return found != outbox_.end() && !found->second.refused;
}

MoveTaskNumber Transfers::task_of(const Transfer& transfer) const {
  return outbox_.at({transfer.to_shard, transfer.number}).record.task;
}

std::vector<OutboxRecord> Transfers::outbox() const {
  std::vector<OutboxRecord> records;
  for (const auto& [key, entry] : outbox_) records.push_back(entry.record);
  return records;
}

bool Transfers::finish(const Transfer& transfer, bool applied) {
  if (!pending(transfer)) return false;
  const auto found = outbox_.find({transfer.to_shard, transfer.number});
  effects_.writes.erase(Family::transfers, outbox_key(transfer.to_shard, transfer.number));
  effects_.writes.release(found->second.record.place);
  if (applied) {
    outbox_.erase(found);
  } else {
    found->second.refused = true;
    refused_.push_back(found->first);
  }
  return true;
}

Transfers::Arrival Transfers::apply(const Transfer& transfer, bool possible) {
  std::uint64_t& applied = applied_[transfer.from_shard];
  if (transfer.number <= applied) return Arrival::repeated;
  if (transfer.previous > applied) return Arrival::early;
  if (!possible) return Arrival::refused;
  applied = transfer.number;
  effects_.writes.put(Family::transfers, applied_key(transfer.from_shard), encode_number(applied));
  return Arrival::fresh;
}

}  // namespace millrace
