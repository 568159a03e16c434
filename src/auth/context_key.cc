#include "auth/context_key.h"

#include <algorithm>
#include <charconv>
#include <chrono>

#include "base/ascii.h"

namespace millrace {

struct ContextKeyRow {
  std::string_view name;  // lower case; of tags it ends in '/'
  void (*look_up)(const AccessRequest& request, std::string_view tag, KeyValues& values);
};

namespace {

using Request = AccessRequest;

// How many seconds have passed since `moment`; nothing when that is not known.
void set_age(Timestamp now, std::optional<Timestamp> moment, KeyValues& values) {
  if (moment) values.set_number((now - *moment) / seconds(1));
}

void set_flag(bool flag, KeyValues& values) {
  values.set(std::string_view(flag ? "true" : "false"));
}

// Tag keys, like all condition keys, are compared without regard to case.
void set_tag(const TagMap* tags, std::string_view lower_key, KeyValues& values) {
  if (tags == nullptr) return;
  const auto found = std::ranges::find_if(
      *tags, [&](const auto& tag) { return equal_ignoring_case(tag.first, lower_key); });
  if (found != tags->end()) values.set(std::string_view(found->second));
}

// What requests of services and of nobody have not.
bool is_iam(const Principal& principal) {
  return principal.kind != PrincipalKind::anonymous && principal.kind != PrincipalKind::service;
}

std::string_view type_of(PrincipalKind kind) {
  switch (kind) {
    case PrincipalKind::anonymous:
      return "Anonymous";
    case PrincipalKind::root:
      return "Account";
    case PrincipalKind::user:
      return "User";
    case PrincipalKind::assumed_role:
      return "AssumedRole";
    case PrincipalKind::federated_user:
      return "FederatedUser";
    case PrincipalKind::service:
      return {};
  }
  return {};
}

void set_principal_arn(const Request& request, KeyValues& values) {
  const Principal& principal = request.principal;
  const bool role = principal.kind == PrincipalKind::assumed_role;
  values.set_known(role ? principal.role_arn : principal.arn);
}

void set_user_id(const Request& request, KeyValues& values) {
  const bool anonymous = request.principal.kind == PrincipalKind::anonymous;
  values.set_known(anonymous ? std::string_view("anonymous") : request.principal.id);
}

// THE TABLE OF CONDITION KEYS. Keys of credentials are there only with the kinds of credentials
// that have them: aws:username with a user's, the age of a token or of a second factor with
// temporary ones.
constexpr ContextKeyRow kKeys[] = {
    {"aws:currenttime",
     [](const Request& r, std::string_view, KeyValues& v) { v.set_time(r.now); }},
    {"aws:epochtime", [](const Request& r, std::string_view,
                         KeyValues& v) { v.set_number(r.now.milliseconds / seconds(1)); }},
    {"aws:multifactorauthage", [](const Request& r, std::string_view,
                                  KeyValues& v) { set_age(r.now, r.principal.mfa_performed, v); }},
    {"aws:multifactorauthpresent",
     [](const Request& r, std::string_view, KeyValues& v) {
       if (r.principal.token_issued) set_flag(r.principal.mfa_performed.has_value(), v);
     }},
    {"aws:principalaccount",
     [](const Request& r, std::string_view, KeyValues& v) { v.set_known(r.principal.account); }},
    {"aws:principalarn",
     [](const Request& r, std::string_view, KeyValues& v) { set_principal_arn(r, v); }},
    {"aws:principalisawsservice",
     [](const Request& r, std::string_view, KeyValues& v) {
       set_flag(r.principal.kind == PrincipalKind::service, v);
     }},
    {"aws:principalorgid", [](const Request& r, std::string_view,
                              KeyValues& v) { v.set_known(r.principal.organization); }},
    {"aws:principalservicename",
     [](const Request& r, std::string_view, KeyValues& v) {
       if (r.principal.kind == PrincipalKind::service) v.set_known(r.principal.name);
     }},
    {"aws:principaltag/", [](const Request& r, std::string_view tag,
                             KeyValues& v) { set_tag(r.principal.tags, tag, v); }},
    {"aws:principaltype", [](const Request& r, std::string_view,
                             KeyValues& v) { v.set_known(type_of(r.principal.kind)); }},
    {"aws:referer",
     [](const Request& r, std::string_view, KeyValues& v) { v.set_known(r.referer); }},
    {"aws:requestedregion", [](const Request& r, std::string_view,
                               KeyValues& v) { v.set_known(region_of_arn(r.resource)); }},
    {"aws:requesttag/",
     [](const Request& r, std::string_view tag, KeyValues& v) { set_tag(r.request_tags, tag, v); }},
    {"aws:resourceaccount", [](const Request& r, std::string_view,
                               KeyValues& v) { v.set_known(account_of_arn(r.resource)); }},
    {"aws:resourcetag/", [](const Request& r, std::string_view tag,
                            KeyValues& v) { set_tag(r.resource_tags, tag, v); }},
    {"aws:securetransport",
     [](const Request& r, std::string_view, KeyValues& v) { set_flag(r.secure_transport, v); }},
    {"aws:sourceaccount",
     [](const Request& r, std::string_view, KeyValues& v) { v.set_known(r.source_account); }},
    {"aws:sourcearn",
     [](const Request& r, std::string_view, KeyValues& v) { v.set_known(r.source_arn); }},
    {"aws:sourceip",
     [](const Request& r, std::string_view, KeyValues& v) { v.set_known(r.source_ip); }},
    {"aws:sourcevpce",
     [](const Request& r, std::string_view, KeyValues& v) { v.set_known(r.source_vpce); }},
    {"aws:tagkeys", [](const Request& r, std::string_view, KeyValues& v) { v.set(r.tag_keys); }},
    {"aws:tokenage", [](const Request& r, std::string_view,
                        KeyValues& v) { set_age(r.now, r.principal.token_issued, v); }},
    {"aws:tokenissuetime",
     [](const Request& r, std::string_view, KeyValues& v) {
       if (r.principal.token_issued) v.set_time(*r.principal.token_issued);
     }},
    {"aws:useragent",
     [](const Request& r, std::string_view, KeyValues& v) { v.set_known(r.user_agent); }},
    {"aws:userid", [](const Request& r, std::string_view, KeyValues& v) { set_user_id(r, v); }},
    {"aws:username",
     [](const Request& r, std::string_view, KeyValues& v) {
       if (r.principal.kind == PrincipalKind::user) v.set_known(r.principal.name);
     }},
    {"aws:viaawsservice",
     [](const Request& r, std::string_view, KeyValues& v) {
       if (is_iam(r.principal)) set_flag(false, v);
     }},
};

}  // namespace

void KeyValues::set(std::string_view value) {
  has_one_ = true;
  one_ = value;
}

void KeyValues::set_known(std::string_view value) {
  if (!value.empty()) set(value);
}

void KeyValues::set_number(std::int64_t number) {
  const auto end = std::to_chars(text_.data(), text_.data() + text_.size(), number).ptr;
  set(std::string_view(text_.data(), end));
}

void KeyValues::set_time(Timestamp moment) {
  namespace chrono = std::chrono;
  const chrono::sys_time<chrono::milliseconds> time{chrono::milliseconds(moment.milliseconds)};
  const auto day = chrono::floor<chrono::days>(time);
  const chrono::year_month_day date(day);
  const chrono::hh_mm_ss clock(chrono::floor<chrono::seconds>(time - day));
  char* out = text_.data();
  const auto digits = [&](std::int64_t number, int count, char behind) {
    for (int i = count - 1; i >= 0; --i, number /= 10) {
      out[i] = static_cast<char>('0' + number % 10);
    }
    out[count] = behind;
    out += count + 1;
  };
  digits(static_cast<int>(date.year()), 4, '-');
  digits(static_cast<unsigned>(date.month()), 2, '-');
  digits(static_cast<unsigned>(date.day()), 2, 'T');
  digits(clock.hours().count(), 2, ':');
  digits(clock.minutes().count(), 2, ':');
  digits(clock.seconds().count(), 2, 'Z');
  set(std::string_view(text_.data(), out));
}

ContextKey::ContextKey(std::string_view name) : row_(nullptr), name_(to_lower(name)) {
  for (const ContextKeyRow& row : kKeys) {
    const bool tags = row.name.ends_with('/');
    if (tags ? name_.starts_with(row.name) : name_ == row.name) {
      row_ = &row;
      name_.erase(0, row.name.size());
      return;
    }
  }
}

void ContextKey::look_up(const AccessRequest& request, KeyValues& values) const {
  if (row_ != nullptr) return row_->look_up(request, name_, values);
  for (const ContextFact& fact : request.others) {
    if (equal_ignoring_case(fact.key, name_)) return values.set(fact.values);
  }
}

}  // namespace millrace
