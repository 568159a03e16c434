#include "server/config.h"

#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <map>
#include <memory>
#include <numeric>
#include <span>
#include <system_error>
#include <variant>

#include <CLI/CLI.hpp>
#include <boost/asio/ip/address.hpp>

#include "auth/address_range.h"
#include "base/encoding.h"
#include "base/limits.h"
#include "model/names.h"

namespace millrace {

namespace {

using Member = std::variant<std::string ServeOptions::*, std::vector<std::string> ServeOptions::*,
                            std::int64_t ServeOptions::*, bool ServeOptions::*>;

/// One row of the table of options.
struct OptionRow {
  std::string_view name;
  Member member;
  std::string_view value;  // what stands for the value in the help; choices are joined by '|'
  std::string_view help;
  std::int64_t least = 0;  // of a number
  std::int64_t most = 0;
  bool in_file = true;
  bool is_flag = true;  // a secret is none: everybody on the machine sees the flags of a process
};

// --- THE TABLE OF OPTIONS ------------------------------------------------------------------------

constexpr std::int64_t kMebibytesMax = 1'048'576;
constexpr std::int64_t kTimeSecondsMax = 86'400;
constexpr std::int64_t kRateMax = 1'000'000;

const OptionRow kOptions[] = {
    {"listen", &ServeOptions::listen, "HOST:PORT",
     "address to serve plain HTTP on; several are separated by commas. Port 0 takes any free one; "
     "\"off\" switches plain HTTP off"},
    {"tls-listen", &ServeOptions::tls_listen, "HOST:PORT",
     "address to serve HTTPS on; several are separated by commas"},
    {"tls-certificate", &ServeOptions::tls_certificate, "FILE",
     "certificate of the server in PEM, and behind it those of the authorities in between; read "
     "again on SIGHUP"},
    {"tls-key", &ServeOptions::tls_key, "FILE",
     "private key of the certificate in PEM, for its owner's eyes only; read again on SIGHUP"},
    {"tls-client-ca", &ServeOptions::tls_client_ca, "FILE",
     "certificates in PEM of those who sign for clients; with it, a client without a certificate "
     "of theirs is turned away. Read again on SIGHUP"},
    {"tls-minimum-version", &ServeOptions::tls_minimum_version, "1.2|1.3",
     "oldest version of TLS that is spoken"},
    {"trusted-proxies", &ServeOptions::trusted_proxies, "ADDRESS[/BITS]",
     "proxies, separated by commas, whose X-Forwarded-For and X-Forwarded-Proto are believed; from "
     "others these fields mean nothing"},
    {"data", &ServeOptions::data, "DIR", "directory of the durable data; made if it is missing"},
    {.name = "config",
     .member = &ServeOptions::config,
     .value = "FILE",
     .help = "TOML file with options and [[queue]] tables",
     .in_file = false},
    {"ephemeral", &ServeOptions::ephemeral, "",
     "keep everything in memory and nothing afterwards; the data directory is not touched"},
    {"account", &ServeOptions::account, "DIGITS",
     "account of callers whose access key is not itself twelve digits"},
    {"region", &ServeOptions::region, "NAME", "region in the ARNs of queues"},
    {"public-url", &ServeOptions::public_url, "URL",
     "what queue URLs begin with; without it, the Host that each client used"},
    {"root-access-key-id", &ServeOptions::root_access_key_id, "ID",
     "access key of the account itself; its secret comes in MILLRACE_ROOT_SECRET_ACCESS_KEY or "
     "--root-secret-access-key-file"},
    {.name = "root-secret-access-key",
     .member = &ServeOptions::root_secret_access_key,
     .value = "SECRET",
     .help = "the secret of root-access-key-id",
     .in_file = false,
     .is_flag = false},
    {"root-secret-access-key-file", &ServeOptions::root_secret_access_key_file, "FILE",
     "file that holds the secret of root-access-key-id on one line"},
    {"credentials", &ServeOptions::credentials, "FILE",
     "TOML file of accounts, users and access keys, for its owner's eyes only; read again on "
     "SIGHUP. See docs/security.md and millrace keys"},
    {"keyring", &ServeOptions::keyring, "FILE",
     "TOML file of the master keys that messages are encrypted under, for its owner's eyes only; "
     "made at the first start, read again on SIGHUP. Without it, keyring in the data directory: "
     "keep it elsewhere where copies of the data should tell nothing. See docs/security.md and "
     "millrace kms"},
    {"console", &ServeOptions::console, "on|off",
     "whether the management console is served under /console/, and what it asks under "
     "/console/api/; see docs/console.md"},
    {"console-host", &ServeOptions::console_hosts, "NAME",
     "names by which browsers may come to the console, separated by commas; localhost, addresses "
     "in digits and the host of public-url are good anyway"},
    {"console-allow-http", &ServeOptions::console_allow_http, "",
     "let people sign in to the console over plain HTTP from other machines, where whoever is on "
     "the way can take over their sessions"},
    {"console-directory", &ServeOptions::console_directory, "DIR",
     "serve the console's page from this directory, as its build left it, and not from the "
     "program"},
    {"shards", &ServeOptions::shards, "COUNT",
     "parts that the queues are spread over, each with its own log; can be raised later, never "
     "lowered",
     1, static_cast<std::int64_t>(limits::kShardsMax)},
    {"io-threads", &ServeOptions::io_threads, "COUNT",
     "threads that serve connections and run the shards", 1, 256},
    {"memory", &ServeOptions::memory_mebibytes, "MEBIBYTES",
     "memory for messages that are ready or in flight, shared by all shards", 16, kMebibytesMax},
    {"request-memory", &ServeOptions::request_memory_mebibytes, "MEBIBYTES",
     "memory for the bodies of requests, shared by all threads", 4, kMebibytesMax},
    {"max-connections", &ServeOptions::connections_max, "COUNT",
     "connections at once; more wait until one closes", 1, 1'000'000},
    {"idle-timeout", &ServeOptions::idle_seconds, "SECONDS",
     "how long a connection may rest between two requests", 1, kTimeSecondsMax},
    {"handshake-timeout", &ServeOptions::handshake_seconds, "SECONDS",
     "how long a client may take for the handshake of TLS", 1, kTimeSecondsMax},
    {"head-timeout", &ServeOptions::head_seconds, "SECONDS",
     "how long a client may take to send a request's head", 1, kTimeSecondsMax},
    {"body-timeout", &ServeOptions::body_seconds, "SECONDS",
     "how long a client may take to send a request's body", 1, kTimeSecondsMax},
    {"write-timeout", &ServeOptions::write_seconds, "SECONDS",
     "how long a client may take no byte of its reply", 1, kTimeSecondsMax},
    {"stop-timeout", &ServeOptions::stop_seconds, "SECONDS",
     "how long requests that are under way may take when the server stops", 1, kTimeSecondsMax},
    {"connections-per-source", &ServeOptions::connections_per_source, "COUNT",
     "connections of one client at once, which is an IPv4 address or a /64 of IPv6; more are "
     "closed "
     "as they come. 0: no such limit",
     0, 1'000'000},
    {"rate-limit-source", &ServeOptions::rate_limit_source, "COUNT",
     "requests a second of one client; more are answered with RequestThrottled. 0: no limit", 0,
     kRateMax},
    {"rate-limit-account", &ServeOptions::rate_limit_account, "COUNT",
     "requests a second of one account; more are answered with RequestThrottled. 0: no limit", 0,
     kRateMax},
    {"rate-limit-burst", &ServeOptions::rate_limit_burst_seconds, "SECONDS",
     "what so many seconds allow may come at once after a rest", 1, 3600},
    {"queues-per-account", &ServeOptions::queues_per_account, "COUNT",
     "queues that one account may have; another one is refused with OverLimit. 0: no limit", 0,
     10'000'000},
    {"relax-purge-interval", &ServeOptions::relax_purge_interval, "",
     "allow PurgeQueue more often than every 60 seconds"},
    {"relax-name-reuse", &ServeOptions::relax_name_reuse, "",
     "allow a deleted queue's name again before 60 seconds are over"},
    {"log-level", &ServeOptions::log_level, "debug|info|warning|error",
     "least important lines that the log, on standard error, takes"},
    {"audit-log", &ServeOptions::audit_log, "FILE",
     "file that gets a JSON line for every act that matters to security; see docs/security.md. "
     "SIGHUP opens it again"},
    {"audit-log-size", &ServeOptions::audit_log_mebibytes, "MEBIBYTES",
     "size at which the audit log's file is renamed to .1 and a new one begun. 0: never", 0,
     kMebibytesMax},
    {"audit-log-files", &ServeOptions::audit_log_files, "COUNT",
     "renamed files of the audit log that are kept", 1, 1000},
    {"access-log", &ServeOptions::access_log, "FILE",
     "file that gets a JSON line for every request. SIGHUP opens it again"},
    {"access-log-size", &ServeOptions::access_log_mebibytes, "MEBIBYTES",
     "size at which the access log's file is renamed to .1 and a new one begun. 0: never", 0,
     kMebibytesMax},
    {"access-log-files", &ServeOptions::access_log_files, "COUNT",
     "renamed files of the access log that are kept", 1, 1000},
    {"commit-writer", &ServeOptions::commit_writer, "auto|io_uring|thread",
     "how commits are written; auto is io_uring where the kernel allows it"},
    {"free-space", &ServeOptions::free_space_mebibytes, "MEBIBYTES",
     "free disk space under which sends are refused, until there is a quarter more than that; 0: "
     "5 % of the disk, at least 1 GiB but at most 10 %",
     0, kMebibytesMax * 1024},
    {"test-clock", &ServeOptions::test_clock, "",
     "stop the server's clock; POST /test/clock?advance=MILLISECONDS moves it. For tests only"},
};

// --- names and texts -----------------------------------------------------------------------------

std::string flag_of(const OptionRow& row) {
  return "--" + std::string(row.name);
}

std::string key_of(const OptionRow& row) {
  std::string key(row.name);
  std::replace(key.begin(), key.end(), '-', '_');
  return key;
}

std::string variable_of(const OptionRow& row) {
  std::string variable = "MILLRACE_" + key_of(row);
  for (char& letter : variable) {
    letter = static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
  }
  return variable;
}

std::string joined(const std::vector<std::string>& texts, std::string_view separator) {
  std::string all;
  for (const std::string& text : texts) {
    if (!all.empty()) all += separator;
    all += text;
  }
  return all;
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(separator, begin), text.size());
    std::string_view part = text.substr(begin, end - begin);
    while (!part.empty() && part.front() == ' ') part.remove_prefix(1);
    while (!part.empty() && part.back() == ' ') part.remove_suffix(1);
    if (!part.empty()) parts.emplace_back(part);
    begin = end + 1;
  }
  return parts;
}

