#include "storage/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"
#include "storage/checksum.h"
#include "support/fault_log_directory.h"
#include "support/store_calls.h"

namespace millrace {
namespace {

constexpr std::uint64_t kSegmentBytes = std::uint64_t{48} << 10;
constexpr LogPosition kStart{1, 1, kSegmentHeaderBytes};

// A frame as a test remembers it.
struct Seen {
  std::string rows;
  std::vector<std::string> chunks;
  std::vector<PayloadPlace> released;
  friend bool operator==(const Seen&, const Seen&) = default;
};

class LogTest : public testing::Test {
 protected:
  StoreResult<std::unique_ptr<Log>> open(LogPosition from = kStart) {
    ++epoch_;
    replayed_.clear();
    LogOptions options;
    options.store_id = 0x1234567890abcdef;
    options.epoch = epoch_;
    options.segment_bytes = kSegmentBytes;
    std::vector<std::vector<PayloadPlace>> places;
    auto log = Log::open(disk_, options, from, [&](const LogFrame& frame) -> StoreResult<void> {
      replayed_.push_back({std::string(frame.rows), {}, frame.released});
      places.push_back(frame.places);
      return {};
    });
    for (std::size_t i = 0; log && i < replayed_.size(); ++i) {
      for (const PayloadPlace& place : places[i]) {
        auto chunk = (*log)->read(place);
        EXPECT_TRUE(chunk) << chunk.error().message();
        if (chunk) replayed_[i].chunks.push_back(**chunk);
      }
    }
    return log;
  }

