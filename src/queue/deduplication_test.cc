#include "queue/deduplication.h"

#include <gtest/gtest.h>

#include <cstring>

#include "base/limits.h"

namespace millrace {
namespace {

constexpr Timestamp kStart{1'000};

Fingerprint id(std::uint64_t number) {
  Fingerprint made{};
  std::memcpy(made.data(), &number, sizeof number);
  made.back() = static_cast<std::uint8_t>(number);
  return made;
}

TEST(Deduplication, RemembersTheFirstOfAnId) {
  Deduplication deduplication;
  EXPECT_FALSE(deduplication.find(id(1)));
  deduplication.add(id(1), SequenceNumber{5}, kStart);
  deduplication.add(id(1), SequenceNumber{6}, kStart + 1);
  EXPECT_EQ(deduplication.find(id(1)), SequenceNumber{5});
  EXPECT_FALSE(deduplication.find(id(2)));
}

TEST(Deduplication, ForgetsAfterFiveMinutesAndNotBefore) {
  Deduplication deduplication;
  deduplication.add(id(1), SequenceNumber{5}, kStart);
  deduplication.add(id(2), SequenceNumber{6}, kStart + 1);
  deduplication.prune(kStart + limits::kDeduplicationWindow - 1);
  EXPECT_TRUE(deduplication.find(id(1)));
  deduplication.prune(kStart + limits::kDeduplicationWindow);
  EXPECT_FALSE(deduplication.find(id(1)));
  EXPECT_TRUE(deduplication.find(id(2)));
  EXPECT_EQ(deduplication.oldest(), kStart + 1);
  deduplication.prune(kStart + 1 + limits::kDeduplicationWindow);
  EXPECT_EQ(deduplication.count(), 0u);
  EXPECT_EQ(deduplication.oldest(), kNever);
}

TEST(Deduplication, ALaterSendOfAnIdCountsWhereBothAreRestored) {
  Deduplication deduplication;
  const Timestamp later = kStart + limits::kDeduplicationWindow;
  deduplication.restore({{id(1), SequenceNumber{5}, kStart},
                         {id(2), SequenceNumber{6}, kStart},
                         {id(1), SequenceNumber{7}, later}});
  EXPECT_EQ(deduplication.find(id(1)), SequenceNumber{7});
  EXPECT_EQ(deduplication.find(id(2)), SequenceNumber{6});
  deduplication.prune(later);
  EXPECT_EQ(deduplication.find(id(1)), SequenceNumber{7});
  EXPECT_FALSE(deduplication.find(id(2)));
  deduplication.prune(later + limits::kDeduplicationWindow);
  EXPECT_EQ(deduplication.count(), 0u);
}

TEST(Deduplication, HoldsAMillionIdsInSeventyBytesEach) {
  constexpr std::uint64_t kMillion = 1'000'000;
  Deduplication deduplication;
  for (std::uint64_t number = 0; number < kMillion; ++number) {
    deduplication.add(id(number), SequenceNumber{number}, kStart);
  }
  EXPECT_EQ(deduplication.count(), kMillion);
  EXPECT_LE(deduplication.bytes(), kMillion * 70);
  EXPECT_EQ(deduplication.find(id(777'777)), SequenceNumber{777'777});
  deduplication.clear();
  EXPECT_EQ(deduplication.bytes(), Deduplication().bytes());
}

}  // namespace
}  // namespace millrace
