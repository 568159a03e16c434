// Requests and replies of the actions that only the management console has, and scripts that ask
// what it asks. AWS JSON only; docs/admin-api.md describes them. Plain values; see api/field.h for
// what the field lists mean.
//
// Points in time are milliseconds since the epoch; ages are whole seconds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "api/field.h"

namespace millrace::api {

/// What a list of queues tells of each.
struct QueueSummary {
  std::string queue_url;
  std::string queue_name;
  std::string queue_arn;
  std::string type;  // "standard" or "fifo"
  std::int64_t messages = 0;
  std::int64_t in_flight = 0;
  std::int64_t delayed = 0;
  std::int64_t created = 0;
  std::int64_t last_modified = 0;
  std::string encryption;  // "none", "SSE-SQS" or "SSE-KMS"
  std::string kms_key_id;
  std::string dead_letter_target_arn;
  std::optional<std::int64_t> max_receive_count;

  static void fields(auto& self, auto& visit) {
    visit({"QueueUrl"}, self.queue_url);
    visit({"QueueName"}, self.queue_name);
    visit({"QueueArn"}, self.queue_arn);
    visit({"Type"}, self.type);
    visit({"Messages"}, self.messages);
    visit({"InFlight"}, self.in_flight);
    visit({"Delayed"}, self.delayed);
    visit({"Created"}, self.created);
    visit({"LastModified"}, self.last_modified);
    visit({"Encryption"}, self.encryption);
    visit({"KmsKeyId"}, self.kms_key_id);
    visit({"DeadLetterTargetArn"}, self.dead_letter_target_arn);
    visit({"MaxReceiveCount"}, self.max_receive_count);
  }
};

struct DescribeQueueRequest {
  std::string queue_url;

  static void fields(auto& self, auto& visit) { visit(kQueueUrl, self.queue_url); }
};

struct DescribeQueueResponse {
  QueueSummary queue;

  static void fields(auto& self, auto& visit) { visit({"Queue"}, self.queue); }
};

// --- access keys and sessions ---

struct AccessKeySummary {
  std::string access_key_id;
  std::string user_name;
  std::string account_id;
  std::string status;  // "Active" or "Inactive"
  bool root = false;   // the account itself

  static void fields(auto& self, auto& visit) {
    visit({"AccessKeyId"}, self.access_key_id);
    visit({"UserName"}, self.user_name);
    visit({"AccountId"}, self.account_id);
    visit({"Status"}, self.status);
    visit({"Root"}, self.root);
  }
};

struct ListAccessKeysRequest {
  static void fields(auto&, auto&) {}
};

struct ListAccessKeysResponse {
  std::vector<AccessKeySummary> keys;
  bool writable = false;  // false: no key can be changed

  static void fields(auto& self, auto& visit) {
    visit({.json = "Keys", .required = Required::always}, self.keys);
    visit({"Writable"}, self.writable);
  }
};

struct CreateAccessKeyRequest {
  std::string user_name;

  static void fields(auto& self, auto& visit) {
    visit({.json = "UserName", .required = Required::always}, self.user_name);
  }
};

struct CreateAccessKeyResponse {
  std::string access_key_id;
  std::string secret_access_key;  // not told again

  static void fields(auto& self, auto& visit) {
    visit({"AccessKeyId"}, self.access_key_id);
    visit({"SecretAccessKey"}, self.secret_access_key);
  }
};

struct UpdateAccessKeyRequest {
  std::string access_key_id;
  std::string status;

  static void fields(auto& self, auto& visit) {
    visit({.json = "AccessKeyId", .required = Required::always}, self.access_key_id);
    visit({.json = "Status", .required = Required::always}, self.status);
  }
};

struct DeleteAccessKeyRequest {
  std::string access_key_id;

  static void fields(auto& self, auto& visit) {
    visit({.json = "AccessKeyId", .required = Required::always}, self.access_key_id);
  }
};

struct SessionSummary {
  std::string id;
  std::string access_key_id;
  std::string arn;
  std::string source_address;
  std::int64_t created = 0;
  std::int64_t last_used = 0;
  bool read_only = false;
  bool current = false;  // the one that asks

  static void fields(auto& self, auto& visit) {
    visit({"Id"}, self.id);
    visit({"AccessKeyId"}, self.access_key_id);
    visit({"Arn"}, self.arn);
    visit({"SourceAddress"}, self.source_address);
    visit({"Created"}, self.created);
    visit({"LastUsed"}, self.last_used);
    visit({"ReadOnly"}, self.read_only);
    visit({"Current"}, self.current);
  }
};

struct ListSessionsRequest {
  static void fields(auto&, auto&) {}
};

struct ListSessionsResponse {
  std::vector<SessionSummary> sessions;

  static void fields(auto& self, auto& visit) {
    visit({.json = "Sessions", .required = Required::always}, self.sessions);
  }
};

struct RevokeSessionRequest {
  std::string id;

  static void fields(auto& self, auto& visit) {
    visit({.json = "Id", .required = Required::always}, self.id);
  }
};

// --- policies ---

struct TestPolicyRequest {
  std::string queue_url;
  std::optional<std::string> policy;  // nothing: the queue's
  std::string principal_arn;          // empty: nobody; also "*", or the name of a service
  std::string account_id;             // alone: the root of that account
  std::vector<std::string> actions;   // "SendMessage" or "sqs:SendMessage"; none: all
  TextMap context;                    // condition keys and their values

  static void fields(auto& self, auto& visit) {
    visit(kQueueUrl, self.queue_url);
    visit({"Policy"}, self.policy);
    visit({"PrincipalArn"}, self.principal_arn);
    visit({"AccountId"}, self.account_id);
    visit({"Actions"}, self.actions);
    visit({"Context"}, self.context);
  }
};

struct TestedStatement {
  std::string source;  // "queue" or "identity"
  std::string sid;
  std::int64_t index = 0;  // in its policy, from 0
  std::string effect;      // "Allow" or "Deny"

  static void fields(auto& self, auto& visit) {
    visit({"Source"}, self.source);
    visit({"Sid"}, self.sid);
    visit({"Index"}, self.index);
    visit({"Effect"}, self.effect);
  }
};

struct TestedAction {
  std::string action;
  std::string decision;  // "allowed", "explicitDeny" or "implicitDeny"
  std::vector<TestedStatement> statements;

  static void fields(auto& self, auto& visit) {
    visit({"Action"}, self.action);
    visit({"Decision"}, self.decision);
    visit({.json = "Statements", .required = Required::always}, self.statements);
  }
};

struct TestPolicyResponse {
  std::vector<TestedAction> results;

  static void fields(auto& self, auto& visit) {
    visit({.json = "Results", .required = Required::always}, self.results);
  }
};

}  // namespace millrace::api
