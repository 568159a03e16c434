// Listener: accepts connections on one address for one io_context, with or without TLS, and ends
// them in order.
//
// Several contexts listen on one port each with a listener of its own (`share_port`); the kernel
// spreads the connections. Everything is called on the context's thread, or before it runs. A
// listener keeps itself alive from start() until it has shut down.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/result.hpp>

#include "base/clock.h"
#include "http/budget.h"
#include "http/connection_limit.h"
#include "http/handler.h"
#include "http/limits.h"
#include "http/session_group.h"
#include "http/source_connections.h"
#include "http/stream.h"
#include "http/tls_context.h"
#include "observe/metrics.h"

namespace millrace {

struct ListenerOptions {
  std::string address = "127.0.0.1";  // in digits, IPv4 or IPv6
  std::uint16_t port = 0;             // 0: any free one, see Listener::port()
  bool share_port = false;            // SO_REUSEPORT: others may listen on the same port
  int backlog = 4096;                 // connections that the kernel may hold for us
  /// More wait until one closes, in the backlog all but the first. Shared by the listeners of one
  /// core; null: a limit of 20000 of its own.
  std::shared_ptr<ConnectionLimit> connections;
  SessionLimits limits;
  /// What new connections begin with; outlives the listener, never null within. Null: no TLS.
  const CurrentTls* tls = nullptr;
  /// The connections of each client; null: as many as there is room for. One that is too many is
  /// closed at once: a reply would have to wait for TLS and for a request.
  std::shared_ptr<SourceConnections> source_connections = nullptr;
  HttpRefused on_refused = {};
  HttpMetrics* metrics = nullptr;  // outlives the listener; null: nobody wants to know
};

class Listener : public std::enable_shared_from_this<Listener> {
 public:
  /// Binds and listens; nothing is accepted before start().
  /// @param clock and `context` must outlive the listener and its sessions.
  /// @param budget at least limits.request.body_bytes; shared by the listeners of one core.
  /// @return an error of the system (address in use, bad address) if that fails.
  static boost::system::result<std::shared_ptr<Listener>> open(boost::asio::io_context& context,
                                                               const ListenerOptions& options,
                                                               const Clock& clock,
                                                               std::shared_ptr<MemoryBudget> budget,
                                                               HttpHandler handler);

  /// Whether the address can be had alone. To be asked before it is shared, for the kernel lets a
  /// port that is shared be shared by another server too.
  static boost::system::error_code check_unused(boost::asio::io_context& context,
                                                const ListenerOptions& options);

  /// The port that is listened on.
  std::uint16_t port() const { return port_; }
  std::size_t connections() const { return group_->size(); }

  /// Begins to accept, and to look at the clock once a second.
  void start();

  /// Looks at the clock now: for tests, which move time themselves.
  void tick();

  /// Closes the listening socket. Connections stay.
  void stop_accepting();

  /// Stops accepting, closes idle connections now and the others after the reply that they are
  /// working on. Connections that are left after `grace` milliseconds are cut.
  /// @param on_done called once, when all connections are gone, or a tick after the cut even if a
  ///   handler still runs; never from within this call.
  void shut_down(Milliseconds grace, std::function<void()> on_done);

 private:
  Listener(boost::asio::io_context& context, const ListenerOptions& options,
           std::shared_ptr<SessionGroup> group);

  boost::system::error_code bind(const ListenerOptions& options);
  boost::asio::awaitable<void> accept_all();
  boost::asio::awaitable<void> wait_for_place();
  boost::asio::awaitable<void> tick_all();
  boost::asio::awaitable<void> pause(boost::asio::steady_timer::duration length);
  void start_session(TcpSocket socket, std::string remote_address);
  void on_session_left();
  void finish_if_empty();
  void finish();

  std::shared_ptr<SessionGroup> group_;
  const std::shared_ptr<ConnectionLimit> connections_;
  const std::shared_ptr<SourceConnections> source_connections_;
  const CurrentTls* tls_;
  boost::asio::ip::tcp::acceptor acceptor_;
  std::uint16_t port_ = 0;
  bool accepting_ = false;
  bool full_ = false;                 // and that has been said
  boost::asio::steady_timer pause_;   // of the accept loop
  boost::asio::steady_timer ticker_;  // once a second

  bool shutting_down_ = false;
  bool cut_ = false;
  bool done_ = false;
  Timestamp cut_at_ = kNever;
  std::function<void()> on_done_;
};

}  // namespace millrace
