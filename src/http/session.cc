#include "http/session.h"

#include <exception>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

#include "observe/log.h"

namespace millrace {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

// An idle connection's whole buffer: the usual request fits, and ten thousand of them do not hurt.
constexpr std::size_t kSmallBuffer = 4 * 1024;
// Kept between the requests of a busy connection: a batch of ten 1 KB messages comes in one read.
constexpr std::size_t kKeptBuffer = 32 * 1024;
constexpr std::size_t kLingerBuffer = 16 * 1024;
// After this long without a request a connection counts as idle and goes back to kSmallBuffer.
constexpr Milliseconds kRelaxAfter = seconds(2);

constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

// An empty string that is assigned would leave the memory where it is.
void free_memory(std::string& text) {
  std::string().swap(text);
}

}  // namespace

template <class Stream>
Session<Stream>::Session(std::shared_ptr<SessionGroup> group, Stream stream,
                         std::string remote_address)
    : group_(std::move(group)),
      stream_(std::move(stream)),
      remote_address_(std::move(remote_address)),
      parser_(group_->limits().request) {}

template <class Stream>
void Session<Stream>::start() {
  group_->join(*this);
  enter(State::idle, group_->limits().times.idle);
  auto self = std::static_pointer_cast<Session>(shared_from_this());
  asio::co_spawn(
      stream_.get_executor(), [self] { return self->run(); },
      [self](const std::exception_ptr& exception) {
        // Only memory running out leads here; the connection is lost, the server is not.
        if (exception) log_error("connection failed", {{"client", self->remote_address_}});
        self->stream_.close();
        self->units_.shrink(0);
        self->group_->leave(*self);
      });
}

template <class Stream>
asio::awaitable<void> Session<Stream>::run() {
  // Each await is a statement of its own: g++ 12 miscompiles those within conditions.
  bool open = true;
  if constexpr (Stream::kSecure) open = co_await shake_hands();
  while (open) {
    open = co_await read_head();
    if (open && has_body() && !body_is_here()) open = co_await read_body();
    if (!open) break;
    co_await handle();
    open = co_await write_reply();
    if (open) finish_request();
  }
}

template <class Stream>
asio::awaitable<bool> Session<Stream>::shake_hands() {
  if constexpr (Stream::kSecure) {
    if (group_->draining()) co_return false;
    enter(State::handshake, group_->limits().times.handshake);
    std::string cause;
    const typename Stream::Handshake outcome = co_await stream_.shake_hands(cause);
    if (outcome == Stream::Handshake::done) co_return !aborted_;
    if (outcome == Stream::Handshake::plain_http) {
      co_await refuse(400, "This port speaks HTTPS; write https:// instead of http://.");
    } else if (outcome == Stream::Handshake::refused) {
      // Not at `info`: whoever reaches the server could fill the disk with it.
      log_debug("handshake refused", {{"client", remote_address_}, {"cause", cause}});
      co_await linger();
    }
  }
  co_return false;
}

template <class Stream>
asio::awaitable<bool> Session<Stream>::read_head() {
  parser_.reset();
  body_size_ = 0;
  enter(State::idle, group_->limits().times.idle);
  while (true) {
    switch (parser_.parse(buffer_.view())) {
      case RequestParser::Progress::complete:
        request_size_ = parser_.head_size();
        co_return true;
      case RequestParser::Progress::failed:
        co_await refuse(parser_.status(), parser_.reason());
        co_return false;
      case RequestParser::Progress::need_more:
        break;
    }
    if (state_ == State::idle) {
      if (!buffer_.empty()) {
        enter(State::reading, group_->limits().times.head);
      } else if (group_->draining()) {
        co_return false;
      }
    }
    buffer_.make_room(1, std::max(kSmallBuffer, 2 * buffer_.capacity()));
    error_code error;
    const std::size_t size = co_await stream_.read_some(buffer_.room(), error);
    buffer_.commit(size);
    if (error == asio::error::operation_aborted && std::exchange(relax_, false)) {
      release_memory(kSmallBuffer);
      continue;
    }
    if (timed_out_ && state_ == State::reading) {
      co_await refuse(408, "The request head did not come in time.");
      co_return false;
    }
    if (error || aborted_) co_return false;
  }
}

