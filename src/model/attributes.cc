#include "model/attributes.h"

#include <algorithm>
#include <utility>

#include <boost/json.hpp>

#include "base/bytes.h"
#include "base/check.h"
#include "base/encoding.h"
#include "model/policy_text.h"

namespace millrace {

namespace {

namespace json = boost::json;

enum class Setting { any_time, at_creation, never };
enum class Kind {
  any,
  fifo,        // FIFO only; to a standard queue the name is unknown
  fifo_named,  // FIFO only; a standard queue's refusal says so
};

struct AttributeRow;
using SetValue = Expected<void> (*)(const AttributeRow&, QueueConfig&, std::string_view value);
using GetValue = std::optional<std::string> (*)(const QueueConfig&);  // nothing: not set
using TellFact = std::string (*)(const QueueFacts&);

// How an attribute is written to and read from a QueueConfig; or what tells it, if it is no
// setting.
struct Access {
  SetValue set = nullptr;
  GetValue get = nullptr;
  TellFact tell = nullptr;
};

struct AttributeRow {
  std::string_view name;
  std::uint8_t number;  // in stored records: never changed, never used again; 0 is never stored
  Setting setting;
  Kind kind;
  Access access;
};

ApiError invalid_value(std::string_view name, std::string_view reason = {}) {
  std::string text = "Invalid value for the parameter ";
  text.append(name).append(".");
  if (!reason.empty()) text.append(" Reason: ").append(reason);
  return {ErrorCode::invalid_attribute_value, std::move(text)};
}

ApiError unknown_attribute(std::string_view name) {
  std::string text = "Unknown Attribute ";
  text.append(name).append(".");
  return {ErrorCode::invalid_attribute_name, std::move(text)};
}

std::optional<bool> parse_bool(std::string_view text) {
  const auto is = [&](std::string_view word) {
    return std::ranges::equal(text, word, [](char a, char b) {
      return (a >= 'A' && a <= 'Z' ? static_cast<char>(a | 0x20) : a) == b;
    });
  };
  if (is("true")) return true;
  if (is("false")) return false;
  return std::nullopt;
}

// --- the kinds of values: one Access each ------------------------------------------------------

template <std::int64_t QueueConfig::*Field, std::int64_t Min, std::int64_t Max>
constexpr Access kNumber = {.set = [](const AttributeRow& row, QueueConfig& config,
                                      std::string_view value) -> Expected<void> {
                              const std::optional<std::int64_t> number = parse_digits(value);
                              if (!number || *number < Min || *number > Max)
                                return invalid_value(row.name);
                              config.*Field = *number;
                              return {};
                            },
                            .get = [](const QueueConfig& config) -> std::optional<std::string> {
                              return std::to_string(config.*Field);
                            }};

template <bool QueueConfig::*Field>
constexpr Access kBool = {.set = [](const AttributeRow& row, QueueConfig& config,
                                    std::string_view value) -> Expected<void> {
                            const std::optional<bool> parsed = parse_bool(value);
                            if (!parsed) return invalid_value(row.name);
                            config.*Field = *parsed;
                            return {};
                          },
                          .get = [](const QueueConfig& config) -> std::optional<std::string> {
                            return config.*Field ? "true" : "false";
                          }};

// One of two words.
template <auto Field, auto First, auto Second, const std::string_view& FirstWord,
          const std::string_view& SecondWord>
constexpr Access kChoice = {.set = [](const AttributeRow& row, QueueConfig& config,
                                      std::string_view value) -> Expected<void> {
                              if (value != FirstWord && value != SecondWord)
                                return invalid_value(row.name);
                              config.*Field = value == FirstWord ? First : Second;
                              return {};
                            },
                            .get = [](const QueueConfig& config) -> std::optional<std::string> {
                              return std::string(config.*Field == First ? FirstWord : SecondWord);
                            }};

constexpr std::string_view kQueueWord = "queue";
constexpr std::string_view kMessageGroupWord = "messageGroup";
constexpr std::string_view kPerQueueWord = "perQueue";
constexpr std::string_view kPerMessageGroupIdWord = "perMessageGroupId";

// A text that is kept as it is given, or not set when it is empty.
template <std::string QueueConfig::*Field, Expected<void> (*Check)(std::string_view)>
constexpr Access kText = {
    .set = [](const AttributeRow&, QueueConfig& config, std::string_view value) -> Expected<void> {
      if (!value.empty()) {
        if (const Expected<void> checked = Check(value); !checked) return checked;
      }
      config.*Field = value;
      return {};
    },
    .get = [](const QueueConfig& config) -> std::optional<std::string> {
      if ((config.*Field).empty()) return std::nullopt;
      return config.*Field;
    }};

// A JSON document that is kept as a value, or not set when its text is empty.
template <auto Field, auto Parse>
constexpr Access kDocument = {
    .set = [](const AttributeRow&, QueueConfig& config, std::string_view value) -> Expected<void> {
      if (value.empty()) {
        (config.*Field).reset();
        return {};
      }
      auto parsed = Parse(value);
      if (!parsed) return parsed.error();
      config.*Field = std::move(*parsed);
      return {};
    },
    .get = [](const QueueConfig& config) -> std::optional<std::string> {
      if (!(config.*Field)) return std::nullopt;
      return to_json(*(config.*Field));
    }};

// Given again it must stay what it is; create_config sets it from the request and the name.
constexpr Access kFifoQueue = {.set = [](const AttributeRow& row, QueueConfig& config,
                                         std::string_view value) -> Expected<void> {
                                 const std::optional<bool> fifo = parse_bool(value);
                                 if (!fifo) return invalid_value(row.name);
                                 if (*fifo != config.fifo) {
                                   return invalid_value(row.name,
                                                        "Modifying queue type is not supported.");
                                 }
                                 return {};
                               },
                               .get = kBool<&QueueConfig::fifo>.get};

constexpr Access fact(TellFact tell) {
  return {.tell = tell};
}

template <std::uint64_t QueueFacts::*Count>
constexpr Access kCount = fact([](const QueueFacts& facts) {
  return std::to_string(facts.*Count);
});

// SQS tells moments in whole seconds.
template <Timestamp QueueFacts::*Moment>
constexpr Access kMoment = fact([](const QueueFacts& facts) {
  return std::to_string((facts.*Moment).milliseconds / 1000);
});

Expected<void> check_kms_key(std::string_view name) {
  if (name.size() > limits::kKmsKeyNameMax || !is_sqs_text(name)) {
    return invalid_value("KmsMasterKeyId");
  }
  return {};
}

// THE TABLE OF QUEUE ATTRIBUTES (SQS API Reference, SetQueueAttributes and GetQueueAttributes).
// The defaults are those of QueueConfig.
using Config = QueueConfig;
constexpr AttributeRow kAttributes[] = {
    // name, number, who sets it, which queues, values
    {"VisibilityTimeout", 1, Setting::any_time, Kind::any,
     kNumber<&Config::visibility_seconds, 0, limits::kVisibilitySecondsMax>},
    {"DelaySeconds", 2, Setting::any_time, Kind::any,
     kNumber<&Config::delay_seconds, 0, limits::kDelaySecondsMax>},
    {"MaximumMessageSize", 3, Setting::any_time, Kind::any,
     kNumber<&Config::message_bytes_max, limits::kMessageBytesMaxMin, limits::kMessageBytesMax>},
    {"MessageRetentionPeriod", 4, Setting::any_time, Kind::any,
     kNumber<&Config::retention_seconds, limits::kRetentionSecondsMin,
             limits::kRetentionSecondsMax>},
    {"ReceiveMessageWaitTimeSeconds", 5, Setting::any_time, Kind::any,
     kNumber<&Config::wait_seconds, 0, limits::kWaitSecondsMax>},
    {"Policy", 6, Setting::any_time, Kind::any, kText<&Config::policy, check_policy>},
    {"RedrivePolicy", 7, Setting::any_time, Kind::any,
     kDocument<&Config::redrive_policy, parse_redrive_policy>},
    {"RedriveAllowPolicy", 8, Setting::any_time, Kind::any,
     kDocument<&Config::redrive_allow_policy, parse_redrive_allow_policy>},
    {"KmsMasterKeyId", 9, Setting::any_time, Kind::any, kText<&Config::kms_key, check_kms_key>},
    {"KmsDataKeyReusePeriodSeconds", 10, Setting::any_time, Kind::any,
     kNumber<&Config::kms_reuse_seconds, limits::kKmsReuseSecondsMin, limits::kKmsReuseSecondsMax>},
    {"SqsManagedSseEnabled", 11, Setting::any_time, Kind::any, kBool<&Config::managed_encryption>},
    {"FifoQueue", 0, Setting::at_creation, Kind::fifo, kFifoQueue},
    {"ContentBasedDeduplication", 12, Setting::any_time, Kind::fifo,
     kBool<&Config::content_based_deduplication>},
    {"DeduplicationScope", 13, Setting::any_time, Kind::fifo_named,
     kChoice<&Config::deduplication_scope, DeduplicationScope::queue,
             DeduplicationScope::message_group, kQueueWord, kMessageGroupWord>},
    {"FifoThroughputLimit", 14, Setting::any_time, Kind::fifo_named,
     kChoice<&Config::fifo_throughput_limit, FifoThroughputLimit::per_queue,
             FifoThroughputLimit::per_message_group_id, kPerQueueWord, kPerMessageGroupIdWord>},
    {"QueueArn", 0, Setting::never, Kind::any,
     fact([](const QueueFacts& facts) { return facts.arn.text(); })},
    {"CreatedTimestamp", 0, Setting::never, Kind::any, kMoment<&QueueFacts::created_at>},
    {"LastModifiedTimestamp", 0, Setting::never, Kind::any, kMoment<&QueueFacts::modified_at>},
    {"ApproximateNumberOfMessages", 0, Setting::never, Kind::any, kCount<&QueueFacts::visible>},
    {"ApproximateNumberOfMessagesNotVisible", 0, Setting::never, Kind::any,
     kCount<&QueueFacts::in_flight>},
    {"ApproximateNumberOfMessagesDelayed", 0, Setting::never, Kind::any,
     kCount<&QueueFacts::delayed>},
};

constexpr bool numbers_are_distinct() {
  for (const AttributeRow& row : kAttributes) {
    for (const AttributeRow& other : kAttributes) {
      if (&row != &other && row.number != 0 && row.number == other.number) return false;
    }
  }
  return true;
}
static_assert(numbers_are_distinct(), "two attributes would share a place in stored records");

const AttributeRow* find_row(std::string_view name) {
  const auto* const row = std::ranges::find(kAttributes, name, &AttributeRow::name);
  return row == std::end(kAttributes) ? nullptr : row;
}

// The row of an attribute that a client wants to set on a queue of this kind.
Expected<const AttributeRow*> settable_row(std::string_view name, bool fifo) {
  const AttributeRow* row = find_row(name);
  if (row == nullptr || row->setting == Setting::never || (row->kind == Kind::fifo && !fifo)) {
    return unknown_attribute(name);
  }
  if (row->kind == Kind::fifo_named && !fifo) {
    std::string text = "You can specify the ";
    text.append(name).append(" only when FifoQueue is set to true.");
    return ApiError(ErrorCode::invalid_attribute_name, std::move(text));
  }
  return row;
}

Expected<void> set_each(QueueConfig& config, const AttributeMap& attributes) {
  for (const auto& [name, value] : attributes) {
    const Expected<const AttributeRow*> row = settable_row(name, config.fifo);
    if (!row) return row.error();
    if (const Expected<void> set = (*row)->access.set(**row, config, value); !set) return set;
  }
  return {};
}

// A message is encrypted in one way at a time: a KMS key turns SQS's own keys off, and the reverse.
Expected<void> settle_encryption(QueueConfig& config, const AttributeMap& attributes) {
  const auto key = attributes.find("KmsMasterKeyId");
  const bool sets_key = key != attributes.end() && !key->second.empty();
  const bool sets_managed =
      attributes.contains("SqsManagedSseEnabled") && config.managed_encryption;
  if (sets_key && sets_managed) {
    return ApiError(ErrorCode::invalid_attribute_name,
                    "You can use one type of server-side encryption (SSE) at one time. You can "
                    "either enable KMS SSE or SQS SSE.");
  }
  if (sets_key) config.managed_encryption = false;
  if (sets_managed) config.kms_key.clear();
  return {};
}

Expected<QueueConfig> apply(QueueConfig config, const AttributeMap& attributes) {
  if (const Expected<void> set = set_each(config, attributes); !set) return set.error();
  if (const Expected<void> settled = settle_encryption(config, attributes); !settled) {
    return settled.error();
  }
  if (config.fifo_throughput_limit == FifoThroughputLimit::per_message_group_id &&
      config.deduplication_scope != DeduplicationScope::message_group) {
    return invalid_value("FifoThroughputLimit",
                         "The perMessageGroupId value is allowed only when the value for "
                         "DeduplicationScope is messageGroup.");
  }
  return config;
}

// Whether GetQueueAttributes shows a setting that has a value.
bool is_listed(const AttributeRow& row, const QueueConfig& config) {
  if (row.kind != Kind::any && !config.fifo) return false;
  if (row.name == "KmsDataKeyReusePeriodSeconds") {
    return !config.kms_key.empty() && config.kms_reuse_seconds != limits::kKmsReuseSecondsDefault;
  }
  return true;
}

void tell(const AttributeRow& row, const QueueConfig& config, const QueueFacts& facts,
          AttributeMap& told) {
  if (!is_listed(row, config)) return;
  std::optional<std::string> value =
      row.access.tell != nullptr ? row.access.tell(facts) : row.access.get(config);
  if (value) told.insert_or_assign(std::string(row.name), std::move(*value));
}

}  // namespace

bool RedriveAllowPolicy::allows(const QueueArn& source) const {
  if (permission == Permission::by_queue) {
    return std::ranges::find(sources, source) != sources.end();
  }
  return permission == Permission::allow_all;
}

Expected<QueueConfig> create_config(const QueueName& name, const AttributeMap& attributes) {
  QueueConfig config;
  if (const auto given = attributes.find("FifoQueue"); given != attributes.end()) {
    const std::optional<bool> fifo = parse_bool(given->second);
    if (!fifo) return invalid_value("FifoQueue");
    config.fifo = *fifo;
  }
  if (const Expected<void> checked = check_queue_kind(name, config.fifo); !checked) {
    return checked.error();
  }
  return apply(std::move(config), attributes);
}

Expected<QueueConfig> change_config(const QueueConfig& current, const AttributeMap& attributes) {
  if (attributes.empty()) return missing_parameter("Attributes");
  return apply(current, attributes);
}

Expected<void> require_same_config(const QueueConfig& current, const AttributeMap& given) {
  QueueConfig wanted = current;
  if (const Expected<void> set = set_each(wanted, given); !set) return set;
  for (const auto& [name, value] : given) {
    const AttributeRow* row = find_row(name);
    CHECK(row != nullptr);
    if (row->access.get(current) == row->access.get(wanted)) continue;
    return ApiError(
        ErrorCode::queue_name_exists,
        "A queue already exists with the same name and a different value for attribute " + name);
  }
  return {};
}

Expected<AttributeMap> describe(const QueueConfig& config, const QueueFacts& facts,
                                std::span<const std::string> names) {
  AttributeMap told;
  for (const std::string& name : names) {
    if (name == "All") {
      for (const AttributeRow& row : kAttributes) tell(row, config, facts, told);
      continue;
    }
    const AttributeRow* row = find_row(name);
    if (row == nullptr) return unknown_attribute(name);
    tell(*row, config, facts, told);
  }
  return told;
}

namespace {

constexpr std::uint8_t kRecordVersion = 1;

ApiError damaged_record() {
  return {ErrorCode::internal_failure, "The stored settings of a queue cannot be read."};
}

}  // namespace

// version, FIFO or not, and for each setting that is not the default its number and text.
std::string config_to_bytes(const QueueConfig& config) {
  const QueueConfig defaults;
  std::string bytes;
  append_u8(bytes, kRecordVersion);
  append_u8(bytes, config.fifo ? 1 : 0);
  for (const AttributeRow& row : kAttributes) {
    if (row.number == 0) continue;
    const std::optional<std::string> value = row.access.get(config);
    if (value == row.access.get(defaults)) continue;
    append_u8(bytes, row.number);
    append_sized(bytes, value.value_or(std::string()));
  }
  return bytes;
}

Expected<QueueConfig> config_from_bytes(std::string_view bytes) {
  ByteReader reader(bytes);
  if (reader.u8() != kRecordVersion) return damaged_record();
  QueueConfig config;
  config.fifo = reader.u8() == 1;
  while (!reader.failed() && !reader.done()) {
    const std::uint8_t number = reader.u8();
    const std::string_view value = reader.sized();
    const auto* const row = std::ranges::find(kAttributes, number, &AttributeRow::number);
    if (number == 0 || row == std::end(kAttributes)) return damaged_record();
    if (!row->access.set(*row, config, value)) return damaged_record();
  }
  if (reader.failed()) return damaged_record();
  return config;
}

// --- the two documents of dead-letter queues ---------------------------------------------------

namespace {

std::string_view as_view(json::string_view text) {
  return {text.data(), text.size()};
}

std::string_view as_view(const json::string& text) {
  return {text.data(), text.size()};
}

std::optional<json::object> parse_object(std::string_view text) {
  boost::system::error_code failed;
  json::value value = json::parse({text.data(), text.size()}, failed);
  if (failed || !value.is_object()) return std::nullopt;
  return std::move(value.get_object());
}

// A whole number, or the digits of one as a text.
std::optional<std::int64_t> whole_number(const json::value& value) {
  if (value.is_string()) return parse_digits(as_view(value.get_string()));
  if (value.is_int64()) return value.get_int64();
  return std::nullopt;
}

bool has_only(const json::object& object, std::initializer_list<std::string_view> names) {
  return std::ranges::all_of(object, [&](const json::key_value_pair& member) {
    return std::ranges::find(names, as_view(member.key())) != names.end();
  });
}

// Whether `text` is some service's ARN, but not one of SQS.
bool is_foreign_arn(std::string_view text) {
  if (!text.starts_with("arn:") || std::ranges::count(text, ':') < 5) return false;
  const std::string_view service = text.substr(text.find(':', 4) + 1);
  return !service.starts_with("sqs:");
}

}  // namespace

Expected<RedrivePolicy> parse_redrive_policy(std::string_view text) {
  const std::optional<json::object> object = parse_object(text);
  if (!object) {
    return ApiError(ErrorCode::invalid_parameter_value,
                    "Invalid value for the parameter RedrivePolicy. Reason: Redrive policy is not "
                    "a valid JSON map.");
  }
  const auto invalid = [&](std::string_view reason) {
    return invalid_parameter(text, "RedrivePolicy", reason);
  };
  const json::value* count = object->if_contains("maxReceiveCount");
  const json::value* target = object->if_contains("deadLetterTargetArn");
  if (count == nullptr) {
    return invalid("Redrive policy does not contain mandatory attribute: maxReceiveCount.");
  }
  if (target == nullptr) {
    return invalid("Redrive policy does not contain mandatory attribute: deadLetterTargetArn.");
  }
  if (!has_only(*object, {"maxReceiveCount", "deadLetterTargetArn"})) {
    return invalid(
        "Only following attributes are supported: [maxReceiveCount, deadLetterTargetArn].");
  }
  const std::optional<std::int64_t> number = whole_number(*count);
  if (!number || *number < 1 || *number > limits::kReceiveCountMax) {
    std::string reason = "Invalid value for maxReceiveCount: ";
    reason.append(count->is_string() ? as_view(count->get_string()) : json::serialize(*count));
    reason.append(", valid values are from 1 to 1000 both inclusive.");
    return invalid(reason);
  }
  const std::string_view arn_text =
      target->is_string() ? as_view(target->get_string()) : std::string_view();
  if (!arn_text.starts_with("arn:")) return invalid("Invalid value for deadLetterTargetArn.");
  if (is_foreign_arn(arn_text)) {
    return invalid("Only SQS queues are valid resources for deadLetterTargetArn.");
  }
  std::optional<QueueArn> arn = QueueArn::parse(arn_text);
  if (!arn) return invalid("Dead-letter target ARN should be fully qualified ARN.");
  return RedrivePolicy{.target = std::move(*arn), .receive_count_max = *number};
}

// Nothing in an ARN needs escaping in JSON, so the text is put together as it is.
std::string to_json(const RedrivePolicy& policy) {
  return R"({"deadLetterTargetArn":")" + policy.target.text() + R"(","maxReceiveCount":)" +
         std::to_string(policy.receive_count_max) + "}";
}

Expected<RedriveAllowPolicy> parse_redrive_allow_policy(std::string_view text) {
  using Permission = RedriveAllowPolicy::Permission;
  const auto invalid = [&](std::string_view why) {
    std::string reason = "Amazon SQS can't create the redrive allow policy";
    reason.append(why);
    return invalid_parameter(text, "RedriveAllowPolicy", reason);
  };
  const ApiError unsupported = invalid(", as it\u2019s in an unsupported format.");

  const std::optional<json::object> object = parse_object(text);
  if (!object || !has_only(*object, {"redrivePermission", "sourceQueueArns"})) return unsupported;
  const json::value* permission = object->if_contains("redrivePermission");
  if (permission == nullptr || !permission->is_string()) return unsupported;
  RedriveAllowPolicy policy;
  const std::string_view word = as_view(permission->get_string());
  if (word == "denyAll") {
    policy.permission = Permission::deny_all;
  } else if (word == "byQueue") {
    policy.permission = Permission::by_queue;
  } else if (word != "allowAll") {
    return unsupported;
  }

  if (const json::value* sources = object->if_contains("sourceQueueArns"); sources != nullptr) {
    if (!sources->is_array()) return unsupported;
    for (const json::value& source : sources->get_array()) {
      if (!source.is_string()) return unsupported;
      std::optional<QueueArn> arn = QueueArn::parse(as_view(source.get_string()));
      if (!arn) return unsupported;
      policy.sources.push_back(std::move(*arn));
    }
  }
  if (policy.permission == Permission::by_queue && policy.sources.empty()) {
    return invalid(
        ". When you specify the byQueue permission type, you must also specify one or more "
        "sourceQueueArns values.");
  }
  if (policy.permission != Permission::by_queue && !policy.sources.empty()) {
    return invalid(
        ". To specify one or more source queue ARNs, you must set redrivePermission to byQueue.");
  }
  if (policy.sources.size() > limits::kRedriveAllowSourcesMax) {
    return invalid(". The maximum number of source queue ARNs you can specify is 10.");
  }
  return policy;
}

std::string to_json(const RedriveAllowPolicy& policy) {
  using Permission = RedriveAllowPolicy::Permission;
  if (policy.permission == Permission::allow_all) return R"({"redrivePermission":"allowAll"})";
  if (policy.permission == Permission::deny_all) return R"({"redrivePermission":"denyAll"})";
  std::string text = R"({"redrivePermission":"byQueue","sourceQueueArns":[)";
  for (const QueueArn& source : policy.sources) {
    if (text.back() != '[') text += ',';
    text.append("\"").append(source.text()).append("\"");
  }
  text += "]}";
  return text;
}

}  // namespace millrace
