// FaultLogDirectory: the commit log's files in memory, on a disk that loses its power.
//
// It remembers what is durable and what is only visible. A test stops it at any of its operations,
// which is then done in part (a write is torn into sectors that arrived and sectors that did not),
// and asks for the power loss: what was not durable is gone. It also fails operations and flips
// bits. All chances come from the seed. Threads: any; a lock guards everything.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "storage/log_file.h"

namespace millrace {

class FaultLogDirectory final : public LogDirectory {
 public:
  explicit FaultLogDirectory(std::uint64_t seed) : random_(seed) {}

  // What a test tells the disk.

  /// Operations (writes, makes, renames, removals, syncs) so far.
  std::uint64_t operations() const;
  /// The `count`-th operation from now on is done in part, and from it on all operations fail.
  void stop_at(std::uint64_t count);
  bool stopped() const;
  /// The process dies at this moment, the machine does not: a write in flight still arrives where
  /// it can be read, but not for good before someone syncs. Operations fail until restart().
  void process_death();
  void restart();
  /// The power goes, and comes back. Nothing that was opened before may be used afterwards.
  void power_loss();
  /// Making files fails for want of space, from now on or no longer.
  void fail_creates(bool fail);
  /// The next durable write fails and leaves any part of itself behind.
  void fail_next_write();
  /// While true, writes that were started do not finish.
  void hold_writes(bool hold);
  void flip_bit(const std::string& name, std::uint64_t bit);
  /// The bytes of a file as they can be read now.
  std::string contents(const std::string& name) const;

  StoreResult<std::vector<Entry>> list() const override;
  StoreResult<std::shared_ptr<LogFile>> create(const std::string& name,
                                               std::uint64_t bytes) override;
  StoreResult<std::shared_ptr<LogFile>> open(const std::string& name,
                                             LogAccess access) const override;
  StoreResult<void> rename(const std::string& from, const std::string& to) override;
  StoreResult<void> remove(const std::string& name) override;
  StoreResult<StoreSpace> space() const override;
  StoreResult<std::unique_ptr<LogWriter>> make_writer() override;

 private:
  class File;
  class Writer;
  struct Bytes {
    std::string visible;
    std::string durable;
  };
  using Names = std::map<std::string, std::shared_ptr<Bytes>>;

  // All of these with the lock held.
  bool begin();  // counts an operation; false if it is the one that is done in part
  StoreResult<void> write(Bytes& bytes, std::uint64_t offset, std::string_view written);
  void tear(Bytes& bytes, std::uint64_t offset, std::string_view written);

  mutable std::mutex mutex_;
  Random random_;
  Names visible_;
  Names durable_;
  std::uint64_t operations_ = 0;
  std::uint64_t stop_at_ = 0;  // counted as operations_; 0: never
  bool stopped_ = false;
  bool fail_creates_ = false;
  bool fail_next_write_ = false;
  bool hold_writes_ = false;
  Writer* writer_ = nullptr;  // the one made last
};

}  // namespace millrace
