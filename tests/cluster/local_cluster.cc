#include "tests/cluster/local_cluster.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "lib/client/cluster.h"
#include "lib/core/check.h"
#include "lib/core/instant.h"
#include "lib/io/file.h"

namespace fanmill {
namespace {

constexpr Duration kEndPatience = Seconds(60);
constexpr size_t kLogLinesShown = 40;

std::string TextOf(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

bool IsFree(uint16_t port) {
  const FileDescriptor probe(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return bind(probe.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
}

// Two ports side by side for the controller's control and signal: it must be able to come back to
// them, so they lie below those that the system gives to anybody.
uint16_t FreePorts() {
  constexpr int kFirst = 12'000;
  constexpr int kPairs = 4'000;
  static int turn = getpid() * 97;
  for (int tried = 0; tried < kPairs; ++tried, ++turn) {
    const auto port = static_cast<uint16_t>(kFirst + 2 * (turn % kPairs));
    if (IsFree(port) && IsFree(port + 1)) {
      ++turn;
      return port;
    }
  }
  FANMILL_CHECK(false, "there is no free port");
}

}  // namespace

std::string Executable(const std::string& name) { return absl::StrCat(FANMILL_BIN_DIR, "/", name); }

RunningCommand StartCommand(const std::vector<std::string>& argv, const std::string& path,
                            const std::string& input) {
  std::ofstream(path + ".in", std::ios::binary) << input;
  std::vector<std::string> words = {
      "/bin/sh", "-c", R"(p=$1; shift; exec "$@" <"$p.in" >"$p.out" 2>"$p.err")", "sh", path};
  words.insert(words.end(), argv.begin(), argv.end());
  absl::StatusOr<cli::ChildProcess> process = cli::ChildProcess::Start(words, path + ".log");
  FANMILL_CHECK(process.ok(), process.status().ToString().c_str());
  return RunningCommand(*std::move(process), path);
}

std::string RunningCommand::Out() const { return TextOf(path_ + ".out"); }
std::string RunningCommand::Err() const { return TextOf(path_ + ".err"); }

Finished RunningCommand::Wait() {
  if (!process_.WaitUntilEnded(kEndPatience)) {
    ADD_FAILURE() << path_ << " did not end; on stderr: " << Err();
    process_.Signal(SIGKILL);
    process_.WaitUntilEnded(kEndPatience);
  }
  return {process_.exit_code(), Out(), Err()};
}

LocalCluster::LocalCluster(LocalClusterOptions options) : options_(std::move(options)) {
  std::string made = ::testing::TempDir() + "fanmill-cluster-XXXXXX";
  FANMILL_CHECK(mkdtemp(made.data()) != nullptr, std::strerror(errno));
  folder_ = made;
  address_ = absl::StrCat("127.0.0.1:", FreePorts());
}

LocalCluster::~LocalCluster() {
  std::vector<cli::ChildProcess*> all;
  for (auto* role : {&controller_, &ventilator_, &sink_}) {
    if (role->has_value()) all.push_back(&**role);
  }
  for (cli::ChildProcess& worker : workers_) all.push_back(&worker);
  for (cli::ChildProcess* process : all) KillHard(*process);
  EXPECT_TRUE(WaitUntil([this] { return Processes().empty(); })) << "a process is left";
  if (::testing::Test::HasFailure()) {
    for (const cli::ChildProcess* process : all) {
      std::cerr << "---- " << process->name() << " pid " << process->pid() << "\n"
                << process->LastLines(kLogLinesShown) << "\n";
    }
  }
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

void LocalCluster::StartAll() {
  StartController();
  StartVentilator();
  StartSink();
  for (int i = 0; i < options_.workers; ++i) StartWorker();
  ASSERT_TRUE(AwaitReadyWorkers(options_.workers));
}

cli::ChildProcess LocalCluster::Start(const std::string& program, const std::string& log,
                                      const std::vector<std::string>& own,
                                      const std::vector<std::string>& more) {
  const size_t equals = mark_.entry().find('=');
  setenv(mark_.entry().substr(0, equals).c_str(), mark_.entry().c_str() + equals + 1, 1);
  std::vector<std::string> argv = {Executable(program)};
  argv.insert(argv.end(), own.begin(), own.end());
  argv.insert(argv.end(), options_.flags.begin(), options_.flags.end());
  argv.insert(argv.end(), more.begin(), more.end());
  absl::StatusOr<cli::ChildProcess> child =
      cli::ChildProcess::Start(argv, absl::StrCat(folder_, "/", log, ".log"));
  FANMILL_CHECK(child.ok(), child.status().ToString().c_str());
  return *std::move(child);
}

void LocalCluster::StartControllerUnwatched(const std::vector<std::string>& flags) {
  controller_ = Start("fanmill-controller", "controller",
                      {"--listen", address_, "--state", folder_ + "/state"}, flags);
}

void LocalCluster::StartController(const std::vector<std::string>& flags) {
  const std::string listening = folder_ + "/listening";
  std::filesystem::remove(listening);
  std::vector<std::string> more = {"--address-file", listening};
  more.insert(more.end(), flags.begin(), flags.end());
  StartControllerUnwatched(more);
  ASSERT_TRUE(
      WaitUntil([&] { return std::filesystem::exists(listening) || !controller_->Running(); }));
  ASSERT_TRUE(controller_->Running()) << controller_->LastLines(kLogLinesShown);
}

void LocalCluster::StartVentilator(const std::vector<std::string>& flags) {
  ventilator_ = Start(
      "fanmill-ventilator", "ventilator",
      {"--controller", address_, "--listen", "127.0.0.1:0", "--state", folder_ + "/state"}, flags);
}

void LocalCluster::StartSink(const std::vector<std::string>& flags) {
  sink_ = Start(
      "fanmill-sink", "sink",
      {"--controller", address_, "--listen", "127.0.0.1:0", "--state", folder_ + "/state"}, flags);
}

cli::ChildProcess& LocalCluster::StartWorker(const std::vector<std::string>& flags) {
  std::vector<std::string> own = {"--controller", address_};
  if (std::find(flags.begin(), flags.end(), "--slots") == flags.end()) {
    own.insert(own.end(), {"--slots", absl::StrCat(options_.slots)});
  }
  workers_.push_back(Start("fanmill-worker", absl::StrCat("worker-", workers_.size()), own, flags));
  return workers_.back();
}

void LocalCluster::KillHard(cli::ChildProcess& process) {
  process.Signal(SIGKILL);
  EXPECT_TRUE(process.WaitUntilEnded(kEndPatience));
}

bool LocalCluster::AwaitReadyWorkers(int count) {
  return WaitUntil([this, count] {
    const Finished status = Fanmill({"status"});
    int ready = 0;
    for (size_t at = 0; (at = status.out.find("\nworker ", at)) != std::string::npos; ++at) {
      const std::string line = status.out.substr(at + 1, status.out.find('\n', at + 1) - at - 1);
      ready += line.find(" ready ") != std::string::npos;
    }
    return ready == count;
  });
}

RunningCommand LocalCluster::StartFanmill(const std::vector<std::string>& words,
                                          const std::string& input) {
  std::vector<std::string> argv = {Executable("fanmill"), "--controller", address_};
  for (size_t i = 0; i + 1 < options_.flags.size(); ++i) {
    if (options_.flags[i] == "--key") argv.insert(argv.end(), {"--key", options_.flags[i + 1]});
  }
  argv.insert(argv.end(), words.begin(), words.end());
  return StartCommand(argv, absl::StrCat(folder_, "/command-", ++commands_), input);
}

Finished LocalCluster::Fanmill(const std::vector<std::string>& words, const std::string& input) {
  return StartFanmill(words, input).Wait();
}

}  // namespace fanmill
