#include "model/attributes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace millrace {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::string_view kTarget = "arn:aws:sqs:eu-west-1:123456789012:dead";

QueueArn arn(std::string_view text = kTarget) {
  return QueueArn::parse(text).value();
}

QueueFacts facts() {
  return {.arn = arn("arn:aws:sqs:eu-west-1:123456789012:jobs"),
          .created_at = Timestamp{1'700'000'000'999},
          .modified_at = Timestamp{1'700'000'001'000},
          .visible = 3,
          .in_flight = 2,
          .delayed = 1};
}

Expected<QueueConfig> create(const AttributeMap& attributes) {
  return create_config(QueueName::parse("jobs").value(), attributes);
}

Expected<QueueConfig> create_fifo(AttributeMap attributes = {}) {
  attributes.emplace("FifoQueue", "true");
  return create_config(QueueName::parse("jobs.fifo").value(), attributes);
}

AttributeMap all_of(const QueueConfig& config) {
  const std::vector<std::string> all = {"All"};
  return describe(config, facts(), all).value();
}

std::vector<std::string> names_of(const AttributeMap& attributes) {
  std::vector<std::string> names;
  for (const auto& [name, value] : attributes) names.push_back(name);
  return names;
}

std::string redrive(std::string_view count = "3") {
  std::string text = R"({"deadLetterTargetArn":")";
  text.append(kTarget).append(R"(","maxReceiveCount":)").append(count).append("}");
  return text;
}

const std::string kGoodPolicy =
    R"({"Statement":{"Effect":"Allow","Principal":"*","Action":"sqs:*"}})";

TEST(CreateConfig, GivesTheDefaultsOfSqs) {
  EXPECT_EQ(create({}).value(), QueueConfig());
  EXPECT_THAT(names_of(all_of(create({}).value())),
              ElementsAre("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesDelayed",
                          "ApproximateNumberOfMessagesNotVisible", "CreatedTimestamp",
                          "DelaySeconds", "LastModifiedTimestamp", "MaximumMessageSize",
                          "MessageRetentionPeriod", "QueueArn", "ReceiveMessageWaitTimeSeconds",
                          "SqsManagedSseEnabled", "VisibilityTimeout"));
  const AttributeMap told = all_of(create({}).value());
  EXPECT_EQ(told.at("VisibilityTimeout"), "30");
  EXPECT_EQ(told.at("DelaySeconds"), "0");
  EXPECT_EQ(told.at("MaximumMessageSize"), "1048576");
  EXPECT_EQ(told.at("MessageRetentionPeriod"), "345600");
  EXPECT_EQ(told.at("ReceiveMessageWaitTimeSeconds"), "0");
  EXPECT_EQ(told.at("SqsManagedSseEnabled"), "true");
  EXPECT_EQ(told.at("QueueArn"), "arn:aws:sqs:eu-west-1:123456789012:jobs");
  EXPECT_EQ(told.at("CreatedTimestamp"), "1700000000");
  EXPECT_EQ(told.at("LastModifiedTimestamp"), "1700000001");
  EXPECT_EQ(told.at("ApproximateNumberOfMessages"), "3");
  EXPECT_EQ(told.at("ApproximateNumberOfMessagesNotVisible"), "2");
  EXPECT_EQ(told.at("ApproximateNumberOfMessagesDelayed"), "1");
}

TEST(CreateConfig, OfAFifoQueueHasFourAttributesMore) {
  const AttributeMap told = all_of(create_fifo().value());
  EXPECT_EQ(told.size(), 16u);
  EXPECT_EQ(told.at("FifoQueue"), "true");
  EXPECT_EQ(told.at("ContentBasedDeduplication"), "false");
  EXPECT_EQ(told.at("DeduplicationScope"), "queue");
  EXPECT_EQ(told.at("FifoThroughputLimit"), "perQueue");
}

