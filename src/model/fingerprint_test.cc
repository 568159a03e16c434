#include "model/fingerprint.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

constexpr std::array<std::uint8_t, 32> kKey{1};
constexpr std::array<std::uint8_t, 32> kOtherKey{2};

TEST(Fingerprint, IsTheSameForTheSameUnderOneKey) {
  const Fingerprinter fingerprints(kKey);
  EXPECT_EQ(fingerprints.group("a"), Fingerprinter(kKey).group("a"));
  EXPECT_NE(fingerprints.group("a"), fingerprints.group("b"));
  EXPECT_NE(fingerprints.group("a"), Fingerprinter(kOtherKey).group("a"));
  EXPECT_EQ(fingerprints.deduplication("", "a"), fingerprints.deduplication("", "a"));
  EXPECT_NE(fingerprints.deduplication("", "a"), fingerprints.deduplication("", "b"));
}

TEST(Fingerprint, TellsAGroupAndAnIdApart) {
  const Fingerprinter fingerprints(kKey);
  EXPECT_NE(fingerprints.deduplication("ab", "c"), fingerprints.deduplication("a", "bc"));
  EXPECT_NE(fingerprints.deduplication("", "a"), fingerprints.receive_attempt("a"));
}

TEST(Fingerprint, OfAMoveTaskIsAUuidOfVersion4) {
  const Fingerprinter fingerprints(kKey);
  const Fingerprint id = fingerprints.move_task(QueueId{1}, 1);
  EXPECT_EQ(id[6] >> 4, 4);
  EXPECT_EQ(id[8] >> 6, 2);
  EXPECT_EQ(id, Fingerprinter(kKey).move_task(QueueId{1}, 1));
  EXPECT_NE(id, fingerprints.move_task(QueueId{1}, 2));
  EXPECT_NE(id, fingerprints.move_task(QueueId{2}, 1));
}

}  // namespace
}  // namespace millrace
