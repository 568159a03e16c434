// Sessions and their listener over real loopback sockets. Client and server share one thread, and
// time moves only by the clock of the test, so nothing sleeps and nothing races.
#include "http/session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include "http/listener.h"

namespace millrace {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

using Task = asio::awaitable<void>;

struct Reply {
  unsigned status = 0;  // 0: the connection ended before a whole reply
  std::string head;
  std::string body;
};

/// A client that does by hand what it is told, on the server's own thread.
class Client {
 public:
  Client(asio::io_context& context, std::uint16_t port, int receive_buffer = 0)
      : socket_(context, tcp::v4()) {
    if (receive_buffer != 0) {
      socket_.set_option(asio::socket_base::receive_buffer_size(receive_buffer));
    }
    socket_.connect(tcp::endpoint(asio::ip::address_v4::loopback(), port));
  }

  Task send(std::string bytes) {
    error_code ignored;  // what the server makes of it is looked at, not how far it got
    co_await asio::async_write(socket_, asio::buffer(bytes),
                               asio::redirect_error(asio::use_awaitable, ignored));
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

  /// Whether the server closes now, having sent nothing more.
  asio::awaitable<bool> is_closed() {
    const bool had_more = co_await more();
    co_return !had_more && received_.empty();
  }

  std::size_t unread() { return socket_.available(); }
  void half_close() { socket_.shutdown(tcp::socket::shutdown_send); }
  void close() { socket_.close(); }
  /// Closes with a reset instead of an orderly end.
  void reset() {
    socket_.set_option(asio::socket_base::linger(true, 0));
    socket_.close();
  }

 private:
  asio::awaitable<bool> more() {
    std::array<char, 65536> bytes;
    error_code error;
    const std::size_t size = co_await socket_.async_read_some(
        asio::buffer(bytes), asio::redirect_error(asio::use_awaitable, error));
    received_.append(bytes.data(), size);
    co_return !error;
  }

  tcp::socket socket_;
  std::string received_;
};

class SessionTest : public ::testing::Test {
 protected:
  static constexpr std::string_view kGet = "GET /x HTTP/1.1\r\nHost: h\r\n\r\n";

  SessionTest() { options_.limits.request.body_bytes = kBodyMax; }

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

  Client client() { return Client(context_, listener_->port()); }

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

