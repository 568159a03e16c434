#include "http/chunk_decoder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"

namespace millrace {
namespace {

using Progress = ChunkDecoder::Progress;

struct Outcome {
  Progress progress = Progress::need_more;
  unsigned status = 0;
  std::string body;
  std::string behind;

  friend bool operator==(const Outcome&, const Outcome&) = default;
};

/// Decodes `coded`, fed in pieces of up to `piece_max` bytes that `random` chooses.
Outcome decode(std::string_view coded, const RequestLimits& limits, std::size_t piece_max,
               Random& random) {
  ChunkDecoder decoder(limits);
  std::string bytes;
  Outcome outcome;
  while (outcome.progress == Progress::need_more && !coded.empty()) {
    const std::size_t size = std::min<std::size_t>(coded.size(), 1 + random.below(piece_max));
    bytes += coded.substr(0, size);
    coded.remove_prefix(size);
    outcome.progress = decoder.decode(bytes);
    if (outcome.progress == Progress::failed) {
      outcome.status = decoder.status();
      return outcome;
    }
    bytes.resize(decoder.kept_size());
  }
  outcome.body = bytes.substr(0, decoder.body_size());
  outcome.behind = bytes.substr(decoder.body_size()) + std::string(coded);
  return outcome;
}

/// As above, in one piece, byte by byte and at random; fails the test if they differ.
Outcome decode(std::string_view coded, const RequestLimits& limits = {}) {
  const std::uint64_t seed = std::random_device{}();
  Random random(seed);
  ChunkDecoder decoder(limits);
  std::string whole(coded);
  Outcome outcome;
  outcome.progress = decoder.decode(whole);
  if (outcome.progress == Progress::failed) {
    outcome.status = decoder.status();
  } else {
    outcome.body = whole.substr(0, decoder.body_size());
    outcome.behind = whole.substr(decoder.body_size(), decoder.kept_size() - decoder.body_size());
  }
  EXPECT_EQ(decode(coded, limits, 1, random), outcome) << "byte by byte: " << coded;
  for (int round = 0; round < 20; ++round) {
    EXPECT_EQ(decode(coded, limits, 9, random), outcome) << "seed " << seed << ": " << coded;
  }
  return outcome;
}

TEST(ChunkDecoder, DecodesInPlace) {
  EXPECT_EQ(decode("0\r\n\r\n"), (Outcome{Progress::complete, 0, "", ""}));
  EXPECT_EQ(decode("5\r\nhello\r\n00B\r\n, wonderful\r\n0\r\n\r\nGET /"),
            (Outcome{Progress::complete, 0, "hello, wonderful", "GET /"}));
  EXPECT_EQ(decode("a;x=\"y\";z\r\n0\r\n\r\n12345\r\n000;last\r\nTrailer: 1\r\nX: 2\r\n\r\n!"),
            (Outcome{Progress::complete, 0, "0\r\n\r\n12345", "!"}));
  EXPECT_EQ(decode("5\r\nhel"), (Outcome{Progress::need_more, 0, "hel", ""}));
}

TEST(ChunkDecoder, RefusesWhatIsNotChunked) {
  using namespace std::string_literals;
  const std::vector<std::string> bad = {
      "\r\n0\r\n\r\n", "x\r\n",           "-1\r\n",           "+1\r\nx",
      "0x1\r\nx",      " 1\r\nx",         "1 \r\nx",          "1\nx",
      "1\rx",          "1\r\nxy\r\n",     "1\r\nx\n0\r\n",    "1\r\nx\r0",
      "1;a\nb\r\nx",   "1;\0\r\nx"s,      "1;a\rb\r\nx",      "0\r\n\n",
      "0\r\n\rX",      "0\r\nA: b\n\r\n", "0\r\nA: \x01\r\n", "1\r\nx\r\n\r\n",
  };
  for (const std::string& coded : bad) EXPECT_EQ(decode(coded).status, 400u) << coded;
}

TEST(ChunkDecoder, HoldsToItsLimits) {
  RequestLimits limits;
  limits.body_bytes = 10;
  limits.chunk_waste_bytes = 20;
  EXPECT_EQ(decode("a\r\n0123456789\r\n0\r\n\r\n", limits).body, "0123456789");
  EXPECT_EQ(decode("b\r\n", limits).status, 413u);
  EXPECT_EQ(decode("9\r\n012345678\r\n2\r\n", limits).status, 413u);
  EXPECT_EQ(decode("ffffffffffffffff\r\n", limits).status, 413u);
  EXPECT_EQ(decode("10000000000000001\r\n", limits).status, 413u);
  EXPECT_EQ(decode("1;" + std::string(20, 'e') + "\r\nx\r\n", limits).progress,
            Progress::need_more);
  EXPECT_EQ(decode("1;" + std::string(21, 'e') + "\r\nx\r\n", limits).status, 400u);
  EXPECT_EQ(decode("0\r\nT: " + std::string(18, 't') + "\r\n\r\n", limits).status, 400u);
  EXPECT_EQ(decode(std::string(21, '0'), limits).status, 400u);
}

}  // namespace
}  // namespace millrace
