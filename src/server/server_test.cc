#include "server/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <future>
#include <thread>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

namespace millrace {
namespace {

namespace asio = boost::asio;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

const char* no_environment(const char*) {
  return nullptr;
}

/// A server on a thread of its own, stopped when the test ends.
class RunningServer {
 public:
  explicit RunningServer(ServeOptions options) {
    options.listen = {"127.0.0.1:0"};
    auto server = Server::open(options, no_environment);
    if (!server) {
      error_ = server.error().message();
      return;
    }
    server_ = std::move(*server);
    std::promise<std::string> ready;
    std::future<std::string> greeting = ready.get_future();
    thread_ = std::thread([this, ready = std::move(ready)]() mutable {
      bool told = false;
      const StartResult<void> outcome = server_->run([&](const std::string& text) {
        told = true;
        ready.set_value(text);
      });
      if (!outcome) error_ = outcome.error().message();
      if (!told) ready.set_value("");
    });
    greeting_ = greeting.get();
  }
  RunningServer(const RunningServer&) = delete;
  RunningServer& operator=(const RunningServer&) = delete;
  ~RunningServer() { stop(); }

  void stop() {
    if (!thread_.joinable()) return;
    server_->stop();
    thread_.join();
    server_.reset();
  }

  const std::string& greeting() const { return greeting_; }
  const std::string& error() const { return error_; }

  /// Sends a request whose head lacks only its end, and reads until the server closes.
  std::string ask(const std::string& method, const std::string& target) {
    asio::io_context context;
    asio::ip::tcp::socket socket(context);
    const std::string& endpoint = server_->endpoint();
    const auto port = std::stoi(endpoint.substr(endpoint.rfind(':') + 1));
    socket.connect({asio::ip::make_address("127.0.0.1"), static_cast<std::uint16_t>(port)});
    asio::write(socket, asio::buffer(method + " " + target +
                                     " HTTP/1.1\r\nHost: queues\r\nConnection: close\r\n"
                                     "Content-Length: 0\r\n\r\n"));
    std::string reply;
    boost::system::error_code end;
    asio::read(socket, asio::dynamic_buffer(reply), end);
    return reply;
  }
  std::string get(const std::string& target) { return ask("GET", target); }

 private:
  std::unique_ptr<Server> server_;
  std::thread thread_;
  std::string greeting_;
  std::string error_;
};

ServeOptions ephemeral() {
  ServeOptions options;
  options.ephemeral = true;
  return options;
}

/// A data directory that is gone when the test ends.
class DataDirectory {
 public:
  DataDirectory()
      : path_(std::string(::testing::TempDir()) + "millrace-server-" +
              ::testing::UnitTest::GetInstance()->current_test_info()->name()) {
    std::filesystem::remove_all(path_);
  }
  DataDirectory(const DataDirectory&) = delete;
  DataDirectory& operator=(const DataDirectory&) = delete;
  ~DataDirectory() { std::filesystem::remove_all(path_); }

  ServeOptions options() const {
    ServeOptions options;
    options.data = path_;
    return options;
  }

