// The actions on queues as such: create, delete, find, list, attributes and purge.
#include <algorithm>
#include <string_view>
#include <utility>

#include "queue/shard.h"
#include "runtime/shard_driver.h"
#include "service/authorize.h"
#include "service/handlers.h"
#include "service/paging.h"
#include "service/registry.h"
#include "service/resolve.h"

namespace millrace {

namespace {

Expected<QueueName> parse_name(const std::optional<std::string>& name) {
  if (!name) {
    return ApiError(ErrorCode::invalid_parameter_value,
                    "Value for parameter QueueName is invalid. Reason: Must specify a queue name.");
  }
  return QueueName::parse(*name);
}

std::vector<std::string> urls_of(const Context& context,
                                 const std::vector<QueueInfoPointer>& queues) {
  std::vector<std::string> urls;
  urls.reserve(queues.size());
  for (const QueueInfoPointer& info : queues) urls.push_back(url_of(context, *info));
  return urls;
}

// Only these attributes are the shard's to tell.
bool wants_counts(const std::vector<std::string>& names) {
  return std::ranges::any_of(names, [](const std::string& name) {
    return name == "All" || name.starts_with("ApproximateNumberOfMessages");
  });
}

// Tags need leave of their own.
Expected<void> authorize_creation(const Context& context, const QueueName& name,
                                  const api::CreateQueueRequest& request) {
  const AccountId& account = context.caller->account;
  const QueueInfoPointer there = context.service.directory.find(account, name);
  const Resource resource(account, name.text(), there.get());
  if (request.tags.empty()) return authorize(context, resource);
  const TagMap tags = to_map(request.tags);
  const std::vector<std::string> keys = keys_of(tags);
  const RequestTags asked{.tags = &tags, .keys = keys};
  const Expected<void> created = authorize(context, resource, asked);
  if (!created) return created;
  return authorize(context, PolicyAction::tag_queue, resource, asked);
}

}  // namespace

Answer<api::CreateQueueResponse> create_queue(Context& context, api::CreateQueueRequest& request) {
  const std::string_view given_name = request.queue_name ? *request.queue_name : std::string_view();
  note_queue(context.notes, context.service.region, context.caller->account, given_name);
  if (const Expected<void> known = deny_nobody(context); !known) co_return known.error();
  const Expected<QueueName> name = parse_name(request.queue_name);
  if (!name) co_return name.error();
  const Expected<void> allowed = authorize_creation(context, *name, request);
  if (!allowed) co_return allowed.error();
  TagMap tags;
  if (!request.tags.empty()) {
    Expected<TagMap> given = add_tags({}, to_map(request.tags));
    if (!given) co_return given.error();
    tags = std::move(*given);
  }
  Registry::NewQueue wanted{.account = context.caller->account,
                            .name = *name,
                            .attributes = to_map(request.attributes),
                            .tags = std::move(tags)};
  const Expected<QueueInfoPointer> info =
      co_await context.service.registry.create(std::move(wanted));
  if (!info) co_return info.error();
  co_return api::CreateQueueResponse{.queue_url = url_of(context, **info)};
}

Answer<api::DeleteQueueResponse> delete_queue(Context& context, api::DeleteQueueRequest& request) {
  const Expected<QueueInfoPointer> info = find_queue(context, request.queue_url);
  if (!info) co_return info.error();
  const Expected<void> removed =
      co_await context.service.registry.remove((*info)->account, (*info)->name);
  if (!removed) co_return removed.error();
  co_return api::DeleteQueueResponse();
}

Answer<api::GetQueueUrlResponse> get_queue_url(Context& context, api::GetQueueUrlRequest& request) {
  const Expected<QueueName> name = parse_name(request.queue_name);
  if (!name) co_return name.error();
  std::optional<AccountId> account = context.caller->account;
  if (request.queue_owner_aws_account_id) {
    account = AccountId::parse(*request.queue_owner_aws_account_id);
  }
  if (!account) {
    if (const Expected<void> known = deny_nobody(context); !known) co_return known.error();
    co_return ApiError(ErrorCode::queue_does_not_exist);
  }
  const QueueInfoPointer info = context.service.directory.find(*account, *name);
  const Expected<void> allowed = authorize(context, Resource(*account, name->text(), info.get()));
  const bool stranger = *account != context.caller->account && !context.caller->anonymous();
  if (!allowed && !stranger) co_return allowed.error();
  // Who has no access to a queue of another account is not told whether there is one.
  if (!info || !allowed) co_return ApiError(ErrorCode::queue_does_not_exist);
  co_return api::GetQueueUrlResponse{.queue_url = url_of(context, *info)};
}

Answer<api::ListQueuesResponse> list_queues(Context& context, api::ListQueuesRequest& request) {
  const AccountId& account = context.caller->account;
  const Expected<void> allowed = authorize(context, Resource(account, {}, nullptr));
  if (!allowed) co_return allowed.error();
  const std::string prefix = request.queue_name_prefix.value_or(std::string());
  const PageWanted wanted{.scope = "queues/" + account.text() + "/" + prefix,
                          .next_token = std::move(request.next_token),
                          .max_results = request.max_results};
  Expected<Page> page = cut_page(context.service.directory.list(account, prefix), wanted);
  if (!page) co_return page.error();
  co_return api::ListQueuesResponse{.queue_urls = urls_of(context, page->queues),
                                    .next_token = std::move(page->next_token)};
}

Answer<api::ListDeadLetterSourceQueuesResponse> list_dead_letter_source_queues(
    Context& context, api::ListDeadLetterSourceQueuesRequest& request) {
  const Expected<QueueInfoPointer> info = find_queue(context, request.queue_url);
  if (!info) co_return info.error();
  const QueueArn arn = context.service.registry.arn_of(**info);
  const PageWanted wanted{.scope = "sources/" + arn.text(),
                          .next_token = std::move(request.next_token),
                          .max_results = request.max_results};
  Expected<Page> page = cut_page(context.service.directory.dead_letter_sources(arn), wanted);
  if (!page) co_return page.error();
  co_return api::ListDeadLetterSourceQueuesResponse{.queue_urls = urls_of(context, page->queues),
                                                    .next_token = std::move(page->next_token)};
}

Answer<api::GetQueueAttributesResponse> get_queue_attributes(
    Context& context, api::GetQueueAttributesRequest& request) {
  const Expected<QueueInfoPointer> info = find_queue(context, request.queue_url);
  if (!info) co_return info.error();
  QueueFacts facts{.arn = context.service.registry.arn_of(**info),
                   .created_at = (*info)->created_at,
                   .modified_at = (*info)->modified_at};
  if (wants_counts(request.attribute_names)) {
    const auto count = [queue = (*info)->id](Shard& shard, Timestamp now) {
      return shard.counts(queue, now);
    };
    const Expected<QueueCounts> counts = co_await context.service.shard_of((*info)->id).call(count);
    if (!counts) co_return counts.error();
    facts.visible = counts->visible;
    facts.in_flight = counts->in_flight;
    facts.delayed = counts->delayed;
  }
  Expected<AttributeMap> attributes = describe((*info)->config, facts, request.attribute_names);
  if (!attributes) co_return attributes.error();
  co_return api::GetQueueAttributesResponse{
      .attributes = api::TextMap(attributes->begin(), attributes->end())};
}

Answer<api::SetQueueAttributesResponse> set_queue_attributes(
    Context& context, api::SetQueueAttributesRequest& request) {
  const Expected<QueueInfoPointer> found = find_queue(context, request.queue_url);
  if (!found) co_return found.error();
  const AttributeMap attributes = to_map(request.attributes);
  const Registry& registry = context.service.registry;
  const Registry::Edit edit = [&](QueueInfo& info) -> Expected<void> {
    Expected<QueueConfig> config = change_config(info.config, attributes);
    if (!config) return config.error();
    const auto redrive = attributes.find("RedrivePolicy");
    if (redrive != attributes.end() && config->redrive_policy) {
      const Expected<void> checked = registry.check_dead_letter_target(
          registry.arn_of(info), *config->redrive_policy, redrive->second);
      if (!checked) return checked.error();
    }
    info.config = std::move(*config);
    return {};
  };
  const Expected<QueueInfoPointer> changed = co_await context.service.registry.change(
      (*found)->account, (*found)->name, Registry::Part::config, edit);
  if (!changed) co_return changed.error();
  co_return api::SetQueueAttributesResponse();
}

Answer<api::PurgeQueueResponse> purge_queue(Context& context, api::PurgeQueueRequest& request) {
  const Expected<QueueInfoPointer> info = find_queue(context, request.queue_url);
  if (!info) co_return info.error();
  const auto purge = [queue = (*info)->id, interval = context.service.purge_interval](
                         Shard& shard, Timestamp now) {
    return shard.purge_queue(queue, interval, now);
  };
  const Expected<void> purged = co_await context.service.shard_of((*info)->id).call(purge);
  if (!purged && purged.error().code() == ErrorCode::purge_queue_in_progress) {
    co_return ApiError(ErrorCode::purge_queue_in_progress, "Only one PurgeQueue operation on " +
                                                               (*info)->name.text() +
                                                               " is allowed every 60 seconds.");
  }
  if (!purged) co_return purged.error();
  co_return api::PurgeQueueResponse();
}

}  // namespace millrace
