#include "auth/sigv4.h"

#include <algorithm>
#include <chrono>
#include <optional>

#include "base/ascii.h"
#include "base/limits.h"

namespace millrace {

namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
constexpr std::string_view kTerminator = "aws4_request";
constexpr std::size_t kSigningKeysMax = 1'024;
constexpr std::size_t kDaySize = 8;  // "20260101"

constexpr std::string_view kPresignedAlgorithm = "X-Amz-Algorithm";
constexpr std::string_view kPresignedCredential = "X-Amz-Credential";
constexpr std::string_view kPresignedDate = "X-Amz-Date";
constexpr std::string_view kPresignedExpires = "X-Amz-Expires";
constexpr std::string_view kPresignedSignature = "X-Amz-Signature";
constexpr std::string_view kPresignedSignedFields = "X-Amz-SignedHeaders";
constexpr std::string_view kPresignedToken = "X-Amz-Security-Token";

std::string_view view(const Sha256Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

ApiError incomplete(std::string text) {
  return {ErrorCode::incomplete_signature, std::move(text)};
}
ApiError invalid(std::string text) {
  return {ErrorCode::invalid_signature, std::move(text)};
}

/// `text` of a request as part of a reply: what is not visible ASCII or a line's end as '?'.
std::string printable(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if ((c < ' ' || c > '~') && c != '\n') c = '?';
  }
  return out;
}

std::string quoted(std::string_view text) {
  return "'" + printable(text) + "'";
}

/// Cuts what stands before the next `separator` off `text`.
std::string_view cut(std::string_view& text, char separator) {
  const std::string_view part = text.substr(0, text.find(separator));
  text.remove_prefix(std::min(part.size() + 1, text.size()));
  return part;
}

/// Whether the query string names a parameter of a presigned URL.
bool is_presigned(std::string_view query) {
  for (std::string_view rest = query; !rest.empty();) {
    std::string_view pair = cut(rest, '&');
    const std::string_view name = cut(pair, '=');
    if (name == kPresignedAlgorithm || name == kPresignedCredential ||
        name == kPresignedSignature) {
      return true;
    }
  }
  return false;
}

// --- dates ---------------------------------------------------------------------------------------

/// The number in `text`, which is nothing but digits.
std::optional<int> digits(std::string_view text) {
  const std::optional<std::int64_t> value = parse_digits(text);
  if (!value) return std::nullopt;
  return static_cast<int>(*value);
}

std::optional<Timestamp> moment(std::optional<int> year, std::optional<int> month,
                                std::optional<int> day, std::optional<int> hour,
                                std::optional<int> minute, std::optional<int> second) {
  if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  constexpr int kSecondMax = 60;  // a leap second
  if (!date.ok() || *hour > 23 || *minute > 59 || *second > kSecondMax) return std::nullopt;
  const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  return Timestamp{seconds(((days * 24 + *hour) * 60 + *minute) * 60 + *second)};
}

/// Reads "20260101T120000Z".
std::optional<Timestamp> parse_basic_date(std::string_view text) {
  if (text.size() != 16 || text[8] != 'T' || text[15] != 'Z') return std::nullopt;
  return moment(digits(text.substr(0, 4)), digits(text.substr(4, 2)), digits(text.substr(6, 2)),
                digits(text.substr(9, 2)), digits(text.substr(11, 2)), digits(text.substr(13, 2)));
}

/// Reads "Thu, 01 Jan 2026 12:00:00 GMT" (RFC 9110 section 5.6.7).
std::optional<Timestamp> parse_http_date(std::string_view text) {
  constexpr std::string_view kMonths = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec ";
  if (text.size() != 29 || text.substr(3, 2) != ", " || text.substr(25) != " GMT" ||
      text[7] != ' ' || text[11] != ' ' || text[16] != ' ' || text[19] != ':' || text[22] != ':') {
    return std::nullopt;
  }
  const std::size_t month = kMonths.find(text.substr(8, 4));
  if (month == std::string_view::npos || month % 4 != 0) return std::nullopt;
  return moment(digits(text.substr(12, 4)), static_cast<int>(month / 4) + 1,
                digits(text.substr(5, 2)), digits(text.substr(17, 2)), digits(text.substr(20, 2)),
                digits(text.substr(23, 2)));
}

void append_digits(std::string& out, std::int64_t value, std::size_t width) {
  const std::string digits = std::to_string(value);
  out.append(width - std::min(width, digits.size()), '0').append(digits);
}

/// "20260101T120000Z"
std::string basic_date(Timestamp moment) {
  const std::chrono::sys_seconds second(std::chrono::seconds(moment.milliseconds / 1000));
  const auto midnight = std::chrono::floor<std::chrono::days>(second);
  const std::chrono::year_month_day date(midnight);
  const std::int64_t of_day = (second - midnight).count();
  std::string text;
  append_digits(text, static_cast<int>(date.year()), 4);
  append_digits(text, static_cast<unsigned>(date.month()), 2);
  append_digits(text, static_cast<unsigned>(date.day()), 2);
  text += 'T';
  append_digits(text, of_day / 3600, 2);
  append_digits(text, of_day / 60 % 60, 2);
  append_digits(text, of_day % 60, 2);
  return text + 'Z';
}

// --- the canonical request -----------------------------------------------------------------------

/// Appends a field's value without white space at its ends and with one space for each run.
void append_folded(std::string& out, std::string_view value) {
  value = trimmed(value);
  if (value.find("  ") == std::string_view::npos) {
    out.append(value);
    return;
  }
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (value[i] != ' ' || value[i - 1] != ' ') out += value[i];
  }
}

