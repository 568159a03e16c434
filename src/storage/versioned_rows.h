// VersionedRows: the rows and chunks of a store that lives in memory, readable as they were.
//
// Rows keep their older values for as long as a snapshot may still ask for them, so taking a
// snapshot costs nothing. It also checks what a store may assume of its user: keys that are written
// once and erased once really are, and a chunk is released once. MemoryStore and the tests'
// FaultStore are thin layers over it. Any thread: a lock guards everything.
#pragma once

#include <array>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"
#include "model/write_batch.h"
#include "storage/store.h"

namespace millrace {

class VersionedRows : public std::enable_shared_from_this<VersionedRows> {
 public:
  /// Gives the chunks of `batch` their places, applies its rows and releases, as one new version.
  PayloadPlaces apply(const WriteBatch& batch) {
    const std::lock_guard lock(mutex_);
    ++version_;
    PayloadPlaces places;
    places.reserve(batch.payloads().size());
    for (const PayloadChunk& payload : batch.payloads()) {
      const PayloadPlace place{.segment = 1 + (next_place_ >> kOffsetBits),
                               .offset = static_cast<std::uint32_t>(next_place_ & kOffsetMask),
                               .length = static_cast<std::uint32_t>(payload.bytes->size())};
      ++next_place_;
      chunks_.emplace(key_of(place), payload.bytes);
      chunk_bytes_ += payload.bytes->size();
      places.push_back(place);
    }
    std::string rows = batch.rows();
    for (const WriteBatch::PlacedRow& placed : batch.placed_rows()) {
      std::string encoded;
      append_place(encoded, places[placed.payload]);
      rows.replace(placed.offset, kPayloadPlaceBytes, encoded);
    }
    RowReader reader(rows);
    RowChange change;
    while (reader.next(change)) apply(change);
    CHECK(!reader.malformed());
    for (const PayloadPlace& place : batch.released()) release(place);
    forget_old_versions();
    return places;
  }

  /// The chunk at `place`, or an error if it was released.
  StoreResult<std::shared_ptr<const std::string>> read(const PayloadPlace& place) const {
    const std::lock_guard lock(mutex_);
    const auto found = chunks_.find(key_of(place));
    if (found == chunks_.end() || found->second->size() != place.length) {
      return StoreError::gone("there is no chunk at segment " + std::to_string(place.segment) +
                              ", offset " + std::to_string(place.offset));
    }
    return found->second;
  }

  /// A view of the newest version. It keeps this object alive.
  std::unique_ptr<Snapshot> snapshot() { return std::make_unique<View>(shared_from_this()); }

  /// Bytes of the chunks that are not released.
  std::uint64_t chunk_bytes() const {
    const std::lock_guard lock(mutex_);
    return chunk_bytes_;
  }

 private:
  static constexpr unsigned kOffsetBits = 20;
  static constexpr std::uint64_t kOffsetMask = (std::uint64_t{1} << kOffsetBits) - 1;

  struct Version {
    std::uint64_t number;
    std::optional<std::string> value;  // nothing: erased
  };
  using Versions = std::vector<Version>;  // oldest first
  using Rows = std::map<std::string, Versions, std::less<>>;

  class View final : public Snapshot {
   public:
    explicit View(std::shared_ptr<VersionedRows> rows) : rows_(std::move(rows)) {
      const std::lock_guard lock(rows_->mutex_);
      version_ = rows_->version_;
      rows_->views_.insert(version_);
    }
    ~View() override {
      const std::lock_guard lock(rows_->mutex_);
      rows_->views_.erase(rows_->views_.find(version_));
    }
    View(const View&) = delete;
    View& operator=(const View&) = delete;

    StoreResult<std::vector<Row>> scan(Family family, std::string_view first, std::string_view last,
                                       std::size_t count_max) const override {
      const std::lock_guard lock(rows_->mutex_);
      const Rows& rows = rows_->families_[static_cast<std::size_t>(family)];
      std::vector<Row> found;
      for (auto row = rows.lower_bound(first); row != rows.end() && found.size() < count_max;
           ++row) {
        if (!last.empty() && row->first >= last) break;
        if (const std::string* value = visible(row->second)) found.push_back({row->first, *value});
      }
      return found;
    }

    StoreResult<std::optional<std::string>> get(Family family,
                                                std::string_view key) const override {
      const std::lock_guard lock(rows_->mutex_);
      const Rows& rows = rows_->families_[static_cast<std::size_t>(family)];
      const auto row = rows.find(key);
      if (row == rows.end()) return std::optional<std::string>();
      const std::string* value = visible(row->second);
      return value == nullptr ? std::optional<std::string>() : std::optional<std::string>(*value);
    }

