#include "server/rate_limiter.h"

#include <algorithm>

#include "base/check.h"

namespace millrace {

RateLimiter::RateLimiter(RateLimit limit, std::size_t buckets_max)
    : per_second_(limit.per_second),
      parts_max_(limit.per_second * limit.burst_seconds * kToken),
      buckets_max_(buckets_max) {
  CHECK(limit.per_second > 0 && limit.burst_seconds > 0 && buckets_max > 0);
}

bool RateLimiter::take(std::string_view name, Timestamp now) {
  const std::lock_guard lock(mutex_);
  Bucket& its = bucket(name, now);
  // After this long it is full in any case; more would only overflow.
  const Milliseconds rest =
      std::clamp(now - its.filled_at, Milliseconds{0}, parts_max_ / per_second_);
  its.parts = std::min(its.parts + rest * per_second_, parts_max_);
  its.filled_at = std::max(its.filled_at, now);
  if (its.parts < kToken) return false;
  its.parts -= kToken;
  return true;
}

RateLimiter::Bucket& RateLimiter::bucket(std::string_view name, Timestamp now) {
  if (const auto found = names_.find(name); found != names_.end()) {
    buckets_.splice(buckets_.begin(), buckets_, found->second);
    return buckets_.front();
  }
  if (buckets_.size() == buckets_max_) {
    names_.erase(buckets_.back().name);
    buckets_.pop_back();
  }
  buckets_.push_front({std::string(name), parts_max_, now});
  names_.emplace(buckets_.front().name, buckets_.begin());
  return buckets_.front();
}

}  // namespace millrace
