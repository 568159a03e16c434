// MemoryStore: a Store that keeps everything in memory and nothing afterwards (`--ephemeral`, and
// tests that need no faults).
//
// A commit is done as soon as it is made; its eventfd is signalled at once, so the code that drives
// a LogStore drives it alike. It CHECKs what VersionedRows checks: keys put or erased twice in
// write-once families, chunks released twice.
#pragma once

#include <memory>
#include <optional>

#include "storage/versioned_rows.h"

namespace millrace {

class MemoryStore final : public Store {
 public:
  MemoryStore();
  ~MemoryStore() override;
  MemoryStore(const MemoryStore&) = delete;
  MemoryStore& operator=(const MemoryStore&) = delete;

  void commit(const WriteBatch& batch) override;
  int completion_descriptor() const override { return descriptor_; }
  std::optional<StoreResult<PayloadPlaces>> finish() override;
  StoreResult<std::shared_ptr<const std::string>> read(const PayloadPlace& place) const override;
  std::unique_ptr<Snapshot> snapshot() const override;
  StoreResult<void> maintain() override { return {}; }
  bool wants_maintenance() const override { return false; }
  std::size_t batch_bytes_max() const override { return std::size_t{16} << 20; }
  StoreResult<std::vector<RelocationCandidate>> relocation_candidates(std::size_t) override {
    return std::vector<RelocationCandidate>();
  }
  /// used_bytes: the bytes of chunks; the rest is the machine's memory, as the kernel tells it.
  StoreSpace space() const override;
  std::uint32_t epoch() const override { return 1; }

 private:
  std::shared_ptr<VersionedRows> rows_ = std::make_shared<VersionedRows>();
  std::optional<PayloadPlaces> finished_;
  int descriptor_;
};

}  // namespace millrace
