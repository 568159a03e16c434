#include "queue/deduplication.h"

#include "base/limits.h"

namespace millrace {

void Deduplication::restore(const std::vector<Sent>& sends) {
  for (auto sent = sends.rbegin(); sent != sends.rend(); ++sent) {
    tables_[table_of(sent->id)].try_emplace(sent->id, sent->sequence);
  }
  for (const Sent& sent : sends) {
    if (find(sent.id) == sent.sequence) note(sent.id, sent.sent_at);
  }
}

void Deduplication::prune(Timestamp now) {
  while (!moments_.empty() && moments_.front().sent_at + limits::kDeduplicationWindow <= now) {
    for (std::size_t left = moments_.front().count; left > 0; --left) {
      tables_[table_of(ids_.front())].erase(ids_.front());
      ids_.pop_front();
    }
    moments_.pop_front();
  }
}

std::optional<SequenceNumber> Deduplication::find(const Fingerprint& id) const {
  const Table& table = tables_[table_of(id)];
  const auto found = table.find(id);
  if (found == table.end()) return std::nullopt;
  return found->second;
}

void Deduplication::add(const Fingerprint& id, SequenceNumber sequence, Timestamp sent_at) {
  if (!tables_[table_of(id)].try_emplace(id, sequence).second) return;
  note(id, sent_at);
}

void Deduplication::note(const Fingerprint& id, Timestamp sent_at) {
  ids_.push_back(id);
  if (moments_.empty() || moments_.back().sent_at < sent_at) moments_.push_back({sent_at, 0});
  ++moments_.back().count;
}

void Deduplication::clear() {
  for (Table& table : tables_) table = Table();
  ids_.clear();
  moments_.clear();
}

std::size_t Deduplication::bytes() const {
  constexpr std::size_t kEntry = sizeof(Table::value_type) + 1;  // with its byte of metadata
  std::size_t slots = 0;
  for (const Table& table : tables_) slots += table.bucket_count();
  return slots * kEntry + ids_.size() * sizeof(Fingerprint) + moments_.size() * sizeof(Moment);
}

}  // namespace millrace
