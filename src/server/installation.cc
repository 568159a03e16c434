#include "server/installation.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "base/encoding.h"
#include "server/keyring_file.h"
#include "server/private_file.h"

namespace millrace {

namespace {

namespace fs = std::filesystem;

StartResult<int> take_lock(const std::string& directory) {
  const std::string path = directory + "/lock";
  OpenFile file(path, O_RDWR | O_CREAT, S_IRUSR | S_IWUSR);
  if (!file) return file_error("cannot open", path);
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return file_error("cannot lock", path);
    return StartError("a server uses the data directory " + directory +
                      "; stop it, or give another server a directory of its own with --data");
  }
  return file.release();
}

std::string shard_name(std::size_t shard) {
  std::array<char, 16> name;
  std::snprintf(name.data(), name.size(), "shard-%04zu", shard);
  return name.data();
}

/// The number of the shard whose directory has this name; nothing if none has.
std::optional<std::uint64_t> shard_number(std::string_view name) {
  constexpr std::string_view kPrefix = "shard-";
  if (!name.starts_with(kPrefix)) return std::nullopt;
  return parse_digits(name.substr(kPrefix.size()));
}

/// One more than the highest shard that has a directory.
std::size_t count_shards(const std::string& directory) {
  std::size_t count = 0;
  std::error_code failed;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory, failed)) {
    if (const auto number = shard_number(entry.path().filename().string())) {
      count = std::max(count, static_cast<std::size_t>(*number) + 1);
    }
  }
  return count;
}

std::string key_path(const std::string& directory) {
  return directory + "/key";
}

constexpr std::string_view kKey = "the key";

/// The installation's key as it stands in the directory; nothing if there is none.
StartResult<std::optional<std::string>> read_key(const std::string& directory) {
  const std::string path = key_path(directory);
  std::error_code failed;
  if (!fs::exists(path, failed)) return std::optional<std::string>();
  StartResult<std::string> wrapped = read_file_text(path, kKey);
  if (!wrapped) return wrapped.error();
  return std::optional<std::string>(std::move(*wrapped));
}

StartResult<void> write_key(const std::string& directory, const std::string& wrapped) {
  const auto whole = [&wrapped](const std::optional<std::string>&) { return text_result(wrapped); };
  return edit_private_file(key_path(directory), kKey, whole);
}

// Of the time before messages were encrypted.
constexpr std::size_t kUnwrappedKeyBytes = 32;

}  // namespace

StartResult<Installation> Installation::open(const std::string& directory, std::size_t shards,
                                             const std::string& keyring) {
  std::error_code failed;
  fs::create_directories(directory, failed);
  if (failed) return StartError("cannot make the directory " + directory + ": " + failed.message());

  Installation installation;
  installation.directory_ = directory;
  const StartResult<int> lock = take_lock(directory);
  if (!lock) return lock.error();
  installation.lock_ = *lock;

  const std::size_t existing = count_shards(directory);
  if (existing > shards) {
    return StartError(directory + " has " + std::to_string(existing) +
                      " shards, and their queues cannot be given to fewer; start with --shards " +
                      std::to_string(existing) + " or more");
  }
  const std::string path = key_path(directory);
  const auto wrapped = read_key(directory);
  if (!wrapped) return wrapped.error();
  if (!*wrapped && existing != 0) {
    return StartError(path + " is missing, but " + directory +
                      " holds queues whose message ids and receipt handles were made with it; "
                      "restore it from a backup");
  }
  if (*wrapped && (*wrapped)->size() == kUnwrappedKeyBytes) {
    return StartError(directory +
                      " was made by an earlier version, which did not encrypt; its "
                      "queues cannot be read by this one");
  }
  if (const auto read = installation.read_keyring(keyring, !*wrapped); !read) return read.error();
  if (*wrapped) installation.wrapped_ = **wrapped;
  const StartResult<void> key =
      *wrapped ? installation.unwrap_key(keyring) : installation.make_key();
  if (!key) return key.error();
  return installation;
}

StartResult<Installation> Installation::inspect(const std::string& directory) {
  if (count_shards(directory) == 0) {
    return StartError(directory + " is not a data directory: it has no shards");
  }
  Installation installation;
  installation.directory_ = directory;
  const StartResult<int> lock = take_lock(directory);
  if (!lock) return lock.error();
  installation.lock_ = *lock;
  return installation;
}

