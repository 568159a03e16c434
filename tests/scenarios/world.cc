#include "scenarios/world.h"

#include <chrono>
#include <exception>
#include <optional>

#include <boost/asio/co_spawn.hpp>

#include "base/check.h"

namespace millrace::scenarios {

namespace {

constexpr Timestamp kStart{1'700'000'000'000};
// Far longer than anything takes that happens at all; only a failing test waits for it.
constexpr auto kPatience = std::chrono::seconds(20);

}  // namespace

// --- Exchange ------------------------------------------------------------------------------------

Exchange::Exchange(Protocol protocol, std::string action, const boost::json::object& request,
                   const std::string& access_key)
    : protocol_(protocol),
      action_(std::move(action)),
      written_(write_request(protocol, action_, request)) {
  request_.method = "POST";
  request_.target = "/";
  request_.fields = {{"Host", "localhost:9324"}};
  for (const auto& [name, value] : written_.fields) request_.fields.push_back({name, value});
  if (!access_key.empty()) {
    authorization_ = "AWS4-HMAC-SHA256 Credential=" + access_key +
                     "/20231114/us-east-1/sqs/aws4_request, SignedHeaders=host, Signature=00";
    request_.fields.push_back({"Authorization", authorization_});
  }
  request_.body = written_.body;
  request_.remote_address = "127.0.0.1";
  request_.hang_up = this;
}

ReadReply Exchange::reply() const {
  CHECK(answered_);
  return read_reply(protocol_, action_, response_);
}

void Exchange::hang_up() {
  if (on_hang_up_) std::exchange(on_hang_up_, nullptr)();
}

// --- World ---------------------------------------------------------------------------------------

World::World() : clock_(kStart), installation_(Installation::ephemeral().value()) {
  for (std::size_t shard = 0; shard < kShards; ++shard) {
    stores_.push_back(std::make_shared<MemoryStore>());
  }
  start();
}

World::~World() {
  stop();
}

void World::start() {
  cores_ = std::make_unique<Cores>(1, 1);
  EngineOptions options{.region = Region::parse("us-east-1").value(),
                        .stores = {},
                        .clock = &clock_,
                        .keys = installation_.keyring().get(),
                        .space = {}};
  for (const std::shared_ptr<MemoryStore>& store : stores_) {
    options.stores.push_back([store]() -> StoreResult<std::shared_ptr<Store>> { return store; });
  }
  engine_ = std::make_unique<Engine>(*cores_, installation_, std::move(options));
  CHECK(engine_->open().has_value());
  std::optional<bool> restored;
  boost::asio::co_spawn(cores_->context(0), engine_->restore(),
                        [&](const std::exception_ptr& failure, const Expected<void>& outcome) {
                          restored = !failure && outcome.has_value();
                        });
  run_until([&] { return restored.has_value(); });
  CHECK(*restored);
  pipeline_ = std::make_unique<Pipeline>(
      engine_->service(),
      PipelineOptions{.account = AccountId::parse("000000000000").value(),
                      .public_url = {},
                      .local_url = "http://localhost:9324",
                      .advance_clock = {}},
      phase_, 1);
}

void World::stop() {
  bool stopped = false;
  engine_->stop([&] { stopped = true; });
  run_until([&] { return stopped; });
  cores_->context(0).poll();
  pipeline_.reset();
  engine_.reset();
  cores_.reset();
}

void World::restart() {
  stop();
  start();
}

void World::send(Exchange& exchange) {
  boost::asio::co_spawn(cores_->context(0),
                        pipeline_->handle(exchange.request_, exchange.response_),
                        [&exchange](const std::exception_ptr& failure) {
                          CHECK(!failure);
                          exchange.answered_ = true;
                        });
  cores_->context(0).poll();
}

bool World::finish(Exchange& exchange) {
  run_until([&] { return exchange.answered(); });
  return exchange.answered();
}

void World::advance(Milliseconds by) {
  clock_.advance(by);
  bool caught_up = false;
  boost::asio::co_spawn(cores_->context(0), engine_->catch_up(),
                        [&](const std::exception_ptr& failure, const Expected<void>& outcome) {
                          CHECK(!failure && outcome.has_value());
                          caught_up = true;
                        });
  run_until([&] { return caught_up; });
  CHECK(caught_up);
  cores_->context(0).poll();
}

void World::run_until(const std::function<bool()>& done) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (!done() && std::chrono::steady_clock::now() < end) {
    cores_->context(0).run_one_until(end);
  }
}

}  // namespace millrace::scenarios
