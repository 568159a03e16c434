// Pipeline: the life of one request, from the HTTP request to the HTTP response.
//
// One per core, on that core's thread; the handler that http/ calls. What it refers to must outlive
// it and the requests that are under way.
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "base/clock.h"
#include "base/error.h"
#include "base/http_message.h"
#include "base/random.h"
#include "model/names.h"
#include "observe/metrics.h"
#include "server/authenticator.h"
#include "server/browser_guard.h"
#include "server/console_edge.h"
#include "server/metrics_access.h"
#include "server/rate_limiter.h"
#include "server/request_logs.h"
#include "server/trusted_proxies.h"
#include "service/handlers.h"

namespace millrace {

struct ActionRow;

/// Where the server is in its life. Only `serving` answers actions.
enum class Phase { starting, serving, stopping };

struct PipelineOptions {
  AccountId account;       // of callers of whom nothing else is known
  std::string public_url;  // what queue URLs begin with; empty: the Host of the request
  std::string local_url;   // the same for a request without Host
  /// Moves time by so much and returns when all that became due has happened; empty without
  /// --test-clock.
  std::function<boost::asio::awaitable<Expected<void>>(Milliseconds)> advance_clock;
  /// Who may ask; outlives the pipeline. Null: development mode. Goes with
  /// Service::access_enforced.
  const CurrentCredentials* credentials = nullptr;
  const Clock* wall_clock = nullptr;  // of signatures; needed with credentials or limits
  TrustedProxies trusted_proxies = {};
  RequestLogs logs = {};
  /// How many requests each client and each account may make; outlive the pipeline. Null: no limit.
  RateLimiter* source_limit = nullptr;
  RateLimiter* account_limit = nullptr;
  /// Which names browsers may come by, where no credentials keep them out.
  BrowserGuard guard = BrowserGuard({});
  /// The management console; outlives the pipeline and goes with a wall clock. Null: there is none.
  Console* console = nullptr;
  /// Who may read GET /metrics; outlives the pipeline. Null: nobody. Needs Service::telemetry.
  const MetricsAccess* metrics_access = nullptr;
  std::size_t metrics_queues = 0;     // that metrics tell of one by one
  RequestMetrics* metrics = nullptr;  // where requests are counted; null: nowhere
};

class Pipeline {
 public:
  /// @param phase may be changed by any thread. @param seed of the request ids.
  Pipeline(const Service& service, PipelineOptions options, const std::atomic<Phase>& phase,
           std::uint64_t seed);

  /// Answers one request. GET /health tells whether actions are answered; GET /metrics how the
  /// server does; POST /test/clock moves the clock where that is allowed; /console/ is the
  /// management console's; all else is an action. Never throws.
  boost::asio::awaitable<void> handle(const HttpRequest& request, HttpResponse& response);

  /// Told of requests that http/ refused.
  void note_refused(std::string_view remote_address, unsigned status) const {
    options_.logs.write_refused(remote_address, status);
  }

 private:
  boost::asio::awaitable<Expected<void>> run(const HttpRequest& request,
                                             const Expected<Origin>& origin,
                                             std::string_view request_id, RequestRecord& record,
                                             HttpResponse& response);
  boost::asio::awaitable<Expected<void>> run_localstack_peek(const HttpRequest& request,
                                                             const Expected<Origin>& origin,
                                                             std::string_view request_id,
                                                             RequestRecord& record,
                                                             HttpResponse& response);
  bool is_console_api(const HttpRequest& request) const;
  Expected<ConsoleEdge::Admitted> admit(const HttpRequest& request, const Origin& origin,
                                        const ActionRow& action, RequestRecord& record);
  Expected<void> check_source_limit(std::string_view source);
  Expected<void> check_account_limit(const Caller& caller);
  ApiError throttled(std::string_view what, std::string_view who, Timestamp now);
  boost::asio::awaitable<void> answer_metrics(const HttpRequest& request, HttpResponse& response);
  boost::asio::awaitable<void> move_clock(std::string_view query, HttpResponse& response);
  /// Takes the caller out of `admitted`, which must outlive the context.
  Context context_of(const HttpRequest& request, const Origin& origin,
                     ConsoleEdge::Admitted& admitted, const ActionRow& action) const;
  std::string base_url(const HttpRequest& request, const Origin& origin) const;
  std::string next_request_id();

  const Service& service_;
  const PipelineOptions options_;
  const std::atomic<Phase>& phase_;
  Random random_;
  Authenticator authenticator_;
  std::optional<ConsoleEdge> console_;
  Timestamp throttling_told_{};  // when the log was last told of it
};

}  // namespace millrace