template <class Stream>
bool Session<Stream>::body_is_here() {
  const std::size_t whole = parser_.head_size() + parser_.content_length();
  if (parser_.chunked() || buffer_.size() < whole) return false;
  if (!group_->budget().try_take(parser_.content_length(), units_)) return false;
  body_size_ = parser_.content_length();
  request_size_ = whole;
  return true;
}

template <class Stream>
asio::awaitable<bool> Session<Stream>::read_body() {
  const SessionLimits& limits = group_->limits();
  // How long a chunked body will be is not known before its end, and taking more memory while
  // holding some is how sessions would wait for each other for ever.
  const std::size_t memory =
      parser_.chunked() ? limits.request.body_bytes : parser_.content_length();
  bool granted = group_->budget().try_take(memory, units_);
  if (!granted) granted = co_await wait_for_memory(memory);
  if (!granted) {
    co_await refuse(503, "The server has no memory for this request now.");
    co_return false;
  }
  enter(State::reading, limits.times.body);
  const std::size_t whole = parser_.head_size() + parser_.content_length();
  if (parser_.expects_continue() && (parser_.chunked() || buffer_.size() < whole)) {
    // These few bytes always fit: the client has taken every earlier reply before it asked.
    error_code error;
    stream_.try_write({asio::buffer(kContinue), asio::const_buffer()}, error);
    if (error) co_return false;
  }
  if (parser_.chunked()) {
    const bool read = co_await read_chunks();
    co_return read;
  }
  if (buffer_.size() < whole) buffer_.make_room(whole - buffer_.size(), whole);
  while (buffer_.size() < whole) {
    const bool more = co_await read_more();
    if (!more) co_return false;
  }
  body_size_ = parser_.content_length();
  request_size_ = whole;
  co_return true;
}

template <class Stream>
asio::awaitable<bool> Session<Stream>::read_chunks() {
  ChunkDecoder decoder(group_->limits().request);
  while (true) {
    const ChunkDecoder::Progress progress =
        decoder.decode(buffer_.bytes().subspan(parser_.head_size()));
    if (progress == ChunkDecoder::Progress::failed) {
      co_await refuse(decoder.status(), decoder.reason());
      co_return false;
    }
    buffer_.truncate(parser_.head_size() + decoder.kept_size());
    if (progress == ChunkDecoder::Progress::complete) break;
    buffer_.make_room(kSmallBuffer, 2 * buffer_.capacity());
    const bool more = co_await read_more();
    if (!more) co_return false;
  }
  body_size_ = decoder.body_size();
  request_size_ = parser_.head_size() + body_size_;
  units_.shrink(body_size_);
  co_return true;
}

template <class Stream>
asio::awaitable<bool> Session<Stream>::read_more() {
  error_code error;
  const std::size_t size = co_await stream_.read_some(buffer_.room(), error);
  buffer_.commit(size);
  if (timed_out_) {
    co_await refuse(408, "The request body did not come in time.");
    co_return false;
  }
  co_return !error && !aborted_;
}

template <class Stream>
asio::awaitable<bool> Session<Stream>::wait_for_memory(std::size_t bytes) {
  // A timer that never fires is Asio's way to wait for an event: cancelling it is the event.
  asio::steady_timer wake(stream_.get_executor(), asio::steady_timer::time_point::max());
  MemoryBudget::Waiter waiter([&wake] { wake.cancel(); });
  group_->budget().wait(bytes, waiter);
  enter(State::memory, group_->limits().times.memory);
  memory_wake_ = &wake;
  error_code ignored;
  co_await wake.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  memory_wake_ = nullptr;
  if (!waiter.granted()) {
    group_->budget().withdraw(waiter);
    co_return false;
  }
  units_ = waiter.take();
  co_return !aborted_;
}

