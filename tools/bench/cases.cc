#include "bench/cases.h"

#include "bench/disk_case.h"
#include "bench/latency_cases.h"
#include "bench/load_cases.h"

namespace millrace::bench {
namespace {

constexpr Case kCases[] = {
    {"send", "producers only", run_send},
    {"life", "send, receive, delete: producers and consumers, then consumers until all is gone",
     run_life},
    {"drain", "fill a queue with --count messages, then measure emptying it", run_drain},
    {"fair",
     "a fair queue: --quiet tenants alone, then beside a noisy one with a backlog of --count",
     run_fair},
    {"wake", "one message at a time to one waiting long poll", run_wake},
    {"idle", "--connections that hold long polls at which nothing comes", run_idle},
    {"latency", "one connection: send, receive, delete, one at a time", run_latency},
    {"fixed", "limit: the requests of 'send' to a server that always gives the same reply",
     run_fixed},
    {"disk", "limit: write and sync the same bytes in --dir", run_disk},
    {"redis-life", "yardstick: 'life' on a Redis stream", run_redis_life},
};

}  // namespace

std::span<const Case> cases() {
  return kCases;
}

}  // namespace millrace::bench
