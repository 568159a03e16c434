#include "service/resolve.h"

#include "base/check.h"
#include "base/limits.h"

namespace millrace {

ShardDriver& Service::shard_of(QueueId queue) const {
  const auto number = static_cast<std::size_t>(queue.value() >> limits::kQueueIdShardShift);
  CHECK(number < shards.size());
  return *shards[number];
}

namespace {

// @param may_do whether the caller may do with the queue what it wants.
template <class Authorize>
Expected<QueueInfoPointer> find_allowed(const Context& context, std::string_view queue_url,
                                        const Authorize& may_do) {
  const Expected<QueueUrl> url = QueueUrl::parse(queue_url);
  if (!url) {
    if (const Expected<void> allowed = deny_nobody(context); !allowed) return allowed.error();
    return ApiError(ErrorCode::queue_does_not_exist);
  }
  const AccountId& account = url->account ? *url->account : context.caller->account;
  QueueInfoPointer info = context.service.directory.find(account, url->name);
  const Resource resource(account, url->name.text(), info.get());
  const Expected<void> allowed = may_do(resource);
  if (!allowed) return allowed.error();
  if (!info) return ApiError(ErrorCode::queue_does_not_exist);
  return info;
}

}  // namespace

Expected<QueueInfoPointer> find_queue(const Context& context, std::string_view queue_url,
                                      const RequestTags& tags) {
  return find_allowed(context, queue_url,
                      [&](const Resource& resource) { return authorize(context, resource, tags); });
}

Expected<QueueInfoPointer> find_queue(const Context& context, PolicyAction action,
                                      std::string_view queue_url) {
  return find_allowed(context, queue_url, [&](const Resource& resource) {
    return authorize(context, action, resource);
  });
}

std::string url_of(const Context& context, const QueueInfo& info) {
  return queue_url_text(context.base_url, info.account, info.name);
}

AttributeMap to_map(const api::TextMap& pairs) {
  AttributeMap map;
  for (const auto& [key, value] : pairs) map.insert_or_assign(key, value);
  return map;
}

std::vector<std::string> keys_of(const TagMap& tags) {
  std::vector<std::string> keys;
  keys.reserve(tags.size());
  for (const auto& [key, value] : tags) keys.push_back(key);
  return keys;
}

}  // namespace millrace
