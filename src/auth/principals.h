// PrincipalList: the Principal or NotPrincipal of a statement, compiled. Immutable; any thread.
#pragma once

#include <string>
#include <vector>

#include <boost/json/value.hpp>

#include "auth/access_request.h"
#include "base/error.h"

namespace millrace {

class PrincipalList {
 public:
  /// @param value "*", or an object from AWS, Service, Federated or CanonicalUser to texts. The
  /// last two are taken and never match: nobody can ask as such.
  /// @return InvalidAttributeValue saying in its text what is wrong.
  static Expected<PrincipalList> parse(const boost::json::value& value);

  /// Whether `principal` is named.
  /// @param accounts_cover_members whether the name of an account stands for its users and roles
  /// too, and not just for its root.
  bool names(const Principal& principal, bool accounts_cover_members) const;

 private:
  enum class Kind { everybody, account, arn, unique_id, service, nobody };
  struct Entry {
    Kind kind;
    std::string text;
  };
  static std::optional<Entry> entry_of(std::string_view type, std::string_view text);
  static bool is_named(const Entry& entry, const Principal& principal, bool accounts_cover_members);

  std::vector<Entry> entries_;
};

}  // namespace millrace
