// ConsoleSessions: who is signed in to the management console.
//
// In memory only: a restart ends them all. Whether a session's access key is still good is for
// whoever asks. Shared by all cores; any thread. Time is that of the caller and may stand still.
#pragma once

#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "auth/console_session.h"
#include "base/clock.h"
#include "base/encoding.h"

namespace millrace {

class ConsoleSessions {
 public:
  ConsoleSessions();

  /// A number for one sign-in within limits::kNonceAgeMax, so that a signed request which somebody
  /// else has seen opens nothing. Those that are given out need no memory.
  std::string make_nonce(Timestamp now) const;
  /// Uses a nonce up. @return false for one that is not ours, too old or used before; and for any
  /// while so many were used that no more can be remembered.
  bool use_nonce(std::string_view nonce, Timestamp now);

  /// Who signs in, and how.
  struct SignIn {
    const AccessKey& key;
    std::string_view source;  // address
    bool read_only = false;
  };
  struct Opened {
    std::string cookie;  // the text that find() takes
    ConsoleSession session;
  };
  /// Opens a session. The key's session that was used longest ago ends when it has too many, or
  /// that of any key when there are too many of all.
  Opened open(const SignIn& sign_in, Timestamp now);

  /// The session that `cookie` stands for, which is now used; nothing if there is none or it has
  /// ended.
  std::optional<ConsoleSession> find(std::string_view cookie, Timestamp now);

  /// Ends a session. @return whether there was one.
  bool close(std::string_view id);

  /// All that have not ended, the one used last first.
  std::vector<ConsoleSession> list(Timestamp now);

 private:
  using Sessions = std::unordered_map<std::string, ConsoleSession>;  // by the hash of the cookie

  void forget_ended(Timestamp now);
  void make_room(std::string_view access_key);

  const KeyedHash nonce_hash_;
  std::mutex mutex_;
  Sessions sessions_;
  std::unordered_map<std::string, Timestamp> used_nonces_;  // and when they would have ended
};

}  // namespace millrace