  asio::io_context context_{1};
  ManualClock clock_{Timestamp{1'700'000'000'000}};
  ListenerOptions options_;
  std::size_t budget_bytes_ = 4 * kBodyMax;
  std::shared_ptr<MemoryBudget> budget_;
  std::shared_ptr<Listener> listener_;
  asio::steady_timer* wake_ = nullptr;
  int handled_ = 0;
  std::size_t memory_kept_ = 0;  // for the reply, from earlier ones
  int hang_ups_ = 0;
  int undelivered_ = 0;
};

std::string post(std::string_view target, std::string_view body, std::string_view fields = "") {
  return "POST " + std::string(target) +
         " HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         std::string(fields) + "\r\n" + std::string(body);
}

TEST_F(SessionTest, KeepsAConnectionForMoreRequests) {
  run([&]() -> Task {
    Client one = client();
    const Reply first = co_await one.ask(post("/a", "hello"));
    EXPECT_EQ(first.status, 200u);
    EXPECT_EQ(first.body, "POST /a hello");
    EXPECT_THAT(first.head, HasSubstr("x-amzn-RequestId: id-1\r\n"));
    EXPECT_THAT(first.head, HasSubstr("Date: Tue, 14 Nov 2023 22:13:20 GMT\r\n"));
    EXPECT_THAT(first.head, Not(HasSubstr("Connection")));
    EXPECT_EQ((co_await one.ask(post("/b", ""))).body, "POST /b ");
    EXPECT_EQ((co_await one.ask(post("/c", std::string(100'000, 'c')))).body.size(), 100'008u);
    EXPECT_EQ((co_await one.ask(std::string(kGet))).body, "GET /x ");
    EXPECT_EQ(undelivered_, 0);
    EXPECT_EQ(listener_->connections(), 1u);
    EXPECT_EQ(budget_->free(), budget_->size());
  });
}

TEST_F(SessionTest, AnswersRequestsSentAheadInOrder) {
  run([&]() -> Task {
    Client one = client();
    std::string many;
    for (int i = 0; i < 50; ++i) many += post("/" + std::to_string(i), std::string(300, 'p'));
    co_await one.send(many);
    for (int i = 0; i < 50; ++i) {
      EXPECT_THAT((co_await one.reply()).body, StartsWith("POST /" + std::to_string(i) + " p"));
    }
  });
}

TEST_F(SessionTest, TakesARequestByteByByte) {
  run([&]() -> Task {
    Client one = client();
    for (const char c : post("/slow", "body")) {
      co_await one.send(std::string(1, c));
      co_await settle();
    }
    EXPECT_EQ((co_await one.reply()).body, "POST /slow body");
  });
}

TEST_F(SessionTest, UndoesChunkedBodies) {
  run([&]() -> Task {
    Client one = client();
    const std::string head = "POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
    co_await one.send(head + "5;x=y\r\nhello\r\n6\r\n world\r\n0\r\nTrailer: 1\r\n\r\n" +
                      std::string(kGet));
    EXPECT_EQ((co_await one.reply()).body, "POST /c hello world");
    EXPECT_EQ((co_await one.reply()).body, "GET /x ");

    std::string large;
    for (int i = 0; i < 1000; ++i) large += "64\r\n" + std::string(100, 'z') + "\r\n";
    const Reply reply = co_await one.ask(head + large + "0\r\n\r\n");
    EXPECT_EQ(reply.body, "POST /c " + std::string(100'000, 'z'));
    EXPECT_EQ((co_await one.ask(head + "zz\r\n")).status, 400u);
    EXPECT_TRUE(co_await one.is_closed());
    EXPECT_EQ(budget_->free(), budget_->size());
  });
}

TEST_F(SessionTest, InvitesTheBodyThatAClientHoldsBack) {
  run([&]() -> Task {
    Client one = client();
    const std::string head =
        "POST /e HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n";
    EXPECT_EQ((co_await one.ask(head)).head, "HTTP/1.1 100 Continue\r\n\r\n");
    EXPECT_EQ(handled_, 0);
    EXPECT_EQ((co_await one.ask("body")).body, "POST /e body");
    // With the body already here there is nothing to invite.
    EXPECT_EQ((co_await one.ask(head + "more")).body, "POST /e more");
  });
}

TEST_F(SessionTest, ClosesWhenEitherSideWantsIt) {
  run([&]() -> Task {
    for (const std::string& request :
         {post("/a", "x", "Connection: close\r\n"), post("/close", "x")}) {
      Client one = client();
      const Reply reply = co_await one.ask(request);
      EXPECT_EQ(reply.status, 200u);
      EXPECT_THAT(reply.head, HasSubstr("Connection: close\r\n"));
      EXPECT_TRUE(co_await one.is_closed());
    }
    co_await settle();
    EXPECT_EQ(listener_->connections(), 0u);
  });
}

TEST_F(SessionTest, SpeaksHttp10) {
  run([&]() -> Task {
    Client one = client();
    const Reply kept = co_await one.ask("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_THAT(kept.head, HasSubstr("Connection: keep-alive\r\n"));
    EXPECT_THAT((co_await one.ask("GET /b HTTP/1.0\r\n\r\n")).head,
                HasSubstr("Connection: close\r\n"));
    EXPECT_TRUE(co_await one.is_closed());
  });
}

TEST_F(SessionTest, LeavesTheBodyOutWhereThereIsNone) {
  run([&]() -> Task {
    Client one = client();
    co_await one.send("HEAD /h HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_THAT((co_await one.reply(true)).head, HasSubstr("Content-Length: 8\r\n"));
    EXPECT_EQ((co_await one.ask("GET /none HTTP/1.1\r\nHost: h\r\n\r\n")).status, 204u);
    EXPECT_EQ((co_await one.ask(std::string(kGet))).body, "GET /x ");
  });
}

TEST_F(SessionTest, RefusesAndClosesCleanly) {
  run([&]() -> Task {
    const std::vector<std::pair<std::string, unsigned>> bad = {
        {"nonsense\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n", 431},
        {post("/", std::string(kBodyMax + 1, 'x')), 413},
        {post("/", "x", "Expect: wonders\r\n"), 417},
        {post("/", "x", "Content-Encoding: gzip\r\n"), 415},
        {"GET / HTTP/3.0\r\n\r\n", 505},
    };
    for (const auto& [request, status] : bad) {
      Client one = client();
      const Reply reply = co_await one.ask(request);
      EXPECT_EQ(reply.status, status) << request.substr(0, 40);
      EXPECT_THAT(reply.head, HasSubstr("Connection: close\r\n"));
      EXPECT_TRUE(co_await one.is_closed());
    }
    EXPECT_EQ(handled_, 0);
    EXPECT_EQ(budget_->free(), budget_->size());
  });
}

TEST_F(SessionTest, AnswersForAHandlerThatThrows) {
  run([&]() -> Task {
    Client one = client();
    EXPECT_EQ((co_await one.ask("GET /throw HTTP/1.1\r\nHost: h\r\n\r\n")).status, 500u);
    EXPECT_EQ(undelivered_, 1);
    EXPECT_TRUE(co_await one.is_closed());
  });
}

TEST_F(SessionTest, ClosesIdleConnectionsAfterTheirTime) {
  run([&]() -> Task {
    Client fresh = client();
    Client used = client();
    co_await used.ask(post("/", std::string(10'000, 'x')));
    co_await pass(seconds(74));
    EXPECT_EQ(listener_->connections(), 2u);
    // Memory was taken from it meanwhile; it must not notice.
    EXPECT_EQ((co_await used.ask(std::string(kGet))).status, 200u);
    co_await pass(seconds(1));
    EXPECT_TRUE(co_await fresh.is_closed());
    EXPECT_EQ(listener_->connections(), 1u);
    co_await pass(seconds(74));
    EXPECT_TRUE(co_await used.is_closed());
  });
}

TEST_F(SessionTest, GivesASlowHeadAndASlowBodyTheirTime) {
  run([&]() -> Task {
    Client head = client();
    co_await head.send("GET / HTTP/1.1\r\n");
    co_await pass(seconds(9));
    co_await head.send("Host: h\r\n");
    co_await pass(seconds(1));
    EXPECT_EQ((co_await head.reply()).status, 408u);
    EXPECT_TRUE(co_await head.is_closed());

    Client body = client();
    co_await body.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n");
    co_await pass(seconds(59));
    co_await body.send("some");
    EXPECT_EQ(budget_->free(), budget_->size() - 100);
    co_await pass(seconds(1));
    EXPECT_EQ((co_await body.reply()).status, 408u);
    EXPECT_TRUE(co_await body.is_closed());
    EXPECT_EQ(budget_->free(), budget_->size());
    EXPECT_EQ(handled_, 0);
  });
}

TEST_F(SessionTest, ARequestMayBeHandledForAsLongAsItTakes) {
  run([&]() -> Task {
    Client one = client();
    co_await one.send(post("/wait", ""));
    co_await pass(seconds(1000));
    EXPECT_EQ(hang_ups_, 0);
    wake_->cancel();
    EXPECT_EQ((co_await one.reply()).body, "POST /wait ");
    EXPECT_EQ((co_await one.ask(std::string(kGet))).status, 200u);
  });
}

TEST_F(SessionTest, TellsAWaitingRequestThatItsClientHasGone) {
  run([&]() -> Task {
    const std::vector<void (Client::*)()> ways = {&Client::close, &Client::reset,
                                                  &Client::half_close};
    int round = 0;
    for (const auto way : ways) {
      Client one = client();
      co_await one.send(post("/wait", ""));
      co_await settle();
      EXPECT_NE(wake_, nullptr);
      (one.*way)();
      co_await settle();
      ++round;
      EXPECT_EQ(hang_ups_, round);
      EXPECT_EQ(wake_, nullptr);
      EXPECT_EQ(undelivered_, round);
      EXPECT_EQ(listener_->connections(), 0u);
    }
  });
}

TEST_F(SessionTest, WatchingLeavesRequestsSentAheadAlone) {
  run([&]() -> Task {
    Client one = client();
    co_await one.send(post("/wait", ""));
    co_await settle();
    co_await one.send(std::string(kGet));
    co_await settle();
    EXPECT_EQ(hang_ups_, 0);
    wake_->cancel();
    EXPECT_EQ((co_await one.reply()).body, "POST /wait ");
    EXPECT_EQ((co_await one.reply()).body, "GET /x ");
    // The earlier watch is over: a later hang-up is not reported to it.
    co_await one.send(post("/wait-unwatched", ""));
    one.close();
    co_await settle();
    EXPECT_EQ(hang_ups_, 0);
    wake_->cancel();
    co_await settle();
  });
}

TEST_F(SessionTest, SaysWhenAReplyCouldNotBeDelivered) {
  run([&]() -> Task {
    Client one = client();
    co_await one.send(post("/wait-unwatched", ""));
    co_await settle();
    one.reset();
    wake_->cancel();
    co_await settle();
    EXPECT_EQ(undelivered_, 1);
    EXPECT_EQ(listener_->connections(), 0u);
  });
}

TEST_F(SessionTest, WritesALargeReplyAsFastAsItIsRead) {
  run([&]() -> Task {
    Client one = client();
    const Reply reply = co_await one.ask("GET /big HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(reply.body, std::string(kBigReply, 'b'));
    EXPECT_EQ((co_await one.ask(std::string(kGet))).status, 200u);
    EXPECT_EQ(undelivered_, 0);
  });
}

TEST_F(SessionTest, KeepsNoMemoryOfALargeReply) {
  run([&]() -> Task {
    Client c = client();
    co_await c.ask("GET /big HTTP/1.1\r\nHost: h\r\n\r\n");
    co_await c.ask(std::string(kGet));
    EXPECT_LE(memory_kept_, 32U * 1024);
  });
}

TEST_F(SessionTest, KeepsNoMemoryOfAnyReplyWhenIdle) {
  run([&]() -> Task {
    Client c = client();
    co_await c.ask(post("/x", std::string(20'000, 'b')));
    co_await pass(seconds(3));
    co_await c.ask(std::string(kGet));
    EXPECT_LE(memory_kept_, 64U);
  });
}

TEST_F(SessionTest, ClosesOnAClientThatDoesNotReadItsReply) {
  run([&]() -> Task {
    Client one(context_, listener_->port(), 4096);
    co_await one.send("GET /big HTTP/1.1\r\nHost: h\r\n\r\n");
    co_await pass(seconds(29));
    EXPECT_EQ(listener_->connections(), 1u);
    EXPECT_GT(one.unread(), 0u);
    co_await pass(seconds(1));
    EXPECT_EQ(listener_->connections(), 0u);
    EXPECT_EQ(undelivered_, 1);
  });
}

TEST_F(SessionTest, WaitsForMemoryBeforeItReadsABody) {
  budget_bytes_ = kBodyMax;
  run([&]() -> Task {
    const std::string body(kBodyMax - 10, 'm');
    Client holder = client();
    co_await holder.send(post("/wait", body));
    co_await settle();
    EXPECT_EQ(budget_->free(), 10u);
    Client waits = client();
    co_await waits.send(post("/next", "more than ten"));
    Client behind = client();
    co_await settle();
    co_await behind.send(post("/behind", "x"));
    Client bodiless = client();
    EXPECT_EQ((co_await bodiless.ask(std::string(kGet))).status, 200u);
    EXPECT_EQ(handled_, 2) << "a body was read without memory for it";
    wake_->cancel();
    EXPECT_EQ((co_await waits.reply()).body, "POST /next more than ten");
    EXPECT_EQ((co_await behind.reply()).body, "POST /behind x");
    co_await settle();
    EXPECT_EQ(budget_->free(), kBodyMax);
  });
}

TEST_F(SessionTest, DoesNotWaitForMemoryForEver) {
  budget_bytes_ = kBodyMax;
  run([&]() -> Task {
    Client holder = client();
    co_await holder.send(post("/wait", std::string(kBodyMax, 'm')));
    Client waits = client();
    co_await waits.send(post("/next", "x"));
    co_await pass(seconds(60));
    EXPECT_EQ((co_await waits.reply()).status, 503u);
    EXPECT_TRUE(co_await waits.is_closed());
    wake_->cancel();
    EXPECT_EQ((co_await holder.reply()).status, 200u);
  });
}

TEST_F(SessionTest, AcceptsNoMoreThanItsLimit) {
  options_.connections = 2;
  run([&]() -> Task {
    Client one = client();
    Client two = client();
    co_await one.ask(std::string(kGet));
    co_await two.ask(std::string(kGet));
    Client three = client();
    co_await three.send(std::string(kGet));
    co_await settle();
    EXPECT_EQ(handled_, 2);
    one.close();
    EXPECT_EQ((co_await three.reply()).status, 200u);
    EXPECT_EQ(listener_->connections(), 2u);
  });
}

TEST_F(SessionTest, ClosesConnectionsOfAClientThatHasTooMany) {
  options_.source_connections = std::make_shared<SourceConnections>(2);
  run([&]() -> Task {
    Client first = client();
    Client second = client();
    EXPECT_EQ((co_await first.ask(std::string(kGet))).status, 200u);
    EXPECT_EQ((co_await second.ask(std::string(kGet))).status, 200u);
    Client third = client();
    const bool closed = co_await third.is_closed();
    EXPECT_TRUE(closed);
    EXPECT_EQ(listener_->connections(), 2u);
    second.close();
    co_await settle();
    Client fourth = client();
    EXPECT_EQ((co_await fourth.ask(std::string(kGet))).status, 200u);
  });
}

TEST_F(SessionTest, TellsOfRequestsThatItRefusesItself) {
  std::vector<std::string> refused;
  options_.on_refused = [&](std::string_view address, unsigned status) {
    refused.push_back(std::string(address) + " " + std::to_string(status));
  };
  run([&]() -> Task {
    Client good = client();
    EXPECT_EQ((co_await good.ask(std::string(kGet))).status, 200u);
    Client packed = client();
    const std::string head = "POST / HTTP/1.1\r\nHost: h\r\nContent-Encoding: gzip\r\n\r\n";
    EXPECT_EQ((co_await packed.ask(head)).status, 415u);
    Client slow = client();
    co_await slow.send("GET /");
    co_await pass(options_.limits.times.head);
    EXPECT_EQ((co_await slow.reply()).status, 408u);
  });
  EXPECT_EQ(refused, (std::vector<std::string>{"127.0.0.1 415", "127.0.0.1 408"}));
}

TEST_F(SessionTest, ShutsDownInOrder) {
  run([&]() -> Task {
    bool done = false;
    Client idle = client();
    co_await idle.ask(std::string(kGet));
    Client fresh = client();
    Client busy = client();
    co_await busy.send(post("/wait", ""));
    co_await settle();
    listener_->shut_down(seconds(10), [&] { done = true; });
    EXPECT_TRUE(co_await idle.is_closed());
    EXPECT_TRUE(co_await fresh.is_closed());
    EXPECT_THROW(client(), boost::system::system_error) << "still listening";
    co_await pass(seconds(5));
    EXPECT_FALSE(done);
    EXPECT_EQ(hang_ups_, 0);
    wake_->cancel();
    const Reply reply = co_await busy.reply();
    EXPECT_EQ(reply.status, 200u);
    EXPECT_THAT(reply.head, HasSubstr("Connection: close\r\n"));
    EXPECT_TRUE(co_await busy.is_closed());
    co_await settle();
    EXPECT_TRUE(done);
    EXPECT_EQ(undelivered_, 0);
  });
}

TEST_F(SessionTest, CutsWhatIsLeftAfterTheGracePeriod) {
  run([&]() -> Task {
    int done = 0;
    Client watched = client();
    co_await watched.send(post("/wait", ""));
    Client slow = client();
    co_await slow.send("GET / HT");
    Client full(context_, listener_->port(), 4096);
    co_await full.send("GET /big HTTP/1.1\r\nHost: h\r\n\r\n");
    co_await settle();
    listener_->shut_down(seconds(5), [&] { ++done; });
    co_await pass(seconds(4));
    EXPECT_EQ(listener_->connections(), 3u);
    co_await pass(seconds(1));
    EXPECT_EQ(hang_ups_, 1);
    EXPECT_EQ(undelivered_, 2);
    EXPECT_EQ(listener_->connections(), 0u);
    EXPECT_EQ(done, 1);
  });
}

TEST_F(SessionTest, DoesNotWaitForAHandlerThatIgnoresTheCut) {
  run([&]() -> Task {
    int done = 0;
    Client one = client();
    co_await one.send(post("/wait-unwatched", ""));
    co_await settle();
    listener_->shut_down(0, [&] { ++done; });
    co_await pass(0);
    EXPECT_EQ(done, 0);
    co_await pass(seconds(1));
    EXPECT_EQ(done, 1);
    wake_->cancel();
    co_await settle();
    EXPECT_EQ(done, 1);
    EXPECT_EQ(listener_->connections(), 0u);
  });
}

TEST_F(SessionTest, ShutsDownAtOnceWithoutConnections) {
  run([&]() -> Task {
    bool done = false;
    listener_->shut_down(seconds(10), [&] { done = true; });
    EXPECT_FALSE(done) << "called from within";
    co_await settle();
    EXPECT_TRUE(done);
  });
}

TEST_F(SessionTest, EndsWithItsContextInAnyState) {
  budget_bytes_ = kBodyMax;
  run([&]() -> Task {
    // Left as they are: the fixture's end takes context, sessions and waiters apart under them.
    auto held = std::make_shared<std::vector<Client>>();
    for (const std::string& bytes :
         {std::string(), std::string("GET /"), post("/wait", std::string(kBodyMax, 'x')),
          post("/a", "waits for memory"), post("/b", "and so does this")}) {
      held->push_back(client());
      co_await held->back().send(bytes);
      co_await settle();
    }
    EXPECT_EQ(listener_->connections(), 5u);
  });
}

TEST_F(SessionTest, OpenReportsErrors) {
  listen();
  ListenerOptions taken;
  taken.port = listener_->port();
  const auto in_use = Listener::open(context_, taken, clock_, budget_, nullptr);
  ASSERT_TRUE(in_use.has_error());
  EXPECT_EQ(in_use.error(), boost::system::errc::address_in_use);
  taken.address = "not an address";
  EXPECT_TRUE(Listener::open(context_, taken, clock_, budget_, nullptr).has_error());
}

TEST_F(SessionTest, ListenersCanShareAPort) {
  options_.share_port = true;
  listen();
  ListenerOptions same = options_;
  same.port = listener_->port();
  const auto second = Listener::open(context_, same, clock_, budget_, nullptr);
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ((*second)->port(), listener_->port());
}

}  // namespace
}  // namespace millrace
