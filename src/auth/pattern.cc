#include "auth/pattern.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/ascii.h"

namespace millrace {

namespace {

std::string_view trim(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

// How many bytes the UTF-8 character at the start of `text`, which is not empty, has.
std::size_t character_size(std::string_view text) {
  const auto continues = [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; };
  std::size_t size = 1;
  while (size < text.size() && continues(text[size])) ++size;
  return size;
}

// The first colon of `text` that is not part of a variable.
std::size_t colon_outside_variables(std::string_view text) {
  std::size_t from = 0;
  for (;;) {
    const std::size_t colon = text.find(':', from);
    const std::size_t variable = text.find("${", from);
    if (variable >= colon) return colon;
    from = text.find('}', variable);
    if (from == std::string_view::npos) return from;
  }
}

// The parts between the first colons; the last one has the rest, colons included.
// @return how many parts there are.
template <std::size_t count>
std::size_t split_arn(std::string_view text, bool variables,
                      std::array<std::string_view, count>& parts) {
  for (std::size_t i = 0; i < count; ++i) {
    std::size_t colon = std::string_view::npos;
    if (i + 1 < count) colon = variables ? colon_outside_variables(text) : text.find(':');
    parts[i] = text.substr(0, colon);
    if (colon == std::string_view::npos) return i + 1;
    text.remove_prefix(colon + 1);
  }
  return count;
}

}  // namespace

void Pattern::add_literal(std::string_view text) {
  if (!pieces_.empty() && pieces_.back().kind == Kind::literal) {
    pieces_.back().text.append(text);
  } else {
    pieces_.push_back({Kind::literal, std::string(text)});
  }
}

// @param inside what stands between the braces.
bool Pattern::parse_variable(std::string_view inside) {
  if (inside == "*" || inside == "?" || inside == "$") {
    add_literal(inside);
    return true;
  }
  const std::size_t comma = inside.find(',');
  const std::string_view key = trim(inside.substr(0, comma));
  const auto allowed = [](char c) { return c > ' ' && c < '\x7F' && c != '$' && c != '{'; };
  if (key.empty() || !std::ranges::all_of(key, allowed)) return false;
  Piece piece{Kind::variable, {}, ContextKey(key)};
  if (comma != std::string_view::npos) {
    const std::string_view quoted = trim(inside.substr(comma + 1));
    if (quoted.size() < 2 || !quoted.starts_with('\'') || !quoted.ends_with('\'')) return false;
    piece.text = quoted.substr(1, quoted.size() - 2);
    piece.has_default = true;
  }
  pieces_.push_back(std::move(piece));
  has_variables_ = true;
  return true;
}

std::optional<Pattern> Pattern::parse(std::string_view text, PatternSyntax syntax) {
  Pattern pattern;
  while (!text.empty()) {
    std::size_t taken = 1;
    if (syntax.variables && text.starts_with("${")) {
      const std::size_t end = text.find('}');
      if (end == std::string_view::npos || !pattern.parse_variable(text.substr(2, end - 2))) {
        return std::nullopt;
      }
      taken = end + 1;
    } else if (syntax.wildcards && text.front() == '*') {
      const bool repeated =
          !pattern.pieces_.empty() && pattern.pieces_.back().kind == Kind::any_run;
      if (!repeated) pattern.pieces_.push_back({Kind::any_run, {}});
    } else if (syntax.wildcards && text.front() == '?') {
      pattern.pieces_.push_back({Kind::any_character, {}});
    } else {
      pattern.add_literal(text.substr(0, 1));
    }
    text.remove_prefix(taken);
  }
  return pattern;
}

// How much of the start of `text` the piece, which is no run, takes up; nothing when it differs.
std::optional<std::size_t> Pattern::match_piece(const Piece& piece, std::string_view text,
                                                const AccessRequest& request,
                                                bool ignore_case) const {
  if (piece.kind == Kind::any_character) {
    if (text.empty()) return std::nullopt;
    return character_size(text);
  }
  std::string_view wanted = piece.text;
  KeyValues values;
  if (piece.kind == Kind::variable) {
    piece.key->look_up(request, values);
    if (values.size() == 1) {
      wanted = values[0];
    } else if (!piece.has_default) {
      return std::nullopt;
    }
  }
  const std::string_view start = text.substr(0, wanted.size());
  const bool same = ignore_case ? equal_ignoring_case(start, wanted) : start == wanted;
  if (!same) return std::nullopt;
  return wanted.size();
}

// Matches what stands between two runs at the first place where it fits: if the rest does not fit
// behind that, it does not fit behind a later one either, so only the last run is ever lengthened.
bool Pattern::matches(std::string_view text, const AccessRequest& request, bool ignore_case) const {
  std::size_t piece = 0;
  std::size_t position = 0;
  std::size_t after_run = 0;  // the piece behind the last run; 0: there was none
  std::size_t run_end = 0;    // where that run ends in the text
  for (;;) {
    if (piece < pieces_.size() && pieces_[piece].kind == Kind::any_run) {
      after_run = ++piece;
      run_end = position;
      if (piece == pieces_.size()) return true;
      continue;
    }
    if (piece == pieces_.size()) {
      if (position == text.size()) return true;
    } else if (const std::optional<std::size_t> size =
                   match_piece(pieces_[piece], text.substr(position), request, ignore_case);
               size) {
      ++piece;
      position += *size;
      continue;
    }
    if (after_run == 0 || run_end == text.size()) return false;
    run_end += character_size(text.substr(run_end));
    piece = after_run;
    position = run_end;
  }
}

bool Pattern::matches(std::string_view text, const AccessRequest& request) const {
  return matches(text, request, false);
}

bool Pattern::matches_ignoring_case(std::string_view text, const AccessRequest& request) const {
  return matches(text, request, true);
}

std::optional<ArnPattern> ArnPattern::parse(std::string_view text, Variables variables) {
  ArnPattern pattern;
  pattern.everything_ = text == "*";
  if (pattern.everything_) return pattern;
  std::array<std::string_view, kParts> parts;
  const std::size_t count = split_arn(text, variables != Variables::none, parts);
  if (count < 2) return std::nullopt;
  for (std::size_t i = 0; i < count; ++i) {
    const bool here = variables == Variables::in_every_part ||
                      (variables == Variables::in_last_part && i + 1 == kParts);
    if (!here && variables != Variables::none && parts[i].find("${") != std::string_view::npos) {
      return std::nullopt;
    }
    std::optional<Pattern> part = Pattern::parse(parts[i], {.wildcards = true, .variables = here});
    if (!part) return std::nullopt;
    pattern.parts_.push_back(std::move(*part));
  }
  if (!pattern.parts_.front().has_variables() && !pattern.parts_.front().matches("arn", {})) {
    return std::nullopt;
  }
  return pattern;
}

bool ArnPattern::has_variables() const {
  return std::ranges::any_of(parts_, &Pattern::has_variables);
}

bool ArnPattern::matches(std::string_view arn, const AccessRequest& request) const {
  if (everything_) return true;
  std::array<std::string_view, kParts> parts;
  if (split_arn(arn, false, parts) != kParts) return false;
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    if (!parts_[i].matches(parts[i], request)) return false;
  }
  return true;
}

}  // namespace millrace
