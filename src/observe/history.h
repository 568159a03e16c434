// History: what every queue did lately, in steps of a second, a minute and an hour; and all that it
// has done since the server started.
//
// Each step is kept for as long as its ring is long: seconds for 15 minutes, minutes for a day,
// hours for 30 days. A queue has a point only where something happened in it, so one that rests
// costs next to nothing; between its points nothing was sent, and the gauges stood as they stood.
// All queues together have a fixed number of points (limits::kHistoryPointsMax): when they are
// used up, the oldest of that step go first, and what is no longer known is told as such.
//
// Any thread: one lock, which no request on messages takes. Shards bring news once a second and
// before anybody reads. Time is a parameter.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include <boost/circular_buffer.hpp>

#include "base/clock.h"
#include "base/limits.h"
#include "model/message.h"
#include "model/queue_activity.h"

namespace millrace {

/// The length of one point.
enum class HistoryStep : std::uint8_t { second, minute, hour };
inline constexpr std::size_t kHistorySteps = 3;

/// How long the points of a step are, and how many of them are kept.
struct HistoryRing {
  Milliseconds length = 0;
  std::size_t points = 0;
};
inline constexpr std::array<HistoryRing, kHistorySteps> kHistoryRings = {{
    {seconds(1), 15 * 60},
    {seconds(60), 24 * 60},
    {seconds(3600), 30 * 24},
}};
constexpr const HistoryRing& ring_of(HistoryStep step) {
  return kHistoryRings[static_cast<std::size_t>(step)];
}

/// The points that a reader asks for: those that begin at `start` and one `ring_of(step).length`
/// after the other, `count` of them.
struct HistorySpan {
  HistoryStep step = HistoryStep::second;
  Timestamp start;
  std::size_t count = 0;

  /// The points of a step between two moments, as far as the ring reaches back from `now`; the last
  /// one is the one that is under way. Without moments, all.
  static HistorySpan of(HistoryStep step, std::optional<Timestamp> from,
                        std::optional<Timestamp> to, Timestamp now);
};

/// One point: what happened in it, and how the queue stood at its end. Of requests at a limit and
/// of noisy groups no history is kept.
struct QueuePoint {
  QueueTraffic traffic;
  QueueGauges gauges;
};

/// What is known of a queue as a whole.
struct QueueTotals {
  QueueTraffic traffic = {};  // since the server started
  QueueGauges gauges = {};    // by the last news
};

/// Messages per second, oldest first. Where nothing is known, 0.
struct QueueRates {
  static constexpr std::size_t kPoints = 30;
  static constexpr Milliseconds kStep = seconds(30);  // together the last 15 minutes

  std::array<double, kPoints> sent{};
  std::array<double, kPoints> received{};
};

class History {
 public:
  /// @param points_max of each step, of all queues together.
  explicit History(std::array<std::size_t, kHistorySteps> points_max = limits::kHistoryPointsMax);
  History(const History&) = delete;
  History& operator=(const History&) = delete;

  /// Takes up news. @param now never before that of an earlier call by more than a moment; news
  /// that come late count for the last point.
  void record(std::span<const QueueActivity> news, Timestamp now);

  /// The rates of the last 15 minutes, as lists of queues show them. A queue that nothing is known
  /// of has been idle. The last point is the 30 seconds that are under way, by their whole length.
  QueueRates rates_of(QueueId queue, Timestamp now) const;

  /// The points of `span`, oldest first; nothing for those of which nothing is known.
  std::vector<std::optional<QueuePoint>> points_of(QueueId queue, const HistorySpan& span) const;

  /// @return nothing if there has never been news of the queue.
  std::optional<QueueTotals> totals_of(QueueId queue) const;
  /// Of all queues that there are or were: their traffic. The gauges are those of the ones that
  /// there are, the oldest message that of all.
  QueueTotals totals() const;

  /// Bytes that the points take, and what finds them.
  std::size_t bytes() const;

 private:
  // A queue's gauges and its points, packed: there may be many. What is too large for its place
  // stays at the largest that fits.
  struct Gauges {
    std::uint32_t visible = 0;
    std::uint32_t in_flight = 0;
    std::uint32_t delayed = 0;
    std::uint32_t waiting = 0;
    std::uint32_t oldest_sent_at = 0;  // seconds since 1970; 0: no message
  };
  struct Point {
    std::uint32_t period = 0;  // its number: time divided by the step's length
    std::uint32_t sent = 0;
    std::uint32_t received = 0;
    std::uint32_t deleted = 0;
    std::uint32_t empty_receives = 0;
    std::uint32_t dead_lettered = 0;
    std::uint64_t sent_bytes = 0;
    Gauges gauges = {};  // at its end
  };
  struct Ring {
    Gauges before;  // how the queue stood before the first of the points
    boost::circular_buffer<Point> points{0};
  };
  using Rings = std::array<Ring, kHistorySteps>;
  struct Track {
    QueueTotals totals;
    Timestamp since;               // the first news
    std::unique_ptr<Rings> rings;  // null while there are no points
  };
  // What all queues share of a step.
  struct Step {
    std::size_t points_max = 0;
    std::deque<QueueId> order;  // whose points there are, oldest first; some queues may be gone
    std::uint32_t known = 0;    // points of earlier periods may have been given up
  };

  static_assert(
      (limits::kHistoryPointsMax[0] + limits::kHistoryPointsMax[1] + limits::kHistoryPointsMax[2]) *
              (2 * sizeof(Point) + sizeof(QueueId)) <=
          limits::kHistoryBytesMax,
      "the points of all queues fit, though a ring may have twice the room that it needs");

  static Gauges pack(const QueueGauges& gauges);
  static QueueGauges unpack(const Gauges& gauges);
  static void add(const QueueActivity& news, Point& point);
  static QueuePoint unpack(const Point& point);
  static std::uint32_t period_of(HistoryStep step, Timestamp moment);

  void add(Track& track, const QueueActivity& news, Timestamp now);
  void give_up_oldest(HistoryStep step);
  void give_up_expired(Timestamp now);

  mutable std::mutex mutex_;
  std::unordered_map<QueueId, Track> tracks_;
  std::array<Step, kHistorySteps> steps_;
  QueueTraffic traffic_;  // of all queues, those that are gone included
};

}  // namespace millrace
