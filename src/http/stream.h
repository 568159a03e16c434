// PlainStream: the bytes of a connection over TCP. Session is written against this interface, so
// that TlsStream (tls_stream.h) takes the same place.
#pragma once

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <span>
#include <utility>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace millrace {

// Of the type-erased executor, as awaitable<> is: completions then run at once, where two types of
// executor would send each through a dispatch.
using TcpSocket = boost::asio::ip::tcp::socket;

class PlainStream {
 public:
  using Buffers = std::array<boost::asio::const_buffer, 2>;
  static constexpr bool kSecure = false;

  /// What a look at the socket, without reading, has shown.
  enum class Peek { nothing, data, end };

  explicit PlainStream(TcpSocket socket) : socket_(std::move(socket)) {
    boost::system::error_code ignored;  // an unusable socket shows itself at the first read
    socket_.non_blocking(true, ignored);
    socket_.set_option(boost::asio::ip::tcp::no_delay(true), ignored);
  }

  TcpSocket::executor_type get_executor() { return socket_.get_executor(); }

  boost::asio::awaitable<std::size_t> read_some(std::span<char> room,
                                                boost::system::error_code& error) {
    return socket_.async_read_some(boost::asio::buffer(room.data(), room.size()),
                                   boost::asio::redirect_error(boost::asio::use_awaitable, error));
  }

  /// Writes what goes without waiting; an error of would_block if that is nothing.
  std::size_t try_write(const Buffers& buffers, boost::system::error_code& error) {
    return socket_.write_some(buffers, error);
  }

  boost::asio::awaitable<std::size_t> write_some(const Buffers& buffers,
                                                 boost::system::error_code& error) {
    return socket_.async_write_some(buffers,
                                    boost::asio::redirect_error(boost::asio::use_awaitable, error));
  }

  /// Calls `handler(error_code)` when peek() has something to show.
  template <class Handler>
  void wait_readable(Handler&& handler) {
    socket_.async_wait(TcpSocket::wait_read, std::forward<Handler>(handler));
  }

  Peek peek() {
    char byte;
    const ssize_t size = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (size > 0) return Peek::data;
    if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
      return Peek::nothing;
    }
    return Peek::end;
  }

  /// Ends all waiting with operation_aborted.
  void cancel() {
    boost::system::error_code ignored;
    socket_.cancel(ignored);
  }

  void shut_down_send() {
    boost::system::error_code ignored;  // the peer may have closed already
    socket_.shutdown(TcpSocket::shutdown_send, ignored);
  }

  void close() {
    boost::system::error_code ignored;
    socket_.close(ignored);
  }

 private:
  TcpSocket socket_;
};

}  // namespace millrace
