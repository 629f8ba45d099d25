#include "lib/io/process.h"

#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cctype>
#include <chrono>
#include <cstdio>
#include <cstring>

#include "lib/core/check.h"

namespace fanmill {

std::string Version() { return FANMILL_VERSION; }

std::string HostName() {
  char name[256] = {};
  if (gethostname(name, sizeof name - 1) != 0) return "unknown";
  return name;
}

uint64_t RandomId() {
  uint64_t id = 0;
  while (id == 0) FANMILL_CHECK(getrandom(&id, sizeof id, 0) == sizeof id);
  return id;
}

void WaitFor(Duration duration) { std::this_thread::sleep_for(duration); }

uint64_t RaiseFileLimit() {
  rlimit limit = {};
  FANMILL_CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  rlimit raised = limit;
  raised.rlim_cur = raised.rlim_max;
  return setrlimit(RLIMIT_NOFILE, &raised) == 0 ? raised.rlim_cur : limit.rlim_cur;
}

std::string ErrorText(int error) {
  std::string text = std::strerror(error);
  if (text.size() > 1 && std::islower(static_cast<unsigned char>(text[1])) != 0) {
    text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
  }
  return text;
}

ExitWatchdog::ExitWatchdog(int exit_code, Duration patience)
    : thread_([this, exit_code, patience] {
        std::unique_lock lock(mutex_);
        if (changed_.wait_for(lock, patience, [this] { return over_; })) return;
        std::fputs("fanmill: closing the sockets hangs; leaving without\n", stderr);
        _exit(exit_code);
      }) {}

ExitWatchdog::~ExitWatchdog() {
  {
    std::lock_guard lock(mutex_);
    over_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

}  // namespace fanmill
