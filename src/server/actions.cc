#include "server/actions.h"

#include <algorithm>
#include <iterator>

#include "server/console_actions.h"
#include "service/console.h"
#include "service/policy_tester.h"

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

/// The same for an action that only AWS JSON knows.
template <auto handler>
boost::asio::awaitable<Expected<void>> run_json(Context& context, const wire::WireCall& call,
                                                std::string_view request_id,
                                                HttpResponse& response) {
  using Types = HandlerTypes<decltype(handler)>;
  auto request = wire::read_json<typename Types::Request>(call.body);
  if (!request) co_return request.error();
  const Expected<typename Types::Reply> reply = co_await handler(context, *request);
  if (!reply) co_return reply.error();
  wire::encode_json(*reply, request_id, response);
  co_return Expected<void>();
}

using enum ActionEffect;

// --- THE TABLE OF ACTIONS ------------------------------------------------------------------------

constexpr ActionRow kActions[] = {
    {"AddPermission", run<&add_permission>, changes},
    {"CancelMessageMoveTask", run<&cancel_message_move_task>, changes},
    {"ChangeMessageVisibility", run<&change_message_visibility>, changes},
    {"ChangeMessageVisibilityBatch", run<&change_message_visibility_batch>, changes},
    {"CreateQueue", run<&create_queue>, changes},
    {"DeleteMessage", run<&delete_message>, changes},
    {"DeleteMessageBatch", run<&delete_message_batch>, changes},
    {"DeleteQueue", run<&delete_queue>, changes},
    {"GetQueueAttributes", run<&get_queue_attributes>, reads},
    {"GetQueueUrl", run<&get_queue_url>, reads},
    {"ListDeadLetterSourceQueues", run<&list_dead_letter_source_queues>, reads},
    {"ListMessageMoveTasks", run<&list_message_move_tasks>, reads},
    {"ListQueueTags", run<&list_queue_tags>, reads},
    {"ListQueues", run<&list_queues>, reads},
    {"PurgeQueue", run<&purge_queue>, changes},
    {"ReceiveMessage", run<&receive_message>, changes},
    {"RemovePermission", run<&remove_permission>, changes},
    {"SendMessage", run<&send_message>, changes},
    {"SendMessageBatch", run<&send_message_batch>, changes},
    {"SetQueueAttributes", run<&set_queue_attributes>, changes},
    {"StartMessageMoveTask", run<&start_message_move_task>, changes},
    {"TagQueue", run<&tag_queue>, changes},
    {"UntagQueue", run<&untag_queue>, changes},
};

// What only the management console has: AWS JSON, and only where the console asks.
constexpr ActionRow kConsoleActions[] = {
    {"CreateAccessKey", run_json<&create_access_key>, changes},
    {"DeleteAccessKey", run_json<&delete_access_key>, changes},
    {"DescribeQueue", run_json<&describe_queue>, reads, "GetQueueAttributes"},
    {"ListAccessKeys", run_json<&list_access_keys>, reads},
    {"ListSessions", run_json<&list_sessions>, reads},
    {"RevokeSession", run_json<&revoke_session>, changes},
    {"TestPolicy", run_json<&test_policy>, reads, "GetQueueAttributes"},
    {"UpdateAccessKey", run_json<&update_access_key>, changes},
};

constexpr bool by_name(const ActionRow& a, const ActionRow& b) {
  return a.name < b.name;
}
static_assert(std::is_sorted(std::begin(kActions), std::end(kActions), by_name) &&
                  std::is_sorted(std::begin(kConsoleActions), std::end(kConsoleActions), by_name),
              "find_action() searches by halves");

}  // namespace

std::span<const ActionRow> actions(wire::ActionSet set) {
  if (set == wire::ActionSet::console) return kConsoleActions;
  return kActions;
}

const ActionRow* find_action(wire::ActionSet set, std::string_view name) {
  const std::span<const ActionRow> rows = actions(set);
  const auto row = std::ranges::lower_bound(rows, name, {}, &ActionRow::name);
  return row != rows.end() && row->name == name ? &*row : nullptr;
}

}  // namespace millrace
