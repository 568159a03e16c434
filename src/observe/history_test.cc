#include "observe/history.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace millrace {
namespace {

using testing::DoubleEq;
using testing::Each;

constexpr QueueId kQueue{7};
constexpr Timestamp kStart{1'700'000'040'000};  // begins a second, half a minute and a minute

QueueActivity sent(std::uint64_t messages, QueueId queue = kQueue) {
  QueueActivity news{.queue = queue};
  news.traffic.sent = messages;
  news.traffic.sent_bytes = 10 * messages;
  return news;
}

QueueActivity stands(std::uint64_t visible, Timestamp oldest = kNever) {
  QueueActivity news{.queue = kQueue};
  news.gauges.visible = visible;
  news.gauges.oldest_sent_at = oldest;
  return news;
}

void record(History& history, const QueueActivity& news, Timestamp now) {
  history.record({&news, 1}, now);
}

/// The points of a step between two moments, as "sent/visible" each, "-" where nothing is known.
std::string told(const History& history, HistoryStep step, Timestamp from, Timestamp to,
                 QueueId queue = kQueue) {
  std::string text;
  for (const auto& point : history.points_of(queue, HistorySpan::of(step, from, to, to))) {
    if (!text.empty()) text += ' ';
    text += point
                ? std::to_string(point->traffic.sent) + "/" + std::to_string(point->gauges.visible)
                : "-";
  }
  return text;
}

TEST(HistorySpan, ReachesBackAsFarAsTheRing) {
  const HistorySpan all = HistorySpan::of(HistoryStep::second, {}, {}, kStart + 999);
  EXPECT_EQ(all.count, 900U);
  EXPECT_EQ(all.start, kStart - seconds(899));
  const HistorySpan old = HistorySpan::of(HistoryStep::second, Timestamp{}, kStart, kStart);
  EXPECT_EQ(old.start, kStart - seconds(899));
}

TEST(HistorySpan, EndsWithThePointThatIsUnderWay) {
  const HistorySpan span =
      HistorySpan::of(HistoryStep::minute, kStart - 1, kStart + seconds(3600), kStart + 1);
  EXPECT_EQ(span.start, kStart - seconds(60));
  EXPECT_EQ(span.count, 2U);
}

TEST(HistorySpan, IsEmptyWhereItEndsBeforeItBegins) {
  EXPECT_EQ(HistorySpan::of(HistoryStep::second, kStart, kStart - 1, kStart).count, 0U);
  EXPECT_EQ(HistorySpan::of(HistoryStep::second, kStart + 1000, {}, kStart).count, 0U);
}

TEST(History, AddsUpWhatHappensWithinAPoint) {
  History history;
  record(history, sent(2), kStart);
  record(history, sent(3), kStart + 999);
  record(history, sent(4), kStart + 1000);
  EXPECT_EQ(told(history, HistoryStep::second, kStart, kStart + 1000), "5/0 4/0");
  EXPECT_EQ(told(history, HistoryStep::minute, kStart, kStart + 1000), "9/0");
  EXPECT_EQ(told(history, HistoryStep::hour, kStart, kStart + 1000), "9/0");
  EXPECT_EQ(history.totals_of(kQueue)->traffic.sent, 9U);
}

TEST(History, KnowsNothingOfTheTimeBeforeTheFirstNews) {
  History history;
  record(history, stands(1), kStart);
  EXPECT_EQ(told(history, HistoryStep::second, kStart - 2000, kStart + 1000), "- - 0/1 0/1");
  EXPECT_EQ(told(history, HistoryStep::second, kStart, kStart, QueueId{8}), "-");
}

TEST(History, LetsGaugesStandBetweenTwoPoints) {
  History history;
  record(history, stands(1), kStart);
  record(history, stands(5), kStart + 2000);
  record(history, stands(4), kStart + 4000);
  EXPECT_EQ(told(history, HistoryStep::second, kStart, kStart + 5000), "0/1 0/1 0/5 0/5 0/4 0/4");
}

TEST(History, RemembersTheGaugesOfPointsThatAreTooOld) {
  History history;
  record(history, stands(0), kStart);
  record(history, stands(5), kStart + 1000);
  const Timestamp later = kStart + seconds(901);
  record(history, stands(6), later);
  EXPECT_EQ(told(history, HistoryStep::second, later - 2000, later), "0/5 0/5 0/6");
}

TEST(History, TellsTheOldestMessageToTheSecond) {
  History history;
  record(history, stands(1, kStart - 500), kStart);
  record(history, sent(1), kStart + 1000);
  const auto points =
      history.points_of(kQueue, HistorySpan::of(HistoryStep::second, kStart, {}, kStart + 1000));
  EXPECT_EQ(points[0]->gauges.oldest_sent_at, kStart - 1000);
  EXPECT_EQ(points[1]->gauges.oldest_sent_at, kNever);
}

TEST(History, KeepsNoPointOfAQueueThatRests) {
  History history;
  record(history, stands(3), kStart);
  const std::size_t before = history.bytes();
  for (int i = 1; i < 100; ++i) record(history, stands(3), kStart + seconds(i));
  EXPECT_EQ(history.bytes(), before);
}

TEST(History, GivesMemoryBackWhenAQueueHasRestedForLong) {
  History history;
  record(history, stands(0), kStart);
  const std::size_t before = history.bytes();
  for (int i = 0; i < 100; ++i) record(history, sent(1), kStart + seconds(i));
  EXPECT_GT(history.bytes(), before);
  history.record({}, kStart + seconds(31LL * 24 * 3600));
  EXPECT_EQ(history.bytes(), before);
}

TEST(History, ForgetsAQueueThatIsGoneButNotItsPartOfTheTotals) {
  History history;
  record(history, sent(5), kStart);
  QueueActivity gone{.queue = kQueue, .gone = true};
  gone.traffic.sent = 2;
  record(history, gone, kStart);
  EXPECT_FALSE(history.totals_of(kQueue));
  EXPECT_EQ(history.totals().traffic.sent, 7U);
  EXPECT_EQ(told(history, HistoryStep::second, kStart, kStart), "-");
  history.record({}, kStart + seconds(31LL * 24 * 3600));  // its points are passed over
}

TEST(History, AddsUpTheGaugesOfAllQueues) {
  History history;
  record(history, stands(2, kStart), kStart);
  QueueActivity other = stands(3, kStart - 5);
  other.queue = QueueId{8};
  record(history, other, kStart);
  EXPECT_EQ(history.totals().gauges.visible, 5U);
  EXPECT_EQ(history.totals().gauges.oldest_sent_at, kStart - 5);
}

TEST(History, GivesTheOldestPointsUpWhenAllAreUsed) {
  History history({3, 100, 100});
  record(history, sent(1), kStart);
  record(history, sent(2, QueueId{8}), kStart + 1000);
  record(history, sent(3), kStart + 2000);
  record(history, sent(4), kStart + 3000);
  EXPECT_EQ(told(history, HistoryStep::second, kStart, kStart + 3000), "- 0/0 3/0 4/0");
  EXPECT_EQ(told(history, HistoryStep::second, kStart, kStart + 3000, QueueId{8}), "- 2/0 0/0 0/0");
  EXPECT_EQ(told(history, HistoryStep::minute, kStart, kStart + 3000), "8/0");
}

TEST(History, StaysWithinItsBudgetWithTenThousandQueues) {
  History history;
  std::vector<QueueActivity> news;
  for (std::uint64_t queue = 1; queue <= 10'000; ++queue) news.push_back(sent(1, QueueId{queue}));
  for (int i = 0; i < 30; ++i) history.record(news, kStart + seconds(i));
  for (int i = 0; i < 20; ++i) history.record(news, kStart + seconds(60LL * i));
  for (int i = 0; i < 10; ++i) history.record(news, kStart + seconds(3600LL * i));
  EXPECT_GT(history.bytes(), limits::kHistoryBytesMax / 3) << "or the budget was not tried";
  EXPECT_LE(history.bytes(), limits::kHistoryBytesMax);
}

TEST(History, TellsRatesOfTheLastQuarterOfAnHour) {
  History history;
  for (int i = 0; i < 60; ++i) record(history, sent(3), kStart + seconds(i));
  const QueueRates rates = history.rates_of(kQueue, kStart + seconds(60) + 999);
  EXPECT_THAT(rates.sent[26], DoubleEq(0));
  EXPECT_THAT(rates.sent[27], DoubleEq(3));
  EXPECT_THAT(rates.sent[28], DoubleEq(3));
  EXPECT_THAT(rates.sent[29], DoubleEq(0));
  EXPECT_THAT(rates.received, Each(DoubleEq(0)));
  EXPECT_THAT(history.rates_of(QueueId{8}, kStart).sent, Each(DoubleEq(0)));
}

TEST(History, TellsTheRateThatIsUnderWayByTheTimeThatHasPassed) {
  History history;
  for (int i = 0; i < 10; ++i) record(history, sent(4), kStart + seconds(i));
  EXPECT_THAT(history.rates_of(kQueue, kStart + seconds(9)).sent[29], DoubleEq(4));
}

TEST(History, TellsRatesByMinutesWhereSecondsWereGivenUp) {
  History history({10, 100, 100});
  for (int i = 0; i < 60; ++i) record(history, sent(2), kStart + seconds(i));
  for (int i = 60; i < 90; ++i) record(history, sent(5), kStart + seconds(i));
  const QueueRates rates = history.rates_of(kQueue, kStart + seconds(90));
  EXPECT_THAT(rates.sent[26], DoubleEq(2));
  EXPECT_THAT(rates.sent[27], DoubleEq(2));
}

}  // namespace
}  // namespace millrace
