// Cores: the server's I/O threads, one io_context each, the background threads for what blocks, and
// one thread that looks at messages for the console when nobody else needs the processor.
//
// The thread that calls run() is the first of them. A connection stays on the core that accepted
// it; a shard belongs to one core.
#pragma once

#include <memory>
#include <thread>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>

namespace millrace {

class Cores {
 public:
  /// @param io_threads at least 1. @param background_threads at least 1.
  Cores(unsigned io_threads, unsigned background_threads);
  /// Stops and joins whatever still runs.
  ~Cores();
  Cores(const Cores&) = delete;
  Cores& operator=(const Cores&) = delete;

  std::size_t count() const { return contexts_.size(); }
  boost::asio::io_context& context(std::size_t core) { return *contexts_[core]; }
  boost::asio::thread_pool& background() { return background_; }
  boost::asio::thread_pool& looking() { return looking_; }

  /// Runs all cores, the first on this thread, until stop().
  void run();
  /// Lets run() return once each core's current handler has. Any thread.
  void stop();

 private:
  using Guard = boost::asio::executor_work_guard<boost::asio::io_context::executor_type>;

  std::vector<std::unique_ptr<boost::asio::io_context>> contexts_;
  std::vector<Guard> guards_;
  std::vector<std::thread> threads_;
  boost::asio::thread_pool background_;
  boost::asio::thread_pool looking_;
};

}  // namespace millrace
