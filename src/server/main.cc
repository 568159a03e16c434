// The program millrace. `millrace serve` serves; see config.h for what can be told to it.
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "observe/log.h"
#include "server/config.h"
#include "server/server.h"

namespace millrace {
namespace {

LogLevel log_level(const std::string& name) {
  if (name == "debug") return LogLevel::debug;
  if (name == "warning") return LogLevel::warning;
  if (name == "error") return LogLevel::error;
  return LogLevel::info;
}

int fail(const StartError& error) {
  std::cerr << "millrace: " << error.message() << "\n";
  return EXIT_FAILURE;
}

int serve(const ServeOptions& options) {
  start_log(log_level(options.log_level));
  StartResult<void> outcome;
  {
    StartResult<std::unique_ptr<Server>> server = Server::open(options);
    if (server) {
      outcome = (*server)->run([](const std::string& text) { std::cout << text << std::flush; });
    } else {
      outcome = server.error();
    }
  }
  stop_log();
  return outcome ? EXIT_SUCCESS : fail(outcome.error());
}

int run(const std::vector<std::string>& arguments) {
  const auto invocation =
      parse_command_line(arguments, [](const char* name) { return std::getenv(name); });
  if (!invocation) return fail(invocation.error());
  if (invocation->kind == Invocation::Kind::serve) return serve(invocation->options);
  std::cout << invocation->text;
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace millrace

int main(int argc, char** argv) {
  return millrace::run(std::vector<std::string>(argv + 1, argv + argc));
}
