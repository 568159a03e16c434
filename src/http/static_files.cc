#include "http/static_files.h"

#define ZLIB_CONST  // else zlib wants to write what it reads
#include <zlib.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <system_error>

#include "base/ascii.h"
#include "base/check.h"
#include "base/encoding.h"

namespace millrace {

namespace {

// THE TABLE OF FILE TYPES.
struct TypeRow {
  std::string_view ending;
  std::string_view type;
};
constexpr TypeRow kTypes[] = {
    {".css", "text/css; charset=utf-8"},
    {".html", "text/html; charset=utf-8"},
    {".ico", "image/x-icon"},
    {".js", "text/javascript; charset=utf-8"},
    {".json", "application/json"},
    {".png", "image/png"},
    {".svg", "image/svg+xml"},
    {".txt", "text/plain; charset=utf-8"},
    {".webmanifest", "application/manifest+json"},
    {".woff2", "font/woff2"},
};

std::string_view type_of(std::string_view path) {
  const auto* const row =
      std::ranges::find_if(kTypes, [&](const TypeRow& one) { return path.ends_with(one.ending); });
  return row != std::end(kTypes) ? row->type : "application/octet-stream";
}

/// Whether `coding` may be used. (RFC 9110 section 12.5.3; a quality other than 0 is a yes.)
bool accepts(std::string_view list, std::string_view coding) {
  std::optional<bool> named;
  bool others = false;
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    std::string_view element = list.substr(0, comma);
    list.remove_prefix(std::min(comma + 1, list.size()));
    const std::size_t semicolon = std::min(element.find(';'), element.size());
    std::string_view quality = trimmed(element.substr(std::min(semicolon + 1, element.size())));
    element = trimmed(element.substr(0, semicolon));
    const bool refused =
        quality.starts_with("q=0") && quality.find_first_of("123456789") == quality.npos;
    if (equal_ignoring_case(element, coding)) named = !refused;
    if (element == "*") others = !refused;
  }
  return named.value_or(others);
}

/// What `packed`, a member of gzip, unpacks to. It is our own, so it cannot be broken.
std::string unpack(std::string_view packed) {
  constexpr std::size_t kSizeBytes = 4;  // at the end, the least significant one first
  CHECK(packed.size() > kSizeBytes);
  std::size_t size = 0;
  for (std::size_t i = 0; i < kSizeBytes; ++i) {
    const auto byte = static_cast<unsigned char>(packed[packed.size() - kSizeBytes + i]);
    size |= std::size_t{byte} << (8 * i);
  }
  std::string out(size, '\0');
  z_stream stream{};
  constexpr int kGzipOnly = 16;
  CHECK(inflateInit2(&stream, kGzipOnly + MAX_WBITS) == Z_OK);
  stream.next_in = reinterpret_cast<const Bytef*>(packed.data());
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int ended = inflate(&stream, Z_FINISH);
  inflateEnd(&stream);
  CHECK(ended == Z_STREAM_END);
  return out;
}

/// What `answer` says of every file, and of one that the client has already.
/// @return whether that is all.
bool answer_head(std::string_view path, std::string_view tag, const HttpRequest& request,
                 HttpResponse& response) {
  const bool for_good = path.starts_with("assets/");
  response.fields.emplace_back("Cache-Control",
                               for_good ? "public, max-age=31536000, immutable" : "no-cache");
  response.fields.emplace_back("Vary", "Accept-Encoding");
  response.fields.emplace_back("ETag", "\"" + std::string(tag) + "\"");
  // Of the same content compressed otherwise the client needs nothing either: tags tell contents.
  if (request.field("if-none-match").find(tag) != std::string_view::npos) {
    response.status = 304;
    return true;
  }
  response.content_type = type_of(path);
  return false;
}

void answer_file(const StaticFile& file, const HttpRequest& request, HttpResponse& response) {
  if (answer_head(file.path, file.tag, request, response)) return;
  const std::string_view accepted = request.field("accept-encoding");
  if (!file.brotli.empty() && accepts(accepted, "br")) {
    response.fields.emplace_back("Content-Encoding", "br");
    response.borrowed_body = file.brotli;
  } else if (!file.gzip.empty() && accepts(accepted, "gzip")) {
    response.fields.emplace_back("Content-Encoding", "gzip");
    response.borrowed_body = file.gzip;
  } else if (!file.identity.empty()) {
    response.borrowed_body = file.identity;
  } else {
    response.body = unpack(file.gzip);
  }
}

/// Whether each part of `path` is a plain name: nothing that leads out of a directory.
bool is_plain(std::string_view path) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.' || c == '/';
  };
  return !path.empty() && std::ranges::all_of(path, plain) && !path.starts_with('/') &&
         !path.starts_with('.') && path.find("/.") == std::string_view::npos &&
         path.find("//") == std::string_view::npos;
}

}  // namespace

bool StaticFiles::answer(std::string_view path, const HttpRequest& request,
                         HttpResponse& response) const {
  if (!directory_.empty()) return answer_from_directory(path, request, response);
  const auto file = std::ranges::lower_bound(files_, path, {}, &StaticFile::path);
  if (file == files_.end() || file->path != path) return false;
  answer_file(*file, request, response);
  return true;
}

bool StaticFiles::answer_from_directory(std::string_view path, const HttpRequest& request,
                                        HttpResponse& response) const {
  if (!is_plain(path)) return false;
  std::error_code error;
  const std::filesystem::path root = std::filesystem::canonical(directory_, error);
  if (error) return false;
  const std::filesystem::path place = root / path;
  if (std::filesystem::canonical(place, error) != place || error) return false;
  if (!std::filesystem::is_regular_file(place, error)) return false;
  std::ifstream file(place, std::ios::binary);
  if (!file) return false;
  std::string content{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const Sha256Digest digest = sha256(content);
  if (!answer_head(path, to_hex(digest), request, response)) response.body = std::move(content);
  return true;
}

}  // namespace millrace
