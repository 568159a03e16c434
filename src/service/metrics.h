// The actions that tell what queues and the server did lately, and what the server is; as those in
// handlers.h. They need Service::telemetry.
#pragma once

#include "api/metrics.h"
#include "service/handlers.h"

namespace millrace {

Answer<api::GetQueueMetricsResponse> get_queue_metrics(Context& context,
                                                       api::GetQueueMetricsRequest& request);

// Of the server they tell only those whom it belongs to: the root of its own account and whom that
// allows it. @return AccessDenied to all others.
Answer<api::GetServerMetricsResponse> get_server_metrics(Context& context,
                                                         api::GetServerMetricsRequest& request);
Answer<api::GetServerInformationResponse> get_server_information(
    Context& context, api::GetServerInformationRequest& request);

}  // namespace millrace