// @param may_make whether nothing is lost if there is no such file.
StartResult<void> Installation::read_keyring(const std::string& path, bool may_make) {
  std::error_code failed;
  if (!fs::exists(path, failed)) {
    if (!may_make) {
      return StartError("the keyring " + path + " is missing, but what is in " + directory_ +
                        " can only be read with it; restore it from a backup, or say with "
                        "--keyring where it is");
    }
    const auto untouched = [](std::vector<MasterKey>&) { return StartResult<void>(); };
    if (const auto made = edit_keyring_file(path, untouched); !made) return made.error();
    keyring_is_new_ = true;
  }
  StartResult<std::shared_ptr<const Keyring>> keyring = read_keyring_file(path);
  if (!keyring) return keyring.error();
  keyring_ = std::move(*keyring);
  return {};
}

bool Installation::opens_with(const Keyring& keyring) const {
  const Expected<SecretKey> key = keyring.unwrap(wrapped_);
  return key && *key == key_;
}

StartResult<void> Installation::unwrap_key(const std::string& keyring_path) {
  const Expected<SecretKey> key = keyring_->unwrap(wrapped_);
  if (key) {
    key_ = *key;
    return {};
  }
  const std::string path = key_path(directory_);
  const std::string master = master_key_of(wrapped_);
  if (master.empty()) {
    return StartError(path + " is not the key of a data directory; restore it from a backup");
  }
  const bool known = keyring_->find(master) != nullptr;
  return StartError(directory_ + " was made with another keyring than " + keyring_path + ": " +
                    (known ? "that has other secrets for" : "that has not") + " the key " + master +
                    "; say with --keyring where the right one is, or restore it from a backup");
}

StartResult<void> Installation::make_key() {
  const Expected<DataKey> made = keyring_->make_data_key(kManagedKeyAlias);
  if (!made) return StartError("cannot make a key: " + made.error().message());
  key_ = made->key;
  wrapped_ = made->wrapped;
  if (directory_.empty()) return {};
  return write_key(directory_, wrapped_);
}

StartResult<Installation> Installation::ephemeral(const std::string& keyring) {
  Installation installation;
  if (keyring.empty()) {
    installation.keyring_ = std::make_shared<const Keyring>(Keyring::fresh(SystemClock().now()));
  } else if (const auto read = installation.read_keyring(keyring, true); !read) {
    return read.error();
  }
  if (const auto made = installation.make_key(); !made) return made.error();
  return installation;
}

Installation::Installation(Installation&& other) noexcept
    : directory_(std::move(other.directory_)),
      keyring_(std::move(other.keyring_)),
      key_(other.key_),
      wrapped_(std::move(other.wrapped_)),
      keyring_is_new_(other.keyring_is_new_),
      lock_(std::exchange(other.lock_, -1)) {}

Installation& Installation::operator=(Installation&& other) noexcept {
  directory_ = std::move(other.directory_);
  keyring_ = std::move(other.keyring_);
  key_ = other.key_;
  wrapped_ = std::move(other.wrapped_);
  keyring_is_new_ = other.keyring_is_new_;
  std::swap(lock_, other.lock_);
  return *this;
}

Installation::~Installation() {
  if (lock_ >= 0) ::close(lock_);
}

Installation::Key Installation::key_for(std::string_view purpose) const {
  return hmac_sha256(key_.text(), purpose);
}

std::size_t Installation::shards() const {
  return count_shards(directory_);
}

std::string Installation::shard_directory(std::size_t shard) const {
  return directory_ + "/" + shard_name(shard);
}

bool Installation::is_shard(std::string_view name) {
  return shard_number(name).has_value();
}

std::string Installation::copy_directory(const std::string& directory) {
  return directory + "/copy";
}

StartResult<void> Installation::begin_copy() const {
  remove_copy();
  const std::string copy = copy_directory(directory_);
  if (::mkdir(copy.c_str(), S_IRWXU) != 0) return file_error("cannot make", copy);
  return write_key(copy, wrapped_);
}

std::string Installation::copied_shard_directory(std::size_t shard) const {
  return copy_directory(directory_) + "/" + shard_name(shard);
}

void Installation::remove_copy() const {
  std::error_code ignored;  // begin_copy() says so
  fs::remove_all(copy_directory(directory_), ignored);
}

}  // namespace millrace
