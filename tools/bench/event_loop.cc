#include "bench/event_loop.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/check.h"
#include "bench/bench_error.h"

namespace millrace::bench {
namespace {

constexpr std::size_t kScratchBytes = 256 * 1024;
constexpr int kEventsPerTurn = 64;

}  // namespace

EventLoop::EventLoop() : epoll_(epoll_create1(EPOLL_CLOEXEC)), scratch_(kScratchBytes) {
  if (epoll_ < 0) {
    throw BenchError("no epoll descriptor: raise the limit of open files (ulimit -n)");
  }
}

EventLoop::~EventLoop() {
  close(epoll_);
}

void EventLoop::control(int operation, int descriptor, std::uint32_t epoll_events,
                        SocketEvents* owner) {
  epoll_event event{};
  event.events = epoll_events;
  event.data.ptr = owner;
  CHECK(epoll_ctl(epoll_, operation, descriptor, &event) == 0);
}

void EventLoop::watch(int descriptor, std::uint32_t epoll_events, SocketEvents& owner) {
  control(EPOLL_CTL_ADD, descriptor, epoll_events, &owner);
}

void EventLoop::rewatch(int descriptor, std::uint32_t epoll_events, SocketEvents& owner) {
  control(EPOLL_CTL_MOD, descriptor, epoll_events, &owner);
}

void EventLoop::unwatch(int descriptor) {
  control(EPOLL_CTL_DEL, descriptor, 0, nullptr);
}

void EventLoop::call_at(Nanoseconds moment, std::function<void()> action) {
  timers_.push({moment, timers_made_++, std::move(action)});
}

void EventLoop::turn(Nanoseconds until) {
  const Nanoseconds wake_at = timers_.empty() ? until : std::min(until, timers_.top().moment);
  const Nanoseconds wait = std::max<Nanoseconds>(wake_at - monotonic_now(), 0);
  // Nanoseconds, since a whole millisecond would be coarser than the times that are measured.
  const timespec timeout{wait / kSecond, wait % kSecond};
  std::array<epoll_event, kEventsPerTurn> events;
  const int ready = epoll_pwait2(epoll_, events.data(), kEventsPerTurn, &timeout, nullptr);
  for (int i = 0; i < ready; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    static_cast<SocketEvents*>(event.data.ptr)->on_ready(event.events);
  }
  while (!timers_.empty() && timers_.top().moment <= monotonic_now()) {
    const std::function<void()> action = timers_.top().action;
    timers_.pop();
    action();
  }
}

}  // namespace millrace::bench
