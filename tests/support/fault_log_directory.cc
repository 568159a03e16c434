#include "support/fault_log_directory.h"

#include <algorithm>

#include "base/check.h"

namespace millrace {

namespace {

constexpr std::size_t kSectorBytes = 512;

StoreError power_is_gone() {
  return StoreError("the disk has no power, as the test asked");
}

}  // namespace

class FaultLogDirectory::File final : public LogFile {
 public:
  File(FaultLogDirectory& disk, std::shared_ptr<Bytes> bytes)
      : disk_(disk), bytes_(std::move(bytes)) {}

  StoreResult<void> read(std::uint64_t offset, std::span<char> out) const override {
    const std::lock_guard lock(disk_.mutex_);
    if (disk_.stopped_) return power_is_gone();
    if (offset + out.size() > bytes_->visible.size()) return StoreError("the file ends too early");
    std::copy_n(bytes_->visible.begin() + static_cast<std::ptrdiff_t>(offset), out.size(),
                out.begin());
    return {};
  }

  StoreResult<void> write(std::uint64_t offset, std::span<const char> bytes) override {
    const std::lock_guard lock(disk_.mutex_);
    return disk_.write(*bytes_, offset, {bytes.data(), bytes.size()});
  }

  StoreResult<void> sync() override {
    const std::lock_guard lock(disk_.mutex_);
    if (!disk_.begin()) return power_is_gone();
    bytes_->durable = bytes_->visible;
    return {};
  }

  Bytes& bytes() const { return *bytes_; }

 private:
  FaultLogDirectory& disk_;
  std::shared_ptr<Bytes> bytes_;
};

class FaultLogDirectory::Writer final : public LogWriter {
 public:
  explicit Writer(FaultLogDirectory& disk) : disk_(disk) {
    const std::lock_guard lock(disk_.mutex_);
    disk_.writer_ = this;
  }
  ~Writer() override {
    const std::lock_guard lock(disk_.mutex_);
    if (disk_.writer_ == this) disk_.writer_ = nullptr;
  }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  void start(const std::shared_ptr<LogFile>& file, std::uint64_t offset,
             std::span<const char> bytes) override {
    const std::lock_guard lock(disk_.mutex_);
    CHECK(!file_);
    file_ = std::static_pointer_cast<File>(file);
    offset_ = offset;
    bytes_.assign(bytes.begin(), bytes.end());
  }

  std::optional<StoreResult<void>> finish() override {
    const std::lock_guard lock(disk_.mutex_);
    if (!file_ || (disk_.hold_writes_ && !disk_.stopped_)) return std::nullopt;
    StoreResult<void> outcome = disk_.write(file_->bytes(), offset_, bytes_);
    file_.reset();
    return outcome;
  }

  // With the disk's lock held: the write in flight arrives where it can be read.
  void become_visible() {
    if (file_) file_->bytes().visible.replace(offset_, bytes_.size(), bytes_);
    file_.reset();
  }
  void become_torn() {
    if (file_) disk_.tear(file_->bytes(), offset_, bytes_);
    file_.reset();
  }

  int completion_descriptor() const override { return -1; }
  std::string_view name() const override { return "a disk in memory"; }

