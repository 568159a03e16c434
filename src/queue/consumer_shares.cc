#include "queue/consumer_shares.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace millrace {

namespace {

// Noisy is more than one in so many, and at least so many messages.
constexpr std::uint64_t kNoisyPart = 10;
constexpr std::uint64_t kNoisyMessages = 30;
constexpr Milliseconds kHalfLife = seconds(60);
// So many groups without a message in flight are remembered before those are forgotten that took
// less than one part in so many of the consumers' time.
constexpr std::size_t kIdleMax = 10'000;
constexpr double kSmallPart = 1'000;

}  // namespace

double ConsumerShares::Recent::value(Timestamp now) const {
  if (now <= at) return sum;
  return sum * std::exp2(-static_cast<double>(now - at) / static_cast<double>(kHalfLife));
}

void ConsumerShares::Recent::add(double amount, Timestamp now) {
  sum = value(now) + amount;
  at = std::max(at, now);
}

ConsumerShares::Share* ConsumerShares::find(GroupKey group) {
  const auto it = shares_.find(group);
  return it == shares_.end() ? nullptr : &it->second;
}

const ConsumerShares::Share* ConsumerShares::find(GroupKey group) const {
  const auto it = shares_.find(group);
  return it == shares_.end() ? nullptr : &it->second;
}

void ConsumerShares::entered(GroupKey group, Timestamp sent_at) {
  if (group == GroupKey{}) return;
  const auto [it, added] = shares_.try_emplace(group);
  if (!added && it->second.in_flight == 0) --idle_;
  ++it->second.in_flight;
  it->second.sent_at = std::max(it->second.sent_at, sent_at);
}

void ConsumerShares::left(GroupKey group) {
  if (group == GroupKey{}) return;
  Share* const share = find(group);
  CHECK(share != nullptr && share->in_flight > 0);
  if (--share->in_flight == 0 && ++idle_ > kIdleMax) forget_small();
}

// Less than kSmallPart of the groups that have nothing in flight are left.
void ConsumerShares::forget_small() {
  const double least = time_.sum / kSmallPart;
  idle_ -= std::erase_if(shares_, [&](const auto& entry) {
    return entry.second.in_flight == 0 && entry.second.time.value(time_.at) <= least;
  });
}

void ConsumerShares::sent(GroupKey group, Timestamp now) {
  if (Share* const share = find(group)) share->sent_at = std::max(share->sent_at, now);
}

void ConsumerShares::received(GroupKey group, Timestamp now) {
  if (Share* const share = find(group)) share->messages.add(1, now);
}

void ConsumerShares::processed(GroupKey group, Milliseconds time, Timestamp now) {
  const auto amount = static_cast<double>(std::max<Milliseconds>(time, 0));
  time_.add(amount, now);
  if (Share* const share = find(group)) share->time.add(amount, now);
}

bool ConsumerShares::noisy(GroupKey group, std::uint64_t in_flight, Timestamp now) const {
  const Share* const share = find(group);
  if (share == nullptr || share->sent_at + kSilence <= now) return false;
  if (share->in_flight >= kNoisyMessages && share->in_flight * kNoisyPart > in_flight) return true;
  return share->messages.value(now) >= kNoisyMessages &&
         share->time.value(now) * kNoisyPart > time_.value(now);
}

std::uint64_t ConsumerShares::in_flight(GroupKey group) const {
  const Share* const share = find(group);
  return share == nullptr ? 0 : share->in_flight;
}

Timestamp ConsumerShares::sent_at(GroupKey group) const {
  const Share* const share = find(group);
  return share == nullptr ? Timestamp{} : share->sent_at;
}

std::size_t ConsumerShares::bytes() const {
  constexpr std::size_t kNode = 32;  // of the map, with what the allocator adds
  return shares_.size() * (sizeof(GroupKey) + sizeof(Share) + kNode);
}

void ConsumerShares::clear() {
  shares_.clear();
  time_ = {};
  idle_ = 0;
}

}  // namespace millrace
