// Cases whose figures are rates: many connections at work at once.
#pragma once

#include "bench/options.h"
#include "bench/report.h"

namespace millrace::bench {

void run_send(const Options& options, Report& report);
void run_life(const Options& options, Report& report);
void run_drain(const Options& options, Report& report);
void run_fair(const Options& options, Report& report);
void run_fixed(const Options& options, Report& report);
void run_redis_life(const Options& options, Report& report);

}  // namespace millrace::bench
