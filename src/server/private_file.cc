#include "server/private_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

namespace millrace {

namespace {

constexpr mode_t kOwnerOnly = 0600;
constexpr mode_t kOthersBits = 0077;
constexpr mode_t kOthersBitsOfRoots = 0037;

StartResult<std::string> read_all(const OpenFile& file, const std::string& path,
                                  std::string_view what) {
  std::string text;
  std::array<char, 4096> part;
  for (;;) {
    const ssize_t size = ::read(file.get(), part.data(), part.size());
    if (size == 0) return text_result(std::move(text));
    if (size < 0) return file_error(std::string("cannot read ").append(what), path);
    text.append(part.data(), static_cast<std::size_t>(size));
  }
}

/// @param secret whether others must not be able to use it.
StartResult<std::string> read(const std::string& path, std::string_view what, bool secret) {
  const std::string name = std::string(what).append(" ").append(path);
  // A pipe would hold up whoever opens it, so it is not waited for.
  const OpenFile file(path, O_RDONLY | O_NONBLOCK);
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0) {
    return file_error(std::string("cannot read ").append(what), path);
  }
  if (!S_ISREG(status.st_mode)) return StartError(name + " is not a regular file");
  const bool handed_out = status.st_uid == 0 && ::geteuid() != 0;
  const mode_t forbidden = handed_out ? kOthersBitsOfRoots : kOthersBits;
  if (secret && (status.st_mode & forbidden) != 0) {
    return StartError("others than its owner may use " + name +
                      ", which holds secrets; run: chmod 600 " + path);
  }
  return read_all(file, path, what);
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
  if (!file) return file_error("cannot write", fresh);
  const bool written = ::fchmod(file.get(), kOwnerOnly) == 0 &&
                       (!owner || ::fchown(file.get(), owner->user, owner->group) == 0) &&
                       write_all(file.get(), text) && ::fsync(file.get()) == 0 &&
                       ::rename(fresh.c_str(), path.c_str()) == 0;
  if (!written) {
    StartError error = file_error("cannot write", path);
    ::unlink(fresh.c_str());
    return error;
  }
  if (::fsync(folder.get()) != 0) return file_error("cannot write", path);
  return {};
}

}  // namespace

OpenFile::OpenFile(const std::string& path, int flags, mode_t mode)
    : descriptor_(::open(path.c_str(), flags | O_CLOEXEC, mode)) {}

OpenFile::~OpenFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

StartError file_error(std::string_view what, const std::string& path) {
  const std::string cause = std::generic_category().message(errno);
  return StartError(std::string(what).append(" ").append(path).append(": ").append(cause));
}

StartResult<std::string> read_file_text(const std::string& path, std::string_view what) {
  return read(path, what, false);
}

StartResult<std::string> read_private_file(const std::string& path, std::string_view what) {
  return read(path, what, true);
}

StartResult<void> edit_private_file(const std::string& path, std::string_view what,
                                    const PrivateFileEdit& edit) {
  const std::filesystem::path parent = std::filesystem::path(path).parent_path();
  const std::string folder_path = parent.empty() ? "." : parent.string();
  const OpenFile folder(folder_path, O_RDONLY | O_DIRECTORY);
  if (!folder) return file_error("cannot open the folder", folder_path);
  // The file itself is replaced, so the lock is on its folder. It ends with the descriptor.
  if (::flock(folder.get(), LOCK_EX) != 0) return file_error("cannot lock the folder", folder_path);

  std::optional<std::string> before;
  if (::access(path.c_str(), F_OK) == 0 || errno != ENOENT) {
    StartResult<std::string> read = read_private_file(path, what);
    if (!read) return read.error();
    before = std::move(*read);
  }
  const StartResult<std::string> after = edit(before);
  if (!after) return after.error();
  return replace_file(folder, path, *after);
}

}  // namespace millrace