   private:
    const std::string* visible(const Versions& versions) const {
      for (auto version = versions.rbegin(); version != versions.rend(); ++version) {
        if (version->number <= version_) return version->value ? &*version->value : nullptr;
      }
      return nullptr;
    }

    std::shared_ptr<VersionedRows> rows_;
    std::uint64_t version_ = 0;
  };

  static std::pair<std::uint64_t, std::uint32_t> key_of(const PayloadPlace& place) {
    return {place.segment, place.offset};
  }

  // Keys of these families are put once and erased once.
  static bool written_once(Family family) {
    return family == Family::index || family == Family::due || family == Family::names;
  }

  void apply(const RowChange& change) {
    Rows& rows = families_[static_cast<std::size_t>(change.family)];
    switch (change.operation) {
      case RowOperation::put:
      case RowOperation::put_placed: {
        Versions& versions = rows[std::string(change.key)];
        if (written_once(change.family) && !versions.empty() && versions.back().value) {
          // Only a relocation may write over a row, and it changes the place.
          CHECK(change.family == Family::index && change.value.size() >= kPayloadPlaceBytes);
          CHECK(versions.back().value->substr(0, kPayloadPlaceBytes) !=
                change.value.substr(0, kPayloadPlaceBytes));
        }
        set(change.family, change.key, versions, std::string(change.value));
        return;
      }
      case RowOperation::erase: {
        const auto row = rows.find(change.key);
        const bool there = row != rows.end() && row->second.back().value;
        CHECK(there || !written_once(change.family));
        if (there) set(change.family, change.key, row->second, std::nullopt);
        return;
      }
      case RowOperation::erase_range: {
        for (auto row = rows.lower_bound(change.key);
             row != rows.end() && row->first < change.value; ++row) {
          if (row->second.back().value) set(change.family, row->first, row->second, std::nullopt);
        }
        return;
      }
    }
  }

  void set(Family family, std::string_view key, Versions& versions,
           std::optional<std::string> value) {
    const bool erased = !value;
    if (!versions.empty() && versions.back().number == version_) {
      versions.back().value = std::move(value);
    } else {
      versions.push_back({version_, std::move(value)});
    }
    if (erased || versions.size() > 1) outdated_.push_back({version_, family, std::string(key)});
  }

  void release(const PayloadPlace& place) {
    const auto found = chunks_.find(key_of(place));
    CHECK(found != chunks_.end() && found->second->size() == place.length);
    CHECK(!dead_.contains(key_of(place)));
    dead_.insert(key_of(place));
    chunk_bytes_ -= place.length;
    released_.push_back({version_, key_of(place)});
  }

  // Drops what no view can ask for any more.
  void forget_old_versions() {
    const std::uint64_t oldest = views_.empty() ? version_ : *views_.begin();
    while (!outdated_.empty() && outdated_.front().version <= oldest) {
      const Outdated& outdated = outdated_.front();
      Rows& rows = families_[static_cast<std::size_t>(outdated.family)];
      if (const auto row = rows.find(outdated.key); row != rows.end()) {
        Versions& versions = row->second;
        while (versions.size() > 1 && versions[1].number <= oldest) {
          versions.erase(versions.begin());
        }
        if (versions.size() == 1 && !versions.front().value) rows.erase(row);
      }
      outdated_.pop_front();
    }
    while (!released_.empty() && released_.front().first <= oldest) {
      dead_.erase(released_.front().second);
      chunks_.erase(released_.front().second);
      released_.pop_front();
    }
  }

  struct Outdated {
    std::uint64_t version;
    Family family;
    std::string key;
  };

  mutable std::mutex mutex_;
  std::array<Rows, kFamilyCount> families_;
  std::map<std::pair<std::uint64_t, std::uint32_t>, std::shared_ptr<const std::string>> chunks_;
  std::set<std::pair<std::uint64_t, std::uint32_t>> dead_;  // released, but a view may name them
  std::deque<std::pair<std::uint64_t, std::pair<std::uint64_t, std::uint32_t>>> released_;
  std::deque<Outdated> outdated_;  // rows that had an older value, or are gone, since a version
  std::multiset<std::uint64_t> views_;
  std::uint64_t version_ = 0;
  std::uint64_t next_place_ = 1;
  std::uint64_t chunk_bytes_ = 0;
};

}  // namespace millrace