template <class... Visitors>
struct Overloaded : Visitors... {
  using Visitors::operator()...;
};
template <class... Visitors>
Overloaded(Visitors...) -> Overloaded<Visitors...>;

std::string text_of(const OptionRow& row, const ServeOptions& options) {
  return std::visit(
      Overloaded{
          [&](std::string ServeOptions::*member) { return options.*member; },
          [&](std::vector<std::string> ServeOptions::*member) {
            return joined(options.*member, ",");
          },
          [&](std::int64_t ServeOptions::*member) { return std::to_string(options.*member); },
          [&](bool ServeOptions::*member) {
            return std::string(options.*member ? "true" : "false");
          },
      },
      row.member);
}

bool is_switch(const OptionRow& row) {
  return std::holds_alternative<bool ServeOptions::*>(row.member);
}
bool is_list(const OptionRow& row) {
  return std::holds_alternative<std::vector<std::string> ServeOptions::*>(row.member);
}

/// The help of an option with its range and default.
std::string full_help(const OptionRow& row) {
  std::string help(row.help);
  help += '.';
  if (row.most != 0) {
    help += " From " + std::to_string(row.least) + " to " + std::to_string(row.most) + '.';
  }
  const std::string standard = text_of(row, ServeOptions{});
  if (!is_switch(row) && !standard.empty()) help += " Default: " + standard + '.';
  return help;
}

