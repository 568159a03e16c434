// The limit of the disk: how fast one writer can append and sync the bytes of a message.
#pragma once

#include "bench/options.h"
#include "bench/report.h"

namespace millrace::bench {

/// Two variants, `seconds` each, in a file of --dir that is removed again: a growing file with
/// fdatasync, and a file that is written over in place with O_DIRECT and RWF_DSYNC, as the server's
/// log is (whole blocks of 4 KiB).
void run_disk(const Options& options, Report& report);

}  // namespace millrace::bench
