// What the tests of the handlers stand on: a service of two shards over stores in memory, on one
// thread, with a clock that the tests move. Requests are asked as the pipeline asks them.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>

#include "base/clock.h"
#include "crypt/current_keyring.h"
#include "model/message_id.h"
#include "model/receipt_handle.h"
#include "runtime/shard_driver.h"
#include "service/directory.h"
#include "service/handlers.h"
#include "service/registry.h"
#include "storage/memory_store.h"
#include "support/test_keyring.h"

namespace millrace {

/// Attributes or tags of a request, in short.
using Pairs = api::TextMap;

class ServiceFixture : public testing::Test {
 protected:
  static constexpr std::size_t kShards = 2;
  static constexpr std::string_view kBase = "http://localhost:9324";

  ServiceFixture() {
    for (std::size_t i = 0; i < kShards; ++i) {
      ShardDriverOptions options;
      options.shard.number = static_cast<std::uint16_t>(i);
      options.shard.sealer = &sealer_;
      options.shard.ids = &ids_;
      options.shard.fingerprints = &fingerprints_;
      options.shard.keys = &keys_;
      options.shard.find_queue = [this](std::string_view arn) {
        return registry_->find_queue(arn);
      };
      options.open_store = []() -> StoreResult<std::shared_ptr<Store>> {
        return std::shared_ptr<Store>(std::make_shared<MemoryStore>());
      };
      options.clock = &clock_;
      options.report = [](const std::string& text) { ADD_FAILURE() << text; };
      options.send_transfer = [this](Transfer transfer) {
        shards_[transfer.to_shard]->take_transfer(std::move(transfer));
      };
      options.answer_transfer = [this](TransferResult result) {
        shards_[result.transfer.from_shard]->take_transfer_result(std::move(result));
      };
      drivers_[i] = std::make_unique<ShardDriver>(io_, background_, std::move(options));
      shards_[i] = drivers_[i].get();
      EXPECT_TRUE(drivers_[i]->open());
    }
    registry_ =
        std::make_unique<Registry>(Registry::Options{.region = kRegion}, directory_, shards_);
    service_ = std::make_unique<Service>(Service{.directory = directory_,
                                                 .registry = *registry_,
                                                 .shards = shards_,
                                                 .sealer = sealer_,
                                                 .region = kRegion});
    context_ = std::make_unique<Context>(Context{
        .service = *service_,
        .caller = std::make_shared<const Caller>(caller_of_user(kAccount, kRootUser, "root")),
        .action = "AnAction",
        .base_url = std::string(kBase),
        .source_address = "127.0.0.1"});
  }
  ~ServiceFixture() override {
    std::size_t stopped = 0;
    for (ShardDriver* shard : shards_) shard->stop([&stopped] { ++stopped; });
    while (stopped < kShards) io_.run_one();
    background_.join();
  }

  /// From now on requests are those of this caller.
  void call_as(Caller caller) {
    context_->caller = std::make_shared<const Caller>(std::move(caller));
  }

  /// Moves the clock. What is due by then is done before the next request.
  void advance(Milliseconds by) {
    clock_.advance(by);
    for (ShardDriver* shard : shards_) shard->wake();
  }

  /// Runs until `task` is done. @return what it returned.
  template <class T>
  T run(boost::asio::awaitable<T> task) {
    // On the heap: GCC 12 takes an optional that is set in a callback for unset.
    const auto result = std::make_unique<std::optional<T>>();
    std::exception_ptr failure;
    const auto keep = [](std::optional<T>& into,
                         boost::asio::awaitable<T> from) -> boost::asio::awaitable<void> {
      into.emplace(co_await std::move(from));
    };
    bool done = false;
    boost::asio::co_spawn(io_, keep(*result, std::move(task)), [&](std::exception_ptr error) {
      failure = std::move(error);
      done = true;
    });
    while (!done) io_.run_one();
    if (failure) std::rethrow_exception(failure);
    return std::move(**result);
  }

  /// Asks one handler. What it leaves for the reply stays in *context_ until the next one.
  template <class Response, class Request>
  Expected<Response> ask(Answer<Response> (*handler)(Context&, Request&),
                         std::type_identity_t<Request> request) {
    context_->on_undelivered = {};
    context_->attachment = {};
    return run(handler(*context_, request));
  }

  std::string url(std::string_view name) const {
    return std::string(kBase).append("/").append(kAccount.text()).append("/").append(name);
  }
  std::string arn(std::string_view name) const {
    return std::string("arn:aws:sqs:us-east-1:").append(kAccount.text()).append(":").append(name);
  }

  // The requests that most tests make, in short.

  Expected<api::CreateQueueResponse> create(std::string_view name, Pairs attributes = {},
                                            Pairs tags = {}) {
    return ask(create_queue, {.queue_name = std::string(name),
                              .attributes = std::move(attributes),
                              .tags = std::move(tags)});
  }
  Expected<api::NoOutput> remove(std::string_view name) {
    return ask(delete_queue, {.queue_url = url(name)});
  }
  Expected<api::NoOutput> set(std::string_view name, Pairs attributes) {
    return ask(set_queue_attributes, {.queue_url = url(name), .attributes = std::move(attributes)});
  }
  /// The attributes `names` of a queue. The test fails if they cannot be had.
  AttributeMap attributes(std::string_view name, std::vector<std::string> names) {
    const Expected<api::GetQueueAttributesResponse> response =
        ask(get_queue_attributes, {.queue_url = url(name), .attribute_names = std::move(names)});
    EXPECT_TRUE(response);
    if (!response) return {};
    return AttributeMap(response->attributes.begin(), response->attributes.end());
  }
  /// One attribute, or an empty text if the queue has it not.
  std::string attribute(std::string_view name, const std::string& attribute_name) {
    return attributes(name, {attribute_name})[attribute_name];
  }
  Expected<api::SendMessageResponse> send(std::string_view name, std::string_view body) {
    api::SendMessageRequest request;
    request.queue_url = url(name);
    request.message_body = body;
    return ask(send_message, std::move(request));
  }
  Expected<api::ReceiveMessageResponse> receive(std::string_view name, std::int64_t count = 1) {
    api::ReceiveMessageRequest request;
    request.queue_url = url(name);
    request.max_number_of_messages = count;
    return ask(receive_message, std::move(request));
  }
  /// The bodies of what a receive of up to ten messages brings, sorted.
  std::vector<std::string> bodies(std::string_view name) {
    std::vector<std::string> texts;
    const Expected<api::ReceiveMessageResponse> response = receive(name, 10);
    EXPECT_TRUE(response);
    if (!response) return texts;
    for (const api::ReceivedMessage& message : response->messages) texts.emplace_back(message.body);
    std::ranges::sort(texts);
    return texts;
  }

  const AccountId kAccount = *AccountId::parse("000000000000");
  const Region kRegion = *Region::parse("us-east-1");

  ManualClock clock_{Timestamp{1'700'000'000'000}};
  const std::array<std::uint8_t, 32> key_{1, 2, 3};
  const ReceiptSealer sealer_{key_};
  const MessageIdCipher ids_{key_};
  const Fingerprinter fingerprints_{key_};
  CurrentKeyring keys_{std::make_shared<const Keyring>(test_keyring())};
  std::array<ShardDriver*, kShards> shards_{};
  Directory directory_;
  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{
      io_.get_executor()};
  boost::asio::thread_pool background_{1};
  std::array<std::unique_ptr<ShardDriver>, kShards> drivers_;
  std::unique_ptr<Registry> registry_;
  std::unique_ptr<Service> service_;
  std::unique_ptr<Context> context_;
};

}  // namespace millrace
