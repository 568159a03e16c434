// The console's actions on messages, as far as no server is needed for them; over the wire they are
// tried by tests/conformance/clients/test_peek.py.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/encoding.h"
#include "base/limits.h"
#include "service/console.h"
#include "support/service_fixture.h"

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class PeekTest : public ServiceFixture {
 protected:
  PeekTest() { EXPECT_TRUE(create("q")); }

  Expected<api::PeekMessagesResponse> peek(api::PeekMessagesRequest request = {}) {
    if (request.queue_url.empty()) request.queue_url = url("q");
    return ask(peek_messages, std::move(request));
  }
  std::vector<std::string> peek_ids() {
    std::vector<std::string> ids;
    const auto reply = peek();
    for (const api::PeekedMessage& message : reply->messages) {
      ids.push_back(to_uuid_text(message.peek_id.bytes));
    }
    return ids;
  }
  static std::string text_of(const auto& reply) { return reply ? "" : reply.error().message(); }
};

TEST_F(PeekTest, RefusesWhatIsOutOfRange) {
  api::PeekMessagesRequest request;
  request.states = {"gone"};
  EXPECT_THAT(text_of(peek(std::exchange(request, {}))), HasSubstr("States"));
  for (const std::int64_t count : {0, 101}) {
    request.max_results = count;
    EXPECT_THAT(text_of(peek(std::exchange(request, {}))), HasSubstr("MaxResults"));
  }
  for (const std::int64_t bytes : {-1, 1'048'577}) {
    request.max_body_bytes = bytes;
    EXPECT_THAT(text_of(peek(std::exchange(request, {}))), HasSubstr("MaxBodyBytes"));
  }
}

TEST_F(PeekTest, ATokenIsGoodForItsQueueAlone) {
  ASSERT_TRUE(create("other"));
  for (const char* body : {"a", "b"}) ASSERT_TRUE(send("q", body));
  api::PeekMessagesRequest request;
  request.max_results = 1;
  const auto first = peek(request);
  ASSERT_TRUE(first);
  EXPECT_THAT(first->messages, SizeIs(1));
  request.next_token = first->next_token;
  const auto second = peek(request);
  ASSERT_TRUE(second);
  ASSERT_THAT(second->messages, SizeIs(1));
  EXPECT_EQ(second->messages.front().body, "b");
  request.queue_url = url("other");
  EXPECT_THAT(text_of(peek(request)), HasSubstr("next token"));
  request.queue_url = url("q");
  for (const char* token : {"?", "AQ==", "AgAAAAAAAAABAAAAAAAAAAA="}) {
    request.next_token = token;
    EXPECT_THAT(text_of(peek(request)), HasSubstr("next token")) << token;
  }
}

TEST_F(PeekTest, ATokenNamesNoMoreGroupsThanOneMay) {
  const auto token_of = [this](std::size_t groups) {
    std::string bytes("\x01", 1);
    const std::uint64_t queue = directory_.all().front()->id.value();
    for (int i = 56; i >= 0; i -= 8) bytes += static_cast<char>(queue >> i);
    bytes.append(8, '\0');
    for (std::size_t group = 1; group <= groups; ++group) {
      bytes.append(6, '\0');
      bytes += static_cast<char>(group >> 8U);
      bytes += static_cast<char>(group);
    }
    return to_base64(bytes);
  };
  api::ListMessageGroupsRequest request{.queue_url = url("q"), .max_results = {}, .next_token = {}};
  request.next_token = token_of(limits::kListedGroupsMax);
  EXPECT_EQ(text_of(ask(list_message_groups, request)), "");
  request.next_token = token_of(limits::kListedGroupsMax + 1);
  EXPECT_THAT(text_of(ask(list_message_groups, request)), HasSubstr("next token"));
}

TEST_F(PeekTest, ADeleteTellsOfEachIdWhatBecameOfIt) {
  for (const char* body : {"a", "b"}) ASSERT_TRUE(send("q", body));
  const std::vector<std::string> ids = peek_ids();
  ASSERT_THAT(ids, SizeIs(2));
  const auto reply =
      ask(delete_messages, {.queue_url = url("q"), .peek_ids = {ids[0], ids[0], "nonsense"}});
  ASSERT_TRUE(reply);
  EXPECT_THAT(reply->deleted, ElementsAre(ids[0]));
  ASSERT_THAT(reply->failed, SizeIs(2));
  EXPECT_EQ(reply->failed[0].code, "InvalidParameterValue");
  EXPECT_EQ(reply->failed[1].code, "ResourceNotFoundException");
  EXPECT_THAT(bodies("q"), ElementsAre("b"));
}

TEST_F(PeekTest, AMoveNeedsAnotherQueueOfTheSameKind) {
  ASSERT_TRUE(create("f.fifo", {{"FifoQueue", "true"}}));
  const auto move = [this](std::string_view target, std::size_t ids) {
    return text_of(ask(move_messages, {.source_url = url("q"),
                                       .destination_url = url(target),
                                       .peek_ids = std::vector<std::string>(ids, "x")}));
  };
  EXPECT_THAT(move("q", 1), HasSubstr("same"));
  EXPECT_THAT(move("f.fifo", 1), HasSubstr("same queue type"));
  EXPECT_THAT(move("nowhere", 1), HasSubstr("does not exist"));
  ASSERT_TRUE(create("target"));
  EXPECT_EQ(move("target", 1), "");
  EXPECT_THAT(move("target", 0), HasSubstr("PeekIds"));
  EXPECT_THAT(move("target", limits::kPeekIdsMax + 1), HasSubstr("PeekIds"));
}

TEST_F(PeekTest, AnEmptyQueueIsOneLastPage) {
  const auto reply = peek();
  ASSERT_TRUE(reply);
  EXPECT_THAT(reply->messages, IsEmpty());
  EXPECT_EQ(reply->next_token, "");
}

}  // namespace
}  // namespace millrace
