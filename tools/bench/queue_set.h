// QueueSet: the queues of a run, created at its start and, if they are its own, deleted at its end.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "bench/options.h"

namespace millrace::bench {

class QueueSet {
 public:
  /// With options.queue, queues of that name are created or found, and stay; otherwise new ones are
  /// made whose names hold `run_tag`. Several queues get "-0", "-1", ... behind the name, FIFO
  /// queues ".fifo" behind that.
  /// Throws BenchError if the server refuses.
  QueueSet(const Options& options, std::uint32_t run_tag);
  /// Deletes the queues if they are the run's own; a failure to do so is ignored.
  ~QueueSet();
  QueueSet(const QueueSet&) = delete;
  QueueSet& operator=(const QueueSet&) = delete;

  const std::vector<std::string>& urls() const { return urls_; }
  /// The queues that client `index` of `clients` uses: all of them are used by somebody, and with
  /// more clients than queues each has one queue.
  std::vector<std::string> share_of(std::size_t index, std::size_t clients) const;

 private:
  SqsSettings server_;
  bool own_;
  std::vector<std::string> urls_;
};

/// A new tag for a run: 24 bits of the clock.
std::uint32_t make_run_tag();

}  // namespace millrace::bench
