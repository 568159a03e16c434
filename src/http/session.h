// Session: one connection, from accept to close: read a request, have it handled, write its reply.
//
// One coroutine per connection, one request at a time; requests that were sent ahead wait in the
// buffer. One read buffer, whose bytes the request's views point into, and one reply head, both
// used again for every request. A session keeps itself alive while its coroutine runs and lives on
// the thread of its socket's io_context.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/http_message.h"
#include "http/chunk_decoder.h"
#include "http/read_buffer.h"
#include "http/reply_head.h"
#include "http/request_parser.h"
#include "http/session_group.h"
#include "http/stream.h"
#include "http/tls_stream.h"

namespace millrace {

template <class Stream>
class Session final : public GroupedSession {
 public:
  /// @param remote_address the peer's address in text, without its port.
  Session(std::shared_ptr<SessionGroup> group, Stream stream, std::string remote_address);

  /// Joins the group and serves the connection until it closes. To be called once.
  void start();

  void watch(std::function<void()> on_hang_up) override;
  void check_time(Timestamp now) override;
  void close_if_idle() override;
  void abort() override;

 private:
  enum class State {
    handshake,  // of TLS
    idle,       // no byte of a request has come
    reading,    // a head or a body is on its way
    memory,     // waiting for the budget
    handling,   // the handler has it
    writing,    // the client takes its reply slowly
    lingering,
  };

  boost::asio::awaitable<void> run();

  // Of the following, true: go on; false: the connection is over.
  boost::asio::awaitable<bool> shake_hands();
  boost::asio::awaitable<bool> read_head();
  boost::asio::awaitable<bool> read_body();
  boost::asio::awaitable<bool> read_chunks();
  boost::asio::awaitable<bool> read_more();
  boost::asio::awaitable<bool> wait_for_memory(std::size_t bytes);
  boost::asio::awaitable<bool> write_reply();
  boost::asio::awaitable<bool> write_rest(std::size_t written);

  boost::asio::awaitable<void> handle();
  boost::asio::awaitable<void> refuse(unsigned status, std::string_view reason);
  boost::asio::awaitable<void> linger();

  bool has_body() const { return parser_.chunked() || parser_.content_length() != 0; }
  bool body_is_here();
  bool says_close() const;
  void prepare_request();
  void finish_request();
  void release_memory(std::size_t buffer_bytes);
  void enter(State state, Milliseconds length);
  void interrupt();
  void end_watch();
  void wait_for_hang_up();
  void on_readable(std::uint64_t watch, bool aborted);
  void report_hang_up();
  void report_undelivered();
  typename Stream::Buffers reply_from(std::size_t written) const;

  std::shared_ptr<SessionGroup> group_;
  Stream stream_;
  std::string remote_address_;
  ReadBuffer buffer_;
  RequestParser parser_;
  std::size_t body_size_ = 0;
  std::size_t request_size_ = 0;  // head and body in the buffer
  MemoryUnits units_;
  HttpRequest request_;
  HttpResponse response_;
  std::string reply_head_;

  State state_ = State::idle;
  Timestamp since_;     // when this state was entered
  Timestamp deadline_;  // when it must have ended
  bool timed_out_ = false;
  bool relax_ = false;    // the read was cancelled to free memory
  bool aborted_ = false;  // the group gave up on this connection
  boost::asio::steady_timer* memory_wake_ = nullptr;

  // Counts the requests watched: what a wait of an earlier one reports is told apart by it.
  std::uint64_t watch_ = 0;
  bool watching_ = false;
  bool gone_ = false;
  std::function<void()> on_hang_up_;
};

extern template class Session<PlainStream>;
extern template class Session<TlsStream>;

}  // namespace millrace
