// Requests and replies of the actions on a queue's tags and permissions. Plain values; see
// api/field.h for what the field lists mean.
#pragma once

#include <string>
#include <vector>

#include "api/field.h"

namespace millrace::api {

struct TagQueueRequest {
  std::string queue_url;
  TextMap tags;

  static void fields(auto& self, auto& visit) {
    visit(kQueueUrl, self.queue_url);
    // Tag.N is what the API documents; botocore's Query model says Tags.N.
    visit({.json = "Tags",
           .query = "Tag",
           .map_key = "Key",
           .required = Required::always,
           .query_also = "Tags"},
          self.tags);
  }
  friend bool operator==(const TagQueueRequest&, const TagQueueRequest&) = default;
};

using TagQueueResponse = NoOutput;

struct UntagQueueRequest {
  std::string queue_url;
  std::vector<std::string> tag_keys;

  static void fields(auto& self, auto& visit) {
    visit(kQueueUrl, self.queue_url);
    visit({.json = "TagKeys", .query = "TagKey", .required = Required::always}, self.tag_keys);
  }
  friend bool operator==(const UntagQueueRequest&, const UntagQueueRequest&) = default;
};

using UntagQueueResponse = NoOutput;

struct ListQueueTagsRequest {
  std::string queue_url;

  static void fields(auto& self, auto& visit) { visit(kQueueUrl, self.queue_url); }
  friend bool operator==(const ListQueueTagsRequest&, const ListQueueTagsRequest&) = default;
};

struct ListQueueTagsResponse {
  TextMap tags;

  static void fields(auto& self, auto& visit) { visit({"Tags", "Tag", "Key"}, self.tags); }
};

struct AddPermissionRequest {
  std::string queue_url;
  std::string label;
  std::vector<std::string> aws_account_ids;
  std::vector<std::string> actions;

  static void fields(auto& self, auto& visit) {
    visit(kQueueUrl, self.queue_url);
    visit({.json = "Label", .required = Required::always}, self.label);
    visit({.json = "AWSAccountIds", .query = "AWSAccountId", .required = Required::always},
          self.aws_account_ids);
    visit({.json = "Actions",
           .query = "ActionName",
           .required = Required::always,
           .missing = "ActionName"},
          self.actions);
  }
  friend bool operator==(const AddPermissionRequest&, const AddPermissionRequest&) = default;
};

using AddPermissionResponse = NoOutput;

struct RemovePermissionRequest {
  std::string queue_url;
  std::string label;

  static void fields(auto& self, auto& visit) {
    visit(kQueueUrl, self.queue_url);
    visit({.json = "Label", .required = Required::always}, self.label);
  }
  friend bool operator==(const RemovePermissionRequest&, const RemovePermissionRequest&) = default;
};

using RemovePermissionResponse = NoOutput;

}  // namespace millrace::api
