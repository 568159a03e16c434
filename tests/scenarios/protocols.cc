#include "scenarios/protocols.h"

#include <map>
#include <optional>
#include <type_traits>

#include <pugixml.hpp>

#include "api/access.h"
#include "api/messages.h"
#include "api/moves.h"
#include "api/queues.h"
#include "base/check.h"
#include "base/encoding.h"
#include "wire/members.h"

namespace millrace::scenarios {

namespace {

namespace json = boost::json;

// --- JSON object → form --------------------------------------------------------------------------

std::string scalar_text(const json::value& value) {
  if (const json::string* text = value.if_string()) return std::string(*text);
  return json::serialize(value);
}

void append_parameter(std::string& form, std::string_view name, std::string_view value) {
  if (!form.empty()) form += '&';
  form.append(percent_encode(name)).append("=").append(percent_encode(value));
}

/// Writes the members of `source` that a field list names as form parameters. A visitor of field
/// lists: the members themselves only tell the types.
class FormWriter {
 public:
  FormWriter(const json::object& source, std::string prefix, std::string& form)
      : source_(source), prefix_(std::move(prefix)), form_(form) {}

  template <class T>
  void operator()(const api::Field& field, const T& member) {
    const json::value* value = source_.if_contains(field.json);
    if (value == nullptr) return;
    const std::string name = prefix_ + std::string(field.query_name());
    if constexpr (std::is_same_v<T, api::TextMap>) {
      write_map(name, field.map_key, value->as_object());
    } else {
      write(name, *value, member);
    }
  }

 private:
  template <class T>
  void write(const std::string& name, const json::value& value, const T&) {
    append_parameter(form_, name, scalar_text(value));
  }

  template <class T>
  void write(const std::string& name, const json::value& value, const std::vector<T>&) {
    if constexpr (std::is_same_v<T, api::MessageAttributeInput>) {
      write_attributes(name, value.as_object());
    } else {
      std::size_t number = 0;
      for (const json::value& element : value.as_array()) {
        const std::string one = name + "." + std::to_string(++number);
        if constexpr (wire::HasFields<T>) {
          FormWriter inner(element.as_object(), one + ".", form_);
          const T shape;
          T::fields(shape, inner);
        } else {
          append_parameter(form_, one, scalar_text(element));
        }
      }
    }
  }

  void write_map(const std::string& name, std::string_view key_name, const json::object& map) {
    std::size_t number = 0;
    for (const auto& [key, value] : map) {
      const std::string one = name + "." + std::to_string(++number) + ".";
      append_parameter(form_, one + std::string(key_name), key);
      append_parameter(form_, one + "Value", scalar_text(value));
    }
  }

  void write_attributes(const std::string& name, const json::object& attributes) {
    std::size_t number = 0;
    for (const auto& [attribute, value] : attributes) {
      const std::string one = name + "." + std::to_string(++number) + ".";
      append_parameter(form_, one + "Name", attribute);
      for (const auto& [member, content] : value.as_object()) {
        if (!content.is_array()) {
          append_parameter(form_, one + "Value." + std::string(member), scalar_text(content));
          continue;
        }
        // StringListValues is StringListValue.N in a form.
        std::string list = one + "Value." + std::string(member);
        list.pop_back();
        std::size_t position = 0;
        for (const json::value& element : content.as_array()) {
          append_parameter(form_, list + "." + std::to_string(++position), scalar_text(element));
        }
      }
    }
  }

  const json::object& source_;
  std::string prefix_;
  std::string& form_;
};

// --- XML → JSON object ---------------------------------------------------------------------------

/// Reads the elements that a field list names below one XML element. A visitor of field lists.
class XmlReader {
 public:
  XmlReader(pugi::xml_node source, json::object& out) : source_(source), out_(out) {}