TEST(CreateConfig, NeedsANameOfTheKindOfTheQueue) {
  const QueueName fifo_name = QueueName::parse("jobs.fifo").value();
  EXPECT_TRUE(create_config(fifo_name, {}).error().message().starts_with("Can only include"));
  EXPECT_TRUE(create_config(fifo_name, {{"FifoQueue", "false"}})
                  .error()
                  .message()
                  .starts_with("Can only include"));
  EXPECT_TRUE(
      create({{"FifoQueue", "true"}}).error().message().starts_with("The name of a FIFO queue"));
  EXPECT_EQ(
      create({{"FifoQueue", "maybe"}}).error(),
      ApiError(ErrorCode::invalid_attribute_value, "Invalid value for the parameter FifoQueue."));
}

TEST(Attributes, HaveRanges) {
  struct Range {
    std::string name;
    std::int64_t min;
    std::int64_t max;
  };
  for (const Range& range :
       {Range{"VisibilityTimeout", 0, 43200}, Range{"DelaySeconds", 0, 900},
        Range{"MaximumMessageSize", 1024, 1048576}, Range{"MessageRetentionPeriod", 60, 1209600},
        Range{"ReceiveMessageWaitTimeSeconds", 0, 20},
        Range{"KmsDataKeyReusePeriodSeconds", 60, 86400}}) {
    for (const std::int64_t good : {range.min, range.max}) {
      EXPECT_TRUE(create({{range.name, std::to_string(good)}})) << range.name << good;
    }
    for (const std::string& bad :
         {std::to_string(range.min - 1), std::to_string(range.max + 1), std::string(),
          std::string("x"), std::string(" 70"), std::string("+70"), std::string("70.0")}) {
      for (const Expected<QueueConfig>& result :
           {create({{range.name, bad}}), change_config(QueueConfig(), {{range.name, bad}})}) {
        ASSERT_FALSE(result) << range.name << bad;
        EXPECT_EQ(result.error(), ApiError(ErrorCode::invalid_attribute_value,
                                           "Invalid value for the parameter " + range.name + "."));
      }
    }
  }
}

TEST(Attributes, TakeBooleansInAnyCase) {
  EXPECT_FALSE(create({{"SqsManagedSseEnabled", "False"}})->managed_encryption);
  EXPECT_TRUE(create_fifo({{"ContentBasedDeduplication", "TRUE"}})->content_based_deduplication);
  EXPECT_FALSE(create({{"SqsManagedSseEnabled", ""}}));
  EXPECT_FALSE(create({{"SqsManagedSseEnabled", "1"}}));
}

TEST(Attributes, OfOtherNamesAreUnknown) {
  for (const std::string name :
       {"Foobar", "visibilityTimeout", "QueueArn", "CreatedTimestamp", "LastModifiedTimestamp",
        "ApproximateNumberOfMessages", "All", "", "FifoQueue", "ContentBasedDeduplication"}) {
    const Expected<QueueConfig> changed = change_config(QueueConfig(), {{name, "false"}});
    ASSERT_FALSE(changed) << name;
    EXPECT_EQ(changed.error(),
              ApiError(ErrorCode::invalid_attribute_name, "Unknown Attribute " + name + "."));
  }
  EXPECT_EQ(create({{"FifoQueue", "false"}}).error().message(), "Unknown Attribute FifoQueue.");
}

TEST(Attributes, OfFifoQueuesAreRefusedByStandardQueues) {
  EXPECT_EQ(create({{"DeduplicationScope", "queue"}}).error(),
            ApiError(ErrorCode::invalid_attribute_name,
                     "You can specify the DeduplicationScope only when FifoQueue is set to true."));
  EXPECT_EQ(change_config(QueueConfig(), {{"FifoThroughputLimit", "perQueue"}}).error().message(),
            "You can specify the FifoThroughputLimit only when FifoQueue is set to true.");
}

TEST(Attributes, OfFifoQueuesChange) {
  const QueueConfig config = create_fifo().value();
  const QueueConfig changed = change_config(config, {{"ContentBasedDeduplication", "true"},
                                                     {"DeduplicationScope", "messageGroup"},
                                                     {"FifoThroughputLimit", "perMessageGroupId"},
                                                     {"FifoQueue", "true"}})
                                  .value();
  EXPECT_TRUE(changed.fifo);
  EXPECT_TRUE(changed.content_based_deduplication);
  EXPECT_EQ(changed.deduplication_scope, DeduplicationScope::message_group);
  EXPECT_EQ(changed.fifo_throughput_limit, FifoThroughputLimit::per_message_group_id);
  EXPECT_EQ(change_config(config, {{"FifoQueue", "false"}}).error(),
            ApiError(ErrorCode::invalid_attribute_value,
                     "Invalid value for the parameter FifoQueue. Reason: Modifying queue type is "
                     "not supported."));
  EXPECT_FALSE(change_config(config, {{"DeduplicationScope", "group"}}));
  EXPECT_FALSE(change_config(config, {{"FifoThroughputLimit", ""}}));
}

