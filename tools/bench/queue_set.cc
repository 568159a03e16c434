#include "bench/queue_set.h"

#include <array>
#include <cstdio>

#include "bench/bench_error.h"

namespace millrace::bench {

QueueSet::QueueSet(const Options& options, std::uint32_t run_tag)
    : server_(options.server), own_(options.queue.empty()) {
  std::string name = options.queue;
  if (own_) {
    std::array<char, 16> digits{};
    std::snprintf(digits.data(), digits.size(), "%06x", run_tag);
    name = std::string("millrace-bench-") + digits.data();
  }
  EventLoop loop;
  SqsAdmin admin(loop, server_);
  for (std::size_t i = 0; i < options.queues; ++i) {
    std::string numbered = name;
    if (options.queues > 1) numbered.append("-").append(std::to_string(i));
    if (server_.groups > 0) numbered.append(".fifo");
    urls_.push_back(admin.create_queue(numbered));
  }
}

QueueSet::~QueueSet() {
  if (!own_) {
    return;
  }
  try {
    EventLoop loop;
    SqsAdmin admin(loop, server_);
    for (const std::string& url : urls_) {
      admin.delete_queue(url);
    }
  } catch (const BenchError& error) {
    std::fprintf(stderr, "millrace-bench: a queue is left behind: %s\n", error.what());
  }
}

std::vector<std::string> QueueSet::share_of(std::size_t index, std::size_t clients) const {
  if (clients >= urls_.size()) {
    return {urls_[index % urls_.size()]};
  }
  std::vector<std::string> share;
  for (std::size_t i = index; i < urls_.size(); i += clients) {
    share.push_back(urls_[i]);
  }
  return share;
}

std::uint32_t make_run_tag() {
  // Milliseconds, so that runs in a row have different tags.
  timespec time{};
  clock_gettime(CLOCK_REALTIME, &time);
  const auto milliseconds = static_cast<std::uint64_t>(time.tv_sec) * 1000 +
                            static_cast<std::uint64_t>(time.tv_nsec) / 1'000'000;
  return static_cast<std::uint32_t>(milliseconds & 0xffffff);
}

}  // namespace millrace::bench
