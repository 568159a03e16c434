// Files that hold secrets: for their owner alone, and replaced whole.
//
// Functions; each blocks on the disk.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "server/start_error.h"

namespace millrace {

/// Reads the file `path`. @param what kind of file it is, for errors: "credentials file".
/// @return a StartError also for what is no regular file, or what its group or others may read.
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
