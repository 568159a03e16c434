// Cases that ask how long one thing takes, or what many idle connections cost: the load is small.
#pragma once

#include "bench/options.h"
#include "bench/report.h"

namespace millrace::bench {

void run_wake(const Options& options, Report& report);
void run_latency(const Options& options, Report& report);
void run_idle(const Options& options, Report& report);

}  // namespace millrace::bench
