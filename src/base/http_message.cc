#include "base/http_message.h"

#include <algorithm>

namespace millrace {

namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

bool same_name(std::string_view sent, std::string_view lower_case) {
  return sent.size() == lower_case.size() &&
         std::equal(sent.begin(), sent.end(), lower_case.begin(),
                    [](char a, char b) { return lower(a) == b; });
}

}  // namespace

std::string_view HttpRequest::field(std::string_view name) const {
  for (const HttpField& f : fields) {
    if (same_name(f.name, name)) return f.value;
  }
  return {};
}

bool HttpRequest::has_field(std::string_view name) const {
  return std::any_of(fields.begin(), fields.end(),
                     [&](const HttpField& f) { return same_name(f.name, name); });
}

}  // namespace millrace
