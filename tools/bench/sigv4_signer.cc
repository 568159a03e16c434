#include "bench/sigv4_signer.h"

#include <array>
#include <utility>

#include "base/check.h"

namespace millrace::bench {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
constexpr std::size_t kDayLength = 8;
constexpr std::size_t kDateLength = 16;

std::string_view as_text(const Sha256Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

}  // namespace

Signer::Signer(Credentials credentials) : credentials_(std::move(credentials)) {}

void Signer::append_fields(std::string& out, const SignedRequest& request, std::string_view date) {
  CHECK(date.size() == kDateLength);
  if (day_ != date.substr(0, kDayLength)) {
    day_ = date.substr(0, kDayLength);
    scope_ = day_ + "/" + credentials_.region + "/sqs/aws4_request";
    Sha256Digest key = hmac_sha256("AWS4" + credentials_.secret_key, day_);
    for (const std::string_view part :
         {std::string_view(credentials_.region), std::string_view("sqs"),
          std::string_view("aws4_request")}) {
      key = hmac_sha256(as_text(key), part);
    }
    signing_key_.emplace(as_text(key));
  }
  const std::string_view names = request.target.empty()
                                     ? "content-type;host;x-amz-date"
                                     : "content-type;host;x-amz-date;x-amz-target";
  canonical_ = "POST\n/\n\ncontent-type:";
  canonical_.append(request.content_type).append("\nhost:").append(request.host);
  canonical_.append("\nx-amz-date:").append(date);
  if (!request.target.empty()) {
    canonical_.append("\nx-amz-target:").append(request.target);
  }
  canonical_.append("\n\n").append(names).append("\n");
  append_hex(canonical_, sha256(request.body));
  const Sha256Digest canonical_hash = sha256(canonical_);

  canonical_ = kAlgorithm;
  canonical_.append("\n").append(date).append("\n").append(scope_).append("\n");
  append_hex(canonical_, canonical_hash);

  out.append("X-Amz-Date: ").append(date).append("\r\nAuthorization: ").append(kAlgorithm);
  out.append(" Credential=").append(credentials_.access_key).append("/").append(scope_);
  out.append(", SignedHeaders=").append(names).append(", Signature=");
  append_hex(out, (*signing_key_)(canonical_));
  out.append("\r\n");
}

std::string signature_date(std::time_t moment) {
  std::tm parts{};
  gmtime_r(&moment, &parts);
  std::array<char, kDateLength + 1> text{};
  CHECK(std::strftime(text.data(), text.size(), "%Y%m%dT%H%M%SZ", &parts) == kDateLength);
  return std::string(text.data(), kDateLength);
}

}  // namespace millrace::bench
