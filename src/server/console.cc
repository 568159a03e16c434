#include "server/console.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "base/encoding.h"
#include "base/limits.h"
#include "server/console_files.h"
#include "server/random_bytes.h"

namespace millrace {

namespace {

/// The parts of "https://host:port/path", which config.cc has checked; both may be empty.
struct PublicUrl {
  std::string_view host;
  std::string_view path;  // without a slash at its end

  explicit PublicUrl(std::string_view url) {
    constexpr std::string_view kBehindScheme = "://";
    const std::size_t scheme = url.find(kBehindScheme);
    if (scheme == std::string_view::npos) return;
    url.remove_prefix(scheme + kBehindScheme.size());
    const std::size_t slash = std::min(url.find('/'), url.size());
    host = host_name(url.substr(0, slash));
    path = url.substr(slash);
    while (path.ends_with('/')) path.remove_suffix(1);
  }
};

StaticFiles files_of(const ServeOptions& options) {
  if (!options.console_directory.empty()) return StaticFiles(options.console_directory);
  return StaticFiles(console_files());
}

constexpr RateLimit kSignIns{.per_second = limits::kSignInsPerSecond,
                             .burst_seconds = limits::kSignInBurst};

}  // namespace

BrowserGuard browser_guard_of(const ServeOptions& options) {
  std::vector<std::string> hosts = options.console_hosts;
  const PublicUrl url(options.public_url);
  if (!url.host.empty()) hosts.emplace_back(url.host);
  return BrowserGuard(hosts);
}

Console::Console(const ServeOptions& options, AccessKeys keys)
    : files(files_of(options)),
      guard(browser_guard_of(options)),
      cookie_path(std::string(PublicUrl(options.public_url).path) + "/console/api/"),
      development_token(to_hex(random_bytes<32>())),
      allow_http(options.console_allow_http),
      sign_ins_of_source(kSignIns, limits::kRateBucketsMax),
      sign_ins_of_key(kSignIns, limits::kRateBucketsMax),
      access_keys(std::move(keys)) {}

}  // namespace millrace
