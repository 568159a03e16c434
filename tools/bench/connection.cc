#include "bench/connection.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <memory>

#include "base/encoding.h"
#include "bench/bench_error.h"

namespace millrace::bench {
namespace {

int connect_to(const Endpoint& endpoint) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const std::string port = std::to_string(endpoint.port);
  if (const int error = getaddrinfo(endpoint.host.c_str(), port.c_str(), &hints, &found);
      error != 0) {
    throw BenchError("cannot find " + endpoint.host + ": " + gai_strerror(error));
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> addresses(found, &freeaddrinfo);
  std::string reason = "no address";
  for (const addrinfo* address = found; address != nullptr; address = address->ai_next) {
    const int descriptor = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) {
      reason = std::strerror(errno);
      continue;
    }
    if (connect(descriptor, address->ai_addr, address->ai_addrlen) == 0) {
      return descriptor;
    }
    reason = std::strerror(errno);
    close(descriptor);
  }
  throw BenchError("cannot connect to " + endpoint.authority() + ": " + reason);
}

SSL_CTX* make_tls_context() {
  // OpenSSL writes to the socket as to a file, which a server that has gone would make fatal.
  std::signal(SIGPIPE, SIG_IGN);
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  return context;
}

/// Speaks TLS over a connected socket, waiting for the handshake.
SSL* shake_hands(int socket, const Endpoint& endpoint) {
  static SSL_CTX* const context = make_tls_context();
  SSL* tls = SSL_new(context);
  SSL_set_fd(tls, socket);
  if (SSL_connect(tls) == 1) return tls;
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  SSL_free(tls);
  throw BenchError("no TLS with " + endpoint.authority() + ": " +
                   (reason != nullptr ? reason : "the connection ended"));
}

/// What a call of OpenSSL came to, as send(2) and recv(2) say it.
ssize_t outcome_of(SSL* tls, int returned, std::size_t size) {
  if (returned == 1) return static_cast<ssize_t>(size);
  const int error = SSL_get_error(tls, returned);
  ERR_clear_error();
  if (error == SSL_ERROR_ZERO_RETURN) return 0;
  errno = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? EAGAIN : ECONNRESET;
  return -1;
}

}  // namespace

Endpoint parse_endpoint(std::string_view text) {
  std::string_view rest = text;
  const bool tls = text.starts_with("https://");
  for (const std::string_view scheme : {"http://", "https://", "redis://"}) {
    if (rest.starts_with(scheme)) {
      rest.remove_prefix(scheme.size());
      break;
    }
  }
  if (rest.ends_with('/')) {
    rest.remove_suffix(1);
  }
  const std::size_t colon = rest.rfind(':');
  const std::optional<std::int64_t> port =
      colon == std::string_view::npos ? std::nullopt : parse_digits(rest.substr(colon + 1));
  const std::string_view host = rest.substr(0, colon);
  if (!port || *port < 1 || *port > 65535 || host.empty() ||
      host.find_first_of(":/") != std::string_view::npos) {
    throw BenchError("the endpoint must be like http://127.0.0.1:9324, not " + std::string(text));
  }
  return {std::string(host), static_cast<std::uint16_t>(*port), tls};
}

Connection::Connection(EventLoop& loop, const Endpoint& endpoint)
    : loop_(loop), socket_(connect_to(endpoint)), tls_(nullptr, SSL_free) {
  const int on = 1;
  setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (endpoint.tls) {
    try {
      tls_.reset(shake_hands(socket_, endpoint));
    } catch (const BenchError&) {
      close(socket_);
      throw;
    }
  }
  fcntl(socket_, F_SETFL, fcntl(socket_, F_GETFL) | O_NONBLOCK);
  loop_.watch(socket_, EPOLLIN, *this);
}

Connection::~Connection() {
  if (!lost_) {
    loop_.unwatch(socket_);
  }
  close(socket_);
}

void Connection::flush() {
  while (!lost_ && written_ < out_.size()) {
    const ssize_t wrote = send_some(std::string_view(out_).substr(written_));
    if (wrote >= 0) {
      written_ += static_cast<std::size_t>(wrote);
      continue;
    }
    if (errno == EINTR) {
      continue;
    }
    if (errno == EAGAIN) {
      watch_output(true);
    } else {
      lose(std::strerror(errno));
    }
    return;
  }
  out_.clear();
  written_ = 0;
  watch_output(false);
}

ssize_t Connection::send_some(std::string_view bytes) {
  if (!tls_) return ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  std::size_t size = 0;
  const int returned = SSL_write_ex(tls_.get(), bytes.data(), bytes.size(), &size);
  return outcome_of(tls_.get(), returned, size);
}

ssize_t Connection::receive_some(std::span<char> room) {
  if (!tls_) return ::recv(socket_, room.data(), room.size(), 0);
  std::size_t size = 0;
  const int returned = SSL_read_ex(tls_.get(), room.data(), room.size(), &size);
  return outcome_of(tls_.get(), returned, size);
}

void Connection::watch_output(bool wanted) {
  if (wanted != output_watched_ && !lost_) {
    output_watched_ = wanted;
    loop_.rewatch(socket_, wanted ? EPOLLIN | EPOLLOUT : EPOLLIN, *this);
  }
}

void Connection::on_ready(std::uint32_t epoll_events) {
  if ((epoll_events & EPOLLOUT) != 0) {
    flush();
  }
  if ((epoll_events & ~static_cast<std::uint32_t>(EPOLLOUT)) != 0 && !lost_) {
    read_some();
    // What TLS has taken from the socket, the loop does not know of.
    while (!lost_ && tls_ && SSL_has_pending(tls_.get()) != 0 && read_some()) {
    }
  }
}

bool Connection::read_some() {
  const std::span<char> scratch = loop_.scratch();
  const ssize_t got = receive_some(scratch);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
    return false;
  }
  if (got <= 0) {
    lose(got == 0 ? "the server closed the connection" : std::strerror(errno));
    return false;
  }
  std::string_view input(scratch.data(), static_cast<std::size_t>(got));
  // Whole replies are read where they lie; only a piece of one is kept, so that thousands of idle
  // connections need no buffers.
  if (rest_.empty()) {
    const std::size_t done = on_input(input);
    rest_.assign(input.substr(done));
  } else {
    rest_.append(input);
    std::string whole;
    whole.swap(rest_);
    const std::size_t done = on_input(whole);
    whole.erase(0, done);
    rest_.swap(whole);
  }
  return true;
}

void Connection::lose(std::string_view reason) {
  lost_ = true;
  loop_.unwatch(socket_);
  on_lost(reason);
}

}  // namespace millrace::bench
