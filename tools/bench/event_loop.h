// EventLoop: one thread's sockets and timers, over epoll. Everything of a loop happens on the
// thread that calls turn().
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <queue>
#include <span>
#include <vector>

#include "bench/stopwatch.h"

namespace millrace::bench {

/// What a socket's owner is told.
class SocketEvents {
 public:
  virtual ~SocketEvents() = default;
  /// The socket can be read, written, or has failed: `epoll_events` are EPOLLIN and so on.
  virtual void on_ready(std::uint32_t epoll_events) = 0;
};

class EventLoop {
 public:
  /// Throws BenchError if the system has no epoll descriptor left.
  EventLoop();
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  /// Watches `descriptor` for `epoll_events`; `owner` must outlive the watch.
  void watch(int descriptor, std::uint32_t epoll_events, SocketEvents& owner);
  /// Changes what a watched descriptor is watched for.
  void rewatch(int descriptor, std::uint32_t epoll_events, SocketEvents& owner);
  /// Ends the watch.
  void unwatch(int descriptor);

  /// Calls `action` once, in the turn in which `moment` has come.
  void call_at(Nanoseconds moment, std::function<void()> action);

  /// Waits until a socket is ready, a timer is due or `until` has come, and handles what there is.
  void turn(Nanoseconds until);

  /// Room for one read, shared by all connections of the loop; its content is gone at the next
  /// read.
  std::span<char> scratch() { return scratch_; }

 private:
  struct Timer {
    Nanoseconds moment;
    std::uint64_t order;  // of two timers of one moment, the earlier made goes first
    std::function<void()> action;
    bool operator<(const Timer& other) const {
      return moment != other.moment ? moment > other.moment : order > other.order;
    }
  };

  void control(int operation, int descriptor, std::uint32_t epoll_events, SocketEvents* owner);

  int epoll_;
  std::vector<char> scratch_;
  std::priority_queue<Timer> timers_;
  std::uint64_t timers_made_ = 0;
};

}  // namespace millrace::bench
