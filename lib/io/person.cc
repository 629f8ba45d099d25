#include "lib/io/person.h"

#include <sys/signalfd.h>

#include <csignal>
#include <utility>

#include "lib/core/check.h"

namespace fanmill {
namespace {

int TakeFrom(int fd) {
  signalfd_siginfo signal;
  int count = 0;
  while (read(fd, &signal, sizeof signal) == sizeof signal) ++count;
  return count;
}

}  // namespace

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
