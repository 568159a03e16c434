#include "service/registry.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <unordered_set>

#include "base/check.h"
#include "base/limits.h"
#include "queue/shard.h"
#include "runtime/shard_driver.h"
#include "service/definition.h"

namespace millrace {

using boost::asio::awaitable;

namespace {

std::size_t shard_number(QueueId queue) {
  return static_cast<std::size_t>(queue.value() >> limits::kQueueIdShardShift);
}

/// What the shards remember of queues and their names.
struct Remembered {
  std::vector<QueueInfo> queues;
  std::map<std::string, NameRow> names;
};

using Definitions = std::vector<std::pair<QueueId, std::string>>;

Expected<Definitions> definitions_of(const Shard& shard, Timestamp) {
  return shard.definitions();
}

}  // namespace

Registry::Registry(Options options, Directory& directory, std::span<ShardDriver* const> shards)
    : options_(std::move(options)),
      directory_(directory),
      shards_(shards),
      queue_counts_(shards.size()) {
  CHECK(!shards_.empty());
}

ShardDriver& Registry::driver_of(QueueId queue) const {
  CHECK(shard_number(queue) < shards_.size());
  return *shards_[shard_number(queue)];
}

QueueInfoPointer Registry::find(const QueueArn& arn) const {
  if (arn.region() != options_.region || arn.partition() != options_.region.partition()) {
    return nullptr;
  }
  return directory_.find(arn.account(), arn.name());
}

std::optional<QueueId> Registry::find_queue(std::string_view arn) const {
  const std::optional<QueueArn> parsed = QueueArn::parse(arn);
  const QueueInfoPointer info = parsed ? find(*parsed) : nullptr;
  if (!info) return std::nullopt;
  return info->id;
}

// @param shard the number of the shard that owns the queue.
QueueSettings Registry::settings_of(const QueueInfo& info, std::size_t shard) const {
  QueueSettings settings;
  settings.retention = seconds(info.config.retention_seconds);
  settings.fifo = info.config.fifo;
  if (info.config.fifo) settings.delay = seconds(info.config.delay_seconds);
  settings.deduplicate_by_group =
      info.config.deduplication_scope == DeduplicationScope::message_group;
  settings.arn = arn_of(info).text();
  settings.encryption.on = info.config.managed_encryption || !info.config.kms_key.empty();
  if (!info.config.kms_key.empty()) {
    settings.encryption.master_key = info.config.kms_key;
    settings.encryption.reuse = seconds(info.config.kms_reuse_seconds);
  }
  if (const std::optional<RedrivePolicy>& policy = info.config.redrive_policy) {
    settings.receive_count_max = static_cast<std::uint32_t>(policy->receive_count_max);
    if (const QueueInfoPointer target = find(policy->target)) {
      settings.dead_letter_queue = target->id;
      settings.dead_letters_leave_shard = shard_number(target->id) != shard;
    }
  }
  return settings;
}

// @return InvalidAttributeValue for a policy that says nothing that could be meant.
Expected<void> Registry::compile_policy(QueueInfo& info) const {
  info.policy = nullptr;
  if (info.config.policy.empty()) return {};
  Expected<Policy> policy = Policy::of_queue(info.config.policy, arn_of(info));
  if (!policy) return policy.error();
  info.policy = std::make_shared<const Policy>(std::move(*policy));
  return {};
}

awaitable<Expected<void>> Registry::restore() {
  const AsyncLock::Held held = co_await lock_.hold();
  Remembered remembered;
  for (ShardDriver* shard : shards_) {
    const Expected<Definitions> definitions = co_await shard->call(definitions_of);
    if (!definitions) co_return definitions.error();
    for (const auto& [id, bytes] : *definitions) {
      Expected<QueueInfo> info = decode_definition(id, bytes);
      if (!info) co_return info.error();
      const Expected<void> compiled = compile_policy(*info);
      if (!compiled) co_return compiled.error();
      remembered.queues.push_back(std::move(*info));
    }
  }
  using Names = std::map<std::string, std::string>;
  const auto names_of = [](const Shard& shard, Timestamp) -> Expected<Names> {
    return shard.names();
  };
  const Expected<Names> names = co_await shards_.front()->call(names_of);
  if (!names) co_return names.error();
  for (const auto& [key, bytes] : *names) {
    const Expected<NameRow> row = decode_name_row(bytes);
    if (!row) co_return row.error();
    remembered.names.emplace(key, *row);
  }

  // A definition without its name is a creation or a deletion that a crash cut short.
  std::unordered_set<QueueId> complete;
  for (QueueInfo& info : remembered.queues) {
    const auto row = remembered.names.find(name_key(info.account, info.name));
    const QueueId id = info.id;
    if (row != remembered.names.end() && row->second == NameRow(id)) {
      complete.insert(id);
      ++of_account_[info.account];
      directory_.publish(std::make_shared<const QueueInfo>(std::move(info)));
      ++queue_counts_[shard_number(id)];
      continue;
    }
    const auto erase = [id](Shard& shard, Timestamp) { return shard.delete_queue(id); };
    const Expected<void> erased = co_await driver_of(id).call(erase);
    if (!erased) co_return erased.error();
  }

  std::vector<std::string> dangling;
  for (const auto& [key, row] : remembered.names) {
    if (const Timestamp* deleted_at = std::get_if<Timestamp>(&row)) {
      tombstones_.push_back({*deleted_at, key});
    } else if (!complete.contains(std::get<QueueId>(row))) {
      dangling.push_back(key);
    }
  }
  std::ranges::sort(tombstones_, {}, &Tombstone::deleted_at);
  const auto erase_names = [&dangling](Shard& shard, Timestamp) -> Expected<void> {
    for (const std::string& key : dangling) shard.set_name(key, {});
    return {};
  };
  if (!dangling.empty()) {
    const Expected<void> erased = co_await shards_.front()->call(erase_names);
    if (!erased) co_return erased.error();
  }

  const auto configure_all = [this](Shard& shard, Timestamp) -> Expected<void> {
    configure(shard);
    return {};
  };
  for (ShardDriver* shard : shards_) {
    const Expected<void> configured = co_await shard->call(configure_all);
    if (!configured) co_return configured.error();
  }
  co_return Expected<void>();
}

void Registry::configure(Shard& shard) const {
  for (const auto& [id, bytes] : shard.definitions()) {
    const Expected<QueueInfo> info = decode_definition(id, bytes);
    if (info) shard.configure_queue(id, settings_of(*info, shard_number(id)));
  }
}

Expected<void> Registry::check_dead_letter_target(const QueueArn& source,
                                                  const RedrivePolicy& policy,
                                                  std::string_view text) const {
  const auto refusal = [&](std::string_view reason) {
    return invalid_parameter(text, "RedrivePolicy", reason);
  };
  if (source.name().is_fifo() != policy.target.name().is_fifo()) {
    return refusal("Dead-letter queue must be same type of queue as the source..");
  }
  const QueueInfoPointer target =
      source.account() == policy.target.account() ? find(policy.target) : nullptr;
  if (!target) return refusal("Dead letter target does not exist.");
  const std::optional<RedriveAllowPolicy>& allowed = target->config.redrive_allow_policy;
  if (allowed && !allowed->allows(source)) {
    return refusal("Dead-letter target does not allow this queue as a source.");
  }
  return {};
}

Expected<QueueConfig> Registry::config_of_new(const NewQueue& wanted) const {
  Expected<QueueConfig> config = create_config(wanted.name, wanted.attributes);
  if (!config) return config;
  if (config->redrive_policy) {
    const QueueArn arn(options_.region, wanted.account, wanted.name);
    const Expected<void> checked = check_dead_letter_target(arn, *config->redrive_policy,
                                                            wanted.attributes.at("RedrivePolicy"));
    if (!checked) return checked.error();
  }
  return config;
}

awaitable<Expected<QueueInfoPointer>> Registry::create(NewQueue wanted) {
  const AsyncLock::Held held = co_await lock_.hold();
  if (QueueInfoPointer existing = directory_.find(wanted.account, wanted.name)) {
    const Expected<void> same = require_same_config(existing->config, wanted.attributes);
    if (!same) co_return same.error();
    co_return existing;
  }
  Expected<QueueConfig> config = config_of_new(wanted);
  if (!config) co_return config.error();
  const Expected<void> room = check_room(wanted.account);
  if (!room) co_return room.error();
  co_return co_await make(std::move(wanted), std::move(*config));
}

awaitable<Expected<QueueInfoPointer>> Registry::make(NewQueue wanted, QueueConfig config) {
  const std::string key = name_key(wanted.account, wanted.name);
  const Expected<void> free = co_await check_name_is_free(key);
  if (!free) co_return free.error();

  const auto info = std::make_shared<QueueInfo>(QueueInfo{.id = {},
                                                          .account = std::move(wanted.account),
                                                          .name = std::move(wanted.name),
                                                          .config = std::move(config),
                                                          .tags = std::move(wanted.tags),
                                                          .created_at = {},
                                                          .modified_at = {}});
  const Expected<void> compiled = compile_policy(*info);
  if (!compiled) co_return compiled.error();
  const auto emptiest = std::ranges::min_element(queue_counts_) - queue_counts_.begin();
  const auto number = static_cast<std::size_t>(emptiest);
  const auto create_on = [this, number, &info = *info](Shard& shard,
                                                       Timestamp now) -> Expected<QueueId> {
    info.created_at = now;
    info.modified_at = now;
    return shard.create_queue(encode_definition(info), settings_of(info, number), now);
  };
  const Expected<QueueId> id = co_await shards_[number]->call(create_on);
  if (!id) co_return id.error();
  info->id = *id;

  const Expected<void> named = co_await set_name(key, *id);
  if (!named) {
    // Without its name the queue is no queue. If this fails too, the next start removes it.
    const auto erase = [queue = *id](Shard& shard, Timestamp) { return shard.delete_queue(queue); };
    static_cast<void>(co_await shards_[number]->call(erase));
    co_return named.error();
  }
  directory_.publish(info);
  ++queue_counts_[number];
  ++of_account_[info->account];
  // A shard that fails here gives its queues their settings again when it comes back.
  static_cast<void>(co_await configure_sources(arn_of(*info)));
  co_return QueueInfoPointer(info);
}

// SQS itself has no such limit; OverLimit is what its other limits of an account are told by, and
// what no SDK tries again.
Expected<void> Registry::check_room(const AccountId& account) const {
  const auto count = of_account_.find(account);
  const std::size_t queues = count == of_account_.end() ? 0 : count->second;
  if (options_.queues_max == 0 || queues < options_.queues_max) return {};
  return ApiError(
      ErrorCode::over_limit,
      "An account may have " + std::to_string(options_.queues_max) + " queues on this server.");
}

awaitable<Expected<void>> Registry::check_name_is_free(std::string key) {
  const auto check = [&](const Shard& shard, Timestamp now) -> Expected<void> {
    const auto found = shard.names().find(key);
    if (found == shard.names().end()) return {};
    const Expected<NameRow> row = decode_name_row(found->second);
    if (!row) return row.error();
    const Timestamp* deleted_at = std::get_if<Timestamp>(&*row);
    if (deleted_at && now < *deleted_at + options_.name_reuse_interval) {
      return ApiError(ErrorCode::queue_deleted_recently);
    }
    return {};
  };
  co_return co_await shards_.front()->call(check);
}

awaitable<Expected<void>> Registry::set_name(std::string key, QueueId queue) {
  // Tombstones that block no name any more go along.
  const auto set = [&](Shard& shard, Timestamp now) -> Expected<std::size_t> {
    std::size_t outdated = 0;
    for (; outdated < tombstones_.size(); ++outdated) {
      const Tombstone& tombstone = tombstones_[outdated];
      if (now < tombstone.deleted_at + options_.name_reuse_interval) break;
      const auto row = shard.names().find(tombstone.key);
      if (row != shard.names().end() && row->second == encode_name_row(tombstone.deleted_at)) {
        shard.set_name(tombstone.key, {});
      }
    }
    shard.set_name(key, encode_name_row(queue));
    return outdated;
  };
  const Expected<std::size_t> outdated = co_await shards_.front()->call(set);
  if (!outdated) co_return outdated.error();
  tombstones_.erase(tombstones_.begin(),
                    tombstones_.begin() + static_cast<std::ptrdiff_t>(*outdated));
  co_return Expected<void>();
}

awaitable<Expected<void>> Registry::configure_sources(QueueArn target) {
  for (const QueueInfoPointer& source : directory_.dead_letter_sources(target)) {
    const auto configure_source = [this, &source](Shard& shard, Timestamp) -> Expected<void> {
      shard.configure_queue(source->id, settings_of(*source, shard_number(source->id)));
      return {};
    };
    const Expected<void> configured = co_await driver_of(source->id).call(configure_source);
    if (!configured) co_return configured.error();
  }
  co_return Expected<void>();
}

awaitable<Expected<QueueInfoPointer>> Registry::change(AccountId account, QueueName name, Part part,
                                                       Edit edit) {
  const AsyncLock::Held held = co_await lock_.hold();
  const QueueInfoPointer before = directory_.find(account, name);
  if (!before) co_return ApiError(ErrorCode::queue_does_not_exist);
  const auto info = std::make_shared<QueueInfo>(*before);
  const Expected<void> edited = edit(*info);
  if (!edited) co_return edited.error();
  if (info->config.policy != before->config.policy) {
    const Expected<void> compiled = compile_policy(*info);
    if (!compiled) co_return compiled.error();
  }

  const auto define = [this, part, &info = *info](Shard& shard, Timestamp now) {
    if (part == Part::config) info.modified_at = now;
    return shard.define_queue(info.id, encode_definition(info),
                              settings_of(info, shard_number(info.id)));
  };
  const Expected<void> defined = co_await driver_of(info->id).call(define);
  if (!defined) co_return defined.error();
  directory_.publish(info);
  co_return QueueInfoPointer(info);
}

awaitable<Expected<void>> Registry::remove(AccountId account, QueueName name) {
  const AsyncLock::Held held = co_await lock_.hold();
  const QueueInfoPointer info = directory_.find(account, name);
  if (!info) co_return ApiError(ErrorCode::queue_does_not_exist);

  const std::string key = name_key(account, name);
  const auto bury = [&key](Shard& shard, Timestamp now) -> Expected<Timestamp> {
    shard.set_name(key, encode_name_row(now));
    return now;
  };
  const Expected<Timestamp> deleted_at = co_await shards_.front()->call(bury);
  if (!deleted_at) co_return deleted_at.error();
  tombstones_.push_back({*deleted_at, key});

  // From here on the queue is deleted: a restart would finish what fails now.
  const auto erase = [id = info->id](Shard& shard, Timestamp) { return shard.delete_queue(id); };
  static_cast<void>(co_await driver_of(info->id).call(erase));
  directory_.withdraw(account, name);
  --queue_counts_[shard_number(info->id)];
  if (--of_account_[account] == 0) of_account_.erase(account);
  static_cast<void>(co_await configure_sources(arn_of(*info)));
  co_return Expected<void>();
}

}  // namespace millrace
