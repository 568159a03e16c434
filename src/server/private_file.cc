#include "server/private_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace millrace {

namespace {

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

}  // namespace millrace
