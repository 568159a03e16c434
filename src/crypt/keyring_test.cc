#include "crypt/keyring.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

constexpr Timestamp kNow{1'700'000'000'000};

class KeyringTest : public testing::Test {
 protected:
  KeyringTest() {
    keys_.push_back(make_master_key(kManagedKeyAlias, kNow));
    keys_.push_back(make_master_key("alias/orders", kNow));
  }
  Keyring keyring() const { return Keyring(keys_); }
  MasterKey& orders() { return keys_[1]; }

  std::vector<MasterKey> keys_;
};

TEST_F(KeyringTest, FindsAKeyByEachOfItsNames) {
  const Keyring ring = keyring();
  const std::string& id = orders().id;
  for (const std::string& name :
       {id, "arn:aws:kms:us-east-1:000000000000:key/" + id, std::string("alias/orders"),
        std::string("arn:aws-cn:kms:cn-north-1:111122223333:alias/orders")}) {
    const MasterKey* found = ring.find(name);
    ASSERT_NE(found, nullptr) << name;
    EXPECT_EQ(found->id, id);
  }
  for (const std::string_view name :
       {"", "orders", "alias/", "alias/others", "arn:aws:sqs:us-east-1:000000000000:alias/orders",
        "arn:aws:kms:alias/orders", "arn:"}) {
    EXPECT_EQ(ring.find(name), nullptr) << name;
    EXPECT_EQ(ring.make_data_key(name).error().code(), ErrorCode::kms_not_found);
  }
  EXPECT_TRUE(ring.find("alias/aws/sqs")->managed());
  EXPECT_FALSE(ring.find(id)->managed());
}

TEST_F(KeyringTest, UnwrapsWhatItHasWrapped) {
  const Keyring ring = keyring();
  const DataKey one = ring.make_data_key("alias/orders").value();
  const DataKey other = ring.make_data_key("alias/orders").value();
  EXPECT_NE(one.key, other.key);
  EXPECT_NE(one.wrapped, other.wrapped);
  EXPECT_EQ(one.wrapped.find(one.key.text()), std::string::npos);
  EXPECT_EQ(ring.unwrap(one.wrapped).value(), one.key);
  EXPECT_EQ(ring.unwrap(other.wrapped).value(), other.key);
  EXPECT_EQ(master_key_of(one.wrapped), orders().id);
  EXPECT_EQ(master_key_of("x"), "");
}

TEST_F(KeyringTest, RefusesWhatWasChanged) {
  const Keyring ring = keyring();
  const std::string wrapped = ring.make_data_key("alias/orders")->wrapped;
  for (std::size_t i = 0; i < wrapped.size(); ++i) {
    std::string changed = wrapped;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_FALSE(ring.unwrap(changed)) << i;
    EXPECT_FALSE(ring.unwrap(wrapped.substr(0, i))) << i;
  }
  EXPECT_FALSE(ring.unwrap(wrapped + "x"));
}

TEST_F(KeyringTest, ADisabledKeyIsOfNoUseUntilItIsEnabled) {
  const DataKey made = keyring().make_data_key("alias/orders").value();
  orders().enabled = false;
  EXPECT_EQ(keyring().make_data_key("alias/orders").error().code(), ErrorCode::kms_disabled);
  EXPECT_EQ(keyring().unwrap(made.wrapped).error().code(), ErrorCode::kms_disabled);
  orders().enabled = true;
  EXPECT_EQ(keyring().unwrap(made.wrapped).value(), made.key);
}

TEST_F(KeyringTest, ARotatedKeyOpensWhatWasSealedBefore) {
  const DataKey before = keyring().make_data_key("alias/orders").value();
  rotate(orders(), kNow);
  EXPECT_EQ(orders().versions.back().number, 2u);
  const DataKey after = keyring().make_data_key("alias/orders").value();
  EXPECT_EQ(keyring().unwrap(before.wrapped).value(), before.key);
  EXPECT_EQ(keyring().unwrap(after.wrapped).value(), after.key);
  orders().versions.erase(orders().versions.begin());
  EXPECT_EQ(keyring().unwrap(before.wrapped).error().code(), ErrorCode::kms_invalid_state);
  EXPECT_EQ(keyring().unwrap(after.wrapped).value(), after.key);
}

TEST_F(KeyringTest, AKeyThatIsGoneIsNotFound) {
  const DataKey made = keyring().make_data_key("alias/orders").value();
  keys_.pop_back();
  EXPECT_EQ(keyring().unwrap(made.wrapped).error().code(), ErrorCode::kms_not_found);
}

TEST_F(KeyringTest, AnAliasHasAForm) {
  EXPECT_TRUE(is_key_alias("alias/orders-1_a/b"));
  for (const std::string_view alias : {"orders", "alias/", "alias/a b", "alias/\xc3\xa4", ""}) {
    EXPECT_FALSE(is_key_alias(alias)) << alias;
  }
  EXPECT_TRUE(is_key_alias("alias/" + std::string(250, 'a')));
  EXPECT_FALSE(is_key_alias("alias/" + std::string(251, 'a')));
}

}  // namespace
}  // namespace millrace
