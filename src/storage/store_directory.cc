#include "storage/store_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <limits>
#include <optional>
#include <sstream>

#include "base/check.h"
#include "storage/checksum.h"
#include "storage/log_file.h"

namespace millrace {

namespace {

constexpr const char* kFormatName = "FORMAT";
constexpr const char* kEpochName = "EPOCH";
constexpr const char* kFormatTitle = "millrace-store";
constexpr const char* kChecksumLabel = "checksum";

// The text of a file, or nothing where there is none.
StoreResult<std::optional<std::string>> read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    if (errno == ENOENT) return std::optional<std::string>();
    return system_error("cannot read " + path, errno);
  }
  std::ostringstream text;
  text << file.rdbuf();
  return std::optional<std::string>(text.str());
}

// The number behind `label` in "<label> <number>\n" lines.
template <class Number>
std::optional<Number> labelled_number(const std::string& text, const std::string& label, int base) {
  std::istringstream lines(text);
  std::string word;
  while (lines >> word) {
    if (word != label || !(lines >> word)) continue;
    Number number = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number, base);
    if (error == std::errc() && end == word.data() + word.size()) return number;
  }
  return std::nullopt;
}

// A file's text with a last line that holds the checksum of the others.
std::string with_checksum(const std::string& text) {
  std::ostringstream sealed;
  sealed << text << kChecksumLabel << " " << std::hex << crc32c(text) << "\n";
  return sealed.str();
}

bool checksum_holds(const std::string& text) {
  const std::size_t line = text.rfind(kChecksumLabel);
  return line != std::string::npos && text == with_checksum(text.substr(0, line));
}

bool has_entries(const std::string& path) {
  std::error_code error;
  const std::filesystem::directory_iterator entries(path, error);
  return !error && entries != std::filesystem::directory_iterator();
}

}  // namespace

StoreResult<std::unique_ptr<StoreDirectory>> StoreDirectory::open(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    return system_error("cannot make the data directory " + path, errno);
  }
  auto directory = std::unique_ptr<StoreDirectory>(new StoreDirectory(path));
  if (auto locked = directory->lock(); !locked) return locked.error();
  if (auto checked = directory->check_format(); !checked) return checked.error();
  if (auto raised = directory->raise_epoch(); !raised) return raised.error();
  for (const std::string& below : {directory->log_path(), directory->rows_path()}) {
    if (::mkdir(below.c_str(), 0700) != 0 && errno != EEXIST) {
      return system_error("cannot make " + below, errno);
    }
  }
  return directory;
}

StoreDirectory::~StoreDirectory() {
  if (lock_ >= 0) ::close(lock_);
}

StoreResult<void> StoreDirectory::lock() {
  const std::string name = path_ + "/LOCK";
  lock_ = ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock_ < 0) return system_error("cannot open " + name, errno);
  if (::flock(lock_, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return system_error("cannot lock " + name, errno);
    std::string message = "the data directory " + path_ + " is in use by another process";
    if (const auto holder = read_text(name); holder && *holder) {
      if (const auto process = labelled_number<std::uint64_t>(**holder, "process", 10)) {
        message += " (process " + std::to_string(*process) + ")";
      }
    }
    return StoreError(message);
  }
  // Only a help for whoever finds it locked: nothing depends on its being written.
  const std::string text = "process " + std::to_string(::getpid()) + "\n";
  if (::ftruncate(lock_, 0) == 0) {
    static_cast<void>(!::pwrite(lock_, text.data(), text.size(), 0));
  }
  return {};
}

StoreResult<void> StoreDirectory::check_format() {
  const std::string name = path_ + "/" + kFormatName;
  auto text = read_text(name);
  if (!text) return text.error();
  if (!*text) {
    if (has_entries(log_path()) || has_entries(rows_path())) {
      return StoreError("the data directory " + path_ + " has data but no file FORMAT", true);
    }
    CHECK(::getrandom(&store_id_, sizeof store_id_, 0) == sizeof store_id_);
    std::ostringstream made;
    made << kFormatTitle << "\nversion " << kStoreFormatVersion << "\nid " << std::hex << store_id_
         << "\n";
    return write_file(kFormatName, made.str());
  }
  const auto version = labelled_number<std::uint32_t>(**text, "version", 10);
  const auto id = labelled_number<std::uint64_t>(**text, "id", 16);
  if (!(*text)->starts_with(kFormatTitle) || !version) {
    return StoreError(name + " is not the format file of a store", true);
  }
  if (*version != kStoreFormatVersion) {
    return StoreError("the data directory " + path_ + " has format version " +
                      std::to_string(*version) + "; this server reads and writes version " +
                      std::to_string(kStoreFormatVersion) + " only");
  }
  if (!id || !checksum_holds(**text)) {
    return StoreError(name + " is not as it was written", true);
  }
  store_id_ = *id;
  return {};
}

StoreResult<void> StoreDirectory::raise_epoch() {
  const std::string name = path_ + "/" + kEpochName;
  auto text = read_text(name);
  if (!text) return text.error();
  if (*text) {
    const auto epoch = labelled_number<std::uint32_t>(**text, "epoch", 10);
    if (!epoch || *epoch == std::numeric_limits<std::uint32_t>::max() || !checksum_holds(**text)) {
      return StoreError(name + " is not as it was written", true);
    }
    epoch_ = *epoch;
  }
  ++epoch_;
  return write_file(kEpochName, "epoch " + std::to_string(epoch_) + "\n");
}

StoreResult<void> StoreDirectory::copy_to(const std::string& directory) const {
  for (const char* name : {kFormatName, kEpochName}) {
    std::error_code error;
    std::filesystem::copy_file(path_ + "/" + name, directory + "/" + name, error);
    if (error) return system_error("cannot copy " + path_ + "/" + name, error.value());
  }
  return {};
}

// Replaces a file, durably and as a whole.
StoreResult<void> StoreDirectory::write_file(const std::string& name,
                                             const std::string& text) const {
  const std::string path = path_ + "/" + name;
  const std::string unfinished = path + ".new";
  const int file = ::open(unfinished.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return system_error("cannot write " + unfinished, errno);
  const std::string sealed = with_checksum(text);
  const bool written =
      ::write(file, sealed.data(), sealed.size()) == static_cast<ssize_t>(sealed.size()) &&
      ::fsync(file) == 0;
  const int write_error = errno;
  ::close(file);
  if (!written) return system_error("cannot write " + unfinished, write_error);
  if (::rename(unfinished.c_str(), path.c_str()) != 0) {
    return system_error("cannot write " + path, errno);
  }
  const int directory = ::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return system_error("cannot open " + path_, errno);
  const bool synced = ::fsync(directory) == 0;
  const int sync_error = errno;
  ::close(directory);
  if (!synced) return system_error("cannot sync " + path_, sync_error);
  return {};
}

}  // namespace millrace
