// Whether a caller may do what it asks for. Any thread.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "model/policy_actions.h"
#include "model/tags.h"
#include "service/directory.h"
#include "service/handlers.h"

namespace millrace {

/// What an action is about; everything outlives the call.
struct Resource {
  /// A queue that is there.
  Resource(const QueueInfo& info)  // NOLINT(google-explicit-constructor): it is one
      : account(info.account), name(info.name.text()), queue(&info) {}
  /// The queue of that name, which may not be there (then `queue` is null); without a name the
  /// account itself.
  Resource(const AccountId& of, std::string_view queue_name, const QueueInfo* found)
      : account(of), name(queue_name), queue(found) {}

  const AccountId& account;
  const std::string_view name;
  const QueueInfo* const queue;
};

/// What a request says of tags, which conditions may ask for.
struct RequestTags {
  const TagMap* tags = nullptr;
  std::span<const std::string> keys = {};
};

/// Whether the caller of `context` may do the action of its request with `resource`, as decide()
/// says of its policies and the queue's. Whoever has credentials may do anything with a queue of
/// another account that is not there, so that it is told so. In development mode everybody may do
/// everything. The queue and the outcome are noted for the logs. @return AccessDenied.
Expected<void> authorize(const Context& context, const Resource& resource,
                         const RequestTags& tags = {});

/// The same for an action that the request's comprises.
Expected<void> authorize(const Context& context, PolicyAction action, const Resource& resource,
                         const RequestTags& tags = {});

/// Whether authorize() would say yes; nothing is noted for the logs.
bool may(const Context& context, PolicyAction action, const Resource& resource);

/// @return AccessDenied for a caller without credentials, unless in development mode: for requests
/// that do not say what they are about.
Expected<void> deny_nobody(const Context& context);

}  // namespace millrace
