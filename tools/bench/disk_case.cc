#include "bench/disk_case.h"

#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "bench/bench_error.h"

namespace millrace::bench {
namespace {

constexpr std::size_t kBlockBytes = 4096;
constexpr std::size_t kPreparedBytes = 64 * 1024 * 1024;

[[noreturn]] void fail(const std::string& what) {
  throw BenchError(what + ": " + std::strerror(errno));
}

// A file that exists only as long as it is measured.
class ScratchFile {
 public:
  ScratchFile(std::string path, int flags)
      : path_(std::move(path)),
        descriptor_(open(path_.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC | flags, 0600)) {
    if (descriptor_ < 0) {
      fail("cannot create " + path_);
    }
  }
  ~ScratchFile() {
    close(descriptor_);
    unlink(path_.c_str());
  }
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;

  // RWF_DSYNC among `flags`: the bytes are on the disk when this returns.
  void write_at(const char* bytes, std::size_t count, std::size_t offset, int flags) {
    const iovec part{const_cast<char*>(bytes), count};
    const ssize_t wrote = pwritev2(descriptor_, &part, 1, static_cast<off_t>(offset), flags);
    if (wrote < 0) {
      fail("cannot write " + path_);
    }
    if (static_cast<std::size_t>(wrote) != count) {
      throw BenchError("a short write to " + path_ + ": is the disk full?");
    }
  }
  void sync() {
    if (fdatasync(descriptor_) != 0) {
      fail("cannot sync " + path_);
    }
  }

 private:
  std::string path_;
  int descriptor_;
};

// Calls `write_once` with rising indexes until time is up and reports its rate and latency.
template <class WriteOnce>
void measure(const Options& options, std::string_view name, Report& report, WriteOnce write_once) {
  Histogram latency;
  const Nanoseconds measure_from = monotonic_now() + from_seconds(options.warmup_seconds);
  const Nanoseconds stop_at = measure_from + from_seconds(options.seconds);
  Nanoseconds now = monotonic_now();
  for (std::size_t index = 0; now < stop_at; ++index) {
    const Nanoseconds begun = now;
    write_once(index);
    now = monotonic_now();
    if (begun >= measure_from) {
      latency.record(now - begun);
    }
  }
  report.number(std::string(name) + "_per_second",
                static_cast<double>(latency.count()) / to_seconds(now - measure_from), 0);
  report.latency(name, latency);
}

}  // namespace

void run_disk(const Options& options, Report& report) {
  if (options.directory.empty()) {
    throw BenchError("this case needs --dir, a folder on the disk that is measured");
  }
  const Bodies bodies(options.body_bytes, options.seed);
  std::string text;
  while (text.size() < options.batch * options.body_bytes) {
    bodies.append(text, text.size());
  }
  const std::string path = options.directory + "/millrace-bench.tmp";
  {
    ScratchFile file(path, 0);
    measure(options, "growing", report, [&](std::size_t index) {
      file.write_at(text.data(), text.size(), index * text.size(), 0);
      file.sync();
    });
  }
  // Whole blocks at an aligned address, as O_DIRECT wants them.
  const std::size_t unit = (text.size() + kBlockBytes - 1) / kBlockBytes * kBlockBytes;
  const std::size_t units = std::max<std::size_t>(kPreparedBytes / unit, 1);
  const std::unique_ptr<char, decltype(&std::free)> block(
      static_cast<char*>(std::aligned_alloc(kBlockBytes, unit)), &std::free);
  std::memset(block.get(), 0, unit);
  ScratchFile file(path, O_DIRECT);
  for (std::size_t i = 0; i < units; ++i) {
    file.write_at(block.get(), unit, i * unit, 0);
  }
  file.sync();
  std::memcpy(block.get(), text.data(), text.size());
  measure(options, "overwrite", report, [&](std::size_t index) {
    file.write_at(block.get(), unit, index % units * unit, RWF_DSYNC);
  });
  report.count("bytes_per_write", text.size());
  report.count("overwrite_bytes_per_write", unit);
}

}  // namespace millrace::bench
