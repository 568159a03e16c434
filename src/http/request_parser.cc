#include "http/request_parser.h"

#include <array>
#include <limits>

#include "base/ascii.h"
#include "base/check.h"

namespace millrace {

namespace {

enum CharClass : std::uint8_t {
  kToken = 1,   // RFC 9110 tchar: methods and field names
  kValue = 2,   // field values: anything but control characters, and the tab
  kTarget = 4,  // request targets: visible ASCII without '#', which never goes over the wire
};

constexpr std::array<std::uint8_t, 256> make_classes() {
  std::array<std::uint8_t, 256> classes{};
  for (unsigned c = 0; c < 256; ++c) {
    const bool control = c < 0x20 || c == 0x7f;
    if (!control || c == '\t') classes[c] |= kValue;
    if (c > 0x20 && c < 0x7f && c != '#') classes[c] |= kTarget;
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
      classes[c] |= kToken;
    }
  }
  for (const char c : std::string_view("!#$%&'*+-.^_`|~")) {
    classes[static_cast<unsigned char>(c)] |= kToken;
  }
  return classes;
}

constexpr std::array<std::uint8_t, 256> kClasses = make_classes();

bool is_of(char c, CharClass wanted) {
  return (kClasses[static_cast<unsigned char>(c)] & wanted) != 0;
}

bool all_of(std::string_view text, CharClass wanted) {
  // Gathered, not left at the first hit: bad bytes are rare and the loop has no branch this way.
  std::uint8_t common = 0xff;
  for (const char c : text) common &= kClasses[static_cast<unsigned char>(c)];
  return (common & wanted) != 0;
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

bool same_word(std::string_view sent, std::string_view lower_case) {
  if (sent.size() != lower_case.size()) return false;
  for (std::size_t i = 0; i < sent.size(); ++i) {
    if (lower(sent[i]) != lower_case[i]) return false;
  }
  return true;
}

}  // namespace

void RequestParser::reset() {
  state_ = State::request_line;
  status_ = 0;
  reason_ = {};
  line_begin_ = 0;
  scanned_ = 0;
  method_ = {};
  target_ = {};
  authority_ = {};
  fields_.clear();
  minor_version_ = 1;
  hosts_ = 0;
  content_length_ = 0;
  has_content_length_ = false;
  chunked_ = false;
  says_close_ = false;
  says_keep_alive_ = false;
  keep_alive_ = false;
  expects_continue_ = false;
}

RequestParser::Progress RequestParser::parse(std::string_view bytes) {
  while (state_ == State::request_line || state_ == State::fields) {
    // Beyond the limit nothing is looked at, so what a head may cost does not depend on how its
    // bytes were split on the way.
    const std::string_view window = bytes.substr(0, limits_.head_bytes);
    const std::size_t line_feed = window.find('\n', scanned_);
    if (line_feed == std::string_view::npos) {
      scanned_ = window.size();
      // A client that speaks something else (TLS, say) may never send a line: its first byte tells.
      if (state_ == State::request_line && window.size() > line_begin_ &&
          window[line_begin_] != '\r' && !is_of(window[line_begin_], kToken)) {
        return fail(400, "This is not an HTTP request.");
      }
      if (bytes.size() >= limits_.head_bytes) return fail(431, "The request head is too large.");
      return Progress::need_more;
    }
    if (line_feed == line_begin_ || window[line_feed - 1] != '\r') {
      return fail(400, "A line of the head does not end in CR LF.");
    }
    const std::string_view line = window.substr(line_begin_, line_feed - 1 - line_begin_);
    line_begin_ = line_feed + 1;
    scanned_ = line_begin_;
    if (!take_line(bytes, line)) return Progress::failed;
  }
  return state_ == State::complete ? Progress::complete : Progress::failed;
}

RequestParser::Span RequestParser::span(std::string_view bytes, std::string_view part) {
  return Span{static_cast<std::uint32_t>(part.data() - bytes.data()),
              static_cast<std::uint32_t>(part.size())};
}

RequestParser::Progress RequestParser::fail(unsigned status, std::string_view reason) {
  state_ = State::failed;
  status_ = status;
  reason_ = reason;
  return Progress::failed;
}

bool RequestParser::refuse(unsigned status, std::string_view reason) {
  fail(status, reason);
  return false;
}

bool RequestParser::take_line(std::string_view bytes, std::string_view line) {
  if (state_ == State::request_line) {
    // RFC 9112 section 2.2: an empty line before the request is skipped, once.
    if (line.empty() && line_begin_ == 2) return true;
    return take_request_line(bytes, line);
  }
  return line.empty() ? finish() : take_field(bytes, line);
}

bool RequestParser::take_request_line(std::string_view bytes, std::string_view line) {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) {
    return refuse(400, "The request line is not a method, a target and a version.");
  }
  const std::string_view method = line.substr(0, first);
  if (method.empty() || !all_of(method, kToken)) {
    return refuse(400, "The method is not a token.");
  }
  method_ = span(bytes, method);
  // The version decides first: a target is only read by the rules of a version that is known.
  if (!take_version(line.substr(last + 1))) return false;
  if (!take_target(bytes, line.substr(first + 1, last - first - 1))) return false;
  state_ = State::fields;
  return true;
}

bool RequestParser::take_version(std::string_view version) {
  const bool well_formed = version.size() == 8 && version.starts_with("HTTP/") &&
                           is_digit(version[5]) && version[6] == '.' && is_digit(version[7]);
  if (!well_formed) return refuse(400, "The request line does not end in an HTTP version.");
  if (version[5] != '1' || version[7] > '1') {
    return refuse(505, "Only HTTP/1.0 and HTTP/1.1 are spoken here.");
  }
  minor_version_ = version[7] - '0';
  return true;
}

