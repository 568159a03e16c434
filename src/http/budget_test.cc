#include "http/budget.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace millrace {
namespace {

TEST(MemoryBudget, TakesAndGivesBack) {
  MemoryBudget budget(100);
  {
    MemoryUnits units;
    ASSERT_TRUE(budget.try_take(70, units));
    EXPECT_EQ(units.bytes(), 70u);
    MemoryUnits more;
    EXPECT_FALSE(budget.try_take(31, more));
    EXPECT_EQ(more.bytes(), 0u);
    units.shrink(20);
    EXPECT_EQ(budget.free(), 80u);
    MemoryUnits moved(std::move(units));
    EXPECT_EQ(moved.bytes(), 20u);
  }
  EXPECT_EQ(budget.free(), 100u);
}

TEST(MemoryBudget, GrantsInOrderOfArrival) {
  MemoryBudget budget(100);
  MemoryUnits held;
  ASSERT_TRUE(budget.try_take(90, held));
  std::string granted;
  MemoryBudget::Waiter large([&] { granted += 'L'; });
  MemoryBudget::Waiter small([&] { granted += 'S'; });
  budget.wait(60, large);
  budget.wait(5, small);
  MemoryUnits late;
  EXPECT_FALSE(budget.try_take(1, late)) << "overtook those who wait";
  held.shrink(50);
  EXPECT_EQ(granted, "") << "the small one overtook the large one";
  held.shrink(0);
  EXPECT_EQ(granted, "LS");
  EXPECT_EQ(budget.free(), 35u);
  MemoryUnits taken = large.take();
  EXPECT_EQ(taken.bytes(), 60u);
}

TEST(MemoryBudget, WithdrawingLetsOthersMoveUp) {
  MemoryBudget budget(100);
  MemoryUnits held;
  ASSERT_TRUE(budget.try_take(90, held));
  std::string granted;
  MemoryBudget::Waiter large([&] { granted += 'L'; });
  MemoryBudget::Waiter small([&] { granted += 'S'; });
  budget.wait(60, large);
  budget.wait(10, small);
  budget.withdraw(large);
  EXPECT_EQ(granted, "S");
  EXPECT_FALSE(large.granted());
  budget.withdraw(large);
}

TEST(MemoryBudget, GrantedBytesComeBackWithTheWaiter) {
  MemoryBudget budget(10);
  {
    MemoryUnits held;
    ASSERT_TRUE(budget.try_take(10, held));
    MemoryBudget::Waiter waiter([] {});
    budget.wait(10, waiter);
    held.shrink(0);
    EXPECT_TRUE(waiter.granted());
    EXPECT_EQ(budget.free(), 0u);
  }
  EXPECT_EQ(budget.free(), 10u);
}

}  // namespace
}  // namespace millrace
