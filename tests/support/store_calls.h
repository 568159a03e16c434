// What the tests of stores share.
#pragma once

#include <poll.h>

#include <memory>
#include <string>
#include <utility>

#include "base/check.h"
#include "storage/store.h"

namespace millrace {

inline std::shared_ptr<const std::string> shared_bytes(std::string bytes) {
  return std::make_shared<const std::string>(std::move(bytes));
}

/// Commits `batch` and waits for the outcome, through the descriptor where there is one.
inline StoreResult<PayloadPlaces> commit_and_wait(Store& store, const WriteBatch& batch) {
  store.commit(batch);
  while (true) {
    if (store.completion_descriptor() >= 0) {
      pollfd wait{store.completion_descriptor(), POLLIN, 0};
      CHECK(::poll(&wait, 1, 60'000) == 1);
    }
    if (auto result = store.finish()) return *result;
  }
}

}  // namespace millrace
