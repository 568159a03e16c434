#include "server/sampler.h"

#include <chrono>
#include <exception>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "service/telemetry.h"

namespace millrace {

namespace asio = boost::asio;

Sampler::Sampler(asio::io_context& context, const Service& service)
    : service_(service), timer_(context) {}

void Sampler::start() {
  asio::co_spawn(timer_.get_executor(), run(), [](const std::exception_ptr& failure) {
    if (failure) std::rethrow_exception(failure);
  });
}

void Sampler::stop() {
  stopping_ = true;
  timer_.cancel();
}

asio::awaitable<void> Sampler::run() {
  constexpr std::chrono::seconds kInterval(1);
  while (!stopping_) {
    timer_.expires_after(kInterval);
    boost::system::error_code cancelled;
    co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
    if (!cancelled) co_await take_measurements(service_);
  }
}

}  // namespace millrace
