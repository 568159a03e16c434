// MemoryBudget: a core's bytes for request bodies, taken before a body is read and given back after
// its reply.
//
// What does not fit waits its turn in order of arrival; while a session waits it does not read its
// socket, and TCP tells the client. One core, one thread, no locks. Bytes are held by a MemoryUnits
// and so cannot be lost on any way out.
#pragma once

#include <cstddef>
#include <functional>
#include <utility>

#include <boost/intrusive/list.hpp>

#include "base/check.h"

namespace millrace {

class MemoryBudget;

/// Bytes taken from a budget; gives them back when it ends. The budget must outlive it.
class MemoryUnits {
 public:
  MemoryUnits() = default;
  MemoryUnits(MemoryUnits&& other) noexcept
      : budget_(std::exchange(other.budget_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  MemoryUnits& operator=(MemoryUnits&& other) noexcept {
    std::swap(budget_, other.budget_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~MemoryUnits() { shrink(0); }

  std::size_t bytes() const { return bytes_; }
  /// Gives back all but `bytes`, which is at most what is held.
  inline void shrink(std::size_t bytes);

 private:
  friend class MemoryBudget;
  MemoryUnits(MemoryBudget* budget, std::size_t bytes) : budget_(budget), bytes_(bytes) {}

  MemoryBudget* budget_ = nullptr;
  std::size_t bytes_ = 0;
};

class MemoryBudget {
 public:
  /// Someone in the queue for memory. Leaves the queue when it ends.
  class Waiter : public boost::intrusive::list_base_hook<
                     boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
   public:
    /// @param on_granted called once, from within give-back, when the bytes have been taken; it
    ///   should only wake its owner.
    explicit Waiter(std::function<void()> on_granted) : on_granted_(std::move(on_granted)) {}

    /// The bytes, once granted; empty before. To be called once.
    MemoryUnits take() { return std::move(units_); }
    bool granted() const { return granted_; }

   private:
    friend class MemoryBudget;
    std::size_t wanted_ = 0;
    bool granted_ = false;
    MemoryUnits units_;
    std::function<void()> on_granted_;
  };

  explicit MemoryBudget(std::size_t bytes) : size_(bytes), free_(bytes) {}
  MemoryBudget(const MemoryBudget&) = delete;
  MemoryBudget& operator=(const MemoryBudget&) = delete;

  std::size_t size() const { return size_; }
  std::size_t free() const { return free_; }

  /// Takes `bytes` into `units` (which holds none) and returns true; or returns false if they are
  /// not free or others wait already. `bytes` is at most size().
  bool try_take(std::size_t bytes, MemoryUnits& units) {
    CHECK(bytes <= size_ && units.bytes() == 0);
    if (bytes > free_ || !waiters_.empty()) return false;
    units = grant(bytes);
    return true;
  }

  /// Puts `waiter` at the end of the queue for `bytes`, at most size(). Does not grant at once: ask
  /// try_take() first.
  void wait(std::size_t bytes, Waiter& waiter) {
    CHECK(bytes <= size_);
    waiter.wanted_ = bytes;
    waiters_.push_back(waiter);
  }

  /// Takes `waiter` out of the queue, if it is in it, and lets those behind it move up.
  void withdraw(Waiter& waiter) {
    waiter.unlink();
    serve_waiters();
  }

 private:
  friend class MemoryUnits;

  MemoryUnits grant(std::size_t bytes) {
    free_ -= bytes;
    return MemoryUnits(this, bytes);
  }

  void give_back(std::size_t bytes) {
    free_ += bytes;
    serve_waiters();
  }

  // Strictly in order: a large body is not overtaken for ever by small ones.
  void serve_waiters() {
    while (!waiters_.empty() && waiters_.front().wanted_ <= free_) {
      Waiter& first = waiters_.front();
      waiters_.pop_front();
      first.units_ = grant(first.wanted_);
      first.granted_ = true;
      first.on_granted_();
    }
  }

  std::size_t size_;
  std::size_t free_;
  boost::intrusive::list<Waiter, boost::intrusive::constant_time_size<false>> waiters_;
};

inline void MemoryUnits::shrink(std::size_t bytes) {
  CHECK(bytes <= bytes_);
  const std::size_t surplus = bytes_ - bytes;
  bytes_ = bytes;
  if (surplus != 0) budget_->give_back(surplus);
}

}  // namespace millrace
