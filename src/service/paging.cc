#include "service/paging.h"

#include <algorithm>
#include <string_view>

#include "base/bytes.h"
#include "base/encoding.h"
#include "base/limits.h"

namespace millrace {

namespace {

constexpr std::uint8_t kTokenVersion = 1;

std::string make_token(const PageWanted& wanted, std::string_view last_name) {
  std::string bytes;
  append_u8(bytes, kTokenVersion);
  append_sized(bytes, wanted.scope);
  append_i64(bytes, wanted.max_results.value_or(0));
  append_sized(bytes, last_name);
  return to_base64(bytes);
}

// The last name of the page before.
Expected<std::string> read_token(const PageWanted& wanted) {
  const ApiError invalid(ErrorCode::invalid_parameter_value, "Invalid or expired next token.");
  const std::optional<std::string> bytes = from_base64(*wanted.next_token);
  if (!bytes) return invalid;
  ByteReader reader(*bytes);
  const std::uint8_t version = reader.u8();
  const std::string_view scope = reader.sized();
  const std::int64_t max_results = reader.i64();
  const std::string_view last_name = reader.sized();
  if (!reader.done() || version != kTokenVersion) return invalid;
  if (scope != wanted.scope || max_results != wanted.max_results.value_or(0)) {
    return ApiError(ErrorCode::invalid_parameter_value,
                    "Invalid NextToken value. If you are passing in NextToken, you must not change "
                    "the other request parameters.");
  }
  return std::string(last_name);
}

}  // namespace

Expected<Page> cut_page(std::vector<QueueInfoPointer> queues, const PageWanted& wanted) {
  if (wanted.max_results &&
      (*wanted.max_results < 1 || *wanted.max_results > limits::kListResultsMax)) {
    return ApiError(ErrorCode::invalid_parameter_value,
                    "Value for parameter MaxResults is invalid. Reason: MaxResults must be an "
                    "integer between 1 and 1000.");
  }
  if (wanted.next_token && !wanted.next_token->empty()) {
    const Expected<std::string> last = read_token(wanted);
    if (!last) return last.error();
    const auto first = std::ranges::upper_bound(
        queues, *last, {},
        [](const QueueInfoPointer& info) -> const std::string& { return info->name.text(); });
    queues.erase(queues.begin(), first);
  }
  Page page{.queues = std::move(queues), .next_token = {}};
  const auto count_max =
      static_cast<std::size_t>(wanted.max_results.value_or(limits::kListResultsMax));
  if (page.queues.size() > count_max) {
    page.queues.resize(count_max);
    if (wanted.max_results) {
      page.next_token = make_token(wanted, page.queues.back()->name.text());
    }
  }
  return page;
}

}  // namespace millrace
