// Console: what the cores share of the management console: its page, its sessions, and what its
// requests are held to.
//
// Owned by the server for as long as it runs. Any thread.
#pragma once

#include <string>

#include "http/static_files.h"
#include "server/access_keys.h"
#include "server/browser_guard.h"
#include "server/config.h"
#include "server/console_sessions.h"
#include "server/rate_limiter.h"

namespace millrace {

/// Which names browsers may come by.
BrowserGuard browser_guard_of(const ServeOptions& options);

class Console {
 public:
  Console(const ServeOptions& options, AccessKeys access_keys);

  const StaticFiles files;
  const BrowserGuard guard;
  const std::string cookie_path;        // what the session cookie is for
  const std::string development_token;  // stands for a session's CSRF token where none is needed
  const bool allow_http;                // sign-ins over plain HTTP from other machines
  ConsoleSessions sessions;
  RateLimiter sign_ins_of_source;
  RateLimiter sign_ins_of_key;
  AccessKeys access_keys;
};

}  // namespace millrace