 private:
  std::string path_;
};

TEST(Server, ServesAMessageFromSendToReceive) {
  RunningServer server(ephemeral());
  ASSERT_EQ(server.error(), "");
  EXPECT_THAT(server.greeting(), StartsWith("Millrace 0.1.0 serves http://127.0.0.1:"));
  EXPECT_THAT(server.greeting(), HasSubstr("data in memory only\n"));
  EXPECT_THAT(server.get("/health"), HasSubstr("{\"status\":\"ok\"}"));
  EXPECT_THAT(server.get("/?Action=CreateQueue&QueueName=hello"),
              HasSubstr("<QueueUrl>http://queues/000000000000/hello</QueueUrl>"));
  EXPECT_THAT(server.get("/000000000000/hello?Action=SendMessage&MessageBody=hi"),
              HasSubstr("<MD5OfMessageBody>49f68a5c8493ec2c0bf489821c21fc3b<"));
  EXPECT_THAT(server.get("/000000000000/hello?Action=ReceiveMessage"),
              HasSubstr("<Body>hi</Body>"));
}

TEST(Server, SeveralCoresAndShardsServeTheSameQueues) {
  ServeOptions options = ephemeral();
  options.io_threads = 2;
  options.shards = 3;
  RunningServer server(options);
  ASSERT_EQ(server.error(), "");
  for (int i = 0; i < 6; ++i) {
    const std::string name = "q" + std::to_string(i);
    EXPECT_THAT(server.get("/?Action=CreateQueue&QueueName=" + name), HasSubstr("<QueueUrl>"));
    EXPECT_THAT(server.get("/000000000000/" + name + "?Action=SendMessage&MessageBody=" + name),
                HasSubstr("<MessageId>"));
  }
  for (int i = 0; i < 6; ++i) {
    const std::string name = "q" + std::to_string(i);
    EXPECT_THAT(server.get("/000000000000/" + name + "?Action=ReceiveMessage"),
                HasSubstr("<Body>" + name + "</Body>"));
  }
}

TEST(Server, KeepsQueuesAndMessagesOverARestart) {
  const DataDirectory data;
  {
    RunningServer server(data.options());
    ASSERT_EQ(server.error(), "");
    server.get("/?Action=CreateQueue&QueueName=hello");
    EXPECT_THAT(server.get("/000000000000/hello?Action=SendMessage&MessageBody=hi"),
                HasSubstr("<MessageId>"));
  }
  RunningServer server(data.options());
  ASSERT_EQ(server.error(), "");
  EXPECT_THAT(server.get("/000000000000/hello?Action=ReceiveMessage"),
              HasSubstr("<Body>hi</Body>"));
}

TEST(Server, DeclaredQueuesAreMadeAndSet) {
  const DataDirectory data;
  ServeOptions options = data.options();
  QueueDeclaration orders;
  orders.name = "orders";
  orders.attributes = {{"VisibilityTimeout", "60"}};
  orders.tags = {{"team", "shop"}};
  orders.dead_letter_queue = "failed";
  orders.receive_count_max = 3;
  QueueDeclaration failed;
  failed.name = "failed";
  options.queues = {orders, failed};
  const std::string attributes =
      "/000000000000/orders?Action=GetQueueAttributes&AttributeName.1=VisibilityTimeout"
      "&AttributeName.2=RedrivePolicy";
  {
    RunningServer server(options);
    ASSERT_EQ(server.error(), "");
    EXPECT_THAT(server.get(attributes), HasSubstr("<Value>60</Value>"));
    EXPECT_THAT(server.get(attributes), HasSubstr("us-east-1:000000000000:failed"));
    EXPECT_THAT(server.get("/000000000000/orders?Action=ListQueueTags"), HasSubstr("shop"));
  }
  options.queues[0].attributes = {{"VisibilityTimeout", "70"}};
  options.queues[0].tags = {{"team", "store"}};
  RunningServer server(options);
  ASSERT_EQ(server.error(), "");
  EXPECT_THAT(server.get(attributes), HasSubstr("<Value>70</Value>"));
  EXPECT_THAT(server.get("/000000000000/orders?Action=ListQueueTags"), HasSubstr("store"));
}

TEST(Server, QueuesAreDeclaredWithCredentialsToo) {
  const DataDirectory data;
  ServeOptions options = data.options();
  options.root_access_key_id = "AKIDROOT";
  options.root_secret_access_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
  QueueDeclaration open;
  open.name = "open";
  open.attributes = {{"Policy",
                      R"({"Statement":{"Effect":"Allow","Principal":"*","Action":"sqs:Get*",)"
                      R"("Resource":"arn:aws:sqs:us-east-1:000000000000:open"}})"}};
  options.queues = {open};
  const std::string attributes =
      "/000000000000/open?Action=GetQueueAttributes&AttributeName.1=DelaySeconds";
  {
    RunningServer server(options);
    ASSERT_EQ(server.error(), "");
    EXPECT_THAT(server.get(attributes), HasSubstr("<Value>0</Value>"));
  }
  options.queues[0].attributes["DelaySeconds"] = "7";
  RunningServer server(options);
  ASSERT_EQ(server.error(), "");
  EXPECT_THAT(server.get(attributes), HasSubstr("<Value>7</Value>"));
}

TEST(Server, FifoQueuesAreDeclaredWithTheirAttributes) {
  const DataDirectory data;
  ServeOptions options = data.options();
  QueueDeclaration orders;
  orders.name = "orders.fifo";
  orders.attributes = {{"FifoQueue", "true"}, {"ContentBasedDeduplication", "true"}};
  orders.dead_letter_queue = "failed.fifo";
  orders.receive_count_max = 3;
  QueueDeclaration failed;
  failed.name = "failed.fifo";
  failed.attributes = {{"FifoQueue", "true"}};
  options.queues = {orders, failed};
  const std::string attributes =
      "/000000000000/orders.fifo?Action=GetQueueAttributes&AttributeName.1=DeduplicationScope"
      "&AttributeName.2=RedrivePolicy";
  {
    RunningServer server(options);
    ASSERT_EQ(server.error(), "");
    EXPECT_THAT(server.get(attributes), HasSubstr("<Value>queue</Value>"));
    EXPECT_THAT(server.get(attributes), HasSubstr("us-east-1:000000000000:failed.fifo"));
  }
  options.queues[0].attributes["DeduplicationScope"] = "messageGroup";
  RunningServer server(options);
  ASSERT_EQ(server.error(), "");
  EXPECT_THAT(server.get(attributes), HasSubstr("<Value>messageGroup</Value>"));
  EXPECT_THAT(server.get("/000000000000/orders.fifo?Action=SendMessage&MessageBody=hi"
                         "&MessageGroupId=group"),
              HasSubstr("<SequenceNumber>"));
}

TEST(Server, ADeclaredQueueThatCannotBeMadeEndsTheStart) {
  ServeOptions options = ephemeral();
  QueueDeclaration orders;
  orders.name = "orders";
  orders.attributes = {{"VisibilityTimeout", "-1"}};
  options.queues = {orders};
  RunningServer server(options);
  EXPECT_EQ(server.greeting(), "");
  EXPECT_THAT(server.error(), HasSubstr("queue \"orders\" of the configuration"));
  server.stop();
}

TEST(Server, TheTestClockMovesTime) {
  ServeOptions options = ephemeral();
  options.test_clock = true;
  RunningServer server(options);
  ASSERT_EQ(server.error(), "");
  server.get("/?Action=CreateQueue&QueueName=hello");
  server.get("/000000000000/hello?Action=SendMessage&MessageBody=late&DelaySeconds=900");
  const std::string receive = "/000000000000/hello?Action=ReceiveMessage";
  EXPECT_THAT(server.get(receive), Not(HasSubstr("late")));
  EXPECT_THAT(server.ask("POST", "/test/clock?advance=900000"), HasSubstr("200 OK"));
  EXPECT_THAT(server.get(receive), HasSubstr("<Body>late</Body>"));
}

TEST(Server, AnAddressInUseIsTold) {
  asio::io_context context;
  asio::ip::tcp::acceptor other(context, {asio::ip::make_address("127.0.0.1"), 0}, false);
  ServeOptions options = ephemeral();
  options.listen = {"127.0.0.1:" + std::to_string(other.local_endpoint().port())};
  const auto server = Server::open(options, no_environment);
  ASSERT_FALSE(server);
  EXPECT_THAT(server.error().message(), HasSubstr("cannot listen on " + options.listen.front()));
}

TEST(Server, SeveralCoresShareNoPortWithAnotherServer) {
  ServeOptions options = ephemeral();
  options.io_threads = 2;
  options.listen = {"127.0.0.1:0"};
  const auto first = Server::open(options, no_environment);
  ASSERT_TRUE(first);
  options.listen = {(*first)->endpoint().substr(std::string("http://").size())};
  const auto second = Server::open(options, no_environment);
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message(), HasSubstr("choose another port with --listen"));
}

}  // namespace
}  // namespace millrace
