#include "policy/facts.h"

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <stdexcept>

#include "auth/date_text.h"

namespace millrace::policy_tests {

namespace {

constexpr Timestamp kNow{1'790'000'000'000};  // 2026-09-21T14:13:20Z

struct NamedCaller {
  std::string_view name;
  Principal principal;
};

Principal principal_of(PrincipalKind kind, std::string_view account, std::string_view arn,
                       std::string_view role_arn, std::string_view name, std::string_view id) {
  Principal principal;
  principal.kind = kind;
  principal.account = account;
  principal.arn = arn;
  principal.role_arn = role_arn;
  principal.name = name;
  principal.id = id;
  return principal;
}

const std::vector<NamedCaller>& named_callers() {
  using enum PrincipalKind;
  constexpr std::string_view kOwn = "111122223333";
  constexpr std::string_view kOther = "444455556666";
  static const std::vector<NamedCaller> kCallers = {
      {"root", principal_of(root, kOwn, "arn:aws:iam::111122223333:root", {}, {}, kOwn)},
      {"alice", principal_of(user, kOwn, "arn:aws:iam::111122223333:user/team/alice", {}, "alice",
                             "AIDAALICEALICEALICE0")},
      {"bob", principal_of(user, kOwn, "arn:aws:iam::111122223333:user/bob", {}, "bob",
                           "AIDABOBBOBBOBBOBBOB0")},
      {"worker",
       principal_of(assumed_role, kOwn, "arn:aws:sts::111122223333:assumed-role/worker/night",
                    "arn:aws:iam::111122223333:role/app/worker", {}, "AROAWORKERWORKERWOR0:night")},
      {"visitor",
       principal_of(federated_user, kOwn, "arn:aws:sts::111122223333:federated-user/visitor", {},
                    {}, "111122223333:visitor")},
      {"other-root", principal_of(root, kOther, "arn:aws:iam::444455556666:root", {}, {}, kOther)},
      {"other-user", principal_of(user, kOther, "arn:aws:iam::444455556666:user/carol", {}, "carol",
                                  "AIDACAROLCAROLCAROL0")},
      {"other-role",
       principal_of(assumed_role, kOther, "arn:aws:sts::444455556666:assumed-role/fetch/run",
                    "arn:aws:iam::444455556666:role/fetch", {}, "AROAFETCHFETCHFETCH0:run")},
      {"sns", principal_of(service, {}, {}, {}, "sns.amazonaws.com", {})},
      {"nobody", principal_of(anonymous, {}, {}, {}, {}, {})},
  };
  return kCallers;
}

std::vector<std::string> split_at_commas(const std::string& text) {
  std::vector<std::string> parts;
  std::size_t from = 0;
  while (from <= text.size() && !text.empty()) {
    const std::size_t comma = std::min(text.find(',', from), text.size());
    parts.push_back(text.substr(from, comma - from));
    from = comma + 1;
  }
  return parts;
}

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

std::string date_of(Timestamp moment) {
  const std::time_t time = moment.milliseconds / 1000;
  std::tm parts{};
  gmtime_r(&time, &parts);
  std::string text(32, '\0');
  text.resize(std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts));
  return text;
}

}  // namespace

const std::vector<std::string>& Facts::callers() {
  static const std::vector<std::string> kNames = [] {
    std::vector<std::string> names;
    for (const NamedCaller& caller : named_callers()) names.emplace_back(caller.name);
    return names;
  }();
  return kNames;
}

Facts::Facts(std::string_view caller) {
  const auto& all = named_callers();
  const auto found = std::ranges::find(all, caller, &NamedCaller::name);
  if (found == all.end()) throw std::invalid_argument("no caller " + std::string(caller));
  request_.principal = found->principal;
  request_.now = kNow;
  texts_["resource"] = kQueue;
}

void Facts::set(const std::string& name, const std::string& value) {
  const auto seconds_ago = [&] { return request_.now - seconds(std::stoll(value)); };
  if (name == "now") {
    request_.now = parse_date_text(value).value();
  } else if (name == "tls") {
    request_.secure_transport = value == "yes";
  } else if (name == "token") {
    request_.principal.token_issued = seconds_ago();
  } else if (name == "mfa") {
    request_.principal.mfa_performed = seconds_ago();
  } else if (name == "keys") {
    tag_keys_ = split_at_commas(value);
  } else if (name.starts_with("rtag/")) {
    request_tags_[name.substr(5)] = value;
  } else if (name.starts_with("qtag/")) {
    queue_tags_[name.substr(5)] = value;
  } else if (name.starts_with("ptag/")) {
    caller_tags_[name.substr(5)] = value;
  } else if (name.find(':') != std::string::npos) {
    other_values_[name] = split_at_commas(value);
  } else {
    for (const char* known :
         {"ip", "agent", "referer", "vpce", "org", "source-arn", "source-account", "resource"}) {
      if (name == known) {
        texts_[name] = value;
        return;
      }
    }
    throw std::invalid_argument("no fact " + name);
  }
}

