// Registry: makes, changes and removes queues, durably, one change after the other.
//
// A queue lives in two places: its definition on the shard that holds its messages, and its name on
// shard 0. A queue is made definition first and removed name first, so that whatever a crash leaves
// is either a definition without a name, which restore() removes, or a complete queue.
//
// Owned by the server; destroyed before the io_contexts on which its functions are awaited. All
// functions may be awaited on any thread. A change waits for the changes before it.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "base/clock.h"
#include "base/error.h"
#include "base/limits.h"
#include "model/attributes.h"
#include "queue/queue.h"
#include "service/async_lock.h"
#include "service/directory.h"

namespace millrace {

class Shard;
class ShardDriver;

class Registry {
 public:
  struct Options {
    Region region;  // of every queue's ARN
    /// How long the name of a deleted queue is blocked; 0 relaxes the rule.
    Milliseconds name_reuse_interval = limits::kNameReuseInterval;
    std::size_t queues_max = 0;  // of one account; 0: no limit
  };

  /// @param shards by number, at least one; they and `directory` outlive the registry.
  Registry(Options options, Directory& directory, std::span<ShardDriver* const> shards);

  /// At the start, before the first request: fills the directory from what the shards remember,
  /// removes what a crash left half made or half removed, and gives every queue its settings.
  /// @return ServiceUnavailable when a shard fails; InternalFailure when a row is malformed.
  boost::asio::awaitable<Expected<void>> restore();

  /// Gives the queues of `shard` their settings, which are not stored: after its store has been
  /// opened again (ShardDriverOptions::reopened). On the shard's thread.
  void configure(Shard& shard) const;

  /// What CreateQueue asks for.
  struct NewQueue {
    AccountId account;
    QueueName name;
    AttributeMap attributes;  // as given: for the comparison with a queue that exists
    TagMap tags;
  };
  /// Makes a queue, unless it exists with the attributes given.
  /// @return the queue; the errors of create_config() and of a RedrivePolicy's target,
  /// QueueNameExists, QueueDeletedRecently, OverLimit, ServiceUnavailable.
  boost::asio::awaitable<Expected<QueueInfoPointer>> create(NewQueue wanted);

  /// What a change is of: only that of the config moves LastModifiedTimestamp.
  enum class Part { config, tags };
  /// Changes a copy of what is published, or returns the error that ends the change.
  using Edit = std::function<Expected<void>(QueueInfo& info)>;
  /// Changes a queue's config or tags. @param edit runs on the caller's thread, with no other
  /// change under way. @return the queue as it is now; QueueDoesNotExist, the error of `edit`,
  /// ServiceUnavailable.
  boost::asio::awaitable<Expected<QueueInfoPointer>> change(AccountId account, QueueName name,
                                                            Part part, Edit edit);

  /// Removes a queue with its messages. @return QueueDoesNotExist or ServiceUnavailable.
  boost::asio::awaitable<Expected<void>> remove(AccountId account, QueueName name);

  /// Checks the target of a RedrivePolicy that `source` is to get: it must exist, in the same
  /// account and region, be of the same kind, and allow it.
  /// @param text the policy as it was given, for the error's text. @return InvalidParameterValue.
  Expected<void> check_dead_letter_target(const QueueArn& source, const RedrivePolicy& policy,
                                          std::string_view text) const;

  QueueArn arn_of(const QueueInfo& info) const {
    return {options_.region, info.account, info.name};
  }
  /// @return the queue that `arn` names, or null.
  QueueInfoPointer find(const QueueArn& arn) const;
  /// ShardOptions::find_queue: the same for the text of an ARN. Any thread, without waiting.
  std::optional<QueueId> find_queue(std::string_view arn) const;

 private:
  struct Tombstone {
    Timestamp deleted_at;
    std::string key;
  };

  ShardDriver& driver_of(QueueId queue) const;
  QueueSettings settings_of(const QueueInfo& info, std::size_t shard) const;
  Expected<void> compile_policy(QueueInfo& info) const;
  Expected<QueueConfig> config_of_new(const NewQueue& wanted) const;
  boost::asio::awaitable<Expected<QueueInfoPointer>> make(NewQueue wanted, QueueConfig config);
  Expected<void> check_room(const AccountId& account) const;
  boost::asio::awaitable<Expected<void>> check_name_is_free(std::string key);
  boost::asio::awaitable<Expected<void>> set_name(std::string key, QueueId queue);
  boost::asio::awaitable<Expected<void>> configure_sources(QueueArn target);

  const Options options_;
  Directory& directory_;
  const std::span<ShardDriver* const> shards_;

  AsyncLock lock_;  // one change at a time
  // What follows belongs to the change that is under way, on whatever thread it runs.
  std::vector<std::size_t> queue_counts_;        // by shard
  std::map<AccountId, std::size_t> of_account_;  // how many queues each account has
  std::deque<Tombstone> tombstones_;  // of names that shard 0 still has rows of, oldest first
};

}  // namespace millrace
