// Pages of a list of queues (MaxResults and NextToken). Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "service/directory.h"

namespace millrace {

/// Which page a request asks for.
struct PageWanted {
  /// Everything else that the request says: a token is good only where this is the same.
  std::string scope;
  std::optional<std::string> next_token;
  std::optional<std::int64_t> max_results;  // nothing: one page of up to 1,000, and no token
};

struct Page {
  std::vector<QueueInfoPointer> queues;
  std::string next_token;  // empty: nothing is left, or nobody asked for pages
};

/// Cuts one page out of `queues`, which are of one account and sorted by name. A token remembers
/// the last name, so queues that come and go between two pages do no harm.
/// @return InvalidParameterValue for a MaxResults or NextToken that is none.
Expected<Page> cut_page(std::vector<QueueInfoPointer> queues, const PageWanted& wanted);

}  // namespace millrace
