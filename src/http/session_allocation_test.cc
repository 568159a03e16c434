// Counts what a request costs the session itself: a warm connection asks the allocator for nothing.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "http/listener.h"
#include "support/counted_allocations.h"

namespace millrace {
namespace {

// Plain system calls, so that all that is counted is the server's.
class RawClient {
 public:
  explicit RawClient(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  ~RawClient() { ::close(socket_); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  bool connected() const { return connected_; }

  /// Sends a request and has the server's context run until its reply is here.
  bool ask(boost::asio::io_context& context, std::string_view request) {
    if (::send(socket_, request.data(), request.size(), MSG_NOSIGNAL) < 0) return false;
    for (int turn = 0; turn < 1000; ++turn) {
      context.poll();
      std::array<char, 4096> reply;
      const ssize_t size = ::recv(socket_, reply.data(), reply.size(), MSG_DONTWAIT);
      if (size > 0) return std::string_view(reply.data(), 15) == "HTTP/1.1 200 OK";
    }
    return false;
  }

 private:
  int socket_;
  bool connected_ = false;
};

TEST(SessionAllocation, AWarmConnectionAllocatesNothing) {
  boost::asio::io_context context(1);
  const ManualClock clock(Timestamp{1'700'000'000'000});
  ListenerOptions options;
  auto budget = std::make_shared<MemoryBudget>(options.limits.request.body_bytes);
  const auto opened = Listener::open(
      context, options, clock, budget,
      [](const HttpRequest& request, HttpResponse& response) -> boost::asio::awaitable<void> {
        response.content_type = "text/plain";
        response.body = request.body;
        co_return;
      });
  ASSERT_TRUE(opened.has_value());
  (*opened)->start();
  context.poll();
  RawClient client((*opened)->port());
  ASSERT_TRUE(client.connected());

  const std::string request =
      "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-amz-json-1.0\r\n"
      "X-Amz-Target: AmazonSQS.SendMessage\r\nContent-Length: 1000\r\n\r\n" +
      std::string(1000, 'x');
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(client.ask(context, request));
  const std::size_t allocations = allocations_of([&] {
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(client.ask(context, request));
  });
  RecordProperty("allocations", static_cast<int>(allocations));
  EXPECT_EQ(allocations, 0u) << "in 100 requests";
}

}  // namespace
}  // namespace millrace
