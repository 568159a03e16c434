// What it costs to know who asks and to decide: policy_bench prints nanoseconds for each. Run it on
// a quiet machine.
#include <benchmark/benchmark.h>

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "auth/decision.h"
#include "auth/managed_policies.h"
#include "auth/sigv4.h"
#include "base/check.h"
#include "fuzz/signed_requests.h"
#include "policy/facts.h"

namespace millrace::policy_tests {
namespace {

// What a queue behind a topic has: plain HTTP is refused, the topic may send, a role may receive.
constexpr std::string_view kThreeStatements = R"({"Version":"2012-10-17","Statement":[
  {"Sid":"tls","Effect":"Deny","Principal":"*","Action":"sqs:*","Resource":
   "arn:aws:sqs:eu-west-1:111122223333:jobs","Condition":{"Bool":{"aws:SecureTransport":"false"}}},
  {"Sid":"topic","Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},
   "Action":"sqs:SendMessage","Resource":"arn:aws:sqs:eu-west-1:111122223333:jobs",
   "Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:sns:eu-west-1:111122223333:*"}}},
  {"Sid":"worker","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/app/worker"},
   "Action":["sqs:ReceiveMessage","sqs:DeleteMessage"],
   "Resource":"arn:aws:sqs:eu-west-1:111122223333:jobs"}]})";

constexpr std::string_view kByTag = R"({"Version":"2012-10-17","Statement":{"Effect":"Allow",
  "Action":"sqs:*","Resource":"arn:aws:sqs:*:*:${aws:username}-*","Condition":{
  "IpAddress":{"aws:SourceIp":["10.0.0.0/8","192.168.0.0/16"]},
  "DateGreaterThan":{"aws:CurrentTime":"2026-01-01T00:00:00Z"},
  "StringEquals":{"aws:ResourceTag/team":"${aws:PrincipalTag/team}"}}}})";

Policy queue_policy() {
  return Policy::of_queue(kThreeStatements, QueueArn::parse(kQueue).value()).value();
}

void decide_again_and_again(benchmark::State& state, Facts& facts,
                            std::span<const PolicyPointer> given, const Policy* queue) {
  const AccessRequest& request = facts.request();
  CHECK(decide(request, given, queue).allowed());
  for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(decide(request, given, queue));
}

void role_receives(benchmark::State& state) {
  Facts facts("worker");
  facts.set("tls", "yes");
  facts.set_action(PolicyAction::receive_message);
  const Policy queue = queue_policy();
  decide_again_and_again(state, facts, {}, &queue);
}
BENCHMARK(role_receives);

void topic_sends(benchmark::State& state) {
  Facts facts("sns");
  facts.set("tls", "yes");
  facts.set("source-arn", "arn:aws:sns:eu-west-1:111122223333:topic");
  const Policy queue = queue_policy();
  decide_again_and_again(state, facts, {}, &queue);
}
BENCHMARK(topic_sends);

void root_sends(benchmark::State& state) {
  Facts facts("root");
  facts.set("tls", "yes");
  const Policy queue = queue_policy();
  decide_again_and_again(state, facts, {}, &queue);
}
BENCHMARK(root_sends);

void user_sends_by_tag_and_address(benchmark::State& state) {
  Facts facts("alice");
  facts.set("ip", "192.168.3.4");
  facts.set("ptag/team", "red");
  facts.set("qtag/team", "red");
  facts.set("resource", "arn:aws:sqs:eu-west-1:111122223333:alice-in");
  const PolicyPointer identity[] = {
      std::make_shared<const Policy>(Policy::of_identity(kByTag).value())};
  decide_again_and_again(state, facts, identity, nullptr);
}
BENCHMARK(user_sends_by_tag_and_address);

void user_sends_with_full_access(benchmark::State& state) {
  Facts facts("alice");
  const PolicyPointer identity[] = {find_managed_policy(kFullAccessPolicy)};
  decide_again_and_again(state, facts, identity, nullptr);
}
BENCHMARK(user_sends_with_full_access);

void compile_three_statements(benchmark::State& state) {
  for ([[maybe_unused]] auto _ : state) {
    const Policy policy = queue_policy();
    benchmark::DoNotOptimize(&policy);
  }
}
BENCHMARK(compile_three_statements);

// The request of the fuzz targets' corpus that is signed right. The SHA-256 of its body is
// included.
HttpRequest signed_request() {
  HttpRequest request;
  request.method = "POST";
  request.target = "/";
  request.fields = {{"Authorization",
                     "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/us-east-1/sqs/aws4_request, "
                     "SignedHeaders=content-type;host;x-amz-date;x-amz-target, "
                     "Signature=911bdab7530165c5ea6d5cd87b745b1da27e5fe6c558b5832573dca6ee37110a"},
                    {"X-Amz-Date", "20260101T120000Z"},
                    {"Content-Type", "application/x-amz-json-1.0"},
                    {"Host", "sqs.us-east-1.amazonaws.com"},
                    {"X-Amz-Target", "AmazonSQS.CreateQueue"}};
  request.body = R"({"QueueName":"q1"})";
  return request;
}

void verify_with_cached_key(benchmark::State& state) {
  constexpr Timestamp kNow{1'767'268'800'000};  // 2026-01-01T12:00:00Z
  const HttpRequest request = signed_request();
  SignatureVerifier verifier(Region::parse("us-east-1").value(), "sqs");
  for ([[maybe_unused]] auto _ : state) {
    CHECK(verifier.verify(request, example_credentials(), kNow));
  }
}
BENCHMARK(verify_with_cached_key);

}  // namespace
}  // namespace millrace::policy_tests

BENCHMARK_MAIN();
