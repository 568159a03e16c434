#include "http/static_files.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace millrace {
namespace {

// "hello hello hello hello\n", as `gzip -9n` writes it.
constexpr std::string_view kPacked(
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xcb\x48\xcd\xc9\xc9\x57\xc8\x40\x27\xb9\x00\x00\x88"
    "\x59"
    "\x0b\x18\x00\x00\x00",
    29);

constexpr StaticFile kFiles[] = {
    {"assets/a-1.js", "tag1", {}, kPacked, "brotli of a"},
    {"assets/font.woff2", "tag2", "font", {}, {}},
    {"index.html", "tag3", {}, kPacked, "brotli of index"},
};

class StaticFilesTest : public ::testing::Test {
 protected:
  HttpResponse get(std::string_view path, std::vector<HttpField> fields = {}) {
    HttpRequest request;
    request.method = "GET";
    request.fields = std::move(fields);
    HttpResponse response;
    found_ = files_.answer(path, request, response);
    return response;
  }
  static std::string field(const HttpResponse& response, std::string_view name) {
    for (const auto& [key, value] : response.fields) {
      if (key == name) return value;
    }
    return {};
  }

  StaticFiles files_{std::span(kFiles)};
  bool found_ = false;
};

TEST_F(StaticFilesTest, TheBestFormThatTheClientTakesIsSent) {
  const HttpResponse brotli = get("index.html", {{"Accept-Encoding", "gzip, deflate, br"}});
  ASSERT_TRUE(found_);
  EXPECT_EQ(brotli.status, 200u);
  EXPECT_EQ(brotli.content_type, "text/html; charset=utf-8");
  EXPECT_EQ(field(brotli, "Content-Encoding"), "br");
  EXPECT_EQ(brotli.content().data(), kFiles[2].brotli.data()) << "sent from where it lies";
  EXPECT_EQ(field(brotli, "Vary"), "Accept-Encoding");

  const HttpResponse gzip = get("index.html", {{"Accept-Encoding", "GZIP;q=0.5, br;q=0"}});
  EXPECT_EQ(field(gzip, "Content-Encoding"), "gzip");
  EXPECT_EQ(gzip.content(), kPacked);
  EXPECT_EQ(field(get("index.html", {{"Accept-Encoding", "*"}}), "Content-Encoding"), "br");
  EXPECT_EQ(field(get("index.html", {{"Accept-Encoding", "br;q=0.0,*;q=0"}}), "Content-Encoding"),
            "");

  for (const std::string_view accepted : {"", "identity", "gzip;q=0", "deflate"}) {
    const HttpResponse plain = get("index.html", {{"Accept-Encoding", accepted}});
    EXPECT_EQ(field(plain, "Content-Encoding"), "") << accepted;
    EXPECT_EQ(plain.content(), "hello hello hello hello\n") << accepted;
  }
  const HttpResponse font = get("assets/font.woff2", {{"Accept-Encoding", "br, gzip"}});
  EXPECT_EQ(field(font, "Content-Encoding"), "");
  EXPECT_EQ(font.content(), "font");
  EXPECT_EQ(font.content_type, "font/woff2");
}

TEST_F(StaticFilesTest, WhatIsNamedByItsContentMayBeKeptForGood) {
  EXPECT_EQ(field(get("assets/a-1.js"), "Cache-Control"), "public, max-age=31536000, immutable");
  EXPECT_EQ(field(get("index.html"), "Cache-Control"), "no-cache");
  const HttpResponse same = get("index.html", {{"If-None-Match", "\"tag3\""}});
  EXPECT_EQ(same.status, 304u);
  EXPECT_EQ(same.content(), "");
  EXPECT_EQ(field(same, "ETag"), "\"tag3\"");
  EXPECT_EQ(get("index.html", {{"If-None-Match", "W/\"x\", \"tag3\""}}).status, 304u);
  EXPECT_EQ(get("index.html", {{"If-None-Match", "\"tag1\""}}).status, 200u);
}

TEST_F(StaticFilesTest, WhatIsNotThereIsNotFound) {
  for (const std::string_view path : {"", "index", "index.html/", "/index.html", "assets/",
                                      "../index.html", "assets/../index.html"}) {
    get(path);
    EXPECT_FALSE(found_) << path;
  }
}

TEST_F(StaticFilesTest, OfADirectoryNothingOutsideIsRead) {
  const std::filesystem::path folder =
      std::filesystem::path(::testing::TempDir()) / "static_files_test";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder / "dist/assets");
  std::ofstream(folder / "dist/index.html") << "page";
  std::ofstream(folder / "dist/assets/a.js") << "script";
  std::ofstream(folder / "dist/.env") << "hidden";
  std::ofstream(folder / "secret.txt") << "secret";
  std::filesystem::create_symlink(folder / "secret.txt", folder / "dist/link.txt");
  files_ = StaticFiles((folder / "dist").string());

  EXPECT_EQ(get("index.html").content(), "page");
  const HttpResponse script = get("assets/a.js");
  EXPECT_EQ(script.content(), "script");
  EXPECT_EQ(script.content_type, "text/javascript; charset=utf-8");
  const std::string tag = field(script, "ETag");
  EXPECT_EQ(get("assets/a.js", {{"If-None-Match", tag}}).status, 304u);
  for (const std::string_view path :
       {"../secret.txt", "assets/../../secret.txt", "link.txt", ".env", "assets", "", "/etc/passwd",
        "%2e%2e/secret.txt", "assets//a.js"}) {
    get(path);
    EXPECT_FALSE(found_) << path;
  }
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace millrace
