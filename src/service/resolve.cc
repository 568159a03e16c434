#include "service/resolve.h"

#include "base/check.h"
#include "base/limits.h"
#include "service/authorize.h"

namespace millrace {

ShardDriver& Service::shard_of(QueueId queue) const {
  const auto number = static_cast<std::size_t>(queue.value() >> limits::kQueueIdShardShift);
  CHECK(number < shards.size());
  return *shards[number];
}

Expected<QueueInfoPointer> find_queue(const Context& context, std::string_view queue_url) {
  const Expected<QueueUrl> url = QueueUrl::parse(queue_url);
  QueueInfoPointer info;
  if (url) {
    const AccountId& account = url->account ? *url->account : context.caller->account;
    info = context.service.directory.find(account, url->name);
    if (!info) note_queue(context.notes, context.service.region, account, url->name.text());
  }
  const Expected<void> allowed = info ? authorize(context, *info) : authorize(context);
  if (!allowed) return allowed.error();
  if (!info) return ApiError(ErrorCode::queue_does_not_exist);
  return info;
}

std::string url_of(const Context& context, const QueueInfo& info) {
  return queue_url_text(context.base_url, info.account, info.name);
}

AttributeMap to_map(const api::TextMap& pairs) {
  AttributeMap map;
  for (const auto& [key, value] : pairs) map.insert_or_assign(key, value);
  return map;
}

}  // namespace millrace
