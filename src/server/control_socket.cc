#include "server/control_socket.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <exception>
#include <sstream>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "server/private_file.h"

namespace millrace {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

constexpr std::string_view kName = "control";
constexpr std::string_view kRequest = "copy";
constexpr std::size_t kRequestBytesMax = 64;
constexpr std::chrono::milliseconds kAcceptBackOff(100);

/// The address of a socket in an open directory: that of the directory itself may be too long.
asio::local::stream_protocol::endpoint address_in(const OpenFile& directory) {
  return "/proc/self/fd/" + std::to_string(directory.get()) + "/" + std::string(kName);
}

std::string text_of(const StartResult<std::vector<CopyEnd>>& made) {
  if (!made) return "error " + made.error().message() + "\n";
  std::string text;
  for (const CopyEnd& end : *made) {
    text += "end " + std::to_string(end.bytes) + " " + end.file + "\n";
  }
  return text + "made\n";
}

}  // namespace

// --- the server's side ---------------------------------------------------------------------------

ControlSocket::ControlSocket(asio::io_context& context, std::string path, Handlers handlers)
    : context_(context),
      path_(std::move(path)),
      handlers_(std::move(handlers)),
      acceptor_(context),
      client_(context),
      pause_(context) {}

ControlSocket::~ControlSocket() {
  ::unlink(path_.c_str());
}

StartResult<std::unique_ptr<ControlSocket>> ControlSocket::open(asio::io_context& context,
                                                                const std::string& directory,
                                                                Handlers handlers) {
  const std::string path = directory + "/" + std::string(kName);
  const OpenFile folder(directory, O_RDONLY | O_DIRECTORY);
  if (!folder) return file_error("cannot open", directory);
  ::unlink(path.c_str());
  std::unique_ptr<ControlSocket> made(new ControlSocket(context, path, std::move(handlers)));
  error_code error;
  made->acceptor_.open({}, error);
  // Before it has a name, so that there is no moment at which others could use it.
  if (!error && ::fchmod(made->acceptor_.native_handle(), S_IRUSR | S_IWUSR) != 0) {
    error.assign(errno, boost::system::system_category());
  }
  if (!error) made->acceptor_.bind(address_in(folder), error);
  if (!error) made->acceptor_.listen(asio::socket_base::max_listen_connections, error);
  if (error) return StartError("cannot make " + path + ": " + error.message());
  return made;
}

void ControlSocket::start() {
  asio::co_spawn(context_, serve(), [](const std::exception_ptr& failure) {
    if (failure) std::rethrow_exception(failure);
  });
}

void ControlSocket::close() {
  error_code ignored;
  acceptor_.close(ignored);
  client_.close(ignored);
  pause_.cancel();
}

asio::awaitable<void> ControlSocket::serve() {
  while (acceptor_.is_open()) {
    error_code error;
    client_ = co_await acceptor_.async_accept(asio::redirect_error(asio::use_awaitable, error));
    if (!error) {
      co_await answer();
      client_.close(error);
    } else if (acceptor_.is_open()) {
      // Out of descriptors: the next accept would fail at once.
      pause_.expires_after(kAcceptBackOff);
      co_await pause_.async_wait(asio::redirect_error(asio::use_awaitable, error));
    }
  }
}

asio::awaitable<void> ControlSocket::answer() {
  error_code error;
  std::string line;
  co_await asio::async_read_until(client_, asio::dynamic_buffer(line, kRequestBytesMax), '\n',
                                  asio::redirect_error(asio::use_awaitable, error));
  if (error) co_return;
  if (line != std::string(kRequest) + "\n") {
    const std::string refusal = "error this server does not know what is asked for\n";
    co_await asio::async_write(client_, asio::buffer(refusal),
                               asio::redirect_error(asio::use_awaitable, error));
    co_return;
  }
  const StartResult<std::vector<CopyEnd>> made = co_await handlers_.make_copy();
  const std::string text = text_of(made);
  co_await asio::async_write(client_, asio::buffer(text),
                             asio::redirect_error(asio::use_awaitable, error));
  // The client has nothing more to say: this ends when it is done, or gone.
  std::array<char, 1> nothing;
  if (!error) {
    co_await client_.async_read_some(asio::buffer(nothing),
                                     asio::redirect_error(asio::use_awaitable, error));
  }
  co_await handlers_.remove_copy();
}

// --- the client's side ---------------------------------------------------------------------------

StartResult<std::unique_ptr<ServedCopy>> ServedCopy::ask(const std::string& directory) {
  const OpenFile folder(directory, O_RDONLY | O_DIRECTORY);
  if (!folder) return file_error("cannot open", directory);
  std::unique_ptr<ServedCopy> copy(new ServedCopy);
  error_code error;
  copy->socket_.connect(address_in(folder), error);
  if (error == boost::system::errc::no_such_file_or_directory ||
      error == boost::system::errc::connection_refused) {
    return std::unique_ptr<ServedCopy>();
  }
  if (error) {
    return StartError("cannot talk to the server that uses " + directory + ": " + error.message());
  }
  asio::write(copy->socket_, asio::buffer(std::string(kRequest) + "\n"), error);
  if (const auto answered = copy->read_answer(); !answered) return answered.error();
  return copy;
}

StartResult<void> ServedCopy::read_answer() {
  constexpr std::string_view kError = "error ";
  std::string text;
  for (;;) {
    error_code error;
    const std::size_t bytes = asio::read_until(socket_, asio::dynamic_buffer(text), '\n', error);
    if (error) return StartError("the server did not answer: " + error.message());
    std::string line = text.substr(0, bytes - 1);
    text.erase(0, bytes);
    if (line == "made") return {};
    if (line.starts_with(kError)) return StartError(line.substr(kError.size()));
    std::istringstream words(line);
    std::string kind;
    CopyEnd end;
    if (!(words >> kind >> end.bytes >> end.file) || kind != "end") {
      return StartError("the server's answer is not understood: " + line);
    }
    ends_.push_back(std::move(end));
  }
}

bool ServedCopy::kept() {
  error_code error;
  socket_.non_blocking(true, error);
  std::array<char, 1> nothing;
  if (!error) socket_.read_some(asio::buffer(nothing), error);
  return error == asio::error::would_block;
}

}  // namespace millrace
