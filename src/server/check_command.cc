#include "server/check_command.h"

#include <filesystem>
#include <ostream>
#include <system_error>

#include <CLI/CLI.hpp>

#include "runtime/store_audit.h"
#include "server/installation.h"
#include "storage/log_store.h"
#include "storage/store_clone.h"

namespace millrace {

namespace {

namespace fs = std::filesystem;

constexpr const char* kHelp =
    "Reads everything in a data directory and says what of it is damaged. No server may use the\n"
    "directory meanwhile. Nothing is changed. Exit status 1: it is damaged, or cannot be read.";

// A directory that is removed again, with what is in it.
class Scratch {
 public:
  explicit Scratch(std::string path) : path_(std::move(path)) { remove(); }
  ~Scratch() { remove(); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  const std::string& path() const { return path_; }

 private:
  void remove() {
    std::error_code ignored;  // what is left is removed by the next check
    fs::remove_all(path_, ignored);
  }

  std::string path_;
};

// What the audit of the store found; a store that cannot be opened is damaged as a whole.
StartResult<StoreAudit> check_store(const std::string& directory, const std::string& scratch) {
  const Scratch clone(scratch);
  if (const auto cloned = clone_store(directory, clone.path()); !cloned) {
    return StartError(cloned.error().message());
  }
  LogStoreOptions options;
  options.directory = clone.path();
  const StoreResult<std::unique_ptr<LogStore>> store = LogStore::open(options);
  if (store) return audit_store(**store);
  StoreAudit audit;
  audit.fault(store.error().message());
  return audit;
}

void describe(const std::string& name, const StoreAudit& audit, std::ostream& out) {
  out << name << ": " << audit.queues << " queues, " << audit.messages << " messages in "
      << audit.blocks << " blocks, " << audit.bytes << " bytes read: ";
  if (audit.sound()) {
    out << "sound\n";
    return;
  }
  out << "DAMAGED\n";
  for (const std::string& fault : audit.faults) out << "  " << fault << "\n";
  if (audit.fault_count > audit.faults.size()) {
    out << "  ... " << audit.fault_count - audit.faults.size() << " more\n";
  }
}

}  // namespace

StartResult<bool> run_check_command(const std::vector<std::string>& arguments, std::ostream& out) {
  std::string directory;
  CLI::App app(kHelp, "millrace check");
  app.add_option("DATA", directory, "The data directory")->required();
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::CallForHelp&) {
    out << app.help();
    return true;
  } catch (const CLI::ParseError& error) {
    return StartError(std::string(error.what()) + "; try `millrace check --help`");
  }

  const StartResult<Installation> installation = Installation::inspect(directory);
  if (!installation) return installation.error();
  bool sound = true;
  for (std::size_t shard = 0; shard < installation->shards(); ++shard) {
    const std::string path = installation->shard_directory(shard);
    const auto audit = check_store(path, directory + "/check");
    if (!audit) return audit.error();
    describe(fs::path(path).filename(), *audit, out);
    out.flush();
    sound = sound && audit->sound();
  }
  out << directory << (sound ? " is sound.\n" : " is damaged.\n");
  return sound;
}

}  // namespace millrace
