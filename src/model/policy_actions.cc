#include "model/policy_actions.h"

#include <algorithm>
#include <array>

namespace millrace {

namespace {

using enum PolicyAction;

constexpr std::string_view kServer = "millrace";

// THE TABLE OF POLICY ACTIONS, in the order of PolicyAction.
constexpr std::array kActions = {
    PolicyActionRow{add_permission, "AddPermission", "addpermission", true},
    PolicyActionRow{cancel_message_move_task, "CancelMessageMoveTask", "cancelmessagemovetask",
                    true},
    PolicyActionRow{change_message_visibility, "ChangeMessageVisibility", "changemessagevisibility",
                    false},
    PolicyActionRow{create_queue, "CreateQueue", "createqueue", true},
    PolicyActionRow{delete_message, "DeleteMessage", "deletemessage", false},
    PolicyActionRow{delete_queue, "DeleteQueue", "deletequeue", true},
    PolicyActionRow{get_queue_attributes, "GetQueueAttributes", "getqueueattributes", false},
    PolicyActionRow{get_queue_url, "GetQueueUrl", "getqueueurl", false},
    PolicyActionRow{list_dead_letter_source_queues, "ListDeadLetterSourceQueues",
                    "listdeadlettersourcequeues", false},
    PolicyActionRow{list_message_move_tasks, "ListMessageMoveTasks", "listmessagemovetasks", true},
    PolicyActionRow{list_queues, "ListQueues", "listqueues", true},
    PolicyActionRow{list_queue_tags, "ListQueueTags", "listqueuetags", true},
    PolicyActionRow{purge_queue, "PurgeQueue", "purgequeue", false},
    PolicyActionRow{receive_message, "ReceiveMessage", "receivemessage", false},
    PolicyActionRow{remove_permission, "RemovePermission", "removepermission", true},
    PolicyActionRow{send_message, "SendMessage", "sendmessage", false},
    PolicyActionRow{set_queue_attributes, "SetQueueAttributes", "setqueueattributes", true},
    PolicyActionRow{start_message_move_task, "StartMessageMoveTask", "startmessagemovetask", true},
    PolicyActionRow{tag_queue, "TagQueue", "tagqueue", true},
    PolicyActionRow{untag_queue, "UntagQueue", "untagqueue", true},
    PolicyActionRow{create_access_key, "CreateAccessKey", "createaccesskey", true, kServer},
    PolicyActionRow{delete_access_key, "DeleteAccessKey", "deleteaccesskey", true, kServer},
    PolicyActionRow{get_server_information, "GetServerInformation", "getserverinformation", true,
                    kServer},
    PolicyActionRow{get_server_metrics, "GetServerMetrics", "getservermetrics", true, kServer},
    PolicyActionRow{list_access_keys, "ListAccessKeys", "listaccesskeys", true, kServer},
    PolicyActionRow{list_sessions, "ListSessions", "listsessions", true, kServer},
    PolicyActionRow{revoke_session, "RevokeSession", "revokesession", true, kServer},
    PolicyActionRow{update_access_key, "UpdateAccessKey", "updateaccesskey", true, kServer},
};

constexpr bool in_order() {
  for (std::size_t i = 0; i < kActions.size(); ++i) {
    if (static_cast<std::size_t>(kActions[i].action) != i) return false;
  }
  return true;
}
static_assert(in_order());

constexpr std::size_t kOfSqs = static_cast<std::size_t>(untag_queue) + 1;

}  // namespace

std::span<const PolicyActionRow> policy_actions() {
  return std::span(kActions).first(kOfSqs);
}

std::span<const PolicyActionRow> server_policy_actions() {
  return std::span(kActions).subspan(kOfSqs);
}

const PolicyActionRow& policy_action_row(PolicyAction action) {
  return kActions[static_cast<std::size_t>(action)];
}

std::optional<PolicyAction> policy_action_of(std::string_view name) {
  constexpr std::string_view kBatch = "Batch";
  if (name.ends_with(kBatch)) {
    name.remove_suffix(kBatch.size());
    if (name != "SendMessage" && name != "DeleteMessage" && name != "ChangeMessageVisibility") {
      return std::nullopt;
    }
  }
  const auto* const row = std::ranges::find(kActions, name, &PolicyActionRow::name);
  if (row == kActions.end()) return std::nullopt;
  return row->action;
}

}  // namespace millrace
