// Requests and replies of the actions on queues as such: create, delete, find, list, attributes and
// purge. Plain values; see api/field.h for what the field lists mean.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "api/field.h"

namespace millrace::api {

struct CreateQueueRequest {
  std::optional<std::string> queue_name;
  TextMap attributes;
  TextMap tags;

  static void fields(auto& self, auto& visit) {
    visit({"QueueName"}, self.queue_name);
    visit({"Attributes", "Attribute"}, self.attributes);
    visit({"tags", "Tag", "Key"}, self.tags);
  }
  friend bool operator==(const CreateQueueRequest&, const CreateQueueRequest&) = default;
};

struct CreateQueueResponse {
  std::string queue_url;

  static void fields(auto& self, auto& visit) { visit({"QueueUrl"}, self.queue_url); }
};

struct DeleteQueueRequest {
  std::string queue_url;

  static void fields(auto& self, auto& visit) { visit(kQueueUrl, self.queue_url); }
  friend bool operator==(const DeleteQueueRequest&, const DeleteQueueRequest&) = default;
};

using DeleteQueueResponse = NoOutput;

struct GetQueueUrlRequest {
  std::optional<std::string> queue_name;
  std::optional<std::string> queue_owner_aws_account_id;

  static void fields(auto& self, auto& visit) {
    visit({"QueueName"}, self.queue_name);
    visit({"QueueOwnerAWSAccountId"}, self.queue_owner_aws_account_id);
  }
  friend bool operator==(const GetQueueUrlRequest&, const GetQueueUrlRequest&) = default;
};

struct GetQueueUrlResponse {
  std::string queue_url;

  static void fields(auto& self, auto& visit) { visit({"QueueUrl"}, self.queue_url); }
};

struct ListQueuesRequest {
  std::optional<std::string> queue_name_prefix;
  std::optional<std::string> next_token;
  std::optional<std::int64_t> max_results;

  static void fields(auto& self, auto& visit) {
    visit({"QueueNamePrefix"}, self.queue_name_prefix);
    visit({"NextToken"}, self.next_token);
    visit({"MaxResults"}, self.max_results);
  }
  friend bool operator==(const ListQueuesRequest&, const ListQueuesRequest&) = default;
};

struct ListQueuesResponse {
  std::vector<std::string> queue_urls;
  std::string next_token;  // empty: nothing is left

  static void fields(auto& self, auto& visit) {
    visit({"QueueUrls", "QueueUrl"}, self.queue_urls);
    visit({"NextToken"}, self.next_token);
  }
};

struct ListDeadLetterSourceQueuesRequest {
  std::string queue_url;
  std::optional<std::string> next_token;
  std::optional<std::int64_t> max_results;

  static void fields(auto& self, auto& visit) {
    visit(kQueueUrl, self.queue_url);
    visit({"NextToken"}, self.next_token);
    visit({"MaxResults"}, self.max_results);
  }
  friend bool operator==(const ListDeadLetterSourceQueuesRequest&,
                         const ListDeadLetterSourceQueuesRequest&) = default;
};

struct ListDeadLetterSourceQueuesResponse {
  std::vector<std::string> queue_urls;
  std::string next_token;  // empty: nothing is left

  static void fields(auto& self, auto& visit) {
    visit({"queueUrls", "QueueUrl"}, self.queue_urls);
    visit({"NextToken"}, self.next_token);
  }
};

struct GetQueueAttributesRequest {
  std::string queue_url;
  std::vector<std::string> attribute_names;

  static void fields(auto& self, auto& visit) {
    visit(kQueueUrl, self.queue_url);
    visit({"AttributeNames", "AttributeName"}, self.attribute_names);
  }
  friend bool operator==(const GetQueueAttributesRequest&,
                         const GetQueueAttributesRequest&) = default;
};

struct GetQueueAttributesResponse {
  TextMap attributes;

  static void fields(auto& self, auto& visit) {
    visit({"Attributes", "Attribute"}, self.attributes);
  }
};

struct SetQueueAttributesRequest {
  std::string queue_url;
  TextMap attributes;

  static void fields(auto& self, auto& visit) {
    visit(kQueueUrl, self.queue_url);
    visit({.json = "Attributes", .query = "Attribute", .required = Required::always},
          self.attributes);
  }
  friend bool operator==(const SetQueueAttributesRequest&,
                         const SetQueueAttributesRequest&) = default;
};

using SetQueueAttributesResponse = NoOutput;

struct PurgeQueueRequest {
  std::string queue_url;

  static void fields(auto& self, auto& visit) { visit(kQueueUrl, self.queue_url); }
  friend bool operator==(const PurgeQueueRequest&, const PurgeQueueRequest&) = default;
};

using PurgeQueueResponse = NoOutput;

}  // namespace millrace::api
