#include "bench/sqs_client.h"

#include <utility>

#include "base/check.h"
#include "bench/bench_error.h"

namespace millrace::bench {
namespace {

constexpr Nanoseconds kAdminPatience = 10 * kSecond;
constexpr std::size_t kReasonBytesMax = 300;
constexpr unsigned kOk = 200;

std::string describe(unsigned status, std::string_view body) {
  return "HTTP " + std::to_string(status) + " " + std::string(body.substr(0, kReasonBytesMax));
}

}  // namespace

std::size_t HttpConnection::on_input(std::string_view input) {
  std::size_t done = 0;
  while (done < input.size()) {
    HttpReply reply;
    std::size_t taken = 0;
    switch (read_http_reply(input.substr(done), reply, taken)) {
      case HttpRead::whole:
        done += taken;
        on_reply(reply);
        break;
      case HttpRead::incomplete:
        return done;
      case HttpRead::malformed:
        on_reply({.status = 0, .body = "no HTTP reply with a Content-Length"});
        return input.size();
    }
  }
  return done;
}

SqsClient::SqsClient(EventLoop& loop, ClientEvents& events, const SqsSettings& settings,
                     const Bodies& bodies, std::vector<std::string> queue_urls)
    : HttpConnection(loop, settings.endpoint),
      events_(events),
      bodies_(bodies),
      protocol_(settings.protocol),
      fixed_replies_(settings.fixed_replies),
      wait_seconds_(queue_urls.size() == 1 ? settings.wait_seconds : 0),
      requests_(settings.protocol, settings.endpoint.authority(), settings.credentials,
                settings.groups, settings.tenants),
      queue_urls_(std::move(queue_urls)) {
  CHECK(!queue_urls_.empty());
}

const std::string& SqsClient::next_queue() {
  queue_ = queue_after_;
  queue_after_ = (queue_after_ + 1) % queue_urls_.size();
  return queue_urls_[queue_];
}

void SqsClient::send(std::uint64_t first_number, std::size_t count) {
  CHECK(operation_ == Operation::none);
  operation_ = Operation::send;
  sent_count_ = count;
  requests_.send(out(), next_queue(), bodies_, first_number, count);
  flush();
}

void SqsClient::receive(std::size_t count_max) {
  CHECK(operation_ == Operation::none);
  operation_ = Operation::receive;
  requests_.receive(out(), next_queue(), count_max, wait_seconds_);
  flush();
}

void SqsClient::remove() {
  CHECK(operation_ == Operation::none && !handles_.empty());
  operation_ = Operation::remove;
  requests_.remove(out(), queue_urls_[queue_], handles_);
  flush();
}

bool SqsClient::acknowledges_send(std::string_view reply) {
  if (fixed_replies_) {
    return true;
  }
  find_values(protocol_, reply, "MessageId", values_);
  return values_.size() == sent_count_;
}

void SqsClient::take_messages(std::string_view reply) {
  find_values(protocol_, reply, "ReceiptHandle", values_);
  handles_.assign(values_.begin(), values_.end());
  find_values(protocol_, reply, "Body", values_);
  numbers_.clear();
  for (const std::string_view body : values_) {
    numbers_.push_back(number_of_body(body).value_or(0));
  }
}

void SqsClient::on_reply(const HttpReply& reply) {
  const Operation ended = std::exchange(operation_, Operation::none);
  if (reply.status != kOk) {
    events_.on_failed(describe(reply.status, reply.body), reply.status != 0);
    return;
  }
  switch (ended) {
    case Operation::none:
      events_.on_failed("a reply that nothing was asked for", true);
      return;
    case Operation::send:
      if (acknowledges_send(reply.body)) {
        events_.on_sent();
      } else {
        events_.on_failed(describe(reply.status, reply.body), true);
      }
      return;
    case Operation::receive:
      take_messages(reply.body);
      if (handles_.size() == numbers_.size()) {
        events_.on_received(numbers_);
      } else {
        events_.on_failed(describe(reply.status, reply.body), true);
      }
      return;
    case Operation::remove:
      if (has_failed_entry(reply.body)) {
        events_.on_failed(describe(reply.status, reply.body), true);
      } else {
        events_.on_removed();
      }
      return;
  }
}

void SqsClient::on_lost(std::string_view reason) {
  operation_ = Operation::none;
  events_.on_failed(reason, false);
}

SqsAdmin::SqsAdmin(EventLoop& loop, const SqsSettings& settings)
    : HttpConnection(loop, settings.endpoint),
      loop_(loop),
      protocol_(settings.protocol),
      encrypted_(settings.encrypted),
      requests_(settings.protocol, settings.endpoint.authority(), settings.credentials,
                settings.groups) {}

std::string SqsAdmin::create_queue(std::string_view name) {
  requests_.create_queue(out(), name, encrypted_);
  const std::string reply = call();
  std::vector<std::string_view> urls;
  find_values(protocol_, reply, "QueueUrl", urls);
  if (urls.size() != 1) {
    throw BenchError("no queue URL in the reply: " + describe(status_, reply));
  }
  return std::string(urls[0]);
}

void SqsAdmin::delete_queue(std::string_view queue_url) {
  requests_.delete_queue(out(), queue_url);
  call();
}

std::string SqsAdmin::call() {
  answered_ = false;
  flush();
  const Nanoseconds give_up_at = monotonic_now() + kAdminPatience;
  while (!answered_) {
    if (monotonic_now() >= give_up_at) {
      throw BenchError("the server does not answer");
    }
    loop_.turn(give_up_at);
  }
  if (status_ != kOk) {
    throw BenchError("the server refuses: " + describe(status_, reply_));
  }
  return reply_;
}

void SqsAdmin::on_reply(const HttpReply& reply) {
  answered_ = true;
  status_ = reply.status;
  reply_ = reply.body;
}

void SqsAdmin::on_lost(std::string_view reason) {
  answered_ = true;
  status_ = 0;
  reply_ = reason;
}

}  // namespace millrace::bench
