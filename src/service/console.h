// The actions that only the management console has, one function each; as those in handlers.h.
#pragma once

#include "api/console.h"
#include "api/peek.h"
#include "service/handlers.h"

namespace millrace {

// --- console.cc ---

Answer<api::DescribeQueueResponse> describe_queue(Context& context,
                                                  api::DescribeQueueRequest& request);
Answer<api::ListQueuesDetailedResponse> list_queues_detailed(
    Context& context, api::ListQueuesDetailedRequest& request);
Answer<api::GetTopologyResponse> get_topology(Context& context, api::GetTopologyRequest& request);

// --- peek.cc ---

Answer<api::PeekMessagesResponse> peek_messages(Context& context,
                                                api::PeekMessagesRequest& request);
Answer<api::SearchMessagesResponse> search_messages(Context& context,
                                                    api::SearchMessagesRequest& request);
Answer<api::GetMessageResponse> get_message(Context& context, api::GetMessageRequest& request);
Answer<api::DeleteMessagesResponse> delete_messages(Context& context,
                                                    api::DeleteMessagesRequest& request);
/// The caller's action is ReceiveMessage on the source; the other two that a move is made of are
/// checked here.
Answer<api::MoveMessagesResponse> move_messages(Context& context,
                                                api::MoveMessagesRequest& request);
Answer<api::ListMessageGroupsResponse> list_message_groups(Context& context,
                                                           api::ListMessageGroupsRequest& request);
Answer<api::ListConsumersResponse> list_consumers(Context& context,
                                                  api::ListConsumersRequest& request);
/// What LocalStack answers at /_aws/sqs/messages: as received, though nothing is.
struct LocalStackPeek {
  std::string queue_url;
  bool invisible = false;
  bool delayed = false;
};
Answer<api::ReceiveMessageResponse> localstack_messages(Context& context,
                                                        const LocalStackPeek& request);

}  // namespace millrace
