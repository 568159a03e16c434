// RateLimiter: how many requests each account, or each client, may make in a second.
//
// Each has a bucket of tokens, which fills at the rate up to the burst; a request takes one. Shared
// by all cores, so a limit is that of the whole server and holds exactly. Any thread.
//
// It remembers so many buckets; where there are more, the one used longest ago is forgotten, and is
// full when it comes again. Time is that of the caller and may stand still, but not go back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/clock.h"

namespace millrace {

struct RateLimit {
  std::int64_t per_second = 0;     // at least 1
  std::int64_t burst_seconds = 1;  // at least 1: what so many seconds allow may come at once
};

class RateLimiter {
 public:
  /// @param buckets_max at least 1.
  RateLimiter(RateLimit limit, std::size_t buckets_max);

  /// Takes a token out of the bucket `name`. @return false if there is none: the request is to be
  /// refused.
  bool take(std::string_view name, Timestamp now);

 private:
  // A token has a thousand parts: at a rate of one a second, one part comes in a millisecond.
  static constexpr std::int64_t kToken = 1000;

  struct Bucket {
    std::string name;
    std::int64_t parts;
    Timestamp filled_at;
  };
  using Buckets = std::list<Bucket>;

  Bucket& bucket(std::string_view name, Timestamp now);

  const std::int64_t per_second_;
  const std::int64_t parts_max_;
  const std::size_t buckets_max_;
  std::mutex mutex_;
  Buckets buckets_;                                                // the one used last comes first
  std::unordered_map<std::string_view, Buckets::iterator> names_;  // views of the buckets' own
};

}  // namespace millrace
