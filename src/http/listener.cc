#include "http/listener.h"

#include <sys/socket.h>

#include <chrono>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>

#include "http/session.h"
#include "observe/log.h"

namespace millrace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

using ReusePort = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;

constexpr std::chrono::milliseconds kAcceptBackOff{200};
constexpr std::chrono::seconds kTickInterval{1};
constexpr std::size_t kConnections = 20000;

// Throws boost::system::system_error.
void bind_to(tcp::acceptor& acceptor, const ListenerOptions& options, bool shared) {
  const tcp::endpoint endpoint(asio::ip::make_address(options.address), options.port);
  acceptor.open(endpoint.protocol());
  acceptor.set_option(tcp::acceptor::reuse_address(true));
  if (shared) acceptor.set_option(ReusePort(true));
  acceptor.bind(endpoint);
}

std::string address_text(const tcp::endpoint& endpoint) {
  const asio::ip::address address = endpoint.address();
  // An IPv4 client of an IPv6 socket is told as what it is.
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string();
  }
  return address.to_string();
}

}  // namespace

boost::system::result<std::shared_ptr<Listener>> Listener::open(
    asio::io_context& context, const ListenerOptions& options, const Clock& clock,
    std::shared_ptr<MemoryBudget> budget, HttpHandler handler) {
  auto group =
      std::make_shared<SessionGroup>(clock, options.limits, std::move(budget), std::move(handler));
  group->set_on_refused(options.on_refused);
  if (options.metrics != nullptr) group->set_metrics(*options.metrics);
  std::shared_ptr<Listener> listener(new Listener(context, options, std::move(group)));
  if (const error_code error = listener->bind(options)) return error;
  return listener;
}

Listener::Listener(asio::io_context& context, const ListenerOptions& options,
                   std::shared_ptr<SessionGroup> group)
    : group_(std::move(group)),
      connections_(options.connections ? options.connections
                                       : std::make_shared<ConnectionLimit>(kConnections)),
      source_connections_(options.source_connections),
      tls_(options.tls),
      acceptor_(context),
      pause_(context),
      ticker_(context) {}

error_code Listener::bind(const ListenerOptions& options) {
  try {
    bind_to(acceptor_, options, options.share_port);
    acceptor_.listen(options.backlog);
    port_ = acceptor_.local_endpoint().port();
    return {};
  } catch (const boost::system::system_error& failure) {
    return failure.code();
  }
}

error_code Listener::check_unused(asio::io_context& context, const ListenerOptions& options) {
  try {
    tcp::acceptor alone(context);
    bind_to(alone, options, false);
    return {};
  } catch (const boost::system::system_error& failure) {
    return failure.code();
  }
}

void Listener::start() {
  accepting_ = true;
  // The group must not keep the listener alive, for the listener owns the group.
  group_->set_on_leave([weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->on_session_left();
  });
  connections_->add_on_free([weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->pause_.cancel();
  });
  const auto self = shared_from_this();
  asio::co_spawn(
      acceptor_.get_executor(), [self] { return self->accept_all(); }, asio::detached);
  asio::co_spawn(
      acceptor_.get_executor(), [self] { return self->tick_all(); }, asio::detached);
}

asio::awaitable<void> Listener::accept_all() {
  bool failing = false;
  while (accepting_) {
    error_code error;
    tcp::endpoint peer;
    TcpSocket socket =
        co_await acceptor_.async_accept(peer, asio::redirect_error(asio::use_awaitable, error));
    if (!error) {
      failing = false;
      // Behind it, connections wait in the backlog.
      co_await wait_for_place();
      if (accepting_) start_session(std::move(socket), address_text(peer));
    } else if (accepting_ && error != asio::error::connection_aborted) {
      // Out of descriptors or memory: the connection stays in the backlog and the next accept would
      // fail at once, so trying again without a pause would only burn the core.
      if (!failing) log_error("cannot accept", {{"error", error.message()}});
      failing = true;
      co_await pause(kAcceptBackOff);
    }
  }
}

asio::awaitable<void> Listener::wait_for_place() {
  // Said once until a tenth is free again, not for every connection that takes the last place.
  if (connections_->has_reserve()) full_ = false;
  while (accepting_ && connections_->reached()) {
    if (!std::exchange(full_, true)) {
      log_warning("too many connections", {{"connections", connections_->count()}});
    }
    co_await pause(asio::steady_timer::duration::max());
  }
}

asio::awaitable<void> Listener::pause(asio::steady_timer::duration length) {
  pause_.expires_at(length == asio::steady_timer::duration::max()
                        ? asio::steady_timer::time_point::max()
                        : asio::steady_timer::clock_type::now() + length);
  error_code ignored;
  co_await pause_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

void Listener::start_session(TcpSocket socket, std::string remote_address) {
  SourceConnections::Place place;
  if (source_connections_ != nullptr) {
    place = source_connections_->enter(remote_address);
    if (place == nullptr) {
      group_->metrics().connections_refused.add();
      return;  // which closes the socket
    }
  }
  connections_->add();
  const auto start = [&]<class Stream>(Stream stream) {
    const auto session =
        std::make_shared<Session<Stream>>(group_, std::move(stream), std::move(remote_address));
    session->keep(std::move(place));
    session->start();
  };
  if (tls_ == nullptr) return start(PlainStream(std::move(socket)));
  start(TlsStream(std::move(socket), *tls_->load(std::memory_order_acquire)));
}

asio::awaitable<void> Listener::tick_all() {
  while (!done_) {
    ticker_.expires_after(kTickInterval);
    error_code error;
    co_await ticker_.async_wait(asio::redirect_error(asio::use_awaitable, error));
    if (!error) tick();
  }
}

void Listener::tick() {
  group_->tick();
  if (!shutting_down_) return;
  if (cut_) {
    finish();
  } else if (group_->now() >= cut_at_) {
    cut_ = true;
    log_warning("connections cut", {{"connections", group_->size()}});
    group_->abort_all();
  }
}

void Listener::stop_accepting() {
  accepting_ = false;
  error_code ignored;
  acceptor_.close(ignored);
  pause_.cancel();
}

void Listener::shut_down(Milliseconds grace, std::function<void()> on_done) {
  CHECK(!shutting_down_);
  stop_accepting();
  shutting_down_ = true;
  on_done_ = std::move(on_done);
  group_->tick();
  cut_at_ = group_->now() + grace;
  group_->drain();
  asio::post(acceptor_.get_executor(), [self = shared_from_this()] { self->finish_if_empty(); });
}

void Listener::on_session_left() {
  connections_->remove();
  finish_if_empty();
}

void Listener::finish_if_empty() {
  if (shutting_down_ && group_->size() == 0) finish();
}

void Listener::finish() {
  if (done_) return;
  done_ = true;
  ticker_.cancel();
  if (const auto on_done = std::exchange(on_done_, nullptr)) on_done();
}

}  // namespace millrace