  template <class T>
  void operator()(const api::Field& field, const T& member) {
    const std::string name(field.query_name());
    if (!source_.child(name.c_str())) return;
    if constexpr (std::is_same_v<T, api::TextMap> ||
                  std::is_same_v<T, decltype(api::ReceivedMessage::attributes)>) {
      json::object& map = out_[field.json].emplace_object();
      for (const pugi::xml_node& element : source_.children(name.c_str())) {
        map[element.child_value(std::string(field.map_key).c_str())] = element.child_value("Value");
      }
    } else {
      read(name, out_[field.json], member);
    }
  }

 private:
  template <class T>
  void read(const std::string& name, json::value& out, const T&) {
    const char* text = source_.child_value(name.c_str());
    if constexpr (std::is_same_v<T, bool>) {
      out = std::string_view(text) == "true";
    } else if constexpr (std::is_same_v<T, std::int64_t> ||
                         std::is_same_v<T, std::optional<std::int64_t>>) {
      out = json::parse(text);
    } else {
      out = text;
    }
  }

  template <class T>
  void read(const std::string& name, json::value& out, const std::vector<T>&) {
    if constexpr (std::is_same_v<T, MessageAttributeView>) {
      json::object& attributes = out.emplace_object();
      for (const pugi::xml_node& element : source_.children(name.c_str())) {
        json::object& attribute = attributes[element.child_value("Name")].emplace_object();
        for (const pugi::xml_node& part : element.child("Value").children()) {
          attribute[part.name()] = part.child_value();
        }
      }
    } else {
      json::array& list = out.emplace_array();
      for (const pugi::xml_node& element : source_.children(name.c_str())) {
        if constexpr (wire::HasFields<T>) {
          XmlReader inner(element, list.emplace_back(json::object()).as_object());
          const T shape;
          T::fields(shape, inner);
        } else {
          list.emplace_back(element.child_value());
        }
      }
    }
  }

