#include "service/definition.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

QueueInfo sample() {
  QueueConfig config;
  config.visibility_seconds = 77;
  config.policy = R"({"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*",)"
                  R"("Action":"sqs:*","Resource":"*"}]})";
  config.redrive_policy =
      RedrivePolicy{.target = *QueueArn::parse("arn:aws:sqs:us-east-1:111122223333:dead"),
                    .receive_count_max = 4};
  return QueueInfo{.id = QueueId(42),
                   .account = *AccountId::parse("111122223333"),
                   .name = *QueueName::parse("orders"),
                   .config = config,
                   .tags = {{"empty", ""}, {"team", "gr\xc3\xbcn"}},
                   .created_at = Timestamp{1'700'000'000'123},
                   .modified_at = Timestamp{1'700'000'009'456}};
}

TEST(Definition, IsReadAsItWasWritten) {
  const QueueInfo info = sample();
  const Expected<QueueInfo> read = decode_definition(info.id, encode_definition(info));
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, info);
}

TEST(Definition, RefusesEveryCutAndOneByteTooMany) {
  const std::string bytes = encode_definition(sample());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(decode_definition(QueueId(1), bytes.substr(0, size))) << size;
  }
  const Expected<QueueInfo> longer = decode_definition(QueueId(1), bytes + '\0');
  ASSERT_FALSE(longer);
  EXPECT_EQ(longer.error().code(), ErrorCode::internal_failure);
}

TEST(Definition, RefusesAnotherVersion) {
  std::string bytes = encode_definition(sample());
  bytes[0] = 2;
  EXPECT_FALSE(decode_definition(QueueId(1), bytes));
}

TEST(NameKey, TellsAccountsApart) {
  const QueueName name = *QueueName::parse("orders");
  EXPECT_EQ(name_key(*AccountId::parse("111122223333"), name), "111122223333/orders");
}

TEST(NameRow, IsReadAsItWasWritten) {
  for (const NameRow& row : {NameRow(QueueId(1)), NameRow(QueueId(UINT64_MAX)),
                             NameRow(Timestamp{0}), NameRow(Timestamp{1'700'000'000'000})}) {
    const Expected<NameRow> read = decode_name_row(encode_name_row(row));
    ASSERT_TRUE(read);
    EXPECT_EQ(*read, row);
  }
}

TEST(NameRow, RefusesWhatItDidNotWrite) {
  const std::string bytes = encode_name_row(QueueId(7));
  EXPECT_FALSE(decode_name_row(""));
  EXPECT_FALSE(decode_name_row(bytes.substr(0, bytes.size() - 1)));
  EXPECT_FALSE(decode_name_row(bytes + "x"));
  std::string version = bytes;
  version[0] = 9;
  EXPECT_FALSE(decode_name_row(version));
  std::string kind = bytes;
  kind[1] = 9;
  EXPECT_FALSE(decode_name_row(kind));
}

}  // namespace
}  // namespace millrace
