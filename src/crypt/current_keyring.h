// CurrentKeyring: the keyring that is in force. It is replaced whole, while others use it.
//
// Any thread, several at a time.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include "crypt/keyring.h"

namespace millrace {

class CurrentKeyring final : public KeyProvider {
 public:
  explicit CurrentKeyring(std::shared_ptr<const Keyring> keyring) : keyring_(std::move(keyring)) {}

  std::shared_ptr<const Keyring> get() const { return keyring_.load(); }
  void replace(std::shared_ptr<const Keyring> keyring) {
    keyring_.store(std::move(keyring));
    ++generation_;
  }

  Expected<DataKey> make_data_key(std::string_view master_key) const override {
    return get()->make_data_key(master_key);
  }
  Expected<SecretKey> unwrap(std::string_view wrapped) const override {
    return get()->unwrap(wrapped);
  }
  std::uint64_t generation() const override { return generation_.load(); }

 private:
  std::atomic<std::shared_ptr<const Keyring>> keyring_;
  std::atomic<std::uint64_t> generation_{0};
};

}  // namespace millrace