 private:
  FaultLogDirectory& disk_;
  std::shared_ptr<File> file_;
  std::uint64_t offset_ = 0;
  std::string bytes_;
};

std::uint64_t FaultLogDirectory::operations() const {
  const std::lock_guard lock(mutex_);
  return operations_;
}

void FaultLogDirectory::stop_at(std::uint64_t count) {
  const std::lock_guard lock(mutex_);
  stop_at_ = operations_ + count;
}

bool FaultLogDirectory::stopped() const {
  const std::lock_guard lock(mutex_);
  return stopped_;
}

void FaultLogDirectory::process_death() {
  const std::lock_guard lock(mutex_);
  if (writer_ != nullptr) writer_->become_visible();
  stopped_ = true;
}

void FaultLogDirectory::restart() {
  const std::lock_guard lock(mutex_);
  stopped_ = false;
}

void FaultLogDirectory::power_loss() {
  const std::lock_guard lock(mutex_);
  if (writer_ != nullptr) writer_->become_torn();
  // A removal that was not synced may or may not have happened.
  for (auto name = durable_.begin(); name != durable_.end();) {
    const bool removed = !visible_.contains(name->first) && random_.chance(1, 2);
    name = removed ? durable_.erase(name) : std::next(name);
  }
  visible_.clear();
  for (auto& [name, bytes] : durable_) {
    // New objects: a file that somebody still has open is no longer this disk's.
    bytes = std::make_shared<Bytes>(Bytes{bytes->durable, bytes->durable});
    visible_[name] = bytes;
  }
  stopped_ = false;
  stop_at_ = 0;
}

void FaultLogDirectory::fail_creates(bool fail) {
  const std::lock_guard lock(mutex_);
  fail_creates_ = fail;
}

void FaultLogDirectory::fail_next_write() {
  const std::lock_guard lock(mutex_);
  fail_next_write_ = true;
}

void FaultLogDirectory::hold_writes(bool hold) {
  const std::lock_guard lock(mutex_);
  hold_writes_ = hold;
}

void FaultLogDirectory::flip_bit(const std::string& name, std::uint64_t bit) {
  const std::lock_guard lock(mutex_);
  Bytes& bytes = *visible_.at(name);
  const auto flipped = static_cast<char>(1u << bit % 8);
  bytes.visible.at(bit / 8) = static_cast<char>(bytes.visible.at(bit / 8) ^ flipped);
  bytes.durable.at(bit / 8) = static_cast<char>(bytes.durable.at(bit / 8) ^ flipped);
}

std::string FaultLogDirectory::contents(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  return visible_.at(name)->visible;
}

bool FaultLogDirectory::begin() {
  ++operations_;
  if (operations_ == stop_at_) stopped_ = true;
  return !stopped_;
}

StoreResult<void> FaultLogDirectory::write(Bytes& bytes, std::uint64_t offset,
                                           std::string_view written) {
  if (stopped_) return power_is_gone();
  CHECK(offset % kSectorBytes == 0 && written.size() % kSectorBytes == 0);
  CHECK(offset + written.size() <= bytes.visible.size());
  const bool done = begin();
  if (!done || fail_next_write_) {
    fail_next_write_ = false;
    tear(bytes, offset, written);
    return done ? StoreError("the disk failed, as the test asked") : power_is_gone();
  }
  bytes.visible.replace(offset, written.size(), written);
  bytes.durable.replace(offset, written.size(), written);
  return {};
}

// Some sectors of a write arrive, in any order: none, all, or any in between.
void FaultLogDirectory::tear(Bytes& bytes, std::uint64_t offset, std::string_view written) {
  const std::uint64_t outcome = random_.below(4);
  for (std::size_t at = 0; at < written.size(); at += kSectorBytes) {
    const bool arrived = outcome == 0 ? true : outcome == 1 ? false : random_.chance(1, 2);
    if (!arrived) continue;
    bytes.visible.replace(offset + at, kSectorBytes, written.substr(at, kSectorBytes));
    bytes.durable.replace(offset + at, kSectorBytes, written.substr(at, kSectorBytes));
  }
}

StoreResult<std::vector<LogDirectory::Entry>> FaultLogDirectory::list() const {
  const std::lock_guard lock(mutex_);
  if (stopped_) return power_is_gone();
  std::vector<Entry> entries;
  for (const auto& [name, bytes] : visible_) entries.push_back({name, bytes->visible.size()});
  return entries;
}

StoreResult<std::shared_ptr<LogFile>> FaultLogDirectory::create(const std::string& name,
                                                                std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  if (stopped_) return power_is_gone();
  const bool done = begin();
  if (fail_creates_) return StoreError("no space left on the disk, as the test asked");
  // Done in part, it leaves a file of any length, or none.
  const std::uint64_t made = done ? bytes : random_.below(bytes);
  auto file = std::make_shared<Bytes>(Bytes{std::string(made, '\0'), std::string(made, '\0')});
  if (done || random_.chance(1, 2)) durable_[name] = visible_[name] = file;
  if (!done) return power_is_gone();
  return std::shared_ptr<LogFile>(std::make_shared<File>(*this, file));
}

StoreResult<std::shared_ptr<LogFile>> FaultLogDirectory::open(const std::string& name,
                                                              LogAccess) const {
  const std::lock_guard lock(mutex_);
  if (stopped_) return power_is_gone();
  const auto found = visible_.find(name);
  if (found == visible_.end()) return StoreError("there is no file " + name);
  return std::shared_ptr<LogFile>(
      std::make_shared<File>(const_cast<FaultLogDirectory&>(*this), found->second));
}

StoreResult<void> FaultLogDirectory::rename(const std::string& from, const std::string& to) {
  const std::lock_guard lock(mutex_);
  if (stopped_) return power_is_gone();
  const bool done = begin();
  if (done || random_.chance(1, 2)) {
    const auto bytes = visible_.at(from);
    visible_.erase(from);
    durable_.erase(from);
    durable_[to] = visible_[to] = bytes;
  }
  return done ? StoreResult<void>() : power_is_gone();
}

StoreResult<void> FaultLogDirectory::remove(const std::string& name) {
  const std::lock_guard lock(mutex_);
  if (stopped_) return power_is_gone();
  const bool done = begin();
  visible_.erase(name);
  return done ? StoreResult<void>() : power_is_gone();
}

StoreResult<StoreSpace> FaultLogDirectory::space() const {
  constexpr std::uint64_t kCapacity = std::uint64_t{1} << 40;
  return StoreSpace{.used_bytes = 0, .available_bytes = kCapacity, .capacity_bytes = kCapacity};
}

StoreResult<std::unique_ptr<LogWriter>> FaultLogDirectory::make_writer() {
  return std::unique_ptr<LogWriter>(std::make_unique<Writer>(*this));
}

}  // namespace millrace