const AccessRequest& Facts::request() {
  request_.resource = texts_["resource"];
  request_.source_ip = texts_["ip"];
  request_.user_agent = texts_["agent"];
  request_.referer = texts_["referer"];
  request_.source_vpce = texts_["vpce"];
  request_.source_arn = texts_["source-arn"];
  request_.source_account = texts_["source-account"];
  request_.principal.organization = texts_["org"];
  request_.principal.tags = &caller_tags_;
  request_.request_tags = &request_tags_;
  request_.resource_tags = &queue_tags_;
  request_.tag_keys = tag_keys_;
  others_.clear();
  for (const auto& [key, values] : other_values_) others_.push_back({key, values});
  request_.others = others_;
  return request_;
}

Context Facts::context() {
  Context context;
  const auto add = [&](const std::string& key, std::string_view value) {
    if (!value.empty()) context[key] = {std::string(value)};
  };
  const auto add_tags = [&](const std::string& prefix, const TagMap& tags) {
    for (const auto& [key, value] : tags) context[prefix + lower(key)] = {value};
  };
  const auto add_age = [&](const std::string& key, std::optional<Timestamp> moment) {
    if (moment) add(key, std::to_string((request_.now - *moment) / 1000));
  };
  for (const auto& [key, values] : other_values_) context[lower(key)] = values;

  const Principal& principal = request_.principal;
  const bool role = principal.kind == PrincipalKind::assumed_role;
  const bool service = principal.kind == PrincipalKind::service;
  const bool nobody = principal.kind == PrincipalKind::anonymous;
  static const std::map<PrincipalKind, std::string> kTypes = {
      {PrincipalKind::anonymous, "Anonymous"},
      {PrincipalKind::root, "Account"},
      {PrincipalKind::user, "User"},
      {PrincipalKind::assumed_role, "AssumedRole"},
      {PrincipalKind::service, ""},
      {PrincipalKind::federated_user, "FederatedUser"}};
  add("aws:principaltype", kTypes.at(principal.kind));
  add("aws:principalarn", role ? principal.role_arn : principal.arn);
  add("aws:principalaccount", principal.account);
  add("aws:principalorgid", texts_["org"]);
  add("aws:principalisawsservice", service ? "true" : "false");
  if (service) add("aws:principalservicename", principal.name);
  if (!service && !nobody) add("aws:viaawsservice", "false");
  if (principal.kind == PrincipalKind::user) add("aws:username", principal.name);
  add("aws:userid", nobody ? "anonymous" : principal.id);
  if (principal.token_issued) {
    add("aws:tokenissuetime", date_of(*principal.token_issued));
    add("aws:multifactorauthpresent", principal.mfa_performed ? "true" : "false");
  }
  add_age("aws:tokenage", principal.token_issued);
  add_age("aws:multifactorauthage", principal.mfa_performed);
  add_tags("aws:principaltag/", caller_tags_);

  add("aws:currenttime", date_of(request_.now));
  add("aws:epochtime", std::to_string(request_.now.milliseconds / 1000));
  add("aws:securetransport", request_.secure_transport ? "true" : "false");
  add("aws:sourceip", texts_["ip"]);
  add("aws:useragent", texts_["agent"]);
  add("aws:referer", texts_["referer"]);
  add("aws:sourcevpce", texts_["vpce"]);
  add("aws:sourcearn", texts_["source-arn"]);
  add("aws:sourceaccount", texts_["source-account"]);
  add("aws:requestedregion", "eu-west-1");
  add("aws:resourceaccount", "111122223333");
  add_tags("aws:requesttag/", request_tags_);
  add_tags("aws:resourcetag/", queue_tags_);
  if (!tag_keys_.empty()) context["aws:tagkeys"] = tag_keys_;
  std::erase_if(context, [](const auto& entry) { return entry.second.empty(); });
  return context;
}

}  // namespace millrace::policy_tests
