#include "server/console_actions.h"

#include <algorithm>
#include <utility>

#include "auth/credentials.h"
#include "server/console.h"
#include "server/credentials_file.h"
#include "server/key_edits.h"
#include "service/authorize.h"

namespace millrace {

namespace {

/// Whether the caller may do its action with its account as such.
Expected<void> authorize_account(const Context& context) {
  if (const Expected<void> known = deny_nobody(context); !known) return known;
  return authorize(context, Resource(context.caller->account, {}, nullptr));
}

/// Has the logs tell of a key, or of a session.
void note_about(const Context& context, const std::string& id) {
  if (context.notes != nullptr) context.notes->resource = id;
}

ApiError no_such_key(const std::string& id) {
  return {ErrorCode::resource_not_found, "There is no access key " + id + "."};
}

ApiError too_many_keys(const UserEntry& user) {
  return {ErrorCode::over_limit, "The user " + user.name + " has " +
                                     std::to_string(kEnabledKeysMax) +
                                     " active keys already; deactivate or delete one first."};
}

/// A key of the caller's account. Those of root are for root: who has one may do everything.
Expected<KeyPlace> find_own_key(CredentialsFile& file, const Context& context,
                                const std::string& id) {
  const std::optional<KeyPlace> place = find_key(file, id);
  if (!place || place->account->id != context.caller->account) {
    const AccessKey* const other =
        context.credentials != nullptr ? context.credentials->find(id) : nullptr;
    if (other != nullptr && other->caller.account == context.caller->account) {
      return ApiError(ErrorCode::unsupported_operation,
                      "The access key " + id +
                          " comes from the server's options, not from its credentials file.");
    }
    return no_such_key(id);
  }
  if (place->user->name == kRootUser && context.caller->user != kRootUser) {
    return ApiError(ErrorCode::access_denied, "Only root may change the keys of root.");
  }
  return *place;
}

bool same_account(const Context& context, const AccessKey& key) {
  return key.caller.account == context.caller->account;
}

/// The key that a session belongs to, if it is one of the caller's account.
const AccessKey* key_of(const Context& context, const ConsoleSession& session) {
  if (context.credentials == nullptr) return nullptr;
  const AccessKey* const key = context.credentials->find(session.access_key);
  return key != nullptr && same_account(context, *key) ? key : nullptr;
}

}  // namespace

Answer<api::ListAccessKeysResponse> list_access_keys(Context& context,
                                                     api::ListAccessKeysRequest&) {
  const Expected<void> allowed = authorize_account(context);
  if (!allowed) co_return allowed.error();
  api::ListAccessKeysResponse response;
  response.writable = context.console->access_keys.writable();
  if (context.credentials == nullptr) co_return response;
  for (const AccessKey& key : context.credentials->all()) {
    if (!same_account(context, key)) continue;
    response.keys.push_back({.access_key_id = key.id,
                             .user_name = key.caller.user,
                             .account_id = key.caller.account.text(),
                             .status = key.enabled ? "Active" : "Inactive",
                             .root = key.caller.user == kRootUser});
  }
  co_return response;
}

Answer<api::CreateAccessKeyResponse> create_access_key(Context& context,
                                                       api::CreateAccessKeyRequest& request) {
  const Expected<void> allowed = authorize_account(context);
  if (!allowed) co_return allowed.error();
  if (!is_user_name(request.user_name)) {
    co_return invalid_parameter(request.user_name, "UserName",
                                "It must be 1 to 64 letters, digits and any of +=,.@_-.");
  }
  if (request.user_name == kRootUser && context.caller->user != kRootUser) {
    co_return ApiError(ErrorCode::access_denied, "Only root may make keys for root.");
  }
  const KeyEntry key = new_key();
  const Expected<void> changed =
      co_await context.console->access_keys.change([&](CredentialsFile& file) -> Expected<void> {
        UserEntry& user = user_of(account_of(file, context.caller->account), request.user_name);
        if (enabled_keys(user) >= kEnabledKeysMax) return too_many_keys(user);
        user.keys.push_back(key);
        return {};
      });
  if (!changed) co_return changed.error();
  note_about(context, key.id);
  co_return api::CreateAccessKeyResponse{.access_key_id = key.id, .secret_access_key = key.secret};
}

Answer<api::NoOutput> update_access_key(Context& context, api::UpdateAccessKeyRequest& request) {
  note_about(context, request.access_key_id);
  const Expected<void> allowed = authorize_account(context);
  if (!allowed) co_return allowed.error();
  const bool enabled = request.status == "Active";
  if (!enabled && request.status != "Inactive") {
    co_return invalid_parameter(request.status, "Status", "It must be Active or Inactive.");
  }
  const Expected<void> changed =
      co_await context.console->access_keys.change([&](CredentialsFile& file) -> Expected<void> {
        const Expected<KeyPlace> place = find_own_key(file, context, request.access_key_id);
        if (!place) return place.error();
        if (!set_enabled(*place, enabled)) return too_many_keys(*place->user);
        return {};
      });
  if (!changed) co_return changed.error();
  co_return api::NoOutput();
}

Answer<api::NoOutput> delete_access_key(Context& context, api::DeleteAccessKeyRequest& request) {
  note_about(context, request.access_key_id);
  const Expected<void> allowed = authorize_account(context);
  if (!allowed) co_return allowed.error();
  const Expected<void> changed =
      co_await context.console->access_keys.change([&](CredentialsFile& file) -> Expected<void> {
        const Expected<KeyPlace> place = find_own_key(file, context, request.access_key_id);
        if (!place) return place.error();
        remove_key(*place);
        return {};
      });
  if (!changed) co_return changed.error();
  co_return api::NoOutput();
}

Answer<api::ListSessionsResponse> list_sessions(Context& context, api::ListSessionsRequest&) {
  if (const Expected<void> known = deny_nobody(context); !known) co_return known.error();
  const Resource account(context.caller->account, {}, nullptr);
  const bool all = may(context, PolicyAction::list_sessions, account);
  api::ListSessionsResponse response;
  for (const ConsoleSession& session : context.console->sessions.list(context.now)) {
    const AccessKey* const key = key_of(context, session);
    if (key == nullptr || (!all && session.access_key != context.caller->access_key)) continue;
    response.sessions.push_back({.id = session.id,
                                 .access_key_id = session.access_key,
                                 .arn = key->caller.arn,
                                 .source_address = session.source,
                                 .created = session.created.milliseconds,
                                 .last_used = session.last_used.milliseconds,
                                 .read_only = session.read_only,
                                 .current = session.id == context.session});
  }
  co_return response;
}

Answer<api::NoOutput> revoke_session(Context& context, api::RevokeSessionRequest& request) {
  note_about(context, request.id);
  if (const Expected<void> known = deny_nobody(context); !known) co_return known.error();
  const std::vector<ConsoleSession> sessions = context.console->sessions.list(context.now);
  const auto session = std::ranges::find(sessions, request.id, &ConsoleSession::id);
  const bool found = session != sessions.end() && key_of(context, *session) != nullptr;
  const bool own = found && session->access_key == context.caller->access_key;
  if (!own) {
    const Expected<void> allowed = authorize_account(context);
    if (!allowed) co_return allowed.error();
  }
  if (!found) {
    co_return ApiError(ErrorCode::resource_not_found, "There is no session " + request.id + ".");
  }
  context.console->sessions.close(request.id);
  co_return api::NoOutput();
}

}  // namespace millrace