template <class Stream>
asio::awaitable<void> Session<Stream>::handle() {
  prepare_request();
  state_ = State::handling;
  deadline_ = kNever;
  bool failed = false;
  try {
    co_await group_->handler()(request_, response_);
  } catch (const std::exception& exception) {
    log_error("handler failed", {{"client", remote_address_}, {"what", exception.what()}});
    failed = true;
  }
  end_watch();
  if (!failed) co_return;
  report_undelivered();
  response_ = HttpResponse{};
  response_.status = 500;
  response_.close = true;
}

template <class Stream>
void Session<Stream>::prepare_request() {
  const std::string_view bytes = buffer_.view();
  parser_.fill(bytes, request_);
  request_.body = bytes.substr(parser_.head_size(), body_size_);
  request_.remote_address = remote_address_;
  request_.secure = Stream::kSecure;
  request_.hang_up = this;

  response_.status = 200;
  response_.content_type = {};
  response_.fields.clear();
  response_.body.clear();
  response_.borrowed_body = {};
  response_.close = false;
  response_.on_undelivered = nullptr;
  response_.attachment.reset();
}

template <class Stream>
asio::awaitable<bool> Session<Stream>::write_reply() {
  if (gone_ || aborted_) {
    report_undelivered();
    co_return false;
  }
  const bool close = says_close();
  const bool keep_alive = !close && parser_.is_http_1_0();
  reply_head_.clear();
  append_reply_head(reply_head_, response_, group_->date(),
                    close        ? ConnectionOption::close
                    : keep_alive ? ConnectionOption::keep_alive
                                 : ConnectionOption::none);
  // The length of what a GET would get has been said; the body itself is not for HEAD.
  if (request_.method == "HEAD" || response_.status == 204 || response_.status == 304) {
    response_.body.clear();
    response_.borrowed_body = {};
  }
  error_code error;
  const std::size_t written = stream_.try_write(reply_from(0), error);
  if (error == asio::error::would_block) error = {};
  bool whole = !error && written == reply_head_.size() + response_.content().size();
  if (!error && !whole) whole = co_await write_rest(written);
  if (!whole) {
    report_undelivered();
    co_return false;
  }
  response_.attachment.reset();
  if (!close) co_return true;
  // What the client has sent besides would turn the close into a reset, which can destroy the reply
  // on its way; so it is read first.
  if (buffer_.size() > request_size_) co_await linger();
  co_return false;
}

template <class Stream>
asio::awaitable<bool> Session<Stream>::write_rest(std::size_t written) {
  const std::size_t whole = reply_head_.size() + response_.content().size();
  // A slow client may leave a large reply here for long, and the string has grown by doubling.
  response_.body.shrink_to_fit();
  while (written < whole) {
    enter(State::writing, group_->limits().times.write);
    error_code error;
    const std::size_t more = co_await stream_.write_some(reply_from(written), error);
    written += more;
    if (error || timed_out_ || aborted_) co_return false;
  }
  co_return true;
}

template <class Stream>
typename Stream::Buffers Session<Stream>::reply_from(std::size_t written) const {
  const std::size_t of_head = std::min(written, reply_head_.size());
  return {asio::buffer(reply_head_) + of_head,
          asio::buffer(response_.content()) + (written - of_head)};
}

template <class Stream>
asio::awaitable<void> Session<Stream>::refuse(unsigned status, std::string_view reason) {
  group_->tell_refused(remote_address_, status);
  response_ = HttpResponse{};
  response_.status = status;
  response_.content_type = "text/plain";
  response_.body = std::string(reason) + "\n";
  reply_head_.clear();
  append_reply_head(reply_head_, response_, group_->date(), ConnectionOption::close);
  // Not waited for: a client that has broken the rules and does not read gets no more time.
  error_code error;
  stream_.try_write(reply_from(0), error);
  if (!error && !aborted_) co_await linger();
}

template <class Stream>
asio::awaitable<void> Session<Stream>::linger() {
  stream_.shut_down_send();
  buffer_.truncate(0);
  units_.shrink(0);
  buffer_.make_room(kLingerBuffer, kLingerBuffer);
  enter(State::lingering, group_->limits().times.linger);
  error_code error;
  while (!error && !timed_out_ && !aborted_) {
    co_await stream_.read_some(buffer_.room(), error);
  }
}