bool same_name(std::string_view sent, std::string_view lower_case) {
  return sent.size() == lower_case.size() &&
         std::equal(sent.begin(), sent.end(), lower_case.begin(), [](char a, char b) {
           return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + ('a' - 'A')) : a) == b;
         });
}

/// Appends the line "name:value" of a signed field; the values of several of that name are joined.
/// A field that is signed and not there leaves no line, so the signature is not found right.
void append_field(std::string& out, const HttpRequest& request, std::string_view name) {
  bool found = false;
  for (const HttpField& field : request.fields) {
    if (!same_name(field.name, name)) continue;
    if (found) {
      out += ',';
    } else {
      out.append(name).append(1, ':');
    }
    append_folded(out, field.value);
    found = true;
  }
  if (found) out += '\n';
}

/// Appends the path without "//", "/./" and "/../", its segments encoded once more.
void append_canonical_path(std::string& out, std::string_view path) {
  const auto append_encoded = [&out](std::string_view rest) {
    while (!rest.empty()) {
      const std::size_t size = std::min(rest.find('/'), rest.size());
      append_percent_encoded(out, rest.substr(0, size));
      if (size < rest.size()) out += '/';
      rest.remove_prefix(std::min(size + 1, rest.size()));
    }
  };
  if (!path.starts_with('/')) out += '/';
  if (path.find("//") == std::string_view::npos && path.find("/.") == std::string_view::npos) {
    return append_encoded(path);
  }
  std::vector<std::string_view> segments;
  for (std::string_view rest = path; !rest.empty();) {
    const std::string_view segment = cut(rest, '/');
    if (segment == "..") {
      if (!segments.empty()) segments.pop_back();
    } else if (!segment.empty() && segment != ".") {
      segments.push_back(segment);
    }
  }
  for (const std::string_view segment : segments) {
    out += '/';
    append_percent_encoded(out, segment);
  }
  const bool folder = path.ends_with('/') || path.ends_with("/.") || path.ends_with("/..");
  if (segments.empty() || folder) out += '/';
}

bool names(std::string_view list, std::string_view wanted) {
  while (!list.empty()) {
    if (cut(list, ';') == wanted) return true;
  }
  return false;
}

/// What must be signed: the host, so that a request is no good elsewhere, and, where they are sent,
/// the fields that decide what is done. A presigned URL has date and token in its query.
Expected<void> check_signed_fields(const HttpRequest& request, std::string_view list,
                                   bool presigned) {
  const auto unsigned_field = [](std::string_view name) {
    return invalid(std::string(name) + " must be a 'SignedHeader' in the AWS Authorization.");
  };
  if (!names(list, "host")) return unsigned_field("'Host' or ':authority'");
  const auto missing = [&](std::string_view name) {
    return request.has_field(name) && !names(list, name);
  };
  if (missing("x-amz-target")) return unsigned_field("'X-Amz-Target'");
  if (presigned) return {};
  if (missing("x-amz-date")) return unsigned_field("'X-Amz-Date'");
  if (missing("x-amz-security-token")) return unsigned_field("'X-Amz-Security-Token'");
  return {};
}

// --- the claim -----------------------------------------------------------------------------------

