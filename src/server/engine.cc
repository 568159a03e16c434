#include "server/engine.h"

#include <algorithm>
#include <atomic>
#include <string>
#include <utility>

#include "base/check.h"
#include "observe/log.h"

namespace millrace {

namespace asio = boost::asio;

namespace {

// Encoded replies beside what is in flight; a full receive of the largest messages must fit.
constexpr std::size_t kReplyBytesMin = std::size_t{16} << 20;

ShardOptions shard_options(std::size_t shard, const EngineOptions& options,
                           const ReceiptSealer& sealer, const MessageIdCipher& ids,
                           const Fingerprinter& fingerprints) {
  const std::size_t share = options.memory_bytes / options.stores.size();
  ShardOptions one;
  one.number = static_cast<std::uint16_t>(shard);
  one.memory_bytes = share;
  one.reply_bytes = std::max(share / 2, kReplyBytesMin);
  one.sealer = &sealer;
  one.ids = &ids;
  one.fingerprints = &fingerprints;
  one.keys = options.keys;
  return one;
}

}  // namespace

Engine::Engine(Cores& cores, const Installation& installation, EngineOptions options)
    : cores_(cores),
      sealer_(installation.key_for("receipt handles")),
      ids_(installation.key_for("message ids")),
      fingerprints_(installation.key_for("fingerprints")),
      drivers_([&] {
        CHECK(!options.stores.empty());
        std::vector<std::unique_ptr<ShardDriver>> drivers;
        for (std::size_t shard = 0; shard < options.stores.size(); ++shard) {
          drivers.push_back(make_driver(shard, options));
        }
        return drivers;
      }()),
      shards_([&] {
        std::vector<ShardDriver*> shards;
        for (const auto& driver : drivers_) shards.push_back(driver.get());
        return shards;
      }()),
      registry_({.region = options.region,
                 .name_reuse_interval = options.name_reuse_interval,
                 .queues_max = options.queues_max},
                directory_, shards_),
      service_{.directory = directory_,
               .registry = registry_,
               .shards = shards_,
               .sealer = sealer_,
               .region = options.region,
               .purge_interval = options.purge_interval,
               .access_enforced = options.access_enforced,
               .telemetry = options.telemetry} {}

Engine::~Engine() {
  cores_.background().join();
  cores_.looking().join();
}

std::unique_ptr<ShardDriver> Engine::make_driver(std::size_t shard, const EngineOptions& options) {
  ShardDriverOptions driver;
  driver.shard = shard_options(shard, options, sealer_, ids_, fingerprints_);
  driver.shard.find_queue = [this](std::string_view arn) { return registry_.find_queue(arn); };
  driver.open_store = options.stores[shard];
  driver.clock = options.clock;
  driver.looking = &cores_.looking();
  driver.space = options.space;
  if (options.telemetry != nullptr) driver.metrics = &options.telemetry->metrics.shard(shard);
  driver.report = [shard](const std::string& text) {
    log_warning("store", {{"shard", static_cast<std::uint64_t>(shard)}, {"message", text}});
  };
  driver.send_transfer = [this](Transfer transfer) {
    const std::uint16_t target = transfer.to_shard;
    drivers_[target]->take_transfer(std::move(transfer));
  };
  driver.answer_transfer = [this](TransferResult result) {
    const std::uint16_t source = result.transfer.from_shard;
    drivers_[source]->take_transfer_result(std::move(result));
  };
  driver.memory_grows = options.memory_grows;
  driver.reopened = [this, shard](Shard& opened) { after_reopening(shard, opened); };
  return std::make_unique<ShardDriver>(cores_.context(shard % cores_.count()), cores_.background(),
                                       std::move(driver));
}

void Engine::after_reopening(std::size_t shard, Shard& opened) {
  registry_.configure(opened);
  // What others had sent to the shard may have died with it.
  for (const auto& driver : drivers_) {
    driver->resend_transfers(static_cast<std::uint16_t>(shard));
  }
}

StartResult<Timestamp> Engine::open() {
  Timestamp last;
  for (std::size_t shard = 0; shard < drivers_.size(); ++shard) {
    if (const StoreResult<void> opened = drivers_[shard]->open(); !opened) {
      return StartError("cannot open shard " + std::to_string(shard) + ": " +
                        opened.error().message());
    }
    last = std::max(last, drivers_[shard]->last_time());
  }
  return last;
}

asio::awaitable<Expected<void>> Engine::catch_up() {
  const auto nothing = [](Shard&, Timestamp) { return Expected<void>(); };
  for (const auto& driver : drivers_) driver->wake();
  for (const auto& driver : drivers_) {
    const Expected<void> done = co_await driver->call(nothing);
    if (!done) co_return done.error();
  }
  co_return Expected<void>();
}

// The last shard to hold releases all. A commit that hangs holds up the others; they have the same
// disk.
asio::awaitable<void> Engine::look_between_commits(const StoreLook& look) {
  std::atomic<std::size_t> left = drivers_.size();
  std::unique_ptr<Suspension> suspension;
  co_await suspend([&](std::unique_ptr<Suspension> suspended) {
    suspension = std::move(suspended);
    for (std::size_t shard = 0; shard < drivers_.size(); ++shard) {
      drivers_[shard]->hold_commits([&, shard](const std::shared_ptr<Store>& store) {
        look(shard, store);
        if (left.fetch_sub(1) != 1) return;
        for (const auto& driver : drivers_) driver->release_commits();
        // The coroutine may go on, and end, inside resume().
        const std::unique_ptr<Suspension> last = std::move(suspension);
        last->resume();
      });
    }
  });
}

// All cuts are made at one moment, and no order of cuts one by one would do. What is on the disks
// at that moment is what a loss of power would have left there; so whatever copes with that,
// numbered transfers above all, copes with the copy. Were the source of a transfer cut first, its
// message would be there and, already, at the target; were the target cut first, the source could
// have been told that the message is there, and forgotten it.
asio::awaitable<StoreResult<std::vector<CopyEnd>>> Engine::copy_stores(
    std::vector<std::string> directories) {
  CHECK(directories.size() == drivers_.size());
  struct Part {
    std::shared_ptr<Store> store;
    std::unique_ptr<StoreCopy> copy;  // ends before the store
    bool cut = false;
  };
  std::vector<Part> parts(drivers_.size());
  const auto not_open = [](std::size_t shard) {
    return StoreError("shard " + std::to_string(shard) + " is not open; try again later");
  };

  const StoreLook learn = [&parts](std::size_t shard, const std::shared_ptr<Store>& store) {
    parts[shard].store = store;
  };
  co_await look_between_commits(learn);
  const StoreResult<void> begun =
      co_await in_background(cores_.background(), [&]() -> StoreResult<void> {
        for (std::size_t shard = 0; shard < parts.size(); ++shard) {
          if (!parts[shard].store) return not_open(shard);
          auto copy = parts[shard].store->begin_copy(directories[shard]);
          if (!copy) return copy.error();
          parts[shard].copy = std::move(*copy);
        }
        return {};
      });
  if (!begun) co_return begun.error();

  const StoreLook cut = [&parts](std::size_t shard, const std::shared_ptr<Store>& store) {
    Part& part = parts[shard];
    part.cut = store == part.store;  // or the shard has failed since
    if (part.cut) part.copy->cut();
  };
  co_await look_between_commits(cut);
  const auto finish = [&]() -> StoreResult<std::vector<CopyEnd>> {
    std::vector<CopyEnd> ends;
    for (std::size_t shard = 0; shard < parts.size(); ++shard) {
      if (!parts[shard].cut) return not_open(shard);
      StoreResult<CopyEnd> end = parts[shard].copy->finish();
      if (!end) return end.error();
      ends.push_back(std::move(*end));
    }
    return ends;
  };
  // The last owner of a store closes it, which may block.
  co_return co_await in_background(cores_.background(), [&] {
    StoreResult<std::vector<CopyEnd>> ends = finish();
    parts.clear();
    return ends;
  });
}

void Engine::stop(std::function<void()> stopped) {
  const auto left = std::make_shared<std::atomic<std::size_t>>(drivers_.size());
  for (const auto& driver : drivers_) {
    driver->stop([left, stopped] {
      if (left->fetch_sub(1) == 1) stopped();
    });
  }
}

}  // namespace millrace
