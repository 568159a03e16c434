// Client: one connection's view of a queue, whatever the broker: send, receive, remove.
//
// One operation at a time. Its end is told through ClientEvents, from within EventLoop::turn(), on
// the loop's thread; the next operation may be started from there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "bench/event_loop.h"

namespace millrace::bench {

/// How the operations of a Client end. Exactly one call for each operation.
class ClientEvents {
 public:
  virtual ~ClientEvents() = default;
  /// The send was answered: every message of it is acknowledged.
  virtual void on_sent() = 0;
  /// The receive was answered with these message numbers, none if there was nothing to receive.
  /// Bodies without a number count as number 0.
  virtual void on_received(std::span<const std::uint64_t> numbers) = 0;
  /// The removal was answered: the messages of the last receive are gone.
  virtual void on_removed() = 0;
  /// The operation failed; `reason` is for people. With `usable` the client can go on, otherwise
  /// its connection has ended. Also called, once, when the connection ends between operations.
  virtual void on_failed(std::string_view reason, bool usable) = 0;
};

class Client {
 public:
  virtual ~Client() = default;
  /// Sends the messages `first_number`, `first_number` + 1, ... as one batch.
  virtual void send(std::uint64_t first_number, std::size_t count) = 0;
  /// Asks for up to `count_max` messages.
  virtual void receive(std::size_t count_max) = 0;
  /// Removes all messages of the last receive, which must have brought at least one.
  virtual void remove() = 0;
};

/// Makes the client number `index` of the producers or of the consumers.
/// Throws BenchError if it cannot connect.
using ClientFactory = std::function<std::unique_ptr<Client>(EventLoop& loop, ClientEvents& events,
                                                            bool producer, std::size_t index)>;

}  // namespace millrace::bench