  pugi::xml_node source_;
  json::object& out_;
};

// --- the actions ---------------------------------------------------------------------------------

struct ActionCodec {
  void (*write_form)(const json::object& request, std::string& form);
  void (*read_xml)(pugi::xml_node result, json::object& reply);
};

template <class Request, class Reply>
constexpr ActionCodec codec() {
  return {[](const json::object& request, std::string& form) {
            FormWriter writer(request, "", form);
            const Request shape;
            Request::fields(shape, writer);
          },
          [](pugi::xml_node result, json::object& reply) {
            XmlReader reader(result, reply);
            const Reply shape;
            Reply::fields(shape, reader);
          }};
}

const ActionCodec& codec_of(std::string_view action) {
  using namespace api;
  static const std::map<std::string_view, ActionCodec> codecs = {
      {"AddPermission", codec<AddPermissionRequest, AddPermissionResponse>()},
      {"CancelMessageMoveTask",
       codec<CancelMessageMoveTaskRequest, CancelMessageMoveTaskResponse>()},
      {"ChangeMessageVisibility",
       codec<ChangeMessageVisibilityRequest, ChangeMessageVisibilityResponse>()},
      {"ChangeMessageVisibilityBatch",
       codec<ChangeMessageVisibilityBatchRequest, ChangeMessageVisibilityBatchResponse>()},
      {"CreateQueue", codec<CreateQueueRequest, CreateQueueResponse>()},
      {"DeleteMessage", codec<DeleteMessageRequest, DeleteMessageResponse>()},
      {"DeleteMessageBatch", codec<DeleteMessageBatchRequest, DeleteMessageBatchResponse>()},
      {"DeleteQueue", codec<DeleteQueueRequest, DeleteQueueResponse>()},
      {"GetQueueAttributes", codec<GetQueueAttributesRequest, GetQueueAttributesResponse>()},
      {"GetQueueUrl", codec<GetQueueUrlRequest, GetQueueUrlResponse>()},
      {"ListDeadLetterSourceQueues",
       codec<ListDeadLetterSourceQueuesRequest, ListDeadLetterSourceQueuesResponse>()},
      {"ListMessageMoveTasks", codec<ListMessageMoveTasksRequest, ListMessageMoveTasksResponse>()},
      {"ListQueueTags", codec<ListQueueTagsRequest, ListQueueTagsResponse>()},
      {"ListQueues", codec<ListQueuesRequest, ListQueuesResponse>()},
      {"PurgeQueue", codec<PurgeQueueRequest, PurgeQueueResponse>()},
      {"ReceiveMessage", codec<ReceiveMessageRequest, ReceiveMessageResponse>()},
      {"RemovePermission", codec<RemovePermissionRequest, RemovePermissionResponse>()},
      {"SendMessage", codec<SendMessageRequest, SendMessageResponse>()},
      {"SendMessageBatch", codec<SendMessageBatchRequest, SendMessageBatchResponse>()},
      {"SetQueueAttributes", codec<SetQueueAttributesRequest, SetQueueAttributesResponse>()},
      {"StartMessageMoveTask", codec<StartMessageMoveTaskRequest, StartMessageMoveTaskResponse>()},
      {"TagQueue", codec<TagQueueRequest, TagQueueResponse>()},
      {"UntagQueue", codec<UntagQueueRequest, UntagQueueResponse>()},
  };
  const auto found = codecs.find(action);
  CHECK(found != codecs.end());
  return found->second;
}

std::string_view field_of(const HttpResponse& response, std::string_view name) {
  for (const auto& [field, value] : response.fields) {
    if (field == name) return value;
  }
  return {};
}

ReadReply read_json_reply(const HttpResponse& response) {
  ReadReply reply{.status = response.status, .value = json::object(), .code = {}, .message = {}};
  if (!response.body.empty()) reply.value = json::parse(response.body);
  if (response.status == 200) return reply;
  const std::string_view error = field_of(response, "x-amzn-query-error");
  reply.code = error.substr(0, error.find(';'));
  reply.message = json::value_to<std::string>(reply.value.at("message"));
  return reply;
}

ReadReply read_query_reply(std::string_view action, const HttpResponse& response) {
  ReadReply reply{.status = response.status, .value = json::object(), .code = {}, .message = {}};
  pugi::xml_document document;
  CHECK(document.load_buffer(response.body.data(), response.body.size(),
                             pugi::parse_default | pugi::parse_ws_pcdata));
  const pugi::xml_node top = document.document_element();
  if (response.status == 200) {
    const std::string result = std::string(action) + "Result";
    codec_of(action).read_xml(top.child(result.c_str()), reply.value.as_object());
    return reply;
  }
  reply.code = top.child("Error").child_value("Code");
  reply.message = top.child("Error").child_value("Message");
  // The one text that the two protocols word differently.
  constexpr std::string_view kQueryEnding = " for this wsdl version.";
  if (reply.message.ends_with(kQueryEnding)) {
    reply.message.replace(reply.message.size() - kQueryEnding.size(), std::string::npos, ".");
  }
  return reply;
}

}  // namespace

WrittenRequest write_request(Protocol protocol, std::string_view action,
                             const json::object& request) {
  const ActionCodec& codec = codec_of(action);
  WrittenRequest written;
  if (protocol == Protocol::json) {
    written.fields = {{"X-Amz-Target", "AmazonSQS." + std::string(action)},
                      {"Content-Type", "application/x-amz-json-1.0"}};
    written.body = json::serialize(request);
    return written;
  }
  written.fields = {{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}};
  append_parameter(written.body, "Action", action);
  append_parameter(written.body, "Version", "2012-11-05");
  codec.write_form(request, written.body);
  return written;
}

ReadReply read_reply(Protocol protocol, std::string_view action, const HttpResponse& response) {
  return protocol == Protocol::json ? read_json_reply(response)
                                    : read_query_reply(action, response);
}

}  // namespace millrace::scenarios
