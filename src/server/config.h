// What `millrace serve` can be told, and how it is told: by flag, environment or TOML file.
//
// THE TABLE OF OPTIONS is in config.cc: one row per option with its name, member, range and help.
// The name `io-threads` is the flag --io-threads, the variable MILLRACE_IO_THREADS and the TOML key
// io_threads; a secret is a variable only. A flag beats the environment, which beats the file,
// which beats the default. The help and docs/configuration.md are made from the table. Plain values
// and pure functions, but for the reading of the file; used before other threads run.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/attributes.h"
#include "observe/audit_log.h"
#include "server/start_error.h"

namespace millrace {

/// A [[queue]] of the configuration file: made, or set to this, when the server starts.
struct QueueDeclaration {
  std::string name;
  AttributeMap attributes;
  std::vector<std::pair<std::string, std::string>> tags;
  std::string dead_letter_queue;       // name of a queue of the same account; empty: none
  std::int64_t receive_count_max = 0;  // max_receive_count; only with dead_letter_queue
};

/// The defaults stand here; checked by read_options().
struct ServeOptions {
  std::vector<std::string> listen = {"127.0.0.1:9324"};  // for plain HTTP; empty: switched off
  std::vector<std::string> tls_listen;
  std::string tls_certificate;
  std::string tls_key;
  std::string tls_client_ca;
  std::string tls_minimum_version = "1.2";
  std::vector<std::string> trusted_proxies;
  std::string data = "data";
  std::string config;
  bool ephemeral = false;
  std::string account = "000000000000";
  std::string region = "us-east-1";
  std::string public_url;
  std::string root_access_key_id;
  std::string root_secret_access_key;
  std::string root_secret_access_key_file;
  std::string credentials;
  std::string keyring;
  std::string console = "on";
  std::vector<std::string> console_hosts;
  bool console_allow_http = false;
  std::string console_directory;
  std::int64_t shards = 1;
  std::int64_t io_threads = 1;
  std::int64_t memory_mebibytes = 256;
  std::int64_t request_memory_mebibytes = 64;
  std::int64_t connections_max = 20'000;
  std::int64_t idle_seconds = 75;
  std::int64_t handshake_seconds = 10;
  std::int64_t head_seconds = 10;
  std::int64_t body_seconds = 60;
  std::int64_t write_seconds = 30;
  std::int64_t stop_seconds = 25;
  std::int64_t connections_per_source = 0;
  std::int64_t rate_limit_account = 0;
  std::int64_t rate_limit_source = 0;
  std::int64_t rate_limit_burst_seconds = 2;
  std::int64_t queues_per_account = 0;
  bool relax_purge_interval = false;
  bool relax_name_reuse = false;
  std::string log_level = "info";
  std::string audit_log;
  std::int64_t audit_log_mebibytes = 100;
  std::int64_t audit_log_files = 10;
  std::string access_log;
  std::int64_t access_log_mebibytes = 100;
  std::int64_t access_log_files = 10;
  std::string commit_writer = "auto";
  std::int64_t free_space_mebibytes = 0;
  bool test_clock = false;

  std::vector<QueueDeclaration> queues;  // of the file only

  LogFileOptions audit_log_file() const;
  LogFileOptions access_log_file() const;

  /// The file of the master keys; empty: they live in memory only.
  std::string keyring_path() const {
    return keyring.empty() && !ephemeral ? data + "/keyring" : keyring;
  }
  /// Whether callers must prove who they are. False: development mode.
  bool has_credentials() const { return !root_access_key_id.empty() || !credentials.empty(); }
  bool has_console() const { return console == "on"; }
  bool has_tls() const { return !tls_listen.empty(); }
};

/// Where to listen: an address in digits and a port.
struct ListenAddress {
  std::string address;
  std::uint16_t port = 0;
  bool loopback = false;  // only this machine can reach it

  /// "127.0.0.1:9324", or "[::1]:9324".
  std::string text() const;
};

/// Reads HOST:PORT, where HOST is an IPv4 address, an IPv6 address in brackets or "localhost", and
/// PORT may be 0 for any free one. @return nothing if `text` is not that.
std::optional<ListenAddress> parse_listen_address(std::string_view text);

/// What the command line asks for.
struct Invocation {
  enum class Kind { serve, keys, kms, check, print };
  Kind kind = Kind::print;
  ServeOptions options;                // serve
  std::vector<std::string> arguments;  // keys, kms, check: what stands behind that word
  std::string text;                    // print
};

/// The value of an environment variable, or null.
using Environment = std::function<const char*(const char* name)>;

/// Reads the command line (`arguments` without the program's name), the environment and the
/// configuration file. @return a StartError that says what is wrong and what would be right.
StartResult<Invocation> parse_command_line(const std::vector<std::string>& arguments,
                                           const Environment& environment);

/// Reads `text`, the content of the configuration file `path`, over `options`.
StartResult<void> read_toml(std::string_view text, const std::string& path, ServeOptions& options);

/// docs/configuration.md.
std::string configuration_document();

/// Millrace's version, as in "0.1.0".
std::string_view version();

}  // namespace millrace
