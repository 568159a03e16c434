// The two protocols as twins: a random request, written in both, must be read back the same from
// both. And the field lists against the members of the public service models.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <random>
#include <sstream>
#include <string>

#include <boost/json.hpp>

#include "api/access.h"
#include "api/messages.h"
#include "api/moves.h"
#include "api/queues.h"
#include "wire/wire.h"

namespace millrace::wire {
namespace {

/// One action for the typed tests below.
template <class Req, class Res>
struct Action {
  using Request = Req;
  using Response = Res;
};

#define ACTION_ROW(name)                                          \
  struct name : Action<api::name##Request, api::name##Response> { \
    static constexpr const char* kName = #name;                   \
  }
ACTION_ROW(AddPermission);
ACTION_ROW(CancelMessageMoveTask);
ACTION_ROW(ChangeMessageVisibility);
ACTION_ROW(ChangeMessageVisibilityBatch);
ACTION_ROW(CreateQueue);
ACTION_ROW(DeleteMessage);
ACTION_ROW(DeleteMessageBatch);
ACTION_ROW(DeleteQueue);
ACTION_ROW(GetQueueAttributes);
ACTION_ROW(GetQueueUrl);
ACTION_ROW(ListDeadLetterSourceQueues);
ACTION_ROW(ListMessageMoveTasks);
ACTION_ROW(ListQueues);
ACTION_ROW(ListQueueTags);
ACTION_ROW(PurgeQueue);
ACTION_ROW(ReceiveMessage);
ACTION_ROW(RemovePermission);
ACTION_ROW(SendMessage);
ACTION_ROW(SendMessageBatch);
ACTION_ROW(SetQueueAttributes);
ACTION_ROW(StartMessageMoveTask);
ACTION_ROW(TagQueue);
ACTION_ROW(UntagQueue);
#undef ACTION

using AllActions =
    testing::Types<AddPermission, CancelMessageMoveTask, ChangeMessageVisibility,
                   ChangeMessageVisibilityBatch, CreateQueue, DeleteMessage, DeleteMessageBatch,
                   DeleteQueue, GetQueueAttributes, GetQueueUrl, ListDeadLetterSourceQueues,
                   ListMessageMoveTasks, ListQueues, ListQueueTags, PurgeQueue, ReceiveMessage,
                   RemovePermission, SendMessage, SendMessageBatch, SetQueueAttributes,
                   StartMessageMoveTask, TagQueue, UntagQueue>;

struct NameOfAction {
  template <class T>
  static std::string GetName(int) {
    return T::kName;
  }
};

/// Fills a request with random values, as its field list's visitor. Members that must not be
/// missing are never left empty.
class Filler {
 public:
  explicit Filler(std::mt19937_64& random) : random_(random) {}

  template <class T>
  void operator()(const api::Field& field, T& member) {
    // An entry without any member at all is nothing in Query, so each has its Id.
    const bool needed = field.required != api::Required::service || field.json == "Id";
    if (needed || below(4) != 0) fill(member);
  }

 private:
  std::size_t below(std::size_t limit) {
    return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random_);
  }

  std::string text(std::size_t length_min) {
    static const std::string_view pieces[] = {"a",
                                              "Z",
                                              "0",
                                              " ",
                                              "+",
                                              "%",
                                              "&",
                                              "=",
                                              "\"",
                                              "\\",
                                              "\n",
                                              "\r",
                                              "\t",
                                              "<",
                                              ".",
                                              "/",
                                              "\x01",
                                              "\x7f",
                                              "\xC3\xA9",
                                              "\xE2\x82\xAC",
                                              "\xF0\x9F\x90\x91",
                                              "\xEF\xBF\xBF",
                                              "0123456789abcdef"};
    std::string out;
    const std::size_t count = length_min + below(20);
    for (std::size_t i = 0; i < count; ++i) out += pieces[below(std::size(pieces))];
    return out;
  }

