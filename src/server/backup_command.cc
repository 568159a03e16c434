#include "server/backup_command.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>
#include <ostream>
#include <system_error>

#include <CLI/CLI.hpp>

#include "base/clock.h"
#include "runtime/store_lineage.h"
#include "server/backup_files.h"
#include "server/control_socket.h"
#include "server/installation.h"
#include "storage/log_store.h"

namespace millrace {

namespace {

namespace fs = std::filesystem;

constexpr const char* kBackupHelp =
    "Copies a data directory, also while a server uses it. What was acknowledged before is in the\n"
    "copy. The keyring is not, unless --with-keyring says so: without it nobody can read the copy.";
constexpr const char* kRestoreHelp =
    "Makes a data directory of a backup, each file of which must be as it was written.";
constexpr const char* kKeyName = "key";
constexpr const char* kKeyringName = "keyring";

/// Files that belong to whoever has the directory open, or are not finished.
bool is_passing(const fs::path& file) {
  return file.filename() == "LOCK" || file.extension() == ".new";
}

/// Runs CLI11 over `arguments`. @return false if only help was wanted, which `out` then has.
StartResult<bool> parse(CLI::App& app, const std::vector<std::string>& arguments,
                        std::ostream& out) {
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::CallForHelp&) {
    out << app.help();
    return false;
  } catch (const CLI::ParseError& error) {
    return StartError(std::string(error.what()) + "; try `" + app.get_name() + " --help`");
  }
  return true;
}

// --- backup --------------------------------------------------------------------------------------

struct BackupOptions {
  std::string data;
  std::string backup;
  std::string keyring;  // empty: not copied
  std::uint64_t bytes_per_second = 0;
};

/// What is copied: a directory, and where its files end if they hold more than belongs to it.
struct Source {
  std::string path;
  std::map<std::string, std::uint64_t> ends;
  std::unique_ptr<ServedCopy> served;        // by a server
  std::optional<Installation> installation;  // or locked against servers
};

StartResult<Source> find_source(const std::string& data) {
  StartResult<std::unique_ptr<ServedCopy>> served = ServedCopy::ask(data);
  if (!served) return served.error();
  Source source;
  if (*served) {
    source.path = Installation::copy_directory(data);
    for (const CopyEnd& end : (*served)->ends()) source.ends[end.file] = end.bytes;
    source.served = std::move(*served);
    return source;
  }
  StartResult<Installation> installation = Installation::inspect(data);
  if (!installation) return installation.error();
  source.path = data;
  source.installation.emplace(std::move(*installation));
  return source;
}

/// The files to be copied, by their paths in `source`: those of the shards, and the key.
StartResult<std::vector<std::string>> list_files(const std::string& source) {
  std::vector<std::string> files = {kKeyName};
  std::error_code failed;
  for (const fs::directory_entry& shard : fs::directory_iterator(source, failed)) {
    if (!Installation::is_shard(shard.path().filename().string())) continue;
    for (const auto& entry : fs::recursive_directory_iterator(shard.path(), failed)) {
      if (!entry.is_regular_file() || is_passing(entry.path())) continue;
      files.push_back(entry.path().lexically_relative(source));
    }
  }
  if (failed) return StartError("cannot read " + source + ": " + failed.message());
  std::sort(files.begin(), files.end());
  return files;
}

/// Whether `path` is `directory` or lies in it.
bool lies_in(const std::string& path, const std::string& directory) {
  std::error_code failed;
  const fs::path below = fs::weakly_canonical(path, failed);
  const fs::path above = fs::weakly_canonical(directory, failed);
  return !failed &&
         std::mismatch(above.begin(), above.end(), below.begin(), below.end()).first == above.end();
}

StartResult<void> back_up(const BackupOptions& options, std::ostream& out) {
  if (lies_in(options.backup, options.data)) {
    return StartError("a backup in the data directory would be lost with it");
  }
  StartResult<UnfinishedDirectory> backup = UnfinishedDirectory::make(options.backup);
  if (!backup) return backup.error();
  StartResult<Source> source = find_source(options.data);
  if (!source) return source.error();
  const StartResult<std::vector<std::string>> files = list_files(source->path);
  if (!files) return files.error();

  const SystemClock clock;
  FileCopier copier(options.bytes_per_second, clock);
  std::vector<BackupFile> copied;
  const auto copy = [&](const std::string& from, const std::string& path) -> StartResult<void> {
    if (const auto made = backup->make_parents(path); !made) return made;
    const auto end = source->ends.find(path);
    StartResult<BackupFile> file =
        end == source->ends.end() ? copier.copy(from, options.backup + "/" + path)
                                  : copier.copy(from, options.backup + "/" + path, end->second);
    if (!file) return file.error();
    copied.push_back({path, file->bytes, file->sha256});
    return {};
  };
  for (const std::string& path : *files) {
    const std::string from = source->path + "/" + path;
    if (const auto done = copy(from, path); !done) return done;
    if (!source->served) continue;
    std::error_code ignored;  // the server removes what is left; this gives space back sooner
    fs::remove(from, ignored);
  }
  if (!options.keyring.empty()) {
    if (const auto done = copy(options.keyring, kKeyringName); !done) return done;
  }
  if (source->served && !source->served->kept()) {
    return StartError("the server ended before its data was copied");
  }
  if (const auto synced = backup->sync(); !synced) return synced;
  if (const auto written = write_manifest(options.backup, copied); !written) return written;
  if (const auto kept = backup->keep(); !kept) return kept;

  out << options.backup << " is a backup of " << options.data << ": " << copied.size() << " files, "
      << (copier.bytes() >> 20) << " MiB.\n";
  out << (options.keyring.empty()
              ? "The keyring is NOT in it, and without the keyring it cannot be read: keep a copy "
                "of it, apart.\n"
              : "The keyring is in it: whoever has the backup can read all messages.\n");
  return {};
}

// --- restore -------------------------------------------------------------------------------------

/// Copies one file of the backup and says whether it is as it was written.
StartResult<void> restore_file(const std::string& backup, const BackupFile& file,
                               const UnfinishedDirectory& data, FileCopier& copier) {
  const std::string from = backup + "/" + file.path;
  if (const auto made = data.make_parents(file.path); !made) return made;
  const StartResult<BackupFile> copied = copier.copy(from, data.path() + "/" + file.path);
  if (!copied) return copied.error();
  if (copied->bytes != file.bytes || copied->sha256 != file.sha256) {
    return StartError(from + " is damaged: it is not as it was written. Nothing was restored.");
  }
  return {};
}

/// Has a restored store begin a line of its own.
StartResult<void> begin_line(const std::string& directory) {
  LogStoreOptions options;
  options.directory = directory;
  const StoreResult<std::unique_ptr<LogStore>> store = LogStore::open(options);
  if (!store) return StartError(store.error().message());
  if (const auto passed = pass_over_numbers(**store); !passed) {
    return StartError(passed.error().message());
  }
  return {};
}

// The key comes last: a server refuses a directory with shards and without a key, so one that is
// restored in part is not mistaken for a whole one.
StartResult<void> restore(const std::string& backup, const std::string& path, std::ostream& out) {
  const StartResult<std::vector<BackupFile>> files = read_manifest(backup);
  if (!files) return files.error();
  StartResult<UnfinishedDirectory> data = UnfinishedDirectory::make(path);
  if (!data) return data.error();
  const SystemClock clock;
  FileCopier copier(0, clock);
  const auto is_key = [](const BackupFile& file) { return file.path == kKeyName; };
  const auto key = std::find_if(files->begin(), files->end(), is_key);
  if (key == files->end()) return StartError(backup + " holds no key of a data directory");
  bool has_keyring = false;
  for (const BackupFile& file : *files) {
    if (is_key(file)) continue;
    has_keyring = has_keyring || file.path == kKeyringName;
    if (const auto done = restore_file(backup, file, *data, copier); !done) return done;
  }
  {
    const StartResult<Installation> installation = Installation::inspect(path);
    if (!installation) return installation.error();
    for (std::size_t shard = 0; shard < installation->shards(); ++shard) {
      const auto begun = begin_line(installation->shard_directory(shard));
      if (!begun) return begun;
    }
  }
  if (const auto synced = data->sync(); !synced) return synced;
  if (const auto done = restore_file(backup, *key, *data, copier); !done) return done;
  if (const auto kept = data->keep(); !kept) return kept;
  out << path << " was restored: " << files->size() << " files, each as it was written.\n";
  if (!has_keyring) {
    out << "The keyring was not in the backup: put it to " << path
        << "/keyring, or name it with --keyring.\n";
  }
  return {};
}

}  // namespace