/// The name among `names` that `wrong` was most likely meant to be, or nothing.
std::string nearest(std::string_view wrong, const std::vector<std::string>& names) {
  std::string best;
  std::size_t best_distance = 3;  // a name further away than two letters was not meant
  for (const std::string& name : names) {
    std::vector<std::size_t> row(name.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < wrong.size(); ++i) {
      std::size_t diagonal = row[0];
      row[0] = i + 1;
      for (std::size_t j = 0; j < name.size(); ++j) {
        const std::size_t replaced = diagonal + (wrong[i] == name[j] ? 0 : 1);
        diagonal = row[j + 1];
        row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
      }
    }
    if (row.back() < best_distance) {
      best_distance = row.back();
      best = name;
    }
  }
  return best;
}

std::string did_you_mean(std::string_view wrong, const std::vector<std::string>& names) {
  const std::string name = nearest(wrong, names);
  return name.empty() ? "known are: " + joined(names, ", ") : "did you mean \"" + name + "\"?";
}

// --- values --------------------------------------------------------------------------------------

/// Sets the row's member from texts, wherever they come from. @param source how the user calls the
/// place, for the error.
StartResult<void> set_option(const OptionRow& row, const std::string& source,
                             const std::vector<std::string>& texts, ServeOptions& options) {
  const std::string& text = texts.back();
  const auto wrong = [&](const std::string& right) {
    return StartError(source + " is \"" + text + "\", but must be " + right);
  };
  if (const auto* list = std::get_if<std::vector<std::string> ServeOptions::*>(&row.member)) {
    std::vector<std::string> parts;
    for (const std::string& one : texts) {
      std::vector<std::string> some = split(one, ',');
      std::move(some.begin(), some.end(), std::back_inserter(parts));
    }
    if (parts.empty()) return wrong("one or more of " + std::string(row.value));
    options.** list = std::move(parts);
    return {};
  }
  if (const auto* toggle = std::get_if<bool ServeOptions::*>(&row.member)) {
    if (text != "true" && text != "false") return wrong("true or false");
    options.** toggle = text == "true";
    return {};
  }
  if (const auto* number = std::get_if<std::int64_t ServeOptions::*>(&row.member)) {
    const std::optional<std::int64_t> value = parse_digits(text);
    if (!value || *value < row.least || *value > row.most) {
      return wrong("a whole number from " + std::to_string(row.least) + " to " +
                   std::to_string(row.most));
    }
    options.** number = *value;
    return {};
  }
  if (row.value.find('|') != std::string_view::npos) {
    const std::vector<std::string> choices = split(row.value, '|');
    if (std::find(choices.begin(), choices.end(), text) == choices.end()) {
      return wrong("one of " + joined(choices, ", "));
    }
  }
  options.*std::get<std::string ServeOptions::*>(row.member) = text;
  return {};
}

