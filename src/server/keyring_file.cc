#include "server/keyring_file.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <optional>
#include <unordered_set>
#include <utility>

#include "base/encoding.h"
#include "server/private_file.h"
#include "server/toml_table.h"

namespace millrace {

namespace {

constexpr std::string_view kWhat = "the keyring";

StartResult<MasterKeyVersion> read_version(const TomlTable& table) {
  static constexpr std::array<std::string_view, 3> kKnown = {"number", "created", "secret"};
  if (const auto known = table.check_keys(kKnown); !known) return known.error();
  std::int64_t number = 0;
  if (const auto read = table.read("number", number); !read) return read.error();
  if (number < 1 || number > std::numeric_limits<std::uint32_t>::max()) {
    return table.wrong("the number of a key's version must be a whole number from 1 on");
  }
  std::optional<Timestamp> created_at;
  if (const auto read = table.read("created", created_at); !read) return read.error();
  std::string text;
  if (const auto read = table.read("secret", text); !read) return read.error();
  const std::optional<std::string> secret = from_base64(text);
  if (!secret || secret->size() != SecretKey::kBytes) {
    return table.wrong("the secret of a key's version must be 32 bytes in base64");
  }
  MasterKeyVersion version{.number = static_cast<std::uint32_t>(number),
                           .created_at = created_at.value_or(Timestamp{}),
                           .secret = {}};
  std::memcpy(version.secret.bytes().data(), secret->data(), SecretKey::kBytes);
  return version;
}

StartResult<MasterKey> read_key(const TomlTable& table) {
  static constexpr std::array<std::string_view, 4> kKnown = {"id", "aliases", "enabled", "version"};
  if (const auto known = table.check_keys(kKnown); !known) return known.error();
  MasterKey key;
  if (const auto read = table.read("id", key.id); !read) return read.error();
  if (const auto uuid = from_uuid_text(key.id); !uuid || to_uuid_text(*uuid) != key.id) {
    return table.wrong("the id of a key must be a UUID in lower case, in quotes");
  }
  if (const auto read = table.read("aliases", key.aliases); !read) return read.error();
  if (!std::ranges::all_of(key.aliases, is_key_alias)) {
    return table.wrong(
        "an alias must be \"alias/\" and then 1 to 250 letters, digits, '/', '_' and '-'");
  }
  if (const auto read = table.read("enabled", key.enabled); !read) return read.error();
  if (!key.enabled && key.managed()) {
    return table.wrong("the key with alias/aws/sqs cannot be disabled");
  }
  const auto versions = table.for_each("version", [&](const TomlTable& one) -> StartResult<void> {
    StartResult<MasterKeyVersion> version = read_version(one);
    if (!version) return version.error();
    if (!key.versions.empty() && version->number <= key.versions.back().number) {
      return one.wrong("the numbers of a key's versions must rise");
    }
    key.versions.push_back(std::move(*version));
    return {};
  });
  if (!versions) return versions.error();
  if (key.versions.empty()) return table.wrong("the key " + key.id + " has no version");
  return key;
}

}  // namespace

StartResult<std::vector<MasterKey>> parse_keyring(std::string_view text, const std::string& path) {
  const StartResult<toml::table> parsed = parse_toml(text, path);
  if (!parsed) return parsed.error();
  static constexpr std::array<std::string_view, 1> kKnown = {"key"};
  const TomlTable table(*parsed, path);
  if (const auto known = table.check_keys(kKnown); !known) return known.error();
  std::vector<MasterKey> keys;
  std::unordered_set<std::string> names;
  const auto read = table.for_each("key", [&](const TomlTable& one) -> StartResult<void> {
    StartResult<MasterKey> key = read_key(one);
    if (!key) return key.error();
    if (!names.insert(key->id).second) {
      return one.wrong("the key " + key->id + " stands here twice");
    }
    for (const std::string& alias : key->aliases) {
      if (!names.insert(alias).second) return one.wrong(alias + " stands here twice");
    }
    keys.push_back(std::move(*key));
    return {};
  });
  if (!read) return read.error();
  if (!names.contains(std::string(kManagedKeyAlias))) {
    return StartError(path + " has no key with " + std::string(kManagedKeyAlias));
  }
  return keys;
}

std::string keyring_text(const std::vector<MasterKey>& keys) {
  std::string out =
      "# The master keys of Millrace; see docs/security.md. Whoever has this file and the data "
      "can\n"
      "# read every message; without it nobody can. `millrace kms` writes it anew and keeps no\n"
      "# other comments.\n";
  for (const MasterKey& key : keys) {
    out += "\n[[key]]\n";
    append_toml(out, "id", key.id);
    std::string aliases;
    for (const std::string& alias : key.aliases) {
      aliases += (aliases.empty() ? "" : ", ") + toml_string(alias);
    }
    if (!aliases.empty()) out += "aliases = [" + aliases + "]\n";
    if (!key.enabled) out += "enabled = false\n";
    for (const MasterKeyVersion& version : key.versions) {
      out += "\n[[key.version]]\nnumber = " + std::to_string(version.number) +
             "\ncreated = " + moment_text(version.created_at) + "\n";
      append_toml(out, "secret", to_base64(version.secret.text()));
    }
  }
  return out;
}

StartResult<std::shared_ptr<const Keyring>> read_keyring_file(const std::string& path) {
  const StartResult<std::string> text = read_private_file(path, kWhat);
  if (!text) return text.error();
  StartResult<std::vector<MasterKey>> keys = parse_keyring(*text, path);
  if (!keys) return keys.error();
  return std::make_shared<const Keyring>(std::move(*keys));
}

StartResult<void> edit_keyring_file(
    const std::string& path,
    const std::function<StartResult<void>(std::vector<MasterKey>&)>& edit) {
  return edit_private_file(
      path, kWhat, [&](const std::optional<std::string>& text) -> StartResult<std::string> {
        std::vector<MasterKey> keys = Keyring::fresh(SystemClock().now()).keys();
        if (text) {
          StartResult<std::vector<MasterKey>> parsed = parse_keyring(*text, path);
          if (!parsed) return parsed.error();
          keys = std::move(*parsed);
        }
        if (const auto edited = edit(keys); !edited) return edited.error();
        return text_result(keyring_text(keys));
      });
}

}  // namespace millrace
