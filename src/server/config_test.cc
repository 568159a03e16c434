#include "server/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

namespace millrace {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

using Variables = std::map<std::string, std::string>;

StartResult<Invocation> parse(std::vector<std::string> arguments, const Variables& variables = {}) {
  return parse_command_line(arguments, [&](const char* name) -> const char* {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
}

std::string parse_error(std::vector<std::string> arguments, const Variables& variables = {}) {
  const auto parsed = parse(std::move(arguments), variables);
  return parsed ? "no error" : parsed.error().message();
}

std::string toml_error(std::string_view text) {
  ServeOptions options;
  const auto read = read_toml(text, "file.toml", options);
  return read ? "no error" : read.error().message();
}

// A configuration file that is gone when the test ends.
class ConfigFile {
 public:
  explicit ConfigFile(std::string_view text) {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    path_ = std::string(::testing::TempDir()) + "millrace-" + test->name() + ".toml";
    std::ofstream(path_) << text;
  }
  ConfigFile(const ConfigFile&) = delete;
  ConfigFile& operator=(const ConfigFile&) = delete;
  ~ConfigFile() { std::filesystem::remove(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

TEST(Config, ServeWithoutOptionsHasTheDefaults) {
  const auto parsed = parse({"serve"});
  ASSERT_TRUE(parsed) << parsed.error().message();
  EXPECT_EQ(parsed->kind, Invocation::Kind::serve);
  EXPECT_THAT(parsed->options.listen, ElementsAre("127.0.0.1:9324"));
  EXPECT_EQ(parsed->options.account, "000000000000");
  EXPECT_EQ(parsed->options.shards, 1);
  EXPECT_FALSE(parsed->options.ephemeral);
}

TEST(Config, FlagBeatsEnvironmentBeatsFileBeatsDefault) {
  const ConfigFile file("memory = 100\nshards = 2\nio_threads = 3\n");
  const Variables variables = {{"MILLRACE_MEMORY", "200"}, {"MILLRACE_SHARDS", "4"}};
  const auto parsed = parse({"serve", "--config", file.path(), "--memory=300"}, variables);
  ASSERT_TRUE(parsed) << parsed.error().message();
  EXPECT_EQ(parsed->options.memory_mebibytes, 300);
  EXPECT_EQ(parsed->options.shards, 4);
  EXPECT_EQ(parsed->options.io_threads, 3);
  EXPECT_EQ(parsed->options.connections_max, 20'000);
}

TEST(Config, EnvironmentNamesTheFile) {
  const ConfigFile file("region = \"eu-central-1\"\n");
  const auto parsed = parse({"serve"}, {{"MILLRACE_CONFIG", file.path()}});
  ASSERT_TRUE(parsed) << parsed.error().message();
  EXPECT_EQ(parsed->options.region, "eu-central-1");
}

TEST(Config, ListenTakesSeveralAddresses) {
  const auto parsed = parse({"serve", "--listen", "127.0.0.1:1,[::1]:2", "--listen=localhost:3"});
  ASSERT_TRUE(parsed) << parsed.error().message();
  EXPECT_THAT(parsed->options.listen, ElementsAre("127.0.0.1:1", "[::1]:2", "localhost:3"));
}

TEST(Config, SwitchesCanBeTurnedOff) {
  const Variables variables = {{"MILLRACE_EPHEMERAL", "true"}};
  EXPECT_TRUE(parse({"serve"}, variables)->options.ephemeral);
  EXPECT_FALSE(parse({"serve", "--ephemeral=false"}, variables)->options.ephemeral);
  EXPECT_TRUE(parse({"serve", "--ephemeral"})->options.ephemeral);
}

TEST(Config, WrongValuesSayWhatIsRight) {
  EXPECT_THAT(parse_error({"serve", "--shards", "0"}), HasSubstr("from 1 to 4096"));
  EXPECT_THAT(parse_error({"serve", "--memory", "lots"}), HasSubstr("a whole number"));
  EXPECT_THAT(parse_error({"serve", "--log-level", "loud"}),
              HasSubstr("one of debug, info, warning, error"));
  EXPECT_THAT(parse_error({"serve", "--account", "12"}), HasSubstr("twelve digits"));
  EXPECT_THAT(parse_error({"serve", "--region", "EU"}), HasSubstr("lower-case"));
  EXPECT_THAT(parse_error({"serve", "--public-url", "queues"}), HasSubstr("https://"));
  EXPECT_THAT(parse_error({"serve"}, {{"MILLRACE_EPHEMERAL", "yes"}}),
              HasSubstr("MILLRACE_EPHEMERAL is \"yes\", but must be true or false"));
}

TEST(Config, UnknownOptionsAreErrorsWithAHint) {
  EXPECT_THAT(parse_error({"serve", "--memroy", "1"}),
              HasSubstr("there is no option --memroy; did you mean --memory?"));
  EXPECT_THAT(parse_error({"serve", "--neither=x"}), HasSubstr("there is no option --neither\n"));
  EXPECT_THAT(parse_error({"serve", "--data"}), HasSubstr("--data needs a value"));
  EXPECT_THAT(parse_error({"serve", "data"}), HasSubstr("options only, not \"data\""));
  EXPECT_THAT(parse_error({"sevre"}), HasSubstr("did you mean \"serve\"?"));
  EXPECT_THAT(parse_error({"sevre"}), HasSubstr("millrace --help"));
  EXPECT_THAT(parse_error({"--data", "x"}), HasSubstr("behind serve"));
  EXPECT_THAT(toml_error("memroy = 3"), HasSubstr("file.toml:1"));
  EXPECT_THAT(toml_error("memroy = 3"), HasSubstr("did you mean \"memory\"?"));
  EXPECT_THAT(toml_error("config = \"x\""), HasSubstr("no such option"));
}

TEST(Config, OnlyLoopbackIsServedWithoutCredentials) {
  EXPECT_THAT(parse_error({"serve", "--listen", "0.0.0.0:9324"}),
              HasSubstr("no credentials are configured"));
  EXPECT_THAT(parse_error({"serve", "--listen", "0.0.0.0:9324"}),
              HasSubstr("millrace keys create --credentials FILE"));
  EXPECT_THAT(parse_error({"serve", "--listen", "127.0.0.1:1,[::]:1"}), HasSubstr("[::]:1"));
  EXPECT_THAT(parse_error({"serve", "--listen", "127.0.0.1"}), HasSubstr("127.0.0.1:9324"));
  const std::vector<std::string> everywhere = {"serve", "--listen", "0.0.0.0:1,[::]:1"};
  EXPECT_TRUE(parse(everywhere, {{"MILLRACE_CREDENTIALS", "keys.toml"}}));
  EXPECT_TRUE(parse(everywhere, {{"MILLRACE_ROOT_ACCESS_KEY_ID", "AKIDROOT"},
                                 {"MILLRACE_ROOT_SECRET_ACCESS_KEY", "0123456789abcdef"}}));
}

TEST(Config, HttpsIsListenedForBesidePlainHttpOrAlone) {
  const std::vector<std::string> tls = {"serve", "--tls-listen=127.0.0.1:1,[::1]:2",
                                        "--tls-certificate=c.pem", "--tls-key=k.pem"};
  const auto both = parse(tls);
  ASSERT_TRUE(both) << both.error().message();
  EXPECT_THAT(both->options.tls_listen, ElementsAre("127.0.0.1:1", "[::1]:2"));
  EXPECT_THAT(both->options.listen, ElementsAre("127.0.0.1:9324"));
  EXPECT_TRUE(both->options.has_tls());
  EXPECT_EQ(both->options.tls_minimum_version, "1.2");

  std::vector<std::string> alone = tls;
  alone.emplace_back("--listen=off");
  const auto parsed = parse(alone);
  ASSERT_TRUE(parsed) << parsed.error().message();
  EXPECT_THAT(parsed->options.listen, ElementsAre());

  EXPECT_THAT(parse_error({"serve", "--listen=off"}), HasSubstr("give --tls-listen"));
  EXPECT_THAT(parse_error({"serve", "--listen=off,[::1]:1"}), HasSubstr("--listen off: not an"));
}

TEST(Config, HttpsNeedsItsFilesAndTheyNeedIt) {
  EXPECT_THAT(parse_error({"serve", "--tls-listen=127.0.0.1:1", "--tls-key=k"}),
              HasSubstr("needs --tls-certificate FILE"));
  EXPECT_THAT(parse_error({"serve", "--tls-listen=127.0.0.1:1", "--tls-certificate=c"}),
              HasSubstr("needs --tls-key FILE"));
  for (const char* file : {"--tls-certificate", "--tls-key", "--tls-client-ca"}) {
    EXPECT_THAT(parse_error({"serve", file, "f"}),
                HasSubstr(std::string(file) + " is for --tls-listen HOST:PORT"));
  }
  EXPECT_THAT(parse_error({"serve", "--tls-listen=host", "--tls-certificate=c", "--tls-key=k"}),
              HasSubstr("--tls-listen host: not an address"));
  EXPECT_THAT(parse_error({"serve", "--tls-listen=[::]:1", "--tls-certificate=c", "--tls-key=k"}),
              HasSubstr("--tls-listen [::]:1 would let everybody"));
  EXPECT_THAT(parse_error({"serve", "--tls-minimum-version=1.1"}), HasSubstr("one of 1.2, 1.3"));
}

TEST(Config, TrustedProxiesAreAddresses) {
  const auto parsed = parse({"serve", "--trusted-proxies=10.0.0.0/8, ::1"});
  ASSERT_TRUE(parsed) << parsed.error().message();
  EXPECT_THAT(parsed->options.trusted_proxies, ElementsAre("10.0.0.0/8", "::1"));
  for (const char* wrong : {"proxy", "10.0.0.0/33", "10.0.0.1:80", "*"}) {
    EXPECT_THAT(parse_error({"serve", "--trusted-proxies", wrong}),
                HasSubstr("--trusted-proxies " + std::string(wrong)));
  }
}

TEST(Config, TheRootKeyComesWithItsSecret) {
  const Variables secret = {{"MILLRACE_ROOT_SECRET_ACCESS_KEY", "0123456789abcdef"}};
  const auto parsed = parse({"serve", "--root-access-key-id", "AKIDROOT"}, secret);
  ASSERT_TRUE(parsed) << parsed.error().message();
  EXPECT_TRUE(parsed->options.has_credentials());
  EXPECT_EQ(parsed->options.root_secret_access_key, "0123456789abcdef");
  EXPECT_TRUE(parse({"serve", "--root-access-key-id=AKIDROOT",
                     "--root-secret-access-key-file=/run/secrets/root"}));
  EXPECT_FALSE(parse({"serve"})->options.has_credentials());

  EXPECT_THAT(parse_error({"serve", "--root-access-key-id", "AKIDROOT"}),
              HasSubstr("needs its secret"));
  EXPECT_THAT(parse_error({"serve"}, secret), HasSubstr("but not --root-access-key-id"));
  EXPECT_THAT(
      parse_error({"serve", "--root-access-key-id=AKIDROOT", "--root-secret-access-key-file=f"},
                  secret),
      HasSubstr("not both"));
}

TEST(Config, TheLogsAreTwoFiles) {
  EXPECT_EQ(parse({"serve"})->options.audit_log_file().path, "");
  const auto logs = parse({"serve", "--audit-log", "a", "--audit-log-size", "3",
                           "--audit-log-files", "4", "--access-log", "b", "--access-log-size=0"});
  const LogFileOptions audit = logs->options.audit_log_file();
  EXPECT_EQ(audit.path, "a");
  EXPECT_EQ(audit.bytes_max, std::size_t{3} << 20);
  EXPECT_EQ(audit.files_max, 4u);
  const LogFileOptions access = logs->options.access_log_file();
  EXPECT_EQ(access.path, "b");
  EXPECT_EQ(access.bytes_max, 0u);
  EXPECT_EQ(access.files_max, 10u);
  EXPECT_THAT(parse_error({"serve", "--audit-log", "a", "--access-log", "a"}),
              HasSubstr("must be two"));
}

TEST(Config, ASecretIsNoFlagAndNotInTheFile) {
  EXPECT_THAT(parse_error({"serve", "--root-secret-access-key", "x"}),
              HasSubstr("there is no option --root-secret-access-key"));
  EXPECT_THAT(toml_error("root_secret_access_key = \"x\""), HasSubstr("no such option"));
  EXPECT_THAT(parse({"config-docs"})->text, HasSubstr("`MILLRACE_ROOT_SECRET_ACCESS_KEY`"));
}

TEST(Config, KeysHasACommandLineOfItsOwn) {
  const auto parsed = parse({"keys", "create", "--user", "ada", "--help"});
  ASSERT_TRUE(parsed) << parsed.error().message();
  EXPECT_EQ(parsed->kind, Invocation::Kind::keys);
  EXPECT_THAT(parsed->arguments, ElementsAre("create", "--user", "ada", "--help"));
  EXPECT_THAT(parse({"keys"})->arguments, ElementsAre());
  EXPECT_THAT(parse({"keys", "--help"})->arguments, ElementsAre("--help"));
  const auto kms = parse({"kms", "list"});
  ASSERT_TRUE(kms);
  EXPECT_EQ(kms->kind, Invocation::Kind::kms);
  EXPECT_THAT(kms->arguments, ElementsAre("list"));
}

TEST(Config, TheKeyringLiesInTheDataDirectoryUnlessItIsToldElsewhere) {
  EXPECT_EQ(parse({"serve", "--data", "d"})->options.keyring_path(), "d/keyring");
  EXPECT_EQ(parse({"serve", "--keyring", "k"})->options.keyring_path(), "k");
  EXPECT_EQ(parse({"serve", "--ephemeral"})->options.keyring_path(), "");
  EXPECT_EQ(parse({"serve", "--ephemeral", "--keyring", "k"})->options.keyring_path(), "k");
}

TEST(Config, ListenAddresses) {
  const auto six = parse_listen_address("[::1]:80");
  ASSERT_TRUE(six);
  EXPECT_EQ(six->address, "::1");
  EXPECT_TRUE(six->loopback);
  EXPECT_EQ(six->text(), "[::1]:80");
  const auto four = parse_listen_address("192.0.2.1:65535");
  ASSERT_TRUE(four);
  EXPECT_FALSE(four->loopback);
  EXPECT_EQ(four->text(), "192.0.2.1:65535");
  for (const char* wrong : {"", ":80", "::1:80", "127.0.0.1:65536", "127.0.0.1:-1", "host:80",
                            "[127.0.0.1]:80", "127.0.0.1:"}) {
    EXPECT_FALSE(parse_listen_address(wrong)) << wrong;
  }
}

TEST(Config, FileDeclaresFifoQueues) {
  ServeOptions options;
  const auto read = read_toml(R"(
[[queue]]
name = "orders.fifo"
attributes = { FifoQueue = true, DeduplicationScope = "messageGroup" }
)",
                              "file.toml", options);
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(options.queues.at(0).name, "orders.fifo");
  EXPECT_EQ(options.queues.at(0).attributes,
            (AttributeMap{{"FifoQueue", "true"}, {"DeduplicationScope", "messageGroup"}}));
}

TEST(Config, FileDeclaresQueues) {
  ServeOptions options;
  const auto read = read_toml(R"(
listen = ["127.0.0.1:1", "127.0.0.1:2"]
test_clock = true
[[queue]]
name = "orders"
attributes = { VisibilityTimeout = 60, SqsManagedSseEnabled = false, Policy = "" }
tags = { team = "shop" }
dead_letter_queue = "failed"
max_receive_count = 5
[[queue]]
name = "failed"
)",
                              "file.toml", options);
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_THAT(options.listen, ElementsAre("127.0.0.1:1", "127.0.0.1:2"));
  EXPECT_TRUE(options.test_clock);
  ASSERT_EQ(options.queues.size(), 2u);
  const QueueDeclaration& orders = options.queues[0];
  EXPECT_EQ(orders.name, "orders");
  EXPECT_EQ(orders.attributes,
            (AttributeMap{
                {"VisibilityTimeout", "60"}, {"SqsManagedSseEnabled", "false"}, {"Policy", ""}}));
  EXPECT_THAT(orders.tags, ElementsAre(std::pair<std::string, std::string>("team", "shop")));
  EXPECT_EQ(orders.dead_letter_queue, "failed");
  EXPECT_EQ(orders.receive_count_max, 5);
  EXPECT_EQ(options.queues[1].name, "failed");
}

TEST(Config, FileErrorsNameTheLine) {
  EXPECT_THAT(toml_error("memory = \"3\""),
              HasSubstr("file.toml:1: memory must be a whole number"));
  EXPECT_THAT(toml_error("memory ="), HasSubstr("file.toml:1"));
  EXPECT_THAT(toml_error("listen = [1]"), HasSubstr("list of strings"));
  EXPECT_THAT(toml_error("queue = 3"), HasSubstr("[[queue]]"));
  EXPECT_THAT(toml_error("[[queue]]\nname = \"no spaces\""), HasSubstr("Can only include"));
  EXPECT_THAT(toml_error("[[queue]]\nname = \"a\"\ntag = {}"), HasSubstr("\"tags\""));
  EXPECT_THAT(toml_error("[[queue]]\nname = \"a\"\ndead_letter_queue = \"b\""),
              HasSubstr("belong together"));
  EXPECT_THAT(toml_error("[[queue]]\nname = \"a\"\n[[queue]]\nname = \"a\""), HasSubstr("twice"));
  EXPECT_THAT(toml_error("[[queue]]\nname = \"a\"\ndead_letter_queue = \"b\"\n"
                         "max_receive_count = 3\nattributes = { RedrivePolicy = \"{}\" }"),
              HasSubstr("either dead_letter_queue"));
}

TEST(Config, AFileThatCannotBeReadIsAnError) {
  EXPECT_THAT(parse_error({"serve", "--config", "/nonexistent/file.toml"}),
              HasSubstr("cannot read the configuration file /nonexistent/file.toml: No such file"));
  EXPECT_THAT(parse_error({"serve", "--config", "/"}), HasSubstr("Is a directory"));
}

TEST(Config, HelpAndDocumentsNameEveryOption) {
  const std::string help = parse({"serve", "--help"})->text;
  const std::string document = parse({"config-docs"})->text;
  EXPECT_EQ(document, configuration_document());
  for (const char* name : {"listen", "free-space", "test-clock"}) {
    EXPECT_THAT(help, HasSubstr(std::string("--") + name));
    EXPECT_THAT(document, HasSubstr(std::string("`--") + name));
  }
  EXPECT_THAT(help, HasSubstr("MILLRACE_IO_THREADS"));
  std::istringstream lines(help);
  for (std::string text; std::getline(lines, text);) EXPECT_LE(text.size(), 80) << text;
  EXPECT_THAT(document, HasSubstr("`io_threads`"));
}

TEST(Config, WithoutACommandTheHelpIsPrinted) {
  EXPECT_THAT(parse({})->text, HasSubstr("serve"));
  EXPECT_EQ(parse({"help"})->text, parse({})->text);
  EXPECT_THAT(parse({"version"})->text, HasSubstr(std::string(version())));
  EXPECT_THAT(parse({"--version"})->text, HasSubstr(std::string(version())));
}

}  // namespace
}  // namespace millrace
