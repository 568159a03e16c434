#include "storage/memory_store.h"

#include <sys/eventfd.h>
#include <sys/sysinfo.h>
#include <unistd.h>

namespace millrace {

MemoryStore::MemoryStore() : descriptor_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  CHECK(descriptor_ >= 0);
}

MemoryStore::~MemoryStore() {
  ::close(descriptor_);
}

void MemoryStore::commit(const WriteBatch& batch) {
  CHECK(!finished_);
  finished_ = rows_->apply(batch);
  CHECK(::eventfd_write(descriptor_, 1) == 0);
}

std::optional<StoreResult<PayloadPlaces>> MemoryStore::finish() {
  eventfd_t count = 0;
  static_cast<void>(::eventfd_read(descriptor_, &count));  // EAGAIN: it was not signalled
  if (!finished_) return std::nullopt;
  StoreResult<PayloadPlaces> places = std::move(*finished_);
  finished_.reset();
  return places;
}

StoreResult<std::shared_ptr<const std::string>> MemoryStore::read(const PayloadPlace& place) const {
  return rows_->read(place);
}

std::unique_ptr<Snapshot> MemoryStore::snapshot() const {
  return rows_->snapshot();
}

StoreSpace MemoryStore::space() const {
  StoreSpace space;
  space.used_bytes = rows_->chunk_bytes();
  struct sysinfo memory {};
  CHECK(::sysinfo(&memory) == 0);
  space.available_bytes = std::uint64_t{memory.freeram + memory.bufferram} * memory.mem_unit;
  space.capacity_bytes = std::uint64_t{memory.totalram} * memory.mem_unit;
  return space;
}

}  // namespace millrace
