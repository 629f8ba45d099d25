#include "controller/run/stopping.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <csignal>
#include <utility>

#include "absl/strings/str_cat.h"
#include "controller/cli/command.h"
#include "lib/core/check.h"
#include "worker/guardian.h"

namespace fanmill::cli {
namespace {

std::string Tasks(uint32_t count) { return absl::StrCat(count, count == 1 ? " task" : " tasks"); }

}  // namespace

Stopping::Stopping(int signals_fd, Hooks hooks)
    : hooks_(std::move(hooks)),
      over_(eventfd(0, EFD_CLOEXEC)),
      thread_([this, signals_fd] { Watch(signals_fd); }) {}

Stopping::~Stopping() {
  eventfd_write(over_.get(), 1);
  thread_.join();
}

void Stopping::Watch(int signals_fd) {
  while (true) {
    pollfd wanted[] = {{signals_fd, POLLIN, 0}, {over_.get(), POLLIN, 0}};
    poll(wanted, 2, -1);
    if (wanted[1].revents != 0) return;
    for (const int number : TakeSignals(signals_fd)) OnSignal(number);
  }
}

void Stopping::OnSignal(int number) {
  const char* again = number == SIGINT ? "Ctrl-C again kills" : "a second signal kills";
  switch (++count_) {
    case 1:
      Say(absl::StrCat("finishing ", Tasks(hooks_.running()), "; ", again));
      first_ = number;
      return hooks_.drain();
    case 2:
      Say(absl::StrCat("killing ", Tasks(hooks_.running()), "; once more does not wait for their ",
                       "--grace"));
      return hooks_.kill();
    default:
      _exit(kExitSignalBase + first_);
  }
}

}  // namespace fanmill::cli