TEST(Attributes, LimitByGroupNeedsScopeByGroup) {
  const AttributeMap by_group = {{"FifoThroughputLimit", "perMessageGroupId"}};
  const Expected<QueueConfig> refused = create_fifo(by_group);
  EXPECT_EQ(refused.error().code(), ErrorCode::invalid_attribute_value);
  QueueConfig config = create_fifo({{"DeduplicationScope", "messageGroup"}}).value();
  config = change_config(config, by_group).value();
  EXPECT_FALSE(change_config(config, {{"DeduplicationScope", "queue"}}));
  EXPECT_TRUE(change_config(
      config, {{"DeduplicationScope", "queue"}, {"FifoThroughputLimit", "perQueue"}}));
}

TEST(ChangeConfig, NeedsAttributes) {
  EXPECT_EQ(change_config(QueueConfig(), {}).error(), missing_parameter("Attributes"));
}

TEST(ChangeConfig, KeepsWhatIsNotNamed) {
  const QueueConfig config = create({{"DelaySeconds", "5"}, {"Policy", kGoodPolicy}}).value();
  const QueueConfig changed = change_config(config, {{"VisibilityTimeout", "7"}}).value();
  EXPECT_EQ(changed.delay_seconds, 5);
  EXPECT_EQ(changed.policy, kGoodPolicy);
  EXPECT_EQ(changed.visibility_seconds, 7);
}

TEST(Policy, IsKeptAsGivenAndRemovedByAnEmptyText) {
  const std::string spaced = "  " + kGoodPolicy + "\n";
  QueueConfig config = create({{"Policy", spaced}}).value();
  EXPECT_EQ(all_of(config).at("Policy"), spaced);
  config = change_config(config, {{"Policy", ""}}).value();
  EXPECT_FALSE(all_of(config).contains("Policy"));
  EXPECT_EQ(create({{"Policy", "{}"}}).error().code(), ErrorCode::invalid_attribute_value);
}

TEST(Encryption, IsByOneKindOfKeyAtATime) {
  EXPECT_EQ(create({{"KmsMasterKeyId", "k"}, {"SqsManagedSseEnabled", "true"}}).error(),
            ApiError(ErrorCode::invalid_attribute_name,
                     "You can use one type of server-side encryption (SSE) at one time. You can "
                     "either enable KMS SSE or SQS SSE."));
  QueueConfig config = create({{"KmsMasterKeyId", "k"}}).value();
  EXPECT_FALSE(config.managed_encryption);
  EXPECT_TRUE(config.encrypts());
  EXPECT_EQ(all_of(config).at("KmsMasterKeyId"), "k");
  EXPECT_EQ(all_of(config).at("SqsManagedSseEnabled"), "false");

  // Taken away again, nothing is turned on in its place.
  config = change_config(config, {{"KmsMasterKeyId", ""}}).value();
  EXPECT_FALSE(config.encrypts());
  EXPECT_FALSE(all_of(config).contains("KmsMasterKeyId"));

  config = change_config(create({{"KmsMasterKeyId", "k"}}).value(),
                         {{"SqsManagedSseEnabled", "true"}, {"KmsMasterKeyId", ""}})
               .value();
  EXPECT_EQ(config, QueueConfig());
  config =
      change_config(create({{"KmsMasterKeyId", "k"}}).value(), {{"SqsManagedSseEnabled", "true"}})
          .value();
  EXPECT_EQ(config, QueueConfig());
  EXPECT_TRUE(create({{"KmsMasterKeyId", "k"}, {"SqsManagedSseEnabled", "false"}}));
  EXPECT_FALSE(create({{"KmsMasterKeyId", std::string(2049, 'k')}}));
}

