#include "queue/receive_attempts.h"

#include "base/limits.h"

namespace millrace {

void ReceiveAttempts::prune(Timestamp now) {
  while (!order_.empty() && order_.front().first + limits::kReceiveAttemptWindow <= now) {
    const auto found = attempts_.find(order_.front().second);
    if (found != attempts_.end() && found->second.began_at == order_.front().first) {
      deliveries_ -= found->second.deliveries.size();
      attempts_.erase(found);
    }
    order_.pop_front();
  }
}

AttemptRecord* ReceiveAttempts::find(const Fingerprint& attempt) {
  const auto found = attempts_.find(attempt);
  return found == attempts_.end() ? nullptr : &found->second;
}

void ReceiveAttempts::put(const Fingerprint& attempt, AttemptRecord record) {
  order_.emplace_back(record.began_at, attempt);
  deliveries_ += record.deliveries.size();
  const auto [it, inserted] = attempts_.try_emplace(attempt);
  if (!inserted) deliveries_ -= it->second.deliveries.size();
  it->second = std::move(record);
}

void ReceiveAttempts::clear() {
  attempts_.clear();
  order_.clear();
  deliveries_ = 0;
}

std::size_t ReceiveAttempts::bytes() const {
  constexpr std::size_t kNode = 64;  // of the map, with what the allocator adds
  return attempts_.size() * (sizeof(AttemptRecord) + kNode) +
         order_.size() * sizeof(std::pair<Timestamp, Fingerprint>) +
         deliveries_ * sizeof(AttemptRecord::Delivered);
}

}  // namespace millrace
