// `millrace kms`: lists, makes and changes the master keys of a keyring.
//
//   kms list                       every key, without its secrets
//   kms create [--alias NAME]      a new key
//   kms enable|disable KEY         KEY is an id, or an alias like alias/orders
//   kms rotate KEY                 new secret for what is sealed from then on; old ones stay
//
// Runs on the main thread, beside whatever server uses the file: that one reads it again on SIGHUP.
#pragma once

#include <string>
#include <vector>

#include "server/config.h"
#include "server/start_error.h"

namespace millrace {

/// Runs the command. @param arguments what stands behind `millrace kms`. @param environment of
/// MILLRACE_KEYRING, which stands for its option, and of MILLRACE_DATA, where the keyring is
/// without it. @return what to print; a StartError when the file cannot be read or written, or says
/// no.
StartResult<std::string> run_kms_command(const std::vector<std::string>& arguments,
                                         const Environment& environment);

}  // namespace millrace
