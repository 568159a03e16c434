// Fuzzes the HTTP edge: heads and chunked bodies must be read alike however their bytes are split.
#include <cstdint>
#include <string>

#include "base/check.h"
#include "http/chunk_decoder.h"
#include "http/request_parser.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace millrace;
  std::string bytes(reinterpret_cast<const char*>(data), size);
  RequestLimits limits;
  limits.head_bytes = 1024;
  limits.body_bytes = 4096;
  RequestParser whole(limits);
  const auto verdict = whole.parse(bytes);
  RequestParser pieces(limits);
  auto by_byte = RequestParser::Progress::need_more;
  for (std::size_t end = 0; end <= size && by_byte == RequestParser::Progress::need_more; ++end) {
    by_byte = pieces.parse(std::string_view(bytes).substr(0, end));
  }
  CHECK(by_byte == verdict && pieces.status() == whole.status());
  if (verdict != RequestParser::Progress::complete) return 0;
  CHECK(pieces.head_size() == whole.head_size());

  HttpRequest request;
  whole.fill(bytes, request);
  CHECK(!request.method.empty() && !request.target.empty());
  for (const HttpField& field : request.fields) CHECK(!field.name.empty());
  if (!whole.chunked()) return 0;

  std::string coded = bytes.substr(whole.head_size());
  ChunkDecoder decoder(limits);
  ChunkDecoder by_bytes(limits);
  std::string body;
  auto last = ChunkDecoder::Progress::need_more;
  for (std::size_t i = 0; i < coded.size() && last == ChunkDecoder::Progress::need_more; ++i) {
    body += coded[i];
    last = by_bytes.decode(body);
    if (last != ChunkDecoder::Progress::failed) body.resize(by_bytes.kept_size());
  }
  CHECK(decoder.decode(coded) == last && decoder.status() == by_bytes.status());
  if (last == ChunkDecoder::Progress::failed) return 0;
  CHECK(coded.compare(0, decoder.body_size(), body) == 0);
  return 0;
}
