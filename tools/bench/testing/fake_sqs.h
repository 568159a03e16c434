// FakeSqs: a small SQS server in a thread, for tests of the load generator: one queue in memory,
// both protocols, and two faults on demand.
//
// A receive at the empty queue with a wait is held until a message comes, however long that takes.
// Received messages are gone at once: there is no visibility timeout.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "bench/connection.h"
#include "bench/event_loop.h"

namespace millrace::bench {

class FakeSqs {
 public:
  struct Faults {
    std::uint64_t lose = 0;   // acknowledges the n-th message (from 1) and forgets it
    std::uint64_t twice = 0;  // hands out the n-th message twice in a row
  };

  explicit FakeSqs(Faults faults);
  /// Ends the thread; all connections are closed.
  ~FakeSqs();
  FakeSqs(const FakeSqs&) = delete;
  FakeSqs& operator=(const FakeSqs&) = delete;

  Endpoint endpoint() const { return {"127.0.0.1", port_}; }
  /// How many messages have been deleted so far. Any thread.
  std::uint64_t deleted() const { return deleted_; }
  /// How many message groups there have been so far. Any thread.
  std::size_t groups() const { return group_count_; }

 private:
  class Session;
  class Listener;
  struct Request;

  void answer(Session& session, const Request& request);
  void send(Session& session, const Request& request);
  void receive(Session& session, std::size_t count_max);
  void remove(Session& session, const Request& request);

  const Faults faults_;
  std::uint16_t port_ = 0;
  EventLoop loop_;
  std::unique_ptr<Listener> listener_;
  std::vector<std::unique_ptr<Session>> sessions_;
  std::uint64_t sent_ = 0;
  std::set<std::string> groups_;
  std::deque<std::string> ready_;
  struct Waiter {
    Session* session;
    std::size_t count_max;
  };
  std::deque<Waiter> waiters_;
  std::atomic<std::uint64_t> deleted_{0};
  std::atomic<std::size_t> group_count_{0};
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace millrace::bench
