// Sessions and their listener, over plain TCP and over TLS alike; see support/session_harness.h.
#include "http/session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "support/session_harness.h"

namespace millrace {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class SessionTest : public SessionHarness, public ::testing::TestWithParam<bool> {
 protected:
  SessionTest() : SessionHarness(GetParam()) {}
};
INSTANTIATE_TEST_SUITE_P(Streams, SessionTest, ::testing::Values(false, true),
                         [](const auto& test) { return test.param ? "Tls" : "Plain"; });

TEST_P(SessionTest, KeepsAConnectionForMoreRequests) {
  run([&]() -> Task {
    Client one = co_await client();
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

TEST_P(SessionTest, AnswersRequestsSentAheadInOrder) {
  run([&]() -> Task {
    Client one = co_await client();
    std::string many;
    for (int i = 0; i < 50; ++i) many += post("/" + std::to_string(i), std::string(300, 'p'));
    co_await one.send(many);
    for (int i = 0; i < 50; ++i) {
      EXPECT_THAT((co_await one.reply()).body, StartsWith("POST /" + std::to_string(i) + " p"));
    }
  });
}

TEST_P(SessionTest, TakesARequestByteByByte) {
  run([&]() -> Task {
    Client one = co_await client();
    for (const char c : post("/slow", "body")) {
      co_await one.send(std::string(1, c));
      co_await settle();
    }
    EXPECT_EQ((co_await one.reply()).body, "POST /slow body");
  });
}

TEST_P(SessionTest, UndoesChunkedBodies) {
  run([&]() -> Task {
    Client one = co_await client();
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

TEST_P(SessionTest, InvitesTheBodyThatAClientHoldsBack) {
  run([&]() -> Task {
    Client one = co_await client();
    const std::string head =
        "POST /e HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n";
    EXPECT_EQ((co_await one.ask(head)).head, "HTTP/1.1 100 Continue\r\n\r\n");
    EXPECT_EQ(handled_, 0);
    EXPECT_EQ((co_await one.ask("body")).body, "POST /e body");
    // With the body already here there is nothing to invite.
    EXPECT_EQ((co_await one.ask(head + "more")).body, "POST /e more");
  });
}

TEST_P(SessionTest, ClosesWhenEitherSideWantsIt) {
  run([&]() -> Task {
    for (const std::string& request :
         {post("/a", "x", "Connection: close\r\n"), post("/close", "x")}) {
      Client one = co_await client();
      const Reply reply = co_await one.ask(request);
      EXPECT_EQ(reply.status, 200u);
      EXPECT_THAT(reply.head, HasSubstr("Connection: close\r\n"));
      EXPECT_TRUE(co_await one.is_closed());
    }
    co_await settle();
    EXPECT_EQ(listener_->connections(), 0u);
  });
}

TEST_P(SessionTest, SpeaksHttp10) {
  run([&]() -> Task {
    Client one = co_await client();
    const Reply kept = co_await one.ask("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_THAT(kept.head, HasSubstr("Connection: keep-alive\r\n"));
    EXPECT_THAT((co_await one.ask("GET /b HTTP/1.0\r\n\r\n")).head,
                HasSubstr("Connection: close\r\n"));
    EXPECT_TRUE(co_await one.is_closed());
  });
}

TEST_P(SessionTest, LeavesTheBodyOutWhereThereIsNone) {
  run([&]() -> Task {
    Client one = co_await client();
    co_await one.send("HEAD /h HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_THAT((co_await one.reply(true)).head, HasSubstr("Content-Length: 8\r\n"));
    EXPECT_EQ((co_await one.ask("GET /none HTTP/1.1\r\nHost: h\r\n\r\n")).status, 204u);
    EXPECT_EQ((co_await one.ask(std::string(kGet))).body, "GET /x ");
  });
}

TEST_P(SessionTest, RefusesAndClosesCleanly) {
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
      Client one = co_await client();
      const Reply reply = co_await one.ask(request);
      EXPECT_EQ(reply.status, status) << request.substr(0, 40);
      EXPECT_THAT(reply.head, HasSubstr("Connection: close\r\n"));
      EXPECT_TRUE(co_await one.is_closed());
    }
    EXPECT_EQ(handled_, 0);
    EXPECT_EQ(budget_->free(), budget_->size());
  });
}

TEST_P(SessionTest, AnswersForAHandlerThatThrows) {
  run([&]() -> Task {
    Client one = co_await client();
    EXPECT_EQ((co_await one.ask("GET /throw HTTP/1.1\r\nHost: h\r\n\r\n")).status, 500u);
    EXPECT_EQ(undelivered_, 1);
    EXPECT_TRUE(co_await one.is_closed());
  });
}

TEST_P(SessionTest, ClosesIdleConnectionsAfterTheirTime) {
  run([&]() -> Task {
    Client fresh = co_await client();
    Client used = co_await client();
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

TEST_P(SessionTest, GivesASlowHeadAndASlowBodyTheirTime) {
  run([&]() -> Task {
    Client head = co_await client();
    co_await head.send("GET / HTTP/1.1\r\n");
    co_await pass(seconds(9));
    co_await head.send("Host: h\r\n");
    co_await pass(seconds(1));
    EXPECT_EQ((co_await head.reply()).status, 408u);
    EXPECT_TRUE(co_await head.is_closed());

    Client body = co_await client();
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

TEST_P(SessionTest, ARequestMayBeHandledForAsLongAsItTakes) {
  run([&]() -> Task {
    Client one = co_await client();
    co_await one.send(post("/wait", ""));
    co_await pass(seconds(1000));
    EXPECT_EQ(hang_ups_, 0);
    wake_->cancel();
    EXPECT_EQ((co_await one.reply()).body, "POST /wait ");
    EXPECT_EQ((co_await one.ask(std::string(kGet))).status, 200u);
  });
}

TEST_P(SessionTest, TellsAWaitingRequestThatItsClientHasGone) {
  run([&]() -> Task {
    const std::vector<void (Client::*)()> ways = {&Client::close, &Client::reset,
                                                  &Client::half_close};
    int round = 0;
    for (const auto way : ways) {
      Client one = co_await client();
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

TEST_P(SessionTest, WatchingLeavesRequestsSentAheadAlone) {
  run([&]() -> Task {
    Client one = co_await client();
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

TEST_P(SessionTest, SaysWhenAReplyCouldNotBeDelivered) {
  run([&]() -> Task {
    Client one = co_await client();
    co_await one.send(post("/wait-unwatched", ""));
    co_await settle();
    one.reset();
    wake_->cancel();
    co_await settle();
    EXPECT_EQ(undelivered_, 1);
    EXPECT_EQ(listener_->connections(), 0u);
  });
}

TEST_P(SessionTest, WritesALargeReplyAsFastAsItIsRead) {
  run([&]() -> Task {
    Client one = co_await client();
    const Reply reply = co_await one.ask("GET /big HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(reply.body, std::string(kBigReply, 'b'));
    EXPECT_EQ((co_await one.ask(std::string(kGet))).status, 200u);
    EXPECT_EQ(undelivered_, 0);
  });
}

TEST_P(SessionTest, KeepsNoMemoryOfALargeReply) {
  run([&]() -> Task {
    Client c = co_await client();
    co_await c.ask("GET /big HTTP/1.1\r\nHost: h\r\n\r\n");
    co_await c.ask(std::string(kGet));
    EXPECT_LE(memory_kept_, 32U * 1024);
  });
}

TEST_P(SessionTest, KeepsNoMemoryOfAnyReplyWhenIdle) {
  run([&]() -> Task {
    Client c = co_await client();
    co_await c.ask(post("/x", std::string(20'000, 'b')));
    co_await pass(seconds(3));
    co_await c.ask(std::string(kGet));
    EXPECT_LE(memory_kept_, 64U);
  });
}

TEST_P(SessionTest, ClosesOnAClientThatDoesNotReadItsReply) {
  run([&]() -> Task {
    Client one = co_await client(4096);
    co_await one.send("GET /big HTTP/1.1\r\nHost: h\r\n\r\n");
    co_await pass(seconds(29));
    EXPECT_EQ(listener_->connections(), 1u);
    EXPECT_GT(one.unread(), 0u);
    co_await pass(seconds(1));
    EXPECT_EQ(listener_->connections(), 0u);
    EXPECT_EQ(undelivered_, 1);
  });
}

TEST_P(SessionTest, WaitsForMemoryBeforeItReadsABody) {
  budget_bytes_ = kBodyMax;
  run([&]() -> Task {
    const std::string body(kBodyMax - 10, 'm');
    Client holder = co_await client();
    co_await holder.send(post("/wait", body));
    co_await settle();
    EXPECT_EQ(budget_->free(), 10u);
    Client waits = co_await client();
    co_await waits.send(post("/next", "more than ten"));
    Client behind = co_await client();
    co_await settle();
    co_await behind.send(post("/behind", "x"));
    Client bodiless = co_await client();
    EXPECT_EQ((co_await bodiless.ask(std::string(kGet))).status, 200u);
    EXPECT_EQ(handled_, 2) << "a body was read without memory for it";
    wake_->cancel();
    EXPECT_EQ((co_await waits.reply()).body, "POST /next more than ten");
    EXPECT_EQ((co_await behind.reply()).body, "POST /behind x");
    co_await settle();
    EXPECT_EQ(budget_->free(), kBodyMax);
  });
}

TEST_P(SessionTest, DoesNotWaitForMemoryForEver) {
  budget_bytes_ = kBodyMax;
  run([&]() -> Task {
    Client holder = co_await client();
    co_await holder.send(post("/wait", std::string(kBodyMax, 'm')));
    Client waits = co_await client();
    co_await waits.send(post("/next", "x"));
    co_await pass(seconds(60));
    EXPECT_EQ((co_await waits.reply()).status, 503u);
    EXPECT_TRUE(co_await waits.is_closed());
    wake_->cancel();
    EXPECT_EQ((co_await holder.reply()).status, 200u);
  });
}

TEST_P(SessionTest, AcceptsNoMoreThanItsLimit) {
  options_.connections = std::make_shared<ConnectionLimit>(2);
  run([&]() -> Task {
    Client one = co_await client();
    Client two = co_await client();
    co_await one.ask(std::string(kGet));
    co_await two.ask(std::string(kGet));
    Client three = connect();
    co_await settle();
    EXPECT_EQ(listener_->connections(), 2u);
    one.close();
    co_await begin(three);
    EXPECT_EQ((co_await three.ask(std::string(kGet))).status, 200u);
    EXPECT_EQ(listener_->connections(), 2u);
  });
}

TEST_P(SessionTest, SharesItsLimitWithOtherListeners) {
  options_.connections = std::make_shared<ConnectionLimit>(1);
  listen();
  ListenerOptions plain = options_;
  plain.tls = nullptr;
  const auto opened =
      Listener::open(context_, plain, clock_, budget_,
                     [this](const HttpRequest& request, HttpResponse& response) -> Task {
                       return handle(request, response);
                     });
  ASSERT_TRUE(opened.has_value());
  (*opened)->start();
  run([&]() -> Task {
    Client first = co_await client();
    Client elsewhere(context_, (*opened)->port());
    co_await elsewhere.send(std::string(kGet));
    co_await settle();
    EXPECT_EQ(handled_, 0);
    EXPECT_EQ((*opened)->connections(), 0u);
    first.close();
    EXPECT_EQ((co_await elsewhere.reply()).status, 200u);
    elsewhere.close();
    co_await settle();
    EXPECT_EQ(options_.connections->count(), 0u);
  });
}

TEST_P(SessionTest, ClosesConnectionsOfAClientThatHasTooMany) {
  options_.source_connections = std::make_shared<SourceConnections>(2);
  run([&]() -> Task {
    Client first = co_await client();
    Client second = co_await client();
    EXPECT_EQ((co_await first.ask(std::string(kGet))).status, 200u);
    EXPECT_EQ((co_await second.ask(std::string(kGet))).status, 200u);
    Client third(context_, listener_->port());  // it does not get to TLS
    const bool closed = co_await third.is_closed();
    EXPECT_TRUE(closed);
    EXPECT_EQ(listener_->connections(), 2u);
    second.close();
    co_await settle();
    Client fourth = co_await client();
    EXPECT_EQ((co_await fourth.ask(std::string(kGet))).status, 200u);
  });
}

TEST_P(SessionTest, TellsOfRequestsThatItRefusesItself) {
  std::vector<std::string> refused;
  options_.on_refused = [&](std::string_view address, unsigned status) {
    refused.push_back(std::string(address) + " " + std::to_string(status));
  };
  run([&]() -> Task {
    Client good = co_await client();
    EXPECT_EQ((co_await good.ask(std::string(kGet))).status, 200u);
    Client packed = co_await client();
    const std::string head = "POST / HTTP/1.1\r\nHost: h\r\nContent-Encoding: gzip\r\n\r\n";
    EXPECT_EQ((co_await packed.ask(head)).status, 415u);
    Client slow = co_await client();
    co_await slow.send("GET /");
    co_await pass(options_.limits.times.head);
    EXPECT_EQ((co_await slow.reply()).status, 408u);
  });
  EXPECT_EQ(refused, (std::vector<std::string>{"127.0.0.1 415", "127.0.0.1 408"}));
}

TEST_P(SessionTest, ShutsDownInOrder) {
  run([&]() -> Task {
    bool done = false;
    Client idle = co_await client();
    co_await idle.ask(std::string(kGet));
    Client fresh = co_await client();
    Client busy = co_await client();
    co_await busy.send(post("/wait", ""));
    co_await settle();
    listener_->shut_down(seconds(10), [&] { done = true; });
    EXPECT_TRUE(co_await idle.is_closed());
    EXPECT_TRUE(co_await fresh.is_closed());
    EXPECT_THROW(connect(), boost::system::system_error) << "still listening";
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

TEST_P(SessionTest, CutsWhatIsLeftAfterTheGracePeriod) {
  run([&]() -> Task {
    int done = 0;
    Client watched = co_await client();
    co_await watched.send(post("/wait", ""));
    Client slow = co_await client();
    co_await slow.send("GET / HT");
    Client full = co_await client(4096);
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

TEST_P(SessionTest, DoesNotWaitForAHandlerThatIgnoresTheCut) {
  run([&]() -> Task {
    int done = 0;
    Client one = co_await client();
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

TEST_P(SessionTest, ShutsDownAtOnceWithoutConnections) {
  run([&]() -> Task {
    bool done = false;
    listener_->shut_down(seconds(10), [&] { done = true; });
    EXPECT_FALSE(done) << "called from within";
    co_await settle();
    EXPECT_TRUE(done);
  });
}

TEST_P(SessionTest, EndsWithItsContextInAnyState) {
  budget_bytes_ = kBodyMax;
  run([&]() -> Task {
    // Left as they are: the fixture's end takes context, sessions and waiters apart under them.
    auto held = std::make_shared<std::vector<Client>>();
    for (const std::string& bytes :
         {std::string(), std::string("GET /"), post("/wait", std::string(kBodyMax, 'x')),
          post("/a", "waits for memory"), post("/b", "and so does this")}) {
      held->push_back(co_await client());
      co_await held->back().send(bytes);
      co_await settle();
    }
    EXPECT_EQ(listener_->connections(), 5u);
  });
}

TEST_P(SessionTest, OpenReportsErrors) {
  listen();
  ListenerOptions taken;
  taken.port = listener_->port();
  const auto in_use = Listener::open(context_, taken, clock_, budget_, nullptr);
  ASSERT_TRUE(in_use.has_error());
  EXPECT_EQ(in_use.error(), boost::system::errc::address_in_use);
  taken.address = "not an address";
  EXPECT_TRUE(Listener::open(context_, taken, clock_, budget_, nullptr).has_error());
}

TEST_P(SessionTest, ListenersCanShareAPort) {
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
