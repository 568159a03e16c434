#include "server/scrape.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "observe/exposition.h"
#include "service/telemetry.h"

namespace millrace {

namespace {

// Shards number their queues from 1 on; the shard stands above.
std::uint64_t made(const QueueInfoPointer& queue) {
  constexpr std::uint64_t kNumber = (std::uint64_t{1} << limits::kQueueIdShardShift) - 1;
  return queue->id.value() & kNumber;
}

}  // namespace

boost::asio::awaitable<std::string> scrape(const Service& service, std::size_t queues_max) {
  co_await take_measurements(service);
  const Telemetry& telemetry = *service.telemetry;
  Scrape told;
  told.now = telemetry.clock.now();
  told.version = telemetry.facts.version;
  told.values = telemetry.metrics.values();
  told.process = read_process();
  told.memory_limit_bytes = telemetry.facts.memory_limit_bytes;
  told.all = telemetry.history.totals();
  std::vector<QueueInfoPointer> queues = service.directory.all();
  std::ranges::sort(queues, {}, [](const QueueInfoPointer& queue) {
    return std::pair(made(queue), queue->id.value());
  });
  for (const QueueInfoPointer& queue : queues) {
    const std::optional<QueueTotals> totals = telemetry.history.totals_of(queue->id);
    if (!totals) continue;  // its shard does not answer
    if (told.queues.size() < queues_max) {
      told.queues.push_back({queue->account.text(), queue->name.text(), *totals});
      continue;
    }
    if (!told.others) told.others = Scrape::Queue{"", "(others)", {}};
    told.others->totals.traffic += totals->traffic;
    told.others->totals.gauges += totals->gauges;
  }
  co_return exposition(told);
}

}  // namespace millrace
