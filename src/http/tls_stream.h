// TlsStream: the bytes of a connection over TLS, as PlainStream is over TCP. Private to http/.
//
// OpenSSL works on the socket itself and Asio only says when it is ready. So a reply that fits the
// socket goes out in the call that makes it, as over plain TCP, and a resting connection holds no
// buffers; asio::ssl::stream has four of 17 KB for each and cannot write without waiting.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include <boost/asio/awaitable.hpp>

#include "http/stream.h"
#include "http/tls_context.h"

struct ssl_st;  // OpenSSL's SSL

namespace millrace {

class TlsStream {
 public:
  using Buffers = PlainStream::Buffers;
  using Peek = PlainStream::Peek;
  static constexpr bool kSecure = true;

  /// How a handshake ended.
  enum class Handshake {
    done,
    plain_http,  // the client speaks HTTP without TLS
    refused,     // by either side; the client may still be reading why
    ended,       // the connection is gone, or the wait was cancelled
  };

  TlsStream(TcpSocket socket, const TlsContext& context);

  TcpSocket::executor_type get_executor() { return socket_.get_executor(); }

  /// To be done first, once. Unless it is done, the stream goes on as one of plain bytes, so that
  /// the client can be told and what it still sends can be read.
  /// @param cause if it was refused: why, of a fixed set of phrases.
  boost::asio::awaitable<Handshake> shake_hands(std::string& cause);

  boost::asio::awaitable<std::size_t> read_some(std::span<char> room,
                                                boost::system::error_code& error);

  /// Writes what goes without waiting; an error of would_block if that is nothing. What was begun
  /// and is not written must be given again, with the same bytes.
  std::size_t try_write(const Buffers& buffers, boost::system::error_code& error);

  boost::asio::awaitable<std::size_t> write_some(const Buffers& buffers,
                                                 boost::system::error_code& error);

  /// Calls `handler(error_code)` when peek() may have something to show.
  template <class Handler>
  void wait_readable(Handler&& handler) {
    socket_.async_wait(TcpSocket::wait_read, std::forward<Handler>(handler));
  }

  Peek peek();

  /// Ends all waiting with operation_aborted.
  void cancel();

  /// Says that nothing more will be sent.
  void shut_down_send();

  /// Says so, too, unless the connection has failed; then closes.
  void close();

 private:
  struct Free {
    void operator()(ssl_st* ssl) const;
  };

  /// What a call of OpenSSL came to.
  enum class Outcome { done, want_read, want_write, ended, failed };

  Outcome outcome_of(int returned);
  boost::asio::awaitable<void> wait(TcpSocket::wait_type what, boost::system::error_code& error);
  boost::asio::awaitable<std::size_t> read_plain(std::span<char> room,
                                                 boost::system::error_code& error);
  Outcome write_record(const Buffers& rest, std::size_t& written);
  void say_goodbye();

  TcpSocket socket_;
  std::unique_ptr<ssl_st, Free> ssl_;  // null: plain bytes
  bool established_ = false;
  bool failed_ = false;    // OpenSSL wants no more calls
  int reads_at_once_ = 0;  // without waiting
};

}  // namespace millrace
