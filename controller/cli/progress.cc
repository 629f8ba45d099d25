#include "controller/cli/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <utility>

namespace fanmill::cli {
namespace {

constexpr auto kDrawEvery = std::chrono::milliseconds(200);
constexpr auto kFirstAfter = std::chrono::milliseconds(300);  // what is over soon needs no line
constexpr int kColumnsDefault = 80;

std::mutex line_mutex;
bool line_shown = false;  // guarded by it

int Columns() {
  winsize size = {};
  const bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : kColumnsDefault;
}

// As https://no-color.org has it.
Colours WantedColours() {
  const char* none = std::getenv("NO_COLOR");
  return ProgressFits() && (none == nullptr || *none == '\0') ? Colours::kAnsi : Colours::kNone;
}

}  // namespace

std::unique_lock<std::mutex> AboveProgress() {
  std::unique_lock lock(line_mutex);
  if (std::exchange(line_shown, false)) std::fputs("\r\033[K", stderr);
  return lock;
}

bool ProgressFits() {
  const char* terminal = std::getenv("TERM");
  return isatty(STDERR_FILENO) != 0 && terminal != nullptr && std::string_view(terminal) != "dumb";
}

Progress::Progress(std::function<ProgressFacts()> facts)
    : facts_(std::move(facts)), thread_([this] {
        std::unique_lock lock(mutex_);
        for (auto wait = kFirstAfter; !changed_.wait_for(lock, wait, [this] { return over_; });
             wait = kDrawEvery) {
          Draw();
        }
      }) {}

Progress::~Progress() {
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  changed_.notify_all();
  thread_.join();
  const auto gone = AboveProgress();
}

void Progress::Draw() {
  // The last column stays free: some terminals go to the next line there.
  const std::string line = ProgressLine(facts_(), Columns() - 1, WantedColours());
  const std::lock_guard lock(line_mutex);
  std::fprintf(stderr, "\r%s\033[K", line.c_str());
  std::fflush(stderr);
  line_shown = true;
}

}  // namespace fanmill::cli
