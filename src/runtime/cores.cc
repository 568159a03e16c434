#include "runtime/cores.h"

#include "base/check.h"

namespace millrace {

Cores::Cores(unsigned io_threads, unsigned background_threads)
    : background_(background_threads) {
  CHECK(io_threads > 0);
  for (unsigned i = 0; i < io_threads; ++i) {
    // One thread each: Asio then needs no wake-up for what a core posts to itself.
    contexts_.push_back(std::make_unique<boost::asio::io_context>(1));
    guards_.emplace_back(contexts_.back()->get_executor());
  }
}

Cores::~Cores() {
  stop();
  background_.stop();
  background_.join();
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
