#include "server/console_edge.h"

#include <optional>
#include <utility>

#include "auth/console_session.h"
#include "base/ascii.h"
#include "base/encoding.h"
#include "base/source_network.h"
#include "server/config.h"
#include "wire/wire.h"

namespace millrace {

namespace {

constexpr std::string_view kPage = "/console";
constexpr std::string_view kNonce = "/console/api/nonce";
constexpr std::string_view kSession = "/console/api/session";

// Nothing runs or shows but what comes from here as a file; nobody shows it in a frame.
constexpr std::string_view kPagePolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' "
    "data:; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'";

constexpr std::string_view kNotBuilt =
    "<!doctype html>\n<html lang=\"en\">\n<title>Millrace</title>\n"
    "<h1>The console is not part of this build</h1>\n"
    "<p>The server was built without it, since Node.js and npm were not there. Install them "
    "and build again with -DMILLRACE_CONSOLE=ON, or start the server with "
    "--console-directory DIR, where DIR holds a built console (npm run build in console/ leaves "
    "it in console/dist). The queues are not concerned.</p>\n</html>\n";

struct NonceReply {
  std::string nonce;

  static void fields(auto& self, auto& visit) { visit({"Nonce"}, self.nonce); }
};

struct SignInRequest {
  std::string nonce;
  bool read_only = false;

  static void fields(auto& self, auto& visit) {
    visit({.json = "Nonce", .required = api::Required::always}, self.nonce);
    visit({"ReadOnly"}, self.read_only);
  }
};

/// Who is signed in; or, with a type and a message, that nobody is.
struct SessionReply {
  std::string type;
  std::string message;
  std::optional<bool> development;
  std::string csrf_token;
  std::string access_key_id;
  std::string arn;
  std::string account_id;
  std::optional<bool> read_only;
  std::optional<std::int64_t> expires_at;
  std::string region;
  std::string version = std::string(millrace::version());
  bool insecure_transport = false;

