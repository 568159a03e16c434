#include "bench/redis_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace::bench {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(RedisReply, ANestedArrayGivesItsStringsWhenItIsWhole) {
  const std::string text =
      "*1\r\n*2\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n1-0\r\n*2\r\n$1\r\nb\r\n$5\r\nhe\r\no\r\n";
  RedisReply reply;
  for (std::size_t length = 0; length < text.size(); ++length) {
    EXPECT_EQ(read_redis_reply(text.substr(0, length), reply), 0U) << length;
  }
  const std::string two = text + ":1\r\n";
  EXPECT_EQ(read_redis_reply(two, reply), text.size());
  EXPECT_THAT(reply.strings, ElementsAre("s", "1-0", "b", "he\r\no"));
}

TEST(RedisReply, KnowsNullsNumbersAndErrors) {
  RedisReply reply;
  EXPECT_EQ(read_redis_reply("*-1\r\n", reply), 5U);
  EXPECT_THAT(reply.strings, IsEmpty());
  EXPECT_EQ(read_redis_reply("$-1\r\n:2\r\n", reply), 5U);
  EXPECT_EQ(read_redis_reply(":2\r\n", reply), 4U);
  EXPECT_TRUE(reply.error.empty());
  EXPECT_EQ(read_redis_reply("-ERR no\r\n", reply), 9U);
  EXPECT_EQ(reply.error, "ERR no");
}

TEST(RedisCommand, IsAnArrayOfBulkStrings) {
  std::string out;
  append_redis_command(out, {"DEL", "q"});
  EXPECT_EQ(out, "*2\r\n$3\r\nDEL\r\n$1\r\nq\r\n");
}

}  // namespace
}  // namespace millrace::bench
