// The actions on a queue's tags and permissions. What a policy allows is decided in auth/.
#include <string>
#include <utility>
#include <vector>

#include "model/policy_text.h"
#include "model/tags.h"
#include "service/handlers.h"
#include "service/registry.h"
#include "service/resolve.h"

namespace millrace {

namespace {

// Finds the queue, edits it, and answers with nothing but success.
Answer<api::NoOutput> edit_queue(Context& context, const std::string& queue_url,
                                 Registry::Part part, const Registry::Edit& edit,
                                 const RequestTags& tags = {}) {
  const Expected<QueueInfoPointer> found = find_queue(context, queue_url, tags);
  if (!found) co_return found.error();
  const Expected<QueueInfoPointer> changed =
      co_await context.service.registry.change((*found)->account, (*found)->name, part, edit);
  if (!changed) co_return changed.error();
  co_return api::NoOutput();
}

}  // namespace

Answer<api::TagQueueResponse> tag_queue(Context& context, api::TagQueueRequest& request) {
  const TagMap given = to_map(request.tags);
  const std::vector<std::string> keys = keys_of(given);
  const Registry::Edit edit = [&](QueueInfo& info) -> Expected<void> {
    Expected<TagMap> tags = add_tags(info.tags, given);
    if (!tags) return tags.error();
    info.tags = std::move(*tags);
    return {};
  };
  co_return co_await edit_queue(context, request.queue_url, Registry::Part::tags, edit,
                                {.tags = &given, .keys = keys});
}

Answer<api::UntagQueueResponse> untag_queue(Context& context, api::UntagQueueRequest& request) {
  const Registry::Edit edit = [&](QueueInfo& info) -> Expected<void> {
    for (const std::string& key : request.tag_keys) info.tags.erase(key);
    return {};
  };
  co_return co_await edit_queue(context, request.queue_url, Registry::Part::tags, edit,
                                {.keys = request.tag_keys});
}

Answer<api::ListQueueTagsResponse> list_queue_tags(Context& context,
                                                   api::ListQueueTagsRequest& request) {
  const Expected<QueueInfoPointer> info = find_queue(context, request.queue_url);
  if (!info) co_return info.error();
  const TagMap& tags = (*info)->tags;
  co_return api::ListQueueTagsResponse{.tags = api::TextMap(tags.begin(), tags.end())};
}

Answer<api::AddPermissionResponse> add_permission(Context& context,
                                                  api::AddPermissionRequest& request) {
  const Registry& registry = context.service.registry;
  const Registry::Edit edit = [&](QueueInfo& info) -> Expected<void> {
    Expected<std::string> policy =
        millrace::add_permission(info.config.policy, registry.arn_of(info), request.label,
                                 request.aws_account_ids, request.actions);
    if (!policy) return policy.error();
    info.config.policy = std::move(*policy);
    return {};
  };
  co_return co_await edit_queue(context, request.queue_url, Registry::Part::config, edit);
}

Answer<api::RemovePermissionResponse> remove_permission(Context& context,
                                                        api::RemovePermissionRequest& request) {
  const Registry::Edit edit = [&](QueueInfo& info) -> Expected<void> {
    Expected<std::string> policy = millrace::remove_permission(info.config.policy, request.label);
    if (!policy) return policy.error();
    info.config.policy = std::move(*policy);
    return {};
  };
  co_return co_await edit_queue(context, request.queue_url, Registry::Part::config, edit);
}

}  // namespace millrace
