#include "http/session_group.h"

#include "http/reply_head.h"

namespace millrace {

void SessionGroup::join(GroupedSession& session) {
  sessions_.push_back(session);
  ++size_;
  metrics_->connections.increment();
  metrics_->connections_opened.add();
}

void SessionGroup::leave(GroupedSession& session) {
  session.unlink();
  --size_;
  metrics_->connections.decrement();
  if (on_leave_) on_leave_();
}

void SessionGroup::tick() {
  refresh_time();
  // check_time() only cancels operations, whose handlers run later: the list stays as it is.
  for (GroupedSession& session : sessions_) session.check_time(now_);
}

void SessionGroup::drain() {
  draining_ = true;
  for (const auto& session : all()) session->close_if_idle();
}

void SessionGroup::abort_all() {
  for (const auto& session : all()) session->abort();
}

void SessionGroup::refresh_time() {
  now_ = clock_.now();
  date_ = http_date(now_);
}

std::vector<std::shared_ptr<GroupedSession>> SessionGroup::all() const {
  // A copy: a hang-up watch runs code that is not ours, which may end sessions.
  std::vector<std::shared_ptr<GroupedSession>> sessions;
  for (const GroupedSession& session : sessions_) {
    sessions.push_back(std::const_pointer_cast<GroupedSession>(session.shared_from_this()));
  }
  return sessions;
}

}  // namespace millrace
