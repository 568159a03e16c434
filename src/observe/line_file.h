// LineFile: a file of lines that a thread of its own writes, for the audit and access logs.
//
// Never holds up who writes: a line goes into a queue of bounded length, and where that is full it
// is dropped and counted; when the file has caught up, one line says how many are missing. It is
// the newest lines that are dropped, so whoever floods a log cannot flush out of it how that began.
// A part of the queue is kept for lines that matter most.
//
// The file belongs to its owner alone (mode 0600). It is renamed when it has reached a size, the
// former ones to <name>.1.<extension> and so on; what is no plain file (/dev/stdout, a pipe) never
// is. Any thread may call write() and reopen(). A line that was taken survives the end of the
// process once the destructor has run; a kill loses what is waiting, a loss of power what the
// kernel had not written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <boost/system/result.hpp>

namespace millrace {

/// A file of log lines, as it is asked for.
struct LogFileOptions {
  std::string path;
  std::size_t bytes_max = 0;  // of the file before it is renamed; 0: no limit
  std::size_t files_max = 1;  // renamed ones that are kept; at least one
};

struct LineFileOptions : LogFileOptions {
  std::size_t lines_max = 8192;       // that may wait
  std::size_t lines_reserved = 4096;  // places of these, for write_first()
  /// The line that says that so many are missing.
  std::function<std::string(std::uint64_t dropped)> gap_line = {};
};

class LineFile {
 public:
  /// Opens the file to append to it, and makes it if it is missing. @return an error of the system.
  static boost::system::result<std::unique_ptr<LineFile>> open(LineFileOptions options);
  /// Writes what is waiting. When no other thread writes any more.
  ~LineFile();
  LineFile(const LineFile&) = delete;
  LineFile& operator=(const LineFile&) = delete;

  /// Appends a line. @param line without an end of line, and with none within.
  void write(std::string_view line);
  /// The same, and the places of the queue that are reserved may be used, too.
  void write_first(std::string_view line);

  /// Opens the file's name again, which somebody else has given to another file, or to none. What
  /// is waiting goes to either. @return an error of the system; the old file is then kept.
  boost::system::result<void> reopen();

 private:
  class Sink;
  struct Writer;

  explicit LineFile(std::unique_ptr<Writer> writer);
  void write_up_to(std::size_t waiting_max, std::string_view line);

  const std::unique_ptr<Writer> writer_;
};

}  // namespace millrace