ApiError unreadable_date(std::string_view text) {
  return incomplete("Date must be in ISO-8601 'basic format'. Got " + quoted(text) +
                    ". See http://en.wikipedia.org/wiki/ISO_8601");
}

/// What of the Authorization field appears in a reply: a digest, since it may hold a password.
std::string fingerprint(std::string_view authorization) {
  return "(hashed with SHA-256 and encoded with Base64): " +
         quoted(to_base64(view(sha256(authorization)))) + ".";
}

Expected<void> check_date(Timestamp signed_at, std::string_view date, Timestamp now) {
  const auto refusal = [&](std::string_view what, Timestamp bound, char sign) {
    std::string text(what.substr(0, what.find('|')));
    text.append(date).append(what.substr(what.find('|') + 1)).append(basic_date(bound));
    return invalid(text + " (" + basic_date(now) + " " + sign + " 15 min.)");
  };
  const Timestamp earliest = now - limits::kSignatureSkewMax;
  const Timestamp latest = now + limits::kSignatureSkewMax;
  if (signed_at < earliest)
    return refusal("Signature expired: | is now earlier than ", earliest, '-');
  if (signed_at > latest) {
    return refusal("Signature not yet current: | is still later than ", latest, '+');
  }
  return {};
}

}  // namespace

std::size_t SignatureVerifier::SigningKeyHash::operator()(
    const SigningKeyName& name) const noexcept {
  return std::hash<const AccessKey*>{}(name.key) ^ (std::size_t{name.day} << 7);
}

SignatureVerifier::SignatureVerifier(Region region, std::string service)
    : region_(region.text()), service_(std::move(service)) {}

bool SignatureVerifier::is_signed(const HttpRequest& request) {
  return request.has_field("authorization") || is_presigned(request.query());
}

/// Takes the query string apart. A malformed escape stays as it is; nobody signs one.
void SignatureVerifier::read_query(std::string_view query) {
  query_.clear();
  query_text_.resize(query.size());
  char* to = query_text_.data();
  const auto decoded = [&to](std::string_view text) {
    char* const begin = to;
    for (std::size_t i = 0; i < text.size(); ++i) {
      const int high = text[i] == '%' && text.size() - i > 2 ? hex_digit(text[i + 1]) : -1;
      const int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
      if (low >= 0) {
        *to++ = static_cast<char>(high << 4 | low);
        i += 2;
      } else {
        *to++ = text[i] == '+' ? ' ' : text[i];
      }
    }
    return std::string_view(begin, static_cast<std::size_t>(to - begin));
  };
  while (!query.empty()) {
    std::string_view pair = cut(query, '&');
    if (pair.empty()) continue;
    const std::string_view name = decoded(cut(pair, '='));
    query_.emplace_back(name, decoded(pair));
  }
}

std::string_view SignatureVerifier::query_value(std::string_view name) const {
  const auto found = std::ranges::find(query_, name, &Pair::first);
  return found == query_.end() ? std::string_view() : found->second;
}

Expected<void> SignatureVerifier::read_authorization(const HttpRequest& request, Claim& claim) {
  const std::string_view authorization = request.field("authorization");
  std::string_view rest = authorization;
  if (const std::string_view algorithm = cut(rest, ' '); algorithm != kAlgorithm) {
    return incomplete("Authorization header requires the algorithm '" + std::string(kAlgorithm) +
                      "'. Authorization header " + fingerprint(authorization));
  }
  while (!rest.empty()) {
    std::string_view parameter = trimmed(cut(rest, ','));
    if (parameter.empty()) continue;
    if (parameter.find('=') == std::string_view::npos) {
      return incomplete("Invalid key=value pair (missing equal-sign) in Authorization header " +
                        fingerprint(authorization));
    }
    const std::string_view name = cut(parameter, '=');
    if (name == "Credential") claim.credential = parameter;
    if (name == "SignedHeaders") claim.signed_fields = parameter;
    if (name == "Signature") claim.signature = parameter;
  }
  std::string_view date = request.field("x-amz-date");
  const std::string_view http_date = date.empty() ? request.field("date") : std::string_view();

  std::string missing;
  const auto require = [&missing](std::string_view value, std::string_view what) {
    if (!value.empty()) return;
    missing.append("Authorization header requires ").append(what).append(". ");
  };
  require(claim.credential, "'Credential' parameter");
  require(claim.signature, "'Signature' parameter");
  require(claim.signed_fields, "'SignedHeaders' parameter");
  require(date.empty() ? http_date : date, "existence of either a 'X-Amz-Date' or a 'Date' header");
  if (!missing.empty()) return incomplete(missing + "Authorization " + fingerprint(authorization));

  claim.session_token = request.field("x-amz-security-token");
  std::string rewritten;
  if (const auto moment = parse_http_date(http_date)) date = rewritten = basic_date(*moment);
  if (date.empty()) date = http_date;
  const std::optional<Timestamp> signed_at = parse_basic_date(date);
  if (!signed_at) return unreadable_date(date);
  claim.signed_at = *signed_at;
  std::ranges::copy(date, claim.date.begin());
  return {};
}

