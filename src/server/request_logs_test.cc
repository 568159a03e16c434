#include "server/request_logs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <vector>

#include <boost/json/parse.hpp>

#include "support/temporary_directory.h"

namespace millrace {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

class RequestLogsTest : public ::testing::Test {
 protected:
  RequestLogsTest() {
    request_.method = "POST";
    request_.fields = {{"User-Agent", "a client"},
                       {"Authorization", "AWS4-HMAC-SHA256 Credential=AKIDCLAIMED/x"}};
    request_.body = "12345";
    response_.status = 403;
    response_.body = "123";
    record_.action = "SendMessage";
    record_.notes.resource = "arn:aws:sqs:us-east-1:111122223333:q";
  }

  void know_caller() {
    record_.caller = std::make_shared<const Caller>(
        caller_of_user(*AccountId::parse("111122223333"), "ada", "AKIDADA"));
  }

  using Lines = std::vector<boost::json::object>;
  static Lines lines(const std::filesystem::path& path) {
    std::ifstream file(path);
    Lines all;
    for (std::string line; std::getline(file, line);) {
      all.push_back(boost::json::parse(line).as_object());
    }
    return all;
  }

  /// What both logs say of the request with this outcome.
  struct Written {
    Lines audit;
    Lines access;
  };
  Written write(const Expected<void>& outcome) {
    const std::filesystem::path audit = folder_ / "audit";
    const std::filesystem::path access = folder_ / "access";
    std::filesystem::remove(audit);
    std::filesystem::remove(access);
    {
      const auto audit_log = std::move(
          AuditLog::open({.path = audit, .bytes_max = 0, .files_max = 1}, clock_).value());
      const auto access_log = std::move(
          AccessLog::open({.path = access, .bytes_max = 0, .files_max = 1}, clock_).value());
      const RequestLogs logs{audit_log.get(), access_log.get()};
      EXPECT_TRUE(logs.wanted());
      logs.write(request_, response_, "id", "192.0.2.1", record_, outcome);
    }
    return {lines(audit), lines(access)};
  }

  const TemporaryDirectory directory_;
  const std::filesystem::path folder_ = directory_.path();
  const ManualClock clock_{Timestamp{1'700'000'000'000}};
  HttpRequest request_;
  HttpResponse response_;
  RequestRecord record_;
};

TEST_F(RequestLogsTest, ASuccessfulSendIsAnAccessOnly) {
  know_caller();
  response_.status = 200;
  const Written written = write({});
  EXPECT_THAT(written.audit, IsEmpty());
  ASSERT_THAT(written.access, SizeIs(1));
  const boost::json::object& line = written.access[0];
  EXPECT_EQ(line.at("account"), "111122223333");
  EXPECT_EQ(line.at("user"), "ada");
  EXPECT_EQ(line.at("resource"), "arn:aws:sqs:us-east-1:111122223333:q");
  EXPECT_EQ(line.at("bytes_in"), 5);
  EXPECT_EQ(line.at("bytes_out"), 3);
  EXPECT_EQ(line.at("error"), "");
}

TEST_F(RequestLogsTest, AWrongSignatureProvesNothingButIsTold) {
  record_.authentication_failed = true;
  const Written written = write(ApiError(ErrorCode::invalid_signature));
  ASSERT_THAT(written.audit, SizeIs(1));
  EXPECT_EQ(written.audit[0].at("decision"), "denied");
  EXPECT_EQ(written.audit[0].at("reason"), "SignatureDoesNotMatch");
  EXPECT_EQ(written.audit[0].at("access_key"), "AKIDCLAIMED");
  EXPECT_EQ(written.audit[0].at("account"), "");
  EXPECT_EQ(written.audit[0].at("user_agent"), "a client");
  EXPECT_EQ(written.access[0].at("access_key"), "");
}

TEST_F(RequestLogsTest, ADenialIsOneWhateverTheClientIsTold) {
  know_caller();
  record_.action = "GetQueueUrl";
  record_.notes.denied = true;
  const Written written = write(ApiError(ErrorCode::queue_does_not_exist));
  ASSERT_THAT(written.audit, SizeIs(1));
  EXPECT_EQ(written.audit[0].at("reason"), "AccessDenied");
  EXPECT_EQ(written.audit[0].at("source"), "192.0.2.1");
  EXPECT_EQ(written.access[0].at("error"), "AWS.SimpleQueueService.NonExistentQueue");
}

TEST_F(RequestLogsTest, AFailedActOfManagementIsTold) {
  know_caller();
  record_.action = "DeleteQueue";
  const Written written = write(ApiError(ErrorCode::service_unavailable));
  ASSERT_THAT(written.audit, SizeIs(1));
  EXPECT_EQ(written.audit[0].at("decision"), "failed");
  EXPECT_EQ(written.audit[0].at("reason"), "ServiceUnavailable");
}

TEST_F(RequestLogsTest, WhatWasThrottledBeforeItsSignatureIsAnAccessOnly) {
  record_.action = {};
  const Written written = write(ApiError(ErrorCode::request_throttled));
  EXPECT_THAT(written.audit, IsEmpty());
  EXPECT_EQ(written.access[0].at("error"), "RequestThrottled");
}

}  // namespace
}  // namespace millrace
