#include "bench/redis_client.h"

#include <utility>

#include "base/check.h"
#include "base/encoding.h"
#include "bench/bench_error.h"

namespace millrace::bench {
namespace {

constexpr std::string_view kGroup = "bench";
constexpr std::string_view kBlockMilliseconds = "1000";
constexpr Nanoseconds kSetupPatience = 10 * kSecond;

void append_count(std::string& out, char kind, std::size_t count) {
  out.push_back(kind);
  out.append(std::to_string(count)).append("\r\n");
}

void append_word(std::string& out, std::string_view word) {
  append_count(out, '$', word.size());
  out.append(word).append("\r\n");
}

// One command and its reply on a connection of its own.
class RedisSetup final : private Connection {
 public:
  using Connection::Connection;

  std::string call(EventLoop& loop, std::initializer_list<std::string_view> words) {
    answered_ = false;
    append_redis_command(out(), words);
    flush();
    const Nanoseconds give_up_at = monotonic_now() + kSetupPatience;
    while (!answered_ && monotonic_now() < give_up_at) {
      loop.turn(give_up_at);
    }
    return answered_ ? error_ : "no answer";
  }

 private:
  std::size_t on_input(std::string_view input) override {
    RedisReply reply;
    const std::size_t taken = read_redis_reply(input, reply);
    if (taken > 0) {
      answered_ = true;
      error_ = reply.error;
    }
    return taken;
  }
  void on_lost(std::string_view reason) override {
    answered_ = true;
    error_ = reason;
  }

  bool answered_ = false;
  std::string error_;
};

}  // namespace

std::size_t read_redis_reply(std::string_view input, RedisReply& reply) {
  reply.strings.clear();
  reply.error = {};
  std::size_t at = 0;
  // Counts the values still to read; an array adds its members.
  for (std::size_t missing = 1; missing > 0; --missing) {
    const std::size_t line_end = input.find("\r\n", at);
    if (line_end == std::string_view::npos) {
      return 0;
    }
    const char kind = input[at];
    const std::string_view line = input.substr(at + 1, line_end - at - 1);
    at = line_end + 2;
    if (kind == '-') {
      reply.error = line;
    } else if (kind == '$' || kind == '*') {
      // "-1" is null: no string, no members.
      const std::optional<std::int64_t> count = parse_digits(line);
      if (kind == '*') {
        missing += static_cast<std::size_t>(count.value_or(0));
      } else if (count) {
        const auto length = static_cast<std::size_t>(*count);
        if (input.size() < at + length + 2) {
          return 0;
        }
        reply.strings.push_back(input.substr(at, length));
        at += length + 2;
      }
    }
  }
  return at;
}

void append_redis_command(std::string& out, std::initializer_list<std::string_view> words) {
  append_count(out, '*', words.size());
  for (const std::string_view word : words) {
    append_word(out, word);
  }
}

RedisClient::RedisClient(EventLoop& loop, ClientEvents& events, const Endpoint& endpoint,
                         const Bodies& bodies, std::string stream, std::size_t index)
    : Connection(loop, endpoint),
      events_(events),
      bodies_(bodies),
      stream_(std::move(stream)),
      consumer_("consumer-" + std::to_string(index)) {}

void RedisClient::send(std::uint64_t first_number, std::size_t count) {
  CHECK(operation_ == Operation::none);
  operation_ = Operation::send;
  replies_missing_ = count;
  for (std::size_t i = 0; i < count; ++i) {
    body_.clear();
    bodies_.append(body_, first_number + i);
    append_redis_command(out(), {"XADD", stream_, "*", "b", body_});
  }
  flush();
}

void RedisClient::receive(std::size_t count_max) {
  CHECK(operation_ == Operation::none);
  operation_ = Operation::receive;
  replies_missing_ = 1;
  append_redis_command(
      out(), {"XREADGROUP", "GROUP", kGroup, consumer_, "COUNT", std::to_string(count_max), "BLOCK",
              kBlockMilliseconds, "STREAMS", stream_, ">"});
  flush();
}

void RedisClient::remove() {
  CHECK(operation_ == Operation::none && !entries_.empty());
  operation_ = Operation::remove;
  replies_missing_ = 2;
  append_count(out(), '*', 3 + entries_.size());
  append_word(out(), "XACK");
  append_word(out(), stream_);
  append_word(out(), kGroup);
  for (const std::string& entry : entries_) {
    append_word(out(), entry);
  }
  append_count(out(), '*', 2 + entries_.size());
  append_word(out(), "XDEL");
  append_word(out(), stream_);
  for (const std::string& entry : entries_) {
    append_word(out(), entry);
  }
  flush();
}

std::size_t RedisClient::on_input(std::string_view input) {
  std::size_t done = 0;
  while (done < input.size()) {
    const std::size_t taken = read_redis_reply(input.substr(done), reply_);
    if (taken == 0) {
      break;
    }
    done += taken;
    if (operation_ == Operation::none) {
      continue;
    }
    if (!reply_.error.empty()) {
      failure_ = reply_.error;
    }
    if (operation_ == Operation::receive) {
      // The stream's name, then for each entry its id, the field "b" and the body.
      entries_.clear();
      numbers_.clear();
      for (std::size_t i = 1; i + 2 < reply_.strings.size(); i += 3) {
        entries_.emplace_back(reply_.strings[i]);
        numbers_.push_back(number_of_body(reply_.strings[i + 2]).value_or(0));
      }
    }
    if (--replies_missing_ == 0) {
      end_operation();
    }
  }
  return done;
}

void RedisClient::end_operation() {
  const Operation ended = std::exchange(operation_, Operation::none);
  if (const std::string failure = std::exchange(failure_, {}); !failure.empty()) {
    events_.on_failed(failure, true);
    return;
  }
  switch (ended) {
    case Operation::none:
      return;
    case Operation::send:
      events_.on_sent();
      return;
    case Operation::receive:
      events_.on_received(numbers_);
      return;
    case Operation::remove:
      events_.on_removed();
      return;
  }
}

void RedisClient::on_lost(std::string_view reason) {
  operation_ = Operation::none;
  events_.on_failed(reason, false);
}

void RedisClient::create_stream(const Endpoint& endpoint, const std::string& stream) {
  EventLoop loop;
  RedisSetup setup(loop, endpoint);
  for (const std::string& error :
       {setup.call(loop, {"DEL", stream}),
        setup.call(loop, {"XGROUP", "CREATE", stream, kGroup, "0", "MKSTREAM"})}) {
    if (!error.empty()) {
      throw BenchError("Redis refuses: " + error);
    }
  }
}

}  // namespace millrace::bench