bool RequestParser::take_target(std::string_view bytes, std::string_view target) {
  if (target.empty() || !all_of(target, kTarget)) {
    return refuse(400, "The request target is not valid.");
  }
  if (target.front() == '/' || (target == "*" && method_.of(bytes) == "OPTIONS")) {
    target_ = span(bytes, target);
    return true;
  }
  const std::size_t scheme_end = target.find("://");
  if (scheme_end == std::string_view::npos || !(same_word(target.substr(0, scheme_end), "http") ||
                                                same_word(target.substr(0, scheme_end), "https"))) {
    return refuse(400, "The request target is not a path.");
  }
  const std::string_view rest = target.substr(scheme_end + 3);
  const std::size_t slash = rest.find('/');
  if (slash == 0 || slash == std::string_view::npos ||
      rest.substr(0, slash).find_first_of("?@") != std::string_view::npos) {
    return refuse(400, "The request target is not a host and a path.");
  }
  authority_ = span(bytes, rest.substr(0, slash));
  target_ = span(bytes, rest.substr(slash));
  return true;
}

bool RequestParser::take_field(std::string_view bytes, std::string_view line) {
  if (line.front() == ' ' || line.front() == '\t') {
    return refuse(400, "A field is folded over two lines.");
  }
  const std::size_t colon = line.find(':');
  const std::string_view name = line.substr(0, colon);
  if (colon == std::string_view::npos || name.empty() || !all_of(name, kToken)) {
    return refuse(400, "A field name is not a token followed by a colon.");
  }
  const std::string_view value = trimmed(line.substr(colon + 1));
  if (!all_of(value, kValue)) return refuse(400, "A field value holds a control character.");
  if (fields_.size() == limits_.fields) return refuse(431, "There are too many fields.");
  fields_.push_back({span(bytes, name), span(bytes, value)});
  return note_field(name, value);
}

bool RequestParser::note_field(std::string_view name, std::string_view value) {
  // By length first: most fields are told from the ones that matter here by one comparison.
  switch (name.size()) {
    case 4:
      if (same_word(name, "host") && ++hosts_ > 1) {
        return refuse(400, "There is more than one Host field.");
      }
      return true;
    case 6:
      return !same_word(name, "expect") || note_expect(value);
    case 10:
      if (same_word(name, "connection")) note_connection(value);
      return true;
    case 14:
      return !same_word(name, "content-length") || note_content_length(value);
    case 16:
      if (same_word(name, "content-encoding") && !same_word(value, "identity")) {
        return refuse(415, "The body is encoded; send it as it is.");
      }
      return true;
    case 17:
      return !same_word(name, "transfer-encoding") || note_transfer_encoding(value);
    default:
      return true;
  }
}

bool RequestParser::note_content_length(std::string_view value) {
  if (value.empty()) return refuse(400, "Content-Length is empty.");
  constexpr std::size_t kMax = std::numeric_limits<std::size_t>::max();
  std::size_t length = 0;
  for (const char c : value) {
    if (!is_digit(c)) return refuse(400, "Content-Length is not a number.");
    const std::size_t digit = static_cast<std::size_t>(c - '0');
    // Kept at the top instead of wrapping round: such a length is too large in any case.
    length = length > (kMax - digit) / 10 ? kMax : length * 10 + digit;
  }
  if (has_content_length_ && length != content_length_) {
    return refuse(400, "Two Content-Length fields contradict each other.");
  }
  has_content_length_ = true;
  content_length_ = length;
  return true;
}

bool RequestParser::note_transfer_encoding(std::string_view value) {
  if (!same_word(value, "chunked")) return refuse(501, "Only chunked transfer coding is known.");
  if (chunked_) return refuse(400, "There is more than one Transfer-Encoding field.");
  chunked_ = true;
  return true;
}

bool RequestParser::note_expect(std::string_view value) {
  if (!same_word(value, "100-continue")) return refuse(417, "The expectation is not known.");
  expects_continue_ = true;
  return true;
}

void RequestParser::note_connection(std::string_view value) {
  while (true) {
    const std::size_t comma = value.find(',');
    const std::string_view option = trimmed(value.substr(0, comma));
    if (same_word(option, "close")) says_close_ = true;
    if (same_word(option, "keep-alive")) says_keep_alive_ = true;
    if (comma == std::string_view::npos) return;
    value.remove_prefix(comma + 1);
  }
}

bool RequestParser::finish() {
  if (chunked_ && has_content_length_) {
    return refuse(400, "The body's length is given both by Content-Length and by chunks.");
  }
  if (chunked_ && is_http_1_0()) return refuse(400, "HTTP/1.0 has no chunked bodies.");
  if (hosts_ == 0 && !is_http_1_0()) return refuse(400, "There is no Host field.");
  if (content_length_ > limits_.body_bytes) return refuse(413, "The body is too large.");
  keep_alive_ = !says_close_ && (!is_http_1_0() || says_keep_alive_);
  // RFC 9110 section 10.1.1: an HTTP/1.0 client does not know the 100 it seems to ask for.
  if (is_http_1_0()) expects_continue_ = false;
  state_ = State::complete;
  return true;
}

void RequestParser::fill(std::string_view bytes, HttpRequest& request) const {
  CHECK(state_ == State::complete);
  request.method = method_.of(bytes);
  request.target = target_.of(bytes);
  request.fields.clear();
  for (const FieldSpan& field : fields_) {
    request.fields.push_back({field.name.of(bytes), field.value.of(bytes)});
    if (authority_.size != 0 && same_word(request.fields.back().name, "host")) {
      request.fields.back().value = authority_.of(bytes);
    }
  }
}

}  // namespace millrace
