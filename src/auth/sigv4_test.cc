#include "auth/sigv4.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

const AccountId kAccount = AccountId::parse("111122223333").value();
const Region kRegion = Region::parse("us-east-1").value();
constexpr std::string_view kSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
constexpr Timestamp kSuiteTime{1'440'938'160'000};  // 2015-08-30T12:36:00Z
constexpr Timestamp kSqsTime{1'767'268'800'000};    // 2026-01-01T12:00:00Z
constexpr std::string_view kSuiteDate = "20150830T123600Z";
constexpr std::string_view kSuiteToken =
    "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfI"
    "eoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0"
    "wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDry"
    "pNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==";

AccessKey example_key(std::string id = "AKIDEXAMPLE") {
  Caller caller = caller_of_user(kAccount, "ada", id);
  return {.id = std::move(id),
          .secret = std::string(kSecret),
          .session_token = {},
          .expires_at = {},
          .caller = std::move(caller)};
}

CredentialsPointer credentials_of(AccessKey key) {
  std::vector<AccessKey> keys;
  keys.push_back(std::move(key));
  return std::make_shared<const Credentials>(std::move(keys));
}

/// A request that owns its texts.
struct Request {
  std::string method = "GET";
  std::string target = "/";
  std::vector<std::pair<std::string, std::string>> fields;
  std::string body;

  HttpRequest http() const {
    HttpRequest request;
    request.method = method;
    request.target = target;
    for (const auto& [name, value] : fields) request.fields.push_back({name, value});
    request.body = body;
    return request;
  }
  Request& set(std::string_view name, std::string value) {
    for (auto& field : fields) {
      if (field.first == name) field.second = value;
    }
    return *this;
  }
  Request& remove(std::string_view name) {
    std::erase_if(fields, [&](const auto& field) { return field.first == name; });
    return *this;
  }
  Request& replace(std::string_view old_text, std::string_view new_text) {
    for (std::string* text : {&target, &body}) replace_in(*text, old_text, new_text);
    for (auto& field : fields) replace_in(field.second, old_text, new_text);
    return *this;
  }

 private:
  static void replace_in(std::string& text, std::string_view old_text, std::string_view new_text) {
    if (const auto at = text.find(old_text); at != std::string::npos) {
      text.replace(at, old_text.size(), new_text);
    }
  }
};

// --- AWS's own vectors ---------------------------------------------------------------------------

/// A case of AWS's Signature Version 4 test suite: its request without the Authorization field, and
/// the signature that AWS publishes for it.
struct SuiteCase {
  std::string_view name;
  std::string_view method;
  std::string_view target;
  std::vector<std::pair<std::string, std::string>> fields;  // beside Host and X-Amz-Date
  std::string_view body;
  std::string_view signed_fields;
  std::string_view signature;
  std::string_view token = {};
};

constexpr std::string_view kPlain = "host;x-amz-date";
constexpr std::string_view kForm = "application/x-www-form-urlencoded";

