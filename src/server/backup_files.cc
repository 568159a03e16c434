#include "server/backup_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <sstream>
#include <system_error>
#include <thread>
#include <utility>

#include "base/check.h"
#include "base/encoding.h"
#include "server/private_file.h"

namespace millrace {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kTitle = "millrace-backup";
constexpr std::string_view kChecksum = "checksum ";
constexpr std::string_view kManifest = "MANIFEST";
constexpr std::size_t kSliceBytes = std::size_t{1} << 20;  // read and written at once
// Written before it is made durable: a disk that gets everything at once keeps others waiting.
constexpr std::uint64_t kSyncBytes = std::uint64_t{8} << 20;
constexpr mode_t kDirectoryMode = S_IRWXU;
constexpr mode_t kFileMode = S_IRUSR | S_IWUSR;

bool is_zero(std::string_view bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](char byte) { return byte == '\0'; });
}

bool write_at(int file, std::string_view bytes, std::uint64_t offset) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(file, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
    offset += static_cast<std::uint64_t>(written);
  }
  return true;
}

StartResult<void> sync_directory(const std::string& path) {
  const OpenFile directory(path, O_RDONLY | O_DIRECTORY);
  if (!directory || ::fsync(directory.get()) != 0) return file_error("cannot sync", path);
  return {};
}

/// Whether the path of a file in a manifest stays below the backup, whoever wrote it.
bool stays_below(const fs::path& path) {
  return path.is_relative() && path == path.lexically_normal() && path.begin()->string() != "..";
}

}  // namespace

// --- manifest ------------------------------------------------------------------------------------

StartResult<void> write_manifest(const std::string& backup, const std::vector<BackupFile>& files) {
  std::ostringstream text;
  text << kTitle << "\nversion " << kBackupVersion << "\n";
  for (const BackupFile& file : files) {
    text << "file " << file.sha256 << " " << file.bytes << " " << file.path << "\n";
  }
  const std::string lines = text.str();
  const std::string sealed = lines + std::string(kChecksum) + to_hex(sha256(lines)) + "\n";
  const auto all = [&sealed](const std::optional<std::string>&) { return text_result(sealed); };
  return edit_private_file(backup + "/" + std::string(kManifest), "the manifest", all);
}

StartResult<std::vector<BackupFile>> read_manifest(const std::string& backup) {
  const std::string path = backup + "/" + std::string(kManifest);
  std::error_code failed;
  if (!fs::exists(path, failed)) {
    return StartError(backup + " is not a backup, or one that was not finished: there is no " +
                      std::string(kManifest));
  }
  const StartResult<std::string> text = read_file_text(path, "the manifest");
  if (!text) return text.error();
  const StartError damaged(path + " is not as it was written");
  std::istringstream lines(*text);
  std::string line;
  if (!std::getline(lines, line) || line != kTitle) return damaged;
  std::string word;
  std::uint32_t version = 0;
  if (!(lines >> word >> version) || word != "version") return damaged;
  if (version != kBackupVersion) {
    return StartError(backup + " has backup version " + std::to_string(version) +
                      "; this program restores version " + std::to_string(kBackupVersion) +
                      " only");
  }
  const std::size_t end = text->rfind(kChecksum);
  if (end == std::string::npos ||
      text->substr(end) != std::string(kChecksum) + to_hex(sha256(text->substr(0, end))) + "\n") {
    return damaged;
  }
  std::vector<BackupFile> files;
  BackupFile file;
  while (lines >> word && word == "file") {
    if (!(lines >> file.sha256 >> file.bytes >> file.path) || !stays_below(file.path)) {
      return damaged;
    }
    files.push_back(file);
  }
  return files;
}

// --- copying -------------------------------------------------------------------------------------

