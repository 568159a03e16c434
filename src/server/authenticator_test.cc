#include "server/authenticator.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace millrace {
namespace {

const AccountId kAccount = AccountId::parse("000000000000").value();
const Region kRegion = Region::parse("us-east-1").value();

HttpRequest request_with(std::vector<HttpField> fields, std::string_view target = "/") {
  HttpRequest request;
  request.method = "POST";
  request.target = target;
  request.fields = std::move(fields);
  return request;
}

TEST(Authenticator, InDevelopmentModeReadsTheAccessKeyFromHeaderOrUrl) {
  Authenticator authenticator({.account = kAccount, .region = kRegion});
  const auto caller = [&](std::string_view authorization, std::string_view target = "/") {
    return *authenticator.authenticate(request_with({{"authorization", authorization}}, target))
                .value();
  };
  constexpr std::string_view kScope = "/20260101/us-east-1/sqs/aws4_request, SignedHeaders=host";
  const Caller named = caller(std::string("AWS4-HMAC-SHA256 Credential=AKID").append(kScope));
  EXPECT_EQ(named.access_key, "AKID");
  EXPECT_EQ(named.sender_id, "AKID");
  EXPECT_EQ(named.account, kAccount);

  const Caller numbered =
      caller(std::string("AWS4-HMAC-SHA256 Credential=111122223333").append(kScope));
  EXPECT_EQ(numbered.account.text(), "111122223333");

  const Caller presigned = caller("", "/?Action=X&X-Amz-Credential=AKID%2F20260101%2Fus-east-1");
  EXPECT_EQ(presigned.access_key, "AKID");

  for (const std::string& anonymous :
       {std::string(), std::string("Bearer x"), std::string("Credential="),
        std::string("Credential=<a>/x"), "Credential=" + std::string(129, 'a') + "/x"}) {
    EXPECT_TRUE(caller(anonymous).anonymous()) << anonymous;
    EXPECT_EQ(caller(anonymous).sender_id, kAccount.text()) << anonymous;
  }
}

class AuthenticatorTest : public ::testing::Test {
 protected:
  static CredentialsPointer credentials_with(const std::string& secret) {
    std::vector<AccessKey> keys;
    keys.push_back(
        {.id = "AKIDEXAMPLE",
         .secret = secret,
         .session_token = {},
         .expires_at = {},
         .caller = caller_of_user(AccountId::parse("111122223333").value(), "ada", "AKIDEXAMPLE")});
    return std::make_shared<const Credentials>(std::move(keys));
  }
  static HttpRequest signed_request() {
    HttpRequest request = request_with(
        {{"Host", "sqs.us-east-1.amazonaws.com"},
         {"Content-Type", "application/x-amz-json-1.0"},
         {"X-Amz-Date", "20260101T120000Z"},
         {"X-Amz-Target", "AmazonSQS.CreateQueue"},
         {"Authorization",
          "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/us-east-1/sqs/aws4_request, "
          "SignedHeaders=content-type;host;x-amz-date;x-amz-target, "
          "Signature=911bdab7530165c5ea6d5cd87b745b1da27e5fe6c558b5832573dca6ee37110a"}});
    request.body = R"({"QueueName":"q1"})";
    return request;
  }

  ManualClock clock_{Timestamp{1'767'268'800'000}};  // 2026-01-01T12:00:00Z
  CurrentCredentials credentials_{credentials_with("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")};
  Authenticator authenticator_{{.account = kAccount,
                                .region = kRegion,
                                .credentials = &credentials_,
                                .wall_clock = &clock_}};
};

TEST_F(AuthenticatorTest, ASignedRequestIsItsSigners) {
  const auto caller = authenticator_.authenticate(signed_request());
  ASSERT_TRUE(caller) << caller.error().query_message();
  EXPECT_EQ((*caller)->arn, "arn:aws:iam::111122223333:user/ada");
  clock_.advance(seconds(901));
  EXPECT_EQ(authenticator_.authenticate(signed_request()).error().code(),
            ErrorCode::invalid_signature);
}

TEST_F(AuthenticatorTest, WithoutASignatureItIsNobodys) {
  const auto caller = authenticator_.authenticate(request_with({{"Host", "localhost"}}));
  ASSERT_TRUE(caller);
  EXPECT_TRUE((*caller)->anonymous());
  EXPECT_EQ((*caller)->account, kAccount);
  EXPECT_FALSE(authenticator_.authenticate(request_with({{"Authorization", "Basic x"}})));
}

TEST_F(AuthenticatorTest, NewCredentialsHoldForTheNextRequest) {
  const auto before = authenticator_.authenticate(signed_request());
  ASSERT_TRUE(before);
  credentials_ = credentials_with("another secret, not the right one");
  EXPECT_FALSE(authenticator_.authenticate(signed_request()));
  // Whom the old ones let in stays who it is until its request has been answered.
  EXPECT_EQ((*before)->user, "ada");
}

}  // namespace
}  // namespace millrace
