#include "crypt/data_keys.h"

#include <gtest/gtest.h>

#include <memory>
#include <set>

#include "crypt/current_keyring.h"

namespace millrace {
namespace {

constexpr Timestamp kNow{1'700'000'000'000};
constexpr Milliseconds kReuse = seconds(60);

// Counts what is asked of a keyring.
class CountingKeys final : public KeyProvider {
 public:
  Expected<DataKey> make_data_key(std::string_view name) const override {
    ++made;
    return below.make_data_key(name);
  }
  Expected<SecretKey> unwrap(std::string_view wrapped) const override {
    ++unwrapped;
    return below.unwrap(wrapped);
  }
  std::uint64_t generation() const override { return below.generation(); }

  CurrentKeyring below{std::make_shared<const Keyring>(Keyring::fresh(kNow))};
  mutable unsigned made = 0;
  mutable unsigned unwrapped = 0;
};

class DataKeysTest : public testing::Test {
 protected:
  std::string wrapped(Timestamp now, Milliseconds reuse = kReuse) {
    return keys_.sealing(kManagedKeyAlias, reuse, 1, now).value()->wrapped();
  }
  static std::string seal(SealingKey& key, std::uint64_t number, std::string text,
                          std::string_view associated = "") {
    text.append(kGcmTagBytes, 0);
    key.seal(number, associated, text);
    return text;
  }

  CountingKeys provider_;
  DataKeys keys_{provider_};
};

TEST_F(DataKeysTest, ADataKeyIsReplacedWhenItsTimeIsOver) {
  const std::string first = wrapped(kNow);
  EXPECT_EQ(wrapped(kNow + kReuse - 1), first);
  const std::string second = wrapped(kNow + kReuse);
  EXPECT_NE(second, first);
  EXPECT_EQ(wrapped(kNow + kReuse + 1, seconds(3600)), second);
  EXPECT_NE(wrapped(kNow + kReuse + 2, 1), second) << "this queue's time is shorter";
  EXPECT_EQ(provider_.made, 3u);
}

TEST_F(DataKeysTest, NoNonceComesTwice) {
  const auto held = keys_.sealing(kManagedKeyAlias, kReuse, 300, kNow).value();
  SealingKey& key = *held;
  std::set<GcmNonce> nonces;
  std::set<std::string> sealed;
  for (unsigned i = 0; i < 300; ++i) {
    const std::uint64_t number = key.number_for(7);
    EXPECT_EQ(number, i);
    EXPECT_TRUE(nonces.insert(counted_nonce(number)).second);
    EXPECT_TRUE(sealed.insert(seal(key, number, "message")).second)
        << "the same text never looks the same";
  }
  EXPECT_EQ(counted_nonce(0x0102), (GcmNonce{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2}));
  EXPECT_NE(counted_nonce(UINT64_MAX), counted_nonce(UINT64_MAX - 1));
}

TEST_F(DataKeysTest, AKeyIsReplacedBeforeItsBounds) {
  const std::string first = wrapped(kNow);
  const auto held = keys_.sealing(kManagedKeyAlias, kReuse, 1, kNow).value();
  SealingKey& key = *held;
  EXPECT_TRUE(key.good_for(DataKeys::kMessagesMax, kReuse, kNow));
  EXPECT_FALSE(key.good_for(DataKeys::kMessagesMax + 1, kReuse, kNow));
  key.number_for(7);
  EXPECT_FALSE(key.good_for(DataKeys::kMessagesMax, kReuse, kNow));
  const auto more = keys_.sealing(kManagedKeyAlias, kReuse, DataKeys::kMessagesMax, kNow);
  EXPECT_NE((*more)->wrapped(), first);
  EXPECT_EQ((*more)->number_for(7), 0u);
}

TEST_F(DataKeysTest, OpensWhatWasSealed) {
  const auto held = keys_.sealing(kManagedKeyAlias, kReuse, 1, kNow).value();
  SealingKey& key = *held;
  const std::uint64_t number = key.number_for(7);
  const std::string sealed = seal(key, number, "message", "here");
  ASSERT_EQ(sealed.size(), 7 + kGcmTagBytes);
  const std::string wrapped_key = key.wrapped();
  GcmOpener& opener = *keys_.opening(wrapped_key, kNow).value();
  std::string into(7, '\0');
  EXPECT_TRUE(opener.open(counted_nonce(number), "here", sealed, into.data()));
  EXPECT_EQ(into, "message");
  EXPECT_FALSE(opener.open(counted_nonce(number), "there", sealed, into.data()));
}

TEST_F(DataKeysTest, AnOpenedKeyIsRememberedForAWhile) {
  const std::string one = provider_.make_data_key(kManagedKeyAlias)->wrapped;
  const std::string other = provider_.make_data_key(kManagedKeyAlias)->wrapped;
  for (unsigned i = 0; i < 3; ++i) {
    EXPECT_TRUE(keys_.opening(one, kNow));
    EXPECT_TRUE(keys_.opening(other, kNow));
  }
  EXPECT_EQ(provider_.unwrapped, 2u);
  EXPECT_TRUE(keys_.opening(one, kNow + DataKeys::kOpenedReuse));
  EXPECT_EQ(provider_.unwrapped, 3u);
  for (std::size_t i = 0; i < 2 * DataKeys::kOpenedMax; ++i) {
    EXPECT_TRUE(keys_.opening(provider_.make_data_key(kManagedKeyAlias)->wrapped, kNow));
  }
  EXPECT_FALSE(keys_.opening("no key", kNow));
  EXPECT_TRUE(keys_.opening(one, kNow));
}

TEST_F(DataKeysTest, AReplacedKeyringIsAskedAtOnce) {
  std::vector<MasterKey> keys = provider_.below.get()->keys();
  keys.push_back(make_master_key("alias/orders", kNow));
  provider_.below.replace(std::make_shared<const Keyring>(keys));
  const std::string wrapped_key = keys_.sealing("alias/orders", kReuse, 1, kNow).value()->wrapped();
  EXPECT_TRUE(keys_.opening(wrapped_key, kNow));

  keys.back().enabled = false;
  provider_.below.replace(std::make_shared<const Keyring>(keys));
  EXPECT_EQ(keys_.opening(wrapped_key, kNow).error().code(), ErrorCode::kms_disabled);
  EXPECT_EQ(keys_.sealing("alias/orders", kReuse, 1, kNow).error().code(), ErrorCode::kms_disabled);

  keys.back().enabled = true;
  provider_.below.replace(std::make_shared<const Keyring>(keys));
  EXPECT_TRUE(keys_.opening(wrapped_key, kNow));
}

}  // namespace
}  // namespace millrace
