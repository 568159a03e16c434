#include "queue/waiters.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace millrace {

void Waiters::add(const Waiter& waiter, bool in_front) {
  CHECK(waiters_.emplace(waiter.id, waiter).second);
  Line& line = lines_[waiter.request.queue];
  line.ids.insert(in_front ? line.ids.begin() : line.ids.end(), waiter.id);
  ++line.waiting;
  // A short poll ends when its queue has nothing to load, not by time.
  if (waiter.request.wait == 0) {
    line.short_polls.push_back(waiter.id);
  } else {
    deadlines_.set(waiter.deadline, waiter.id);
  }
}

void Waiters::forget(const Waiter& waiter) {
  const auto found = lines_.find(waiter.request.queue);
  CHECK(found != lines_.end());
  Line& line = found->second;
  --line.waiting;
  if (line.waiting == 0) {
    lines_.erase(found);
  } else if (line.ids.size() > 2 * line.waiting + 16) {
    // Waiters that hang up or time out leave their ids behind; sweep them before they prevail.
    const auto gone = [&](WaiterId id) { return id == waiter.id || !waiters_.contains(id); };
    std::erase_if(line.ids, gone);
    std::erase_if(line.short_polls, gone);
  }
  if (deadlines_.size() > 2 * waiters_.size() + 1024) {
    deadlines_.clear();
    for (const auto& [id, waiting] : waiters_) {
      if (id != waiter.id && waiting.request.wait > 0) deadlines_.set(waiting.deadline, id);
    }
  }
}

std::optional<Waiter> Waiters::remove(WaiterId id) {
  const auto found = waiters_.find(id);
  if (found == waiters_.end()) return std::nullopt;
  const Waiter waiter = found->second;
  forget(waiter);
  waiters_.erase(found);
  return waiter;
}

const Waiter* Waiters::first(QueueId queue) {
  const auto line = lines_.find(queue);
  if (line == lines_.end()) return nullptr;
  std::deque<WaiterId>& ids = line->second.ids;
  while (!ids.empty()) {
    const auto found = waiters_.find(ids.front());
    if (found != waiters_.end()) return &found->second;
    ids.pop_front();
  }
  return nullptr;
}

std::optional<Waiter> Waiters::pop_expired(Timestamp now) {
  TimerHeap<WaiterId>::Timer due;
  while (deadlines_.pop_due(now, due)) {
    if (std::optional<Waiter> waiter = remove(due.key)) return waiter;
  }
  return std::nullopt;
}

std::vector<Waiter> Waiters::remove_all(QueueId queue) {
  std::vector<Waiter> removed;
  while (const Waiter* waiter = first(queue)) removed.push_back(*remove(waiter->id));
  return removed;
}

std::vector<Waiter> Waiters::remove_short_polls(QueueId queue) {
  std::vector<Waiter> removed;
  const auto line = lines_.find(queue);
  if (line == lines_.end()) return removed;
  // remove() may take the whole line away with its last waiter.
  const std::vector<WaiterId> ids = std::exchange(line->second.short_polls, {});
  for (const WaiterId id : ids) {
    if (std::optional<Waiter> waiter = remove(id)) removed.push_back(*waiter);
  }
  return removed;
}

std::vector<Waiter> Waiters::list(QueueId queue, std::size_t count_max) const {
  std::vector<Waiter> listed;
  const auto line = lines_.find(queue);
  if (line == lines_.end()) return listed;
  for (const WaiterId id : line->second.ids) {
    const auto found = waiters_.find(id);
    if (found == waiters_.end()) continue;
    if (listed.size() == count_max) break;
    listed.push_back(found->second);
  }
  return listed;
}

std::size_t Waiters::count(QueueId queue) const {
  const auto line = lines_.find(queue);
  return line == lines_.end() ? 0 : line->second.waiting;
}

}  // namespace millrace
