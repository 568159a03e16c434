#include "observe/line_file.h"

#include <fcntl.h>
#include <spdlog/async.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <limits>
#include <mutex>
#include <utility>

#include "base/check.h"
#include "observe/log.h"

namespace millrace {

namespace {

using boost::system::error_code;
constexpr std::size_t kFlushAfter = 64;  // lines; where none waits, after each

using FileSink = spdlog::sinks::rotating_file_sink_st;

struct FileFacts {
  bool plain;  // neither a device nor a pipe
};

/// Makes the file if it is missing and leaves it to its owner.
boost::system::result<FileFacts> prepare(const std::string& path) {
  const auto failed = [] { return error_code(errno, boost::system::system_category()); };
  // Without waiting: a pipe that nobody reads is an error.
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK,
                          S_IRUSR | S_IWUSR);
  if (file < 0) return failed();
  struct stat facts {};
  const bool known = ::fstat(file, &facts) == 0;
  const bool plain = known && S_ISREG(facts.st_mode);
  const bool kept = known && (!plain || ::fchmod(file, S_IRUSR | S_IWUSR) == 0);
  const error_code error = failed();
  ::close(file);
  if (!kept) return error;
  return FileFacts{plain};
}

boost::system::result<std::shared_ptr<FileSink>> open_file(const LineFileOptions& options) {
  const boost::system::result<FileFacts> facts = prepare(options.path);
  if (!facts) return facts.error();
  const bool grows = !facts->plain || options.bytes_max == 0;
  const std::size_t bytes = grows ? std::numeric_limits<std::size_t>::max() : options.bytes_max;
  // Of files that are made when the size is reached, too.
  spdlog::file_event_handlers events;
  events.before_open = [](const spdlog::filename_t& path) { static_cast<void>(prepare(path)); };
  try {
    auto file = std::make_shared<FileSink>(options.path, bytes, options.files_max, false, events);
    file->set_pattern("%v");
    return file;
  } catch (const spdlog::spdlog_ex&) {
    return error_code(errno != 0 ? errno : EIO, boost::system::system_category());
  }
}

}  // namespace

/// What spdlog's thread writes to: the file, and how the queue stands.
class LineFile::Sink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  Sink(LineFileOptions options, std::shared_ptr<FileSink> file)
      : options_(std::move(options)), file_(std::move(file)) {
    CHECK(options_.lines_reserved < options_.lines_max && options_.gap_line);
  }

  const LineFileOptions& options() const { return options_; }

  /// Whether a line may join the queue, of `waiting_max` lines at most; if not, it is counted.
  bool admit(std::size_t waiting_max) {
    std::size_t waiting = waiting_.load(std::memory_order_relaxed);
    while (waiting < waiting_max) {
      if (waiting_.compare_exchange_weak(waiting, waiting + 1, std::memory_order_relaxed)) {
        return true;
      }
    }
    dropped_.fetch_add(1, std::memory_order_relaxed);
    return false;
  }

  void replace(std::shared_ptr<FileSink> file) {
    const std::lock_guard lock(mutex_);
    flush_();
    file_ = std::move(file);
  }

  /// After the last line.
  void finish() {
    const std::lock_guard lock(mutex_);
    flush_();
    tell_gap();
  }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    append(message);
    const bool last = waiting_.fetch_sub(1, std::memory_order_relaxed) == 1;
    if (last || unflushed_ >= kFlushAfter) flush_();
    if (last) tell_gap();
  }

  void flush_() override {
    try {
      if (!file_) return;
      file_->flush();
      unflushed_ = 0;
      failing_ = false;
    } catch (const spdlog::spdlog_ex& failure) {
      give_up_file(failure.what());
    }
  }

 private:
  void append(const spdlog::details::log_msg& message) {
    if (!file_ && !open_again()) {
      dropped_.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    try {
      ++unflushed_;
      file_->log(message);
    } catch (const spdlog::spdlog_ex& failure) {
      give_up_file(failure.what());
    }
  }

  bool open_again() {
    auto file = open_file(options_);
    if (file) file_ = std::move(*file);
    return file.has_value();
  }

  // A file that failed is opened anew for the next line: spdlog's may have lost its handle. Said
  // once until it works again: whoever fills the disk is not to fill the other log as well.
  void give_up_file(const char* cause) {
    file_.reset();
    // Some of them may have been written: what is said to be missing is never too little.
    dropped_.fetch_add(std::exchange(unflushed_, 0), std::memory_order_relaxed);
    if (std::exchange(failing_, true)) return;
    log_error("cannot write a log", {{"file", options_.path}, {"cause", cause}});
  }

  void tell_gap() {
    const std::uint64_t dropped = dropped_.exchange(0, std::memory_order_relaxed);
    if (dropped == 0) return;
    if (failing_) {
      dropped_.fetch_add(dropped, std::memory_order_relaxed);  // to be told when it works again
      return;
    }
    log_warning("log lines dropped", {{"file", options_.path}, {"lines", dropped}});
    const std::string line = options_.gap_line(dropped);
    append(spdlog::details::log_msg(spdlog::string_view_t(), spdlog::level::info, line));
    flush_();
  }

  const LineFileOptions options_;
  std::atomic<std::size_t> waiting_{0};
  std::atomic<std::uint64_t> dropped_{0};
  std::shared_ptr<FileSink> file_;  // null after a failure
  std::size_t unflushed_ = 0;       // lines since the last flush
  bool failing_ = false;            // since a failure until a flush succeeds
};

/// The sink, and spdlog's thread and queue before it.
struct LineFile::Writer {
  std::shared_ptr<Sink> sink;
  std::shared_ptr<spdlog::details::thread_pool> thread;
  std::shared_ptr<spdlog::async_logger> logger;
};

boost::system::result<std::unique_ptr<LineFile>> LineFile::open(LineFileOptions options) {
  auto file = open_file(options);
  if (!file) return file.error();
  auto writer = std::make_unique<Writer>();
  writer->sink = std::make_shared<Sink>(std::move(options), std::move(*file));
  // One place more than is ever taken: spdlog itself never finds its queue full.
  writer->thread =
      std::make_shared<spdlog::details::thread_pool>(writer->sink->options().lines_max + 1, 1);
  writer->logger = std::make_shared<spdlog::async_logger>(
      "lines", writer->sink, writer->thread, spdlog::async_overflow_policy::overrun_oldest);
  return std::unique_ptr<LineFile>(new LineFile(std::move(writer)));
}

LineFile::LineFile(std::unique_ptr<Writer> writer) : writer_(std::move(writer)) {}

LineFile::~LineFile() {
  writer_->logger.reset();
  writer_->thread.reset();  // writes what is waiting
  writer_->sink->finish();
}

void LineFile::write(std::string_view line) {
  const LineFileOptions& options = writer_->sink->options();
  write_up_to(options.lines_max - options.lines_reserved, line);
}

void LineFile::write_first(std::string_view line) {
  write_up_to(writer_->sink->options().lines_max, line);
}

void LineFile::write_up_to(std::size_t waiting_max, std::string_view line) {
  if (!writer_->sink->admit(waiting_max)) return;
  writer_->logger->log(spdlog::level::info, spdlog::string_view_t(line.data(), line.size()));
}

boost::system::result<void> LineFile::reopen() {
  auto file = open_file(writer_->sink->options());
  if (!file) return file.error();
  writer_->sink->replace(std::move(*file));
  return {};
}

}  // namespace millrace