Expected<void> SignatureVerifier::read_presigned(Claim& claim) const {
  std::string missing;
  const auto required = [&](std::string_view name) {
    const std::string_view value = query_value(name);
    if (value.empty()) {
      missing.append("AWS query-string parameters must include ").append(quoted(name)).append(". ");
    }
    return value;
  };
  claim.presigned = true;
  const std::string_view algorithm = required(kPresignedAlgorithm);
  claim.credential = required(kPresignedCredential);
  claim.signature = required(kPresignedSignature);
  claim.signed_fields = required(kPresignedSignedFields);
  const std::string_view date = required(kPresignedDate);
  claim.expires = required(kPresignedExpires);
  claim.session_token = query_value(kPresignedToken);
  if (!missing.empty()) return incomplete(missing + "Re-examine the query-string parameters.");
  if (algorithm != kAlgorithm) {
    return incomplete("X-Amz-Algorithm only supports \"" + std::string(kAlgorithm) + "\"");
  }
  const std::optional<std::int64_t> expires = parse_digits(claim.expires);
  if (!expires || *expires < 1 || *expires > limits::kPresignedSecondsMax) {
    return incomplete("X-Amz-Expires must be a number of seconds from 1 to " +
                      std::to_string(limits::kPresignedSecondsMax) + ", got " +
                      quoted(claim.expires));
  }
  const std::optional<Timestamp> signed_at = parse_basic_date(date);
  if (!signed_at) return unreadable_date(date);
  claim.signed_at = *signed_at;
  std::ranges::copy(date, claim.date.begin());
  return {};
}

Expected<void> SignatureVerifier::check_scope(const Claim& claim) const {
  const std::string_view day = claim.date_text().substr(0, kDaySize);
  if (claim.day != day) {
    return invalid(
        "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date "
        "from HTTP: " +
        quoted(claim.day) + " != " + quoted(day) + ", from " + quoted(claim.date_text()) + ".");
  }
  if (claim.region != region_) {
    return invalid("Credential should be scoped to a valid region, not " + quoted(claim.region) +
                   ".");
  }
  if (claim.service != service_) {
    return invalid("Credential should be scoped to correct service: " + quoted(service_) + ".");
  }
  if (claim.terminator != kTerminator) {
    return invalid("Credential should be scoped with a valid terminator: " + quoted(kTerminator) +
                   ", not " + quoted(claim.terminator) + ".");
  }
  return {};
}

Expected<const AccessKey*> SignatureVerifier::verify(const HttpRequest& request,
                                                     const CredentialsPointer& credentials,
                                                     Timestamp now) {
  if (credentials != credentials_) {
    signing_keys_.clear();
    credentials_ = credentials;
  }
  read_query(request.query());
  Claim claim;
  const Expected<void> read = request.has_field("authorization")
                                  ? read_authorization(request, claim)
                                  : read_presigned(claim);
  if (!read) return read.error();
  std::string_view rest = claim.credential;
  claim.access_key = cut(rest, '/');
  claim.day = cut(rest, '/');
  claim.region = cut(rest, '/');
  claim.service = cut(rest, '/');
  claim.terminator = rest;
  if (std::ranges::count(claim.credential, '/') != 4) {
    return incomplete(
        "Credential must have exactly 5 slash-delimited elements, e.g. "
        "keyid/date/region/service/term, got " +
        quoted(claim.credential));
  }

  const AccessKey* key = credentials->find(claim.access_key);
  if (key == nullptr || !key->enabled ||
      !equal_constant_time(claim.session_token, key->session_token)) {
    return ApiError(ErrorCode::unrecognized_client);
  }
  if (key->expires_at && *key->expires_at <= now) return ApiError(ErrorCode::expired_token);

  if (claim.presigned && claim.signed_at < now) {
    const Milliseconds valid = seconds(*parse_digits(claim.expires));
    if (claim.signed_at + valid < now) {
      return ApiError(ErrorCode::request_expired,
                      "Request has expired: it was signed at " + std::string(claim.date_text()) +
                          " for " + std::string(claim.expires) + " seconds, and now it is " +
                          basic_date(now) + ".");
    }
  } else if (const auto dated = check_date(claim.signed_at, claim.date_text(), now); !dated) {
    return dated.error();
  }
  if (const Expected<void> scope = check_scope(claim); !scope) return scope.error();
  const auto fields = check_signed_fields(request, claim.signed_fields, claim.presigned);
  if (!fields) return fields.error();

  write_canonical_request(request, claim);
  write_string_to_sign(claim);
  const Sha256Digest signature = signing_key(*key, claim)(to_sign_);
  signature_.clear();
  append_hex(signature_, signature);
  if (!equal_constant_time(signature_, claim.signature)) return mismatch();
  return key;
}

