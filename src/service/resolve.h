// From what a request says about a queue to the queue. Any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/field.h"
#include "base/error.h"
#include "model/attributes.h"
#include "service/authorize.h"
#include "service/directory.h"
#include "service/handlers.h"

namespace millrace {

/// The queue of a QueueUrl parameter; without an account in it, the caller's.
/// @return QueueDoesNotExist, also for an empty or malformed URL; AccessDenied where the caller may
/// not do its action with the queue.
Expected<QueueInfoPointer> find_queue(const Context& context, std::string_view queue_url,
                                      const RequestTags& tags = {});

/// The same for an action that the request's comprises.
Expected<QueueInfoPointer> find_queue(const Context& context, PolicyAction action,
                                      std::string_view queue_url);

/// The URL by which the caller of `context` reaches the queue.
std::string url_of(const Context& context, const QueueInfo& info);

/// A map of a request as a map by key; of equal keys the last one counts.
AttributeMap to_map(const api::TextMap& pairs);
std::vector<std::string> keys_of(const TagMap& tags);

}  // namespace millrace