bool is_base_url(std::string_view url) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (url.starts_with(scheme) && url.size() > scheme.size() && url[scheme.size()] != '/' &&
        url.find_first_of(" ?#") == std::string_view::npos) {
      return true;
    }
  }
  return false;
}

/// @param flag of the option that `addresses` stand in.
StartResult<void> check_addresses(const std::string& flag,
                                  const std::vector<std::string>& addresses,
                                  const ServeOptions& options) {
  for (const std::string& text : addresses) {
    std::string given = flag;
    given.append(" ").append(text);
    const std::optional<ListenAddress> address = parse_listen_address(text);
    if (!address) {
      return StartError(given +
                        ": not an address to listen on; write for example 127.0.0.1:9324 or "
                        "[::1]:9324");
    }
    if (!address->loopback && !options.has_credentials()) {
      return StartError(
          given +
          " would let everybody who reaches this machine use the queues, since no credentials are "
          "configured. Make an access key with `millrace keys create --credentials FILE` and start "
          "with --credentials FILE; or set MILLRACE_ROOT_ACCESS_KEY_ID and "
          "MILLRACE_ROOT_SECRET_ACCESS_KEY; or listen on a loopback address (127.0.0.1 or [::1])");
    }
  }
  return {};
}

StartResult<void> check_listening(const ServeOptions& options) {
  const auto plain = check_addresses("--listen", options.listen, options);
  if (!plain) return plain.error();
  const auto secure = check_addresses("--tls-listen", options.tls_listen, options);
  if (!secure) return secure.error();
  if (options.listen.empty() && !options.has_tls()) {
    return StartError("--listen off leaves nothing to listen on; give --tls-listen");
  }
  const std::pair<std::string, const std::string&> files[] = {
      {"--tls-certificate", options.tls_certificate},
      {"--tls-key", options.tls_key},
      {"--tls-client-ca", options.tls_client_ca}};
  for (const auto& [flag, file] : files) {
    const bool needed = options.has_tls() && &file != &options.tls_client_ca;
    if (needed && file.empty()) return StartError("--tls-listen needs " + flag + " FILE");
    if (!options.has_tls() && !file.empty()) {
      return StartError(flag + " is for --tls-listen HOST:PORT, which is not given");
    }
  }
  return {};
}

StartResult<void> check_proxies(const ServeOptions& options) {
  for (const std::string& text : options.trusted_proxies) {
    if (!AddressRange::parse(text)) {
      return StartError("--trusted-proxies " + text +
                        ": not an address; write for example 192.0.2.7 or 10.0.0.0/8");
    }
  }
  return {};
}

/// That the root access key and its secret come together, the secret once.
StartResult<void> check_root_key(const ServeOptions& options) {
  const bool id = !options.root_access_key_id.empty();
  const bool secret = !options.root_secret_access_key.empty();
  const bool file = !options.root_secret_access_key_file.empty();
  if (secret && file) {
    return StartError(
        "give either MILLRACE_ROOT_SECRET_ACCESS_KEY or --root-secret-access-key-file, not both");
  }
  if (id == (secret || file)) return {};
  return StartError(id ? "--root-access-key-id needs its secret, in "
                         "MILLRACE_ROOT_SECRET_ACCESS_KEY or --root-secret-access-key-file"
                       : "the secret of the root access key is given, but not "
                         "--root-access-key-id");
}

