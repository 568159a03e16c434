#include "server/private_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <system_error>

namespace millrace {

namespace {

constexpr mode_t kOwnerOnly = 0600;
constexpr mode_t kOthersBits = 0077;

/// A file descriptor, closed at the end.
class OpenFile {
 public:
  OpenFile(const std::string& path, int flags, mode_t mode = 0)
      : descriptor_(::open(path.c_str(), flags | O_CLOEXEC, mode)) {}
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  ~OpenFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  explicit operator bool() const { return descriptor_ >= 0; }
  int get() const { return descriptor_; }

 private:
  int descriptor_;
};

StartError failure(std::string_view what, const std::string& path) {
  const std::string cause = std::generic_category().message(errno);
  return StartError(std::string(what).append(" ").append(path).append(": ").append(cause));
}

StartResult<std::string> read_all(int descriptor, const std::string& path, std::string_view what) {
  std::string text;
  std::array<char, 4096> part;
  for (;;) {
    const ssize_t size = ::read(descriptor, part.data(), part.size());
    if (size == 0) return text_result(std::move(text));
    if (size < 0) return failure("cannot read the " + std::string(what), path);
    text.append(part.data(), static_cast<std::size_t>(size));
  }
}

/// @param what kind of file it is, for errors.
StartResult<std::string> read_open_file(const OpenFile& file, const std::string& path,
                                        std::string_view what) {
  struct stat status {};
  if (::fstat(file.get(), &status) != 0)
    return failure("cannot read the " + std::string(what), path);
  if (!S_ISREG(status.st_mode)) {
    return StartError("the " + std::string(what) + " " + path + " is not a regular file");
  }
  if ((status.st_mode & kOthersBits) != 0) {
    return StartError("others than its owner may use the " + std::string(what) + " " + path +
                      ", which holds secrets; run: chmod 600 " + path);
  }
  return read_all(file.get(), path, what);
}

bool write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t size = ::write(descriptor, text.data(), text.size());
    if (size < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(size));
  }
  return true;
}

/// Whose the file at `path` is, if there is one.
struct Owner {
  uid_t user = 0;
  gid_t group = 0;
};
std::optional<Owner> owner_of(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return std::nullopt;
  return Owner{status.st_uid, status.st_gid};
}

/// Writes a file beside `path`, syncs it and renames it to `path`; its owner stays who it was,
/// since that is who the server runs as. @param folder of both, open.
StartResult<void> replace_file(const OpenFile& folder, const std::string& path,
                               std::string_view text) {
  const std::optional<Owner> owner = owner_of(path);
  const std::string fresh = path + ".new";
  ::unlink(fresh.c_str());  // of an edit that was cut short
  const OpenFile file(fresh, O_WRONLY | O_CREAT | O_EXCL, kOwnerOnly);
  if (!file) return failure("cannot write", fresh);
  const bool written = ::fchmod(file.get(), kOwnerOnly) == 0 &&
                       (!owner || ::fchown(file.get(), owner->user, owner->group) == 0) &&
                       write_all(file.get(), text) && ::fsync(file.get()) == 0 &&
                       ::rename(fresh.c_str(), path.c_str()) == 0;
  if (!written) {
    StartError error = failure("cannot write", path);
    ::unlink(fresh.c_str());
    return error;
  }
  if (::fsync(folder.get()) != 0) return failure("cannot write", path);
  return {};
}

}  // namespace

StartResult<std::string> read_private_file(const std::string& path, std::string_view what) {
  // A pipe would hold up whoever opens it, so it is not waited for.
  const OpenFile file(path, O_RDONLY | O_NONBLOCK);
  if (!file) return failure("cannot read the " + std::string(what), path);
  return read_open_file(file, path, what);
}

StartResult<void> edit_private_file(const std::string& path, std::string_view what,
                                    const PrivateFileEdit& edit) {
  const std::filesystem::path parent = std::filesystem::path(path).parent_path();
  const std::string folder_path = parent.empty() ? "." : parent.string();
  const OpenFile folder(folder_path, O_RDONLY | O_DIRECTORY);
  if (!folder) return failure("cannot open the folder", folder_path);
  // The file itself is replaced, so the lock is on its folder. It ends with the descriptor.
  if (::flock(folder.get(), LOCK_EX) != 0) return failure("cannot lock the folder", folder_path);

  std::optional<std::string> before;
  if (const OpenFile file(path, O_RDONLY | O_NONBLOCK); file) {
    StartResult<std::string> read = read_open_file(file, path, what);
    if (!read) return read.error();
    before = std::move(*read);
  } else if (errno != ENOENT) {
    return failure("cannot read the " + std::string(what), path);
  }
  const StartResult<std::string> after = edit(before);
  if (!after) return after.error();
  return replace_file(folder, path, *after);
}

}  // namespace millrace
