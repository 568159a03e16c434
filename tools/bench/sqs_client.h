// SqsClient: a Client that speaks SQS over one HTTP connection; SqsAdmin creates and deletes the
// queues around the load.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/bodies.h"
#include "bench/client.h"
#include "bench/connection.h"
#include "bench/http_reply.h"
#include "bench/sqs_requests.h"
#include "bench/tenants.h"

namespace millrace::bench {

/// A connection on which one HTTP request at a time is answered.
class HttpConnection : public Connection {
 public:
  using Connection::Connection;

 protected:
  virtual void on_reply(const HttpReply& reply) = 0;

 private:
  std::size_t on_input(std::string_view input) final;
};

/// How a server is spoken to; shared by all clients of a run.
struct SqsSettings {
  Endpoint endpoint;
  SqsProtocol protocol = SqsProtocol::json;
  std::optional<Credentials> credentials;
  unsigned wait_seconds = 1;  // of a receive
  std::uint64_t groups = 0;   // message groups of FIFO queues; 0: standard queues
  Tenants tenants = {};       // of standard queues, by MessageGroupId; none: no message has one
  bool encrypted = true;      // queues that are made
  /// The server answers everything with the same reply: a send counts as acknowledged by its
  /// status alone.
  bool fixed_replies = false;
};

class SqsClient final : public Client, private HttpConnection {
 public:
  /// @param bodies must outlive the client
  /// @param queue_urls the queues that are used in turn, one per send or receive; at least one.
  ///        A client of several queues does not wait at an empty one.
  SqsClient(EventLoop& loop, ClientEvents& events, const SqsSettings& settings,
            const Bodies& bodies, std::vector<std::string> queue_urls);

  void send(std::uint64_t first_number, std::size_t count) override;
  void receive(std::size_t count_max) override;
  void remove() override;

 private:
  enum class Operation { none, send, receive, remove };

  void on_reply(const HttpReply& reply) override;
  void on_lost(std::string_view reason) override;
  void take_messages(std::string_view reply);
  bool acknowledges_send(std::string_view reply);
  const std::string& next_queue();

  ClientEvents& events_;
  const Bodies& bodies_;
  SqsProtocol protocol_;
  bool fixed_replies_;
  unsigned wait_seconds_;
  SqsRequests requests_;
  std::vector<std::string> queue_urls_;
  std::size_t queue_ = 0;        // the queue in use
  std::size_t queue_after_ = 0;  // the queue of the next send or receive
  Operation operation_ = Operation::none;
  std::size_t sent_count_ = 0;
  std::vector<std::string> handles_;  // of the last receive
  std::vector<std::uint64_t> numbers_;
  std::vector<std::string_view> values_;  // kept for its memory
};

/// Creates and deletes queues, one call at a time.
class SqsAdmin final : private HttpConnection {
 public:
  /// Throws BenchError if it cannot connect.
  SqsAdmin(EventLoop& loop, const SqsSettings& settings);

  /// Creates the queue, or finds it, and returns its URL as it stands in the reply.
  /// Throws BenchError with the server's words if it refuses.
  std::string create_queue(std::string_view name);
  /// Deletes the queue. Throws BenchError as above.
  void delete_queue(std::string_view queue_url);

 private:
  void on_reply(const HttpReply& reply) override;
  void on_lost(std::string_view reason) override;
  // Sends what is in out() and waits for the reply's body.
  std::string call();

  EventLoop& loop_;
  SqsProtocol protocol_;
  bool encrypted_;
  SqsRequests requests_;
  bool answered_ = false;
  unsigned status_ = 0;
  std::string reply_;
};

}  // namespace millrace::bench
