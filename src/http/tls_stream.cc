#include "http/tls_stream.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

namespace millrace {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

// A TLS record's most, and so what one call of SSL_write takes.
constexpr std::size_t kRecordBytes = 16 * 1024;
// After so many records in one go it is other connections' turn.
constexpr int kRecordsAtOnce = 16;

// --- the socket as OpenSSL sees it ---------------------------------------------------------------

// OpenSSL's own would raise SIGPIPE when the client has gone.

int socket_of(BIO* bio) {
  return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio)));
}

bool try_again() {
  return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

int send_bytes(BIO* bio, const char* bytes, std::size_t size, std::size_t* sent) {
  BIO_clear_retry_flags(bio);
  const ssize_t some = ::send(socket_of(bio), bytes, size, MSG_NOSIGNAL);
  if (some < 0) {
    if (try_again()) BIO_set_retry_write(bio);
    return 0;
  }
  *sent = static_cast<std::size_t>(some);
  return 1;
}

int receive_bytes(BIO* bio, char* room, std::size_t size, std::size_t* received) {
  BIO_clear_retry_flags(bio);
  const ssize_t some = ::recv(socket_of(bio), room, size, 0);
  if (some > 0) {
    *received = static_cast<std::size_t>(some);
    return 1;
  }
  if (some == 0) {
    BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
  } else if (try_again()) {
    BIO_set_retry_read(bio);
  }
  return 0;
}

long control(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_EOF) return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

BIO_METHOD* make_socket_method() {
  BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "millrace socket");
  if (method == nullptr) return nullptr;
  BIO_meth_set_write_ex(method, send_bytes);
  BIO_meth_set_read_ex(method, receive_bytes);
  BIO_meth_set_ctrl(method, control);
  return method;
}

/// Of the process, for ever; null if there was no memory.
const BIO_METHOD* socket_method() {
  static const BIO_METHOD* const method = make_socket_method();
  return method;
}

/// Null if there is no memory.
SSL* make_ssl(const TlsContext& context, int socket) {
  if (socket_method() == nullptr) return nullptr;
  SSL* ssl = SSL_new(context.native());
  BIO* bio = BIO_new(socket_method());
  if (ssl == nullptr || bio == nullptr) {
    SSL_free(ssl);
    BIO_free(bio);
    return nullptr;
  }
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(socket)));
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl, bio, bio);
  SSL_set_accept_state(ssl);
  return ssl;
}

/// The first record's worth of `rest` in one piece: where it lies, or copied together.
asio::const_buffer first_record(const TlsStream::Buffers& rest) {
  const auto& [head, body] = rest;
  if (head.size() == 0 || body.size() == 0) {
    const asio::const_buffer& one = head.size() == 0 ? body : head;
    return asio::buffer(one, kRecordBytes);
  }
  // Head and body of the usual reply become one record and one packet. Used within this call and
  // the one it feeds, so a thread needs only one.
  static thread_local std::array<char, kRecordBytes> together;
  const std::size_t size = asio::buffer_copy(asio::buffer(together), rest);
  return asio::buffer(together.data(), size);
}

}  // namespace

void TlsStream::Free::operator()(ssl_st* ssl) const {
  SSL_free(ssl);
}

TlsStream::TlsStream(TcpSocket socket, const TlsContext& context) : socket_(std::move(socket)) {
  error_code ignored;  // an unusable socket shows itself at the handshake
  socket_.non_blocking(true, ignored);
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  ssl_.reset(make_ssl(context, socket_.native_handle()));
}

asio::awaitable<void> TlsStream::wait(TcpSocket::wait_type what, error_code& error) {
  return socket_.async_wait(what, asio::redirect_error(asio::use_awaitable, error));
}

asio::awaitable<std::size_t> TlsStream::read_plain(std::span<char> room, error_code& error) {
  return socket_.async_read_some(asio::buffer(room.data(), room.size()),
                                 asio::redirect_error(asio::use_awaitable, error));
}

TlsStream::Outcome TlsStream::outcome_of(int returned) {
  switch (SSL_get_error(ssl_.get(), returned)) {
    case SSL_ERROR_NONE:
      return Outcome::done;
    case SSL_ERROR_WANT_READ:
      return Outcome::want_read;
    case SSL_ERROR_WANT_WRITE:
      return Outcome::want_write;
    case SSL_ERROR_ZERO_RETURN:
      return Outcome::ended;
    default:
      failed_ = true;
      return Outcome::failed;
  }
}

