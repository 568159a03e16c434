// Texts of policies that stand for many: wildcards, policy variables, and ARNs compared part by
// part.
//
// `*` is any run of characters, `?` is one. In policies of the version 2012-10-17 `${key}` is the
// request's value of a condition key, `${key, 'text'}` the same with a value for when there is
// none, and `${*}`, `${?}`, `${$}` are the characters themselves. What a variable brings in is
// plain text, wildcards included. A pattern with a variable that has no value, or several, matches
// nothing. (IAM User Guide, "Variables and tags".) Immutable; any thread; matching allocates
// nothing.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/context_key.h"

namespace millrace {

/// How the text of a pattern is read.
struct PatternSyntax {
  bool wildcards = true;
  bool variables = true;
};

class Pattern {
 public:
  /// @return nothing when a `${` of it is no variable.
  static std::optional<Pattern> parse(std::string_view text, PatternSyntax syntax);

  bool matches(std::string_view text, const AccessRequest& request) const;
  /// The same for the letters of ASCII in any case.
  bool matches_ignoring_case(std::string_view text, const AccessRequest& request) const;

  bool has_variables() const { return has_variables_; }

 private:
  enum class Kind { literal, any_run, any_character, variable };
  struct Piece {
    Kind kind;
    std::string text;  // of a literal; of a variable what it is when the key has no value
    std::optional<ContextKey> key = {};
    bool has_default = false;
  };
  bool parse_variable(std::string_view inside);
  void add_literal(std::string_view text);
  std::optional<std::size_t> match_piece(const Piece& piece, std::string_view text,
                                         const AccessRequest& request, bool ignore_case) const;
  bool matches(std::string_view text, const AccessRequest& request, bool ignore_case) const;

  std::vector<Piece> pieces_;
  bool has_variables_ = false;
};

/// A pattern for ARNs: each of the six parts between colons is compared by itself, so that no
/// wildcard reaches over a colon but in the sixth, which holds the rest. Parts that are left out at
/// the end match anything, and so does the whole pattern `*`.
class ArnPattern {
 public:
  enum class Variables { none, in_last_part, in_every_part };
  /// @return nothing for what cannot be an ARN, and for a variable where it may not stand.
  static std::optional<ArnPattern> parse(std::string_view text, Variables variables);

  bool matches(std::string_view arn, const AccessRequest& request) const;

  bool has_variables() const;

 private:
  static constexpr std::size_t kParts = 6;
  bool everything_ = false;
  std::vector<Pattern> parts_;
};

}  // namespace millrace
