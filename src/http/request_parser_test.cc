#include "http/request_parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"

namespace millrace {
namespace {

using Progress = RequestParser::Progress;

constexpr std::string_view kGoodHead =
    "POST /queue?a=b HTTP/1.1\r\n"
    "Host: localhost:9324\r\n"
    "X-Amz-Target:AmazonSQS.SendMessage\r\n"
    "content-length: \t 12 \r\n"
    "X-Empty:\r\n"
    "X-High: caf\xc3\xa9\tx\r\n"
    "\r\n";

/// Feeds `bytes` in pieces that end at each of `ends`, and at last whole.
Progress parse_in_pieces(RequestParser& parser, std::string_view bytes,
                         const std::vector<std::size_t>& ends) {
  for (const std::size_t end : ends) {
    // A copy of just these bytes: a parser that kept pointers, or looked ahead, would be caught.
    const std::string piece(bytes.substr(0, end));
    const Progress progress = parser.parse(piece);
    if (progress != Progress::need_more) return progress;
  }
  return parser.parse(bytes);
}

std::vector<std::size_t> every_byte(std::string_view bytes) {
  std::vector<std::size_t> ends;
  for (std::size_t end = 0; end <= bytes.size(); ++end) ends.push_back(end);
  return ends;
}

/// The status that `head` is refused with, 0 if it is taken, 1 if more is wanted. Fails the test if
/// that depends on how the bytes are split.
unsigned verdict(std::string_view head, const RequestLimits& limits = {}) {
  const auto outcome = [&](const std::vector<std::size_t>& ends) -> unsigned {
    RequestParser parser(limits);
    switch (parse_in_pieces(parser, head, ends)) {
      case Progress::complete:
        return 0;
      case Progress::need_more:
        return 1;
      case Progress::failed:
        EXPECT_FALSE(parser.reason().empty());
        return parser.status();
    }
    return 2;
  };
  const unsigned whole = outcome({});
  EXPECT_EQ(outcome(every_byte(head)), whole) << "byte by byte: " << head;
  const std::uint64_t seed = std::random_device{}();
  Random random(seed);
  for (int round = 0; round < 20; ++round) {
    std::vector<std::size_t> ends;
    for (std::size_t end = 0; end < head.size(); end += 1 + random.below(40)) ends.push_back(end);
    EXPECT_EQ(outcome(ends), whole) << "split with seed " << seed << ": " << head;
  }
  return whole;
}

std::string with_field(std::string_view field) {
  return "POST / HTTP/1.1\r\nHost: h\r\n" + std::string(field) + "\r\n\r\n";
}

std::string with_line(std::string_view line) {
  return std::string(line) + "\r\nHost: h\r\n\r\n";
}

TEST(RequestParser, TakesAHeadHoweverItIsSplit) {
  const std::string bytes = std::string(kGoodHead) + "GET /next";
  for (std::size_t split = 0; split < bytes.size(); ++split) {
    RequestParser parser{RequestLimits{}};
    ASSERT_EQ(parse_in_pieces(parser, bytes, {split}), Progress::complete) << split;
    EXPECT_EQ(parser.head_size(), kGoodHead.size());
    EXPECT_EQ(parser.content_length(), 12u);
    EXPECT_FALSE(parser.chunked());
    EXPECT_TRUE(parser.keep_alive());
    EXPECT_FALSE(parser.expects_continue());
    HttpRequest request;
    parser.fill(bytes, request);
    EXPECT_EQ(request.method, "POST");
    EXPECT_EQ(request.target, "/queue?a=b");
    ASSERT_EQ(request.fields.size(), 5u);
    EXPECT_EQ(request.fields[1].name, "X-Amz-Target");
    EXPECT_EQ(request.fields[1].value, "AmazonSQS.SendMessage");
    EXPECT_EQ(request.field("content-length"), "12");
    EXPECT_EQ(request.field("x-empty"), "");
    EXPECT_EQ(request.field("x-high"), "caf\xc3\xa9\tx");
  }
}

TEST(RequestParser, IsUsedAgainAfterReset) {
  RequestParser parser{RequestLimits{}};
  ASSERT_EQ(parser.parse(kGoodHead), Progress::complete);
  parser.reset();
  const std::string_view second = "GET /b HTTP/1.0\r\n\r\n";
  ASSERT_EQ(parser.parse(second), Progress::complete);
  HttpRequest request;
  parser.fill(second, request);
  EXPECT_EQ(request.method, "GET");
  EXPECT_EQ(request.target, "/b");
  EXPECT_TRUE(request.fields.empty());
  EXPECT_EQ(parser.content_length(), 0u);
  EXPECT_FALSE(parser.keep_alive());
  EXPECT_TRUE(parser.is_http_1_0());
}

TEST(RequestParser, TakesGoodHeads) {
  const std::vector<std::string> heads = {
      "GET / HTTP/1.1\r\nHost:\r\n\r\n",
      "\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n",
      "GET / HTTP/1.0\r\n\r\n",
      with_line("OPTIONS * HTTP/1.1"),
      with_line("!#$%&'*+-.^_`|~09azAZ / HTTP/1.1"),
      with_line("GET /%7E?x=[1]&y={\"a\"} HTTP/1.1"),
      with_line("GET http://example.com/ HTTP/1.1"),
      with_field("Content-Length: 0"),
      with_field("Content-Length: 007"),
      with_field("Content-Length: 4194304"),
      with_field("Content-Length: 5\r\nContent-Length: 5"),
      with_field("TRANSFER-ENCODING: Chunked"),
      with_field("Expect: 100-Continue"),
      with_field("Content-Encoding: Identity"),
      with_field("X: a:b \"c\" (d), e; f=g"),
  };
  for (const std::string& head : heads) EXPECT_EQ(verdict(head), 0u) << head;
}

TEST(RequestParser, RefusesBadHeads) {
  using namespace std::string_literals;
  const std::vector<std::pair<std::string, unsigned>> heads = {
      // the request line
      {with_line("GET /"), 400},
      {with_line("GET  / HTTP/1.1"), 400},
      {with_line("GET /  HTTP/1.1"), 400},
      {with_line("GET / HTTP/1.1 "), 400},
      {with_line(" GET / HTTP/1.1"), 400},
      {with_line("GET\t/\tHTTP/1.1"), 400},
      {with_line("G(T / HTTP/1.1"), 400},
      {with_line("GET /a b HTTP/1.1"), 400},
      {with_line("GET /a#b HTTP/1.1"), 400},
      {with_line("GET /\xc3\xa9 HTTP/1.1"), 400},
      {with_line("GET /\x01 HTTP/1.1"), 400},
      {with_line("GET path HTTP/1.1"), 400},
      {with_line("GET * HTTP/1.1"), 400},
      {with_line("CONNECT example.com:443 HTTP/1.1"), 400},
      {with_line("GET http:///path HTTP/1.1"), 400},
      {with_line("GET http://user@host/path HTTP/1.1"), 400},
      {with_line("GET ftp://host/path HTTP/1.1"), 400},
      {with_line("GET / http/1.1"), 400},
      {with_line("GET / HTTP/1.10"), 400},
      {with_line("GET / HTTP/11"), 400},
      {with_line("GET / HTTP/1.2"), 505},
      {with_line("GET / HTTP/2.0"), 505},
      {with_line("GET / HTTP/0.9"), 505},
      {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
      {"\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"\x16\x03\x01", 400},
      // line ends
      {"GET / HTTP/1.1\nHost: h\n\n", 400},
      {"GET / HTTP/1.1\r\nHost: h\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: h\r\n\n", 400},
      {"\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"GET / HTTP/1.1\rX\r\nHost: h\r\n\r\n", 400},
      {with_field("A: b\rC: d"), 400},
      {with_field("A: b\r"), 400},
      // fields
      {with_field("A: b\r\n c"), 400},
      {with_field("A: b\r\n\tc"), 400},
      {"GET / HTTP/1.1\r\n Host: h\r\n\r\n", 400},
      {with_field("A : b"), 400},
      {with_field("A\t: b"), 400},
      {with_field(": b"), 400},
      {with_field("no colon"), 400},
      {with_field("A(b): c"), 400},
      {with_field("\xc3\xa9: c"), 400},
      {with_field("A: \x01"), 400},
      {with_field("A: \x7f"), 400},
      {with_field("A: b\0c"s), 400},
      // Host
      {"GET / HTTP/1.1\r\n\r\n", 400},
      {with_field("Host: h"), 400},
      {with_field("host: other"), 400},
      // the body's length
      {with_field("Content-Length: 5\r\nTransfer-Encoding: chunked"), 400},
      {with_field("Transfer-Encoding: chunked\r\nContent-Length: 5"), 400},
      {with_field("Content-Length: 5\r\nContent-Length: 6"), 400},
      {with_field("Content-Length: 5, 5"), 400},
      {with_field("Content-Length:"), 400},
      {with_field("Content-Length: +5"), 400},
      {with_field("Content-Length: -5"), 400},
      {with_field("Content-Length: 0x5"), 400},
      {with_field("Content-Length: 5 5"), 400},
      {with_field("Content-Length: 4194305"), 413},
      {with_field("Content-Length: 18446744073709551621"), 413},
      {with_field("Content-Length: 99999999999999999999999999"), 413},
      {with_field("Transfer-Encoding: gzip, chunked"), 501},
      {with_field("Transfer-Encoding: chunked, gzip"), 501},
      {with_field("Transfer-Encoding: identity"), 501},
      {with_field("Transfer-Encoding: xchunked"), 501},
      {with_field("Transfer-Encoding: \"chunked\""), 501},
      {with_field("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"), 400},
      {with_field("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity"), 501},
      {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      // what is not done here
      {with_field("Content-Encoding: gzip"), 415},
      {with_field("Expect: a miracle"), 417},
  };
  for (const auto& [head, status] : heads) EXPECT_EQ(verdict(head), status) << head;
}

TEST(RequestParser, HoldsToItsLimits) {
  RequestLimits limits;
  limits.head_bytes = 100;
  limits.fields = 3;
  limits.body_bytes = 10;
  const auto padded_to = [](std::size_t size) {
    const std::string rest = with_field("X: ");
    return with_field("X: " + std::string(size - rest.size(), 'x'));
  };
  EXPECT_EQ(verdict(padded_to(100), limits), 0u);
  EXPECT_EQ(verdict(padded_to(101), limits), 431u);
  EXPECT_EQ(verdict(std::string(100, 'G'), limits), 431u);
  EXPECT_EQ(verdict(std::string(99, 'G'), limits), 1u);
  EXPECT_EQ(verdict(with_field("A: 1\r\nB: 2"), limits), 0u);
  EXPECT_EQ(verdict(with_field("A: 1\r\nB: 2\r\nC: 3"), limits), 431u);
  EXPECT_EQ(verdict(with_field("Content-Length: 10"), limits), 0u);
  EXPECT_EQ(verdict(with_field("Content-Length: 11"), limits), 413u);
}

TEST(RequestParser, TellsWhetherTheConnectionStays) {
  const auto stays = [](std::string_view head) {
    RequestParser parser{RequestLimits{}};
    EXPECT_EQ(parser.parse(head), Progress::complete) << head;
    return parser.keep_alive();
  };
  EXPECT_TRUE(stays(with_field("Connection: foo")));
  EXPECT_FALSE(stays(with_field("Connection: CLOSE")));
  EXPECT_FALSE(stays(with_field("Connection: keep-alive ,\tclose")));
  EXPECT_FALSE(stays(with_field("Connection: foo\r\nConnection: close")));
  EXPECT_TRUE(stays(with_field("Connection: closed")));
  EXPECT_TRUE(stays("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"));
  EXPECT_FALSE(stays("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n"));
}

TEST(RequestParser, ExpectsContinueOnlyInHttp11) {
  RequestParser parser{RequestLimits{}};
  ASSERT_EQ(parser.parse(with_field("Expect: 100-continue")), Progress::complete);
  EXPECT_TRUE(parser.expects_continue());
  parser.reset();
  ASSERT_EQ(parser.parse("POST / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n"), Progress::complete);
  EXPECT_FALSE(parser.expects_continue());
}

TEST(RequestParser, PutsTheAuthorityOfAnAbsoluteTargetIntoHost) {
  RequestParser parser{RequestLimits{}};
  const std::string_view head = "GET HTTP://real:9324/a?b HTTP/1.1\r\nHost: other\r\n\r\n";
  ASSERT_EQ(parser.parse(head), Progress::complete);
  HttpRequest request;
  parser.fill(head, request);
  EXPECT_EQ(request.target, "/a?b");
  EXPECT_EQ(request.field("host"), "real:9324");
}

}  // namespace
}  // namespace millrace
