#include "queue/recent_consumers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "base/limits.h"

namespace millrace {
namespace {

using testing::SizeIs;

constexpr Consumer kAda{"10.0.0.1", "arn:aws:iam::111122223333:user/ada", "boto"};

TEST(RecentConsumers, CountsWhatEachDoes) {
  RecentConsumers consumers;
  consumers.received(kAda, Timestamp{1});
  consumers.received({"10.0.0.2", kAda.principal_arn, kAda.user_agent}, Timestamp{2});
  consumers.received(kAda, Timestamp{3});
  consumers.delivered(kAda, 4);
  ASSERT_THAT(consumers.all(), SizeIs(2));
  const RecentConsumer& ada = consumers.all().front();
  EXPECT_EQ(ada.source_address, kAda.source_address);
  EXPECT_EQ(ada.principal_arn, kAda.principal_arn);
  EXPECT_EQ(ada.user_agent, kAda.user_agent);
  EXPECT_EQ(ada.last_receive, Timestamp{3});
  EXPECT_EQ(ada.receives, 2U);
  EXPECT_EQ(ada.messages, 4U);
  EXPECT_EQ(consumers.all().back().messages, 0U);
}

TEST(RecentConsumers, ForgetsWhoWasThereLongestAgo) {
  RecentConsumers consumers;
  const auto receive = [&](std::size_t number) {
    const std::string address = std::to_string(number);
    consumers.received({address, "", ""}, Timestamp{static_cast<std::int64_t>(number)});
  };
  for (std::size_t number = 1; number <= limits::kRecentConsumersMax; ++number) receive(number);
  consumers.received({"1", "", ""}, Timestamp{1'000});
  receive(2'000);
  EXPECT_THAT(consumers.all(), SizeIs(limits::kRecentConsumersMax));
  const auto known = [&](const std::string& address) {
    return std::ranges::count(consumers.all(), address, &RecentConsumer::source_address);
  };
  EXPECT_EQ(known("1"), 1);
  EXPECT_EQ(known("2"), 0);
  EXPECT_EQ(known("2000"), 1);
  consumers.delivered({"2", "", ""}, 1);  // of a receive that had waited
  EXPECT_EQ(known("2"), 0);
}

TEST(RecentConsumers, TheNewOneBeginsAtNothing) {
  RecentConsumers consumers;
  for (std::size_t i = 0; i <= limits::kRecentConsumersMax; ++i) {
    const std::string address = std::to_string(i);
    const Consumer consumer{address, "", ""};
    consumers.received(consumer, Timestamp{static_cast<std::int64_t>(i)});
    consumers.delivered(consumer, 7);
  }
  for (const RecentConsumer& one : consumers.all()) {
    EXPECT_EQ(one.receives, 1U);
    EXPECT_EQ(one.messages, 7U);
  }
}

TEST(RecentConsumers, KeepsTheBeginningOfLongTexts) {
  RecentConsumers consumers;
  const std::string text(limits::kConsumerTextMax + 1, 'x');
  const Consumer consumer{"10.0.0.1", "", text};
  consumers.received(consumer, Timestamp{1});
  consumers.received(consumer, Timestamp{2});
  consumers.delivered(consumer, 3);
  ASSERT_THAT(consumers.all(), SizeIs(1));
  EXPECT_THAT(consumers.all().front().user_agent, SizeIs(limits::kConsumerTextMax));
  EXPECT_EQ(consumers.all().front().messages, 3U);
}

}  // namespace
}  // namespace millrace