StartResult<BackupFile> FileCopier::copy(const std::string& from, const std::string& to,
                                         std::uint64_t bytes_kept) {
  const OpenFile source(from, O_RDONLY);
  struct stat status {};
  if (!source || ::fstat(source.get(), &status) != 0) return file_error("cannot read", from);
  const OpenFile target(to, O_WRONLY | O_CREAT | O_EXCL, kFileMode);
  if (!target) return file_error("cannot make", to);
  const auto length = static_cast<std::uint64_t>(status.st_size);
  if (::ftruncate(target.get(), status.st_size) != 0) return file_error("cannot write", to);

  Sha256 digest;
  std::string slice;
  std::uint64_t unsynced = 0;
  for (std::uint64_t offset = 0; offset < length; offset += slice.size()) {
    slice.assign(std::min<std::uint64_t>(kSliceBytes, length - offset), '\0');
    const std::uint64_t kept =
        offset < bytes_kept ? std::min<std::uint64_t>(slice.size(), bytes_kept - offset) : 0;
    for (std::uint64_t done = 0; done < kept;) {
      const ssize_t read = ::pread(source.get(), slice.data() + done, kept - done,
                                   static_cast<off_t>(offset + done));
      if (read <= 0) return file_error("cannot read", from);
      done += static_cast<std::uint64_t>(read);
    }
    digest.add(slice);
    if (is_zero(slice)) continue;
    if (!write_at(target.get(), slice, offset)) return file_error("cannot write", to);
    bytes_ += slice.size();
    unsynced += slice.size();
    if (unsynced >= kSyncBytes) {
      if (::fdatasync(target.get()) != 0) return file_error("cannot write", to);
      unsynced = 0;
    }
    keep_pace();
  }
  if (::fsync(target.get()) != 0) return file_error("cannot write", to);
  // Neither is needed again: the page cache is for those who serve.
  ::posix_fadvise(source.get(), 0, 0, POSIX_FADV_DONTNEED);
  ::posix_fadvise(target.get(), 0, 0, POSIX_FADV_DONTNEED);
  return BackupFile{to, length, to_hex(digest.finish())};
}

void FileCopier::keep_pace() const {
  if (bytes_per_second_ == 0) return;
  const auto due = static_cast<Milliseconds>(bytes_ * 1000 / bytes_per_second_);
  const Milliseconds ahead = due - (clock_.now() - started_at_);
  if (ahead > 0) std::this_thread::sleep_for(std::chrono::milliseconds(ahead));
}

// --- the directory -------------------------------------------------------------------------------

StartResult<UnfinishedDirectory> UnfinishedDirectory::make(const std::string& path) {
  if (::mkdir(path.c_str(), kDirectoryMode) == 0) return UnfinishedDirectory(path, true);
  if (errno != EEXIST) return file_error("cannot make", path);
  std::error_code failed;
  const bool empty = fs::is_directory(path, failed) && fs::is_empty(path, failed);
  if (failed || !empty) return StartError(path + " is there already, and not an empty directory");
  return UnfinishedDirectory(path, false);
}

UnfinishedDirectory::UnfinishedDirectory(UnfinishedDirectory&& other) noexcept
    : path_(std::exchange(other.path_, {})), made_(other.made_) {}

UnfinishedDirectory::~UnfinishedDirectory() {
  if (path_.empty()) return;
  std::error_code ignored;  // what is left has no manifest, or no key
  for (const fs::directory_entry& entry : fs::directory_iterator(path_, ignored)) {
    fs::remove_all(entry.path(), ignored);
  }
  if (made_) fs::remove(path_, ignored);
}

StartResult<void> UnfinishedDirectory::make_parents(const std::string& path) const {
  fs::path made = path_;
  for (const fs::path& part : fs::path(path).parent_path()) {
    made /= part;
    if (::mkdir(made.c_str(), kDirectoryMode) != 0 && errno != EEXIST) {
      return file_error("cannot make", made);
    }
  }
  return {};
}

StartResult<void> UnfinishedDirectory::sync() const {
  std::error_code failed;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(path_, failed)) {
    if (!entry.is_directory()) continue;
    if (const auto synced = sync_directory(entry.path()); !synced) return synced;
  }
  if (failed) return StartError("cannot read " + path_ + ": " + failed.message());
  return sync_directory(path_);
}

StartResult<void> UnfinishedDirectory::keep() {
  if (const auto synced = sync(); !synced) return synced;
  const std::string parent = fs::absolute(path_).parent_path();
  path_.clear();
  return sync_directory(parent);
}

}  // namespace millrace
