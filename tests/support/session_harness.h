// What the tests of sessions share: a client, with or without TLS, and a listener, over real
// loopback sockets. Client and server share one thread, and time moves only by the clock of the
// test, so nothing sleeps and nothing races.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include "http/listener.h"
#include "support/certificates.h"

namespace millrace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

using Task = asio::awaitable<void>;

struct Reply {
  unsigned status = 0;  // 0: the connection ended before a whole reply
  std::string head;
  std::string body;
};

/// A client that does by hand what it is told, on the server's own thread.
class Client {
 public:
  /// @param tls of connections with TLS, which begin with shake_hands(); null: plain.
  Client(asio::io_context& context, std::uint16_t port, asio::ssl::context* tls = nullptr,
         int receive_buffer = 0)
      : socket_(std::make_unique<tcp::socket>(context, tcp::v4())) {
    if (receive_buffer != 0) {
      socket_->set_option(asio::socket_base::receive_buffer_size(receive_buffer));
    }
    socket_->connect(tcp::endpoint(asio::ip::address_v4::loopback(), port));
    socket_->set_option(tcp::no_delay(true));  // or the kernel would hold bytes back for a while
    if (tls != nullptr) tls_ = std::make_unique<TlsOverSocket>(*socket_, *tls);
  }

  /// @return what went wrong, if something did.
  asio::awaitable<error_code> shake_hands() {
    error_code error;
    co_await tls_->async_handshake(asio::ssl::stream_base::client,
                                   asio::redirect_error(asio::use_awaitable, error));
    co_return error;
  }

  Task send(std::string bytes) {
    error_code ignored;  // what the server makes of it is looked at, not how far it got
    auto token = asio::redirect_error(asio::use_awaitable, ignored);
    if (tls_) {
      co_await asio::async_write(*tls_, asio::buffer(bytes), token);
    } else {
      co_await asio::async_write(*socket_, asio::buffer(bytes), token);
    }
  }

  /// One reply; of one to HEAD there is no body.
  asio::awaitable<Reply> reply(bool to_head = false) {
    Reply reply;
    std::size_t end = 0;
    while ((end = received_.find("\r\n\r\n")) == std::string::npos) {
      if (!co_await more()) co_return reply;
    }
    reply.head = received_.substr(0, end + 4);
    received_.erase(0, end + 4);
    std::size_t length = 0;
    const std::size_t field = reply.head.find("Content-Length: ");
    if (field != std::string::npos && !to_head) length = std::stoul(reply.head.substr(field + 16));
    while (received_.size() < length) {
      if (!co_await more()) co_return reply;
    }
    reply.body = received_.substr(0, length);
    received_.erase(0, length);
    reply.status = static_cast<unsigned>(std::stoul(reply.head.substr(9, 3)));
    co_return reply;
  }

  asio::awaitable<Reply> ask(std::string bytes) {
    co_await send(std::move(bytes));
    co_return co_await reply();
  }

  /// Whether the server closes now in good order, having sent nothing more. Over TLS that is said
  /// by TLS: an end of the bytes alone could be somebody else's doing.
  asio::awaitable<bool> is_closed() {
    const bool had_more = co_await more();
    co_return !had_more && received_.empty() && end_ == asio::error::eof;
  }

  std::size_t unread() { return socket_->available(); }
  void half_close() { socket_->shutdown(tcp::socket::shutdown_send); }
  /// Says the end within TLS, and keeps the connection.
  void end_tls() {
    socket_->non_blocking(true);
    error_code ignored;  // the server's answer is not waited for
    tls_->shutdown(ignored);
  }
  void close() { socket_->close(); }
  SSL* native() { return tls_->native_handle(); }
  /// Closes with a reset instead of an orderly end.
  void reset() {
    socket_->set_option(asio::socket_base::linger(true, 0));
    socket_->close();
  }

 private:
  asio::awaitable<bool> more() {
    std::array<char, 65536> bytes;
    auto token = asio::redirect_error(asio::use_awaitable, end_);
    std::size_t size = 0;
    if (tls_) {
      size = co_await tls_->async_read_some(asio::buffer(bytes), token);
    } else {
      size = co_await socket_->async_read_some(asio::buffer(bytes), token);
    }
    received_.append(bytes.data(), size);
    co_return !end_;
  }

  using TlsOverSocket = asio::ssl::stream<tcp::socket&>;

  std::unique_ptr<tcp::socket> socket_;
  std::unique_ptr<TlsOverSocket> tls_;  // null: plain
  error_code end_;                      // of reading
  std::string received_;
};

/// A listener whose handler does what the target says, and clients of it.
class SessionHarness {
 protected:
  static constexpr std::string_view kGet = "GET /x HTTP/1.1\r\nHost: h\r\n\r\n";

