// Starts a task's process, signals its group, and takes in its end. Everything for one child is to
// be done by one thread, and that thread must outlive its children: the kernel kills a task's
// first process when the thread that started it ends.
#ifndef FANMILL_WORKER_SPAWN_H_
#define FANMILL_WORKER_SPAWN_H_

#include <sys/resource.h>
#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fanmill {

struct Command {
  std::string program;            // a path, as Resolve gives it
  std::vector<std::string> argv;  // argv[0] included
  std::vector<std::string> env;   // "NAME=value"; nothing is inherited
  std::string cwd;                // empty: the worker's own
};

// Why nothing was started: text for a person, and an errno for the program (EAGAIN: not now).
struct SpawnFailure {
  int error = 0;  // 0: no failure
  std::string text;
};

struct Resolved {
  std::string path;
  SpawnFailure failure;  // ENOENT: not found, EACCES: not executable, ENOTDIR: no such cwd
};

// Finds the program as a shell would: a name with a slash is a path (below cwd when relative),
// any other is looked up in `search_path` (as in $PATH). Worth keeping per batch.
Resolved Resolve(std::string_view program, std::string_view search_path, const std::string& cwd);

struct Child {
  pid_t pid = -1;  // also the id of its process group
  int pidfd = -1;  // readable when its first process ended
};

struct Spawned {
  Child child;
  SpawnFailure failure;
};

// Starts the command in a process group of its own: stdin is /dev/null, stdout and stderr go to the
// descriptors (both above 2, and still the caller's), signals are as at login, no other descriptor
// is open. Returns when the program runs, or with the reason why it does not.
Spawned Spawn(const Command& command, int stdout_fd, int stderr_fd);

// Sends the signal to the child's whole process group. Only before Reap has returned its ending.
void SignalGroup(const Child& child, int signal);

struct Ending {
  bool signaled;  // `code` is a signal, else an exit code
  int code;
  rusage usage;  // of the process and of those it waited for
};

// nullopt while the child's first process runs. Else, once: kills what is left of its process
// group, reaps it, closes the pidfd. The id of the group is good for nothing after that.
std::optional<Ending> Reap(Child& child);

// From now on Spawn fails (ECANCELED) and Reap gives nothing back: the process is about to end, and
// how its children die says nothing about their tasks. From any thread.
void StopSpawning();
bool SpawningStopped();

// True while a Spawn that StopSpawning came too late for may still make a child.
bool SpawnUnderWay();

}  // namespace fanmill

#endif  // FANMILL_WORKER_SPAWN_H_