const SuiteCase kSuite[] = {
    {"get-vanilla",
     "GET",
     "/",
     {},
     "",
     kPlain,
     "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {"get-vanilla-empty-query-key",
     "GET",
     "/?Param1=value1",
     {},
     "",
     kPlain,
     "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"},
    {"get-vanilla-query-order-key-case",
     "GET",
     "/?Param2=value2&Param1=value1",
     {},
     "",
     kPlain,
     "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
    {"get-vanilla-query-unreserved",
     "GET",
     "/?-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz=-._~0123456789ABCDEFGHIJ"
     "KLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
     {},
     "",
     kPlain,
     "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197"},
    {"get-vanilla-utf8-query",
     "GET",
     "/?\xE1\x88\xB4=bar",
     {},
     "",
     kPlain,
     "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"},
    {"get-unreserved",
     "GET",
     "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
     {},
     "",
     kPlain,
     "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"},
    {"get-utf8",
     "GET",
     "/\xE1\x88\xB4",
     {},
     "",
     kPlain,
     "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"},
    {"get-space",
     "GET",
     "/example space/",
     {},
     "",
     kPlain,
     "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"},
    {"get-relative",
     "GET",
     "/example/..",
     {},
     "",
     kPlain,
     "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {"get-relative-relative",
     "GET",
     "/example1/example2/../..",
     {},
     "",
     kPlain,
     "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {"get-slash",
     "GET",
     "//",
     {},
     "",
     kPlain,
     "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {"get-slash-dot-slash",
     "GET",
     "/./",
     {},
     "",
     kPlain,
     "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {"get-slash-pointless-dot",
     "GET",
     "/./example",
     {},
     "",
     kPlain,
     "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5"},
    {"get-slashes",
     "GET",
     "//example//",
     {},
     "",
     kPlain,
     "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"},
    {"get-header-key-duplicate",
     "GET",
     "/",
     {{"My-Header1", "value2"}, {"My-Header1", "value2"}, {"My-Header1", "value1"}},
     "",
     "host;my-header1;x-amz-date",
     "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"},
    {"get-header-value-order",
     "GET",
     "/",
     {{"My-Header1", "value4"},
      {"My-Header1", "value1"},
      {"My-Header1", "value3"},
      {"My-Header1", "value2"}},
     "",
     "host;my-header1;x-amz-date",
     "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01"},
    {"get-header-value-trim",
     "GET",
     "/",
     {{"My-Header1", " value1"}, {"My-Header2", " \"a   b   c\""}},
     "",
     "host;my-header1;my-header2;x-amz-date",
     "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
    {"post-vanilla",
     "POST",
     "/",
     {},
     "",
     kPlain,
     "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
    {"post-vanilla-query",
     "POST",
     "/?Param1=value1",
     {},
     "",
     kPlain,
     "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11"},
    {"post-header-key-sort",
     "POST",
     "/",
     {{"My-Header1", "value1"}},
     "",
     "host;my-header1;x-amz-date",
     "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c"},
    {"post-header-value-case",
     "POST",
     "/",
     {{"My-Header1", "VALUE1"}},
     "",
     "host;my-header1;x-amz-date",
     "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d"},
    {"post-sts-header-before",
     "POST",
     "/",
     {{"X-Amz-Security-Token", std::string(kSuiteToken)}},
     "",
     "host;x-amz-date;x-amz-security-token",
     "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead",
     kSuiteToken},
    {"post-x-www-form-urlencoded",
     "POST",
     "/",
     {{"Content-Type", std::string(kForm)}},
     "Param1=value1",
     "content-type;host;x-amz-date",
     "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},
    {"post-x-www-form-urlencoded-parameters",
     "POST",
     "/",
     {{"Content-Type", std::string(kForm) + "; charset=utf8"}},
     "Param1=value1",
     "content-type;host;x-amz-date",
     "1a72ec8f64bd914b0e42e42607c7fbce7fb2c7465f63e3092b3b0d39fa77a6fe"},
};

Request suite_request(const SuiteCase& one) {
  Request request{
      .method = std::string(one.method),
      .target = std::string(one.target),
      .fields = {{"Host", "example.amazonaws.com"}, {"X-Amz-Date", std::string(kSuiteDate)}},
      .body = std::string(one.body)};
  for (const auto& field : one.fields) request.fields.push_back(field);
  request.fields.emplace_back(
      "Authorization",
      "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
      "SignedHeaders=" +
          std::string(one.signed_fields) + ", Signature=" + std::string(one.signature));
  return request;
}

class SuiteTest : public ::testing::TestWithParam<SuiteCase> {};

TEST_P(SuiteTest, TheSignatureIsRight) {
  AccessKey key = example_key();
  key.session_token = GetParam().token;
  const CredentialsPointer credentials = credentials_of(std::move(key));
  SignatureVerifier verifier(kRegion, "service");
  const Request request = suite_request(GetParam());
  for (const char* round : {"cold", "warm"}) {
    const auto verified = verifier.verify(request.http(), credentials, kSuiteTime);
    ASSERT_TRUE(verified) << round << ": " << verified.error().query_message();
    EXPECT_EQ((*verified)->id, "AKIDEXAMPLE");
  }
}

INSTANTIATE_TEST_SUITE_P(Aws, SuiteTest, ::testing::ValuesIn(kSuite), [](const auto& test) {
  std::string name(test.param.name);
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

TEST(SignatureVerifier, KnowsTheExampleOfAwsDocumentation) {
  const Request request{
      .method = "GET",
      .target = "/?Action=ListUsers&Version=2010-05-08",
      .fields = {{"Host", "iam.amazonaws.com"},
                 {"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"},
                 {"X-Amz-Date", std::string(kSuiteDate)},
                 {"Authorization",
                  "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, "
                  "SignedHeaders=content-type;host;x-amz-date, "
                  "Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"}},
      .body = {}};
  SignatureVerifier verifier(kRegion, "iam");
  EXPECT_TRUE(verifier.verify(request.http(), credentials_of(example_key()), kSuiteTime));
}

// --- requests to SQS -----------------------------------------------------------------------------

Request json_request() {
  return {.method = "POST",
          .target = "/",
          .fields = {{"Host", "sqs.us-east-1.amazonaws.com"},
                     {"Content-Type", "application/x-amz-json-1.0"},
                     {"X-Amz-Date", "20260101T120000Z"},
                     {"X-Amz-Target", "AmazonSQS.CreateQueue"},
                     {"Authorization",
                      "AWS4-HMAC-SHA256 "
                      "Credential=AKIDEXAMPLE/20260101/us-east-1/sqs/aws4_request, "
                      "SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature="
                      "911bdab7530165c5ea6d5cd87b745b1da27e5fe6c558b5832573dca6ee37110a"}},
          .body = R"({"QueueName":"q1"})"};
}

/// GET of a presigned URL that is good for an hour after 2026-01-01T12:00:00Z.
Request presigned_request() {
  return {.method = "GET",
          .target =
              "/111122223333/q1?Action=SendMessage&MessageBody=a%20b%2Bc&Version=2012-11-05"
              "&X-Amz-Algorithm=AWS4-HMAC-SHA256"
              "&X-Amz-Credential=AKIDEXAMPLE%2F20260101%2Fus-east-1%2Fsqs%2Faws4_request"
              "&X-Amz-Date=20260101T120000Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host"
              "&X-Amz-Signature=e0d241978c09b369535d5146a249df0429d0b57ac7202bd37333cfb99369b6d8",
          .fields = {{"Host", "sqs.us-east-1.amazonaws.com"}},
          .body = {}};
}

class SignatureVerifierTest : public ::testing::Test {
 protected:
  Expected<const AccessKey*> verify(const Request& request, Timestamp now = kSqsTime) {
    return verifier_.verify(request.http(), credentials_, now);
  }

  void expect_refused(const Request& request, ErrorCode code, std::string_view text,
                      Timestamp now = kSqsTime) {
    const auto verified = verify(request, now);
    ASSERT_FALSE(verified) << text;
    EXPECT_EQ(verified.error().row().shape, error_row(code).shape) << verified.error().message();
    EXPECT_THAT(verified.error().message(), HasSubstr(text));
  }

  SignatureVerifier verifier_{kRegion, "sqs"};
  CredentialsPointer credentials_ = credentials_of(example_key());
};

TEST_F(SignatureVerifierTest, GivesTheKeyAndItsCaller) {
  const auto key = verify(json_request());
  ASSERT_TRUE(key) << key.error().query_message();
  EXPECT_EQ((*key)->caller.arn, "arn:aws:iam::111122223333:user/ada");
  const auto presigned = verify(presigned_request());
  ASSERT_TRUE(presigned) << presigned.error().query_message();
  EXPECT_EQ((*presigned)->id, "AKIDEXAMPLE");
}

TEST_F(SignatureVerifierTest, CommasNeedNoSpace) {
  EXPECT_TRUE(verify(json_request().replace(", SignedHeaders", ",SignedHeaders")));
  EXPECT_TRUE(verify(json_request().replace(", Signature=", " ,\tSignature=")));
}

TEST_F(SignatureVerifierTest, KnowsWhatIsSignedAtAll) {
  EXPECT_TRUE(SignatureVerifier::is_signed(json_request().http()));
  EXPECT_TRUE(SignatureVerifier::is_signed(presigned_request().http()));
  EXPECT_FALSE(SignatureVerifier::is_signed(json_request().remove("Authorization").http()));
  Request other = json_request().remove("Authorization");
  other.target = "/?Action=ListQueues&X-Amz-Signatures=1&Y=X-Amz-Signature";
  EXPECT_FALSE(SignatureVerifier::is_signed(other.http()));
  for (const char* name : {"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature"}) {
    other.target = std::string("/?A=b&") + name + "=";
    EXPECT_TRUE(SignatureVerifier::is_signed(other.http())) << name;
  }
}

TEST_F(SignatureVerifierTest, WhateverIsChangedBreaksTheSignature) {
  const std::string_view text = "The request signature we calculated does not match";
  const auto refused = [&](const Request& request) {
    expect_refused(request, ErrorCode::invalid_signature, text);
  };
  refused(json_request().replace("q1", "q2"));
  refused(json_request().replace("CreateQueue", "DeleteQueue"));
  refused(json_request().replace("us-east-1.amazonaws", "example"));
  refused(json_request().replace("x-amz-json-1.0", "x-amz-json-1.1"));
  refused(json_request().replace("20260101T120000Z", "20260101T120001Z"));
  refused(json_request().replace("911bdab7", "911bdab8"));
  refused(json_request().replace("911bdab7", "911BDAB7"));
  refused(json_request().replace("37110a", "37110"));
  refused(json_request().replace("content-type;", ""));
  refused(json_request().replace("x-amz-target,", "x-amz-target;x-absent,"));
  Request request = json_request();
  request.method = "PUT";
  refused(request);
  request = json_request();
  request.target = "/other";
  refused(request);
  request.target = "/?Action=ListQueues";
  refused(request);

  refused(presigned_request().replace("q1", "q2"));
  refused(presigned_request().replace("SendMessage", "PurgeQueue"));
  refused(presigned_request().replace("Expires=3600", "Expires=3601"));
  refused(presigned_request().replace("&X-Amz-Expires", "&DelaySeconds=1&X-Amz-Expires"));
  request = presigned_request();
  request.body = "MessageBody=other";
  refused(request);
}

TEST_F(SignatureVerifierTest, AnotherSecretIsWrong) {
  AccessKey key = example_key();
  key.secret.back() = 'Z';
  credentials_ = credentials_of(key);
  expect_refused(json_request(), ErrorCode::invalid_signature, "does not match");
}

TEST_F(SignatureVerifierTest, QueryShowsWhatTheServerMadeOfTheRequest) {
  const auto verified = verify(json_request().replace("911bdab7", "00000000"));
  ASSERT_FALSE(verified);
  EXPECT_THAT(verified.error().message(), EndsWith("service documentation for details."));
  EXPECT_EQ(verified.error().query_message(),
            verified.error().message() +
                "\n\nThe Canonical String for this request should have been\n"
                "'POST\n/\n\ncontent-type:application/x-amz-json-1.0\n"
                "host:sqs.us-east-1.amazonaws.com\nx-amz-date:20260101T120000Z\n"
                "x-amz-target:AmazonSQS.CreateQueue\n\ncontent-type;host;x-amz-date;x-amz-target\n"
                "99a91b4b2a2b5be828d2b3dca9049db8a03bd9ce683706c1da531bd77c24aabd'\n\n"
                "The String-to-Sign should have been\n'AWS4-HMAC-SHA256\n20260101T120000Z\n"
                "20260101/us-east-1/sqs/aws4_request\n"
                "d4e500a5b02db198c5cf4a47627dbadc4efd04dd49c407de531251d89871ce38'\n");
}

TEST_F(SignatureVerifierTest, WhatItShowsIsText) {
  Request request = json_request().replace("x-amz-target,", "x-amz-target;x-odd,");
  request.fields.emplace_back("X-Odd", "a\xFF\x80");
  const auto verified = verify(request);
  ASSERT_FALSE(verified);
  EXPECT_THAT(verified.error().query_message(), HasSubstr("\nx-odd:a??\n"));
}

TEST_F(SignatureVerifierTest, MalformedAuthorizationIsIncomplete) {
  const auto refused = [&](const Request& request, std::string_view text) {
    expect_refused(request, ErrorCode::incomplete_signature, text);
  };
  const auto with = [](std::string authorization) {
    return json_request().set("Authorization", std::move(authorization));
  };
  for (const char* other : {"", "Basic dXNlcjpwYXNz", "AWS AKIDEXAMPLE:sig", "Bearer x",
                            "AWS4-ECDSA-P256-SHA256 Credential=a"}) {
    refused(with(other), "requires the algorithm 'AWS4-HMAC-SHA256'");
  }
  refused(with("AWS4-HMAC-SHA256 nonsense"), "Invalid key=value pair (missing equal-sign)");
  EXPECT_THAT(verify(with("AWS4-HMAC-SHA256 nonsense")).error().message(),
              Not(HasSubstr("nonsense")));
  refused(with("AWS4-HMAC-SHA256"),
          "Authorization header requires 'Credential' parameter. Authorization header requires "
          "'Signature' parameter. Authorization header requires 'SignedHeaders' parameter. "
          "Authorization ");
  refused(json_request().replace("Credential=AKID", "Credentials=AKID"),
          "requires 'Credential' parameter");
  refused(json_request().replace("SignedHeaders=", "SignedHeaders=,x="),
          "requires 'SignedHeaders' parameter");
  refused(json_request().remove("X-Amz-Date"),
          "requires existence of either a 'X-Amz-Date' or a 'Date' header. ");
  refused(json_request().set("X-Amz-Date", "2026-01-01T12:00:00Z"),
          "Date must be in ISO-8601 'basic format'. Got '2026-01-01T12:00:00Z'.");
  for (const char* date : {"20261301T120000Z", "20260230T120000Z", "20260101T240000Z",
                           "20260101T126000Z", "20260101 120000Z", "2026010aT120000Z"}) {
    refused(json_request().set("X-Amz-Date", date), "Date must be in ISO-8601");
  }
  refused(json_request().replace("/aws4_request", ""),
          "Credential must have exactly 5 slash-delimited elements, e.g. "
          "keyid/date/region/service/term, got 'AKIDEXAMPLE/20260101/us-east-1/sqs'");
  refused(json_request().replace("aws4_request", "aws4_request/more"), "exactly 5");
}

TEST_F(SignatureVerifierTest, IncompletePresignedUrls) {
  const auto refused = [&](const Request& request, std::string_view text) {
    expect_refused(request, ErrorCode::incomplete_signature, text);
  };
  for (const char* name : {"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature",
                           "X-Amz-SignedHeaders", "X-Amz-Date", "X-Amz-Expires"}) {
    refused(presigned_request().replace(std::string(name) + "=", std::string(name) + "s="),
            "AWS query-string parameters must include '" + std::string(name) +
                "'. Re-examine the query-string parameters.");
  }
  refused(presigned_request().replace("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1"),
          "X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\"");
  for (const char* seconds : {"0", "604801", "-1", "x", "99999999999999999999"}) {
    refused(presigned_request().replace("Expires=3600", std::string("Expires=") + seconds),
            "X-Amz-Expires must be a number of seconds from 1 to 604800, got '" +
                std::string(seconds) + "'");
  }
  refused(presigned_request().replace("Date=20260101T", "Date=20260101"), "ISO-8601");
}

TEST_F(SignatureVerifierTest, UnknownAndDisabledKeysAreNotToldApart) {
  const std::string_view text = "The security token included in the request is invalid.";
  expect_refused(json_request().replace("AKIDEXAMPLE", "AKIDEXAMPLF"),
                 ErrorCode::unrecognized_client, text);
  expect_refused(presigned_request().replace("AKIDEXAMPLE", "AKID"), ErrorCode::unrecognized_client,
                 text);
  AccessKey disabled = example_key();
  disabled.enabled = false;
  credentials_ = credentials_of(disabled);
  expect_refused(json_request(), ErrorCode::unrecognized_client, text);
}

TEST_F(SignatureVerifierTest, SessionTokensMustBeThoseOfTheKey) {
  Request request = json_request();
  request.fields.emplace_back("X-Amz-Security-Token", "token");
  expect_refused(request, ErrorCode::unrecognized_client, "security token");

  AccessKey key = example_key();
  key.session_token = "token";
  credentials_ = credentials_of(key);
  expect_refused(json_request(), ErrorCode::unrecognized_client, "security token");
  expect_refused(presigned_request(), ErrorCode::unrecognized_client, "security token");
  expect_refused(request.set("X-Amz-Security-Token", "tokem"), ErrorCode::unrecognized_client,
                 "security token");
  expect_refused(request.set("X-Amz-Security-Token", "token"), ErrorCode::invalid_signature,
                 "'X-Amz-Security-Token' must be a 'SignedHeader'");
}

TEST_F(SignatureVerifierTest, KeysExpireAtTheirTime) {
  AccessKey key = example_key();
  key.expires_at = kSqsTime;
  credentials_ = credentials_of(key);
  EXPECT_TRUE(verify(json_request(), kSqsTime - 1));
  expect_refused(json_request(), ErrorCode::expired_token,
                 "The security token included in the request is expired");
}

TEST_F(SignatureVerifierTest, TheDateMayBeFifteenMinutesOff) {
  EXPECT_TRUE(verify(json_request(), kSqsTime + seconds(900)));
  expect_refused(json_request(), ErrorCode::invalid_signature,
                 "Signature expired: 20260101T120000Z is now earlier than 20260101T120001Z "
                 "(20260101T121501Z - 15 min.)",
                 kSqsTime + seconds(901));
  EXPECT_TRUE(verify(json_request(), kSqsTime - seconds(900)));
  expect_refused(json_request(), ErrorCode::invalid_signature,
                 "Signature not yet current: 20260101T120000Z is still later than "
                 "20260101T115959Z (20260101T114459Z + 15 min.)",
                 kSqsTime - seconds(901));
}

TEST_F(SignatureVerifierTest, PresignedUrlsAreGoodForAsLongAsTheySay) {
  EXPECT_TRUE(verify(presigned_request(), kSqsTime + seconds(3600)));
  expect_refused(presigned_request(), ErrorCode::request_expired,
                 "Request has expired: it was signed at 20260101T120000Z for 3600 seconds, and now "
                 "it is 20260101T130001Z.",
                 kSqsTime + seconds(3601));
  EXPECT_TRUE(verify(presigned_request(), kSqsTime - seconds(900)));
  expect_refused(presigned_request(), ErrorCode::invalid_signature, "Signature not yet current",
                 kSqsTime - seconds(901));
}

TEST_F(SignatureVerifierTest, TheScopeMustBeThisServer) {
  const auto refused = [&](std::string_view right, std::string_view wrong, std::string_view text) {
    expect_refused(json_request().replace(right, wrong), ErrorCode::invalid_signature, text);
  };
  refused("AKIDEXAMPLE/20260101", "AKIDEXAMPLE/20260102",
          "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from "
          "HTTP: '20260102' != '20260101', from '20260101T120000Z'.");
  refused("us-east-1/sqs", "eu-west-1/sqs",
          "Credential should be scoped to a valid region, not 'eu-west-1'.");
  refused("/sqs/", "/s3/", "Credential should be scoped to correct service: 'sqs'.");
  refused("aws4_request", "aws5_request",
          "Credential should be scoped with a valid terminator: 'aws4_request', not "
          "'aws5_request'.");
  expect_refused(presigned_request().replace("us-east-1%2F", "eu-west-1%2F"),
                 ErrorCode::invalid_signature, "valid region, not 'eu-west-1'");
}

TEST_F(SignatureVerifierTest, WhatDecidesTheActionMustBeSigned) {
  const auto refused = [&](const Request& request, std::string_view text) {
    expect_refused(request, ErrorCode::invalid_signature, text);
  };
  refused(json_request().replace(";host;", ";"),
          "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.");
  refused(json_request().replace(";x-amz-date", ""), "'X-Amz-Date' must be a 'SignedHeader'");
  refused(json_request().replace(";x-amz-target", ""), "'X-Amz-Target' must be a 'SignedHeader'");
  Request presigned = presigned_request();
  presigned.fields.emplace_back("X-Amz-Target", "AmazonSQS.DeleteQueue");
  refused(presigned, "'X-Amz-Target' must be a 'SignedHeader'");
}

TEST_F(SignatureVerifierTest, ADateFieldDoesForXAmzDate) {
  Request request{
      .method = "GET",
      .target = "/",
      .fields = {{"Host", "example.amazonaws.com"},
                 {"Date", "Sun, 30 Aug 2015 12:36:00 GMT"},
                 {"Authorization",
                  "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request,"
                  "SignedHeaders=date;host,"
                  "Signature=1262aceaf1a79c7f0b69fda81cd744572fcbe2e4c23b647b4de183cd5a0f1075"}},
      .body = {}};
  SignatureVerifier verifier(kRegion, "service");
  const auto verified = verifier.verify(request.http(), credentials_, kSuiteTime);
  ASSERT_TRUE(verified) << verified.error().query_message();
  for (const char* wrong : {"Sun, 30 Foo 2015 12:36:00 GMT", "Sun, 30 Aug 2015 12:36:00 UTC",
                            "Sun, 31 Feb 2015 12:36:00 GMT", "yesterday"}) {
    const auto refused =
        verifier.verify(request.set("Date", wrong).http(), credentials_, kSuiteTime);
    ASSERT_FALSE(refused) << wrong;
    EXPECT_EQ(refused.error().code(), ErrorCode::incomplete_signature) << wrong;
  }
}

TEST_F(SignatureVerifierTest, NewCredentialsHoldAtOnce) {
  ASSERT_TRUE(verify(json_request()));
  const CredentialsPointer old = credentials_;
  AccessKey key = example_key();
  key.secret.back() = 'Z';
  credentials_ = credentials_of(key);
  EXPECT_FALSE(verify(json_request()));
  credentials_ = old;
  EXPECT_TRUE(verify(json_request()));
}

}  // namespace
}  // namespace millrace
