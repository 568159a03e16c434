// World: a whole server without its sockets: pipeline, service, engine, and stores in memory, on
// one thread, with a clock that stands still.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "base/clock.h"
#include "base/http_message.h"
#include "runtime/cores.h"
#include "scenarios/protocols.h"
#include "server/engine.h"
#include "server/installation.h"
#include "server/pipeline.h"
#include "storage/memory_store.h"

namespace millrace::scenarios {

/// A request that has been sent, and its reply once there is one.
class Exchange final : public HangUpWatch {
 public:
  /// @param access_key in whose name; empty: anonymous.
  Exchange(Protocol protocol, std::string action, const boost::json::object& request,
           const std::string& access_key);

  bool answered() const { return answered_; }
  /// CHECKs that there is a reply.
  ReadReply reply() const;
  /// The client goes away.
  void hang_up();

  void watch(std::function<void()> on_hang_up) override { on_hang_up_ = std::move(on_hang_up); }

 private:
  friend class World;

  const Protocol protocol_;
  const std::string action_;
  WrittenRequest written_;
  std::string authorization_;
  HttpRequest request_;
  HttpResponse response_;
  std::function<void()> on_hang_up_;
  bool answered_ = false;
};

class World {
 public:
  static constexpr std::size_t kShards = 2;

  World();
  ~World();

  /// Sends a request. What can be done at once is done when this returns.
  void send(Exchange& exchange);
  /// Waits until `exchange` is answered. @return false if it is not, after a long while.
  bool finish(Exchange& exchange);
  /// Moves the clock and lets what is due happen.
  void advance(Milliseconds by);
  /// Stops in good order and starts again on the same stores.
  void restart();

 private:
  void start();
  void stop();
  void run_until(const std::function<bool()>& done);

  ManualClock clock_;
  const Installation installation_;
  std::vector<std::shared_ptr<MemoryStore>> stores_;
  std::atomic<Phase> phase_{Phase::serving};
  std::unique_ptr<Cores> cores_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<Pipeline> pipeline_;
};

}  // namespace millrace::scenarios
