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
#include "server/actions.h"
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

/// What queue URLs begin with where a client does not say which Host it asked.
std::string first_url(const ServeOptions& options) {
  const bool plain = !options.listen.empty();
  const std::string& text = plain ? options.listen.front() : options.tls_listen.front();
  return (plain ? "http://" : "https://") + parse_listen_address(text)->text();
}

std::size_t mebibytes(std::int64_t count) {
  return static_cast<std::size_t>(count) << 20;
}

SessionLimits session_limits(const ServeOptions& options) {
  SessionLimits session;
  session.request.body_bytes = limits::kRequestBodyMax;
  session.times.idle = seconds(options.idle_seconds);
  session.times.handshake = seconds(options.handshake_seconds);
  session.times.head = seconds(options.head_seconds);
  session.times.body = seconds(options.body_seconds);
  session.times.write = seconds(options.write_seconds);
  return session;
}

/// To be said at the start and after each change: clients will refuse such a certificate.
void warn_unless_valid(const TlsContext& tls, Timestamp now) {
  if (now >= tls.valid_until()) {
    log_warning("certificate has expired; renew it, then send SIGHUP");
  } else if (now < tls.valid_from()) {
    log_warning("certificate is not valid yet; is the clock right?");
  }
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
  std::shared_ptr<ConnectionLimit> connections;
  Pipeline pipeline;
  std::vector<std::shared_ptr<Listener>> listeners;
};

Server::Server(const ServeOptions& options, Installation installation, CredentialsSource source,
               std::function<void()> memory_grows, std::shared_ptr<const ServerLogs> logs)
    : options_(options),
      account_(AccountId::parse(options.account).value()),
      region_(Region::parse(options.region).value()),
      installation_(std::move(installation)),
      keyring_(installation_.keyring()),
      credentials_source_(std::move(source)),
      tls_source_(options_),
      logs_(std::move(logs)),
      clock_(std::make_unique<ServerClock>(options.test_clock)),
      telemetry_({.actions = action_names(),
                  .cores = static_cast<std::size_t>(options.io_threads),
                  .shards = static_cast<std::size_t>(options.shards)},
                 *clock_, facts()),
      cores_(static_cast<unsigned>(options.io_threads), kBackgroundThreads),
      reloading_(cores_.background().get_executor()),
      engine_(cores_, installation_, engine_options(std::move(memory_grows))),
      sampler_(cores_.context(0), engine_.service()),
      signals_(cores_.context(0)) {
  make_limits();
  if (options_.has_console()) make_console();
}

void Server::make_pipelines() {
  const std::size_t budget = std::max(mebibytes(options_.request_memory_mebibytes) / cores_.count(),
                                      limits::kRequestBodyMax);
  const std::size_t connections =
      std::max<std::size_t>(static_cast<std::size_t>(options_.connections_max) / cores_.count(), 1);
  for (std::size_t core = 0; core < cores_.count(); ++core) {
    per_core_.push_back(std::unique_ptr<Core>(
        new Core{cores_.context(core),
                 std::make_shared<MemoryBudget>(budget),
                 std::make_shared<ConnectionLimit>(connections),
                 Pipeline(engine_.service(), pipeline_options(core), phase_, random_seed()),
                 {}}));
  }
}

Server::~Server() = default;

StartResult<std::unique_ptr<Server>> Server::open(const ServeOptions& options,
                                                  const Environment& environment,
                                                  std::function<void()> memory_grows) {
  const auto logs = ServerLogs::open(options);
  if (!logs) return logs.error();
  StartResult<std::unique_ptr<Server>> server =
      open(options, environment, std::move(memory_grows), *logs);
  if (!server) (*logs)->tell("ServerStarted", AuditDecision::failed, server.error().message());
  return server;
}

StartResult<std::unique_ptr<Server>> Server::open(const ServeOptions& options,
                                                  const Environment& environment,
                                                  std::function<void()> memory_grows,
                                                  std::shared_ptr<const ServerLogs> logs) {
  CredentialsSource source(options, environment);
  StartResult<CredentialsPointer> credentials = CredentialsPointer();
  if (options.has_credentials()) credentials = source.load();
  if (!credentials) return credentials.error();
  StartResult<std::shared_ptr<const TlsContext>> tls = std::shared_ptr<const TlsContext>();
  if (options.has_tls()) tls = TlsSource(options).load();
  if (!tls) return tls.error();
  StartResult<Installation> installation =
      options.ephemeral ? Installation::ephemeral(options.keyring_path())
                        : Installation::open(options.data, static_cast<std::size_t>(options.shards),
                                             options.keyring_path());
  if (!installation) return installation.error();
  if (installation->keyring_is_new()) tell_of_new_keyring(options);
  std::unique_ptr<Server> server(new Server(options, std::move(*installation), std::move(source),
                                            std::move(memory_grows), std::move(logs)));
  server->credentials_ = std::move(*credentials);
  server->tls_ = std::move(*tls);
  if (options.metrics == "on") {
    auto access = MetricsAccess::open(options.metrics_allow, options.metrics_token_file);
    if (!access) return access.error();
    server->metrics_access_.emplace(std::move(*access));
  }
  server->make_pipelines();
  if (const StartResult<void> bound = server->bind(); !bound) return bound.error();
  const StartResult<Timestamp> last_time = server->engine_.open();
  if (!last_time) return last_time.error();
  server->clock_->not_before(*last_time);
  if (!options.ephemeral) server->open_control();
  return server;
}

