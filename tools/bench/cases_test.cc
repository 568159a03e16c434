// Every case against FakeSqs, over real sockets.
#include "bench/cases.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <sstream>
#include <string>

#include "bench/bench_error.h"
#include "bench/testing/fake_sqs.h"

namespace millrace::bench {
namespace {

Options small_options(const FakeSqs& server) {
  Options options;
  options.server.endpoint = server.endpoint();
  options.producers = 2;
  options.consumers = 2;
  options.batch = 10;
  options.body_bytes = 64;
  options.count = 105;
  options.server_pid = getpid();
  return options;
}

// The report's table as figure -> value.
std::map<std::string, std::string> run(std::string_view name, const Options& options) {
  Report report;
  const auto row = std::find_if(cases().begin(), cases().end(),
                                [&](const Case& each) { return each.name == name; });
  row->run(options, report);
  std::ostringstream table;
  report.write_table(table);
  std::istringstream lines(table.str());
  std::map<std::string, std::string> figures;
  for (std::string line; std::getline(lines, line);) {
    figures[line.substr(0, line.find("  "))] = line.substr(line.rfind(' ') + 1);
  }
  return figures;
}

void expect_clean(std::map<std::string, std::string> figures) {
  EXPECT_EQ(figures["failures"], "0");
  EXPECT_EQ(figures["gave up"], "0");
  EXPECT_EQ(figures["acknowledged"], "105");
  EXPECT_EQ(figures["received"], "105");
  EXPECT_EQ(figures["lost"], "0");
  EXPECT_EQ(figures["duplicates"], "0");
}

TEST(Cases, LifeAccountsForEveryMessageInEitherProtocol) {
  for (const SqsProtocol protocol : {SqsProtocol::json, SqsProtocol::query}) {
    for (const std::size_t batch : {1U, 10U}) {
      FakeSqs server({});
      Options options = small_options(server);
      options.server.protocol = protocol;
      options.batch = batch;
      expect_clean(run("life", options));
      EXPECT_EQ(server.deleted(), 105U);
    }
  }
}

TEST(Cases, LifeOfFifoQueuesAccountsForEveryMessage) {
  FakeSqs server({});
  Options options = small_options(server);
  options.server.groups = 7;
  expect_clean(run("life", options));
  EXPECT_EQ(server.groups(), 7U);
}

TEST(Cases, LifeWithSeveralThreadsAccountsForEveryMessage) {
  FakeSqs server({});
  Options options = small_options(server);
  options.producers = options.consumers = 6;
  options.threads = 3;
  expect_clean(run("life", options));
}

TEST(Cases, LifeFindsALostMessage) {
  FakeSqs server({.lose = 42});
  Options options = small_options(server);
  options.patience_seconds = 2;
  auto figures = run("life", options);
  EXPECT_EQ(figures["lost"], "1");
  EXPECT_EQ(figures["gave up"], "1");
}

TEST(Cases, LifeFindsADuplicate) {
  FakeSqs server({.twice = 42});
  Options options = small_options(server);
  options.consumers = 1;
  auto figures = run("life", options);
  EXPECT_EQ(figures["duplicates"], "1");
  EXPECT_EQ(figures["lost"], "0");
}

TEST(Cases, DrainEmptiesWhatItFilled) {
  FakeSqs server({});
  const Options options = small_options(server);
  auto figures = run("drain", options);
  expect_clean(figures);
  EXPECT_EQ(figures["removed"], "105");
}

TEST(Cases, FairMeasuresQuietTenantsAloneAndBesideTheNoisyOne) {
  FakeSqs server({});
  Options options = small_options(server);
  options.quiet_tenants = 5;
  options.noisy_times = 10;
  options.work_milliseconds = 1;
  options.rate = 200;
  options.seconds = 0.3;
  options.warmup_seconds = 0;
  auto figures = run("fair", options);
  EXPECT_EQ(figures["failures"], "0");
  EXPECT_EQ(figures["noisy backlog"], "105");
  EXPECT_NE(figures["quiet received alone"], "0");
  EXPECT_NE(figures["quiet received"], "0");
  EXPECT_NE(figures["noisy received"], "0");
  EXPECT_EQ(server.groups(), 6U);
}

TEST(Cases, SendKeepsToItsRate) {
  FakeSqs server({});
  Options options = small_options(server);
  options.batch = 1;
  options.rate = 2000;
  auto figures = run("send", options);
  EXPECT_EQ(figures["sent"], "105");
  // Two producers in turn: the last of 105 messages is meant to go after 52 ms.
  EXPECT_GE(std::stod(figures["elapsed seconds"]), 0.052);
}

TEST(Cases, WakeMeasuresEveryRound) {
  FakeSqs server({});
  Options options = small_options(server);
  options.count = 5;
  options.gap_milliseconds = 0.5;
  auto figures = run("wake", options);
  EXPECT_EQ(figures["rounds"], "5");
  EXPECT_GT(std::stod(figures["wake from send p50 ms"]), 0);
  EXPECT_EQ(server.deleted(), 55U);  // warm-up included
}

TEST(Cases, LatencyMeasuresEachStep) {
  FakeSqs server({});
  Options options = small_options(server);
  options.count = 5;
  options.warmup_seconds = 0;
  auto figures = run("latency", options);
  EXPECT_EQ(figures["rounds"], "5");
  EXPECT_GE(std::stod(figures["life max ms"]), std::stod(figures["send max ms"]));
}

TEST(Cases, IdlePollsAreHeldAndCosted) {
  FakeSqs server({});
  Options options = small_options(server);
  options.connections = 20;
  options.seconds = 0.02;
  options.warmup_seconds = 0.02;
  auto figures = run("idle", options);
  EXPECT_EQ(figures["connections"], "20");
  EXPECT_EQ(figures["polls answered per second"], "0.0");
  EXPECT_EQ(figures["failures"], "0");
  EXPECT_GT(std::stoull(figures["server rss bytes"]), 0U);
}

TEST(Cases, FixedTakesAnyReplyForAnAcknowledgement) {
  FakeSqs server({});
  auto figures = run("fixed", small_options(server));
  EXPECT_EQ(figures["sent"], "105");
  EXPECT_EQ(figures["failures"], "0");
}

TEST(Cases, AServerThatIsNotThereIsAnError) {
  Options options;
  {
    FakeSqs server({});
    options = small_options(server);
  }
  EXPECT_THROW(run("send", options), BenchError);
}

TEST(Endpoint, IsReadWithAndWithoutItsScheme) {
  EXPECT_EQ(parse_endpoint("http://127.0.0.1:9324/").authority(), "127.0.0.1:9324");
  EXPECT_EQ(parse_endpoint("localhost:1").authority(), "localhost:1");
  EXPECT_EQ(parse_endpoint("redis://h:6379").port, 6379);
  EXPECT_FALSE(parse_endpoint("http://h:1").tls);
  EXPECT_TRUE(parse_endpoint("https://h:1").tls);
  EXPECT_THROW(parse_endpoint("ftp://h:1"), BenchError);
  EXPECT_THROW(parse_endpoint("h"), BenchError);
  EXPECT_THROW(parse_endpoint("h:70000"), BenchError);
}

}  // namespace
}  // namespace millrace::bench