TEST(Encryption, ReusePeriodIsListedOnlyWithAKeyAndAnotherValueThanTheDefault) {
  constexpr auto kName = "KmsDataKeyReusePeriodSeconds";
  EXPECT_FALSE(all_of(create({{kName, "60"}}).value()).contains(kName));
  QueueConfig config = create({{kName, "60"}, {"KmsMasterKeyId", "k"}}).value();
  EXPECT_EQ(all_of(config).at(kName), "60");
  config = change_config(config, {{kName, "300"}}).value();
  EXPECT_FALSE(all_of(config).contains(kName));
}

TEST(Describe, TellsWhatWasAskedFor) {
  const QueueConfig config = create({{"DelaySeconds", "5"}}).value();
  const auto ask = [&](const std::vector<std::string>& names) {
    return describe(config, facts(), names);
  };
  EXPECT_THAT(ask({}).value(), IsEmpty());
  EXPECT_EQ(ask({"DelaySeconds", "QueueArn", "DelaySeconds"}).value(),
            (AttributeMap{{"DelaySeconds", "5"},
                          {"QueueArn", "arn:aws:sqs:eu-west-1:123456789012:jobs"}}));
  EXPECT_THAT(ask({"Policy", "RedrivePolicy", "FifoQueue", "KmsMasterKeyId"}).value(), IsEmpty());
  for (const std::vector<std::string>& names :
       {std::vector<std::string>{"Foobar"}, std::vector<std::string>{"All", "Foobar"}}) {
    EXPECT_EQ(ask(names).error(),
              ApiError(ErrorCode::invalid_attribute_name, "Unknown Attribute Foobar."));
  }
}

TEST(RequireSameConfig, ComparesOnlyWhatIsGiven) {
  const QueueConfig config =
      create({{"DelaySeconds", "5"}, {"RedrivePolicy", redrive()}, {"KmsMasterKeyId", "k"}})
          .value();
  EXPECT_TRUE(require_same_config(config, {}));
  EXPECT_TRUE(require_same_config(config, {{"DelaySeconds", "005"},
                                           {"RedrivePolicy", redrive("\"3\"")},
                                           {"VisibilityTimeout", "30"},
                                           {"KmsMasterKeyId", "k"},
                                           {"Policy", ""}}));
  EXPECT_EQ(
      require_same_config(config, {{"VisibilityTimeout", "31"}, {"DelaySeconds", "6"}}).error(),
      ApiError(ErrorCode::queue_name_exists,
               "A queue already exists with the same name and a different value for "
               "attribute DelaySeconds"));
  EXPECT_EQ(require_same_config(config, {{"Policy", kGoodPolicy}}).error().code(),
            ErrorCode::queue_name_exists);
  EXPECT_EQ(require_same_config(config, {{"RedrivePolicy", ""}}).error().code(),
            ErrorCode::queue_name_exists);
  EXPECT_EQ(require_same_config(config, {{"DelaySeconds", "x"}}).error().code(),
            ErrorCode::invalid_attribute_value);
  EXPECT_EQ(require_same_config(config, {{"Foobar", "x"}}).error().code(),
            ErrorCode::invalid_attribute_name);
  EXPECT_TRUE(require_same_config(create_fifo().value(), {{"FifoQueue", "True"}}));
}

TEST(StoredConfig, IsReadAsItWasWritten) {
  const std::vector<QueueConfig> configs = {
      create({}).value(), create_fifo().value(),
      create({{"VisibilityTimeout", "1"},
              {"DelaySeconds", "2"},
              {"MaximumMessageSize", "1025"},
              {"MessageRetentionPeriod", "61"},
              {"ReceiveMessageWaitTimeSeconds", "4"},
              {"Policy", kGoodPolicy},
              {"RedrivePolicy", redrive()},
              {"RedriveAllowPolicy", R"({"redrivePermission":"byQueue","sourceQueueArns":[")" +
                                         std::string(kTarget) + "\"]}"},
              {"KmsMasterKeyId", "k"},
              {"KmsDataKeyReusePeriodSeconds", "61"}})
          .value(),
      create({{"SqsManagedSseEnabled", "false"}, {"KmsDataKeyReusePeriodSeconds", "61"}}).value(),
      create_fifo({{"ContentBasedDeduplication", "true"},
                   {"DeduplicationScope", "messageGroup"},
                   {"FifoThroughputLimit", "perMessageGroupId"}})
          .value()};
  for (const QueueConfig& config : configs) {
    const std::string bytes = config_to_bytes(config);
    const Expected<QueueConfig> read = config_from_bytes(bytes);
    ASSERT_TRUE(read);
    EXPECT_EQ(*read, config);
  }
  EXPECT_EQ(config_to_bytes(QueueConfig()).size(), 2u);
}

