// What a session of the management console is: how long it lasts, and the cookie that stands for
// it.
//
// A browser signs in with one signed request (sigv4.h) and then shows a cookie. The server keeps
// only a hash of that, so that nobody can make a cookie of what it remembers. Pure; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "auth/credentials.h"
#include "base/clock.h"
#include "base/encoding.h"
#include "base/http_message.h"

namespace millrace {

/// 256 bits that nobody can guess.
using SessionSecret = std::array<std::uint8_t, 32>;

struct ConsoleSession {
  std::string id;          // names it in lists; says nothing about the cookie
  std::string csrf_token;  // what the page says with each request, and no other page knows
  std::string access_key;  // whose it is
  Sha256Digest key_print;  // of that key, when the session began
  std::string source;      // the address that it began at
  bool read_only = false;  // it may look, but change nothing
  Timestamp created;
  Timestamp last_used;

  /// When it ends unless it is used before, and in any case by limits::kSessionAgeMax.
  Timestamp expires_at() const;
};

/// What tells a key from a later one with the same id.
Sha256Digest key_print(const AccessKey& key);

/// The text of a secret, as it stands in a cookie.
std::string secret_text(const SessionSecret& secret);

/// The text in the session cookie of `request`, whatever it is; empty without one.
std::string_view session_cookie_of(const HttpRequest& request);

/// The value of Set-Cookie that gives a browser the cookie for requests below `path` only, out of
/// the reach of scripts and never for requests that another site starts. @param secret its text; an
/// empty one takes the cookie away. @param secure only ever to be sent over TLS.
std::string set_session_cookie(std::string_view secret, std::string_view path, bool secure);

}  // namespace millrace
