#include "server/browser_guard.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "auth/address_range.h"
#include "base/ascii.h"

namespace millrace {

namespace {

constexpr std::string_view kJsonType = "application/x-amz-json-1.0";

ApiError refused(std::string text) {
  return {ErrorCode::request_refused, std::move(text)};
}

bool is_loopback_address(std::string_view text) {
  const std::optional<IpAddress> address = IpAddress::parse(text);
  static const std::array kLoopback = {AddressRange::parse("127.0.0.0/8").value(),
                                       AddressRange::parse("::1").value()};
  return address && std::ranges::any_of(kLoopback, [&](const AddressRange& range) {
           return range.contains(*address);
         });
}

bool changes_nothing(const HttpRequest& request) {
  return request.method == "GET" || request.method == "HEAD";
}

Expected<void> check_site(const HttpRequest& request, const Origin& origin) {
  if (request.has_field("sec-fetch-site")) {
    if (request.field("sec-fetch-site") == "same-origin") return {};
    return refused("The request was started by another page than the console's.");
  }
  // Browsers leave the former out on plain HTTP, but say where a request that changes something
  // comes from.
  if (request.has_field("origin")) {
    std::string own = origin.secure ? "https://" : "http://";
    own += request.field("host");
    if (equal_ignoring_case(request.field("origin"), own)) return {};
    return refused("The request comes from " + std::string(request.field("origin")) +
                   ", but the console is at " + own +
                   ". Behind a proxy that speaks TLS, name the proxy in --trusted-proxies.");
  }
  if (changes_nothing(request)) return {};
  return refused("The request does not say which page it comes from.");
}

}  // namespace

BrowserGuard::BrowserGuard(const std::vector<std::string>& hosts) {
  for (const std::string& host : hosts) hosts_.push_back(to_lower(host));
}

bool BrowserGuard::is_browser(const HttpRequest& request) {
  return request.has_field("sec-fetch-site") || request.has_field("origin") ||
         request.has_field("cookie");
}

Expected<void> BrowserGuard::check_host(const HttpRequest& request) const {
  const std::string_view host = host_name(request.field("host"));
  if (IpAddress::parse(host) || equal_ignoring_case(host, "localhost")) return {};
  if (std::ranges::find(hosts_, to_lower(host)) != hosts_.end()) return {};
  return refused("The server is not known to browsers by the name \"" + std::string(host) +
                 "\". If it is yours, start the server with --console-host " + std::string(host) +
                 ".");
}

Expected<void> BrowserGuard::check(const HttpRequest& request, const Origin& origin) const {
  if (request.method == "OPTIONS") return refused("Other pages may ask nothing here.");
  if (const Expected<void> known = check_host(request); !known) return known;
  if (const Expected<void> own = check_site(request, origin); !own) return own;
  const std::string_view type = request.field("content-type");
  const bool json = type.substr(0, type.find(';')) == kJsonType;
  if (request.method == "POST" && !json) {
    return refused("Requests must be of the type " + std::string(kJsonType) + ".");
  }
  return {};
}

std::string_view host_name(std::string_view host) {
  if (host.starts_with('[')) return host.substr(1, std::min(host.find(']'), host.size()) - 1);
  return host.substr(0, host.find(':'));
}

bool is_loopback(const HttpRequest& request, const Origin& origin) {
  const std::string_view host = host_name(request.field("host"));
  return is_loopback_address(origin.address) &&
         (equal_ignoring_case(host, "localhost") || is_loopback_address(host));
}

}  // namespace millrace
