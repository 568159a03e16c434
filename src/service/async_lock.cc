#include "service/async_lock.h"

#include <deque>
#include <mutex>

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "runtime/shard_driver.h"

namespace millrace {

namespace asio = boost::asio;

struct AsyncLock::State {
  std::mutex mutex;
  bool held = false;
  std::deque<std::unique_ptr<Suspension>> waiting;

  // @return false if the caller has the lock now; else it is in line, and `suspension` is taken.
  bool wait(std::unique_ptr<Suspension>& suspension) {
    const std::lock_guard guard(mutex);
    if (!std::exchange(held, true)) return false;
    waiting.push_back(std::move(suspension));
    return true;
  }

  // Passes the lock on to the next in line, if there is one.
  void release() {
    std::unique_ptr<Suspension> next;
    {
      const std::lock_guard guard(mutex);
      held = !waiting.empty();
      if (!held) return;
      next = std::move(waiting.front());
      waiting.pop_front();
    }
    next->resume();
  }
};

AsyncLock::Held::~Held() {
  if (state_) state_->release();
}

AsyncLock::AsyncLock() : state_(std::make_shared<State>()) {}

AsyncLock::~AsyncLock() {
  std::deque<std::unique_ptr<Suspension>> waiting;
  const std::lock_guard guard(state_->mutex);
  waiting.swap(state_->waiting);
}

asio::awaitable<AsyncLock::Held> AsyncLock::hold() {
  const std::shared_ptr<State> state = state_;
  // By pointer: GCC 12 destroys what a lambda inside a co_await captures by value twice.
  co_await suspend([line = state.get()](std::unique_ptr<Suspension> suspension) {
    if (!line->wait(suspension)) suspension->resume();
  });
  Held held(state);
  // The one before may have resumed us from within its own end: not to grow its stack.
  co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
  co_return held;
}

}  // namespace millrace
