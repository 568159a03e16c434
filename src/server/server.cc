#include "server/server.h"

#include <sys/random.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>

#include "base/check.h"
#include "base/limits.h"
#include "observe/log.h"
#include "server/declare.h"
#include "server/keyring_file.h"
#include "storage/log_store.h"
#include "storage/memory_store.h"

namespace millrace {

namespace asio = boost::asio;

namespace {

constexpr unsigned kBackgroundThreads = 2;  // one may be busy with housekeeping for long
constexpr int kInterrupted = 130;           // what a shell expects of a process that ^C ended

std::uint64_t random_seed() {
  std::uint64_t seed = 0;
  CHECK(::getrandom(&seed, sizeof seed, 0) == static_cast<ssize_t>(sizeof seed));
  return seed;
}

LogWriterChoice writer_choice(const std::string& name) {
  if (name == "io_uring") return LogWriterChoice::io_uring;
  if (name == "thread") return LogWriterChoice::thread;
  return LogWriterChoice::automatic;
}

std::size_t mebibytes(std::int64_t count) {
  return static_cast<std::size_t>(count) << 20;
}

SessionLimits session_limits(const ServeOptions& options) {
  SessionLimits session;
  session.request.body_bytes = limits::kRequestBodyMax;
  session.times.idle = seconds(options.idle_seconds);
  session.times.head = seconds(options.head_seconds);
  session.times.body = seconds(options.body_seconds);
  session.times.write = seconds(options.write_seconds);
  return session;
}

void tell_of_new_keyring(const ServeOptions& options) {
  const std::string hint =
      options.keyring.empty()
          ? "it lies beside what it encrypts: where copies of the data should tell nothing, move "
            "it "
            "elsewhere and say so with --keyring; without it the data cannot be read"
          : "keep a copy of it, apart from the data: without it the data cannot be read";
  log_warning("a keyring was made", {{"path", options.keyring_path()}, {"hint", hint}});
}

}  // namespace

/// The engine's time: the system's, but never before `not_before`; with --test-clock it stands
/// still until it is advanced.
class Server::ServerClock final : public Clock {
 public:
  explicit ServerClock(bool stands) : stands_(stands), start_(system_.now()) {}
  Timestamp now() const override { return (stands_ ? start_ : system_.now()) + ahead_.load(); }
  void advance(Milliseconds by) { ahead_ += by; }
  /// Before other threads run.
  void not_before(Timestamp moment) {
    if (const Timestamp current = now(); moment > current) advance(moment - current);
  }

