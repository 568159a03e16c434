// Engine: the shards, and the service over them: everything between the pipeline and the disk.
//
// Owned by the server (or by a test), together with the cores that it runs on. Its functions may be
// called on any thread unless they say otherwise.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "base/clock.h"
#include "base/error.h"
#include "base/limits.h"
#include "crypt/key_provider.h"
#include "model/message_id.h"
#include "model/names.h"
#include "model/receipt_handle.h"
#include "runtime/cores.h"
#include "runtime/shard_driver.h"
#include "server/installation.h"
#include "server/start_error.h"
#include "service/directory.h"
#include "service/handlers.h"
#include "service/registry.h"
#include "service/telemetry.h"

namespace millrace {

/// Opens one shard's store; may block. Called again when the shard has failed.
using StoreOpener = std::function<StoreResult<std::shared_ptr<Store>>()>;

struct EngineOptions {
  Region region;
  std::vector<StoreOpener> stores;                    // by shard; at least one
  const Clock* clock = nullptr;                       // outlives the engine
  const KeyProvider* keys = nullptr;                  // outlives the engine
  std::size_t memory_bytes = std::size_t{256} << 20;  // of all shards together
  SpaceMarks space;
  Milliseconds purge_interval = limits::kPurgeInterval;
  Milliseconds name_reuse_interval = limits::kNameReuseInterval;
  std::size_t queues_max = 0;      // of one account; 0: no limit
  bool access_enforced = false;    // Service::access_enforced
  Telemetry* telemetry = nullptr;  // outlives the engine; its metrics have a place for each shard
  std::function<void()> memory_grows = nullptr;  // ShardDriverOptions::memory_grows, of each shard
};

class Engine {
 public:
  /// Opens nothing yet. @param cores outlive the engine. @param installation gives the keys; only
  /// used here.
  Engine(Cores& cores, const Installation& installation, EngineOptions options);
  /// Waits for what the background threads still do for the shards; they take no more work then.
  /// The cores do not run any more.
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  /// Opens every store and restores its shard. Blocks; before the cores run.
  /// @return the last time that any store remembers.
  StartResult<Timestamp> open();

  /// Fills the directory, once the cores run. To be awaited once, before the first request.
  /// @return the error of Registry::restore().
  boost::asio::awaitable<Expected<void>> restore() { return registry_.restore(); }

  const Service& service() const { return service_; }

  /// The clock was moved: resumes when all that became due has been done and is durable.
  /// @return ServiceUnavailable when a shard does not answer.
  boost::asio::awaitable<Expected<void>> catch_up();

  /// Makes copies of all stores while they serve, as they are at one moment; each can be opened as
  /// a store (Store::begin_copy()). @param directories of the copies, by shard; they are made, and
  /// what was made of them is left when this fails.
  /// @return where each ends, by shard.
  boost::asio::awaitable<StoreResult<std::vector<CopyEnd>>> copy_stores(
      std::vector<std::string> directories);

  /// Ends waiting receives, writes everything and closes the stores. After open().
  /// @param stopped called once, on one of the cores.
  void stop(std::function<void()> stopped);

 private:
  std::unique_ptr<ShardDriver> make_driver(std::size_t shard, const EngineOptions& options);
  void after_reopening(std::size_t shard, Shard& opened);
  /// Calls `look` for each shard at one moment at which none of them commits. @param look given the
  /// shard's number and its store, or null if it is not open; on the shard's thread.
  using StoreLook = std::function<void(std::size_t shard, const std::shared_ptr<Store>& store)>;
  boost::asio::awaitable<void> look_between_commits(const StoreLook& look);

  Cores& cores_;
  ReceiptSealer sealer_;
  MessageIdCipher ids_;
  Fingerprinter fingerprints_;
  Directory directory_;
  std::vector<std::unique_ptr<ShardDriver>> drivers_;
  std::vector<ShardDriver*> shards_;  // the same
  Registry registry_;
  Service service_;
};

}  // namespace millrace