  // A batch of a random shape, and what reading it back gives but for places.
  WriteBatch make_batch(Random& random, Seen& seen) {
    WriteBatch batch;
    seen = {};
    for (std::uint64_t i = random.below(4); i > 0; --i) {
      std::string body(random.chance(1, 4) ? random.below(15'000) : random.below(500), '\0');
      for (char& byte : body) byte = static_cast<char>(random.next());
      batch.add_payload(shared_bytes(body), "owner" + std::to_string(i));
      seen.chunks.push_back(body);
    }
    for (std::uint64_t i = random.below(5); i > 0; --i) {
      batch.put(Family::state, std::to_string(random.next()), std::to_string(random.next()));
    }
    if (random.chance(1, 3)) {
      batch.release({random.next(), 4711, 12});
      seen.released = batch.released();
    }
    seen.rows = batch.rows();
    return batch;
  }

  StoreResult<void> append(Log& log, const WriteBatch& batch) {
    log.append(batch);
    const auto frame = log.finish();
    EXPECT_TRUE(frame);
    return *frame ? StoreResult<void>() : frame->error();
  }

  // Fills the disk with `count` frames.
  std::vector<Seen> write_frames(std::uint64_t seed, int count) {
    Random random(seed);
    auto log = open();
    EXPECT_TRUE(log) << log.error().message();
    std::vector<Seen> written(static_cast<std::size_t>(count));
    for (Seen& seen : written) {
      EXPECT_TRUE(append(**log, make_batch(random, seen)));
      EXPECT_TRUE((*log)->prepare());
    }
    return written;
  }

  std::shared_ptr<FaultLogDirectory> disk_ = std::make_shared<FaultLogDirectory>(7);
  std::uint32_t epoch_ = 0;
  std::vector<Seen> replayed_;
};

TEST(ChecksumTest, IsCrc32c) {
  EXPECT_EQ(crc32c("123456789"), 0xe3069283u);  // the check value of CRC-32C
  EXPECT_EQ(crc32c_portable("123456789"), 0xe3069283u);
  Random random(1);
  std::string bytes(1000, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random.next());
  for (std::size_t length = 0; length < bytes.size(); length += 13) {
    const std::string_view part(bytes.data() + length % 7, length);
    EXPECT_EQ(crc32c(part), crc32c_portable(part));
    EXPECT_EQ(crc32c(part.substr(length / 2), crc32c(part.substr(0, length / 2))), crc32c(part));
  }
}

TEST_F(LogTest, GivesBackTheFramesInOrder) {
  const std::vector<Seen> written = write_frames(1, 60);
  auto log = open();
  ASSERT_TRUE(log) << log.error().message();
  EXPECT_EQ(replayed_, written);
  EXPECT_GT((*log)->head(), 2u);  // it went through several segments
}

TEST_F(LogTest, GoesOnWhereItEnded) {
  std::vector<Seen> written = write_frames(2, 5);
  Random random(3);
  for (int opening = 0; opening < 10; ++opening) {
    auto log = open();
    ASSERT_TRUE(log) << log.error().message();
    ASSERT_EQ(replayed_, written);
    written.emplace_back();
    ASSERT_TRUE(append(**log, make_batch(random, written.back())));
  }
}

TEST_F(LogTest, ReplaysOnlyFromThePositionAskedFor) {
  auto log = open();
  ASSERT_TRUE(log);
  WriteBatch batch;
  batch.put(Family::meta, "a", "1");
  (*log)->append(batch);
  const LogPosition behind = (**(*log)->finish()).next;
  batch.put(Family::meta, "b", "2");
  ASSERT_TRUE(append(**log, batch));
  log->reset();
  ASSERT_TRUE(open(behind));
  ASSERT_EQ(replayed_.size(), 1u);
  EXPECT_EQ(replayed_[0].rows, batch.rows());
}

TEST_F(LogTest, ATornTailIsTheFrameInFlightAndNoMore) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    disk_ = std::make_shared<FaultLogDirectory>(seed);
    Random random(seed);
    std::vector<Seen> written;
    for (int opening = 0; opening < 4; ++opening) {
      auto log = open();
      ASSERT_TRUE(log) << log.error().message();
      ASSERT_EQ(replayed_, written);
      for (std::uint64_t i = random.below(6); i > 0; --i) {
        written.emplace_back();
        ASSERT_TRUE(append(**log, make_batch(random, written.back())));
      }
      Seen unsure;
      (*log)->append(make_batch(random, unsure));
      if (random.chance(1, 2)) {
        disk_->process_death();
        log->reset();
        disk_->restart();
        // What the new process has read must not go with the power any more.
        ASSERT_TRUE(open());
        written.push_back(unsure);
        ASSERT_EQ(replayed_, written);
      } else {
        disk_->stop_at(1);
        EXPECT_FALSE(*(*log)->finish());
        log->reset();
      }
      disk_->power_loss();
      ASSERT_TRUE(open());
      if (replayed_.size() == written.size() + 1) {
        EXPECT_EQ(replayed_.back(), unsure);
        written.push_back(unsure);
      }
      ASSERT_EQ(replayed_, written);
    }
  }
}

TEST_F(LogTest, AFlippedBitIsDamageWhereverItMatters) {
  const std::vector<Seen> written = write_frames(4, 12);
  // Where each frame lies.
  struct Extent {
    std::uint64_t segment, begin, end;
  };
  std::vector<Extent> frames;
  std::uint64_t last_segment = 0;
  for (std::uint64_t segment = 1;; ++segment) {
    auto entries = disk_->list();
    const std::string name = segment_file_name(segment);
    if (std::none_of(entries->begin(), entries->end(),
                     [&](const auto& entry) { return entry.name == name; })) {
      break;
    }
    last_segment = segment;
    const std::string bytes = disk_->contents(name);
    for (std::uint64_t at = kSegmentHeaderBytes; at < bytes.size(); at += kLogBlockBytes) {
      const auto header = read_frame_header(std::string_view(bytes).substr(at), 0x1234567890abcdef,
                                            segment, static_cast<std::uint32_t>(at));
      if (header) frames.push_back({segment, at, at + header->bytes});
    }
  }
  ASSERT_EQ(frames.size(), written.size());

  Random random(5);
  int damage = 0;
  for (std::uint64_t segment = 1; segment <= last_segment; ++segment) {
    const std::string name = segment_file_name(segment);
    for (std::uint64_t byte = 0; byte < kSegmentBytes;) {
      const std::uint64_t bit = byte * 8 + random.below(8);
      disk_->flip_bit(name, bit);
      epoch_ = 100;  // opening does not count here
      const auto log = open();
      const auto frame = std::find_if(frames.begin(), frames.end(), [&](const Extent& extent) {
        return extent.segment == segment && extent.begin <= byte && byte < extent.end;
      });
      if (byte < 44) {  // the fields of a segment's header
        ASSERT_FALSE(log) << name << " byte " << byte;
        EXPECT_TRUE(log.error().corruption());
      } else if (frame == frames.end()) {
        ASSERT_TRUE(log) << log.error().message();
        ASSERT_EQ(replayed_, written);
      } else if (frame + 1 == frames.end()) {
        // The last frame: the same as a write that did not arrive whole.
        ASSERT_TRUE(log) << log.error().message();
        ASSERT_EQ(replayed_.size(), written.size() - 1);
      } else {
        ++damage;
        ASSERT_FALSE(log) << name << " byte " << byte;
        EXPECT_TRUE(log.error().corruption());
        EXPECT_THAT(log.error().message(), testing::HasSubstr(name));
        EXPECT_THAT(log.error().message(),
                    testing::HasSubstr("offset " + std::to_string(frame->begin)));
      }
      disk_->flip_bit(name, bit);
      // All of the headers, and samples of the rest.
      byte += byte % kLogBlockBytes < 128 ? 1 : 1 + random.below(60);
    }
  }
  EXPECT_GT(damage, 500);
}

TEST_F(LogTest, AFlippedBitInAChunkIsAnErrorWhenItIsRead) {
  auto log = open();
  ASSERT_TRUE(log);
  WriteBatch batch;
  batch.add_payload(shared_bytes(std::string(1000, 'x')), "owner");
  (*log)->append(batch);
  const PayloadPlace place = (**(*log)->finish()).places[0];
  for (std::uint64_t bit = (place.offset - kChunkHeaderBytes) * std::uint64_t{8};
       bit < (place.offset + place.length) * std::uint64_t{8}; ++bit) {
    disk_->flip_bit(segment_file_name(1), bit);
    const auto chunk = (*log)->read(place);
    ASSERT_FALSE(chunk);
    EXPECT_TRUE(chunk.error().corruption());
    disk_->flip_bit(segment_file_name(1), bit);
  }
  EXPECT_TRUE((*log)->read(place));
}

TEST_F(LogTest, AMissingSegmentIsDamage) {
  write_frames(6, 40);
  ASSERT_TRUE(disk_->remove(segment_file_name(2)));
  const auto log = open();
  ASSERT_FALSE(log);
  EXPECT_TRUE(log.error().corruption());
  EXPECT_THAT(log.error().message(), testing::HasSubstr(segment_file_name(2)));
}

TEST_F(LogTest, RetiredSegmentsAreGoneAndTheirFramesStayAway) {
  auto log = open();
  ASSERT_TRUE(log);
  WriteBatch batch;
  batch.add_payload(shared_bytes(std::string(30'000, 'x')), "owner");
  std::vector<PayloadPlace> places;
  for (int i = 0; i < 4; ++i) {
    (*log)->append(batch);
    places.push_back((**(*log)->finish()).places[0]);
  }
  ASSERT_EQ((*log)->sealed(), (std::vector<std::uint64_t>{1, 2, 3}));
  ASSERT_TRUE((*log)->retire(1));
  ASSERT_TRUE((*log)->retire(2));
  const auto gone = (*log)->read(places[0]);
  ASSERT_FALSE(gone);
  EXPECT_TRUE(gone.error().gone());
  EXPECT_FALSE(gone.error().corruption());
  EXPECT_TRUE((*log)->read(places[2]));
  // Recycled segments hold old frames, which are not taken for new ones.
  ASSERT_EQ(disk_->list()->size(), 4u);
  ASSERT_TRUE(open({4, 3, static_cast<std::uint32_t>(kSegmentHeaderBytes + (32 << 10))}));
  EXPECT_EQ(replayed_.size(), 1u);
}

TEST_F(LogTest, WithoutSpaceItUsesWhatIsReadyAndThenFails) {
  auto log = open();
  ASSERT_TRUE(log);
  ASSERT_TRUE((*log)->prepare());
  disk_->fail_creates(true);
  WriteBatch batch;
  batch.add_payload(shared_bytes(std::string(30'000, 'x')), "owner");
  EXPECT_TRUE(append(**log, batch));
  EXPECT_TRUE(append(**log, batch));
  EXPECT_FALSE((*log)->prepare());
  EXPECT_TRUE(append(**log, batch));
  EXPECT_FALSE(append(**log, batch));
  log->reset();
  ASSERT_TRUE(open());
  EXPECT_EQ(replayed_.size(), 3u);
}

TEST_F(LogTest, AFailedWriteIsReportedAndTheFrameIsUnsure) {
  const std::vector<Seen> written = write_frames(8, 3);
  auto log = open();
  ASSERT_TRUE(log);
  disk_->fail_next_write();
  WriteBatch batch;
  batch.put(Family::meta, "a", "1");
  EXPECT_FALSE(append(**log, batch));
  log->reset();
  ASSERT_TRUE(open());
  EXPECT_THAT(replayed_.size(), testing::AnyOf(3u, 4u));
}

TEST_F(LogTest, ALaterOpeningsFrameIsRefused) {
  write_frames(9, 3);
  ASSERT_TRUE(open());
  epoch_ = 0;
  ASSERT_TRUE(open());  // as the one that wrote them
  epoch_ = static_cast<std::uint32_t>(-1);
  const auto log = open();  // as one before the first
  ASSERT_FALSE(log);
  EXPECT_TRUE(log.error().corruption());
}

}  // namespace
}  // namespace millrace
