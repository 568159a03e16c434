// Directory: which queues there are. A snapshot that every thread reads freely and without waiting.
//
// Owned by the server for as long as it runs. find() and the lists may be called on any thread;
// publish() and withdraw() are the Registry's, which makes one change at a time and calls them only
// once the change is durable. So a reply never tells of a queue that a crash could take back.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "auth/policy.h"
#include "base/clock.h"
#include "model/attributes.h"
#include "model/message.h"
#include "model/names.h"
#include "model/tags.h"

namespace millrace {

/// What there is to know of a queue but for its messages. Never changed once published: a change of
/// the queue publishes another one.
struct QueueInfo {
  QueueId id;
  AccountId account;
  QueueName name;
  QueueConfig config;
  TagMap tags;
  Timestamp created_at;
  Timestamp modified_at;
  std::shared_ptr<const Policy> policy = {};  // config.policy, compiled; null: there is none

  friend bool operator==(const QueueInfo&, const QueueInfo&) = default;
};

using QueueInfoPointer = std::shared_ptr<const QueueInfo>;

class Directory {
 public:
  Directory();
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;

  /// @return the queue, or null if there is none of that name in that account.
  QueueInfoPointer find(const AccountId& account, const QueueName& name) const;

  /// The queues of `account` whose names start with `prefix`, sorted by name.
  std::vector<QueueInfoPointer> list(const AccountId& account, std::string_view prefix = {}) const;

  /// The queues whose RedrivePolicy names `target`, sorted by account and name.
  std::vector<QueueInfoPointer> dead_letter_sources(const QueueArn& target) const;

  /// Every queue, in no order.
  std::vector<QueueInfoPointer> all() const;

  /// Adds a queue, or replaces what is known of it.
  void publish(QueueInfoPointer info);
  /// Removes a queue; nothing happens if it is not there.
  void withdraw(const AccountId& account, const QueueName& name);

 private:
  // A change copies one bucket, so that its cost does not grow with the number of queues as fast.
  static constexpr std::size_t kBuckets = 256;

  struct Key {
    const AccountId* account;
    const QueueName* name;
  };
  struct Hash {
    std::size_t operator()(const Key& key) const noexcept;
  };
  struct Equal {
    bool operator()(const Key& a, const Key& b) const noexcept {
      return *a.name == *b.name && *a.account == *b.account;
    }
  };
  // The pointers of a key point into its value.
  using Bucket = std::unordered_map<Key, QueueInfoPointer, Hash, Equal>;

  const std::atomic<std::shared_ptr<const Bucket>>& bucket(const Key& key) const {
    return buckets_[Hash{}(key) % kBuckets];
  }
  std::atomic<std::shared_ptr<const Bucket>>& bucket(const Key& key) {
    return buckets_[Hash{}(key) % kBuckets];
  }
  template <class Predicate>
  std::vector<QueueInfoPointer> select(Predicate predicate) const;

  std::array<std::atomic<std::shared_ptr<const Bucket>>, kBuckets> buckets_;
};

}  // namespace millrace
