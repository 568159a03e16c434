// Telemetry: what the server measures of itself, and what it is: for the actions that tell of it
// and for GET /metrics.
//
// One per server; outlives every request. Its parts may be used on any thread.
#pragma once

#include <utility>

#include <boost/asio/awaitable.hpp>

#include "base/clock.h"
#include "observe/history.h"
#include "observe/metrics.h"
#include "observe/server_history.h"
#include "service/server_facts.h"

namespace millrace {

struct Context;
struct Service;

struct Telemetry {
  Telemetry(const MetricsOptions& counted, const Clock& queue_clock, ServerFacts known)
      : metrics(counted), clock(queue_clock), facts(std::move(known)) {}

  Metrics metrics;
  History history;
  ServerHistory server_history;
  const Clock& clock;  // of the queues
  const ServerFacts facts;
};

/// The server's. Where it is asked for there is one.
Telemetry& telemetry_of(const Context& context);

/// Has every shard tell the history what its queues have done by now, and the server's own history
/// looks at the server. Once a second, and before anybody is told: who reads is up to date. A shard
/// that does not answer is left out.
boost::asio::awaitable<void> take_measurements(const Service& service);

}  // namespace millrace
