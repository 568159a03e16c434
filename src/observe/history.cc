#include "observe/history.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace millrace {

namespace {

constexpr std::array<HistoryStep, kHistorySteps> kSteps = {HistoryStep::second, HistoryStep::minute,
                                                           HistoryStep::hour};

std::uint32_t fitting(std::uint64_t count) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint32_t>::max();
  return static_cast<std::uint32_t>(std::min(count, kMost));
}

void add_to(std::uint32_t& count, std::uint64_t more) {
  count = fitting(count + more);
}

}  // namespace

HistorySpan HistorySpan::of(HistoryStep step, std::optional<Timestamp> from,
                            std::optional<Timestamp> to, Timestamp now) {
  const HistoryRing& ring = millrace::ring_of(step);
  const auto number = [&ring](Timestamp moment) { return moment.milliseconds / ring.length; };
  const std::int64_t newest = number(now);
  const std::int64_t oldest = newest - static_cast<std::int64_t>(ring.points) + 1;
  const std::int64_t last = to ? std::min(number(*to), newest) : newest;
  const std::int64_t first = from ? std::max(number(*from), oldest) : oldest;
  return {.step = step,
          .start = Timestamp{first * ring.length},
          .count = static_cast<std::size_t>(std::max<std::int64_t>(last - first + 1, 0))};
}

History::History(std::array<std::size_t, kHistorySteps> points_max) {
  for (std::size_t step = 0; step < kHistorySteps; ++step) {
    steps_[step].points_max = points_max[step];
  }
}

// --- points --------------------------------------------------------------------------------------

std::uint32_t History::period_of(HistoryStep step, Timestamp moment) {
  return fitting(static_cast<std::uint64_t>(std::max<std::int64_t>(moment.milliseconds, 0) /
                                            millrace::ring_of(step).length));
}

History::Gauges History::pack(const QueueGauges& gauges) {
  const bool empty = gauges.oldest_sent_at == kNever;
  return {.visible = fitting(gauges.visible),
          .in_flight = fitting(gauges.in_flight),
          .delayed = fitting(gauges.delayed),
          .waiting = fitting(gauges.waiting),
          .oldest_sent_at = empty ? 0 : period_of(HistoryStep::second, gauges.oldest_sent_at)};
}

QueueGauges History::unpack(const Gauges& gauges) {
  QueueGauges unpacked;
  unpacked.visible = gauges.visible;
  unpacked.in_flight = gauges.in_flight;
  unpacked.delayed = gauges.delayed;
  unpacked.waiting = gauges.waiting;
  if (gauges.oldest_sent_at != 0) {
    unpacked.oldest_sent_at = Timestamp{seconds(gauges.oldest_sent_at)};
  }
  return unpacked;
}

void History::add(const QueueActivity& news, Point& point) {
  add_to(point.sent, news.traffic.sent);
  add_to(point.received, news.traffic.received);
  add_to(point.deleted, news.traffic.deleted);
  add_to(point.empty_receives, news.traffic.empty_receives);
  add_to(point.dead_lettered, news.traffic.dead_lettered);
  point.sent_bytes += news.traffic.sent_bytes;
  point.gauges = pack(news.gauges);
}

QueuePoint History::unpack(const Point& point) {
  QueuePoint unpacked;
  unpacked.traffic.sent = point.sent;
  unpacked.traffic.received = point.received;
  unpacked.traffic.deleted = point.deleted;
  unpacked.traffic.empty_receives = point.empty_receives;
  unpacked.traffic.dead_lettered = point.dead_lettered;
  unpacked.traffic.sent_bytes = point.sent_bytes;
  unpacked.gauges = unpack(point.gauges);
  return unpacked;
}

// --- taking up -----------------------------------------------------------------------------------

void History::record(std::span<const QueueActivity> news, Timestamp now) {
  const std::lock_guard lock(mutex_);
  give_up_expired(now);
  for (const QueueActivity& one : news) {
    traffic_ += one.traffic;
    if (one.gone) {
      tracks_.erase(one.queue);
      continue;
    }
    const auto [it, fresh] = tracks_.try_emplace(one.queue);
    Track& track = it->second;
    if (fresh) {
      track.since = now;
      track.totals.gauges = one.gauges;
    }
    if (one.traffic != QueueTraffic{} || one.gauges != track.totals.gauges) add(track, one, now);
    track.totals.traffic += one.traffic;
    track.totals.gauges = one.gauges;
  }
  for (const HistoryStep step : kSteps) {
    const Step& shared = steps_[static_cast<std::size_t>(step)];
    while (shared.order.size() > shared.points_max) give_up_oldest(step);
  }
}

void History::add(Track& track, const QueueActivity& news, Timestamp now) {
  if (track.rings == nullptr) {
    track.rings = std::make_unique<Rings>();
    for (Ring& ring : *track.rings) ring.before = pack(track.totals.gauges);
  }
  for (const HistoryStep step : kSteps) {
    boost::circular_buffer<Point>& points = (*track.rings)[static_cast<std::size_t>(step)].points;
    const std::uint32_t period = period_of(step, now);
    if (points.empty() || points.back().period < period) {
      if (points.full()) points.set_capacity(std::max<std::size_t>(2 * points.capacity(), 4));
      points.push_back(Point{.period = period});
      steps_[static_cast<std::size_t>(step)].order.push_back(news.queue);
    }
    add(news, points.back());
  }
}

// --- giving up -----------------------------------------------------------------------------------

