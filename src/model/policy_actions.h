// The actions that a policy can speak of: the 23 of SQS without the three batches, which are part
// of the action that they repeat; and, as "millrace:<name>" in policies of identities alone, what
// the management console does besides queues. Pure; any thread.
//
// THE TABLE OF POLICY ACTIONS is in policy_actions.cc. (Developer Guide, "Amazon SQS API
// permissions: actions and resource reference"; AddPermission in the API Reference.)
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace millrace {

/// In the order of the table.
enum class PolicyAction : std::uint8_t {
  add_permission,
  cancel_message_move_task,
  change_message_visibility,
  create_queue,
  delete_message,
  delete_queue,
  get_queue_attributes,
  get_queue_url,
  list_dead_letter_source_queues,
  list_message_move_tasks,
  list_queues,
  list_queue_tags,
  purge_queue,
  receive_message,
  remove_permission,
  send_message,
  set_queue_attributes,
  start_message_move_task,
  tag_queue,
  untag_queue,
  // of Millrace itself
  create_access_key,
  delete_access_key,
  get_server_information,
  get_server_metrics,
  list_access_keys,
  list_sessions,
  revoke_session,
  update_access_key,
};

/// One row of the table of policy actions.
struct PolicyActionRow {
  PolicyAction action;
  std::string_view name;             // as clients write it
  std::string_view lower_name;       // as SQS writes it in its refusals
  bool owner_only;                   // no policy gives it to another account
  std::string_view service = "sqs";  // what policies write before it
};

/// The rows of SQS, by name; those of Millrace itself, by name.
std::span<const PolicyActionRow> policy_actions();
std::span<const PolicyActionRow> server_policy_actions();

/// The row of `action`; every action has one.
const PolicyActionRow& policy_action_row(PolicyAction action);

/// What a policy calls the action `name` of a request, spelled exactly as clients do: the action
/// itself, and for a batch the action that it repeats. Nothing for a name that no policy knows.
std::optional<PolicyAction> policy_action_of(std::string_view name);

}  // namespace millrace
