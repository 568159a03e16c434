#include "server/kms_command.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include <CLI/CLI.hpp>

#include "crypt/keyring.h"
#include "server/keyring_file.h"

namespace millrace {

namespace {

constexpr std::string_view kReload =
    "A server that uses the keyring reads it again on SIGHUP: kill -HUP <its process id>\n";

/// What the command line asks for.
struct Wanted {
  std::string path;
  std::string alias;
  std::string key;
};

StartResult<std::string> list(const Wanted& wanted) {
  const auto keyring = read_keyring_file(wanted.path);
  if (!keyring) return keyring.error();
  std::string out;
  for (const MasterKey& key : (*keyring)->keys()) {
    out += key.id + (key.enabled ? "  enabled   version " : "  disabled  version ") +
           std::to_string(key.versions.back().number);
    for (const std::string& alias : key.aliases) out += "  " + alias;
    out += "\n";
  }
  return text_result(std::move(out));
}

StartResult<std::string> create(const Wanted& wanted) {
  if (!wanted.alias.empty() && !is_key_alias(wanted.alias)) {
    return StartError(
        "--alias must be \"alias/\" and then 1 to 250 letters, digits, '/', '_' and '-'");
  }
  if (wanted.alias.starts_with("alias/aws/")) {
    return StartError("aliases that begin with alias/aws/ are kept for managed keys");
  }
  const MasterKey key = make_master_key(wanted.alias, SystemClock().now());
  const auto edit = [&](std::vector<MasterKey>& keys) -> StartResult<void> {
    const auto has_alias = [&](const MasterKey& other) {
      return std::ranges::find(other.aliases, wanted.alias) != other.aliases.end();
    };
    const auto other = std::ranges::find_if(keys, has_alias);
    if (other != keys.end()) {
      return StartError(wanted.alias + " stands for the key " + other->id + " already");
    }
    keys.push_back(key);
    return {};
  };
  if (const auto edited = edit_keyring_file(wanted.path, edit); !edited) return edited.error();
  return text_result(key.id + (wanted.alias.empty() ? "" : "  " + wanted.alias) + "\n" +
                     std::string(kReload));
}

/// Changes one key. @param change says what is wrong, or nothing.
template <class Change>
StartResult<std::string> change_key(const Wanted& wanted, const std::string& done, Change change) {
  const auto edit = [&](std::vector<MasterKey>& keys) -> StartResult<void> {
    const Keyring keyring(keys);
    const MasterKey* found = keyring.find(wanted.key);
    if (found == nullptr) {
      return StartError("there is no key " + wanted.key +
                        "; `millrace kms list` shows which there are");
    }
    return change(*std::ranges::find(keys, found->id, &MasterKey::id));
  };
  if (const auto edited = edit_keyring_file(wanted.path, edit); !edited) return edited.error();
  return text_result(wanted.key + done + "\n" + std::string(kReload));
}

StartResult<std::string> enable(const Wanted& wanted) {
  return change_key(wanted, " is enabled.", [](MasterKey& key) -> StartResult<void> {
    key.enabled = true;
    return {};
  });
}

StartResult<std::string> disable(const Wanted& wanted) {
  return change_key(wanted, " is disabled.", [](MasterKey& key) -> StartResult<void> {
    if (key.managed()) return StartError("the managed key cannot be disabled");
    key.enabled = false;
    return {};
  });
}

StartResult<std::string> rotate_key(const Wanted& wanted) {
  return change_key(wanted, " has a new version.", [](MasterKey& key) -> StartResult<void> {
    rotate(key, SystemClock().now());
    return {};
  });
}

/// THE TABLE OF COMMANDS.
struct CommandRow {
  std::string_view name;
  const char* help;
  StartResult<std::string> (*run)(const Wanted&);
  bool takes_key;
};
constexpr CommandRow kCommands[] = {
    {"list", "Show every key, without its secrets", list, false},
    {"create", "Make a key", create, false},
    {"enable", "Use a disabled key again", enable, true},
    {"disable", "Seal and open nothing under the key from now on", disable, true},
    {"rotate", "Give the key a new secret; what is sealed already can still be opened", rotate_key,
     true},
};

/// The command line's grammar.
struct KmsLine {
  CLI::App app{"List, make and change the master keys of a keyring", "millrace kms"};
  Wanted wanted;

  explicit KmsLine(const Environment& environment) {
    const char* path = environment("MILLRACE_KEYRING");
    const char* data = environment("MILLRACE_DATA");
    if (path != nullptr) {
      wanted.path = path;
    } else if (data != nullptr) {
      wanted.path = std::string(data) + "/keyring";
    }
    app.require_subcommand(1);
    for (const CommandRow& row : kCommands) {
      CLI::App* command = app.add_subcommand(std::string(row.name), row.help);
      command->add_option("--keyring", wanted.path, "the file [MILLRACE_KEYRING]")
          ->type_name("FILE");
      if (row.takes_key) {
        command->add_option("key", wanted.key, "id or alias of the key")
            ->required()
            ->type_name("KEY");
      } else if (row.run == create) {
        command->add_option("--alias", wanted.alias, "name of the key, like alias/orders")
            ->type_name("NAME");
      }
    }
  }
};

}  // namespace

StartResult<std::string> run_kms_command(const std::vector<std::string>& arguments,
                                         const Environment& environment) {
  KmsLine line(environment);
  try {
    line.app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::CallForHelp&) {
    return text_result(line.app.help());
  } catch (const CLI::ParseError& error) {
    return StartError(std::string(error.what()) + "\nRun millrace kms --help for the commands.");
  }
  if (line.wanted.path.empty()) {
    return StartError("say which file, with --keyring FILE or in MILLRACE_KEYRING");
  }
  const std::string command = line.app.get_subcommands().front()->get_name();
  return std::ranges::find(kCommands, command, &CommandRow::name)->run(line.wanted);
}

}  // namespace millrace
