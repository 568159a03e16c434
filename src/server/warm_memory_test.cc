#include "server/warm_memory.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstdint>
#include <vector>

namespace millrace {
namespace {

constexpr std::size_t kSystemPage = 4096;

// The bytes behind which there is memory.
std::size_t touched(const WarmMemory& memory) {
  std::vector<unsigned char> resident(memory.size() / kSystemPage);
  EXPECT_EQ(mincore(memory.start(), memory.size(), resident.data()), 0);
  std::size_t bytes = 0;
  for (const unsigned char page : resident) bytes += (page & 1) * kSystemPage;
  return bytes;
}

TEST(WarmMemory, IsAlignedAndTakesNothingYet) {
  const WarmMemory memory(1, 0);
  EXPECT_EQ(memory.size(), WarmMemory::kAlignment);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory.start()) % WarmMemory::kAlignment, 0U);
  EXPECT_EQ(touched(memory), 0U);
}

TEST(WarmMemory, IsTouchedInPagesAsFarAsWasAskedFor) {
  WarmMemory memory(WarmMemory::kAlignment, 0);
  memory.extend(WarmMemory::kPage + 1);
  EXPECT_EQ(touched(memory), 2 * WarmMemory::kPage);
  memory.extend(WarmMemory::kPage);
  EXPECT_EQ(touched(memory), 3 * WarmMemory::kPage);
}

TEST(WarmMemory, IsTouchedAheadOnce) {
  WarmMemory memory(WarmMemory::kAlignment, 4 * WarmMemory::kPage);
  memory.extend(WarmMemory::kPage);
  EXPECT_EQ(touched(memory), 5 * WarmMemory::kPage);
  memory.extend(WarmMemory::kPage);
  EXPECT_EQ(touched(memory), 6 * WarmMemory::kPage);
}

TEST(WarmMemory, PassesOverWhatIsInUseAndKeepsIt) {
  WarmMemory memory(WarmMemory::kAlignment, 0);
  char* const used = static_cast<char*>(memory.start());
  used[0] = 'a';
  used[kSystemPage] = 'b';
  memory.extend(WarmMemory::kPage);
  EXPECT_EQ(used[0], 'a');
  EXPECT_EQ(used[kSystemPage], 'b');
  std::vector<unsigned char> resident(1);
  ASSERT_EQ(mincore(used + WarmMemory::kPage, 1, resident.data()), 0);
  EXPECT_EQ(resident[0] & 1, 1) << "the page behind the one in use";
}

TEST(WarmMemory, EndsWhereItEnds) {
  WarmMemory memory(WarmMemory::kAlignment, 0);
  memory.extend(4 * WarmMemory::kAlignment);
  EXPECT_EQ(touched(memory), WarmMemory::kAlignment);
  memory.extend(WarmMemory::kPage);
  EXPECT_EQ(touched(memory), WarmMemory::kAlignment);
}

}  // namespace
}  // namespace millrace
