#include "server/access_keys.h"

#include <optional>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace millrace {

namespace asio = boost::asio;

asio::awaitable<Expected<void>> AccessKeys::change(Edit edit) {
  if (!writable()) {
    co_return ApiError(ErrorCode::unsupported_operation,
                       "The access keys come from the server's options, so the server cannot "
                       "change them. Start it with --credentials FILE.");
  }
  // A function of its own, so that what it works with lives as long as its frame.
  const auto run = [this, &edit]() -> asio::awaitable<Expected<void>> {
    co_return change_now(edit);
  };
  co_return co_await asio::co_spawn(executor_, run(), asio::use_awaitable);
}

Expected<void> AccessKeys::change_now(const Edit& edit) const {
  std::optional<ApiError> refused;
  const StartResult<void> edited =
      edit_credentials_file(path_, [&](CredentialsFile& file) -> StartResult<void> {
        if (const Expected<void> done = edit(file); !done) {
          refused = done.error();
          return StartError(done.error().message());
        }
        return {};
      });
  if (refused) return *refused;
  if (!edited) return ApiError(ErrorCode::internal_failure, edited.error().message());
  if (const StartResult<void> taken = reload_(); !taken) {
    return ApiError(ErrorCode::internal_failure,
                    "The file is changed, but the server goes on with the old keys: " +
                        taken.error().message());
  }
  return {};
}

}  // namespace millrace