template <class Stream>
bool Session<Stream>::says_close() const {
  return !parser_.keep_alive() || response_.close || group_->draining();
}

template <class Stream>
void Session<Stream>::finish_request() {
  buffer_.consume(request_size_);
  // A request sent ahead can be larger than what is kept; then the buffer stays for it.
  if (buffer_.capacity() > kKeptBuffer) buffer_.shrink(kKeptBuffer);
  if (response_.body.capacity() > kKeptBuffer) free_memory(response_.body);
  response_.on_undelivered = nullptr;
  units_.shrink(0);
}

template <class Stream>
void Session<Stream>::release_memory(std::size_t buffer_bytes) {
  buffer_.shrink(buffer_bytes);
  free_memory(response_.body);
}

template <class Stream>
void Session<Stream>::enter(State state, Milliseconds length) {
  state_ = state;
  since_ = group_->now();
  deadline_ = since_ + length;
  timed_out_ = false;
  relax_ = false;
}

template <class Stream>
void Session<Stream>::check_time(Timestamp now) {
  if (now >= deadline_) {
    timed_out_ = true;
    interrupt();
  } else if (state_ == State::idle && now - since_ >= kRelaxAfter &&
             buffer_.capacity() > kSmallBuffer) {
    relax_ = true;
    stream_.cancel();
  }
}

template <class Stream>
void Session<Stream>::close_if_idle() {
  if (state_ == State::idle || state_ == State::handshake) stream_.cancel();
}

template <class Stream>
void Session<Stream>::abort() {
  aborted_ = true;
  interrupt();
  if (state_ == State::handling) report_hang_up();
}

template <class Stream>
void Session<Stream>::interrupt() {
  stream_.cancel();
  if (memory_wake_ != nullptr) memory_wake_->cancel();
}

template <class Stream>
void Session<Stream>::watch(std::function<void()> on_hang_up) {
  on_hang_up_ = std::move(on_hang_up);
  // Who waits holds no memory for an earlier reply: there may be ten thousand like it.
  if (response_.body.empty()) response_.body.shrink_to_fit();
  if (watching_) return;
  watching_ = true;
  if (!gone_ && !aborted_) return wait_for_hang_up();
  // Not called from within watch(): the caller may not be ready to be called yet.
  auto self = std::static_pointer_cast<Session>(shared_from_this());
  asio::post(stream_.get_executor(), [self, watch = watch_] {
    if (watch == self->watch_) self->report_hang_up();
  });
}

template <class Stream>
void Session<Stream>::wait_for_hang_up() {
  auto self = std::static_pointer_cast<Session>(shared_from_this());
  stream_.wait_readable([self, watch = watch_](error_code error) {
    self->on_readable(watch, error == asio::error::operation_aborted);
  });
}

template <class Stream>
void Session<Stream>::on_readable(std::uint64_t watch, bool aborted) {
  if (watch != watch_ || aborted) return;
  switch (stream_.peek()) {
    case Stream::Peek::nothing:
      return wait_for_hang_up();
    case Stream::Peek::data:
      // The next request, sent ahead. An end behind it is noticed when it is read.
      return;
    case Stream::Peek::end:
      return report_hang_up();
  }
}

template <class Stream>
void Session<Stream>::report_hang_up() {
  gone_ = true;
  // Moved out first: what is called may end the request and with it this watch.
  if (const auto on_hang_up = std::exchange(on_hang_up_, nullptr)) on_hang_up();
}

template <class Stream>
void Session<Stream>::end_watch() {
  if (!watching_) return;
  watching_ = false;
  ++watch_;
  on_hang_up_ = nullptr;
  stream_.cancel();
}

template <class Stream>
void Session<Stream>::report_undelivered() {
  if (const auto on_undelivered = std::exchange(response_.on_undelivered, nullptr)) {
    on_undelivered();
  }
}

template class Session<PlainStream>;
template class Session<TlsStream>;

}  // namespace millrace
