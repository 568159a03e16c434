// The keyring file: the master keys of an installation, in TOML.
//
//   [[key]]
//   id = "3f1c..."                  # a UUID
//   aliases = ["alias/orders"]
//   enabled = false                 # without it: true
//
//   [[key.version]]
//   number = 1                      # rising
//   created = 2027-01-01T00:00:00Z
//   secret = "..."                  # 32 bytes in base64
//
// Functions; each blocks on the disk. docs/security.md is the manual for users.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "crypt/keyring.h"
#include "server/start_error.h"

namespace millrace {

/// Reads `text`, the content of the file `path`. @return a StartError that names the line of what
/// is wrong: an unknown key, a missing or malformed value, an id or alias that stands there twice,
/// no managed key or a disabled one.
StartResult<std::vector<MasterKey>> parse_keyring(std::string_view text, const std::string& path);

/// `keys` as text.
std::string keyring_text(const std::vector<MasterKey>& keys);

/// Reads the file `path`. @return also a StartError for a file that its group or others may read.
StartResult<std::shared_ptr<const Keyring>> read_keyring_file(const std::string& path);

/// Changes the file `path` as edit_private_file() does. If it is missing it is made, with a managed
/// key. @return the error of `edit`, of reading or of writing; the file is then as it was.
StartResult<void> edit_keyring_file(
    const std::string& path, const std::function<StartResult<void>(std::vector<MasterKey>&)>& edit);

}  // namespace millrace
