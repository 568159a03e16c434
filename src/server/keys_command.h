// `millrace keys`: lists, makes and changes the access keys of a credentials file.
//
//   keys list                        every key, without its secret, and the policies of its user
//   keys create --user NAME          a new key for the user, who is made if need be, and may then
//   do
//                                    everything in its account unless --policy says otherwise
//   keys disable|enable|delete ID
//   keys rotate ID                   a new key for ID's user; ID stays good until it is disabled
//
// Each but the first tells an audit log of it, if one is named; if that cannot be opened, nothing
// is done. Runs on the main thread, beside whatever server uses the file: that one reads it again
// on SIGHUP.
#pragma once

#include <string>
#include <vector>

#include "server/config.h"
#include "server/start_error.h"

namespace millrace {

/// Runs the command. @param arguments what stands behind `millrace keys`. @param environment of
/// MILLRACE_CREDENTIALS, MILLRACE_ACCOUNT and MILLRACE_AUDIT_LOG, which stand for their options.
/// @return what to print; a StartError when the file cannot be read or written, or says no.
StartResult<std::string> run_keys_command(const std::vector<std::string>& arguments,
                                          const Environment& environment);

}  // namespace millrace
