// Whether a caller may do what it asks for. Any thread.
#pragma once

#include "base/error.h"
#include "service/directory.h"
#include "service/handlers.h"

namespace millrace {

/// Whether the caller of `context` may do its action with `queue`: everything with the queues of
/// its own account and nothing with those of another. An anonymous caller may do nothing, and in
/// development mode everybody everything. @return AccessDenied.
Expected<void> authorize(const Context& context, const QueueInfo& queue);

/// The same for an action of the caller's account, or one with a queue that does not exist.
Expected<void> authorize(const Context& context);

}  // namespace millrace
