#include "auth/console_session.h"

#include <algorithm>

#include "base/ascii.h"
#include "base/limits.h"

namespace millrace {

namespace {

constexpr std::string_view kCookie = "millrace_session";

}  // namespace

Timestamp ConsoleSession::expires_at() const {
  return std::min(last_used + limits::kSessionIdleMax, created + limits::kSessionAgeMax);
}

Sha256Digest key_print(const AccessKey& key) {
  // None of the parts can hold a line's end.
  return sha256(key.id + "\n" + key.secret + "\n" + key.session_token + "\n" + key.caller.arn);
}

std::string secret_text(const SessionSecret& secret) {
  return to_hex(secret);
}

std::string_view session_cookie_of(const HttpRequest& request) {
  for (const HttpField& field : request.fields) {
    if (!equal_ignoring_case(field.name, "cookie")) continue;
    std::string_view rest = field.value;
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find(';'), rest.size());
      std::string_view pair = rest.substr(0, end);
      rest.remove_prefix(std::min(end + 1, rest.size()));
      while (pair.starts_with(' ')) pair.remove_prefix(1);
      if (pair.starts_with(kCookie) && pair.substr(kCookie.size()).starts_with('=')) {
        return pair.substr(kCookie.size() + 1);
      }
    }
  }
  return {};
}

std::string set_session_cookie(std::string_view secret, std::string_view path, bool secure) {
  std::string cookie(kCookie);
  cookie.append("=").append(secret).append("; Path=").append(path);
  cookie.append("; HttpOnly; SameSite=Strict");
  if (secure) cookie += "; Secure";
  if (secret.empty()) cookie += "; Max-Age=0";
  return cookie;
}

}  // namespace millrace