 private:
  const SystemClock system_;
  const bool stands_;
  const Timestamp start_;
  std::atomic<Milliseconds> ahead_{0};
};

/// What a core has of its own.
struct Server::Core {
  asio::io_context& context;
  std::shared_ptr<MemoryBudget> budget;
  Pipeline pipeline;
  std::vector<std::shared_ptr<Listener>> listeners;
};

Server::Server(const ServeOptions& options, Installation installation, CredentialsSource source)
    : options_(options),
      account_(AccountId::parse(options.account).value()),
      region_(Region::parse(options.region).value()),
      installation_(std::move(installation)),
      keyring_(installation_.keyring()),
      credentials_source_(std::move(source)),
      clock_(std::make_unique<ServerClock>(options.test_clock)),
      cores_(static_cast<unsigned>(options.io_threads), kBackgroundThreads),
      reloading_(cores_.background().get_executor()),
      engine_(cores_, installation_, engine_options()),
      signals_(cores_.context(0)) {
  const std::size_t budget = std::max(mebibytes(options_.request_memory_mebibytes) / cores_.count(),
                                      limits::kRequestBodyMax);
  for (std::size_t core = 0; core < cores_.count(); ++core) {
    per_core_.push_back(std::unique_ptr<Core>(
        new Core{cores_.context(core),
                 std::make_shared<MemoryBudget>(budget),
                 Pipeline(engine_.service(), pipeline_options(), phase_, random_seed()),
                 {}}));
  }
}

Server::~Server() = default;

StartResult<std::unique_ptr<Server>> Server::open(const ServeOptions& options,
                                                  const Environment& environment) {
  CredentialsSource source(options, environment);
  StartResult<CredentialsPointer> credentials = CredentialsPointer();
  if (options.has_credentials()) credentials = source.load();
  if (!credentials) return credentials.error();
  StartResult<Installation> installation =
      options.ephemeral ? Installation::ephemeral(options.keyring_path())
                        : Installation::open(options.data, static_cast<std::size_t>(options.shards),
                                             options.keyring_path());
  if (!installation) return installation.error();
  if (installation->keyring_is_new()) tell_of_new_keyring(options);
  std::unique_ptr<Server> server(new Server(options, std::move(*installation), std::move(source)));
  server->credentials_ = std::move(*credentials);
  if (const StartResult<void> bound = server->bind(); !bound) return bound.error();
  const StartResult<Timestamp> last_time = server->engine_.open();
  if (!last_time) return last_time.error();
  server->clock_->not_before(*last_time);
  return server;
}

EngineOptions Server::engine_options() const {
  EngineOptions engine{
      .region = region_, .stores = {}, .clock = clock_.get(), .keys = &keyring_, .space = {}};
  for (std::size_t shard = 0; shard < static_cast<std::size_t>(options_.shards); ++shard) {
    engine.stores.push_back(store_opener(shard));
  }
  engine.memory_bytes = mebibytes(options_.memory_mebibytes);
  engine.space.refuse_below_bytes = mebibytes(options_.free_space_mebibytes);
  if (options_.relax_purge_interval) engine.purge_interval = 0;
  if (options_.relax_name_reuse) engine.name_reuse_interval = 0;
  engine.access_enforced = options_.has_credentials();
  return engine;
}

StoreOpener Server::store_opener(std::size_t shard) const {
  if (options_.ephemeral) {
    // Kept, so that a shard that is opened again finds its rows.
    return [store = std::make_shared<MemoryStore>()]() -> StoreResult<std::shared_ptr<Store>> {
      return std::shared_ptr<Store>(store);
    };
  }
  LogStoreOptions log;
  log.directory = installation_.shard_directory(shard);
  log.writer = writer_choice(options_.commit_writer);
  return [log]() -> StoreResult<std::shared_ptr<Store>> {
    StoreResult<std::unique_ptr<LogStore>> store = LogStore::open(log);
    if (!store) return store.error();
    return std::shared_ptr<Store>(std::move(*store));
  };
}

// --- listening -----------------------------------------------------------------------------------

StartResult<void> Server::bind() {
  for (const std::string& text : options_.listen) {
    ListenAddress address = parse_listen_address(text).value();
    const StartResult<std::uint16_t> port = bind(address);
    if (!port) return port.error();
    address.port = *port;
    if (endpoint_.empty()) endpoint_ = "http://" + address.text();
  }
  return {};
}

/// Binds every core to one address. @return its port.
StartResult<std::uint16_t> Server::bind(const ListenAddress& address) {
  ListenerOptions listener;
  listener.address = address.address;
  listener.port = address.port;
  listener.share_port = per_core_.size() > 1;
  listener.connections = std::max<std::size_t>(
      static_cast<std::size_t>(options_.connections_max) / per_core_.size(), 1);
  listener.limits = session_limits(options_);
  const auto refused = [&](const boost::system::error_code& error) {
    std::string text = "cannot listen on " + address.text() + ": " + error.message();
    if (error == asio::error::address_in_use) {
      text += "; stop what listens there, or choose another port with --listen";
    }
    return StartError(text);
  };
  if (const auto error = Listener::check_unused(cores_.context(0), listener)) return refused(error);
  for (const std::unique_ptr<Core>& core : per_core_) {
    Pipeline& pipeline = core->pipeline;
    auto opened = Listener::open(core->context, listener, wall_clock_, core->budget,
                                 [&pipeline](const HttpRequest& request, HttpResponse& response) {
                                   return pipeline.handle(request, response);
                                 });
    if (!opened) return refused(opened.error());
    listener.port = (*opened)->port();
    core->listeners.push_back(std::move(*opened));
  }
  return listener.port;
}

PipelineOptions Server::pipeline_options() {
  PipelineOptions pipeline{
      .account = account_,
      .public_url = options_.public_url,
      .local_url = "http://" + parse_listen_address(options_.listen.front())->text(),
      .advance_clock = {}};
  if (options_.has_credentials()) pipeline.credentials = &credentials_;
  pipeline.wall_clock = &wall_clock_;
  if (options_.test_clock) {
    pipeline.advance_clock = [this](Milliseconds by) { return advance_clock(by); };
  }
  return pipeline;
}

asio::awaitable<Expected<void>> Server::advance_clock(Milliseconds by) {
  clock_->advance(by);
  const Expected<void> done = co_await engine_.catch_up();
  co_return done;
}

// --- start and stop ------------------------------------------------------------------------------

StartResult<void> Server::run(const std::function<void(const std::string& text)>& ready) {
  signals_.add(SIGTERM);
  signals_.add(SIGINT);
  const bool has_files = options_.has_credentials() || !options_.keyring_path().empty();
  if (has_files) signals_.add(SIGHUP);  // else it ends the server, as it should
  await_signal();
  for (const std::unique_ptr<Core>& core : per_core_) {
    for (const std::shared_ptr<Listener>& listener : core->listeners) listener->start();
  }
  asio::co_spawn(cores_.context(0), start(ready), [](const std::exception_ptr& failure) {
    if (failure) std::rethrow_exception(failure);
  });
  cores_.run();
  if (failure_) return *failure_;
  return {};
}

asio::awaitable<void> Server::start(std::function<void(const std::string& text)> ready) {
  Expected<void> outcome = co_await engine_.restore();
  if (outcome) outcome = co_await declare_queues(engine_.service(), account_, options_.queues);
  if (!outcome) {
    failure_.emplace("cannot start: " + outcome.error().message());
    begin_stop();
    co_return;
  }
  if (stopping_) co_return;
  if (!options_.has_credentials()) {
    log_warning("development mode: no credentials are configured, everybody is let in");
  }
  phase_.store(Phase::serving, std::memory_order_release);
  ready(greeting());
}

void Server::await_signal() {
  signals_.async_wait([this](const boost::system::error_code& error, int number) {
    if (error) return;
    if (number == SIGHUP) {
      if (options_.has_credentials()) reload_credentials();
      if (!options_.keyring_path().empty()) reload_keyring();
      return await_signal();
    }
    if (stopping_) std::_Exit(kInterrupted);
    log_info("stopping", {{"signal", number}});
    begin_stop();
    await_signal();
  });
}

// On a background thread, since the disk may take its time. What is in force stays in force until
// the new credentials are complete.
void Server::reload_credentials() {
  asio::post(reloading_, [this] {
    StartResult<CredentialsPointer> credentials = credentials_source_.load();
    if (!credentials) {
      log_error("credentials not taken over; the old ones stay in force",
                {{"cause", credentials.error().message()}});
      return;
    }
    log_info("credentials taken over", {{"keys", (*credentials)->size()}});
    credentials_ = std::move(*credentials);
  });
}

// Likewise.
void Server::reload_keyring() {
  asio::post(reloading_, [this] {
    StartResult<std::shared_ptr<const Keyring>> keyring =
        read_keyring_file(options_.keyring_path());
    if (!keyring) {
      log_error("keyring not taken over; the old one stays in force",
                {{"cause", keyring.error().message()}});
      return;
    }
    if (!installation_.opens_with(**keyring)) {
      log_error("keyring not taken over; the old one stays in force",
                {{"cause", "the data was written with another one"}});
      return;
    }
    log_info("keyring taken over", {{"keys", (*keyring)->keys().size()}});
    keyring_.replace(std::move(*keyring));
  });
}

void Server::stop() {
  asio::post(cores_.context(0), [this] { begin_stop(); });
}

// Listeners and shards end side by side: a long poll ends with its shard, and only then can its
// connection. What is asked of a shard after that is answered with 503.
void Server::begin_stop() {
  if (std::exchange(stopping_, true)) return;
  phase_.store(Phase::stopping, std::memory_order_release);
  std::size_t parts = 1;
  for (const std::unique_ptr<Core>& core : per_core_) parts += core->listeners.size();
  parts_left_ = parts;
  for (const std::unique_ptr<Core>& core : per_core_) {
    for (const std::shared_ptr<Listener>& listener : core->listeners) {
      asio::post(core->context, [this, listener] {
        listener->shut_down(seconds(options_.stop_seconds), [this] { part_stopped(); });
      });
    }
  }
  engine_.stop([this] { part_stopped(); });
}

void Server::part_stopped() {
  if (parts_left_.fetch_sub(1) == 1) cores_.stop();
}

std::string Server::greeting() const {
  const std::string data =
      options_.ephemeral ? "memory only" : std::filesystem::absolute(options_.data).string();
  std::string text = "Millrace " + std::string(version()) + " serves " + endpoint_ + " (account " +
                     account_.text() + ", region " + region_.text() + ")\nand keeps its data in " +
                     data + "\n\n";
  if (options_.has_credentials()) {
    return text + "Requests must be signed. Access keys that are known: " +
           std::to_string(credentials_.load()->size()) +
           "\n\nTry it, with one of them in the environment:\n"
           "  aws --endpoint-url " +
           endpoint_ + " --region " + region_.text() + " sqs list-queues\n";
  }
  const std::string queue = endpoint_ + "/" + account_.text() + "/hello";
  return text +
         "DEVELOPMENT MODE: no credentials are configured, so no signature is checked and whoever\n"
         "reaches this address may do everything. See docs/security.md.\n\n"
         "Try it:\n  curl '" +
         endpoint_ + "/?Action=CreateQueue&QueueName=hello'\n  curl '" + queue +
         "?Action=SendMessage&MessageBody=hi'\n  curl '" + queue + "?Action=ReceiveMessage'\n";
}

}  // namespace millrace