asio::awaitable<TlsStream::Handshake> TlsStream::shake_hands(std::string& cause) {
  if (!ssl_) co_return Handshake::ended;
  while (true) {
    ERR_clear_error();  // SSL_get_error() looks at what the thread has noted down
    const Outcome outcome = outcome_of(SSL_do_handshake(ssl_.get()));
    if (outcome == Outcome::done) {
      established_ = true;
      co_return Handshake::done;
    }
    if (outcome == Outcome::failed || outcome == Outcome::ended) break;
    error_code error;
    co_await wait(outcome == Outcome::want_read ? TcpSocket::wait_read : TcpSocket::wait_write,
                  error);
    if (error) co_return Handshake::ended;
  }
  const unsigned long noted = ERR_peek_last_error();
  const int reason = ERR_GET_REASON(noted);
  const char* text = ERR_reason_error_string(noted);
  ERR_clear_error();
  ssl_.reset();
  if (noted == 0 || reason == SSL_R_UNEXPECTED_EOF_WHILE_READING) co_return Handshake::ended;
  if (reason == SSL_R_HTTP_REQUEST) co_return Handshake::plain_http;
  cause = text != nullptr ? text : "unknown";
  co_return Handshake::refused;
}

asio::awaitable<std::size_t> TlsStream::read_some(std::span<char> room, error_code& error) {
  if (!ssl_) {
    const std::size_t size = co_await read_plain(room, error);
    co_return size;
  }
  // What OpenSSL has read already is taken first. Else the socket is waited for, even if it has
  // something: it gives other connections their turn, and costs what a read in vain would.
  Outcome outcome = SSL_has_pending(ssl_.get()) != 0 ? Outcome::done : Outcome::want_read;
  if (outcome != Outcome::done) {
    reads_at_once_ = 0;
  } else if (++reads_at_once_ == kRecordsAtOnce) {
    // A client that sends without pause may always have left the beginning of another record.
    reads_at_once_ = 0;
    co_await asio::post(socket_.get_executor(), asio::use_awaitable);
  }
  while (true) {
    if (outcome != Outcome::done) {
      co_await wait(outcome == Outcome::want_read ? TcpSocket::wait_read : TcpSocket::wait_write,
                    error);
      if (error) co_return 0;
    }
    ERR_clear_error();
    std::size_t size = 0;
    outcome = outcome_of(SSL_read_ex(ssl_.get(), room.data(), room.size(), &size));
    if (outcome == Outcome::done) co_return size;
    if (outcome == Outcome::ended || outcome == Outcome::failed) {
      error = asio::error::eof;
      co_return 0;
    }
  }
}

TlsStream::Outcome TlsStream::write_record(const Buffers& rest, std::size_t& written) {
  const asio::const_buffer record = first_record(rest);
  ERR_clear_error();
  return outcome_of(SSL_write_ex(ssl_.get(), record.data(), record.size(), &written));
}

std::size_t TlsStream::try_write(const Buffers& buffers, error_code& error) {
  if (!ssl_) return socket_.write_some(buffers, error);
  error = {};
  Buffers rest = buffers;
  std::size_t all = 0;
  for (int record = 0; record < kRecordsAtOnce && asio::buffer_size(rest) != 0; ++record) {
    std::size_t written = 0;
    const Outcome outcome = write_record(rest, written);
    if (outcome == Outcome::want_read || outcome == Outcome::want_write) {
      if (all == 0) error = asio::error::would_block;
      return all;
    }
    if (outcome != Outcome::done) {
      error = asio::error::connection_reset;
      return all;
    }
    all += written;
    const std::size_t of_head = std::min(written, rest[0].size());
    rest = {rest[0] + of_head, rest[1] + (written - of_head)};
  }
  return all;
}

asio::awaitable<std::size_t> TlsStream::write_some(const Buffers& buffers, error_code& error) {
  while (true) {
    // Without renegotiation a write never waits for the client to say something.
    co_await wait(TcpSocket::wait_write, error);
    if (error) co_return 0;
    const std::size_t written = try_write(buffers, error);
    if (error != asio::error::would_block) co_return written;
  }
}

TlsStream::Peek TlsStream::peek() {
  ERR_clear_error();
  char byte;
  std::size_t size = 0;
  switch (outcome_of(SSL_peek_ex(ssl_.get(), &byte, 1, &size))) {
    case Outcome::done:
      return Peek::data;
    case Outcome::want_read:
    case Outcome::want_write:
      return Peek::nothing;
    default:
      return Peek::end;
  }
}

void TlsStream::cancel() {
  error_code ignored;
  socket_.cancel(ignored);
}

// One close_notify, if there is room for it; the client's is not waited for.
void TlsStream::say_goodbye() {
  if (!ssl_ || !established_ || failed_) return;
  ERR_clear_error();
  SSL_shutdown(ssl_.get());
  ERR_clear_error();
}

void TlsStream::shut_down_send() {
  say_goodbye();
  error_code ignored;  // the peer may have closed already
  socket_.shutdown(TcpSocket::shutdown_send, ignored);
}

void TlsStream::close() {
  say_goodbye();
  error_code ignored;
  socket_.close(ignored);
}

}  // namespace millrace