StartResult<void> check_options(const ServeOptions& options) {
  if (!AccountId::parse(options.account)) {
    return StartError("--account is \"" + options.account + "\", but must be twelve digits");
  }
  if (!Region::parse(options.region)) {
    return StartError("--region is \"" + options.region +
                      "\", but must be lower-case letters, digits and hyphens, like us-east-1");
  }
  if (!options.public_url.empty() && !is_base_url(options.public_url)) {
    return StartError("--public-url is \"" + options.public_url +
                      "\", but must be like https://queues.example.com");
  }
  if (options.data.empty()) return StartError("--data is empty, but must name a directory");
  if (!options.audit_log.empty() && options.audit_log == options.access_log) {
    return StartError("--audit-log and --access-log are one file, but must be two");
  }
  if (const auto root = check_root_key(options); !root) return root.error();
  if (const auto proxies = check_proxies(options); !proxies) return proxies.error();
  return check_listening(options);
}

// --- the file ------------------------------------------------------------------------------------

std::string place_of(const toml::node& node, const std::string& path) {
  return path + ":" + std::to_string(node.source().begin.line);
}

/// A string, whole number or boolean as text; or nothing.
std::optional<std::string> scalar_text(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return std::to_string(number->get());
  if (const auto* toggle = node.as_boolean()) return toggle->get() ? "true" : "false";
  return std::nullopt;
}

StartResult<std::vector<std::string>> option_texts(const OptionRow& row, const toml::node& node,
                                                   const std::string& source) {
  std::vector<std::string> texts;
  if (const toml::array* array = node.as_array(); array != nullptr && is_list(row)) {
    for (const toml::node& element : *array) {
      if (!element.is_string()) return StartError(source + " must be a list of strings");
      texts.push_back(element.as_string()->get());
    }
    if (texts.empty()) return StartError(source + " must not be empty");
    return texts;
  }
  const bool number = std::holds_alternative<std::int64_t ServeOptions::*>(row.member);
  const bool fits = number           ? node.is_integer()
                    : is_switch(row) ? node.is_boolean()
                                     : node.is_string();
  if (!fits) {
    return StartError(source + " must be " +
                      (number           ? "a whole number, without quotes"
                       : is_switch(row) ? "true or false, without quotes"
                                        : "a string, in quotes"));
  }
  texts.push_back(*scalar_text(node));
  return texts;
}

StartResult<std::vector<std::pair<std::string, std::string>>> read_map(const toml::node& node,
                                                                       const std::string& source) {
  const toml::table* table = node.as_table();
  if (table == nullptr) return StartError(source + " must be a table, like { Name = \"value\" }");
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const auto& [key, value] : *table) {
    std::optional<std::string> text = scalar_text(value);
    if (!text) {
      return StartError(source + ": the value of " + std::string(key.str()) +
                        " must be a string, a whole number, true or false");
    }
    pairs.emplace_back(std::string(key.str()), std::move(*text));
  }
  return pairs;
}

StartResult<void> read_queue_key(const std::string& key, const toml::node& node,
                                 const std::string& source, QueueDeclaration& queue) {
  if (key == "name" || key == "dead_letter_queue") {
    if (!node.is_string()) return StartError(source + " must be a string, in quotes");
    (key == "name" ? queue.name : queue.dead_letter_queue) = node.as_string()->get();
    return {};
  }
  if (key == "max_receive_count") {
    if (!node.is_integer()) return StartError(source + " must be a whole number, without quotes");
    queue.receive_count_max = node.as_integer()->get();
    return {};
  }
  if (key == "attributes" || key == "tags") {
    auto pairs = read_map(node, source);
    if (!pairs) return pairs.error();
    if (key == "tags") {
      queue.tags = std::move(*pairs);
    } else {
      queue.attributes = AttributeMap(pairs->begin(), pairs->end());
    }
    return {};
  }
  return StartError(
      source + ": a [[queue]] has no such key; " +
      did_you_mean(key, {"name", "attributes", "tags", "dead_letter_queue", "max_receive_count"}));
}

StartResult<QueueDeclaration> read_queue(const toml::node& node, const std::string& path) {
  QueueDeclaration queue;
  for (const auto& [key_node, value] : *node.as_table()) {
    const std::string key(key_node.str());
    const auto read = read_queue_key(key, value, place_of(value, path) + ": " + key, queue);
    if (!read) return read.error();
  }
  const std::string source = place_of(node, path) + ": queue \"" + queue.name + "\"";
  if (const auto name = QueueName::parse(queue.name); !name) {
    return StartError(source + ": " + name.error().message());
  }
  if (queue.dead_letter_queue.empty() != (queue.receive_count_max == 0)) {
    return StartError(source + ": dead_letter_queue and max_receive_count belong together");
  }
  if (!queue.dead_letter_queue.empty() && queue.attributes.contains("RedrivePolicy")) {
    return StartError(source + ": give either dead_letter_queue or the attribute RedrivePolicy");
  }
  return queue;
}

