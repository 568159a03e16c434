#include "storage/store_clone.h"

#include <filesystem>
#include <system_error>

namespace millrace {

namespace {

namespace fs = std::filesystem;

bool never_changes(const fs::path& file) {
  return file.extension() == ".segment" || file.extension() == ".sst";
}

}  // namespace

StoreResult<void> clone_store(const std::string& from, const std::string& to) {
  std::error_code error;
  const auto failed = [&error](const fs::path& path) {
    return StoreError("cannot copy " + path.string() + ": " + error.message());
  };
  if (!fs::create_directories(to, error)) {
    if (!error) error = std::make_error_code(std::errc::file_exists);
    return failed(to);
  }
  fs::recursive_directory_iterator entry(from, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    const fs::path& source = entry->path();
    const fs::path target = to / source.lexically_relative(from);
    if (entry->is_directory()) {
      fs::create_directory(target, error);
    } else if (never_changes(source)) {
      fs::create_hard_link(source, target, error);
    } else {
      fs::copy_file(source, target, error);
    }
    if (error) return failed(source);
  }
  if (error) return failed(from);
  return {};
}

}  // namespace millrace