  static void fields(auto& self, auto& visit) {
    visit({"__type"}, self.type);
    visit({"message"}, self.message);
    visit({"Development"}, self.development);
    visit({"CsrfToken"}, self.csrf_token);
    visit({"AccessKeyId"}, self.access_key_id);
    visit({"Arn"}, self.arn);
    visit({"AccountId"}, self.account_id);
    visit({"ReadOnly"}, self.read_only);
    visit({"ExpiresAt"}, self.expires_at);
    visit({"Region"}, self.region);
    visit({"Version"}, self.version);
    visit({"InsecureTransport"}, self.insecure_transport);
  }
};

ApiError refused(std::string_view text) {
  return {ErrorCode::request_refused, std::string(text)};
}

ApiError wrong_token() {
  return refused("The request lacks the session's X-Console-Csrf. Load the page again.");
}

bool has_token(const HttpRequest& request, std::string_view token) {
  return equal_constant_time(request.field("x-console-csrf"), token);
}

bool reads(const HttpRequest& request) {
  return request.method == "GET" || request.method == "HEAD";
}

void fill(SessionReply& reply, const ConsoleSession& session, const Caller& caller) {
  reply.csrf_token = session.csrf_token;
  reply.access_key_id = caller.access_key;
  reply.arn = caller.arn;
  reply.account_id = caller.account.text();
  reply.read_only = session.read_only;
  reply.expires_at = session.expires_at().milliseconds;
}

}  // namespace

// --- the page ------------------------------------------------------------------------------------

bool ConsoleEdge::asks_for_page(const HttpRequest& request) {
  if (!reads(request)) return false;
  const std::string_view path = request.path();
  if (path == "/") {
    const bool browser = request.field("accept").find("text/html") != std::string_view::npos;
    return browser && query_value(request.query(), "Action").empty();
  }
  return path == kPage || (path.starts_with("/console/") && !path.starts_with(kConsoleApi));
}

void ConsoleEdge::answer_page(const HttpRequest& request, const Expected<Origin>& origin,
                              HttpResponse& response) const {
  const auto add = [&](std::string_view name, std::string_view value) {
    response.fields.emplace_back(name, value);
  };
  add("Content-Security-Policy", kPagePolicy);
  add("X-Content-Type-Options", "nosniff");
  add("Referrer-Policy", "no-referrer");
  add("Cross-Origin-Opener-Policy", "same-origin");
  add("Cross-Origin-Resource-Policy", "same-origin");
  // Browsers would keep everything else on this machine's ports to HTTPS, too.
  const bool own_machine = equal_ignoring_case(host_name(request.field("host")), "localhost");
  if (origin && origin->secure && !own_machine) {
    add("Strict-Transport-Security", "max-age=31536000");
  }
  const auto answer_text = [&](unsigned status, std::string_view text) {
    add("Cache-Control", "no-store");
    response.status = status;
    response.content_type = "text/plain; charset=utf-8";
    response.body = std::string(text) + "\n";
  };
  if (const Expected<void> known = console().guard.check_host(request); !known) {
    return answer_text(403, known.error().message());
  }
  const std::string_view path = request.path();
  if (path == "/" || path == kPage) {
    // Relative, for a proxy may have put something before the path.
    add("Location", "console/");
    add("Vary", "Accept");
    return answer_text(302, "The console is at console/");
  }
  std::string_view name = path.substr(kPage.size() + 1);
  if (name.empty()) name = "index.html";
  if (console().files.empty() && name == "index.html") {
    add("Cache-Control", "no-store");
    response.content_type = "text/html; charset=utf-8";
    response.borrowed_body = kNotBuilt;
    return;
  }
  if (!console().files.answer(name, request, response)) answer_text(404, "There is no such file.");
}

// --- signing in and out --------------------------------------------------------------------------

bool ConsoleEdge::asks_for_session(const HttpRequest& request) {
  const std::string_view path = request.path();
  return path == kNonce || path == kSession;
}

Expected<void> ConsoleEdge::answer_session(const HttpRequest& request, const Origin& origin,
                                           std::string_view request_id, RequestRecord& record,
                                           HttpResponse& response) {
  const std::string_view method = request.method;
  const bool session = request.path() == kSession;
  if (session && method == "POST") {
    record.action = "ConsoleSignIn";
  } else if (session && method == "DELETE") {
    record.action = "ConsoleSignOut";
  }
  const Expected<void> own = console().guard.check(request, origin);
  if (!own) {
    record.authentication_failed = !record.action.empty();
    return own;
  }
  if (session && method == "GET") {
    tell_session(request, origin, request_id, response);
    return {};
  }
  if (session && method == "POST") return sign_in(request, origin, request_id, record, response);
  if (session && method == "DELETE") return sign_out(request, origin, record, response);
  if (!session && method == "POST") {
    const NonceReply reply{console().sessions.make_nonce(options_.wall_clock.now())};
    wire::encode_json(reply, request_id, response);
    return {};
  }
  return ApiError(ErrorCode::unknown_operation);
}

bool ConsoleEdge::insecure(const HttpRequest& request, const Origin& origin) const {
  return !origin.secure && !is_loopback(request, origin);
}

Expected<void> ConsoleEdge::check_sign_in(const HttpRequest& request, const Origin& origin) const {
  if (development()) {
    return ApiError(ErrorCode::unsupported_operation,
                    "In development mode nobody signs in: everybody may do everything.");
  }
  if (insecure(request, origin) && !console().allow_http) {
    return refused(
        "Whoever is on the way could take over a session that comes over plain HTTP. Come over "
        "HTTPS, or from the server's own machine as http://localhost; or start the server with "
        "--console-allow-http.");
  }
  const Timestamp now = options_.wall_clock.now();
  if (!console().sign_ins_of_source.take(source_network(origin.address), now)) {
    return ApiError(ErrorCode::request_throttled);
  }
  const std::string_view key = claimed_access_key(request);
  if (!key.empty() && !console().sign_ins_of_key.take(key, now)) {
    return ApiError(ErrorCode::request_throttled);
  }
  return {};
}

Expected<void> ConsoleEdge::sign_in(const HttpRequest& request, const Origin& origin,
                                    std::string_view request_id, RequestRecord& record,
                                    HttpResponse& response) {
  record.authentication_failed = true;  // until the end
  if (const Expected<void> may = check_sign_in(request, origin); !may) return may;
  const Expected<SignInRequest> asked = wire::read_json<SignInRequest>(request.body);
  if (!asked) return asked.error();
  if (!request.has_field("authorization")) {
    return ApiError(ErrorCode::incomplete_signature, "Signing in takes a signed request.");
  }
  const Expected<CallerPointer> caller = options_.authenticator.authenticate(request);
  if (!caller) return caller.error();
  const Timestamp now = options_.wall_clock.now();
  if (!console().sessions.use_nonce(asked->nonce, now)) {
    return refused("The Nonce is not one of this server's, too old, or used before. Try again.");
  }
  const CredentialsPointer credentials = options_.credentials->load(std::memory_order_acquire);
  const AccessKey* const key = credentials->find((*caller)->access_key);
  if (key == nullptr) return ApiError(ErrorCode::unrecognized_client);
  const ConsoleSessions::Opened opened = console().sessions.open(
      {.key = *key, .source = origin.address, .read_only = asked->read_only}, now);
  SessionReply reply;
  fill(reply, opened.session, **caller);
  reply.region = options_.region.text();
  reply.insecure_transport = insecure(request, origin);
  wire::encode_json(reply, request_id, response);
  response.fields.emplace_back(
      "Set-Cookie", set_session_cookie(opened.cookie, console().cookie_path, origin.secure));
  record.authentication_failed = false;
  record.caller = *caller;
  return {};
}

Expected<void> ConsoleEdge::sign_out(const HttpRequest& request, const Origin& origin,
                                     RequestRecord& record, HttpResponse& response) {
  const Expected<SignedIn> who = signed_in(request);
  if (!who) return who.error();
  record.caller = who->caller;
  if (!has_token(request, who->session.csrf_token)) {
    record.notes.denied = true;
    return wrong_token();
  }
  console().sessions.close(who->session.id);
  response.status = 204;
  response.fields.emplace_back("Set-Cookie",
                               set_session_cookie({}, console().cookie_path, origin.secure));
  return {};
}

void ConsoleEdge::tell_session(const HttpRequest& request, const Origin& origin,
                               std::string_view request_id, HttpResponse& response) const {
  SessionReply reply;
  reply.region = options_.region.text();
  reply.insecure_transport = insecure(request, origin);
  unsigned status = 200;
  if (development()) {
    reply.development = true;
    reply.csrf_token = console().development_token;
    reply.account_id = options_.account.text();
  } else if (const Expected<SignedIn> who = signed_in(request)) {
    fill(reply, who->session, *who->caller);
  } else {
    const ErrorRow& row = who.error().row();
    status = row.http_status;
    reply.type = std::string(row.shape_prefix).append("#").append(row.shape);
    reply.message = who.error().message();
  }
  wire::encode_json(reply, request_id, response);
  response.status = status;
}

// --- who asks ------------------------------------------------------------------------------------

/// Looks at the key anew each time: one that was disabled, deleted or replaced ends its sessions.
Expected<ConsoleEdge::SignedIn> ConsoleEdge::signed_in(const HttpRequest& request) const {
  const Timestamp now = options_.wall_clock.now();
  std::optional<ConsoleSession> session = console().sessions.find(session_cookie_of(request), now);
  if (!session) return ApiError(ErrorCode::not_signed_in);
  const CredentialsPointer credentials = options_.credentials->load(std::memory_order_acquire);
  const AccessKey* const key = credentials->find(session->access_key);
  const bool good = key != nullptr && key->enabled && key_print(*key) == session->key_print &&
                    (!key->expires_at || now < *key->expires_at);
  if (!good) {
    console().sessions.close(session->id);
    return ApiError(ErrorCode::not_signed_in);
  }
  return SignedIn{CallerPointer(credentials, &key->caller), std::move(*session)};
}

Expected<ConsoleEdge::Admitted> ConsoleEdge::admit(const HttpRequest& request,
                                                   const Origin& origin) {
  const bool browser = BrowserGuard::is_browser(request);
  if (browser) {
    if (const Expected<void> own = console().guard.check(request, origin); !own) return own.error();
  }
  if (development()) {
    if (browser && !has_token(request, console().development_token)) return wrong_token();
  } else if (!SignatureVerifier::is_signed(request)) {
    Expected<SignedIn> who = signed_in(request);
    if (!who) return who.error();
    if (!has_token(request, who->session.csrf_token)) return wrong_token();
    return Admitted{std::move(who->caller), std::move(who->session.id), who->session.read_only};
  }
  Expected<CallerPointer> caller = options_.authenticator.authenticate(request);
  if (!caller) return caller.error();
  return Admitted{std::move(*caller), {}, false};
}

void ConsoleEdge::add_api_fields(HttpResponse& response) {
  response.fields.emplace_back("Cache-Control", "no-store");
  response.fields.emplace_back("X-Content-Type-Options", "nosniff");
  response.fields.emplace_back("Cross-Origin-Resource-Policy", "same-origin");
}

}  // namespace millrace
