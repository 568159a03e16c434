#include "server/control_socket.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <filesystem>
#include <future>
#include <thread>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include "support/temporary_directory.h"

namespace millrace {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;

class ControlSocketTest : public testing::Test {
 protected:
  ControlSocketTest() {
    fs::create_directory(directory_);
    auto opened = ControlSocket::open(context_, directory_,
                                      {.make_copy = [this] { return make_copy(); },
                                       .remove_copy = [this] { return remove_copy(); }});
    EXPECT_TRUE(opened) << opened.error().message();
    socket_ = std::move(*opened);
    socket_->start();
    thread_ = std::thread([this] { context_.run(); });
  }
  ~ControlSocketTest() override {
    asio::post(context_, [this] {
      socket_->close();
      guard_.reset();
    });
    thread_.join();
  }

  asio::awaitable<StartResult<std::vector<CopyEnd>>> make_copy() {
    if (failing_) co_return StartError("no room");
    co_return std::vector<CopyEnd>{{"shard-0000/log/1.segment", 4096}};
  }
  asio::awaitable<void> remove_copy() {
    removed_.set_value();
    co_return;
  }

  const TemporaryDirectory folder_;
  // Longer than the address of a socket may be.
  const std::string directory_ = folder_.path() + "/" + std::string(200, 'd');
  std::atomic<bool> failing_ = false;
  std::promise<void> removed_;
  asio::io_context context_;
  asio::executor_work_guard<asio::io_context::executor_type> guard_{context_.get_executor()};
  std::unique_ptr<ControlSocket> socket_;
  std::thread thread_;
};

TEST_F(ControlSocketTest, ACopyIsKeptUntilItsReaderIsDone) {
  auto asked = ServedCopy::ask(directory_);
  ASSERT_TRUE(asked) << asked.error().message();
  ASSERT_NE(*asked, nullptr);
  ASSERT_EQ((*asked)->ends().size(), 1U);
  EXPECT_EQ((*asked)->ends()[0].file, "shard-0000/log/1.segment");
  EXPECT_EQ((*asked)->ends()[0].bytes, 4096U);
  EXPECT_TRUE((*asked)->kept());
  asked->reset();
  removed_.get_future().wait();
}

TEST_F(ControlSocketTest, ACopyIsNotKeptByAServerThatEnds) {
  const auto asked = ServedCopy::ask(directory_);
  ASSERT_TRUE(asked && *asked);
  std::promise<void> closed;
  asio::post(context_, [this, &closed] {
    socket_->close();
    closed.set_value();
  });
  closed.get_future().wait();
  EXPECT_FALSE((*asked)->kept());
}

TEST_F(ControlSocketTest, WhyThereIsNoCopyIsTold) {
  failing_ = true;
  const auto asked = ServedCopy::ask(directory_);
  ASSERT_FALSE(asked);
  EXPECT_EQ(asked.error().message(), "no room");
}

TEST_F(ControlSocketTest, WhoComesWhileThereAreNoDescriptorsIsAnsweredLater) {
  using asio::local::stream_protocol;
  const std::string link = folder_.path() + "/link";  // for the address has to be short
  fs::create_directory_symlink(directory_, link);
  stream_protocol::socket client(context_);
  client.open();
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  const rlimit none{.rlim_cur = 0, .rlim_max = limit.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  client.connect(stream_protocol::endpoint(link + "/control"));
  std::promise<void> tried;
  asio::post(context_, [&tried] { tried.set_value(); });
  tried.get_future().wait();
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  client.close();
  const auto asked = ServedCopy::ask(directory_);
  ASSERT_TRUE(asked) << asked.error().message();
  EXPECT_NE(*asked, nullptr);
}

TEST_F(ControlSocketTest, OnlyTheOwnerMayAsk) {
  const fs::perms owner = fs::perms::owner_read | fs::perms::owner_write;
  EXPECT_EQ(fs::status(directory_ + "/control").permissions(), owner);
}

TEST(ServedCopy, WithoutAServerThereIsNone) {
  const TemporaryDirectory folder;
  const auto nobody = ServedCopy::ask(folder.path());
  ASSERT_TRUE(nobody);
  EXPECT_EQ(*nobody, nullptr);
}

}  // namespace
}  // namespace millrace
