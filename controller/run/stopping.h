// Stopping: what becomes of a run when somebody asks it to stop. At the first signal what runs is
// ended in peace and nothing more begins; the second sends SIGTERM to it, and SIGKILL after its
// grace; at the third the process ends at once, and its guardians kill what there is.
#ifndef FANMILL_CONTROLLER_RUN_STOPPING_H_
#define FANMILL_CONTROLLER_RUN_STOPPING_H_

#include <atomic>
#include <functional>
#include <thread>

#include "lib/io/file.h"

namespace fanmill::cli {

class Stopping {
 public:
  struct Hooks {
    std::function<void()> drain;  // at the first signal
    std::function<void()> kill;   // at the second
    std::function<uint32_t()> running;
  };
  // Reads `signals_fd` with TakeSignals, in a thread of its own.
  Stopping(int signals_fd, Hooks hooks);
  ~Stopping();
  Stopping(const Stopping&) = delete;

  // The first signal that came; 0: none did.
  int signal() const { return first_; }

 private:
  void Watch(int signals_fd);
  void OnSignal(int number);

  const Hooks hooks_;
  std::atomic<int> first_{0};
  int count_ = 0;
  const FileDescriptor over_;
  std::thread thread_;
};

}  // namespace fanmill::cli

#endif  // FANMILL_CONTROLLER_RUN_STOPPING_H_
