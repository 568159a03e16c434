// Installation: a data directory, its key, its lock, and how many shards it has.
//
//   DIR/key          32 random bytes, made at the first start, readable by its owner only
//   DIR/lock         held while a server uses the directory
//   DIR/shard-0000…  one store each
//
// Owned by the server for as long as it runs. Used at the start, by one thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "server/start_error.h"

namespace millrace {

class Installation {
 public:
  using Key = std::array<std::uint8_t, 32>;

  /// Takes the data directory, making what is missing. @param shards how many there are to be; the
  /// stores of new ones are not made here.
  /// @return a StartError when another server uses it, when it has more shards already, when its
  /// key is gone, or when the disk refuses.
  static StartResult<Installation> open(const std::string& directory, std::size_t shards);
  /// Takes a data directory that is there already, as it is, to look at what it holds. Its key is
  /// not read.
  /// @return a StartError when a server uses it, or when there is none.
  static StartResult<Installation> inspect(const std::string& directory);
  /// Without a directory, under a key that nobody will know again.
  static StartResult<Installation> ephemeral();

  Installation(Installation&& other) noexcept;
  Installation& operator=(Installation&& other) noexcept;
  ~Installation();

  /// A key for one purpose, made from the installation's.
  Key key_for(std::string_view purpose) const;
  /// How many shards have a store.
  std::size_t shards() const;
  /// The directory of a shard's store.
  std::string shard_directory(std::size_t shard) const;

 private:
  Installation() = default;

  std::string directory_;
  Key key_{};
  int lock_ = -1;
};

}  // namespace millrace