StartResult<void> run_backup_command(const std::vector<std::string>& arguments, std::ostream& out) {
  BackupOptions options;
  std::string keyring;
  bool with_keyring = false;
  std::uint64_t mebibytes_per_second = 0;
  CLI::App app(kBackupHelp, "millrace backup");
  app.add_option("DATA", options.data, "The data directory")->required();
  app.add_option("BACKUP", options.backup, "A directory that is not there yet, or empty")
      ->required();
  app.add_flag("--with-keyring", with_keyring, "Copy the keyring, too: a backup holds all secrets");
  app.add_option("--keyring", keyring, "Where the keyring is (default: DATA/keyring)")
      ->needs("--with-keyring");
  app.add_option("--rate", mebibytes_per_second,
                 "MiB to copy a second at most (default: as fast as it goes)");
  const StartResult<bool> wanted = parse(app, arguments, out);
  if (!wanted) return wanted.error();
  if (!*wanted) return {};
  if (with_keyring) options.keyring = keyring.empty() ? options.data + "/keyring" : keyring;
  options.bytes_per_second = mebibytes_per_second << 20;
  return back_up(options, out);
}

StartResult<void> run_restore_command(const std::vector<std::string>& arguments,
                                      std::ostream& out) {
  std::string backup;
  std::string data;
  CLI::App app(kRestoreHelp, "millrace restore");
  app.add_option("BACKUP", backup, "The backup")->required();
  app.add_option("DATA", data, "A directory that is not there yet, or empty")->required();
  const StartResult<bool> wanted = parse(app, arguments, out);
  if (!wanted) return wanted.error();
  if (!*wanted) return {};
  return restore(backup, data, out);
}

}  // namespace millrace