void SignatureVerifier::write_canonical_request(const HttpRequest& request, const Claim& claim) {
  canonical_.assign(request.method).append(1, '\n');
  append_canonical_path(canonical_, request.path());
  canonical_ += '\n';
  append_canonical_query(claim.presigned);
  canonical_ += '\n';
  for (std::string_view list = claim.signed_fields; !list.empty();) {
    append_field(canonical_, request, cut(list, ';'));
  }
  canonical_.append(1, '\n').append(claim.signed_fields).append(1, '\n');
  append_hex(canonical_, sha256(request.body));
}

/// Every parameter, but for the signature of a presigned URL, encoded, in the order of the encoded
/// names and values.
void SignatureVerifier::append_canonical_query(bool presigned) {
  if (query_.empty()) return;
  constexpr std::size_t kEncodedMax = 3;  // bytes that one byte becomes
  encoded_.clear();
  encoded_text_.clear();
  encoded_text_.reserve(query_text_.size() * kEncodedMax);  // so that the views stay good
  const auto encoded = [this](std::string_view text) {
    const std::size_t begin = encoded_text_.size();
    append_percent_encoded(encoded_text_, text);
    return std::string_view(encoded_text_).substr(begin);
  };
  for (const auto& [name, value] : query_) {
    if (name == kPresignedSignature && presigned) continue;
    const std::string_view encoded_name = encoded(name);
    encoded_.emplace_back(encoded_name, encoded(value));
  }
  std::ranges::sort(encoded_);
  for (std::size_t i = 0; i < encoded_.size(); ++i) {
    if (i > 0) canonical_ += '&';
    canonical_.append(encoded_[i].first).append(1, '=').append(encoded_[i].second);
  }
}

void SignatureVerifier::write_string_to_sign(const Claim& claim) {
  const std::size_t scope = claim.access_key.size() + 1;
  to_sign_.assign(kAlgorithm).append(1, '\n').append(claim.date_text()).append(1, '\n');
  to_sign_.append(claim.credential.substr(scope)).append(1, '\n');
  append_hex(to_sign_, sha256(canonical_));
}

/// The key of `claim`'s day, whose scope has been checked: region and service are always the same.
const KeyedHash& SignatureVerifier::signing_key(const AccessKey& key, const Claim& claim) {
  const SigningKeyName name{&key, static_cast<std::uint32_t>(digits(claim.day).value_or(0))};
  if (const auto kept = signing_keys_.find(name); kept != signing_keys_.end()) return kept->second;
  if (signing_keys_.size() >= kSigningKeysMax) signing_keys_.clear();
  const Sha256Digest of_day = hmac_sha256("AWS4" + key.secret, claim.day);
  const Sha256Digest of_region = hmac_sha256(view(of_day), region_);
  const Sha256Digest of_service = hmac_sha256(view(of_region), service_);
  const Sha256Digest of_request = hmac_sha256(view(of_service), kTerminator);
  return signing_keys_.emplace(name, KeyedHash(view(of_request))).first->second;
}

ApiError SignatureVerifier::mismatch() const {
  const std::string text(error_row(ErrorCode::invalid_signature).message);
  return {ErrorCode::invalid_signature, text,
          text + "\n\nThe Canonical String for this request should have been\n" +
              quoted(canonical_) + "\n\nThe String-to-Sign should have been\n" + quoted(to_sign_) +
              "\n"};
}

}  // namespace millrace
