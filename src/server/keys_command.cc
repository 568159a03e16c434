#include "server/keys_command.h"

#include <unistd.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include <CLI/CLI.hpp>

#include "auth/credentials.h"
#include "auth/managed_policies.h"
#include "base/clock.h"
#include "observe/audit_log.h"
#include "server/credentials_file.h"
#include "server/key_edits.h"

namespace millrace {

namespace {

constexpr std::string_view kReload =
    "A server that uses the file reads it again on SIGHUP: kill -HUP <its process id>\n";

std::string describe_new_key(const KeyEntry& key) {
  return "AWS_ACCESS_KEY_ID=" + key.id + "\nAWS_SECRET_ACCESS_KEY=" + key.secret +
         "\n\nThe secret is not shown again.\n" + std::string(kReload);
}

StartError no_such_key(const std::string& id) {
  return StartError("there is no key " + id + "; `millrace keys list` shows which there are");
}

/// The user, who is made if need be. Then it has, without `policies`, all that the account has: a
/// key should be good for something. A user who is there keeps what it may do.
UserEntry& user_with(AccountEntry& account, const std::string& name,
                     std::vector<std::string> policies) {
  const bool there =
      std::ranges::find(account.users, name, &UserEntry::name) != account.users.end();
  if (!there && policies.empty() && name != kRootUser) policies = {std::string(kFullAccessPolicy)};
  UserEntry& user = user_of(account, name);
  for (std::string& policy : policies) {
    if (std::ranges::find(user.policies, policy) == user.policies.end()) {
      user.policies.push_back(std::move(policy));
    }
  }
  return user;
}

/// What a user may do, for people.
std::string describe_policies(const AccountEntry& account, const UserEntry& user) {
  if (user.name == kRootUser) return "everything in its account";
  std::string text;
  const auto add = [&](std::string_view name, std::string_view from) {
    text.append(text.empty() ? "" : ", ").append(name).append(from);
  };
  for (const std::string& name : user.policies) add(name, "");
  for (const std::string& group : user.groups) {
    const auto found = std::ranges::find(account.groups, group, &GroupEntry::name);
    for (const std::string& name : found->policies) add(name, " (group " + group + ")");
  }
  for (const PolicyEntry& policy : user.inline_policies) add(policy.name, " (inline)");
  return text.empty() ? "nothing but what queues allow" : text;
}

StartError too_many_keys(const UserEntry& user) {
  return StartError("the user " + user.name + " has " + std::to_string(kEnabledKeysMax) +
                    " enabled keys already; disable or delete one first");
}

StartError no_such_policy(const AccountEntry& account, const std::string& name) {
  std::string text = "there is no policy " + name + "; known are:";
  for (const ManagedPolicyRow& row : managed_policies()) text.append(" ").append(row.name);
  for (const PolicyEntry& policy : account.policies) text.append(" ").append(policy.name);
  return StartError(text);
}

/// What the command line asks for.
struct Wanted {
  std::string path;
  std::string account = "000000000000";
  std::string user;
  std::string id;
  std::vector<std::string> policies;
  std::string audit_log;
};

/// What a command that changes something has done.
struct Changed {
  std::string text;  // to print
  std::string key;   // id of the key that is made or changed
};

StartResult<std::string> list(const Wanted& wanted) {
  const StartResult<CredentialsFile> file = read_credentials_file(wanted.path);
  if (!file) return file.error();
  std::string out;
  for (const AccountEntry& account : file->accounts) {
    for (const UserEntry& user : account.users) {
      for (const KeyEntry& key : user.keys) {
        out += account.id.text() + "  " + key.id + "  " + (key.enabled ? "enabled " : "disabled") +
               "  " + user.name + (key.session_token.empty() ? "" : "  (temporary)") + "  " +
               describe_policies(account, user) + "\n";
      }
    }
  }
  if (out.empty()) out = "There are no access keys in " + wanted.path + ".\n";
  return text_result(std::move(out));
}

StartResult<Changed> create(const Wanted& wanted) {
  const std::optional<AccountId> account = AccountId::parse(wanted.account);
  if (!account) {
    return StartError("--account is \"" + wanted.account + "\", but must be twelve digits");
  }
  if (!is_user_name(wanted.user)) {
    return StartError("--user must be 1 to 64 letters, digits and any of +=,.@_-");
  }
  if (wanted.user == kRootUser && !wanted.policies.empty()) {
    return StartError("root may do everything in its account; --policy is for other users");
  }
  const KeyEntry key = new_key();
  std::string permissions;
  const auto edit = [&](CredentialsFile& file) -> StartResult<void> {
    AccountEntry& entry = account_of(file, *account);
    for (const std::string& policy : wanted.policies) {
      if (!has_policy(entry, policy)) return no_such_policy(entry, policy);
    }
    UserEntry& user = user_with(entry, wanted.user, wanted.policies);
    permissions = describe_policies(entry, user);
    if (enabled_keys(user) >= kEnabledKeysMax) return too_many_keys(user);
    user.keys.push_back(key);
    return {};
  };
  if (const auto edited = edit_credentials_file(wanted.path, edit); !edited) return edited.error();
  return Changed{describe_new_key(key) + "The user " + wanted.user + " of the account " +
                     account->text() + " may do: " + permissions + "\n",
                 key.id};
}

StartResult<Changed> change_status(const Wanted& wanted, bool enabled) {
  const auto edit = [&](CredentialsFile& file) -> StartResult<void> {
    const std::optional<KeyPlace> place = find_key(file, wanted.id);
    if (!place) return no_such_key(wanted.id);
    if (!set_enabled(*place, enabled)) return too_many_keys(*place->user);
    return {};
  };
  if (const auto edited = edit_credentials_file(wanted.path, edit); !edited) return edited.error();
  return Changed{
      wanted.id + (enabled ? " is enabled.\n" : " is disabled.\n") + std::string(kReload),
      wanted.id};
}

StartResult<Changed> remove(const Wanted& wanted) {
  const auto edit = [&](CredentialsFile& file) -> StartResult<void> {
    const std::optional<KeyPlace> place = find_key(file, wanted.id);
    if (!place) return no_such_key(wanted.id);
    remove_key(*place);
    return {};
  };
  if (const auto edited = edit_credentials_file(wanted.path, edit); !edited) return edited.error();
  return Changed{wanted.id + " is deleted.\n" + std::string(kReload), wanted.id};
}

// The key that is replaced stays good, so that programs can go over to the new one in their time.
// Whatever else the user has is disabled, so that there is always room for the successor.
StartResult<Changed> rotate(const Wanted& wanted) {
  const KeyEntry fresh = new_key();
  const auto edit = [&](CredentialsFile& file) -> StartResult<void> {
    const std::optional<KeyPlace> place = find_key(file, wanted.id);
    if (!place) return no_such_key(wanted.id);
    if (!place->key().enabled) {
      return StartError("the key " + wanted.id + " is disabled; rotate the one that is in use");
    }
    for (KeyEntry& key : place->user->keys) {
      if (key.id != wanted.id && key.session_token.empty()) key.enabled = false;
    }
    place->user->keys.push_back(fresh);
    return {};
  };
  if (const auto edited = edit_credentials_file(wanted.path, edit); !edited) return edited.error();
  return Changed{describe_new_key(fresh) + "The old key stays good until: millrace keys disable " +
                     wanted.id + "\n",
                 fresh.id};
}

StartResult<Changed> disable(const Wanted& wanted) {
  return change_status(wanted, false);
}
StartResult<Changed> enable(const Wanted& wanted) {
  return change_status(wanted, true);
}

/// The commands that change something.
struct Change {
  std::string_view command;
  std::string_view act;  // as the audit log calls it
  StartResult<Changed> (*make)(const Wanted&);
};
constexpr Change kChanges[] = {
    {"create", "CreateAccessKey", create}, {"disable", "DisableAccessKey", disable},
    {"enable", "EnableAccessKey", enable}, {"rotate", "RotateAccessKey", rotate},
    {"delete", "DeleteAccessKey", remove},
};

// Who asks is known to the system only: whoever may write the file.
void audit(AuditLog& log, const Change& change, const Wanted& wanted,
           const StartResult<Changed>& changed) {
  const std::string user = "uid " + std::to_string(::getuid());
  std::string detail = "in " + wanted.path;
  if (change.command == "create") detail += ", for " + wanted.user + " of " + wanted.account;
  if (change.command == "rotate") detail += ", after " + wanted.id;
  if (!changed) detail += ": " + changed.error().message();
  AuditEntry entry;
  entry.act = change.act;
  entry.decision = changed ? AuditDecision::allowed : AuditDecision::failed;
  entry.user = user;
  entry.resource = changed ? changed->key : wanted.id;
  entry.detail = detail;
  log.write(entry);
}

/// The command line's grammar.
struct KeysLine {
  CLI::App app{"List, make and change the access keys of a credentials file", "millrace keys"};
  Wanted wanted;