StartResult<void> read_queues(const toml::node& node, const std::string& path,
                              ServeOptions& options) {
  const toml::array* array = node.as_array();
  if (array == nullptr || !array->is_homogeneous(toml::node_type::table)) {
    return StartError(place_of(node, path) + ": queues are written as [[queue]], one each");
  }
  for (const toml::node& element : *array) {
    auto queue = read_queue(element, path);
    if (!queue) return queue.error();
    const auto same_name = [&](const QueueDeclaration& other) { return other.name == queue->name; };
    if (std::any_of(options.queues.begin(), options.queues.end(), same_name)) {
      return StartError(place_of(element, path) + ": queue \"" + queue->name +
                        "\" stands here twice");
    }
    options.queues.push_back(std::move(*queue));
  }
  return {};
}

const OptionRow* row_of_key(std::string_view key) {
  for (const OptionRow& row : kOptions) {
    if (row.in_file && key_of(row) == key) return &row;
  }
  return nullptr;
}

StartResult<void> read_file(const std::string& path, ServeOptions& options) {
  const auto unreadable = [&path] {
    return StartError("cannot read the configuration file " + path + ": " +
                      std::generic_category().message(errno));
  };
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"),
                                                             std::fclose);
  if (!file) return unreadable();
  std::string text;
  std::array<char, 4096> part;
  while (const std::size_t size = std::fread(part.data(), 1, part.size(), file.get())) {
    text.append(part.data(), size);
  }
  if (std::ferror(file.get()) != 0) return unreadable();  // a directory, for example
  return read_toml(text, path, options);
}

// --- the command line ----------------------------------------------------------------------------

constexpr std::string_view kAbout =
    "Millrace: a durable message queue server that speaks Amazon SQS";
constexpr std::size_t kHelpWidth = 50;  // beside CLI11's first column of 30

std::vector<std::string> behind(const std::vector<std::string>& arguments, std::string_view word) {
  return {std::find(arguments.begin(), arguments.end(), word) + 1, arguments.end()};
}

/// `text` in lines of at most `width`, as far as its words allow.
std::string wrapped(std::string_view text, std::size_t width) {
  std::string lines;
  std::size_t column = 0;
  for (const std::string& word : split(text, ' ')) {
    const bool fits = column + 1 + word.size() <= width;
    if (column > 0) lines += fits ? ' ' : '\n';
    column = word.size() + (column > 0 && fits ? column + 1 : 0);
    lines += word;
  }
  return lines;
}

/// The command line's grammar, with what CLI11 found for each row of kOptions.
struct CommandLine {
  CLI::App app{std::string(kAbout), "millrace"};
  CLI::App* serve = nullptr;
  CLI::App* version = nullptr;
  CLI::App* keys = nullptr;
  CLI::App* check = nullptr;
  CLI::App* kms = nullptr;
  CLI::App* documents = nullptr;
  std::vector<CLI::Option*> options;  // null for what is no flag

  CommandLine() {
    app.set_version_flag("--version", "millrace " + std::string(millrace::version()));
    app.require_subcommand(0, 1);
    serve = app.add_subcommand("serve", "Serve queues until stopped by SIGTERM or SIGINT");
    version = app.add_subcommand("version", "Print the version");
    keys =
        app.add_subcommand("keys", "List, make and change the access keys of a credentials file");
    keys->prefix_command()->set_help_flag();  // keys_command.cc reads what stands behind it
    check = app.add_subcommand("check", "Say whether a data directory is damaged");
    check->prefix_command()->set_help_flag();  // check_command.cc reads what stands behind it
    kms = app.add_subcommand("kms", "List, make and change the master keys of a keyring");
    kms->prefix_command()->set_help_flag();  // kms_command.cc, likewise
    documents = app.add_subcommand("config-docs", "Print docs/configuration.md");
    app.add_subcommand("help", "Print this text");
    for (const OptionRow& row : kOptions) options.push_back(add(row));
  }

 private:
  CLI::Option* add(const OptionRow& row) {
    if (!row.is_flag) return nullptr;
    const std::string help = wrapped(full_help(row) + " [" + variable_of(row) + "]", kHelpWidth);
    if (is_switch(row)) return serve->add_flag(flag_of(row), help)->take_last();
    CLI::Option* option = serve->add_option(flag_of(row))->description(help);
    option->type_name(std::string(row.value))->expected(1);
    return is_list(row) ? option->take_all() : option->take_last();
  }
};

/// What the flags and the environment say about one row: the texts and where they stand.
struct Given {
  std::string source;
  std::vector<std::string> texts;
};

