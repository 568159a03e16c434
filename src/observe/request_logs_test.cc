// The audit and access logs: what stands in a line, and which lines there are.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <vector>

#include <boost/json/parse.hpp>

#include "observe/access_log.h"
#include "observe/audit_log.h"
#include "support/temporary_directory.h"

namespace millrace {
namespace {

using ::testing::ElementsAre;

class RequestLogs : public ::testing::Test {
 protected:
  RequestLogs() { options_.path = folder_ / "log"; }

  std::vector<std::string> lines() const {
    std::ifstream file(options_.path);
    std::vector<std::string> all;
    for (std::string line; std::getline(file, line);) all.push_back(line);
    return all;
  }

  const TemporaryDirectory directory_;
  const std::filesystem::path folder_ = directory_.path();
  LogFileOptions options_;
  const ManualClock clock_{Timestamp{1'700'000'000'123}};
};

AuditEntry audited(std::string_view act, AuditDecision decision) {
  AuditEntry entry;
  entry.act = act;
  entry.decision = decision;
  return entry;
}

TEST_F(RequestLogs, AnAuditLineHasAllMembersInTheirOrder) {
  {
    const auto log = std::move(AuditLog::open(options_, clock_).value());
    AuditEntry entry = audited("CreateQueue", AuditDecision::failed);
    entry.reason = "QueueAlreadyExists";
    entry.account = "111122223333";
    entry.user = "ada";
    entry.access_key = "AKIDADA";
    entry.source = "192.0.2.1";
    entry.user_agent = "a\"\n{\x1b[31m";
    entry.resource = "arn:aws:sqs:us-east-1:111122223333:jobs";
    entry.request_id = "0f";
    log->write(entry);
  }
  EXPECT_THAT(
      lines(),
      ElementsAre(
          R"({"time":"2023-11-14T22:13:20.123Z","act":"CreateQueue","decision":"failed",)"
          R"("reason":"QueueAlreadyExists","account":"111122223333","user":"ada",)"
          R"("access_key":"AKIDADA","source":"192.0.2.1","user_agent":"a\"\u000a{\u001b[31m",)"
          R"("resource":"arn:aws:sqs:us-east-1:111122223333:jobs",)"
          R"("request_id":"0f","detail":""})"));
}

TEST_F(RequestLogs, TheTableSaysWhatIsAudited) {
  std::size_t expected = 0;
  {
    const auto log = std::move(AuditLog::open(options_, clock_).value());
    for (const AuditRow& row : audited_acts()) {
      log->write(audited(row.act, AuditDecision::allowed));
      log->write(audited(row.act, AuditDecision::failed));
      log->write(audited(row.act, AuditDecision::denied));
      expected += row.when == AuditWhen::always ? 3 : 1;
    }
  }
  EXPECT_EQ(lines().size(), expected);
  for (const std::string& line : lines()) {
    const boost::json::object object = boost::json::parse(line).as_object();
    if (object.at("act") == "SendMessage") {
      EXPECT_EQ(object.at("decision"), "denied");
    }
  }
}

TEST_F(RequestLogs, AnAccessLineHasAllMembersInTheirOrder) {
  {
    const auto log = std::move(AccessLog::open(options_, clock_).value());
    AccessEntry entry;
    entry.request_id = "0f";
    entry.source = "::1";
    entry.account = "000000000000";
    entry.action = "SendMessage";
    entry.status = 200;
    entry.bytes_in = 5;
    entry.bytes_out = 1'048'576;
    entry.duration = 20'000'001;
    log->write(entry);
  }
  EXPECT_THAT(lines(),
              ElementsAre(R"({"time":"2023-11-14T22:13:20.123Z","request_id":"0f","source":"::1",)"
                          R"("account":"000000000000","user":"","access_key":"",)"
                          R"("action":"SendMessage","resource":"","status":200,"error":"",)"
                          R"("bytes_in":5,"bytes_out":1048576,"duration_us":20000001})"));
}

TEST_F(RequestLogs, WhatCannotBeOpenedIsAnError) {
  options_.path = folder_ / "missing/log";
  EXPECT_TRUE(AuditLog::open(options_, clock_).has_error());
  EXPECT_TRUE(AccessLog::open(options_, clock_).has_error());
}

}  // namespace
}  // namespace millrace
