#include "support/fault_store.h"

#include <algorithm>

namespace millrace {

void FaultStore::commit(const WriteBatch& batch) {
  CHECK(!dead_ && !in_flight_ && !finished_);
  ++commits_;
  in_flight_ = batch;
  if (commits_ == failing_commit_) {
    if (failing_outcome_ == InFlight::kept) rows_->apply(*in_flight_);
    in_flight_.reset();
    dead_ = true;
    finished_ = StoreError("the disk failed, as the test asked");
    return;
  }
  if (!hold_) complete_commit();
}

void FaultStore::complete_commit() {
  CHECK(in_flight_);
  finished_ = rows_->apply(*in_flight_);
  in_flight_.reset();
}

void FaultStore::fail_commit(std::uint64_t count, InFlight outcome) {
  CHECK(count > 0);
  failing_commit_ = commits_ + count;
  failing_outcome_ = outcome;
}

std::optional<StoreResult<PayloadPlaces>> FaultStore::finish() {
  return std::exchange(finished_, std::nullopt);
}

StoreResult<std::shared_ptr<const std::string>> FaultStore::read(const PayloadPlace& place) const {
  if (fail_reads_) return StoreError("the disk failed to read, as the test asked");
  if (damaged_.contains({place.segment, place.offset})) {
    return StoreError("a chunk is damaged, as the test asked", true);
  }
  return rows_->read(place);
}

StoreResult<std::vector<RelocationCandidate>> FaultStore::relocation_candidates(
    std::size_t count_max) {
  return std::vector<RelocationCandidate>(
      candidates_.begin(),
      candidates_.begin() + static_cast<std::ptrdiff_t>(std::min(count_max, candidates_.size())));
}

std::unique_ptr<FaultStore> FaultStore::crash(InFlight in_flight) {
  if (in_flight_ && in_flight == InFlight::kept) rows_->apply(*in_flight_);
  in_flight_.reset();
  finished_.reset();
  dead_ = true;
  auto reopened = std::unique_ptr<FaultStore>(new FaultStore(rows_, epoch_ + 1));
  reopened->space_ = space_;
  reopened->damaged_ = damaged_;
  return reopened;
}

}  // namespace millrace