std::optional<Given> given(const OptionRow& row, const CLI::Option* option,
                           const Environment& environment) {
  if (option != nullptr && option->count() > 0) {
    return Given{flag_of(row),
                 is_list(row) ? option->results() : std::vector{option->results().back()}};
  }
  const std::string variable = variable_of(row);
  const char* value = environment(variable.c_str());
  if (value == nullptr) return std::nullopt;
  return Given{variable, {value}};
}

StartResult<ServeOptions> read_options(const CommandLine& line, const Environment& environment) {
  const std::span rows(kOptions);
  const auto config = std::find_if(rows.begin(), rows.end(),
                                   [](const OptionRow& row) { return row.name == "config"; });
  ServeOptions options;
  const CLI::Option* config_option = line.options[static_cast<std::size_t>(config - rows.begin())];
  if (const auto path = given(*config, config_option, environment)) {
    if (const auto read = read_file(path->texts.back(), options); !read) return read.error();
  }
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto one = given(rows[i], line.options[i], environment);
    if (!one) continue;
    if (const auto set = set_option(rows[i], one->source, one->texts, options); !set) {
      return set.error();
    }
  }
  if (options.listen == std::vector<std::string>{"off"}) options.listen.clear();
  if (const auto checked = check_options(options); !checked) return checked.error();
  return options;
}

/// The argument that is not understood, and what was most likely meant.
std::string serve_error(const CLI::ParseError& error, const CommandLine& line) {
  const std::string text = error.what();
  const std::vector<std::string> unknown = line.serve->remaining();
  // What else can be wrong with options that all take one text: it is missing.
  if (unknown.empty()) return text.substr(0, text.find(':')) + " needs a value";
  const std::string wrong = unknown.front().substr(0, unknown.front().find('='));
  if (!wrong.starts_with("-")) return "serve takes options only, not \"" + wrong + "\"";
  std::vector<std::string> flags;
  for (const OptionRow& row : kOptions) {
    if (row.is_flag) flags.push_back(flag_of(row));
  }
  const std::string meant = nearest(wrong, flags);
  return "there is no option " + wrong + (meant.empty() ? "" : "; did you mean " + meant + "?");
}

std::string usage_error(const CLI::ParseError& error, const CommandLine& line,
                        const std::vector<std::string>& arguments) {
  if (line.serve->parsed()) {
    return serve_error(error, line) + "\nRun millrace serve --help for the options.";
  }
  const std::string& first = arguments.front();
  std::vector<std::string> commands;
  for (const CLI::App* command : line.app.get_subcommands([](const CLI::App*) { return true; })) {
    commands.push_back(command->get_name());
  }
  std::string text = error.what();
  if (first.starts_with("-")) {
    text = "there is no option " + first + " before a command; the server's belong behind serve";
  } else if (std::find(commands.begin(), commands.end(), first) == commands.end()) {
    text = "there is no command " + first + "; " + did_you_mean(first, commands);
  }
  return text + "\nRun millrace --help for the commands.";
}

}  // namespace

std::string_view version() {
  return MILLRACE_VERSION;
}

LogFileOptions ServeOptions::audit_log_file() const {
  return {.path = audit_log,
          .bytes_max = static_cast<std::size_t>(audit_log_mebibytes) << 20,
          .files_max = static_cast<std::size_t>(audit_log_files)};
}

LogFileOptions ServeOptions::access_log_file() const {
  return {.path = access_log,
          .bytes_max = static_cast<std::size_t>(access_log_mebibytes) << 20,
          .files_max = static_cast<std::size_t>(access_log_files)};
}

std::string ListenAddress::text() const {
  const bool six = address.find(':') != std::string::npos;
  return (six ? "[" + address + "]" : address) + ":" + std::to_string(port);
}

std::optional<ListenAddress> parse_listen_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  constexpr std::int64_t kPortMax = 65'535;
  const std::optional<std::int64_t> port = parse_digits(text.substr(colon + 1));
  if (!port || *port > kPortMax) return std::nullopt;
  std::string host(text.substr(0, colon));
  const bool brackets = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (brackets) host = host.substr(1, host.size() - 2);
  if (host == "localhost") host = "127.0.0.1";
  boost::system::error_code failed;
  const auto address = boost::asio::ip::make_address(host, failed);
  if (failed || address.is_v6() != brackets) return std::nullopt;
  return ListenAddress{host, static_cast<std::uint16_t>(*port), address.is_loopback()};
}

