#include "model/names.h"

#include <gtest/gtest.h>

#include <vector>

namespace millrace {
namespace {

QueueName name(std::string_view text) {
  return QueueName::parse(text).value();
}
AccountId account(std::string_view text) {
  return AccountId::parse(text).value();
}
Region region(std::string_view text) {
  return Region::parse(text).value();
}

TEST(AccountId, IsTwelveDigits) {
  EXPECT_EQ(account("000000000000").text(), "000000000000");
  for (const std::string_view text : {"", "12345678901", "1234567890123", "12345678901a"}) {
    EXPECT_EQ(AccountId::parse(text), std::nullopt) << text;
  }
}

TEST(Region, IsAWordAndKnowsItsPartition) {
  EXPECT_EQ(region("eu-central-1").partition(), "aws");
  EXPECT_EQ(region("cn-north-1").partition(), "aws-cn");
  EXPECT_EQ(region("us-gov-west-1").partition(), "aws-us-gov");
  EXPECT_EQ(region("elasticmq").text(), "elasticmq");
  for (const std::string& text :
       {std::string(), std::string("EU-1"), std::string("eu_1"), std::string(33, 'a')}) {
    EXPECT_EQ(Region::parse(text), std::nullopt) << text;
  }
}

TEST(QueueName, TakesEightyCharactersOfItsAlphabet) {
  EXPECT_FALSE(name("azAZ09-_").is_fifo());
  EXPECT_TRUE(name("a.fifo").is_fifo());
  EXPECT_FALSE(name("afifo").is_fifo());
  EXPECT_TRUE(QueueName::parse(std::string(80, 'a')));
  EXPECT_TRUE(QueueName::parse(std::string(75, 'a') + ".fifo"));
}

TEST(QueueName, RefusesWithTheTextOfSqs) {
  for (const std::string& text :
       {std::string("a b"), std::string("a.b"), std::string("a/b"), std::string("\xc3\xbc"),
        std::string(81, 'a'), std::string("a.fifo.b")}) {
    const Expected<QueueName> parsed = QueueName::parse(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error(),
              ApiError(ErrorCode::invalid_parameter_value,
                       "Can only include alphanumeric characters, hyphens, or underscores. 1 to "
                       "80 in length"));
  }
  for (const std::string& text :
       {std::string(".fifo"), std::string("a b.fifo"), std::string(76, 'a') + ".fifo"}) {
    const Expected<QueueName> parsed = QueueName::parse(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_TRUE(parsed.error().message().starts_with("The name of a FIFO queue"));
  }
  EXPECT_EQ(QueueName::parse("").error().message(), "Queue name cannot be empty");
}

TEST(QueueKind, MustAgreeWithTheName) {
  EXPECT_TRUE(check_queue_kind(name("a"), false));
  EXPECT_TRUE(check_queue_kind(name("a.fifo"), true));
  EXPECT_TRUE(check_queue_kind(name("a.fifo"), false).error().message().starts_with("Can only"));
  EXPECT_TRUE(
      check_queue_kind(name("a"), true).error().message().starts_with("The name of a FIFO"));
}

TEST(QueueUrl, IsReadInEveryFormThatClientsUse) {
  struct Case {
    std::string_view text;
    std::string_view account;
    std::string_view region;
  };
  const Case cases[] = {
      {"https://sqs.eu-west-1.amazonaws.com/123456789012/jobs", "123456789012", "eu-west-1"},
      {"https://sqs-fips.us-east-1.amazonaws.com/123456789012/jobs", "123456789012", "us-east-1"},
      {"https://sqs.eu-west-1.api.aws/123456789012/jobs", "123456789012", "eu-west-1"},
      {"https://us-west-2.queue.amazonaws.com/123456789012/jobs", "123456789012", "us-west-2"},
      {"https://queue.amazonaws.com/123456789012/jobs", "123456789012", ""},
      {"http://localhost:9324/123456789012/jobs", "123456789012", ""},
      {"http://[::1]:9324/123456789012/jobs", "123456789012", ""},
      {"http://sqs.localhost.localstack.cloud:4566/123456789012/jobs", "123456789012", ""},
      {"http://sqs.us-east-2.localhost.localstack.cloud:4566/123456789012/jobs", "123456789012",
       "us-east-2"},
      {"http://localhost:4566/queue/us-east-1/123456789012/jobs", "123456789012", "us-east-1"},
      {"http://proxy/prefix/123456789012/jobs", "123456789012", ""},
      {"http://localhost:9324/queue/jobs", "", ""},
      {"/123456789012/jobs", "123456789012", ""},
      {"123456789012/jobs", "123456789012", ""},
      {"/queue/jobs", "", ""},
      {"/jobs", "", ""},
      {"jobs", "", ""},
  };
  for (const Case& each : cases) {
    const Expected<QueueUrl> url = QueueUrl::parse(each.text);
    ASSERT_TRUE(url) << each.text;
    EXPECT_EQ(url->name.text(), "jobs") << each.text;
    EXPECT_EQ(url->account ? url->account->text() : "", each.account) << each.text;
    EXPECT_EQ(url->region ? url->region->text() : "", each.region) << each.text;
  }
}

TEST(QueueUrl, OfNoQueueDoesNotExist) {
  for (const std::string_view text :
       {"", "/", "http://localhost", "http://localhost/", "http://localhost/12345/jobs",
        "http://localhost/account/jobs", "/123456789012/", "/123456789012/a b",
        "/queue/EU/123456789012/jobs", "jobs?x=1", "//jobs/"}) {
    const Expected<QueueUrl> url = QueueUrl::parse(text);
    ASSERT_FALSE(url) << text;
    EXPECT_EQ(url.error().code(), ErrorCode::queue_does_not_exist);
  }
}

TEST(QueueUrl, IsMadeFromABase) {
  const std::string expected = "http://host:9324/123456789012/jobs.fifo";
  EXPECT_EQ(queue_url_text("http://host:9324", account("123456789012"), name("jobs.fifo")),
            expected);
  EXPECT_EQ(queue_url_text("http://host:9324/", account("123456789012"), name("jobs.fifo")),
            expected);
}

TEST(QueueArn, GoesToTextAndBack) {
  const QueueArn arn(region("cn-north-1"), account("123456789012"), name("jobs"));
  EXPECT_EQ(arn.text(), "arn:aws-cn:sqs:cn-north-1:123456789012:jobs");
  EXPECT_EQ(QueueArn::parse(arn.text()), arn);
  // The partition is what the text says, even where the region would say another.
  EXPECT_EQ(QueueArn::parse("arn:aws-us-gov:sqs:eu-west-1:123456789012:jobs")->text(),
            "arn:aws-us-gov:sqs:eu-west-1:123456789012:jobs");
}

TEST(QueueArn, IsRefusedInOtherForms) {
  for (const std::string_view text :
       {"", "jobs", "arn:aws:sns:eu-west-1:123456789012:jobs",
        "arn:aws-x:sqs:eu-west-1:123456789012:jobs", "arn:aws:sqs:eu-west-1:12345:jobs",
        "arn:aws:sqs:eu-west-1:123456789012:", "arn:aws:sqs:eu-west-1:123456789012:jobs:x",
        "arn:aws:sqs::123456789012:jobs", "xrn:aws:sqs:eu-west-1:123456789012:jobs"}) {
    EXPECT_EQ(QueueArn::parse(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace millrace
