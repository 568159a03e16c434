#include "bench/testing/fake_sqs.h"

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/encoding.h"
#include "bench/sqs_requests.h"

namespace millrace::bench {
namespace {

constexpr Nanoseconds kGlance = 5 * kMillisecond;

std::string_view between(std::string_view text, std::string_view before, std::string_view after) {
  const std::size_t start = text.find(before);
  if (start == std::string_view::npos) {
    return {};
  }
  text.remove_prefix(start + before.size());
  return text.substr(0, text.find(after));
}

// The number at the start of `text`.
std::size_t leading_number(std::string_view text) {
  const std::string_view digits = text.substr(0, text.find_first_not_of("0123456789"));
  return static_cast<std::size_t>(parse_digits(digits).value_or(0));
}

}  // namespace

// A request taken apart as far as the fake looks.
struct FakeSqs::Request {
  SqsProtocol protocol = SqsProtocol::json;
  std::string action;
  std::string body;

  // The values of a member, by the last part of its name in a form.
  std::vector<std::string> values(std::string_view name) const {
    std::vector<std::string> found;
    if (protocol == SqsProtocol::json) {
      std::vector<std::string_view> views;
      find_values(protocol, body, name, views);
      found.assign(views.begin(), views.end());
      return found;
    }
    for (std::size_t start = 0; start < body.size();) {
      const std::size_t end = std::min(body.find('&', start), body.size());
      const std::string_view pair = std::string_view(body).substr(start, end - start);
      const std::string_view key = pair.substr(0, pair.find('='));
      start = end + 1;
      if (key == name || key.ends_with("." + std::string(name))) {
        found.push_back(percent_decode(pair.substr(key.size() + 1), true).value());
      }
    }
    return found;
  }

  std::size_t number(std::string_view name) const {
    const std::string key = protocol == SqsProtocol::json ? "\"" + std::string(name) + "\":"
                                                          : "&" + std::string(name) + "=";
    const std::size_t start = body.find(key);
    return start == std::string::npos
               ? 0
               : leading_number(std::string_view(body).substr(start + key.size()));
  }
};

class FakeSqs::Session final : private SocketEvents {
 public:
  Session(FakeSqs& server, int descriptor) : server_(server), descriptor_(descriptor) {
    server_.loop_.watch(descriptor_, EPOLLIN, *this);
  }
  ~Session() override { close(descriptor_); }

  SqsProtocol protocol() const { return protocol_; }

  void reply(std::string_view body) {
    const std::string text = "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) +
                             "\r\n\r\n" + std::string(body);
    // Replies are small enough for any socket's buffer; a client that has gone is no matter.
    static_cast<void>(::send(descriptor_, text.data(), text.size(), MSG_NOSIGNAL));
  }

 private:
  void on_ready(std::uint32_t) override {
    const std::span<char> scratch = server_.loop_.scratch();
    const ssize_t got = recv(descriptor_, scratch.data(), scratch.size(), 0);
    if (got <= 0) {
      server_.loop_.unwatch(descriptor_);
      std::erase_if(server_.waiters_, [this](const Waiter& w) { return w.session == this; });
      return;
    }
    input_.append(scratch.data(), static_cast<std::size_t>(got));
    const std::size_t head_end = input_.find("\r\n\r\n");
    if (head_end == std::string::npos) {
      return;
    }
    const std::string_view head = std::string_view(input_).substr(0, head_end + 2);
    const std::size_t length = leading_number(between(head, "Content-Length: ", "\r\n"));
    if (input_.size() < head_end + 4 + length) {
      return;
    }
    Request request;
    request.body = input_.substr(head_end + 4, length);
    request.action = between(head, "X-Amz-Target: AmazonSQS.", "\r\n");
    if (request.action.empty()) {
      request.protocol = SqsProtocol::query;
      request.action = between(request.body, "Action=", "&");
    }
    protocol_ = request.protocol;
    input_.clear();
    server_.answer(*this, request);
  }

