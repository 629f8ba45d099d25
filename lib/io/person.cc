#include "lib/io/person.h"

#include <sys/signalfd.h>

#include <csignal>
#include <utility>

#include "lib/core/check.h"

namespace fanmill {
namespace {

// Those that were not ignored when the process began: nohup and a shell's & mean it.
sigset_t StopSignals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction action = {};
    FANMILL_CHECK(sigaction(number, nullptr, &action) == 0);
    if (action.sa_handler != SIG_IGN) sigaddset(&set, number);
  }
  return set;
}

int TakeFrom(int fd) {
  signalfd_siginfo signal;
  int count = 0;
  while (read(fd, &signal, sizeof signal) == sizeof signal) ++count;
  return count;
}

}  // namespace

void BlockStopSignals() {
  const sigset_t set = StopSignals();
  FANMILL_CHECK(pthread_sigmask(SIG_BLOCK, &set, nullptr) == 0);
  std::signal(SIGPIPE, SIG_IGN);
}

Person::Person() {
  const sigset_t set = StopSignals();
  own_ = FileDescriptor(signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
  FANMILL_CHECK(own_.get() >= 0);
  fd_ = own_.get();
  take_ = [fd = fd_] { return TakeFrom(fd); };
}

Person::Person(int fd, std::function<int()> take) : fd_(fd), take_(std::move(take)) {}

void Person::Deliver(Message) { FANMILL_CHECK(false, "a person takes no message"); }

void Person::Collect(std::vector<Message>& messages) {
  const int count = take_();
  if (count == 0) return;
  times_ += count;
  messages.push_back(StopAsked{times_});
}

}  // namespace fanmill
