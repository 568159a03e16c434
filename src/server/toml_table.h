// TomlTable: a table of a TOML file that people write, and how to speak of what is wrong in it; and
// how texts and moments are written into such a file.
//
// Values; one thread at a time.
#pragma once

#include <toml++/toml.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "server/start_error.h"

namespace millrace {

/// Reads `text`, the content of the file `path`. @return a StartError that names the line of what
/// is no TOML.
StartResult<toml::table> parse_toml(std::string_view text, const std::string& path);

class TomlTable {
 public:
  /// Both outlive this.
  TomlTable(const toml::table& table, const std::string& path) : table_(table), path_(path) {}

  /// An error that begins with the place of `node`, or of the table.
  StartError wrong(const toml::node& node, const std::string& what) const;
  StartError wrong(const std::string& what) const { return wrong(table_, what); }

  /// @return a StartError for a key that is none of `known`.
  StartResult<void> check_keys(std::span<const std::string_view> known) const;

  /// Each reads the value of `key`, if it is there. @return a StartError where it is of another
  /// kind.
  StartResult<void> read(std::string_view key, std::string& into) const;
  StartResult<void> read(std::string_view key, bool& into) const;
  StartResult<void> read(std::string_view key, std::int64_t& into) const;
  StartResult<void> read(std::string_view key, std::optional<Timestamp>& into) const;
  StartResult<void> read(std::string_view key, std::vector<std::string>& into) const;

  /// Calls `each` with every table of the list `key`.
  template <class Each>
  StartResult<void> for_each(std::string_view key, Each each) const {
    const toml::node* node = table_.get(key);
    if (node == nullptr) return {};
    const toml::array* array = node->as_array();
    if (array == nullptr || !array->is_homogeneous(toml::node_type::table)) {
      return wrong(*node, std::string(key) + " must be tables, written in [[ ]], one each");
    }
    for (const toml::node& element : *array) {
      if (const StartResult<void> read = each(TomlTable(*element.as_table(), path_)); !read) {
        return read.error();
      }
    }
    return {};
  }

 private:
  const toml::table& table_;
  const std::string& path_;
};

/// `text` as a TOML string: in quotes, with every control character escaped.
std::string toml_string(std::string_view text);
/// "2027-01-01T00:00:00Z"
std::string moment_text(Timestamp moment);
/// Appends a line `key = "value"`, unless the value is empty.
void append_toml(std::string& out, std::string_view key, const std::string& value);

}  // namespace millrace
