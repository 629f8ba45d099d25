// What a process knows about itself and its machine.
#ifndef FANMILL_LIB_IO_PROCESS_H_
#define FANMILL_LIB_IO_PROCESS_H_

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>

#include "lib/core/instant.h"

namespace fanmill {

std::string Version();
std::string HostName();
uint64_t RandomId();  // from the kernel, never 0
void WaitFor(Duration duration);

// Raises the soft limit of open files to the hard one and returns what holds then.
uint64_t RaiseFileLimit();

// The kernel's text of an errno, as it begins in the middle of a sentence: "address already in
// use".
std::string ErrorText(int error);

// While it lives: ends the process with `exit_code` if that takes longer than `patience`. For the
// closing of sockets, which may hang in libzmq.
class ExitWatchdog {
 public:
  explicit ExitWatchdog(int exit_code, Duration patience = Seconds(2));
  ~ExitWatchdog();

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool over_ = false;
  std::thread thread_;
};

}  // namespace fanmill

#endif  // FANMILL_LIB_IO_PROCESS_H_
