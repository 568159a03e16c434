// Pipeline: the life of one request, from the HTTP request to the HTTP response.
//
// One per core, on that core's thread; the handler that http/ calls. What it refers to must outlive
// it and the requests that are under way.
#pragma once

#include <atomic>
#include <functional>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "base/clock.h"
#include "base/error.h"
#include "base/http_message.h"
#include "base/random.h"
#include "model/names.h"
#include "server/authenticator.h"
#include "server/trusted_proxies.h"
#include "service/handlers.h"

namespace millrace {

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
  const Clock* wall_clock = nullptr;  // of signatures; needed with credentials
  TrustedProxies trusted_proxies = {};
};

class Pipeline {
 public:
  /// @param phase may be changed by any thread. @param seed of the request ids.
  Pipeline(const Service& service, PipelineOptions options, const std::atomic<Phase>& phase,
           std::uint64_t seed);

  /// Answers one request. GET /health tells whether actions are answered; POST /test/clock moves
  /// the clock where that is allowed; all else is an action. Never throws.
  boost::asio::awaitable<void> handle(const HttpRequest& request, HttpResponse& response);

 private:
  boost::asio::awaitable<Expected<void>> run(const HttpRequest& request,
                                             std::string_view request_id, HttpResponse& response);
  boost::asio::awaitable<void> move_clock(std::string_view query, HttpResponse& response);
  Context context_of(const HttpRequest& request, const Origin& origin, CallerPointer caller,
                     std::string_view action) const;
  std::string base_url(const HttpRequest& request, const Origin& origin) const;
  std::string next_request_id();

  const Service& service_;
  const PipelineOptions options_;
  const std::atomic<Phase>& phase_;
  Random random_;
  Authenticator authenticator_;
};

}  // namespace millrace
