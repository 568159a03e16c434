// Sampler: has the server measure itself once a second, so that graphs have a point for each.
//
// On the thread of its io_context.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "service/handlers.h"

namespace millrace {

class Sampler {
 public:
  /// @param service with telemetry; it and the context outlive the sampler.
  Sampler(boost::asio::io_context& context, const Service& service);
  Sampler(const Sampler&) = delete;
  Sampler& operator=(const Sampler&) = delete;

  /// Begins. To be called once. The sampler lives until the context has stopped.
  void start();
  /// Ends it after the measurement that may be under way.
  void stop();

 private:
  boost::asio::awaitable<void> run();

  const Service& service_;
  boost::asio::steady_timer timer_;
  bool stopping_ = false;
};

}  // namespace millrace
