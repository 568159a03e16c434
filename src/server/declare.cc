#include "server/declare.h"

#include <algorithm>
#include <string>

#include "observe/log.h"

namespace millrace {

namespace {

using boost::asio::awaitable;

constexpr const char* kRedrivePolicy = "RedrivePolicy";

ApiError error_of(const QueueDeclaration& queue, const ApiError& error) {
  return {error.code(), "queue \"" + queue.name + "\" of the configuration: " + error.message()};
}

AttributeMap attributes_of(const Context& context, const QueueDeclaration& queue) {
  AttributeMap attributes = queue.attributes;
  if (queue.dead_letter_queue.empty()) return attributes;
  const Expected<QueueName> target = QueueName::parse(queue.dead_letter_queue);
  // Left as it is, a bad name makes an ARN that is refused with SQS's own words.
  const std::string arn =
      target ? QueueArn(context.service.region, context.caller->account, *target).text()
             : queue.dead_letter_queue;
  attributes[kRedrivePolicy] = R"({"deadLetterTargetArn":")" + arn + R"(","maxReceiveCount":)" +
                               std::to_string(queue.receive_count_max) + "}";
  return attributes;
}

api::TextMap text_map(const AttributeMap& attributes) {
  return {attributes.begin(), attributes.end()};
}

// Without its RedrivePolicy: the target may only come later in the file.
awaitable<Expected<void>> make(Context& context, const QueueDeclaration& queue) {
  api::CreateQueueRequest request{
      .queue_name = queue.name, .attributes = text_map(queue.attributes), .tags = queue.tags};
  std::erase_if(request.attributes, [](const auto& one) { return one.first == kRedrivePolicy; });
  const auto made = co_await create_queue(context, request);
  if (!made) co_return error_of(queue, made.error());
  log_info("queue made", {{"queue", queue.name}});
  co_return Expected<void>();
}

awaitable<Expected<void>> change(Context& context, const QueueDeclaration& queue,
                                 const QueueInfo& info) {
  const AttributeMap attributes = attributes_of(context, queue);
  if (!require_same_config(info.config, attributes)) {
    api::SetQueueAttributesRequest request{.queue_url = queue.name,
                                           .attributes = text_map(attributes)};
    const auto set = co_await set_queue_attributes(context, request);
    if (!set) co_return error_of(queue, set.error());
    log_info("queue set to its configuration", {{"queue", queue.name}});
  }
  const bool tagged = std::all_of(queue.tags.begin(), queue.tags.end(), [&](const auto& tag) {
    const auto found = info.tags.find(tag.first);
    return found != info.tags.end() && found->second == tag.second;
  });
  if (!tagged) {
    api::TagQueueRequest request{.queue_url = queue.name, .tags = queue.tags};
    const auto set = co_await tag_queue(context, request);
    if (!set) co_return error_of(queue, set.error());
    log_info("queue tagged by its configuration", {{"queue", queue.name}});
  }
  co_return Expected<void>();
}

}  // namespace

awaitable<Expected<void>> declare_queues(const Service& service, const AccountId& account,
                                         std::span<const QueueDeclaration> queues) {
  Service own = service;  // the server asks nobody for leave
  own.access_enforced = false;
  Context context{.service = own,
                  .caller = std::make_shared<const Caller>(caller_of_user(account, kRootUser, {})),
                  .action = {},
                  .base_url = {},
                  .source_address = {}};
  const auto find = [&](const QueueDeclaration& queue) -> QueueInfoPointer {
    const Expected<QueueName> name = QueueName::parse(queue.name);
    return name ? service.directory.find(account, *name) : nullptr;
  };
  for (const QueueDeclaration& queue : queues) {
    if (find(queue) != nullptr) continue;
    const Expected<void> made = co_await make(context, queue);
    if (!made) co_return made.error();
  }
  for (const QueueDeclaration& queue : queues) {
    const QueueInfoPointer info = find(queue);
    if (info == nullptr) co_return error_of(queue, ApiError(ErrorCode::queue_does_not_exist));
    const Expected<void> changed = co_await change(context, queue, *info);
    if (!changed) co_return changed.error();
  }
  co_return Expected<void>();
}

}  // namespace millrace