  explicit KeysLine(const Environment& environment) {
    if (const char* path = environment("MILLRACE_CREDENTIALS")) wanted.path = path;
    if (const char* account = environment("MILLRACE_ACCOUNT")) wanted.account = account;
    if (const char* path = environment("MILLRACE_AUDIT_LOG")) wanted.audit_log = path;
    app.require_subcommand(1);
    add("list", "Show every key, without its secret");
    CLI::App* create = add_change("create", "Make a key, and its user if need be");
    create
        ->add_option("--user", wanted.user, "user whom the key is for; root is the account itself")
        ->required()
        ->type_name("NAME");
    create->add_option("--account", wanted.account, "account of the user [MILLRACE_ACCOUNT]")
        ->type_name("DIGITS")
        ->capture_default_str();
    create
        ->add_option("--policy", wanted.policies,
                     "policy that says what the user may do; may stand several times. Without it a "
                     "new user may do everything in its account (" +
                         std::string(kFullAccessPolicy) + ")")
        ->type_name("NAME")
        ->expected(1)
        ->take_all();
    add_for_key("disable", "Refuse the key from now on");
    add_for_key("enable", "Take a disabled key again");
    add_for_key("rotate",
                "Make a new key for the key's user and leave it good until it is disabled");
    add_for_key("delete", "Remove the key");
  }

