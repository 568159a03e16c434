#include "bench/sigv4_signer.h"

#include <gtest/gtest.h>

namespace millrace::bench {
namespace {

Signer example_signer() {
  return Signer({.access_key = "AKIDEXAMPLE",
                 .secret_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
                 .region = "us-east-1"});
}

TEST(Signer, GivesTheSignatureOfTheKnownRequest) {
  Signer signer = example_signer();
  std::string fields;
  signer.append_fields(fields,
                       {.content_type = "application/x-amz-json-1.0",
                        .host = "sqs.us-east-1.amazonaws.com",
                        .target = "AmazonSQS.CreateQueue",
                        .body = R"({"QueueName":"q1"})"},
                       "20260101T120000Z");
  EXPECT_EQ(fields,
            "X-Amz-Date: 20260101T120000Z\r\n"
            "Authorization: AWS4-HMAC-SHA256 "
            "Credential=AKIDEXAMPLE/20260101/us-east-1/sqs/aws4_request, "
            "SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature="
            "911bdab7530165c5ea6d5cd87b745b1da27e5fe6c558b5832573dca6ee37110a\r\n");
}

TEST(Signer, LeavesOutTheTargetThatIsNotSent) {
  Signer signer = example_signer();
  std::string fields;
  signer.append_fields(fields,
                       {.content_type = "application/x-www-form-urlencoded",
                        .host = "localhost",
                        .target = "",
                        .body = "Action=ListQueues"},
                       "20260101T120000Z");
  EXPECT_NE(fields.find("SignedHeaders=content-type;host;x-amz-date, "), std::string::npos);
}

TEST(Signer, TakesANewKeyOnANewDay) {
  Signer kept = example_signer();
  Signer fresh = example_signer();
  const SignedRequest request{
      .content_type = "text/plain", .host = "h", .target = "t", .body = "b"};
  std::string warm_up;
  kept.append_fields(warm_up, request, "20260101T235959Z");
  std::string of_kept;
  std::string of_fresh;
  kept.append_fields(of_kept, request, "20260102T000000Z");
  fresh.append_fields(of_fresh, request, "20260102T000000Z");
  EXPECT_EQ(of_kept, of_fresh);
}

TEST(SignatureDate, IsTheBasicFormInUtc) {
  EXPECT_EQ(signature_date(1767268800), "20260101T120000Z");
}

}  // namespace
}  // namespace millrace::bench