TEST(StoredConfig, IsRefusedWhenDamaged) {
  const std::string bytes = config_to_bytes(create({{"DelaySeconds", "10"}}).value());
  EXPECT_FALSE(config_from_bytes(""));
  EXPECT_FALSE(config_from_bytes("\x01"));
  EXPECT_FALSE(config_from_bytes(std::string_view(bytes).substr(0, bytes.size() - 1)));
  EXPECT_FALSE(config_from_bytes("\x02" + bytes.substr(1)));
  EXPECT_FALSE(config_from_bytes(bytes + std::string("\0\0", 2)));
  EXPECT_FALSE(config_from_bytes(bytes + std::string("\xc8\0", 2)));
  EXPECT_FALSE(config_from_bytes(bytes + std::string("\x01\x01x", 3)));
}

std::string redrive_error(const std::string& json) {
  const Expected<RedrivePolicy> policy = parse_redrive_policy(json);
  if (policy) return {};
  EXPECT_EQ(policy.error().code(), ErrorCode::invalid_parameter_value);
  const std::string start = "Value " + json + " for parameter RedrivePolicy is invalid. Reason: ";
  const std::string message = policy.error().message();
  return message.starts_with(start) ? message.substr(start.size()) : message;
}

TEST(RedrivePolicy, ComesBackNormalised) {
  for (const std::string& json : {redrive("3"), redrive("\"3\""),
                                  R"( { "maxReceiveCount" : 3 , "deadLetterTargetArn" : ")" +
                                      std::string(kTarget) + "\" }"}) {
    EXPECT_EQ(to_json(parse_redrive_policy(json).value()), redrive("3"));
  }
  EXPECT_EQ(parse_redrive_policy(redrive("1000")).value(), (RedrivePolicy{arn(), 1000}));
  EXPECT_EQ(all_of(create({{"RedrivePolicy", redrive("\"3\"")}}).value()).at("RedrivePolicy"),
            redrive("3"));
}

TEST(RedrivePolicy, IsRefusedWithTheTextsOfSqs) {
  for (const std::string& json : {std::string("x"), std::string("[]"), std::string("\"a\"")}) {
    EXPECT_EQ(redrive_error(json),
              "Invalid value for the parameter RedrivePolicy. Reason: Redrive policy is not a "
              "valid JSON map.");
  }
  EXPECT_EQ(redrive_error("{}"),
            "Redrive policy does not contain mandatory attribute: maxReceiveCount.");
  EXPECT_EQ(redrive_error(R"({"maxReceiveCount":1})"),
            "Redrive policy does not contain mandatory attribute: deadLetterTargetArn.");
  EXPECT_EQ(redrive_error(redrive(R"(1,"x":2)")),
            "Only following attributes are supported: [maxReceiveCount, deadLetterTargetArn].");
  for (const std::string count : {"0", "-1", "1001", "4023", "1.5", "true"}) {
    EXPECT_EQ(redrive_error(redrive(count)),
              "Invalid value for maxReceiveCount: " + (count == "1.5" ? "1.5E0" : count) +
                  ", valid values are from 1 to 1000 both inclusive.");
  }
  EXPECT_EQ(
      redrive_error(redrive("\"x\"")),
      "Invalid value for maxReceiveCount: x, valid values are from 1 to 1000 both inclusive.");
  const auto with_target = [](const std::string& target) {
    return R"({"deadLetterTargetArn":")" + target + R"(","maxReceiveCount":1})";
  };
  EXPECT_EQ(redrive_error(with_target("dead")), "Invalid value for deadLetterTargetArn.");
  EXPECT_EQ(redrive_error(with_target("")), "Invalid value for deadLetterTargetArn.");
  EXPECT_EQ(redrive_error(with_target("arn:aws:sqs:eu-west-1:dead")),
            "Dead-letter target ARN should be fully qualified ARN.");
  EXPECT_EQ(redrive_error(with_target("arn:aws:sns:eu-west-1:123456789012:dead")),
            "Only SQS queues are valid resources for deadLetterTargetArn.");
  EXPECT_EQ(redrive_error(R"({"deadLetterTargetArn":1,"maxReceiveCount":1})"),
            "Invalid value for deadLetterTargetArn.");
}

