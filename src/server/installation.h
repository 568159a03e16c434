// Installation: a data directory, its key, its lock, and how many shards it has; and the keyring
// that its key is wrapped under.
//
//   DIR/key          made at the first start: 32 random bytes as a data key, wrapped under the
//                    managed key of the keyring
//   DIR/lock         held while a server uses the directory
//   DIR/shard-0000…  one store each
//   DIR/copy         links to all of this, while a backup is made
//
// Owned by the server for as long as it runs. Used at the start, by one thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "crypt/keyring.h"
#include "server/start_error.h"

namespace millrace {

class Installation {
 public:
  using Key = std::array<std::uint8_t, 32>;

  /// Takes the data directory, making what is missing. @param shards how many there are to be; the
  /// stores of new ones are not made here. @param keyring the file; made only for a directory that
  /// is new.
  /// @return a StartError when another server uses it, when it has more shards already, when its
  /// key is gone or was wrapped under another keyring, or when the disk refuses.
  static StartResult<Installation> open(const std::string& directory, std::size_t shards,
                                        const std::string& keyring);
  /// Takes a data directory that is there already, as it is, to look at what it holds. Neither its
  /// key nor a keyring is read.
  /// @return a StartError when a server uses it, or when there is none.
  static StartResult<Installation> inspect(const std::string& directory);
  /// Without a directory, under a key that nobody will know again. @param keyring the file, made if
  /// it is missing; empty: none, and master keys that nobody will know again either.
  static StartResult<Installation> ephemeral(const std::string& keyring = {});

  Installation(Installation&& other) noexcept;
  Installation& operator=(Installation&& other) noexcept;
  ~Installation();

  const std::shared_ptr<const Keyring>& keyring() const { return keyring_; }
  /// Whether `keyring` is this installation's, too.
  bool opens_with(const Keyring& keyring) const;
  /// Whether the keyring file was made by this.
  bool keyring_is_new() const { return keyring_is_new_; }
  /// A key for one purpose, made from the installation's.
  Key key_for(std::string_view purpose) const;
  /// How many shards have a store.
  std::size_t shards() const;
  /// The directory of a shard's store.
  std::string shard_directory(std::size_t shard) const;

  /// Whether a directory with this name holds a shard's store.
  static bool is_shard(std::string_view name);
  /// Where the server that uses `directory` makes copies of it: DIR/copy.
  static std::string copy_directory(const std::string& directory);
  /// Makes that directory, in place of an earlier one, with what is no shard's in it: the key.
  StartResult<void> begin_copy() const;
  /// The directory of a shard's store in it.
  std::string copied_shard_directory(std::size_t shard) const;
  void remove_copy() const;

 private:
  Installation() = default;

  StartResult<void> read_keyring(const std::string& path, bool may_make);
  StartResult<void> unwrap_key(const std::string& keyring_path);
  StartResult<void> make_key();

  std::string directory_;
  std::shared_ptr<const Keyring> keyring_;
  SecretKey key_;
  std::string wrapped_;  // the same
  bool keyring_is_new_ = false;
  int lock_ = -1;
};

}  // namespace millrace
