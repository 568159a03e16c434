// The keyring of tests that need just any.
#pragma once

#include "crypt/keyring.h"

namespace millrace {

inline const Keyring& test_keyring() {
  static const Keyring keyring = Keyring::fresh(Timestamp{});
  return keyring;
}

}  // namespace millrace
