// The signals by which a person asks a process to stop. Here alone, without the rest of lib/io,
// since a guardian needs them and nothing else of it.
#ifndef FANMILL_LIB_IO_STOP_SIGNALS_H_
#define FANMILL_LIB_IO_STOP_SIGNALS_H_

#include <csignal>
#include <initializer_list>

#include "lib/core/check.h"

namespace fanmill {

// SIGINT, SIGTERM, SIGHUP and `more`, but for those that were ignored when the process began: nohup
// and a shell's & mean it.
inline sigset_t StopSignals(std::initializer_list<int> more = {}) {
  sigset_t set;
  sigemptyset(&set);
  const auto add = [&set](int number) {
    struct sigaction action = {};
    FANMILL_CHECK(sigaction(number, nullptr, &action) == 0);
    if (action.sa_handler != SIG_IGN) sigaddset(&set, number);
  };
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) add(number);
  for (const int number : more) add(number);
  return set;
}

// Holds them back, for a signalfd, and returns them.
inline sigset_t BlockStopSignals(std::initializer_list<int> more = {}) {
  const sigset_t set = StopSignals(more);
  FANMILL_CHECK(pthread_sigmask(SIG_BLOCK, &set, nullptr) == 0);
  std::signal(SIGPIPE, SIG_IGN);
  return set;
}

}  // namespace fanmill

#endif  // FANMILL_LIB_IO_STOP_SIGNALS_H_
