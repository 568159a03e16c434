// The head of a reply as bytes, and the text of the Date field. Pure functions.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/http_message.h"

namespace millrace {

/// What the connection, and not the handler, says in a reply's head.
enum class ConnectionOption {
  none,        // HTTP/1.1 stays open without saying so
  keep_alive,  // HTTP/1.0 stays open by saying so
  close,
};

/// "Date" as RFC 9110 section 5.6.7 wants it: "Mon, 23 Nov 2026 17:49:02 GMT".
std::string http_date(Timestamp moment);

/// The usual text for a status: "Not Found"; of an unknown one that of its class.
std::string_view status_text(unsigned status);

/// Appends status line, Date, Content-Type, Content-Length, the response's own fields, Connection
/// and the empty line. Control characters in field values become spaces, so that no value can add a
/// field. A status that has no body (204, 304) gets no Content-Length.
void append_reply_head(std::string& out, const HttpResponse& response, std::string_view date,
                       ConnectionOption connection);

}  // namespace millrace