void History::give_up_oldest(HistoryStep step) {
  Step& shared = steps_[static_cast<std::size_t>(step)];
  const auto it = tracks_.find(shared.order.front());
  shared.order.pop_front();
  if (it == tracks_.end()) return;
  Track& track = it->second;
  Ring& ring = (*track.rings)[static_cast<std::size_t>(step)];
  shared.known = std::max(shared.known, ring.points.front().period + 1);
  ring.before = ring.points.front().gauges;
  ring.points.pop_front();
  if (ring.points.capacity() > std::max<std::size_t>(4 * ring.points.size(), 4)) {
    ring.points.set_capacity(2 * ring.points.size());
  }
  const bool none =
      std::ranges::all_of(*track.rings, [](const Ring& one) { return one.points.empty(); });
  if (none) track.rings.reset();
}

void History::give_up_expired(Timestamp now) {
  for (const HistoryStep step : kSteps) {
    Step& shared = steps_[static_cast<std::size_t>(step)];
    const std::uint64_t newest = period_of(step, now);
    while (!shared.order.empty()) {
      const auto it = tracks_.find(shared.order.front());
      if (it != tracks_.end()) {
        const Ring& ring = (*it->second.rings)[static_cast<std::size_t>(step)];
        if (ring.points.front().period + millrace::ring_of(step).points > newest) break;
      }
      give_up_oldest(step);
    }
  }
}

// --- telling -------------------------------------------------------------------------------------

std::vector<std::optional<QueuePoint>> History::points_of(QueueId queue,
                                                          const HistorySpan& span) const {
  std::vector<std::optional<QueuePoint>> told(span.count);
  const std::lock_guard lock(mutex_);
  const auto it = tracks_.find(queue);
  if (it == tracks_.end()) return told;
  const Track& track = it->second;
  const std::size_t step = static_cast<std::size_t>(span.step);
  const std::uint32_t known = std::max(period_of(span.step, track.since), steps_[step].known);
  const Ring resting{.before = pack(track.totals.gauges)};
  const Ring& ring = track.rings ? (*track.rings)[step] : resting;
  auto point = ring.points.begin();
  Gauges gauges = ring.before;
  const std::uint32_t first = period_of(span.step, span.start);
  for (std::size_t i = 0; i < span.count; ++i) {
    const std::uint32_t period = first + static_cast<std::uint32_t>(i);
    while (point != ring.points.end() && point->period < period) gauges = (point++)->gauges;
    if (period < known) continue;
    const bool here = point != ring.points.end() && point->period == period;
    told[i] = unpack(here ? *point : Point{.gauges = gauges});
  }
  return told;
}

// Where seconds had to be given up, minutes tell.
QueueRates History::rates_of(QueueId queue, Timestamp now) const {
  QueueRates rates;
  const std::lock_guard lock(mutex_);
  const auto it = tracks_.find(queue);
  if (it == tracks_.end() || it->second.rings == nullptr) return rates;
  const std::int64_t newest = now.milliseconds / QueueRates::kStep;
  const std::int64_t oldest = newest - static_cast<std::int64_t>(QueueRates::kPoints) + 1;
  const std::uint32_t known = steps_[static_cast<std::size_t>(HistoryStep::second)].known;
  const auto add = [&](HistoryStep step, bool wanted_before_known) {
    const Milliseconds length = millrace::ring_of(step).length;
    const Milliseconds slice = std::min(length, QueueRates::kStep);
    for (const Point& point : (*it->second.rings)[static_cast<std::size_t>(step)].points) {
      for (Milliseconds at = point.period * length; at < (point.period + 1) * length; at += slice) {
        const std::int64_t index = at / QueueRates::kStep - oldest;
        const bool before_known = at / QueueRates::kStep * QueueRates::kStep < seconds(known);
        if (index < 0 || index > newest - oldest || before_known != wanted_before_known) continue;
        // What the point holds, spread over the slices of it, over the length of the rate's point.
        const Milliseconds whole = index == newest - oldest
                                       ? now.milliseconds % QueueRates::kStep / 1000 * 1000 + 1000
                                       : QueueRates::kStep;
        const double share = static_cast<double>(slice) / static_cast<double>(length) * 1000.0 /
                             static_cast<double>(whole);
        rates.sent[static_cast<std::size_t>(index)] += share * point.sent;
        rates.received[static_cast<std::size_t>(index)] += share * point.received;
      }
    }
  };
  add(HistoryStep::second, false);
  add(HistoryStep::minute, true);
  return rates;
}

std::optional<QueueTotals> History::totals_of(QueueId queue) const {
  const std::lock_guard lock(mutex_);
  const auto it = tracks_.find(queue);
  if (it == tracks_.end()) return std::nullopt;
  return it->second.totals;
}

QueueTotals History::totals() const {
  const std::lock_guard lock(mutex_);
  QueueTotals all{.traffic = traffic_};
  for (const auto& [queue, track] : tracks_) all.gauges += track.totals.gauges;
  return all;
}

std::size_t History::bytes() const {
  constexpr std::size_t kNode = 2 * sizeof(void*);  // of the map, beside its value
  const std::lock_guard lock(mutex_);
  std::size_t bytes = tracks_.bucket_count() * sizeof(void*);
  for (const auto& [queue, track] : tracks_) {
    bytes += sizeof(queue) + sizeof(track) + kNode;
    if (track.rings == nullptr) continue;
    bytes += sizeof(Rings);
    for (const Ring& ring : *track.rings) bytes += ring.points.capacity() * sizeof(Point);
  }
  for (const Step& step : steps_) bytes += step.order.size() * sizeof(QueueId);
  return bytes;
}

}  // namespace millrace
