// Private files: those that hold secrets, and so must be for their owner's eyes only. What Millrace
// writes of them is replaced whole.
//
// Blocks on the disk. Any thread.
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "server/start_error.h"

namespace millrace {

/// A file descriptor, closed at the end.
class OpenFile {
 public:
  /// As open(2); also not inherited by other programs.
  OpenFile(const std::string& path, int flags, mode_t mode = 0);
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  ~OpenFile();
  explicit operator bool() const { return descriptor_ >= 0; }
  int get() const { return descriptor_; }
  /// Gives the descriptor away: the caller closes it.
  int release() { return std::exchange(descriptor_, -1); }

 private:
  int descriptor_;
};

/// What the system said last (errno) of the file at `path`. @param what was to be done, as in
/// "cannot write".
StartError file_error(std::string_view what, const std::string& path);

/// @param what the file is, as in "the certificate". @return the whole text of the file at `path`,
/// or a StartError that names both.
StartResult<std::string> read_file_text(const std::string& path, std::string_view what);

/// The same of a file that holds secrets; refused if others than its owner may use it. The group of
/// a file that is root's may read it, unless the server itself is root: so secrets are handed to a
/// process that may not own them.
StartResult<std::string> read_private_file(const std::string& path, std::string_view what);

/// @param before the content; nothing if there is no such file. @return the new content.
using PrivateFileEdit =
    std::function<StartResult<std::string>(const std::optional<std::string>& before)>;

/// Changes the file `path`, which is made if it is missing: reads it, edits it and puts the new
/// file in the place of the old one, whole or not at all, readable for its owner only. Those who
/// edit at the same time wait for each other. @return the error of `edit`, of reading or of
/// writing; the file is then as it was.
StartResult<void> edit_private_file(const std::string& path, std::string_view what,
                                    const PrivateFileEdit& edit);

}  // namespace millrace
