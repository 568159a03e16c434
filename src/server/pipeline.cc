#include "server/pipeline.h"

#include <array>
#include <exception>
#include <optional>

#include "base/encoding.h"
#include "observe/log.h"
#include "server/actions.h"
#include "wire/error_reply.h"
#include "wire/wire.h"

namespace millrace {

namespace {

constexpr std::size_t kAccessKeyMax = 128;  // bytes, as AWS has it

struct Target {
  std::string_view path;
  std::string_view query;
};

Target split_target(std::string_view target) {
  const std::size_t mark = target.find('?');
  if (mark == std::string_view::npos) return {target, {}};
  return {target.substr(0, mark), target.substr(mark + 1)};
}

/// The value of `name` in a query string, as it was sent; or an empty view.
std::string_view query_value(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
    if (pair.size() > name.size() && pair.starts_with(name) && pair[name.size()] == '=') {
      return pair.substr(name.size() + 1);
    }
  }
  return {};
}

/// The access key's id at the head of a credential, `<id>/<date>/<region>/sqs/aws4_request`; empty
/// if there is none.
std::string access_key_of(std::string_view credential) {
  const std::string_view id = credential.substr(0, credential.find_first_of("/,% "));
  const bool plain = std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' ||
           c == '_' || c == '.';
  });
  return plain && id.size() <= kAccessKeyMax ? std::string(id) : std::string();
}

std::string_view credential_of(const HttpRequest& request) {
  constexpr std::string_view kName = "Credential=";
  const std::string_view authorization = request.field("authorization");
  if (const std::size_t at = authorization.find(kName); at != std::string_view::npos) {
    return authorization.substr(at + kName.size());
  }
  return query_value(split_target(request.target).query, "X-Amz-Credential");
}

void answer_plainly(unsigned status, std::string body, HttpResponse& response) {
  response.status = status;
  response.content_type = "application/json";
  response.body = std::move(body);
}

void answer_health(Phase phase, HttpResponse& response) {
  switch (phase) {
    case Phase::starting:
      return answer_plainly(503, R"({"status":"starting"})", response);
    case Phase::serving:
      return answer_plainly(200, R"({"status":"ok"})", response);
    case Phase::stopping:
      return answer_plainly(503, R"({"status":"stopping"})", response);
  }
}

ApiError not_serving(Phase phase) {
  return {ErrorCode::service_unavailable, phase == Phase::starting
                                              ? "The server is starting. Please try again."
                                              : "The server is stopping. Please try again."};
}

}  // namespace

Caller caller_of(const HttpRequest& request, const AccountId& account) {
  std::string key = access_key_of(credential_of(request));
  Caller caller{AccountId::parse(key).value_or(account), {}, std::move(key)};
  caller.sender_id = caller.access_key.empty() ? caller.account.text() : caller.access_key;
  return caller;
}

boost::asio::awaitable<void> Pipeline::handle(const HttpRequest& request, HttpResponse& response) {
  const Target target = split_target(request.target);
  if (target.path == "/health" && (request.method == "GET" || request.method == "HEAD")) {
    answer_health(phase_.load(std::memory_order_acquire), response);
    co_return;
  }
  if (options_.advance_clock && target.path == "/test/clock" && request.method == "POST") {
    co_await move_clock(target.query, response);
    co_return;
  }

  const std::string request_id = next_request_id();
  Expected<void> outcome;
  try {
    outcome = co_await run(request, request_id, response);
  } catch (const std::exception& failure) {
    log_error("request failed", {{"request_id", request_id}, {"cause", failure.what()}});
    response = HttpResponse{};
    outcome = ApiError(ErrorCode::internal_failure);
  }
  if (!outcome) {
    wire::encode_error(wire::reply_form(request), outcome.error(), request_id, response);
  }
}

boost::asio::awaitable<Expected<void>> Pipeline::run(const HttpRequest& request,
                                                     std::string_view request_id,
                                                     HttpResponse& response) {
  const Phase phase = phase_.load(std::memory_order_acquire);
  if (phase != Phase::serving) co_return not_serving(phase);
  const Expected<wire::WireCall> call = wire::recognise(request);
  if (!call) co_return call.error();
  const ActionRow* action = find_action(call->action);
  if (action == nullptr) co_return wire::unknown_action(call->action);

  Context context = context_of(request);
  const Expected<void> outcome = co_await action->run(context, *call, request_id, response);
  response.on_undelivered = std::move(context.on_undelivered);
  response.attachment = std::move(context.attachment);
  if (log_enabled(LogLevel::debug)) {
    log_debug("request",
              {{"request_id", request_id},
               {"action", action->name},
               {"account", context.caller.account.text()},
               {"outcome", outcome ? std::string_view("ok") : outcome.error().row().query_code}});
  }
  co_return outcome;
}

Context Pipeline::context_of(const HttpRequest& request) const {
  return Context{.service = service_,
                 .caller = caller_of(request, options_.account),
                 .base_url = base_url(request),
                 .source_address = request.remote_address,
                 .secure = request.secure,
                 .hang_up = request.hang_up};
}

std::string Pipeline::base_url(const HttpRequest& request) const {
  if (!options_.public_url.empty()) return options_.public_url;
  const std::string_view host = request.field("host");
  if (host.empty()) return options_.local_url;
  return std::string(request.secure ? "https://" : "http://").append(host);
}

std::string Pipeline::next_request_id() {
  std::array<std::uint8_t, 16> bytes;
  for (std::size_t half = 0; half < 2; ++half) {
    const std::uint64_t bits = random_.next();
    for (std::size_t i = 0; i < 8; ++i) {
      bytes[half * 8 + i] = static_cast<std::uint8_t>(bits >> (8 * i));
    }
  }
  // RFC 9562 section 5.4: version 4, variant 10.
  bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0f) | 0x40);
  bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3f) | 0x80);
  return to_uuid_text(bytes);
}

boost::asio::awaitable<void> Pipeline::move_clock(std::string_view query, HttpResponse& response) {
  const std::optional<std::int64_t> by = parse_digits(query_value(query, "advance"));
  constexpr Milliseconds kAdvanceMax = seconds(366LL * 24 * 3600);
  if (!by || *by > kAdvanceMax) {
    answer_plainly(400, R"({"message":"write POST /test/clock?advance=MILLISECONDS"})", response);
    co_return;
  }
  const Expected<void> moved = co_await options_.advance_clock(*by);
  if (moved) {
    answer_plainly(200, "{}", response);
  } else {
    answer_plainly(503, R"({"message":"the clock was moved, but a shard does not answer"})",
                   response);
  }
}

}  // namespace millrace
