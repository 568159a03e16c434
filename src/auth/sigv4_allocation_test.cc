// Counts what the verification of a request asks of the allocator: nothing, once it is warm.
#include <gtest/gtest.h>

#include "auth/sigv4.h"
#include "support/counted_allocations.h"

namespace millrace {
namespace {

constexpr Timestamp kNow{1'767'268'800'000};  // 2026-01-01T12:00:00Z

CredentialsPointer example_credentials() {
  const AccountId account = AccountId::parse("111122223333").value();
  std::vector<AccessKey> keys;
  keys.push_back({.id = "AKIDEXAMPLE",
                  .secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
                  .session_token = {},
                  .expires_at = {},
                  .caller = caller_of_user(account, kRootUser, "AKIDEXAMPLE")});
  return std::make_shared<const Credentials>(std::move(keys));
}

void expect_no_allocation(const HttpRequest& request) {
  SignatureVerifier verifier(Region::parse("us-east-1").value(), "sqs");
  const CredentialsPointer credentials = example_credentials();
  ASSERT_TRUE(verifier.verify(request, credentials, kNow));
  bool verified = false;
  const std::size_t allocations =
      allocations_of([&] { verified = verifier.verify(request, credentials, kNow).has_value(); });
  EXPECT_TRUE(verified);
  EXPECT_EQ(allocations, 0u);
}

TEST(SignatureVerifierAllocations, NoneForASignedRequest) {
  HttpRequest request;
  request.method = "POST";
  request.target = "/";
  request.fields = {{"Host", "sqs.us-east-1.amazonaws.com"},
                    {"Content-Type", "application/x-amz-json-1.0"},
                    {"X-Amz-Date", "20260101T120000Z"},
                    {"X-Amz-Target", "AmazonSQS.CreateQueue"},
                    {"Authorization",
                     "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/us-east-1/sqs/aws4_request, "
                     "SignedHeaders=content-type;host;x-amz-date;x-amz-target, "
                     "Signature=911bdab7530165c5ea6d5cd87b745b1da27e5fe6c558b5832573dca6ee37110a"}};
  request.body = R"({"QueueName":"q1"})";
  expect_no_allocation(request);
}

TEST(SignatureVerifierAllocations, NoneForAPresignedUrl) {
  HttpRequest request;
  request.method = "GET";
  request.target =
      "/111122223333/q1?Action=SendMessage&MessageBody=a%20b%2Bc&Version=2012-11-05"
      "&X-Amz-Algorithm=AWS4-HMAC-SHA256"
      "&X-Amz-Credential=AKIDEXAMPLE%2F20260101%2Fus-east-1%2Fsqs%2Faws4_request"
      "&X-Amz-Date=20260101T120000Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host"
      "&X-Amz-Signature=e0d241978c09b369535d5146a249df0429d0b57ac7202bd37333cfb99369b6d8";
  request.fields = {{"Host", "sqs.us-east-1.amazonaws.com"}};
  expect_no_allocation(request);
}

}  // namespace
}  // namespace millrace
