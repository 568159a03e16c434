#include "runtime/cores.h"

#include <sys/resource.h>

#include <boost/asio/post.hpp>

#include "base/check.h"

namespace millrace {

namespace {

// Of the thread that looks, in steps of the scheduler: low, and not so low that it could keep a
// lock for long where others use all of the processor.
constexpr int kLookingNice = 10;

}  // namespace

Cores::Cores(unsigned io_threads, unsigned background_threads)
    : background_(background_threads), looking_(1) {
  CHECK(io_threads > 0);
  // Of this thread alone, which Linux allows: to the kernel a thread is a process.
  boost::asio::post(looking_, [] { ::setpriority(PRIO_PROCESS, 0, kLookingNice); });
  for (unsigned i = 0; i < io_threads; ++i) {
    // One thread each: Asio then needs no wake-up for what a core posts to itself.
    contexts_.push_back(std::make_unique<boost::asio::io_context>(1));
    guards_.emplace_back(contexts_.back()->get_executor());
  }
}

Cores::~Cores() {
  stop();
  background_.stop();
  looking_.stop();
  background_.join();
  looking_.join();
  for (std::thread& thread : threads_) thread.join();
}

void Cores::run() {
  for (std::size_t core = 1; core < contexts_.size(); ++core) {
    threads_.emplace_back([this, core] { contexts_[core]->run(); });
  }
  contexts_.front()->run();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void Cores::stop() {
  for (const auto& context : contexts_) context->stop();
}

}  // namespace millrace
