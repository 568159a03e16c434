#include "server/actions.h"

#include <algorithm>

namespace millrace {

namespace {

/// What a handler takes and gives, read from its signature.
template <class Handler>
struct HandlerTypes;
template <class Reply_, class Request_>
struct HandlerTypes<Answer<Reply_> (*)(Context&, Request_&)> {
  using Reply = Reply_;
  using Request = Request_;
};

template <auto handler>
boost::asio::awaitable<Expected<void>> run(Context& context, const wire::WireCall& call,
                                           std::string_view request_id, HttpResponse& response) {
  using Types = HandlerTypes<decltype(handler)>;
  Expected<typename Types::Request> request = wire::decode<typename Types::Request>(call);
  if (!request) co_return request.error();
  const Expected<typename Types::Reply> reply = co_await handler(context, *request);
  if (!reply) co_return reply.error();
  wire::encode(call, *reply, request_id, response);
  co_return Expected<void>();
}

// --- THE TABLE OF ACTIONS ------------------------------------------------------------------------

constexpr ActionRow kActions[] = {
    {"AddPermission", run<&add_permission>},
    {"CancelMessageMoveTask", run<&cancel_message_move_task>},
    {"ChangeMessageVisibility", run<&change_message_visibility>},
    {"ChangeMessageVisibilityBatch", run<&change_message_visibility_batch>},
    {"CreateQueue", run<&create_queue>},
    {"DeleteMessage", run<&delete_message>},
    {"DeleteMessageBatch", run<&delete_message_batch>},
    {"DeleteQueue", run<&delete_queue>},
    {"GetQueueAttributes", run<&get_queue_attributes>},
    {"GetQueueUrl", run<&get_queue_url>},
    {"ListDeadLetterSourceQueues", run<&list_dead_letter_source_queues>},
    {"ListMessageMoveTasks", run<&list_message_move_tasks>},
    {"ListQueueTags", run<&list_queue_tags>},
    {"ListQueues", run<&list_queues>},
    {"PurgeQueue", run<&purge_queue>},
    {"ReceiveMessage", run<&receive_message>},
    {"RemovePermission", run<&remove_permission>},
    {"SendMessage", run<&send_message>},
    {"SendMessageBatch", run<&send_message_batch>},
    {"SetQueueAttributes", run<&set_queue_attributes>},
    {"StartMessageMoveTask", run<&start_message_move_task>},
    {"TagQueue", run<&tag_queue>},
    {"UntagQueue", run<&untag_queue>},
};

constexpr bool by_name(const ActionRow& a, const ActionRow& b) {
  return a.name < b.name;
}
static_assert(std::is_sorted(std::begin(kActions), std::end(kActions), by_name),
              "find_action() searches by halves");

}  // namespace

std::span<const ActionRow> actions() {
  return kActions;
}

const ActionRow* find_action(std::string_view name) {
  const ActionRow* row = std::lower_bound(
      std::begin(kActions), std::end(kActions), name,
      [](const ActionRow& one, std::string_view wanted) { return one.name < wanted; });
  return row != std::end(kActions) && row->name == name ? row : nullptr;
}

}  // namespace millrace
