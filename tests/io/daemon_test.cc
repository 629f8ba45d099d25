#include "lib/io/daemon.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/io/script_node.h"
#include "tests/io/temp_dir.h"

namespace fanmill {
namespace {

DaemonFlags FlagsIn(const TempDir& dir) {
  DaemonFlags flags;
  flags.common.program = "fanmill-test";
  flags.common.controller = "127.0.0.1:1";
  flags.role = "sink";
  flags.journal = "ledger";
  flags.port = 21002;
  flags.listen = "127.0.0.1:0";
  flags.state = dir / "state";
  return flags;
}

std::string WhyNot(const DaemonFlags& flags) {
  const auto daemon = Daemon::Start(flags);
  return daemon.ok() ? "" : std::string(daemon.status().message());
}

int RunAtOnce(Daemon& daemon) {
  ScriptNode node;
  node.done = [] { return true; };
  const absl::StatusOr<int> code = daemon.Run(node);
  EXPECT_TRUE(code.ok()) << code.status();
  return code.value_or(-1);
}

TEST(Daemon, WritesWhereItListensOnceItDoes) {
  const TempDir dir;
  DaemonFlags flags = FlagsIn(dir);
  flags.address_file = dir / "address";
  const auto daemon = *Daemon::Start(flags);
  const std::string results = *daemon->Bind(Channel::kResults, 0);
  const std::string facts = *daemon->Bind(Channel::kFacts, 3);
  EXPECT_EQ(ReadFile(dir / "address"), "");
  EXPECT_EQ(RunAtOnce(*daemon), 0);
  EXPECT_EQ(ReadFile(dir / "address"), "results " + results + "\nfacts " + facts + "\n");
}

TEST(Daemon, WritesTheControlAddressAsPeopleGiveItToOthers) {
  const TempDir dir;
  DaemonFlags flags = FlagsIn(dir);
  flags.address_file = dir / "address";
  const auto daemon = *Daemon::Start(flags);
  const std::string control = *daemon->Bind(Channel::kControl, 0);
  ASSERT_TRUE(daemon->Bind(Channel::kSignal, 1).ok());
  EXPECT_EQ(RunAtOnce(*daemon), 0);
  EXPECT_EQ("tcp://" + ReadFile(dir / "address"), control + "\n");
}

TEST(Daemon, TellsOthersTheHostThatIsAdvertised) {
  const TempDir dir;
  DaemonFlags flags = FlagsIn(dir);
  flags.common.insecure_network = true;
  flags.listen = "0.0.0.0:0";
  EXPECT_EQ(WhyNot(flags),
            "listening on every address of this machine (0.0.0.0:0) needs --advertise HOST: what "
            "others are to connect to");
  flags.advertise = "192.0.2.9";
  const auto daemon = Daemon::Start(flags);
  ASSERT_TRUE(daemon.ok()) << daemon.status();
  EXPECT_TRUE((*daemon)->Bind(Channel::kResults, 0)->starts_with("tcp://192.0.2.9:"));
}

TEST(Daemon, ListensBesideItsPathUnderIpc) {
  const TempDir dir;
  DaemonFlags flags = FlagsIn(dir);
  flags.listen = "ipc://" + dir / "sock";
  const auto daemon = *Daemon::Start(flags);
  EXPECT_EQ(*daemon->Bind(Channel::kResults, 0), "ipc://" + dir / "sock");
  EXPECT_EQ(*daemon->Bind(Channel::kFacts, 3), "ipc://" + dir / "sock.facts");
}

TEST(Daemon, SaysWhatIsWrongBeforeItTakesAnEpoch) {
  const TempDir dir;
  DaemonFlags flags = FlagsIn(dir);
  flags.listen = "no-such-host.invalid";
  EXPECT_NE(WhyNot(flags).find("could not resolve the host"), std::string::npos);
  flags = FlagsIn(dir);
  flags.common.key_file = dir / "none";
  EXPECT_NE(WhyNot(flags).find("could not read the key file"), std::string::npos);
  flags = FlagsIn(dir);
  flags.common.controller = "10.0.0.1";
  EXPECT_NE(WhyNot(flags).find("refusing to use tcp://10.0.0.1:21000 without a key"),
            std::string::npos);
  EXPECT_EQ((*Daemon::Start(FlagsIn(dir)))->state().epoch(), 1u);
}

TEST(Daemon, SaysThatThereAreNoPortsAbove65535) {
  const TempDir dir;
  DaemonFlags flags = FlagsIn(dir);
  flags.listen = "127.0.0.1:65535";
  const auto high = *Daemon::Start(flags);
  EXPECT_EQ(std::string(high->Bind(Channel::kFacts, 3).status().message()),
            "--listen 127.0.0.1:65535: ports up to 65538 would be needed, and there are 65535");
}

TEST(Daemon, IntroducesItsNode) {
  struct Options {
    uint64_t epoch = 0, directory = 0, seed = 0, pid = 0;
    std::string version, host, name;
    v1::Durability durability = v1::DURABILITY_UNKNOWN;
  } options;
  const TempDir dir;
  const auto daemon = *Daemon::Start(FlagsIn(dir));
  daemon->Introduce(options);
  EXPECT_EQ(options.epoch, 1u);
  EXPECT_EQ(options.directory, daemon->state().id());
  EXPECT_EQ(options.version, Version());
  EXPECT_EQ(options.durability, v1::DURABLE_ON_DISK);
  EXPECT_EQ(options.pid, static_cast<uint64_t>(getpid()));
  EXPECT_EQ(daemon->controller(), "tcp://127.0.0.1:1");
}

int Parse(std::vector<const char*> words, DaemonFlags& flags) {
  CLI::App app("about");
  AddCommonFlags(app, flags.common);
  AddControllerFlag(app, flags.common);
  AddDaemonFlags(app, flags);
  words.insert(words.begin(), "fanmill-test");
  return ParseCommandLine(app, static_cast<int>(words.size()), const_cast<char**>(words.data()))
      .value_or(-1);
}

TEST(Flags, EndWithTwoWhereTheUsageIsWrong) {
  DaemonFlags flags;
  flags.common.program = "fanmill-test";
  EXPECT_EQ(Parse({"--state", "/x", "--log-level", "debug", "--listen", "[::1]:7"}, flags), -1);
  EXPECT_EQ(flags.state, "/x");
  EXPECT_EQ(flags.listen, "[::1]:7");
  EXPECT_EQ(Parse({"--help"}, flags), 0);
  EXPECT_EQ(Parse({"--version"}, flags), 0);
  EXPECT_EQ(Parse({"--nonsense"}, flags), 2);
  EXPECT_EQ(Parse({"--log-level", "loud"}, flags), 2);
  EXPECT_EQ(Parse({"stray"}, flags), 2);
}

TEST(Flags, SayInPlainWordsWhatIsWrong) {
  const struct {
    std::vector<const char*> words;
    const char* said;
  } all[] = {{{"--nonsense"}, "there is no option --nonsense"},
             {{"stray"}, "too many words: stray"},
             {{"--state"}, "--state needs a value"},
             {{"--state", ""}, "--state: it is empty: is a shell variable in it unset?"},
             {{"--key="}, "--key needs a value"},
             {{"--controller", ""}, "--controller: it is empty: is a shell variable in it unset?"},
             {{"--state", "/x", "--state", "/y"}, "--state is given more than once"},
             {{"--trace-messages=no"}, "--trace-messages takes no value"}};
  for (const auto& wrong : all) {
    DaemonFlags flags;
    flags.common.program = "fanmill-test";
    testing::internal::CaptureStderr();
    EXPECT_EQ(Parse(wrong.words, flags), 2);
    EXPECT_EQ(
        testing::internal::GetCapturedStderr(),
        "fanmill-test: " + std::string(wrong.said) + "; fanmill-test --help tells what there is\n");
  }
}

TEST(Flags, ReadHowManyBytes) {
  const auto read = [](std::string text) {
    const std::string wrong = Bytes(16, 1 << 20)(text);
    return wrong.empty() ? text : wrong;
  };
  EXPECT_EQ(read("16"), "16");
  EXPECT_EQ(read("2k"), "2048");
  EXPECT_EQ(read("1M"), "1048576");
  for (const char* text :
       {"", "K", "15", "2M", "-1", "1.5K", "1KB", "17179869184T", "99999999999999999999"}) {
    EXPECT_EQ(read(text), "'" + std::string(text) +
                              "' is not how many bytes: write a number, or one with K, M, G or T, "
                              "from 16 to 1M");
  }
}

TEST(Flags, ComplainInOneLineWithTheExitCodeOfTheKind) {
  CommonFlags flags;
  flags.program = "fanmill-test";
  testing::internal::CaptureStderr();
  EXPECT_EQ(Complain(flags, absl::UnavailableError("port in use")), 5);
  EXPECT_EQ(Complain(flags, absl::InvalidArgumentError("no address")), 2);
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "fanmill-test: port in use\nfanmill-test: no address\n");
}

}  // namespace
}  // namespace fanmill
