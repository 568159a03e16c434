// Fuzzes the verification of presigned URLs. The input is a target; one without a parameter of a
// signature is nobody's.
#include <cstdint>
#include <string_view>

#include "auth/sigv4.h"
#include "signed_requests.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace millrace;
  HttpRequest request;
  request.method = "GET";
  request.target = std::string_view(reinterpret_cast<const char*>(data), size);
  request.fields = {{"Host", "sqs.us-east-1.amazonaws.com"}};
  if (SignatureVerifier::is_signed(request)) {
    check_verification(request);
  } else {
    CHECK(query_value(request.query(), "X-Amz-Signature").empty());
  }
  return 0;
}