  void fill(std::string& member) { member = text(1); }
  void fill(std::optional<std::string>& member) { member = text(0); }
  void fill(std::optional<std::int64_t>& member) {
    member = std::uniform_int_distribution<std::int64_t>(std::numeric_limits<std::int64_t>::min())(
        random_);
  }
  void fill(std::vector<std::string>& member) {
    for (std::size_t count = 1 + below(12); count > 0; --count) member.push_back(text(0));
  }
  void fill(api::TextMap& member) {
    for (std::size_t count = 1 + below(12); count > 0; --count) {
      member.emplace_back(text(0) + std::to_string(count), text(0));
    }
  }
  void fill(std::vector<api::MessageAttributeInput>& member) {
    for (std::size_t count = 1 + below(11); count > 0; --count) {
      api::MessageAttributeInput& attribute = member.emplace_back();
      attribute.name = text(0) + std::to_string(count);
      if (below(5) != 0) attribute.data_type = text(1);
      if (below(2) == 0) attribute.string_value = text(0);
      if (below(3) == 0) attribute.binary_value = text(0) + '\xFF';
      attribute.has_list_values = below(5) == 0;
    }
  }
  template <HasFields T>
  void fill(std::vector<T>& member) {
    for (std::size_t count = 1 + below(11); count > 0; --count) {
      T::fields(member.emplace_back(), *this);
    }
  }

  std::mt19937_64& random_;
};

/// Writes a request as a client would in JSON.
boost::json::object to_json(const auto& request);

struct JsonClient {
  boost::json::object object;

  template <class T>
  void operator()(const api::Field& field, const T& member) {
    if (!is_absent(member)) object[field.json] = value(member);
  }

  static boost::json::value value(const std::string& text) { return boost::json::string(text); }
  static boost::json::value value(std::int64_t number) { return number; }
  template <class T>
  static boost::json::value value(const std::optional<T>& member) {
    return value(*member);
  }
  template <class T>
  static boost::json::value value(const std::vector<T>& list) {
    boost::json::array array;
    for (const T& one : list) array.push_back(value(one));
    return array;
  }
  static boost::json::value value(const api::TextMap& map) {
    boost::json::object out;
    for (const auto& [key, text] : map) out[key] = text;
    return out;
  }
  static boost::json::value value(const std::vector<api::MessageAttributeInput>& attributes) {
    boost::json::object out;
    for (const api::MessageAttributeInput& attribute : attributes) {
      boost::json::object& one = out[attribute.name].emplace_object();
      if (!attribute.data_type.empty()) one["DataType"] = attribute.data_type;
      if (attribute.string_value) one["StringValue"] = *attribute.string_value;
      if (attribute.binary_value) one["BinaryValue"] = to_base64(*attribute.binary_value);
      if (attribute.has_list_values) one["StringListValues"].emplace_array().push_back("x");
    }
    return out;
  }
  template <HasFields T>
  static boost::json::value value(const T& structure) {
    return to_json(structure);
  }
};

boost::json::object to_json(const auto& request) {
  JsonClient client;
  std::decay_t<decltype(request)>::fields(request, client);
  return client.object;
}

/// Writes a request as a client would in Query.
struct FormClient {
  std::string& form;
  std::string prefix = {};

  template <class T>
  void operator()(const api::Field& field, const T& member) {
    if (!is_absent(member)) put(prefix + std::string(field.query_name()), field, member);
  }

  void pair(const std::string& name, std::string_view text) {
    form += "&" + percent_encode(name) + "=" + percent_encode(text);
  }
  void put(const std::string& name, const api::Field&, const std::string& text) {
    pair(name, text);
  }
  void put(const std::string& name, const api::Field&, std::int64_t number) {
    pair(name, std::to_string(number));
  }
  template <class T>
  void put(const std::string& name, const api::Field& field, const std::optional<T>& member) {
    put(name, field, *member);
  }
  template <class T>
  void put(const std::string& name, const api::Field& field, const std::vector<T>& list) {
    for (std::size_t i = 0; i < list.size(); ++i) {
      put(name + "." + std::to_string(i + 1), field, list[i]);
    }
  }
  void put(const std::string& name, const api::Field& field,
           const std::pair<std::string, std::string>& entry) {
    pair(name + "." + std::string(field.map_key), entry.first);
    pair(name + ".Value", entry.second);
  }
  void put(const std::string& name, const api::Field&,
           const api::MessageAttributeInput& attribute) {
    pair(name + ".Name", attribute.name);
    if (!attribute.data_type.empty()) pair(name + ".Value.DataType", attribute.data_type);
    if (attribute.string_value) pair(name + ".Value.StringValue", *attribute.string_value);
    if (attribute.binary_value) {
      pair(name + ".Value.BinaryValue", to_base64(*attribute.binary_value));
    }
    if (attribute.has_list_values) pair(name + ".Value.StringListValue.1", "x");
  }
  template <HasFields T>
  void put(const std::string& name, const api::Field&, const T& structure) {
    FormClient inner{form, name + "."};
    T::fields(structure, inner);
  }
};

