// Fuzzes the verification of signed headers. The lines of the input are the target, the fields
// Authorization and X-Amz-Date, other fields as "name:value", and after an empty line the body.
#include <cstdint>
#include <string_view>

#include "auth/sigv4.h"
#include "signed_requests.h"

namespace millrace {
namespace {

std::string_view cut_line(std::string_view& text) {
  const std::string_view line = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(line.size() + 1, text.size()));
  return line;
}

void verify(std::string_view input) {
  HttpRequest request;
  request.method = "POST";
  request.target = cut_line(input);
  request.fields.push_back({"Authorization", cut_line(input)});
  request.fields.push_back({"X-Amz-Date", cut_line(input)});
  while (!input.empty()) {
    std::string_view value = cut_line(input);
    if (value.empty()) break;
    const std::string_view name = value.substr(0, value.find(':'));
    value.remove_prefix(std::min(name.size() + 1, value.size()));
    request.fields.push_back({name, value});
  }
  request.body = input;
  check_verification(request);
}

}  // namespace
}  // namespace millrace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  millrace::verify(std::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
