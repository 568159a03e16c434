// StaticFiles: files that a browser may fetch as they are, out of the program or of a directory.
//
// What is in the program was compressed when it was built, and is sent from where it lies. A
// directory is for those who develop the page: each request reads its file, which blocks.
// Immutable; any thread.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/http_message.h"

namespace millrace {

/// One file in the program. Of its three forms, either `identity` or `gzip` is there.
struct StaticFile {
  std::string_view path;  // "assets/index-1a2b3c.js"
  std::string_view tag;   // differs where the content does; letters and digits
  std::string_view identity;
  std::string_view gzip;
  std::string_view brotli;
};

class StaticFiles {
 public:
  /// @param files sorted by path; in static storage.
  explicit StaticFiles(std::span<const StaticFile> files) : files_(files) {}
  /// The files below a directory. Neither names that begin with a dot nor symbolic links are
  /// followed.
  explicit StaticFiles(std::string directory) : directory_(std::move(directory)) {}

  bool empty() const { return files_.empty() && directory_.empty(); }

  /// Fills `response` with the file at `path`, as it is written in the request, or with 304 where
  /// the client has it. What lies in assets/ is named by its content and may be kept for good; all
  /// else is to be asked for each time. @return false if there is no such file.
  bool answer(std::string_view path, const HttpRequest& request, HttpResponse& response) const;

 private:
  bool answer_from_directory(std::string_view path, const HttpRequest& request,
                             HttpResponse& response) const;

  std::span<const StaticFile> files_;
  std::string directory_;
};

}  // namespace millrace