  FakeSqs& server_;
  int descriptor_;
  SqsProtocol protocol_ = SqsProtocol::json;
  std::string input_;
};

class FakeSqs::Listener final : private SocketEvents {
 public:
  explicit Listener(FakeSqs& server)
      : server_(server), descriptor_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    CHECK(bind(descriptor_, reinterpret_cast<sockaddr*>(&address), length) == 0);
    CHECK(listen(descriptor_, SOMAXCONN) == 0);
    CHECK(getsockname(descriptor_, reinterpret_cast<sockaddr*>(&address), &length) == 0);
    port_ = ntohs(address.sin_port);
    server_.loop_.watch(descriptor_, EPOLLIN, *this);
  }
  ~Listener() override { close(descriptor_); }

  std::uint16_t port() const { return port_; }

 private:
  void on_ready(std::uint32_t) override {
    const int accepted = accept(descriptor_, nullptr, nullptr);
    CHECK(accepted >= 0);
    server_.sessions_.push_back(std::make_unique<Session>(server_, accepted));
  }

  FakeSqs& server_;
  int descriptor_;
  std::uint16_t port_ = 0;
};

FakeSqs::FakeSqs(Faults faults) : faults_(faults), listener_(std::make_unique<Listener>(*this)) {
  port_ = listener_->port();
  thread_ = std::thread([this] {
    while (!stop_) {
      loop_.turn(monotonic_now() + kGlance);
    }
  });
}

FakeSqs::~FakeSqs() {
  stop_ = true;
  thread_.join();
}

void FakeSqs::answer(Session& session, const Request& request) {
  const bool json = request.protocol == SqsProtocol::json;
  if (request.action == "CreateQueue") {
    const std::string url = "http://" + endpoint().authority() + "/000000000000/q";
    session.reply(json ? R"({"QueueUrl":")" + url + "\"}"
                       : "<R><QueueUrl>" + url + "</QueueUrl></R>");
  } else if (request.action.starts_with("SendMessage")) {
    send(session, request);
  } else if (request.action == "ReceiveMessage") {
    const std::size_t count_max = request.number("MaxNumberOfMessages");
    if (ready_.empty() && request.number("WaitTimeSeconds") > 0) {
      waiters_.push_back({&session, count_max});
    } else {
      receive(session, count_max);
    }
  } else if (request.action.starts_with("DeleteMessage")) {
    remove(session, request);
  } else {
    session.reply("");
  }
}

void FakeSqs::send(Session& session, const Request& request) {
  for (std::string& group : request.values("MessageGroupId")) {
    groups_.insert(std::move(group));
  }
  group_count_ = groups_.size();
  std::string reply;
  for (const std::string& body : request.values("MessageBody")) {
    ++sent_;
    const std::string id = "message-" + std::to_string(sent_);
    reply += request.protocol == SqsProtocol::json ? R"({"MessageId":")" + id + "\"}"
                                                   : "<MessageId>" + id + "</MessageId>";
    if (sent_ != faults_.lose) {
      ready_.push_back(body);
    }
    if (sent_ == faults_.twice) {
      ready_.push_back(body);
    }
  }
  session.reply(reply);
  while (!ready_.empty() && !waiters_.empty()) {
    const Waiter waiter = waiters_.front();
    waiters_.pop_front();
    receive(*waiter.session, waiter.count_max);
  }
}

void FakeSqs::receive(Session& session, std::size_t count_max) {
  std::string reply;
  for (std::size_t i = 0; i < count_max && !ready_.empty(); ++i) {
    const std::string handle = "handle/" + std::to_string(i) + "+=";
    reply +=
        session.protocol() == SqsProtocol::json
            ? R"({"ReceiptHandle":")" + handle + R"(","Body":")" + ready_.front() + "\"}"
            : "<ReceiptHandle>" + handle + "</ReceiptHandle><Body>" + ready_.front() + "</Body>";
    ready_.pop_front();
  }
  session.reply(reply);
}

void FakeSqs::remove(Session& session, const Request& request) {
  for (const std::string& handle : request.values("ReceiptHandle")) {
    CHECK(handle.starts_with("handle/") && handle.ends_with("+="));
    ++deleted_;
  }
  session.reply("");
}

}  // namespace millrace::bench