StartResult<void> read_toml(std::string_view text, const std::string& path, ServeOptions& options) {
  toml::table table;
  try {
    table = toml::parse(text, path);
  } catch (const toml::parse_error& error) {
    return StartError(path + ":" + std::to_string(error.source().begin.line) + ": " +
                      std::string(error.description()));
  }
  for (const auto& [key_node, value] : table) {
    const std::string key(key_node.str());
    if (key == "queue") {
      if (const auto read = read_queues(value, path, options); !read) return read.error();
      continue;
    }
    const std::string source = place_of(value, path) + ": " + key;
    const OptionRow* row = row_of_key(key);
    if (row == nullptr) {
      std::vector<std::string> keys = {"queue"};
      for (const OptionRow& one : kOptions) {
        if (one.in_file) keys.push_back(key_of(one));
      }
      return StartError(source + ": there is no such option; " + did_you_mean(key, keys));
    }
    const auto texts = option_texts(*row, value, source);
    if (!texts) return texts.error();
    if (const auto set = set_option(*row, source, *texts, options); !set) return set.error();
  }
  return {};
}

StartResult<Invocation> parse_command_line(const std::vector<std::string>& arguments,
                                           const Environment& environment) {
  CommandLine line;
  Invocation invocation;
  try {
    line.app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::CallForHelp&) {
    invocation.text = line.app.help();
    return invocation;
  } catch (const CLI::CallForVersion& request) {
    invocation.text = std::string(request.what()) + "\n";
    return invocation;
  } catch (const CLI::ParseError& error) {
    return StartError(usage_error(error, line, arguments));
  }
  if (line.serve->parsed()) {
    auto options = read_options(line, environment);
    if (!options) return options.error();
    invocation.kind = Invocation::Kind::serve;
    invocation.options = std::move(*options);
  } else if (line.keys->parsed()) {
    invocation.kind = Invocation::Kind::keys;
    invocation.arguments = behind(arguments, "keys");
  } else if (line.check->parsed()) {
    invocation.kind = Invocation::Kind::check;
    invocation.arguments = behind(arguments, "check");
  } else if (line.kms->parsed()) {
    invocation.kind = Invocation::Kind::kms;
    invocation.arguments = behind(arguments, "kms");
  } else if (line.version->parsed()) {
    invocation.text = "millrace " + std::string(version()) + "\n";
  } else if (line.documents->parsed()) {
    invocation.text = configuration_document();
  } else {
    invocation.text = CommandLine().app.help();  // that of `line` would be the command's
  }
  return invocation;
}

std::string configuration_document() {
  std::string text = R"(# Configuration

<!-- Made by `millrace config-docs` from the table of options in src/server/config.cc. -->

`millrace serve` takes each option as a flag, as an environment variable, or as a key of the TOML
file that `--config` names. A flag beats the environment, which beats the file, which beats the
default. A flag or key that does not exist is an error. What has no flag is a secret: everybody on a
machine sees the flags of its processes.

| flag | environment | TOML key | default | meaning |
| --- | --- | --- | --- | --- |
)";
  for (const OptionRow& row : kOptions) {
    std::string value(row.value);
    for (std::size_t at = 0; (at = value.find('|', at)) != std::string::npos; at += 2) {
      value.insert(at, "\\");
    }
    const std::string standard = text_of(row, ServeOptions{});
    text += row.is_flag ? "| `" + flag_of(row) + "`" + (value.empty() ? "" : " " + value) : "| ";
    text += " | `" + variable_of(row) + "` | ";
    text += row.in_file ? "`" + key_of(row) + "`" : "";
    text += " | " + (standard.empty() ? "" : "`" + standard + "`") + " | ";
    text += std::string(row.help) + ". ";
    if (row.most != 0) {
      text += "From " + std::to_string(row.least) + " to " + std::to_string(row.most) + ". ";
    }
    text += "|\n";
  }
  text += R"(
A switch without a value is on; `--ephemeral=false` turns it off where the environment or the file
turned it on. In the file, what may be several is a string or a list of strings.

## Queues in the file

Queues that stand in the file are made when the server starts. One that exists already and differs
gets the attributes and tags of the file, which the log then says. What the file does not mention is
left alone, and no queue is ever deleted because it is missing in the file.

```toml
region = "eu-central-1"
listen = ["127.0.0.1:9324", "[::1]:9324"]

[[queue]]
name = "orders"
attributes = { VisibilityTimeout = 60, MessageRetentionPeriod = 86400 }
tags = { team = "shop" }
dead_letter_queue = "orders-failed"
max_receive_count = 5

[[queue]]
name = "orders-failed"

[[queue]]
name = "invoices.fifo"
attributes = { FifoQueue = true, ContentBasedDeduplication = true }
```

| key of a `[[queue]]` | meaning |
| --- | --- |
| `name` | the queue's name |
| `attributes` | queue attributes by the names that SQS gives them |
| `tags` | tags of the queue |
| `dead_letter_queue` | name of the queue that takes what was received too often; it may stand anywhere in the file, or exist already |
| `max_receive_count` | how often a message is received before it goes there, 1 to 1000 |
)";
  return text;
}

}  // namespace millrace