std::string allow(const std::string& permission, std::size_t sources) {
  std::string text = R"({"redrivePermission":")" + permission + R"(","sourceQueueArns":[)";
  for (std::size_t i = 0; i < sources; ++i) {
    if (i > 0) text += ',';
    text.append("\"").append(kTarget).append(std::to_string(i)).append("\"");
  }
  return text + "]}";
}

std::string allow_error(const std::string& json) {
  const Expected<RedriveAllowPolicy> policy = parse_redrive_allow_policy(json);
  if (policy) return {};
  EXPECT_EQ(policy.error().code(), ErrorCode::invalid_parameter_value);
  const std::string start = "Value " + json +
                            " for parameter RedriveAllowPolicy is invalid. Reason: Amazon SQS "
                            "can't create the redrive allow policy";
  EXPECT_TRUE(policy.error().message().starts_with(start)) << policy.error().message();
  return policy.error().message().substr(start.size());
}

TEST(RedriveAllowPolicy, DecidesWhoMayNameTheQueue) {
  const auto allows = [](const std::string& json, std::string_view source) {
    return parse_redrive_allow_policy(json)->allows(arn(source));
  };
  const std::string first = std::string(kTarget) + "0";
  EXPECT_TRUE(allows(R"({"redrivePermission":"allowAll"})", first));
  EXPECT_FALSE(allows(R"({"redrivePermission":"denyAll"})", first));
  EXPECT_TRUE(allows(allow("byQueue", 10), first));
  EXPECT_FALSE(allows(allow("byQueue", 10), kTarget));
}

TEST(RedriveAllowPolicy, ComesBackNormalised) {
  for (const std::string& json : {std::string(R"({"redrivePermission":"allowAll"})"),
                                  std::string(R"({"redrivePermission":"denyAll"})"),
                                  allow("byQueue", 1), allow("byQueue", 10)}) {
    EXPECT_EQ(to_json(parse_redrive_allow_policy(json).value()), json);
  }
}

TEST(RedriveAllowPolicy, IsRefusedWithTheTextsOfSqs) {
  const std::string need =
      ". When you specify the byQueue permission type, you must also specify one or more "
      "sourceQueueArns values.";
  EXPECT_EQ(allow_error(R"({"redrivePermission":"byQueue"})"), need);
  EXPECT_EQ(allow_error(allow("byQueue", 0)), need);
  for (const std::string permission : {"allowAll", "denyAll"}) {
    EXPECT_EQ(allow_error(allow(permission, 1)),
              ". To specify one or more source queue ARNs, you must set redrivePermission to "
              "byQueue.");
  }
  EXPECT_EQ(allow_error(allow("byQueue", 11)),
            ". The maximum number of source queue ARNs you can specify is 10.");
  for (const std::string json :
       {"x", "[]", "{}", R"({"redrivePermission":1})", R"({"redrivePermission":"some"})",
        R"({"redrivePermission":"allowAll","x":1})",
        R"({"redrivePermission":"byQueue","sourceQueueArns":"a"})",
        R"({"redrivePermission":"byQueue","sourceQueueArns":[1]})",
        R"({"redrivePermission":"byQueue","sourceQueueArns":["a"]})"}) {
    EXPECT_EQ(allow_error(json), ", as it\u2019s in an unsupported format.") << json;
  }
}

}  // namespace
}  // namespace millrace
