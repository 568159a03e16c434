#include "server/installation.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include "base/encoding.h"

namespace millrace {

namespace {

namespace fs = std::filesystem;

StartError system_error(const std::string& what) {
  return StartError(what + ": " + std::error_code(errno, std::system_category()).message());
}

/// A file descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  int get() const { return number_; }
  int release() { return std::exchange(number_, -1); }
  bool open() const { return number_ >= 0; }

 private:
  int number_;
};

StartResult<Installation::Key> random_key() {
  Installation::Key key;
  if (::getrandom(key.data(), key.size(), 0) != static_cast<ssize_t>(key.size())) {
    return system_error("cannot get random bytes from the system");
  }
  return key;
}

StartResult<int> take_lock(const std::string& directory) {
  const std::string path = directory + "/lock";
  Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!file.open()) return system_error("cannot open " + path);
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return system_error("cannot lock " + path);
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

/// One more than the highest shard that has a directory.
std::size_t count_shards(const std::string& directory) {
  constexpr std::string_view kPrefix = "shard-";
  std::size_t count = 0;
  std::error_code failed;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory, failed)) {
    const std::string name = entry.path().filename();
    if (!name.starts_with(kPrefix)) continue;
    if (const auto number = parse_digits(std::string_view(name).substr(kPrefix.size()))) {
      count = std::max(count, static_cast<std::size_t>(*number) + 1);
    }
  }
  return count;
}

/// The key in `path`; nothing if there is no such file.
StartResult<std::optional<Installation::Key>> read_key(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.open()) {
    if (errno == ENOENT) return std::optional<Installation::Key>();
    return system_error("cannot open " + path);
  }
  std::array<std::uint8_t, 33> bytes;
  const ssize_t size = ::read(file.get(), bytes.data(), bytes.size());
  if (size < 0) return system_error("cannot read " + path);
  Installation::Key key;
  if (static_cast<std::size_t>(size) != key.size()) {
    return StartError(path + " is not a key of 32 bytes; restore it from a backup");
  }
  std::memcpy(key.data(), bytes.data(), key.size());
  return std::optional(key);
}

// Written beside and renamed, so that a crash leaves a whole key or none.
StartResult<void> write_key(const std::string& directory, const std::string& path,
                            const Installation::Key& key) {
  const std::string fresh = path + ".new";
  {
    const Descriptor file(
        ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR));
    if (!file.open()) return system_error("cannot make " + fresh);
    if (::write(file.get(), key.data(), key.size()) != static_cast<ssize_t>(key.size()) ||
        ::fsync(file.get()) != 0) {
      return system_error("cannot write " + fresh);
    }
  }
  if (::rename(fresh.c_str(), path.c_str()) != 0) return system_error("cannot make " + path);
  const Descriptor folder(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.open() || ::fsync(folder.get()) != 0) {
    return system_error("cannot sync " + directory);
  }
  return {};
}

}  // namespace

StartResult<Installation> Installation::open(const std::string& directory, std::size_t shards) {
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
  const std::string path = directory + "/key";
  const auto stored = read_key(path);
  if (!stored) return stored.error();
  if (*stored) {
    installation.key_ = **stored;
    return installation;
  }
  if (existing != 0) {
    return StartError(path + " is missing, but " + directory +
                      " holds queues whose message ids and receipt handles were made with it; "
                      "restore it from a backup");
  }
  const auto key = random_key();
  if (!key) return key.error();
  if (const auto written = write_key(directory, path, *key); !written) return written.error();
  installation.key_ = *key;
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

StartResult<Installation> Installation::ephemeral() {
  const auto key = random_key();
  if (!key) return key.error();
  Installation installation;
  installation.key_ = *key;
  return installation;
}

Installation::Installation(Installation&& other) noexcept
    : directory_(std::move(other.directory_)),
      key_(other.key_),
      lock_(std::exchange(other.lock_, -1)) {}

Installation& Installation::operator=(Installation&& other) noexcept {
  directory_ = std::move(other.directory_);
  key_ = other.key_;
  std::swap(lock_, other.lock_);
  return *this;
}

Installation::~Installation() {
  if (lock_ >= 0) ::close(lock_);
}

Installation::Key Installation::key_for(std::string_view purpose) const {
  return hmac_sha256({reinterpret_cast<const char*>(key_.data()), key_.size()}, purpose);
}

std::size_t Installation::shards() const {
  return count_shards(directory_);
}

std::string Installation::shard_directory(std::size_t shard) const {
  return directory_ + "/" + shard_name(shard);
}

}  // namespace millrace
