// The actions that only the management console has, one function each; as those in handlers.h.
#pragma once

#include "api/console.h"
#include "service/handlers.h"

namespace millrace {

Answer<api::DescribeQueueResponse> describe_queue(Context& context,
                                                  api::DescribeQueueRequest& request);

}  // namespace millrace
