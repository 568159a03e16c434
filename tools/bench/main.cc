// millrace-bench: load for Millrace, or any server that speaks SQS, and the limits it runs into.
//
// Prints a table of figures, and with --json one JSON object. Exit status 0: measured; 1: could not
// be measured; 2: bad options. Losses and duplicates are figures like the others.
#include <sys/resource.h>

#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "bench/bench_error.h"
#include "bench/cases.h"
#include "bench/options.h"
#include "bench/report.h"

namespace millrace::bench {
namespace {

struct CommandLine {
  Options options;
  std::string json_path;
};

// Fills in `line`; returns the exit status if the program is to end here.
std::optional<int> parse(int argc, char** argv, CommandLine& line) {
  Options& options = line.options;
  std::string case_help = "What to measure:";
  std::vector<std::string> case_names;
  for (const Case& row : cases()) {
    case_names.emplace_back(row.name);
    case_help.append("\n  ").append(row.name).append(": ").append(row.help);
  }
  std::string endpoint = "http://127.0.0.1:9324";
  std::string protocol = "json";
  Credentials credentials{.access_key = "", .secret_key = "", .region = "us-east-1"};
  pid_t pid = 0;

  CLI::App app("Load generator for Millrace.", "millrace-bench");
  app.add_option("--case", options.case_name, case_help)
      ->required()
      ->check(CLI::IsMember(case_names));
  app.add_option("--endpoint", endpoint, "Where the server listens")->capture_default_str();
  app.add_option("--protocol", protocol, "json (AWS JSON 1.0) or query")
      ->check(CLI::IsMember({"json", "query"}))
      ->capture_default_str();
  app.add_option("--access-key", credentials.access_key, "Sign requests with this key");
  app.add_option("--secret-key", credentials.secret_key, "The secret of --access-key");
  app.add_option("--region", credentials.region, "Region to sign for")->capture_default_str();
  app.add_option(
      "--queue", options.queue,
      "Queue to use, created if need be and left in place (default: a new one, deleted)");
  app.add_option("--queues", options.queues, "Number of queues to spread the load over")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  app.add_option("--groups", options.server.groups,
                 "Use FIFO queues, with so many message groups (0: standard queues)")
      ->check(CLI::Range(0, 1'000'000'000))
      ->capture_default_str();
  app.add_flag(
      "--plain", [&options](std::int64_t) { options.server.encrypted = false; },
      "Make queues without encryption");
  app.add_option("--producers", options.producers, "Connections that send")
      ->check(CLI::Range(1, 20'000))
      ->capture_default_str();
  app.add_option("--consumers", options.consumers, "Connections that receive and delete")
      ->check(CLI::Range(0, 20'000))
      ->capture_default_str();
  app.add_option("--connections", options.connections, "Connections of the idle case")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  app.add_option("--threads", options.threads, "Threads of the generator")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  app.add_option("--batch", options.batch, "Messages per request")
      ->check(CLI::Range(1, 10))
      ->capture_default_str();
  app.add_option("--size", options.body_bytes, "Bytes of a body")
      ->check(CLI::Range(kBodyBytesMin, kBodyBytesMax))
      ->capture_default_str();
  app.add_option("--seed", options.seed, "Seed of the bodies' text")->capture_default_str();
  app.add_option("--wait", options.server.wait_seconds, "Seconds that a receive waits (0 to 20)")
      ->check(CLI::Range(0, 20))
      ->capture_default_str();
  app.add_option("--rate", options.rate,
                 "Messages per second; latency counts from the intended time (0: closed loop)")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--seconds", options.seconds, "Measured time")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--count", options.count, "Stop after so many messages instead");
  app.add_option("--warmup", options.warmup_seconds, "Seconds before the measured time")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--patience", options.patience_seconds,
                 "Give up after so many seconds without progress")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--quiet", options.quiet_tenants, "Case fair: number of quiet tenants")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  app.add_option("--noisy", options.noisy_times,
                 "Case fair: messages of the noisy tenant for each of a quiet one")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  app.add_option("--work", options.work_milliseconds,
                 "Case fair: milliseconds that a consumer takes for a message")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--gap", options.gap_milliseconds,
                 "Case wake: milliseconds from the poll to the send")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--dir", options.directory, "Case disk: folder on the disk to measure")
      ->check(CLI::ExistingDirectory);
  app.add_option("--pid", pid, "Process of the server: report its CPU, memory and writes")
      ->check(CLI::PositiveNumber);
  app.add_option("--json", line.json_path, "Also write one JSON object to this file (-: stdout)");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }

  options.server.endpoint = parse_endpoint(endpoint);
  options.server.protocol = protocol == "json" ? SqsProtocol::json : SqsProtocol::query;
  if (!credentials.access_key.empty()) {
    options.server.credentials = credentials;
  }
  if (pid > 0) {
    options.server_pid = pid;
  }
  return std::nullopt;
}

void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
}

void report_options(const Options& options, Report& report) {
  report.text("case", options.case_name);
  report.text("protocol", options.server.protocol == SqsProtocol::json ? "json" : "query");
  report.count("signed", options.server.credentials ? 1 : 0);
  report.count("queues", options.queues);
  report.count("groups", options.server.groups);
  report.count("encrypted", options.server.encrypted ? 1 : 0);
  report.count("producers", options.producers);
  report.count("consumers", options.consumers);
  report.count("batch", options.batch);
  report.count("body_bytes", options.body_bytes);
  report.number("rate", options.rate, 0);
}

int run(int argc, char** argv) {
  CommandLine line;
  if (const std::optional<int> status = parse(argc, argv, line)) {
    return *status;
  }
  raise_descriptor_limit();
  Report report;
  report_options(line.options, report);
  for (const Case& row : cases()) {
    if (row.name == line.options.case_name) {
      row.run(line.options, report);
    }
  }
  if (line.json_path == "-") {
    report.write_json(std::cout);
    return 0;
  }
  report.write_table(std::cout);
  if (!line.json_path.empty()) {
    std::ofstream file(line.json_path);
    report.write_json(file);
    if (!file.flush()) {
      throw BenchError("cannot write " + line.json_path);
    }
  }
  return 0;
}

}  // namespace
}  // namespace millrace::bench

int main(int argc, char** argv) {
  try {
    return millrace::bench::run(argc, argv);
  } catch (const millrace::bench::BenchError& error) {
    std::cerr << "millrace-bench: " << error.what() << '\n';
    return 1;
  }
}
