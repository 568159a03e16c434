// FaultStore: a Store in memory for tests of what stands on a store: commits that wait until they
// are told, commits that fail, and crashes that forget what was not durable.
//
// No threads and no descriptor (completion_descriptor() is -1): the test decides when a commit
// ends, so a run is the same every time. By default a commit ends at once.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "storage/versioned_rows.h"

namespace millrace {

class FaultStore final : public Store {
 public:
  /// An empty store, opened for the first time.
  FaultStore() : FaultStore(std::make_shared<VersionedRows>(), 1) {}

  /// What becomes of the commit in flight when the process dies.
  enum class InFlight { lost, kept };

  // What a test tells the store.

  /// With `hold`, a commit ends only after complete_commit().
  void hold_commits(bool hold) { hold_ = hold; }
  bool commit_in_flight() const { return in_flight_.has_value(); }
  /// Lets the commit in flight become durable; finish() then reports it. CHECKs that there is one.
  void complete_commit();
  /// The `count`-th commit from now on (1: the next) fails, and with it the store. What it wrote is
  /// there after the crash, or not, as `outcome` says.
  void fail_commit(std::uint64_t count, InFlight outcome);
  /// From now on, read() fails (or no longer fails), as a broken disk's would.
  void fail_reads(bool fail) { fail_reads_ = fail; }
  /// From now on, the chunk at `place` is not what was written.
  void damage(const PayloadPlace& place) { damaged_.emplace(place.segment, place.offset); }
  void set_space(const StoreSpace& space) { space_ = space; }
  /// What relocation_candidates() returns from now on.
  void set_relocation_candidates(std::vector<RelocationCandidate> candidates) {
    candidates_ = std::move(candidates);
  }
  /// The number of commits begun since this store was opened.
  std::uint64_t commits() const { return commits_; }
  /// The store as it is opened after the process died now: everything that finished, or failed with
  /// outcome kept, and the commit in flight if `in_flight` says so. This one is dead afterwards: it
  /// takes no commit, but what was handed out by it may still be destroyed.
  std::unique_ptr<FaultStore> crash(InFlight in_flight);

  void commit(const WriteBatch& batch) override;
  int completion_descriptor() const override { return -1; }
  std::optional<StoreResult<PayloadPlaces>> finish() override;
  StoreResult<std::shared_ptr<const std::string>> read(const PayloadPlace& place) const override;
  std::unique_ptr<Snapshot> snapshot() const override { return rows_->snapshot(); }
  StoreResult<void> maintain() override { return {}; }
  bool wants_maintenance() const override { return false; }
  std::size_t batch_bytes_max() const override { return std::size_t{16} << 20; }
  StoreResult<std::vector<RelocationCandidate>> relocation_candidates(
      std::size_t count_max) override;
  StoreSpace space() const override { return space_; }
  std::uint32_t epoch() const override { return epoch_; }

 private:
  FaultStore(std::shared_ptr<VersionedRows> rows, std::uint32_t epoch)
      : rows_(std::move(rows)), epoch_(epoch) {}

  std::shared_ptr<VersionedRows> rows_;
  std::uint32_t epoch_;
  std::optional<WriteBatch> in_flight_;
  std::optional<StoreResult<PayloadPlaces>> finished_;
  std::vector<RelocationCandidate> candidates_;
  std::set<std::pair<std::uint64_t, std::uint32_t>> damaged_;  // segments and offsets
  StoreSpace space_{.used_bytes = 0,
                    .available_bytes = std::uint64_t{1} << 40,
                    .capacity_bytes = std::uint64_t{1} << 40};
  std::uint64_t commits_ = 0;
  std::uint64_t failing_commit_ = 0;  // counted as commits_; 0: none
  InFlight failing_outcome_ = InFlight::lost;
  bool hold_ = false;
  bool fail_reads_ = false;
  bool dead_ = false;
};

}  // namespace millrace
