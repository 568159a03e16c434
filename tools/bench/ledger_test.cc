#include "bench/ledger.h"

#include <gtest/gtest.h>

#include <array>

namespace millrace::bench {
namespace {

using Numbers = std::vector<std::uint64_t>;

TEST(Ledger, ASettledRunHasNoLossAndNoDuplicates) {
  Ledger ledger(0x123456);
  const std::uint64_t first = ledger.take(2);
  EXPECT_EQ(first, 0x1234560000000000U);
  ledger.acknowledge(first, 2);
  EXPECT_FALSE(ledger.settled());
  ledger.receive(Numbers{first, first + 1});
  ledger.remove(Numbers{first, first + 1});
  EXPECT_TRUE(ledger.settled());
  const LedgerTotals totals = ledger.totals();
  EXPECT_EQ(totals.acknowledged, 2U);
  EXPECT_EQ(totals.received, 2U);
  EXPECT_EQ(totals.removed, 2U);
  EXPECT_EQ(totals.lost, 0U);
  EXPECT_EQ(totals.duplicates, 0U);
}

TEST(Ledger, CountsWhatWasAcknowledgedAndNeverCame) {
  Ledger ledger(1);
  const std::uint64_t first = ledger.take(3);
  ledger.acknowledge(first, 3);
  ledger.receive(Numbers{first + 1});
  EXPECT_EQ(ledger.totals().lost, 2U);
}

TEST(Ledger, CountsEveryReceiptAfterTheFirst) {
  Ledger ledger(1);
  const std::uint64_t first = ledger.take(1);
  ledger.acknowledge(first, 1);
  for (int i = 0; i < 100; ++i) {
    ledger.receive(Numbers{first});
  }
  EXPECT_EQ(ledger.totals().duplicates, 99U);
  EXPECT_EQ(ledger.totals().received, 1U);
}

TEST(Ledger, AMessageMayBeRemovedBeforeItsSenderHearsOfIt) {
  Ledger ledger(1);
  const std::uint64_t first = ledger.take(1);
  ledger.receive(Numbers{first});
  ledger.remove(Numbers{first});
  EXPECT_EQ(ledger.totals().unconfirmed, 1U);
  ledger.acknowledge(first, 1);
  EXPECT_TRUE(ledger.settled());
  EXPECT_EQ(ledger.totals().unconfirmed, 0U);
}

TEST(Ledger, KnowsTheMessagesOfOtherRuns) {
  Ledger ledger(1);
  const std::uint64_t first = ledger.take(1);
  ledger.receive(Numbers{first + 1, 2ULL << 40});
  EXPECT_EQ(ledger.totals().foreign, 2U);
  EXPECT_EQ(ledger.totals().received, 0U);
}

}  // namespace
}  // namespace millrace::bench
