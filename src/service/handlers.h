// The 23 actions of SQS, one function each: typed in, typed out.
//
// A handler validates its request as SQS does, asks the shard that owns the queue, and builds the
// reply. It knows neither the protocol nor HTTP. Each may be awaited on any thread's io_context and
// goes on there; `context` and `request` must outlive the returned awaitable, and the handler may
// take the request apart.
//
// What the server owns for as long as it runs is in Service; what belongs to one request is in
// Context.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <boost/asio/awaitable.hpp>

#include "api/access.h"
#include "api/messages.h"
#include "api/moves.h"
#include "api/queues.h"
#include "auth/credentials.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/http_message.h"
#include "base/limits.h"
#include "model/names.h"
#include "model/receipt_handle.h"
#include "service/directory.h"
#include "service/request_notes.h"

namespace millrace {

class Console;
class Registry;
class ShardDriver;

/// What every handler works with. Everything it refers to outlives every request.
struct Service {
  Directory& directory;
  Registry& registry;
  std::span<ShardDriver* const> shards;  // by number; the same ones that the registry has
  const ReceiptSealer& sealer;
  Region region;
  Milliseconds purge_interval = limits::kPurgeInterval;  // between two purges; 0 relaxes the rule
  /// Whether callers are held to what they may do; false: development mode, everybody may do all.
  bool access_enforced = false;

  /// The driver of the shard that owns `queue`.
  ShardDriver& shard_of(QueueId queue) const;
};

/// One request, from its arrival to the end of its reply.
struct Context {
  const Service& service;
  CallerPointer caller;              // never null
  std::string_view action;           // what policies call the request, as in "SendMessage"
  std::string base_url;              // of queue URLs in replies: "http://host:port"
  std::string_view source_address;   // the client's address, without its port
  bool secure = false;               // the client spoke TLS
  Timestamp now = {};                // by the wall clock; zero where nobody asks for it
  std::string_view user_agent = {};  // likewise empty
  HangUpWatch* hang_up = nullptr;    // null where nothing can hang up
  RequestNotes* notes = nullptr;     // for the logs; null where nobody wants to know

  // Of a request to the console's API only:

  CredentialsPointer credentials = {};  // in force when it came; null in development mode
  Console* console = nullptr;           // of the server
  std::string_view session = {};        // id of the session that it belongs to; empty: none

  // What a handler leaves for the reply:

  /// To be called, on the request's thread, if the reply could not be written. May be empty.
  std::function<void()> on_undelivered = {};
  /// To be kept until the reply has been written: the memory that the reply is charged with.
  std::shared_ptr<const void> attachment = {};
};

template <class Response>
using Answer = boost::asio::awaitable<Expected<Response>>;

// --- queues.cc ---

Answer<api::CreateQueueResponse> create_queue(Context& context, api::CreateQueueRequest& request);
Answer<api::DeleteQueueResponse> delete_queue(Context& context, api::DeleteQueueRequest& request);
Answer<api::GetQueueUrlResponse> get_queue_url(Context& context, api::GetQueueUrlRequest& request);
Answer<api::ListQueuesResponse> list_queues(Context& context, api::ListQueuesRequest& request);
Answer<api::ListDeadLetterSourceQueuesResponse> list_dead_letter_source_queues(
    Context& context, api::ListDeadLetterSourceQueuesRequest& request);
Answer<api::GetQueueAttributesResponse> get_queue_attributes(
    Context& context, api::GetQueueAttributesRequest& request);
Answer<api::SetQueueAttributesResponse> set_queue_attributes(
    Context& context, api::SetQueueAttributesRequest& request);
Answer<api::PurgeQueueResponse> purge_queue(Context& context, api::PurgeQueueRequest& request);

// --- messages.cc ---

Answer<api::SendMessageResponse> send_message(Context& context, api::SendMessageRequest& request);
Answer<api::SendMessageBatchResponse> send_message_batch(Context& context,
                                                         api::SendMessageBatchRequest& request);
/// The views of the reply stay valid as long as its messages' `keep_alive`. Sets
/// Context::attachment, and on_undelivered where messages were handed out.
Answer<api::ReceiveMessageResponse> receive_message(Context& context,
                                                    api::ReceiveMessageRequest& request);
Answer<api::DeleteMessageResponse> delete_message(Context& context,
                                                  api::DeleteMessageRequest& request);
Answer<api::DeleteMessageBatchResponse> delete_message_batch(
    Context& context, api::DeleteMessageBatchRequest& request);
Answer<api::ChangeMessageVisibilityResponse> change_message_visibility(
    Context& context, api::ChangeMessageVisibilityRequest& request);
Answer<api::ChangeMessageVisibilityBatchResponse> change_message_visibility_batch(
    Context& context, api::ChangeMessageVisibilityBatchRequest& request);

// --- access.cc ---

Answer<api::TagQueueResponse> tag_queue(Context& context, api::TagQueueRequest& request);
Answer<api::UntagQueueResponse> untag_queue(Context& context, api::UntagQueueRequest& request);
Answer<api::ListQueueTagsResponse> list_queue_tags(Context& context,
                                                   api::ListQueueTagsRequest& request);
Answer<api::AddPermissionResponse> add_permission(Context& context,
                                                  api::AddPermissionRequest& request);
Answer<api::RemovePermissionResponse> remove_permission(Context& context,
                                                        api::RemovePermissionRequest& request);

// --- moves.cc ---

Answer<api::StartMessageMoveTaskResponse> start_message_move_task(
    Context& context, api::StartMessageMoveTaskRequest& request);
Answer<api::CancelMessageMoveTaskResponse> cancel_message_move_task(
    Context& context, api::CancelMessageMoveTaskRequest& request);
Answer<api::ListMessageMoveTasksResponse> list_message_move_tasks(
    Context& context, api::ListMessageMoveTasksRequest& request);

}  // namespace millrace
