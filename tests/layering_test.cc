// Reads every #include under src/ against cmake/layers.txt and against the homes of the libraries,
// and says which line points the wrong way and what to do instead.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

const fs::path kSource = SOURCE_DIR;

struct Include {
  fs::path file;
  int line;
  std::string name;  // as written between the quotes or brackets
  bool quoted;
};

std::vector<Include> includes_under(const fs::path& folder) {
  static const std::regex pattern(R"re(^\s*#\s*include\s*([<"])([^>"]+)[>"])re");
  std::vector<Include> found;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const std::string extension = entry.path().extension();
    if (extension != ".h" && extension != ".cc") continue;
    std::ifstream in(entry.path());
    std::string text;
    for (int line = 1; std::getline(in, text); ++line) {
      std::smatch match;
      if (std::regex_search(text, match, pattern)) {
        found.push_back({fs::relative(entry.path(), kSource), line, match[2], match[1] == "\""});
      }
    }
  }
  return found;
}

std::map<std::string, std::set<std::string>> read_layers() {
  std::map<std::string, std::set<std::string>> layers;
  std::ifstream in(kSource / "cmake/layers.txt");
  std::string text;
  while (std::getline(in, text)) {
    const auto colon = text.find(':');
    if (text.empty() || text.front() == '#' || colon == std::string::npos) continue;
    std::istringstream below(text.substr(colon + 1));
    std::set<std::string>& allowed = layers[text.substr(0, colon)];
    for (std::string layer; below >> layer;) allowed.insert(layer);
  }
  return layers;
}

std::string layer_of(const fs::path& file) {
  return *std::next(file.begin());
}

bool is_test(const fs::path& file) {
  return file.stem().string().ends_with("_test");
}

std::string where(const Include& include) {
  return include.file.string() + ":" + std::to_string(include.line) + " includes " + include.name;
}

TEST(Layering, EveryFolderIsInTheTable) {
  const auto layers = read_layers();
  for (const auto& entry : fs::directory_iterator(kSource / "src")) {
    EXPECT_TRUE(layers.contains(entry.path().filename()))
        << entry.path() << " has no line in cmake/layers.txt";
  }
}

TEST(Layering, ArrowsPointDown) {
  const auto layers = read_layers();
  int looked_at = 0;
  for (const Include& include : includes_under(kSource / "src")) {
    if (!include.quoted) continue;
    const auto slash = include.name.find('/');
    if (slash == std::string::npos) {
      ADD_FAILURE() << where(include) << ": write the path from src/, as in \"base/check.h\"";
      continue;
    }
    const std::string from = layer_of(include.file);
    const std::string to = include.name.substr(0, slash);
    if (is_test(include.file) && to == "support") continue;
    ++looked_at;
    if (from == to) continue;
    const auto row = layers.find(from);
    EXPECT_TRUE(row != layers.end() && row->second.contains(to))
        << where(include) << ": " << from << " may not include " << to
        << ". Move what it needs further down, or pass it in from above.";
  }
  EXPECT_GT(looked_at, 20);
}

TEST(Layering, PureFoldersReachNoWorld) {
  const std::set<std::string> pure = {"base", "model", "api", "wire", "auth", "crypt", "queue"};
  const std::regex banned(
      R"(^(boost/asio|boost/beast|rocksdb/|rados/|liburing|thread$|mutex$|condition_variable$))");
  for (const Include& include : includes_under(kSource / "src")) {
    if (!pure.contains(layer_of(include.file)) || is_test(include.file)) continue;
    EXPECT_FALSE(std::regex_search(include.name, banned))
        << where(include) << ": this folder is pure; give it values and take values back";
  }
}

TEST(Layering, LibrariesHaveOneHome) {
  const std::vector<std::pair<std::regex, std::set<std::string>>> homes = {
      {std::regex("^rocksdb/"),
       {"src/storage/rows.cc", "src/storage/rados_file_system.h",
        "src/storage/rados_file_system.cc"}},
      {std::regex("^liburing"), {"src/storage/log_file.cc"}},
      {std::regex("^rados/"), {"src/storage/object_store.cc"}},
      {std::regex("^boost/beast"), {"src/cluster/forwarder.cc"}},
      {std::regex("^openssl/"),
       {"src/base/encoding.cc", "src/base/md5_lanes.cc", "src/crypt/cipher.cc",
        "src/http/tls_context.cc", "src/http/tls_stream.cc"}},
  };
  for (const Include& include : includes_under(kSource / "src")) {
    if (is_test(include.file)) continue;
    for (const auto& [library, files] : homes) {
      if (!std::regex_search(include.name, library)) continue;
      if (layer_of(include.file) == "http" && include.name.starts_with("boost/beast")) continue;
      EXPECT_TRUE(files.contains(include.file.string()))
          << where(include) << ": this library has its home elsewhere; use that module's interface";
    }
  }
}

}  // namespace
