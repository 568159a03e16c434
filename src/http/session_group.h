// SessionGroup: the sessions of one listener, and what they share: handler, limits, time, budget.
//
// Time is looked at once a second for all sessions together instead of by a timer each: a session
// notes a deadline, tick() tells those whose deadline has passed. Shared by the listener and its
// sessions; one thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <boost/intrusive/list.hpp>

#include "base/clock.h"
#include "base/http_message.h"
#include "http/budget.h"
#include "http/handler.h"
#include "http/limits.h"
#include "http/source_connections.h"
#include "observe/metrics.h"

namespace millrace {

/// A session as its group sees it.
class GroupedSession : public HangUpWatch,
                       public std::enable_shared_from_this<GroupedSession>,
                       public boost::intrusive::list_base_hook<
                           boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  /// Ends what takes longer than it may.
  virtual void check_time(Timestamp now) = 0;
  /// The group has begun to drain: a session between two requests closes.
  virtual void close_if_idle() = 0;
  /// Closes whatever the session is doing. A handler that is running is told by its hang-up watch.
  virtual void abort() = 0;

  /// Has the session hold the connection's place until it ends.
  void keep(SourceConnections::Place place) { place_ = std::move(place); }

 private:
  SourceConnections::Place place_;
};

class SessionGroup {
 public:
  /// @param clock must outlive the group.
  SessionGroup(const Clock& clock, const SessionLimits& limits,
               std::shared_ptr<MemoryBudget> budget, HttpHandler handler)
      : limits_(limits), handler_(std::move(handler)), clock_(clock), budget_(std::move(budget)) {
    CHECK(budget_->size() >= limits_.request.body_bytes);
    refresh_time();
  }

  const SessionLimits& limits() const { return limits_; }
  const HttpHandler& handler() const { return handler_; }
  MemoryBudget& budget() { return *budget_; }
  /// The time of the last tick: exact enough for deadlines, and free.
  Timestamp now() const { return now_; }
  /// now() as a Date field.
  std::string_view date() const { return date_; }
  bool draining() const { return draining_; }
  std::size_t size() const { return size_; }

  /// `on_leave` is called whenever a session has left.
  void set_on_leave(std::function<void()> on_leave) { on_leave_ = std::move(on_leave); }

  void set_on_refused(HttpRefused on_refused) { on_refused_ = std::move(on_refused); }
  void tell_refused(std::string_view remote_address, unsigned status) {
    metrics_->requests_refused.add();
    if (on_refused_) on_refused_(remote_address, status);
  }

  /// Where connections and bytes are counted; outlives the group. Without, nobody wants to know.
  void set_metrics(HttpMetrics& metrics) { metrics_ = &metrics; }
  HttpMetrics& metrics() { return *metrics_; }

  void join(GroupedSession& session);
  void leave(GroupedSession& session);

  /// Reads the clock and has every session look at it.
  void tick();
  /// Idle sessions close now, the others after the reply that they are working on.
  void drain();
  /// Closes all.
  void abort_all();

 private:
  void refresh_time();
  std::vector<std::shared_ptr<GroupedSession>> all() const;

  SessionLimits limits_;
  HttpHandler handler_;
  const Clock& clock_;
  // Before the sessions: units and waiters of a session end before their budget.
  std::shared_ptr<MemoryBudget> budget_;
  boost::intrusive::list<GroupedSession, boost::intrusive::constant_time_size<false>> sessions_;
  std::size_t size_ = 0;
  Timestamp now_;
  std::string date_;
  bool draining_ = false;
  std::function<void()> on_leave_;
  HttpRefused on_refused_;
  HttpMetrics unread_metrics_;  // counts where nobody wants to know
  HttpMetrics* metrics_ = &unread_metrics_;
};

}  // namespace millrace
