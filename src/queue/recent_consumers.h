// RecentConsumers: who has received from a queue lately, for the console. A bounded table; what was
// there longest without a receive gives way to a consumer that is new.
//
// A receive of a consumer that is known allocates nothing. Owned by its shard, on its thread.
// Forgotten with the process.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "queue/waiters.h"

namespace millrace {

struct RecentConsumer {
  std::string source_address;
  std::string principal_arn;  // empty: not known
  std::string user_agent;     // its beginning
  Timestamp last_receive;
  std::uint64_t receives = 0;
  std::uint64_t messages = 0;  // handed out to it
};

class RecentConsumers {
 public:
  /// A receive has come.
  void received(const Consumer& consumer, Timestamp now);
  /// It has brought `messages`.
  void delivered(const Consumer& consumer, std::uint64_t messages);

  /// In no order.
  const std::vector<RecentConsumer>& all() const { return consumers_; }

 private:
  RecentConsumer* find(const Consumer& consumer);

  std::vector<RecentConsumer> consumers_;
};

}  // namespace millrace
