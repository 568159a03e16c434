// SourceConnections: how many connections each client has, so that none takes all of them.
//
// Shared by all listeners of a server. Any thread. Its memory is bounded by the connections that
// the listeners allow. Who counts as one client: base/source_network.h.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace millrace {

class SourceConnections : public std::enable_shared_from_this<SourceConnections> {
 public:
  /// A connection's place; giving it up frees it. Null where there is none.
  using Place = std::shared_ptr<const void>;

  /// @param connections_max of one client at a time; at least 1.
  explicit SourceConnections(std::size_t connections_max);

  /// Takes a place for a connection from `address`, or, if the client has too many, none. The first
  /// refusal, until the client has no connection any more, is told in the log.
  Place enter(std::string_view address);

 private:
  class Held;
  struct Count {
    std::size_t connections = 0;
    bool told = false;
  };

  void leave(const std::string& network);

  const std::size_t connections_max_;
  std::mutex mutex_;
  std::unordered_map<std::string, Count> counts_;  // of clients that have connections
};

}  // namespace millrace
