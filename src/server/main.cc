// The program millrace. `millrace serve` serves; see config.h for what can be told to it. `millrace
// keys` edits access keys; see keys_command.h. `millrace kms` edits master keys; see kms_command.h.
// `millrace check` looks at a data directory; see check_command.h. `millrace backup` and `millrace
// restore` copy one; see backup_command.h.
#include <csignal>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#ifdef MILLRACE_MIMALLOC
#include <mimalloc.h>
#endif

#include "observe/log.h"
#include "runtime/shard_driver.h"
#include "server/backup_command.h"
#include "server/check_command.h"
#include "server/config.h"
#include "server/core_dumps.h"
#include "server/keys_command.h"
#include "server/kms_command.h"
#include "server/server.h"
#include "server/warm_memory.h"

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

// The first touch of each 4 KiB of memory costs microseconds on a virtual machine, as much as the
// rest of the way of a small message. So the heap asks for pages of 2 MiB, from its second 32 MiB
// on, and keeps what is free for some seconds before the system gets it back.
void tune_allocator() {
#ifdef MILLRACE_MIMALLOC
  constexpr long kKeptMilliseconds = 10'000;
  mi_option_enable(mi_option_large_os_pages);
  mi_option_set(mi_option_decommit_delay, kKeptMilliseconds);
  mi_option_set(mi_option_segment_decommit_delay, kKeptMilliseconds);
#endif
}

// What makes memory ready for messages. The heap hears of it when they begin to need it, so that it
// does not lend 32 MiB of it to each thread that needs next to none.
std::function<void()> warmer_of([[maybe_unused]] WarmMemory& memory) {
#ifdef MILLRACE_MIMALLOC
  return [&memory, given = std::make_shared<std::once_flag>()] {
    memory.extend(ShardDriver::kMemoryStep + ShardDriver::kMemoryStep / 4);
    std::call_once(*given, [&memory] {
      const bool usable = true;
      const bool never_given_back = false;
      const bool zero = true;
      const int any_node = -1;
      mi_manage_os_memory(memory.start(), memory.size(), usable, never_given_back, zero, any_node);
    });
  };
#else
  return nullptr;
#endif
}

int serve(const ServeOptions& options, const Environment& environment) {
  tune_allocator();
  // Messages take a quarter more than they are charged at.
  const std::size_t for_messages = static_cast<std::size_t>(options.memory_mebibytes) << 20;
  constexpr std::size_t kAhead = std::size_t{16} << 20;
  WarmMemory memory(for_messages + for_messages / 4, kAhead);
  forbid_core_dumps();  // whatever is asked for, the keyring is there
  // Whoever reads a log from a pipe may go without ending the server.
  std::signal(SIGPIPE, SIG_IGN);
  start_log(log_level(options.log_level));
  StartResult<void> outcome;
  {
    StartResult<std::unique_ptr<Server>> server =
        Server::open(options, environment, warmer_of(memory));
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
  const Environment environment = [](const char* name) { return std::getenv(name); };
  const auto invocation = parse_command_line(arguments, environment);
  if (!invocation) return fail(invocation.error());
  if (invocation->kind == Invocation::Kind::serve) return serve(invocation->options, environment);
  if (invocation->kind == Invocation::Kind::keys) {
    const auto text = run_keys_command(invocation->arguments, environment);
    if (!text) return fail(text.error());
    std::cout << *text;
    return EXIT_SUCCESS;
  }
  if (invocation->kind == Invocation::Kind::check) {
    const auto sound = run_check_command(invocation->arguments, std::cout);
    if (!sound) return fail(sound.error());
    return *sound ? EXIT_SUCCESS : EXIT_FAILURE;
  }
  if (invocation->kind == Invocation::Kind::backup) {
    const auto done = run_backup_command(invocation->arguments, std::cout);
    return done ? EXIT_SUCCESS : fail(done.error());
  }
  if (invocation->kind == Invocation::Kind::restore) {
    const auto done = run_restore_command(invocation->arguments, std::cout);
    return done ? EXIT_SUCCESS : fail(done.error());
  }
  if (invocation->kind == Invocation::Kind::kms) {
    const auto text = run_kms_command(invocation->arguments, environment);
    if (!text) return fail(text.error());
    std::cout << *text;
    return EXIT_SUCCESS;
  }
  std::cout << invocation->text;
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace millrace

int main(int argc, char** argv) {
  return millrace::run(std::vector<std::string>(argv + 1, argv + argc));
}