std::uint64_t seed() {
  static const std::uint64_t chosen = [] {
    const char* given = std::getenv("MILLRACE_SEED");
    const std::uint64_t value =
        given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device()();
    std::cout << "MILLRACE_SEED=" << value << "\n";
    return value;
  }();
  return chosen;
}

template <class T>
class Twin : public testing::Test {};
TYPED_TEST_SUITE(Twin, AllActions, NameOfAction);

TYPED_TEST(Twin, BothProtocolsReadTheSame) {
  using Request = typename TypeParam::Request;
  SCOPED_TRACE("MILLRACE_SEED=" + std::to_string(seed()));
  std::mt19937_64 random(seed());
  for (int round = 0; round < 100; ++round) {
    Request request;
    Filler filler(random);
    Request::fields(request, filler);

    const std::string json = boost::json::serialize(to_json(request));
    const std::string target = std::string("AmazonSQS.") + TypeParam::kName;
    HttpRequest http;
    http.method = "POST";
    http.target = "/";
    http.fields = {{"X-Amz-Target", target}};
    http.body = json;
    const Expected<WireCall> json_call = recognise(http);
    ASSERT_TRUE(json_call);
    const Expected<Request> from_json = decode<Request>(*json_call);
    ASSERT_TRUE(from_json) << from_json.error().message() << "\n" << json;
    ASSERT_EQ(*from_json, request) << json;

    std::string form = std::string("Action=") + TypeParam::kName + "&Version=2012-11-05";
    FormClient client{form};
    Request::fields(request, client);
    http.fields = {{"Content-Type", "application/x-www-form-urlencoded"}};
    http.body = form;
    const Expected<WireCall> form_call = recognise(http);
    ASSERT_TRUE(form_call) << form_call.error().message() << "\n" << form;
    EXPECT_EQ(form_call->action, TypeParam::kName);
    const Expected<Request> from_form = decode<Request>(*form_call);
    ASSERT_TRUE(from_form) << from_form.error().message() << "\n" << form;
    ASSERT_EQ(*from_form, request) << form;
  }
}

/// Collects "member" → "query name" of a field list; the members of a list's structures as
/// "Entries.Id", a map's key name after a slash. This is the form of sqs_members.json.
struct NameCollector {
  std::map<std::string, std::string>& names;
  std::string prefix = {};

  template <class T>
  void operator()(const api::Field& field, const T& member) {
    const std::string path = prefix + std::string(field.json);
    names[path] = std::string(field.query_name()) + map_key(field, member);
    if constexpr (requires { typename T::value_type; }) {
      using Element = typename T::value_type;
      if constexpr (HasFields<Element>) {
        NameCollector inner{names, path + "."};
        const Element element{};
        Element::fields(element, inner);
      }
    }
  }

  template <class T>
  static std::string map_key(const api::Field& field, const T&) {
    constexpr bool kIsMap =
        std::is_same_v<T, api::TextMap> ||
        std::is_same_v<T, std::vector<std::pair<std::string_view, std::string>>> ||
        std::is_same_v<T, std::vector<api::MessageAttributeInput>> ||
        std::is_same_v<T, std::vector<MessageAttributeView>>;
    return kIsMap ? "/" + std::string(field.map_key) : std::string();
  }
};

template <class T>
std::map<std::string, std::string> names_of() {
  std::map<std::string, std::string> names;
  NameCollector collector{names};
  const T value{};
  T::fields(value, collector);
  return names;
}

std::map<std::string, std::string> names_in_model(const std::string& action,
                                                  const std::string& direction) {
  const std::filesystem::path file = std::filesystem::path(__FILE__).parent_path() /
                                     "../../tests/support/formats/sqs_members.json";
  std::ifstream in(file);
  std::stringstream text;
  text << in.rdbuf();
  const boost::json::value model = boost::json::parse(text.str());
  std::map<std::string, std::string> names;
  for (const auto& [member, name] : model.at(action).at(direction).as_object()) {
    names[std::string(member)] = std::string(name.as_string());
  }
  return names;
}

TYPED_TEST(Twin, FieldListsHaveTheMembersOfTheServiceModel) {
  EXPECT_EQ(names_of<typename TypeParam::Request>(), names_in_model(TypeParam::kName, "input"));
  EXPECT_EQ(names_of<typename TypeParam::Response>(), names_in_model(TypeParam::kName, "output"));
}

}  // namespace
}  // namespace millrace::wire