 private:
  CLI::App* add(const std::string& name, const std::string& help) {
    CLI::App* command = app.add_subcommand(name, help);
    command->add_option("--credentials", wanted.path, "the file [MILLRACE_CREDENTIALS]")
        ->type_name("FILE");
    return command;
  }
  CLI::App* add_change(const std::string& name, const std::string& help) {
    CLI::App* command = add(name, help);
    command
        ->add_option("--audit-log", wanted.audit_log,
                     "file that is to tell of it, the server's own as a rule [MILLRACE_AUDIT_LOG]")
        ->type_name("FILE");
    return command;
  }
  void add_for_key(const std::string& name, const std::string& help) {
    add_change(name, help)
        ->add_option("id", wanted.id, "id of the key")
        ->required()
        ->type_name("ID");
  }
};

}  // namespace

StartResult<std::string> run_keys_command(const std::vector<std::string>& arguments,
                                          const Environment& environment) {
  KeysLine line(environment);
  try {
    line.app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::CallForHelp&) {
    return text_result(line.app.help());
  } catch (const CLI::ParseError& error) {
    return StartError(std::string(error.what()) + "\nRun millrace keys --help for the commands.");
  }
  const Wanted& wanted = line.wanted;
  if (wanted.path.empty()) {
    return StartError("say which file, with --credentials FILE or in MILLRACE_CREDENTIALS");
  }
  const std::string command = line.app.get_subcommands().front()->get_name();
  if (command == "list") return list(wanted);
  const Change& change = *std::ranges::find(kChanges, command, &Change::command);
  const SystemClock clock;
  std::unique_ptr<AuditLog> log;
  if (!wanted.audit_log.empty()) {
    auto opened = AuditLog::open({.path = wanted.audit_log, .bytes_max = 0, .files_max = 1}, clock);
    if (!opened) {
      return StartError("cannot open the log " + wanted.audit_log + ": " +
                        opened.error().message() + "; nothing was changed");
    }
    log = std::move(*opened);
  }
  StartResult<Changed> changed = change.make(wanted);
  if (log != nullptr) audit(*log, change, wanted, changed);
  if (!changed) return changed.error();
  return text_result(std::move(changed->text));
}

}  // namespace millrace
