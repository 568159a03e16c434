#include "bench/connection.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
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

}  // namespace

Endpoint parse_endpoint(std::string_view text) {
  std::string_view rest = text;
  for (const std::string_view scheme : {"http://", "redis://"}) {
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
  return {std::string(host), static_cast<std::uint16_t>(*port)};
}

Connection::Connection(EventLoop& loop, const Endpoint& endpoint)
    : loop_(loop), socket_(connect_to(endpoint)) {
  const int on = 1;
  setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
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
    const ssize_t wrote =
        ::send(socket_, out_.data() + written_, out_.size() - written_, MSG_NOSIGNAL);
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
  }
}

void Connection::read_some() {
  const std::span<char> scratch = loop_.scratch();
  const ssize_t got = recv(socket_, scratch.data(), scratch.size(), 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
    return;
  }
  if (got <= 0) {
    lose(got == 0 ? "the server closed the connection" : std::strerror(errno));
    return;
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
}

void Connection::lose(std::string_view reason) {
  lost_ = true;
  loop_.unwatch(socket_);
  on_lost(reason);
}

}  // namespace millrace::bench
