// AsyncLock: coroutines, on any threads, one at a time, in the order in which they asked.
//
// To be destroyed before the io_contexts of those who wait for it, who are then destroyed with it;
// whoever holds it may outlive it.
#pragma once

#include <memory>
#include <utility>

#include <boost/asio/awaitable.hpp>

namespace millrace {

class AsyncLock {
  struct State;

 public:
  /// The lock, held until the end of this object's life.
  class Held {
   public:
    Held(Held&&) noexcept = default;
    Held& operator=(Held&&) = delete;
    ~Held();

   private:
    friend AsyncLock;
    explicit Held(std::shared_ptr<State> state) : state_(std::move(state)) {}
    std::shared_ptr<State> state_;
  };

  AsyncLock();
  ~AsyncLock();
  AsyncLock(const AsyncLock&) = delete;
  AsyncLock& operator=(const AsyncLock&) = delete;

  /// Waits for the caller's turn. The caller goes on on its own thread.
  boost::asio::awaitable<Held> hold();

 private:
  std::shared_ptr<State> state_;
};

}  // namespace millrace
