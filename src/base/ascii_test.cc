#include "base/ascii.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

TEST(Trimmed, LosesSpacesAndTabsAtItsEndsOnly) {
  EXPECT_EQ(trimmed(" \t a\t b \t"), "a\t b");
  EXPECT_EQ(trimmed("a"), "a");
  EXPECT_EQ(trimmed("\na "), "\na");
  EXPECT_EQ(trimmed(" \t"), "");
  EXPECT_EQ(trimmed(""), "");
}

}  // namespace
}  // namespace millrace
