#include "server/pipeline.h"

#include <array>
#include <exception>
#include <optional>
#include <utility>

#include "base/check.h"
#include "base/encoding.h"
#include "base/source_network.h"
#include "observe/exposition.h"
#include "observe/log.h"
#include "server/actions.h"
#include "server/scrape.h"
#include "service/console.h"
#include "wire/error_reply.h"
#include "wire/wire.h"

namespace millrace {

namespace {

/// Where LocalStack shows the messages of a queue; development mode does so as well. Behind it
/// there may be "/<region>/<account>/<queue>".
constexpr std::string_view kLocalStackPeek = "/_aws/sqs/messages";

bool is_localstack_peek(const HttpRequest& request) {
  const std::string_view path = request.path();
  return request.method == "GET" && path.starts_with(kLocalStackPeek) &&
         (path.size() == kLocalStackPeek.size() || path[kLocalStackPeek.size()] == '/');
}

/// The queue that such a request names by its path or its parameter, as a queue URL.
std::string localstack_queue_url(const HttpRequest& request, const std::string& base_url) {
  const std::string_view behind = request.path().substr(kLocalStackPeek.size());
  const std::size_t account = behind.find('/', 1);  // behind the region
  if (account != std::string_view::npos) return base_url + std::string(behind.substr(account));
  return percent_decode(query_value(request.query(), "QueueUrl"), true).value_or(std::string());
}

bool is_true(std::string_view text) {
  return text == "true" || text == "True" || text == "1";
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

/// The client's address, as far as it is known: what limits and logs go by.
std::string_view source_of(const HttpRequest& request, const Expected<Origin>& origin) {
  return origin ? origin->address : std::string_view(request.remote_address);
}

/// Not at `info`: whoever reaches the server could fill the disk with it.
void log_refusal(const Origin& origin, std::string_view request_id, const ApiError& error) {
  if (!log_enabled(LogLevel::debug)) return;
  log_debug("signature refused", {{"request_id", request_id},
                                  {"address", origin.address},
                                  {"outcome", error.row().query_code},
                                  {"cause", error.message()}});
}

}  // namespace

Pipeline::Pipeline(const Service& service, PipelineOptions options, const std::atomic<Phase>& phase,
                   std::uint64_t seed)
    : service_(service),
      options_(std::move(options)),
      phase_(phase),
      random_(seed),
      authenticator_({.account = options_.account,
                      .region = service.region,
                      .credentials = options_.credentials,
                      .wall_clock = options_.wall_clock}) {
  CHECK(service.access_enforced == (options_.credentials != nullptr));
  const bool limited = options_.source_limit != nullptr || options_.account_limit != nullptr;
  CHECK(!limited || options_.wall_clock != nullptr);
  if (options_.console == nullptr) return;
  CHECK(options_.wall_clock != nullptr);
  console_.emplace(ConsoleEdge::Options{.console = *options_.console,
                                        .authenticator = authenticator_,
                                        .credentials = options_.credentials,
                                        .wall_clock = *options_.wall_clock,
                                        .account = options_.account,
                                        .region = service.region});
}

boost::asio::awaitable<void> Pipeline::handle(const HttpRequest& request, HttpResponse& response) {
  const std::string_view path = request.path();
  if (path == "/health" && (request.method == "GET" || request.method == "HEAD")) {
    answer_health(phase_.load(std::memory_order_acquire), response);
    co_return;
  }
  if (options_.advance_clock && path == "/test/clock" && request.method == "POST") {
    co_await move_clock(request.query(), response);
    co_return;
  }

  if (path == "/metrics" && options_.metrics_access != nullptr &&
      (request.method == "GET" || request.method == "HEAD")) {
    co_await answer_metrics(request, response);
    co_return;
  }

  const std::string request_id = next_request_id();
  const Expected<Origin> origin = options_.trusted_proxies.origin_of(request);
  RequestRecord record;
  record.action_number = action_count();
  if (options_.logs.wanted() || options_.metrics != nullptr) record.watch.emplace();
  Expected<void> outcome;
  try {
    outcome = co_await run(request, origin, request_id, record, response);
  } catch (const std::exception& failure) {
    log_error("request failed", {{"request_id", request_id}, {"cause", failure.what()}});
    response = HttpResponse{};
    outcome = ApiError(ErrorCode::internal_failure);
  }
  const bool console_api = is_console_api(request);
  if (!outcome) {
    const wire::ReplyForm form = console_api ? wire::ReplyForm::json : wire::reply_form(request);
    wire::encode_error(form, outcome.error(), request_id, response);
  }
  if (console_api) ConsoleEdge::add_api_fields(response);
  if (options_.metrics != nullptr) {
    const auto error = outcome ? std::nullopt : std::optional(outcome.error().code());
    options_.metrics->count(record.action_number, error, record.watch->microseconds());
  }
  if (options_.logs.wanted()) {
    options_.logs.write(request, response, request_id, source_of(request, origin), record, outcome);
  }
}

boost::asio::awaitable<Expected<void>> Pipeline::run(const HttpRequest& request,
                                                     const Expected<Origin>& origin,
                                                     std::string_view request_id,
                                                     RequestRecord& record,
                                                     HttpResponse& response) {
  const Phase phase = phase_.load(std::memory_order_acquire);
  if (phase != Phase::serving) co_return not_serving(phase);
  if (options_.source_limit != nullptr) {
    const Expected<void> passed = check_source_limit(source_of(request, origin));
    if (!passed) co_return passed.error();
  }
  if (!service_.access_enforced && is_localstack_peek(request)) {
    co_return co_await run_localstack_peek(request, origin, request_id, record, response);
  }
  if (console_ && ConsoleEdge::asks_for_page(request)) {
    console_->answer_page(request, origin, response);
    co_return Expected<void>();
  }
  if (console_ && ConsoleEdge::asks_for_session(request)) {
    if (!origin) co_return origin.error();
    co_return console_->answer_session(request, *origin, request_id, record, response);
  }
  // Actions have one path there, so that a cookie is looked at nowhere else.
  if (is_console_api(request) && request.path() != kConsoleApi) {
    co_return ApiError(ErrorCode::unknown_operation);
  }
  const Expected<wire::WireCall> call = wire::recognise(request);
  if (!call) co_return call.error();
  const bool reachable = is_console_api(request) ? call->protocol == wire::Protocol::json
                                                 : call->set == wire::ActionSet::sqs;
  const ActionRow* action = reachable ? find_action(call->set, call->action) : nullptr;
  if (action == nullptr) co_return wire::unknown_action(call->action);
  record.action = action->name;
  record.action_number = action_number(call->set, *action);

  if (!origin) co_return origin.error();
  Expected<ConsoleEdge::Admitted> admitted = admit(request, *origin, *action, record);
  if (!admitted) {
    log_refusal(*origin, request_id, admitted.error());
    co_return admitted.error();
  }
  if (options_.account_limit != nullptr) {
    const Expected<void> passed = check_account_limit(*admitted->caller);
    if (!passed) co_return passed.error();
  }

  Context context = context_of(request, *origin, *admitted, *action);
  if (options_.logs.wanted()) context.notes = &record.notes;
  const Expected<void> outcome = co_await action->run(context, *call, request_id, response);
  response.on_undelivered = std::move(context.on_undelivered);
  response.attachment = std::move(context.attachment);
  if (log_enabled(LogLevel::debug)) {
    log_debug("request",
              {{"request_id", request_id},
               {"action", action->name},
               {"account", context.caller->account.text()},
               {"access_key", context.caller->access_key},
               {"outcome", outcome ? std::string_view("ok") : outcome.error().row().query_code}});
  }
  co_return outcome;
}

boost::asio::awaitable<Expected<void>> Pipeline::run_localstack_peek(const HttpRequest& request,
                                                                     const Expected<Origin>& origin,
                                                                     std::string_view request_id,
                                                                     RequestRecord& record,
                                                                     HttpResponse& response) {
  if (!origin) co_return origin.error();
  // Of what a browser reads here, one that was led here by a rebound name could tell others.
  if (const Expected<void> known = options_.guard.check_host(request); !known) {
    co_return known.error();
  }
  wire::WireCall call;
  call.protocol = wire::Protocol::query;
  call.form = wire::reply_form(request);
  call.action = "ReceiveMessage";
  const ActionRow& action = *find_action(wire::ActionSet::sqs, call.action);
  record.action = action.name;
  Expected<ConsoleEdge::Admitted> admitted = admit(request, *origin, action, record);
  if (!admitted) co_return admitted.error();
  Context context = context_of(request, *origin, *admitted, action);
  if (options_.logs.wanted()) context.notes = &record.notes;
  const LocalStackPeek wanted{.queue_url = localstack_queue_url(request, context.base_url),
                              .invisible = is_true(query_value(request.query(), "ShowInvisible")),
                              .delayed = is_true(query_value(request.query(), "ShowDelayed"))};
  const auto reply = co_await localstack_messages(context, wanted);
  if (!reply) co_return reply.error();
  wire::encode(call, *reply, request_id, response);
  co_return Expected<void>();
}

bool Pipeline::is_console_api(const HttpRequest& request) const {
  return console_ && request.path().starts_with(kConsoleApi);
}

/// Who asks, and whether it may ask for such an action at all; noted for the logs.
Expected<ConsoleEdge::Admitted> Pipeline::admit(const HttpRequest& request, const Origin& origin,
                                                const ActionRow& action, RequestRecord& record) {
  Expected<ConsoleEdge::Admitted> admitted = ConsoleEdge::Admitted();
  if (is_console_api(request)) {
    admitted = console_->admit(request, origin);
  } else if (Expected<CallerPointer> caller = authenticator_.authenticate(request)) {
    admitted->caller = std::move(*caller);
  } else {
    admitted = caller.error();
  }
  record.authentication_failed = !admitted;
  if (!admitted) return admitted;
  if (options_.logs.wanted()) record.caller = admitted->caller;
  if (admitted->read_only && action.effect == ActionEffect::changes) {
    record.notes.denied = true;
    return ApiError(ErrorCode::access_denied,
                    "This session may only look. Sign out, then sign in without \"read only\".");
  }
  return admitted;
}

Expected<void> Pipeline::check_source_limit(std::string_view source) {
  const Timestamp now = options_.wall_clock->now();
  if (options_.source_limit->take(source_network(source), now)) return {};
  return throttled("client", source, now);
}

// Who is nobody spends nobody's tokens, not those of the account that such requests count for.
Expected<void> Pipeline::check_account_limit(const Caller& caller) {
  const std::string_view account =
      caller.anonymous() ? std::string_view() : std::string_view(caller.account.text());
  const Timestamp now = options_.wall_clock->now();
  if (options_.account_limit->take(account, now)) return {};
  return throttled("account", account, now);
}

// The log is told once a minute: whoever sends too much is not to fill it.
ApiError Pipeline::throttled(std::string_view what, std::string_view who, Timestamp now) {
  constexpr Milliseconds kInterval = seconds(60);
  if (now - throttling_told_ >= kInterval) {
    throttling_told_ = now;
    log_warning("requests are throttled", {{"by", what}, {"for_one", who}});
  }
  return ApiError(ErrorCode::request_throttled);
}

Context Pipeline::context_of(const HttpRequest& request, const Origin& origin,
                             ConsoleEdge::Admitted& admitted, const ActionRow& action) const {
  // Else nobody asks for some of these.
  const bool enforced = service_.access_enforced;
  const bool admin = is_console_api(request);
  return Context{.service = service_,
                 .caller = std::move(admitted.caller),
                 .action = action.policy_name(),
                 .base_url = base_url(request, origin),
                 .source_address = origin.address,
                 .secure = origin.secure,
                 .now = enforced || admin ? options_.wall_clock->now() : Timestamp{},
                 .user_agent = request.field("user-agent"),
                 .hang_up = request.hang_up,
                 .notes = nullptr,
                 .credentials = enforced && admin ? options_.credentials->load() : nullptr,
                 .console = options_.console,
                 .session = admitted.session};
}

std::string Pipeline::base_url(const HttpRequest& request, const Origin& origin) const {
  if (!options_.public_url.empty()) return options_.public_url;
  const std::string_view host = request.field("host");
  if (host.empty()) return options_.local_url;
  return std::string(origin.secure ? "https://" : "http://").append(host);
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

boost::asio::awaitable<void> Pipeline::answer_metrics(const HttpRequest& request,
                                                      HttpResponse& response) {
  using Access = MetricsAccess::Answer;
  const Expected<Origin> origin = options_.trusted_proxies.origin_of(request);
  const Access access =
      origin ? options_.metrics_access->check(request, *origin) : Access::no_address;
  if (access == Access::no_token) {
    response.fields.emplace_back("WWW-Authenticate", "Bearer");
    answer_plainly(401, R"({"message":"metrics need the token of --metrics-token-file"})",
                   response);
    co_return;
  }
  if (access == Access::no_address) {
    answer_plainly(403, R"({"message":"metrics are not for this address; see --metrics-allow"})",
                   response);
    co_return;
  }
  response.content_type = kExpositionType;
  response.body = co_await scrape(service_, options_.metrics_queues);
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
