// The limits of the HTTP edge, with their defaults.
//
// Plain values; a listener copies them when it is made.
#pragma once

#include <cstddef>

#include "base/clock.h"

namespace millrace {

/// What one request may be made of. The parser holds requests to it.
struct RequestLimits {
  std::size_t head_bytes = 16 * 1024;         // request line and fields; more is a 431
  std::size_t fields = 100;                   // more is a 431
  std::size_t body_bytes = 4 * 1024 * 1024;   // after any chunked coding is undone; more is a 413
  std::size_t chunk_waste_bytes = 16 * 1024;  // chunk extensions and trailers; more is a 400
};

/// How long a connection may take over each step, in milliseconds. Looked at once a second, so a
/// step may last up to a second longer.
struct SessionTimes {
  Milliseconds handshake = seconds(10);  // of TLS, from accepting the connection
  Milliseconds idle = seconds(75);       // from one request's end to the next one's first byte
  Milliseconds head = seconds(10);       // from the first byte of a head to its last
  Milliseconds body = seconds(60);       // from the end of the head to the end of the body
  Milliseconds memory = seconds(60);     // waiting for the core's memory budget before the body
  Milliseconds write = seconds(30);      // without the client taking any byte of its reply
  Milliseconds linger = seconds(2);      // reading what a refused client still sends
};

struct SessionLimits {
  RequestLimits request;
  SessionTimes times;
};

}  // namespace millrace
