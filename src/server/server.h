// Server: the whole of `millrace serve`: cores, stores, engine, pipelines and listeners, started
// and stopped in order.
//
// Made, run and destroyed on the main thread, which becomes the first core.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/strand.hpp>

#include "base/clock.h"
#include "crypt/current_keyring.h"
#include "http/listener.h"
#include "http/source_connections.h"
#include "runtime/cores.h"
#include "server/config.h"
#include "server/console.h"
#include "server/control_socket.h"
#include "server/credentials_source.h"
#include "server/engine.h"
#include "server/installation.h"
#include "server/metrics_access.h"
#include "server/pipeline.h"
#include "server/rate_limiter.h"
#include "server/sampler.h"
#include "server/server_logs.h"
#include "server/start_error.h"
#include "server/tls_source.h"
#include "service/telemetry.h"

namespace millrace {

class Server {
 public:
  /// Opens the logs, reads the credentials, the certificate and the keyring, takes the data
  /// directory, binds the addresses and opens the stores. Nothing is accepted yet. @param
  /// environment of the secrets that the credentials file says to be there. @param memory_grows see
  /// ShardDriverOptions. @return a StartError when one of them cannot be had; the audit log has
  /// been told then, if it is not that one.
  static StartResult<std::unique_ptr<Server>> open(const ServeOptions& options,
                                                   const Environment& environment,
                                                   std::function<void()> memory_grows = nullptr);
  ~Server();

  /// Serves until SIGTERM or SIGINT, and then ends in good order: stops accepting, ends long polls,
  /// lets requests finish, writes everything. A second signal ends the process at once. SIGHUP has
  /// credentials, certificate and keyring read again and the files of the audit and access logs
  /// opened again; requests go on meanwhile. To be called once. @param ready called with what to
  /// tell the user, once requests are answered.
  /// @return a StartError when the directory or a declared queue cannot be restored or made.
  StartResult<void> run(const std::function<void(const std::string& text)>& ready);

  /// The address that is listened on, as a URL. With several, the first; one of plain HTTP if there
  /// is any.
  const std::string& endpoint() const { return endpoints_.front(); }

  /// Begins to stop, as the first signal does. Any thread.
  void stop();

 private:
  class ServerClock;
  struct Core;

  static StartResult<std::unique_ptr<Server>> open(const ServeOptions& options,
                                                   const Environment& environment,
                                                   std::function<void()> memory_grows,
                                                   std::shared_ptr<const ServerLogs> logs);
  Server(const ServeOptions& options, Installation installation, CredentialsSource source,
         std::function<void()> memory_grows, std::shared_ptr<const ServerLogs> logs);

  ServerFacts facts() const;
  void make_limits();
  void make_console();
  void make_pipelines();
  EngineOptions engine_options(std::function<void()> memory_grows);
  StoreOpener store_opener(std::size_t shard) const;
  StartResult<void> bind();
  StartResult<void> bind(const std::string& address, const CurrentTls* tls);
  StartResult<std::uint16_t> bind_cores(const ListenAddress& address, const CurrentTls* tls);
  PipelineOptions pipeline_options(std::size_t core);
  boost::asio::awaitable<void> start(std::function<void(const std::string& text)> ready);
  boost::asio::awaitable<Expected<void>> advance_clock(Milliseconds by);
  void await_signal();
  void open_control();
  boost::asio::awaitable<StartResult<std::vector<CopyEnd>>> make_copy();
  boost::asio::awaitable<void> remove_copy();
  bool reloads() const;
  void reload();
  StartResult<void> reload_credentials();
  void reload_certificate();
  void reload_keyring();
  void warn_of_risks() const;
  void begin_stop();
  void part_stopped();
  std::string addresses() const;
  std::string greeting() const;

  const ServeOptions options_;
  const AccountId account_;
  const Region region_;
  const Installation installation_;
  CurrentKeyring keyring_;
  const CredentialsSource credentials_source_;
  CurrentCredentials credentials_;  // null in development mode
  const TlsSource tls_source_;
  CurrentTls tls_;                // null without TLS
  const SystemClock wall_clock_;  // of connections and signatures: no test moves it
  const std::shared_ptr<const ServerLogs> logs_;
  std::unique_ptr<RateLimiter> source_limit_;              // null: no limit
  std::unique_ptr<RateLimiter> account_limit_;             // likewise
  std::shared_ptr<SourceConnections> source_connections_;  // likewise
  const std::unique_ptr<ServerClock> clock_;
  Telemetry telemetry_;
  std::optional<MetricsAccess> metrics_access_;  // none: metrics are off
  Cores cores_;
  boost::asio::strand<boost::asio::thread_pool::executor_type> reloading_;  // one after the other
  std::unique_ptr<Console> console_;                                        // null: there is none
  Engine engine_;
  Sampler sampler_;
  std::unique_ptr<ControlSocket> control_;  // null: there are no files, or no such sockets
  std::atomic<Phase> phase_{Phase::starting};
  std::vector<std::unique_ptr<Core>> per_core_;
  std::vector<std::string> endpoints_;  // as URLs
  boost::asio::signal_set signals_;
  std::atomic<std::size_t> parts_left_{0};  // that have not stopped yet
  bool stopping_ = false;                   // on the first core
  std::optional<StartError> failure_;       // on the first core
};

}  // namespace millrace
