// RedisClient: a Client that speaks to a Redis stream, the yardstick for the life cycle: XADD
// pipelined by the batch, XREADGROUP, then XACK and XDEL.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "bench/bodies.h"
#include "bench/client.h"
#include "bench/connection.h"

namespace millrace::bench {

/// What a RESP2 reply says as far as the load must know.
struct RedisReply {
  std::vector<std::string_view> strings;  // all bulk strings in order, however deep they stand
  std::string_view error;                 // the line of an error reply, without its '-'
};

/// Reads one reply from the front of `input`. Returns its length, or 0 if it is not whole yet.
/// What `reply` holds points into `input`.
std::size_t read_redis_reply(std::string_view input, RedisReply& reply);

/// Appends one command.
void append_redis_command(std::string& out, std::initializer_list<std::string_view> words);

class RedisClient final : public Client, private Connection {
 public:
  /// @param bodies must outlive the client
  /// @param index tells the consumers of the group apart
  RedisClient(EventLoop& loop, ClientEvents& events, const Endpoint& endpoint, const Bodies& bodies,
              std::string stream, std::size_t index);

  void send(std::uint64_t first_number, std::size_t count) override;
  void receive(std::size_t count_max) override;
  void remove() override;

  /// Creates the stream with its group, empty, in place of any earlier one. Throws BenchError if
  /// the server cannot be reached or refuses.
  static void create_stream(const Endpoint& endpoint, const std::string& stream);

 private:
  enum class Operation { none, send, receive, remove };

  std::size_t on_input(std::string_view input) override;
  void on_lost(std::string_view reason) override;
  void end_operation();

  ClientEvents& events_;
  const Bodies& bodies_;
  std::string stream_;
  std::string consumer_;
  Operation operation_ = Operation::none;
  std::size_t replies_missing_ = 0;   // of the operation
  std::string failure_;               // of the operation
  std::vector<std::string> entries_;  // ids of the last receive
  std::vector<std::uint64_t> numbers_;
  std::string body_;  // kept for its memory
  RedisReply reply_;  // kept for its memory
};

}  // namespace millrace::bench
