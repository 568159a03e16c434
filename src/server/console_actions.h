// The console's actions on access keys and sessions, one function each, as those in
// service/handlers.h. What they change belongs to the server, so they stand here.
//
// Of Context they need `console`, which is there wherever they can be called. Access keys are those
// of the caller's account; each account is its own master. In development mode there are none.
#pragma once

#include "api/console.h"
#include "service/handlers.h"

namespace millrace {

Answer<api::ListAccessKeysResponse> list_access_keys(Context& context,
                                                     api::ListAccessKeysRequest& request);
Answer<api::CreateAccessKeyResponse> create_access_key(Context& context,
                                                       api::CreateAccessKeyRequest& request);
Answer<api::NoOutput> update_access_key(Context& context, api::UpdateAccessKeyRequest& request);
Answer<api::NoOutput> delete_access_key(Context& context, api::DeleteAccessKeyRequest& request);
/// Whoever may not list all sees the sessions of its own access key.
Answer<api::ListSessionsResponse> list_sessions(Context& context,
                                                api::ListSessionsRequest& request);
Answer<api::NoOutput> revoke_session(Context& context, api::RevokeSessionRequest& request);

}  // namespace millrace
