// Connection: one connection to a server, over TCP or TLS, non-blocking once it stands, on the
// thread of its event loop. What the bytes mean is the business of the classes derived from it.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "bench/event_loop.h"

struct ssl_st;  // OpenSSL's SSL

namespace millrace::bench {

/// Where a server listens.
struct Endpoint {
  std::string host;  // name or address
  std::uint16_t port = 0;
  bool tls = false;

  /// "host:port", as a Host field has it.
  std::string authority() const { return host + ":" + std::to_string(port); }
};

/// Reads "http://host:port", "https://host:port", "redis://host:port" or "host:port", a "/" behind
/// it or not. Throws BenchError for anything else.
Endpoint parse_endpoint(std::string_view text);

class Connection : private SocketEvents {
 public:
  /// Connects, waiting until the connection stands. Whatever certificate a server shows is taken:
  /// what is measured are servers of our own. Throws BenchError if it cannot be made.
  Connection(EventLoop& loop, const Endpoint& endpoint);
  ~Connection() override;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

 protected:
  /// What has been appended here goes out with the next flush().
  std::string& out() { return out_; }
  /// Writes as much of out() as the socket takes; the rest follows when it takes more.
  void flush();

  /// Bytes have come. Returns how many of `input`, from its start, are done with; the others are
  /// shown again, with more behind them. `input` is valid until it returns.
  virtual std::size_t on_input(std::string_view input) = 0;
  /// The connection has ended or failed; called once, nothing follows.
  virtual void on_lost(std::string_view reason) = 0;

 private:
  void on_ready(std::uint32_t epoll_events) override;
  /// @return whether there may be more.
  bool read_some();
  ssize_t send_some(std::string_view bytes);
  ssize_t receive_some(std::span<char> room);
  void lose(std::string_view reason);
  void watch_output(bool wanted);

  EventLoop& loop_;
  int socket_ = -1;
  std::unique_ptr<ssl_st, void (*)(ssl_st*)> tls_;  // null: plain TCP
  std::string out_;
  std::size_t written_ = 0;  // of out_
  bool output_watched_ = false;
  bool lost_ = false;
  std::string rest_;  // input that on_input() has left; empty most of the time
};

}  // namespace millrace::bench
