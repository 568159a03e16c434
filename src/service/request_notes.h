// What the logs want to know of a request and only its handler finds out. Plain values; on the
// request's thread.
#pragma once

#include <string>
#include <string_view>

#include "model/names.h"

namespace millrace {

struct RequestNotes {
  std::string resource;  // ARN of the queue that the request names; empty: none
  bool denied = false;   // the caller may not do this, whatever it is told
};

/// Notes the queue that a request names, whether or not there is such a queue.
/// @param notes null where nobody wants to know.
/// @param name as the client wrote it.
void note_queue(RequestNotes* notes, const Region& region, const AccountId& account,
                std::string_view name);

}  // namespace millrace
