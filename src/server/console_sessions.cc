#include "server/console_sessions.h"

#include <algorithm>

#include "base/limits.h"
#include "server/random_bytes.h"

namespace millrace {

namespace {

std::string bytes_text(const auto& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// A nonce is "<milliseconds>-<random>-<keyed hash of the two>".
constexpr char kSeparator = '-';

}  // namespace

ConsoleSessions::ConsoleSessions() : nonce_hash_(bytes_text(random_bytes<32>())) {}

std::string ConsoleSessions::make_nonce(Timestamp now) const {
  std::string nonce = std::to_string(now.milliseconds);
  nonce += kSeparator + to_hex(random_bytes<16>());
  return nonce + kSeparator + to_hex(nonce_hash_(nonce));
}

bool ConsoleSessions::use_nonce(std::string_view nonce, Timestamp now) {
  const std::size_t last = nonce.rfind(kSeparator);
  if (last == std::string_view::npos) return false;
  const std::string_view signed_part = nonce.substr(0, last);
  if (!equal_constant_time(nonce.substr(last + 1), to_hex(nonce_hash_(signed_part)))) return false;
  const auto made_at = parse_digits(nonce.substr(0, nonce.find(kSeparator)));
  if (!made_at) return false;
  const Timestamp ends_at = Timestamp{*made_at} + limits::kNonceAgeMax;
  if (now >= ends_at) return false;
  const std::scoped_lock lock(mutex_);
  std::erase_if(used_nonces_, [&](const auto& used) { return now >= used.second; });
  if (used_nonces_.size() >= limits::kNoncesUsedMax) return false;
  return used_nonces_.emplace(nonce, ends_at).second;
}

ConsoleSessions::Opened ConsoleSessions::open(const SignIn& sign_in, Timestamp now) {
  Opened opened{.cookie = secret_text(random_bytes<32>()), .session = {}};
  ConsoleSession& session = opened.session;
  session.id = to_hex(random_bytes<8>());
  session.csrf_token = to_hex(random_bytes<32>());
  session.access_key = sign_in.key.id;
  session.key_print = key_print(sign_in.key);
  session.source = sign_in.source;
  session.read_only = sign_in.read_only;
  session.created = now;
  session.last_used = now;
  const std::scoped_lock lock(mutex_);
  forget_ended(now);
  make_room(session.access_key);
  sessions_.emplace(bytes_text(sha256(opened.cookie)), session);
  return opened;
}

std::optional<ConsoleSession> ConsoleSessions::find(std::string_view cookie, Timestamp now) {
  if (cookie.empty()) return std::nullopt;
  const std::string hash = bytes_text(sha256(cookie));
  const std::scoped_lock lock(mutex_);
  const auto found = sessions_.find(hash);
  if (found == sessions_.end()) return std::nullopt;
  ConsoleSession& session = found->second;
  if (now >= session.expires_at()) {
    sessions_.erase(found);
    return std::nullopt;
  }
  session.last_used = now;
  return session;
}

bool ConsoleSessions::close(std::string_view id) {
  const std::scoped_lock lock(mutex_);
  return std::erase_if(sessions_, [&](const auto& one) { return one.second.id == id; }) != 0;
}

std::vector<ConsoleSession> ConsoleSessions::list(Timestamp now) {
  std::vector<ConsoleSession> listed;
  const std::scoped_lock lock(mutex_);
  forget_ended(now);
  for (const auto& [hash, session] : sessions_) listed.push_back(session);
  std::ranges::sort(listed, [](const ConsoleSession& a, const ConsoleSession& b) {
    return a.last_used != b.last_used ? a.last_used > b.last_used : a.id < b.id;
  });
  return listed;
}

void ConsoleSessions::forget_ended(Timestamp now) {
  std::erase_if(sessions_, [&](const auto& one) { return now >= one.second.expires_at(); });
}

void ConsoleSessions::make_room(std::string_view access_key) {
  const auto of_key = [&](const auto& one) { return one.second.access_key == access_key; };
  const auto count = static_cast<std::size_t>(std::ranges::count_if(sessions_, of_key));
  const bool key_is_full = count >= limits::kSessionsPerKeyMax;
  if (!key_is_full && sessions_.size() < limits::kSessionsMax) return;
  auto oldest = sessions_.end();
  for (auto at = sessions_.begin(); at != sessions_.end(); ++at) {
    if (key_is_full && !of_key(*at)) continue;
    if (oldest == sessions_.end() || at->second.last_used < oldest->second.last_used) oldest = at;
  }
  sessions_.erase(oldest);
}

}  // namespace millrace
