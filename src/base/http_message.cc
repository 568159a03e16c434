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

std::string_view HttpRequest::path() const {
  return target.substr(0, target.find('?'));
}

std::string_view HttpRequest::query() const {
  return target.substr(std::min(path().size() + 1, target.size()));
}

std::string_view query_value(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
    if (pair.size() > name.size() && pair.starts_with(name) && pair[name.size()] == '=') {
      return pair.substr(name.size() + 1);
    }
  }
  return {};
}

}  // namespace millrace
