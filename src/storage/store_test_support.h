// What the tests of stores share.
#pragma once

#include <poll.h>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "base/check.h"
#include "storage/store.h"

namespace millrace {

/// A directory that is there for as long as the object.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    // Memory where there is such a file system: thousands of syncs are not what these tests test.
    std::string path = std::filesystem::is_directory("/dev/shm")
                           ? "/dev/shm"
                           : std::filesystem::temp_directory_path();
    path += "/millrace_storage_test_XXXXXX";
    CHECK(::mkdtemp(path.data()) != nullptr);
    path_ = path;
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

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
