#include "controller/cli/demo_cluster.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "controller/cli/command.h"
#include "lib/client/cluster.h"
#include "lib/io/clock.h"
#include "lib/io/process.h"

namespace fanmill::cli {
namespace {

constexpr Duration kReadyPatience = Seconds(20);
constexpr Duration kLeavePatience = Seconds(10);
constexpr Duration kDrainPatience = Seconds(2);  // for those that are stopped half-way
constexpr Duration kLookEvery = Millis(10);
constexpr size_t kLogLinesShown = 12;

absl::Status Interrupted() {
  return SignalSeen() == 0 ? absl::OkStatus() : absl::CancelledError("interrupted");
}

absl::StatusOr<std::string> FolderOfExecutables() {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  if (!error) return self.parent_path().string();
  return absl::UnavailableError(
      absl::StrCat("cannot find the other executables of Fanmill: ", error.message()));
}

constexpr ptrdiff_t kRoles = 3;  // controller, ventilator, sink

template <class Iterator>
void End(Iterator first, Iterator last) {
  std::for_each(first, last, [](ChildProcess& child) { child.Signal(SIGTERM); });
  const Instant deadline = Now() + kDrainPatience;
  std::for_each(first, last, [&](ChildProcess& child) { child.WaitUntilEnded(deadline - Now()); });
}

}  // namespace

DemoCluster::~DemoCluster() {
  // The workers, started last, get to end what runs while there is still somebody to take the
  // results. Whoever takes longer is killed by its own destructor.
  const auto roles =
      std::next(children_.begin(), std::min<ptrdiff_t>(kRoles, std::ssize(children_)));
  End(roles, children_.end());
  End(children_.begin(), roles);
  children_.clear();
  std::error_code ignored;
  if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
}

absl::Status DemoCluster::Start(int workers, uint32_t slots) {
  const char* temporary = std::getenv("TMPDIR");
  std::string made =
      absl::StrCat(temporary == nullptr ? "/tmp" : temporary, "/fanmill-demo-XXXXXX");
  if (mkdtemp(made.data()) == nullptr) {
    return absl::UnavailableError(
        absl::StrCat("cannot make a folder like ", made, ": ", ErrorText(errno)));
  }
  folder_ = made;
  const std::string address_file = folder_ + "/address";
  const std::vector<std::string> state = {"--state", folder_ + "/state"};
  const auto with = [&state](std::vector<std::string> flags) {
    flags.insert(flags.end(), state.begin(), state.end());
    return flags;
  };
  absl::Status status = StartOne("fanmill-controller", "controller",
                                 with({"--listen", "127.0.0.1:0", "--address-file", address_file}));
  if (status.ok()) status = AwaitAddress(address_file);
  for (const char* role : {"ventilator", "sink"}) {
    if (!status.ok()) return status;
    status = StartOne(absl::StrCat("fanmill-", role), role,
                      with({"--listen", "127.0.0.1:0", "--controller", controller_}));
  }
  for (int i = 1; i <= workers && status.ok(); ++i) {
    status = StartOne("fanmill-worker", absl::StrCat("worker-", i),
                      {"--controller", controller_, "--slots", absl::StrCat(slots), "--name",
                       absl::StrCat("demo-", i)});
  }
  return status.ok() ? AwaitWorkers(workers) : status;
}

absl::Status DemoCluster::StartOne(const std::string& program, const std::string& name,
                                   const std::vector<std::string>& flags) {
  absl::StatusOr<std::string> folder = FolderOfExecutables();
  if (!folder.ok()) return folder.status();
  std::vector<std::string> argv = {absl::StrCat(*folder, "/", program)};
  argv.insert(argv.end(), flags.begin(), flags.end());
  absl::StatusOr<ChildProcess> child =
      ChildProcess::Start(argv, absl::StrCat(folder_, "/", name, ".log"));
  if (!child.ok()) return child.status();
  children_.push_back(*std::move(child));
  return absl::OkStatus();
}

absl::Status DemoCluster::Check() {
  for (ChildProcess& child : children_) {
    if (child.Running()) continue;
    return absl::UnavailableError(absl::StrCat(child.name(), " ended with ", child.EndText(),
                                               ". The last it said:\n",
                                               child.LastLines(kLogLinesShown)));
  }
  return Interrupted();
}

absl::Status DemoCluster::AwaitAddress(const std::string& file) {
  for (const Instant deadline = Now() + kReadyPatience; Now() < deadline; WaitFor(kLookEvery)) {
    if (std::ifstream in(file); std::getline(in, controller_)) return absl::OkStatus();
    if (absl::Status status = Check(); !status.ok()) return status;
  }
  return absl::UnavailableError(absl::StrCat("fanmill-controller did not listen within ",
                                             kReadyPatience / Seconds(1), " s. The last it said:\n",
                                             children_.front().LastLines(kLogLinesShown)));
}

absl::Status DemoCluster::AwaitWorkers(int workers) {
  auto cluster = Connect({controller_, ""});
  if (!cluster.ok()) return cluster.status();
  for (const Instant deadline = Now() + kReadyPatience; Now() < deadline; WaitFor(kLookEvery)) {
    if (absl::Status status = Check(); !status.ok()) return status;
    absl::StatusOr<client::ClusterStatus> status = (*cluster)->Status();
    if (!status.ok()) return status.status();
    const auto ready = std::count_if(
        status->members.begin(), status->members.end(), [](const client::MemberStatus& member) {
          return member.role == "worker" && member.ready && !member.gone;
        });
    if (ready >= workers) return absl::OkStatus();
  }
  std::string logs;
  for (const ChildProcess& child : children_) {
    absl::StrAppend(&logs, "\n", child.name(), ": ", child.LastLines(1));
  }
  return absl::UnavailableError(absl::StrCat("the workers were not ready within ",
                                             kReadyPatience / Seconds(1),
                                             " s. The last that each said:", logs));
}

absl::Status DemoCluster::AwaitLeaving() {
  const Instant deadline = Now() + kLeavePatience;
  for (ChildProcess& child : children_) {
    if (child.WaitUntilEnded(deadline - Now())) continue;
    return absl::UnavailableError(absl::StrCat(
        child.name(), " (pid ", child.pid(), ") did not leave, and was killed. The last it said:\n",
        child.LastLines(kLogLinesShown)));
  }
  return absl::OkStatus();
}

}  // namespace fanmill::cli
