// Requests and replies of the actions that tell what queues and the server did lately, and what the
// server is: for the management console and for scripts. AWS JSON only; docs/admin-api.md describes
// them. Plain values; see api/field.h for what the field lists mean.
//
// Points in time are milliseconds since the epoch. In a series, null stands where nothing is known.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "api/field.h"

namespace millrace::api {

/// One value for each point, oldest first.
using NumberSeries = std::vector<std::optional<std::int64_t>>;
using DecimalSeries = std::vector<std::optional<double>>;

constexpr Field series(std::string_view name) {
  return {.json = name, .required = Required::always};
}

struct GetQueueMetricsRequest {
  std::string queue_url;
  std::optional<std::int64_t> period;  // seconds
  std::optional<std::int64_t> from;
  std::optional<std::int64_t> to;

  static void fields(auto& self, auto& visit) {
    visit(kQueueUrl, self.queue_url);
    visit({"Period"}, self.period);
    visit({"From"}, self.from);
    visit({"To"}, self.to);
  }
};

struct QueueSeries {
  NumberSeries sent;
  NumberSeries received;
  NumberSeries deleted;
  NumberSeries empty_receives;
  NumberSeries dead_lettered;
  NumberSeries sent_bytes;
  NumberSeries messages;
  NumberSeries in_flight;
  NumberSeries delayed;
  NumberSeries oldest_age;  // seconds
  NumberSeries waiting_receives;

  static void fields(auto& self, auto& visit) {
    visit(series("Sent"), self.sent);
    visit(series("Received"), self.received);
    visit(series("Deleted"), self.deleted);
    visit(series("EmptyReceives"), self.empty_receives);
    visit(series("DeadLettered"), self.dead_lettered);
    visit(series("SentBytes"), self.sent_bytes);
    visit(series("Messages"), self.messages);
    visit(series("InFlight"), self.in_flight);
    visit(series("Delayed"), self.delayed);
    visit(series("OldestAge"), self.oldest_age);
    visit(series("WaitingReceives"), self.waiting_receives);
  }
};

struct GetQueueMetricsResponse {
  std::int64_t period = 0;
  std::int64_t start = 0;  // of the first point
  QueueSeries series_of;

  static void fields(auto& self, auto& visit) {
    visit({"Period"}, self.period);
    visit({"Start"}, self.start);
    visit({"Series"}, self.series_of);
  }
};

struct GetServerMetricsRequest {
  std::optional<std::int64_t> period;  // seconds
  std::optional<std::int64_t> from;
  std::optional<std::int64_t> to;

  static void fields(auto& self, auto& visit) {
    visit({"Period"}, self.period);
    visit({"From"}, self.from);
    visit({"To"}, self.to);
  }
};

struct ServerSeries {
  NumberSeries requests;
  NumberSeries errors;
  DecimalSeries request_p50;  // milliseconds, as the next three
  DecimalSeries request_p99;
  DecimalSeries commit_p50;
  DecimalSeries commit_p99;
  NumberSeries connections;
  NumberSeries resident_bytes;
  NumberSeries store_bytes;

  static void fields(auto& self, auto& visit) {
    visit(series("Requests"), self.requests);
    visit(series("Errors"), self.errors);
    visit(series("RequestP50"), self.request_p50);
    visit(series("RequestP99"), self.request_p99);
    visit(series("CommitP50"), self.commit_p50);
    visit(series("CommitP99"), self.commit_p99);
    visit(series("Connections"), self.connections);
    visit(series("ResidentBytes"), self.resident_bytes);
    visit(series("StoreBytes"), self.store_bytes);
  }
};

struct GetServerMetricsResponse {
  std::int64_t period = 0;
  std::int64_t start = 0;  // of the first point
  ServerSeries series_of;

  static void fields(auto& self, auto& visit) {
    visit({"Period"}, self.period);
    visit({"Start"}, self.start);
    visit({"Series"}, self.series_of);
  }
};

struct GetServerInformationRequest {
  static void fields(auto&, auto&) {}
};

/// A bound that no option moves.
struct LimitDescription {
  std::string name;
  std::int64_t value = 0;
  std::string description;

  static void fields(auto& self, auto& visit) {
    visit({"Name"}, self.name);
    visit({"Value"}, self.value);
    visit({"Description"}, self.description);
  }
};

struct OptionDescription {
  std::string name;
  std::string value;
  std::string source;  // "default", "flag", "environment" or "file"
  std::string description;

  static void fields(auto& self, auto& visit) {
    visit({"Name"}, self.name);
    visit({.json = "Value", .required = Required::always}, self.value);
    visit({"Source"}, self.source);
    visit({"Description"}, self.description);
  }
};

struct GetServerInformationResponse {
  std::string version;
  std::int64_t started = 0;
  std::int64_t uptime = 0;  // seconds
  std::string region;
  std::string data_directory;  // empty: everything is in memory
  std::int64_t store_bytes = 0;
  std::int64_t disk_free_bytes = 0;  // 0: everything is in memory
  std::int64_t resident_bytes = 0;
  std::int64_t memory_budget_bytes = 0;
  std::int64_t shards = 0;
  std::int64_t cores = 0;  // threads that serve connections and run the shards
  std::int64_t queues = 0;
  std::int64_t connections = 0;
  bool development = false;
  bool tls = false;
  bool encryption = true;  // there are keys for encryption at rest
  std::vector<LimitDescription> limits;
  std::vector<OptionDescription> options;

  static void fields(auto& self, auto& visit) {
    visit({"Version"}, self.version);
    visit({"Started"}, self.started);
    visit({"Uptime"}, self.uptime);
    visit({"Region"}, self.region);
    visit({.json = "DataDirectory", .required = Required::always}, self.data_directory);
    visit({"StoreBytes"}, self.store_bytes);
    visit({"DiskFreeBytes"}, self.disk_free_bytes);
    visit({"ResidentBytes"}, self.resident_bytes);
    visit({"MemoryBudgetBytes"}, self.memory_budget_bytes);
    visit({"Shards"}, self.shards);
    visit({"Cores"}, self.cores);
    visit({"Queues"}, self.queues);
    visit({"Connections"}, self.connections);
    visit({"Development"}, self.development);
    visit({"TLS"}, self.tls);
    visit({"Encryption"}, self.encryption);
    visit({"Limits"}, self.limits);
    visit({"Options"}, self.options);
  }
};

}  // namespace millrace::api
