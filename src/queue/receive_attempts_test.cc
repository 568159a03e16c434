#include "queue/receive_attempts.h"

#include <gtest/gtest.h>

#include "base/limits.h"

namespace millrace {
namespace {

constexpr Timestamp kStart{1'000};
constexpr Fingerprint kAttempt{1};

AttemptRecord record(Timestamp began_at, std::uint64_t sequence) {
  return {began_at, began_at + 30'000, {{SequenceNumber{sequence}, 1, 1}}};
}

TEST(ReceiveAttempts, AreForgottenAfterFiveMinutesAndNotBefore) {
  ReceiveAttempts attempts;
  EXPECT_EQ(attempts.find(kAttempt), nullptr);
  attempts.put(kAttempt, record(kStart, 7));
  attempts.prune(kStart + limits::kReceiveAttemptWindow - 1);
  ASSERT_NE(attempts.find(kAttempt), nullptr);
  EXPECT_EQ(attempts.find(kAttempt)->deliveries.front().sequence, SequenceNumber{7});
  attempts.prune(kStart + limits::kReceiveAttemptWindow);
  EXPECT_EQ(attempts.find(kAttempt), nullptr);
  EXPECT_EQ(attempts.oldest(), kNever);
}

TEST(ReceiveAttempts, ALaterOneTakesThePlaceOfAnEarlierOneOfTheSameId) {
  ReceiveAttempts attempts;
  attempts.put(kAttempt, record(kStart, 7));
  attempts.put(kAttempt, record(kStart + 10, 8));
  attempts.prune(kStart + limits::kReceiveAttemptWindow);
  ASSERT_NE(attempts.find(kAttempt), nullptr);
  EXPECT_EQ(attempts.find(kAttempt)->deliveries.front().sequence, SequenceNumber{8});
}

}  // namespace
}  // namespace millrace
