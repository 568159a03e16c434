// ConsoleEdge: what the management console's requests have of their own, before they are actions
// like any other: the page, signing in and out, and who asks where a cookie says it.
//
//   GET  /console/…             the page's files; GET / of a browser leads there
//   POST /console/api/nonce     a number for one sign-in
//   POST /console/api/session   signs in: a request signed as any other, with that number
//   GET  /console/api/session   who is signed in
//   DELETE /console/api/session signs out
//   POST /console/api/          actions; server/pipeline.cc takes them from here
//
// docs/admin-api.md describes them for clients, docs/security.md what they are defended against.
// Nothing but these paths ever looks at a cookie. One per core, on its thread.
#pragma once

#include <string>
#include <string_view>

#include "auth/credentials.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/http_message.h"
#include "server/authenticator.h"
#include "server/console.h"
#include "server/request_logs.h"
#include "server/trusted_proxies.h"

namespace millrace {

/// Where the console asks for actions. No queue has this path: "console" is no account.
inline constexpr std::string_view kConsoleApi = "/console/api/";

class ConsoleEdge {
 public:
  struct Options {
    Console& console;  // these four outlive the edge
    Authenticator& authenticator;
    const CurrentCredentials* credentials;  // null: development mode
    const Clock& wall_clock;
    AccountId account;  // the server's own
    Region region;
  };
  explicit ConsoleEdge(Options options) : options_(std::move(options)) {}

  Console& console() const { return options_.console; }

  /// Whether `request` is for the page: one of its files, or `/` as browsers ask for it.
  static bool asks_for_page(const HttpRequest& request);
  void answer_page(const HttpRequest& request, const Expected<Origin>& origin,
                   HttpResponse& response) const;

  /// Whether `request` is about signing in or out.
  static bool asks_for_session(const HttpRequest& request);
  /// Answers it. `record` gets what the logs are to be told. @return the error to answer with.
  Expected<void> answer_session(const HttpRequest& request, const Origin& origin,
                                std::string_view request_id, RequestRecord& record,
                                HttpResponse& response);

  /// Who may have an action done.
  struct Admitted {
    CallerPointer caller;  // never null
    std::string session;   // its id; empty without one
    bool read_only = false;
  };
  /// Who asks for an action: the signer, or whoever the session cookie stands for; in development
  /// mode anybody. @return ErrorCode::request_refused for what a browser sends on behalf of another
  /// page, not_signed_in, or an error of Authenticator::authenticate().
  Expected<Admitted> admit(const HttpRequest& request, const Origin& origin);

  /// What every reply of the API says.
  static void add_api_fields(HttpResponse& response);

 private:
  struct SignedIn {
    CallerPointer caller;
    ConsoleSession session;
  };
  Expected<SignedIn> signed_in(const HttpRequest& request) const;
  Expected<void> sign_in(const HttpRequest& request, const Origin& origin,
                         std::string_view request_id, RequestRecord& record,
                         HttpResponse& response);
  Expected<void> check_sign_in(const HttpRequest& request, const Origin& origin) const;
  Expected<void> sign_out(const HttpRequest& request, const Origin& origin, RequestRecord& record,
                          HttpResponse& response);
  void tell_session(const HttpRequest& request, const Origin& origin, std::string_view request_id,
                    HttpResponse& response) const;
  bool development() const { return options_.credentials == nullptr; }
  bool insecure(const HttpRequest& request, const Origin& origin) const;

  const Options options_;
};

}  // namespace millrace
