// How much the process layer costs: /bin/true through Spawn, Capture and Reap, and through the
// whole executor, against a bare posix_spawn and waitpid, in alternating rounds. Prints rates and
// their ratio; then how many noop tasks pass through the executor.
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <utility>
#include <variant>
#include <vector>

#include "lib/core/check.h"
#include "worker/capture.h"
#include "worker/executor.h"
#include "worker/slot_table.h"
#include "worker/spawn.h"

namespace fanmill {
namespace {

constexpr int kRounds = 15;
constexpr int kSpawnsPerRound = 400;

void SpawnBare() {
  char name[] = "true";
  char* argv[] = {name, nullptr};
  char* env[] = {nullptr};
  pid_t pid;
  FANMILL_CHECK(posix_spawn(&pid, "/bin/true", nullptr, nullptr, argv, env) == 0);
  FANMILL_CHECK(waitpid(pid, nullptr, 0) == pid);
}

// A shell's least: a group of its own, stdin from /dev/null and both outputs through pipes.
void SpawnBareWithPipes() {
  int out[2], err[2];
  FANMILL_CHECK(pipe2(out, O_CLOEXEC) == 0 && pipe2(err, O_CLOEXEC) == 0);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, out[1], 1);
  posix_spawn_file_actions_adddup2(&actions, err[1], 2);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
  char name[] = "true";
  char* argv[] = {name, nullptr};
  char* env[] = {nullptr};
  pid_t pid;
  FANMILL_CHECK(posix_spawn(&pid, "/bin/true", &actions, &attributes, argv, env) == 0);
  close(out[1]);
  close(err[1]);
  char byte;
  FANMILL_CHECK(read(out[0], &byte, 1) == 0 && read(err[0], &byte, 1) == 0);
  FANMILL_CHECK(waitpid(pid, nullptr, 0) == pid);
  close(out[0]);
  close(err[0]);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
}

void SpawnThroughLayer(Capture& capture, const Command& command) {
  FANMILL_CHECK(capture.Open().empty());
  Spawned spawned = Spawn(command, capture.stdout_for_child(), capture.stderr_for_child());
  capture.CloseChildEnds();
  FANMILL_CHECK(spawned.failure.error == 0);
  pollfd wanted{spawned.child.pidfd, POLLIN, 0};
  poll(&wanted, 1, -1);
  FANMILL_CHECK(Reap(spawned.child).has_value());
  capture.Finish();
  capture.Take();
}

// As the session does: a bite of tasks for each slot, the next when it is idle.
class ThroughExecutor {
 public:
  ThroughExecutor(const char* handler, uint32_t slots, uint32_t bite)
      : bite_(bite), table_(slots), executor_(ExecutorOptions(), table_) {
    pb::Spec spec;
    spec.set_handler(handler);
    spec.add_argv("/bin/true");
    spec_ = std::make_shared<const pb::Spec>(spec);
  }

  double Rate(int tasks) {
    const auto began = std::chrono::steady_clock::now();
    int left = tasks, ended = 0;
    for (uint32_t slot = 0; slot < table_.slots(); ++slot) left -= Hand(slot, left);
    while (ended < tasks) {
      pollfd wanted{executor_.event_fd(), POLLIN, 0};
      poll(&wanted, 1, -1);
      std::vector<Message> messages;
      executor_.Collect(messages);
      for (const Message& message : messages) {
        const TasksRan& ran = std::get<TasksRan>(message);
        FANMILL_CHECK(ran.outcomes.empty());
        ended += static_cast<int>(ran.ok_count);
        if (ran.idle) left -= Hand(ran.slot, left);
      }
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    return tasks / took.count();
  }

 private:
  int Hand(uint32_t slot, int left) {
    const uint32_t count = std::min<uint32_t>(bite_, static_cast<uint32_t>(left));
    if (count == 0) return 0;
    RunTasks work{slot, 1, spec_, {}, nullptr};
    work.tasks.reserve(count);
    for (uint32_t i = 0; i < count; ++i) work.tasks.push_back({1, i, i, 1, {}});
    executor_.Deliver(std::move(work));
    return static_cast<int>(count);
  }

  uint32_t bite_;
  SlotTable table_;
  Executor executor_;
  std::shared_ptr<const pb::Spec> spec_;
};

template <class Body>
double Rate(Body body) {
  const auto began = std::chrono::steady_clock::now();
  for (int i = 0; i < kSpawnsPerRound; ++i) body();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  return kSpawnsPerRound / took.count();
}

double Median(std::vector<double> rates) {
  std::sort(rates.begin(), rates.end());
  return rates[rates.size() / 2];
}

int Main() {
  Capture capture("/tmp");
  const Command command{"/bin/true", {"true"}, {}, ""};
  std::vector<double> bare, piped, layer, one, two;
  // An executor takes in every child of its process: it must be gone when others wait for theirs.
  for (int round = 0; round < kRounds; ++round) {
    bare.push_back(Rate(SpawnBare));
    piped.push_back(Rate(SpawnBareWithPipes));
    layer.push_back(Rate([&] { SpawnThroughLayer(capture, command); }));
    one.push_back(ThroughExecutor("exec", 1, 1).Rate(kSpawnsPerRound));
    two.push_back(ThroughExecutor("exec", 2, 1).Rate(kSpawnsPerRound));
  }
  std::printf("bare posix_spawn       %6.0f /s\n", Median(bare));
  std::printf("posix_spawn, pipes     %6.0f /s\n", Median(piped));
  std::printf("Spawn, Capture, Reap   %6.0f /s\n", Median(layer));
  std::printf("Executor, one slot     %6.0f /s\n", Median(one));
  std::printf("Executor, two slots    %6.0f /s\n", Median(two));
  std::printf("layer to bare          %6.3f\n", Median(layer) / Median(bare));
  std::printf("layer to bare, pipes   %6.3f\n", Median(layer) / Median(piped));
  std::printf("one slot to bare       %6.3f\n", Median(one) / Median(bare));
  std::printf("two slots to bare      %6.3f\n", Median(two) / Median(bare));
  ThroughExecutor noop("noop", 2, 4096);
  std::printf("noop, bites of 4096    %6.1f million/s\n", noop.Rate(20'000'000) / 1e6);
  return 0;
}

}  // namespace
}  // namespace fanmill

int main() { return fanmill::Main(); }
