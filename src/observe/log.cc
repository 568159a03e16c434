#include "observe/log.h"

#include <spdlog/async.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <memory>

#include "base/check.h"
#include "observe/quoted_text.h"

namespace millrace {

namespace {

constexpr std::size_t kWaitingLines = 8192;
constexpr std::size_t kTextMax = 4096;  // a store's advice after a disaster fits

struct Log {
  std::shared_ptr<spdlog::details::thread_pool> thread;
  std::shared_ptr<spdlog::async_logger> logger;
};

// The logger in use, or null. What it points to is changed only while one thread runs.
std::atomic<Log*> current_log{nullptr};

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warning:
      return spdlog::level::warn;
    case LogLevel::error:
      break;
  }
  return spdlog::level::err;
}

void append_text(std::string& out, std::string_view text) {
  const auto is_plain = [](char c) {
    const unsigned char byte = static_cast<unsigned char>(c);
    return byte > ' ' && byte < 0x7f && c != '"' && c != '=' && c != '\\';
  };
  if (!text.empty() && text.size() <= kTextMax && std::all_of(text.begin(), text.end(), is_plain)) {
    out += text;
    return;
  }
  append_quoted(out, text, kTextMax);
}

struct AppendValue {
  std::string& out;

  void operator()(std::string_view text) const { append_text(out, text); }
  void operator()(bool value) const { out += value ? "true" : "false"; }
  void operator()(auto number) const {
    std::array<char, 32> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    out.append(digits.data(), end);
  }
};

}  // namespace

void append_log_text(std::string& out, std::string_view event, LogFields fields) {
  out += event;
  for (const LogField& field : fields) {
    out += ' ';
    out += field.name();
    out += '=';
    std::visit(AppendValue{out}, field.value());
  }
}

void start_log(LogLevel least) {
  CHECK(current_log.load() == nullptr);
  auto log = std::make_unique<Log>();
  log->thread = std::make_shared<spdlog::details::thread_pool>(kWaitingLines, 1);
  auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  log->logger = std::make_shared<spdlog::async_logger>(
      "millrace", std::move(sink), log->thread, spdlog::async_overflow_policy::overrun_oldest);
  log->logger->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc);
  log->logger->set_level(to_spdlog(least));
  current_log.store(log.release());
}

void stop_log() {
  // The thread pool's destructor writes what is waiting.
  const std::unique_ptr<Log> log(current_log.exchange(nullptr));
}

bool log_enabled(LogLevel level) {
  const Log* log = current_log.load(std::memory_order_acquire);
  return log != nullptr && log->logger->should_log(to_spdlog(level));
}

void log(LogLevel level, std::string_view event, LogFields fields) {
  const Log* log = current_log.load(std::memory_order_acquire);
  if (log == nullptr || !log->logger->should_log(to_spdlog(level))) return;
  std::string line;
  append_log_text(line, event, fields);
  log->logger->log(to_spdlog(level), spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace millrace
