#include "http/reply_head.h"

#include <gtest/gtest.h>

#include <string>

namespace millrace {
namespace {

constexpr std::string_view kDate = "Mon, 23 Nov 2026 17:49:02 GMT";

std::string head_of(const HttpResponse& response,
                    ConnectionOption connection = ConnectionOption::none) {
  std::string head;
  append_reply_head(head, response, kDate, connection);
  return head;
}

TEST(ReplyHead, SaysDatesInTheFixedForm) {
  EXPECT_EQ(http_date(Timestamp{0}), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(http_date(Timestamp{784111777999}), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(http_date(Timestamp{1709251199000}), "Thu, 29 Feb 2024 23:59:59 GMT");
}

TEST(ReplyHead, HoldsWhatTheResponseHolds) {
  HttpResponse response;
  response.status = 404;
  response.content_type = "application/x-amz-json-1.0";
  response.fields.emplace_back("x-amzn-RequestId", "abc");
  response.body = "hello";
  EXPECT_EQ(head_of(response, ConnectionOption::close),
            "HTTP/1.1 404 Not Found\r\n"
            "Date: Mon, 23 Nov 2026 17:49:02 GMT\r\n"
            "Content-Type: application/x-amz-json-1.0\r\n"
            "Content-Length: 5\r\n"
            "x-amzn-RequestId: abc\r\n"
            "Connection: close\r\n"
            "\r\n");
}

TEST(ReplyHead, SaysNoLengthWhereThereIsNoBody) {
  HttpResponse response;
  EXPECT_NE(head_of(response).find("Content-Length: 0\r\n"), std::string::npos);
  response.status = 204;
  EXPECT_EQ(head_of(response).find("Content-Length"), std::string::npos);
}

TEST(ReplyHead, ValuesCannotAddFields) {
  HttpResponse response;
  response.fields.emplace_back("x-text", "a\r\nSet-Cookie: b\tc");
  EXPECT_NE(head_of(response).find("x-text: a  Set-Cookie: b\tc\r\n"), std::string::npos);
}

TEST(ReplyHead, HasATextForEveryStatus) {
  EXPECT_EQ(status_text(503), "Service Unavailable");
  EXPECT_EQ(status_text(299), "OK");
  EXPECT_EQ(status_text(399), "Redirect");
  EXPECT_EQ(status_text(499), "Bad Request");
  EXPECT_EQ(status_text(599), "Internal Server Error");
}

}  // namespace
}  // namespace millrace
