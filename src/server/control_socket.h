// ControlSocket: where a command on the same machine talks to the server that uses a data
// directory: DATA/control, a socket that only the server's own user may use.
//
// There is one thing to ask for: a copy of the data, made of links (`millrace backup` does the
// rest). A client sends the line "copy". The answer is a line "end BYTES FILE" for each file of the
// copy that ends before it does (CopyEnd), and last "made"; or "error TEXT". The copy stays until
// the client closes its connection. One client is served at a time; the next one waits.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>

#include "server/start_error.h"
#include "storage/store.h"

namespace millrace {

/// The server's side. Owned by the server; on the thread of one core.
class ControlSocket {
 public:
  struct Handlers {
    /// Makes the copy. @return where its files end, by their paths in the copy.
    std::function<boost::asio::awaitable<StartResult<std::vector<CopyEnd>>>()> make_copy;
    std::function<boost::asio::awaitable<void>()> remove_copy;
  };

  /// Binds DIR/control, in place of what an earlier server left there; the caller holds DIR's lock.
  /// @param context outlives everything that start() begins.
  static StartResult<std::unique_ptr<ControlSocket>> open(boost::asio::io_context& context,
                                                          const std::string& directory,
                                                          Handlers handlers);
  /// Removes the socket. The context does not run any more.
  ~ControlSocket();
  ControlSocket(const ControlSocket&) = delete;
  ControlSocket& operator=(const ControlSocket&) = delete;

  void start();
  /// Accepts nothing more and closes the connection that there is.
  void close();

 private:
  using Protocol = boost::asio::local::stream_protocol;

  ControlSocket(boost::asio::io_context& context, std::string path, Handlers handlers);
  boost::asio::awaitable<void> serve();
  boost::asio::awaitable<void> answer();

  boost::asio::io_context& context_;
  const std::string path_;
  const Handlers handlers_;
  Protocol::acceptor acceptor_;
  Protocol::socket client_;
  boost::asio::steady_timer pause_;
};

/// The client's side: a copy that a running server has made, and keeps while this lives. Blocks.
class ServedCopy {
 public:
  /// Asks the server that uses `directory`. @return null if none does.
  static StartResult<std::unique_ptr<ServedCopy>> ask(const std::string& directory);

  const std::vector<CopyEnd>& ends() const { return ends_; }
  /// Whether the server still keeps the copy. If it does not, what was read may be something else.
  bool kept();

 private:
  ServedCopy() : socket_(context_) {}
  StartResult<void> read_answer();

  boost::asio::io_context context_;
  boost::asio::local::stream_protocol::socket socket_;
  std::vector<CopyEnd> ends_;
};

}  // namespace millrace