ServerFacts Server::facts() const {
  ServerFacts facts{.account = account_, .version = std::string(version())};
  facts.started = clock_->now();
  if (!options_.ephemeral) facts.data_directory = std::filesystem::absolute(options_.data).string();
  facts.memory_limit_bytes = mebibytes(options_.memory_mebibytes);
  facts.cores = static_cast<std::size_t>(options_.io_threads);
  facts.development = !options_.has_credentials();
  facts.tls = options_.has_tls();
  facts.options = option_facts(options_);
  return facts;
}

// A file system without such sockets is no reason not to serve.
void Server::open_control() {
  auto control = ControlSocket::open(cores_.context(0), options_.data,
                                     {.make_copy = [this] { return make_copy(); },
                                      .remove_copy = [this] { return remove_copy(); }});
  if (!control) {
    log_warning("no backup can be made while this server runs",
                {{"cause", control.error().message()}});
    return;
  }
  control_ = std::move(*control);
  installation_.remove_copy();  // of a backup that an earlier server's end has cut short
}

void Server::make_limits() {
  const auto limiter = [this](std::int64_t per_second) -> std::unique_ptr<RateLimiter> {
    if (per_second == 0) return nullptr;
    const RateLimit limit{.per_second = per_second,
                          .burst_seconds = options_.rate_limit_burst_seconds};
    return std::make_unique<RateLimiter>(limit, limits::kRateBucketsMax);
  };
  source_limit_ = limiter(options_.rate_limit_source);
  account_limit_ = limiter(options_.rate_limit_account);
  if (options_.connections_per_source != 0) {
    source_connections_ = std::make_shared<SourceConnections>(
        static_cast<std::size_t>(options_.connections_per_source));
  }
}

void Server::make_console() {
  AccessKeys keys(options_.credentials, reloading_, [this] { return reload_credentials(); });
  console_ = std::make_unique<Console>(options_, std::move(keys));
}

EngineOptions Server::engine_options(std::function<void()> memory_grows) {
  EngineOptions engine{
      .region = region_, .stores = {}, .clock = clock_.get(), .keys = &keyring_, .space = {}};
  for (std::size_t shard = 0; shard < static_cast<std::size_t>(options_.shards); ++shard) {
    engine.stores.push_back(store_opener(shard));
  }
  engine.memory_bytes = mebibytes(options_.memory_mebibytes);
  engine.space.refuse_below_bytes = mebibytes(options_.free_space_mebibytes);
  if (options_.relax_purge_interval) engine.purge_interval = 0;
  if (options_.relax_name_reuse) engine.name_reuse_interval = 0;
  engine.queues_max = static_cast<std::size_t>(options_.queues_per_account);
  engine.access_enforced = options_.has_credentials();
  engine.telemetry = &telemetry_;
  engine.memory_grows = std::move(memory_grows);
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
    if (const auto bound = bind(text, nullptr); !bound) return bound.error();
  }
  for (const std::string& text : options_.tls_listen) {
    if (const auto bound = bind(text, &tls_); !bound) return bound.error();
  }
  return {};
}

StartResult<void> Server::bind(const std::string& text, const CurrentTls* tls) {
  ListenAddress address = parse_listen_address(text).value();
  const StartResult<std::uint16_t> port = bind_cores(address, tls);
  if (!port) return port.error();
  address.port = *port;
  endpoints_.push_back((tls == nullptr ? "http://" : "https://") + address.text());
  return {};
}

