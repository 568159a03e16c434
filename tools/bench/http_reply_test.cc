#include "bench/http_reply.h"

#include <gtest/gtest.h>

#include <string>

namespace millrace::bench {
namespace {

TEST(HttpReply, IsReadOnlyWhenItIsWhole) {
  const std::string text =
      "HTTP/1.1 200 OK\r\nServer: x\r\ncontent-LENGTH:  5\r\nDate: now\r\n\r\nhello";
  HttpReply reply;
  std::size_t taken = 0;
  for (std::size_t length = 0; length < text.size(); ++length) {
    EXPECT_EQ(read_http_reply(text.substr(0, length), reply, taken), HttpRead::incomplete)
        << length;
  }
  const std::string two = text + "HTTP/1.1 403";
  ASSERT_EQ(read_http_reply(two, reply, taken), HttpRead::whole);
  EXPECT_EQ(reply.status, 200U);
  EXPECT_EQ(reply.body, "hello");
  EXPECT_EQ(taken, text.size());
}

TEST(HttpReply, MayHaveAnEmptyBody) {
  HttpReply reply;
  std::size_t taken = 0;
  ASSERT_EQ(read_http_reply("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", reply, taken),
            HttpRead::whole);
  EXPECT_EQ(reply.status, 503U);
  EXPECT_TRUE(reply.body.empty());
}

TEST(HttpReply, WithoutALengthIsRefused) {
  HttpReply reply;
  std::size_t taken = 0;
  EXPECT_EQ(read_http_reply("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", reply, taken),
            HttpRead::malformed);
  EXPECT_EQ(read_http_reply("SSH-2.0\r\nContent-Length: 0\r\n\r\n", reply, taken),
            HttpRead::malformed);
}

}  // namespace
}  // namespace millrace::bench
