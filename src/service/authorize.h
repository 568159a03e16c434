// Whether a caller may do what it asks for. Any thread.
#pragma once

#include "base/error.h"
#include "service/directory.h"
#include "service/handlers.h"

namespace millrace {

/// Whether the caller of `context` may do its action with `queue`, as decide() says: everything
/// with the queues of its own account, unless their policies deny it; with those of another, and
/// for an anonymous caller, what their policies allow. In development mode everybody may do
/// everything. Queue and outcome are noted for the logs. @return AccessDenied.
Expected<void> authorize(const Context& context, const QueueInfo& queue);

/// The same for an action of the caller's account, or one with a queue that does not exist.
Expected<void> authorize(const Context& context);

}  // namespace millrace