/// Binds every core to one address. @return its port.
StartResult<std::uint16_t> Server::bind_cores(const ListenAddress& address, const CurrentTls* tls) {
  ListenerOptions listener;
  listener.tls = tls;
  listener.address = address.address;
  listener.port = address.port;
  listener.share_port = per_core_.size() > 1;
  listener.limits = session_limits(options_);
  listener.source_connections = source_connections_;
  const auto refused = [&](const boost::system::error_code& error) {
    std::string text = "cannot listen on " + address.text() + ": " + error.message();
    if (error == asio::error::address_in_use) {
      text += "; stop what listens there, or choose another port with ";
      text += tls == nullptr ? "--listen" : "--tls-listen";
    }
    return StartError(text);
  };
  if (const auto error = Listener::check_unused(cores_.context(0), listener)) return refused(error);
  for (std::size_t number = 0; number < per_core_.size(); ++number) {
    const std::unique_ptr<Core>& core = per_core_[number];
    Pipeline& pipeline = core->pipeline;
    listener.metrics = &telemetry_.metrics.http(number);
    listener.connections = core->connections;
    if (logs_->access() != nullptr) {
      listener.on_refused = [&pipeline](std::string_view remote_address, unsigned status) {
        pipeline.note_refused(remote_address, status);
      };
    }
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

PipelineOptions Server::pipeline_options(std::size_t core) {
  PipelineOptions pipeline{.account = account_,
                           .public_url = options_.public_url,
                           .local_url = first_url(options_),
                           .advance_clock = {}};
  if (options_.has_credentials()) pipeline.credentials = &credentials_;
  pipeline.wall_clock = &wall_clock_;
  pipeline.trusted_proxies = TrustedProxies(options_.trusted_proxies);
  pipeline.logs = {.audit = logs_->audit(), .access = logs_->access()};
  pipeline.guard = browser_guard_of(options_);
  pipeline.source_limit = source_limit_.get();
  pipeline.account_limit = account_limit_.get();
  pipeline.console = console_.get();
  pipeline.metrics = &telemetry_.metrics.requests(core);
  if (metrics_access_) pipeline.metrics_access = &*metrics_access_;
  pipeline.metrics_queues = static_cast<std::size_t>(options_.metrics_queues);
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
  if (reloads()) signals_.add(SIGHUP);  // else it ends the server, as it should
  await_signal();
  for (const std::unique_ptr<Core>& core : per_core_) {
    for (const std::shared_ptr<Listener>& listener : core->listeners) listener->start();
  }
  asio::co_spawn(cores_.context(0), start(ready), [](const std::exception_ptr& failure) {
    if (failure) std::rethrow_exception(failure);
  });
  cores_.run();
  logs_->tell("ServerStopped", failure_ ? AuditDecision::failed : AuditDecision::allowed,
              failure_ ? std::string_view(failure_->message()) : std::string_view());
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
  logs_->tell("ServerStarted", AuditDecision::allowed,
              std::string(version()) + " serves " + addresses());
  warn_of_risks();
  phase_.store(Phase::serving, std::memory_order_release);
  sampler_.start();
  if (control_) control_->start();
  ready(greeting());
}

asio::awaitable<StartResult<std::vector<CopyEnd>>> Server::make_copy() {
  const auto failed = [this](const std::string& cause) {
    log_error("no copy was made for a backup", {{"cause", cause}});
    logs_->tell("DataCopied", AuditDecision::failed, cause);
    return StartError(cause);
  };
  const StartResult<void> begun =
      co_await in_background(cores_.background(), [this] { return installation_.begin_copy(); });
  if (!begun) co_return failed(begun.error().message());
  std::vector<std::string> directories;
  for (std::size_t shard = 0; shard < static_cast<std::size_t>(options_.shards); ++shard) {
    directories.push_back(installation_.copied_shard_directory(shard));
  }
  StoreResult<std::vector<CopyEnd>> ends = co_await engine_.copy_stores(directories);
  if (!ends) co_return failed(ends.error().message());
  for (std::size_t shard = 0; shard < ends->size(); ++shard) {
    const std::string name = std::filesystem::path(directories[shard]).filename();
    (*ends)[shard].file.insert(0, name + "/");
  }
  log_info("a copy was made for a backup");
  logs_->tell("DataCopied", AuditDecision::allowed, "");
  co_return std::move(*ends);
}

asio::awaitable<void> Server::remove_copy() {
  co_await in_background(cores_.background(), [this] {
    installation_.remove_copy();
    return true;
  });
}

void Server::warn_of_risks() const {
  if (!options_.has_credentials()) {
    logs_->tell("DevelopmentModeStarted", AuditDecision::allowed, "everybody is let in");
    log_warning("development mode: no credentials are configured, everybody is let in");
  }
  for (const std::string& text : options_.listen) {
    if (parse_listen_address(text)->loopback) continue;
    log_warning("plain http can be read by whoever is on the way; see --tls-listen",
                {{"address", text}});
  }
  if (const auto tls = tls_.load()) warn_unless_valid(*tls, wall_clock_.now());
}

void Server::await_signal() {
  signals_.async_wait([this](const boost::system::error_code& error, int number) {
    if (error) return;
    if (number == SIGHUP) {
      reload();
      return await_signal();
    }
    if (stopping_) std::_Exit(kInterrupted);
    log_info("stopping", {{"signal", number}});
    logs_->tell("ServerStopping", AuditDecision::allowed, "signal " + std::to_string(number));
    begin_stop();
    await_signal();
  });
}

/// Whether SIGHUP has a meaning.
bool Server::reloads() const {
  return options_.has_credentials() || options_.has_tls() || !options_.keyring_path().empty() ||
         logs_->wanted();
}

// On a background thread, since the disk may take its time. The logs first, so that what comes of
// the rest stands in the new file. What is in force stays in force until what replaces it is
// complete; each by itself.
void Server::reload() {
  asio::post(reloading_, [this] {
    logs_->reopen();
    if (options_.has_tls()) reload_certificate();
    if (options_.has_credentials()) reload_credentials();
    if (!options_.keyring_path().empty()) reload_keyring();
  });
}

StartResult<void> Server::reload_credentials() {
  StartResult<CredentialsPointer> credentials = credentials_source_.load();
  if (!credentials) {
    log_error("credentials not taken over; the old ones stay in force",
              {{"cause", credentials.error().message()}});
    logs_->tell("CredentialsReloaded", AuditDecision::failed, credentials.error().message());
    return credentials.error();
  }
  const std::size_t keys = (*credentials)->size();
  credentials_ = std::move(*credentials);
  log_info("credentials taken over", {{"keys", keys}});
  logs_->tell("CredentialsReloaded", AuditDecision::allowed, std::to_string(keys) + " access keys");
  return {};
}

void Server::reload_certificate() {
  StartResult<std::shared_ptr<const TlsContext>> tls = tls_source_.load();
  if (!tls) {
    log_error("certificate not taken over; the old one stays in force",
              {{"cause", tls.error().message()}});
    logs_->tell("CertificateReloaded", AuditDecision::failed, tls.error().message());
    return;
  }
  warn_unless_valid(**tls, wall_clock_.now());
  tls_ = std::move(*tls);
  log_info("certificate taken over");
  logs_->tell("CertificateReloaded", AuditDecision::allowed, options_.tls_certificate);
}

void Server::reload_keyring() {
  const auto refuse = [this](const std::string& cause) {
    log_error("keyring not taken over; the old one stays in force", {{"cause", cause}});
    logs_->tell("KeyringReloaded", AuditDecision::failed, cause);
  };
  StartResult<std::shared_ptr<const Keyring>> keyring = read_keyring_file(options_.keyring_path());
  if (!keyring) return refuse(keyring.error().message());
  if (!installation_.opens_with(**keyring)) return refuse("the data was written with another one");
  const std::size_t keys = (*keyring)->keys().size();
  keyring_.replace(std::move(*keyring));
  log_info("keyring taken over", {{"keys", keys}});
  logs_->tell("KeyringReloaded", AuditDecision::allowed, std::to_string(keys) + " master keys");
}

void Server::stop() {
  asio::post(cores_.context(0), [this] { begin_stop(); });
}

// Listeners and shards end side by side: a long poll ends with its shard, and only then can its
// connection. What is asked of a shard after that is answered with 503.
void Server::begin_stop() {
  if (std::exchange(stopping_, true)) return;
  phase_.store(Phase::stopping, std::memory_order_release);
  sampler_.stop();
  if (control_) control_->close();
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

std::string Server::addresses() const {
  std::string text = endpoints_.front();
  for (std::size_t i = 1; i < endpoints_.size(); ++i) text += " and " + endpoints_[i];
  return text;
}

std::string Server::greeting() const {
  const std::string data =
      options_.ephemeral ? "memory only" : std::filesystem::absolute(options_.data).string();
  std::string text = "Millrace " + std::string(version()) + " serves " + addresses() +
                     " (account " + account_.text() + ", region " + region_.text() +
                     ")\nand keeps its data in " + data + "\n";
  if (console_ != nullptr) text += "Its console is at " + endpoint() + "/console/\n";
  text += "\n";
  if (options_.has_credentials()) {
    return text + "Requests must be signed. Access keys that are known: " +
           std::to_string(credentials_.load()->size()) +
           "\n\nTry it, with one of them in the environment:\n"
           "  aws --endpoint-url " +
           endpoint() + " --region " + region_.text() + " sqs list-queues\n";
  }
  const std::string queue = endpoint() + "/" + account_.text() + "/hello";
  return text +
         "DEVELOPMENT MODE: no credentials are configured, so no signature is checked and whoever\n"
         "reaches this address may do everything. See docs/security.md.\n\n"
         "Try it:\n  curl '" +
         endpoint() + "/?Action=CreateQueue&QueueName=hello'\n  curl '" + queue +
         "?Action=SendMessage&MessageBody=hi'\n  curl '" + queue + "?Action=ReceiveMessage'\n";
}

}  // namespace millrace
