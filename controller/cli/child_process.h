// ChildProcess: one of Fanmill's executables, started by us, watched and ended by its pid. What it
// writes goes to a log file.
#ifndef FANMILL_CONTROLLER_CLI_CHILD_PROCESS_H_
#define FANMILL_CONTROLLER_CLI_CHILD_PROCESS_H_

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "lib/core/instant.h"

namespace fanmill::cli {

class ChildProcess {
 public:
  // In a process group of its own, so that a terminal's Ctrl-C reaches us alone; and killed when
  // the thread that calls this ends before it, however that comes about. REQUIRES: argv[0] is the
  // path of an executable.
  static absl::StatusOr<ChildProcess> Start(const std::vector<std::string>& argv,
                                            const std::string& log_path);
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&& other) noexcept;
  ~ChildProcess();  // kills and reaps it, if it still runs

  pid_t pid() const { return pid_; }
  const std::string& name() const { return name_; }  // the executable's, without its folder
  bool Running();                                    // reaps it once it has ended
  bool WaitUntilEnded(Duration timeout);             // whether it did
  void Signal(int number);                           // nothing, once it was seen to have ended
  // How it ended: "exit code 5", "signal 9 (SIGKILL)". REQUIRES: it was seen to have ended.
  std::string EndText() const;
  int exit_code() const;  // 128 + N when signal N ended it. REQUIRES: likewise
  // The end of what it wrote.
  std::string LastLines(size_t lines_max) const;

 private:
  ChildProcess(pid_t pid, std::string name, std::string log_path);

  pid_t pid_;
  std::string name_;
  std::string log_path_;
  std::optional<int> status_;  // of waitpid
};

}  // namespace fanmill::cli

#endif  // FANMILL_CONTROLLER_CLI_CHILD_PROCESS_H_
