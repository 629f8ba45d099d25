// LocalCluster: the real executables as one cluster on loopback, for tests of whole processes.
// Waits on conditions alone, ends everything by pid, and expects that nothing is left at its end.
#ifndef FANMILL_TESTS_CLUSTER_LOCAL_CLUSTER_H_
#define FANMILL_TESTS_CLUSTER_LOCAL_CLUSTER_H_

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "controller/cli/child_process.h"
#include "tests/process/marked.h"

namespace fanmill {

// A program that was run to its end.
struct Finished {
  int exit_code = 0;  // 128 + N when signal N ended it
  std::string out;
  std::string err;
};

// A program that runs, with its stdin from a file and its output into files.
class RunningCommand {
 public:
  RunningCommand(cli::ChildProcess process, std::string path)
      : process_(std::move(process)), path_(std::move(path)) {}
  cli::ChildProcess& process() { return process_; }
  std::string Out() const;  // so far
  std::string Err() const;
  Finished Wait();  // fails the test, and kills it, when it does not end

 private:
  cli::ChildProcess process_;
  std::string path_;  // of its files, without their endings
};

struct LocalClusterOptions {
  int workers = 2;                      // by StartAll
  uint32_t slots = 2;                   // of each, where no flag says otherwise
  std::vector<std::string> flags = {};  // for every daemon, such as --key FILE
};

class LocalCluster {
 public:
  // Makes a folder; starts nothing yet.
  explicit LocalCluster(LocalClusterOptions options = {});
  LocalCluster(const LocalCluster&) = delete;
  LocalCluster& operator=(const LocalCluster&) = delete;
  // Kills what runs, shows the logs if the test failed, and fails it if a process is left.
  ~LocalCluster();

  void StartAll();  // and waits until every worker is ready
  // Each starts one, or starts it anew: with the same state, the controller at the same address.
  // REQUIRES: the one before has ended.
  void StartController(const std::vector<std::string>& flags = {});  // waits until it listens
  void StartControllerUnwatched(const std::vector<std::string>& flags = {});
  void StartVentilator(const std::vector<std::string>& flags = {});
  void StartSink(const std::vector<std::string>& flags = {});
  cli::ChildProcess& StartWorker(const std::vector<std::string>& flags = {});

  // REQUIRES: was started.
  cli::ChildProcess& controller() { return *controller_; }
  cli::ChildProcess& ventilator() { return *ventilator_; }
  cli::ChildProcess& sink() { return *sink_; }
  cli::ChildProcess& worker(size_t index) { return workers_.at(index); }  // as they were started
  size_t worker_count() const { return workers_.size(); }

  // kill -9, and waits until the process itself is reaped.
  static void KillHard(cli::ChildProcess& process);
  // Waits until so many workers that live are ready.
  [[nodiscard]] bool AwaitReadyWorkers(int count);

  // `fanmill WORDS...` against this cluster, with `input` on stdin.
  Finished Fanmill(const std::vector<std::string>& words, const std::string& input = "");
  RunningCommand StartFanmill(const std::vector<std::string>& words, const std::string& input = "");

  // Every process that descends from this cluster, whoever its parent is by now.
  std::vector<pid_t> Processes() const { return mark_.Bearers(); }
  const std::string& address() const { return address_; }  // of the controller
  const std::string& folder() const { return folder_; }    // for the test's own files too

 private:
  cli::ChildProcess Start(const std::string& program, const std::string& log,
                          const std::vector<std::string>& own,
                          const std::vector<std::string>& more);

  LocalClusterOptions options_;
  Mark mark_;
  std::string folder_;
  std::string address_;
  std::optional<cli::ChildProcess> controller_;
  std::optional<cli::ChildProcess> ventilator_;
  std::optional<cli::ChildProcess> sink_;
  std::deque<cli::ChildProcess> workers_;
  int commands_ = 0;
};

// A program with `input` on its stdin; its files are PATH.in, PATH.out and PATH.err.
RunningCommand StartCommand(const std::vector<std::string>& argv, const std::string& path,
                            const std::string& input);
// The path of an executable of Fanmill.
std::string Executable(const std::string& name);

}  // namespace fanmill

#endif  // FANMILL_TESTS_CLUSTER_LOCAL_CLUSTER_H_