  explicit SessionHarness(bool tls) : secure_(tls) {
    options_.limits.request.body_bytes = kBodyMax;
    if (!secure_) return;
    authority_ = std::make_unique<TestAuthority>();
    put_in_force({});
    options_.tls = &tls_;
    client_tls_.add_certificate_authority(asio::buffer(authority_->certificate()));
    client_tls_.set_verify_mode(asio::ssl::verify_peer);
  }

  /// Has new connections served with another certificate. @param client_ca of TlsMaterial.
  void put_in_force(std::optional<std::string_view> client_ca,
                    TlsVersion minimum = TlsVersion::tls_1_2) {
    const CertifiedKey own = authority_->issue("server");
    auto made = TlsContext::make({own.certificate, own.key, client_ca, minimum});
    ASSERT_TRUE(made.has_value()) << made.error().cause;
    tls_ = *made;
  }

  void listen() {
    budget_ = std::make_shared<MemoryBudget>(budget_bytes_);
    auto opened =
        Listener::open(context_, options_, clock_, budget_,
                       [this](const HttpRequest& request, HttpResponse& response) -> Task {
                         return handle(request, response);
                       });
    ASSERT_TRUE(opened.has_value());
    listener_ = *opened;
    listener_->start();
  }

  /// Runs `test` as a client of a listener until it ends.
  void run(std::function<Task()> test) {
    if (listener_ == nullptr) listen();
    bool ended = false;
    asio::co_spawn(context_, test(), [&](std::exception_ptr exception) {
      ended = true;
      EXPECT_FALSE(exception);
      context_.stop();
    });
    context_.run_for(std::chrono::seconds(20));
    EXPECT_TRUE(ended) << "the test waits for something that does not come";
    context_.restart();
  }

  /// A client as it is after connecting.
  Client connect(int receive_buffer = 0) {
    return Client(context_, listener_->port(), secure_ ? &client_tls_ : nullptr, receive_buffer);
  }
  /// One that is ready to ask.
  asio::awaitable<Client> client(int receive_buffer = 0) {
    Client made = connect(receive_buffer);
    co_await begin(made);
    co_return made;
  }
  Task begin(Client& connected) const {
    if (!secure_) co_return;
    const error_code error = co_await connected.shake_hands();
    EXPECT_FALSE(error) << error.message();
  }

  /// Lets the server do all that it can do now: loopback delivers at once, and every turn of the
  /// context looks at the sockets once.
  Task settle() {
    for (int turn = 0; turn < 100; ++turn) {
      co_await asio::post(context_, asio::use_awaitable);
    }
  }

  Task pass(Milliseconds time) {
    co_await settle();
    clock_.advance(time);
    listener_->tick();
    co_await settle();
  }

  // /wait waits until it is woken by wake_ or by the client's hang-up; all else answers at once.
  Task handle(const HttpRequest& request, HttpResponse& response) {
    ++handled_;
    came_securely_ = request.secure;
    memory_kept_ = response.body.capacity();
    response.fields.emplace_back("x-amzn-RequestId", "id-" + std::to_string(handled_));
    response.content_type = "text/plain";
    response.on_undelivered = [this] { ++undelivered_; };
    if (request.target.starts_with("/wait")) {
      asio::steady_timer wake(context_, asio::steady_timer::time_point::max());
      wake_ = &wake;
      if (request.target == "/wait") {
        request.hang_up->watch([this, &wake] {
          ++hang_ups_;
          wake.cancel();
        });
      }
      error_code ignored;
      co_await wake.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
      wake_ = nullptr;
    }
    if (request.target == "/throw") throw std::runtime_error("meant");
    if (request.target == "/big") response.body.assign(kBigReply, 'b');
    if (request.target == "/close") response.close = true;
    if (request.target == "/none") response.status = 204;
    if (response.body.empty()) {
      response.body = std::string(request.method) + " " + std::string(request.target) + " " +
                      std::string(request.body);
    }
  }

  static constexpr std::size_t kBodyMax = 1024 * 1024;
  static constexpr std::size_t kBigReply = 32 * 1024 * 1024;

  const bool secure_;
  std::unique_ptr<TestAuthority> authority_;
  CurrentTls tls_;
  asio::ssl::context client_tls_{asio::ssl::context::tls_client};
  asio::io_context context_{1};
  ManualClock clock_{Timestamp{1'700'000'000'000}};
  ListenerOptions options_;
  std::size_t budget_bytes_ = 4 * kBodyMax;
  std::shared_ptr<MemoryBudget> budget_;
  std::shared_ptr<Listener> listener_;
  asio::steady_timer* wake_ = nullptr;
  int handled_ = 0;
  bool came_securely_ = false;
  std::size_t memory_kept_ = 0;  // for the reply, from earlier ones
  int hang_ups_ = 0;
  int undelivered_ = 0;
};

inline std::string post(std::string_view target, std::string_view body,
                        std::string_view fields = "") {
  return "POST " + std::string(target) +
         " HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         std::string(fields) + "\r\n" + std::string(body);
}

}  // namespace millrace
