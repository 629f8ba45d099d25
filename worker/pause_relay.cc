#include "worker/pause_relay.h"

#include <unistd.h>

#include <algorithm>

namespace fanmill {
namespace {

// As the signal does by default: the shell is told which one it was. The kernel lets it pass where
// nobody could ever continue us (our process group is an orphan); then this returns at once.
void StopSelf(int signal) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal);
  raise(signal);
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);  // here we are stopped
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

}  // namespace

void SendByte(int fd, uint8_t byte) {
  // A full pipe holds thousands of words nobody has read: one more would tell nothing.
  [[maybe_unused]] const ssize_t written = write(fd, &byte, 1);
}

PauseRelay::PauseRelay(pid_t child, int child_fd, int up_fd)
    : child_(child), child_fd_(child_fd), up_fd_(up_fd) {}

bool PauseRelay::Take(int signal) {
  if (signal == SIGCONT) {
    wanted_ = false;
    if (!is_outer()) kill(child_, SIGCONT);
    SendByte(child_fd_, SIGCONT);
    return true;
  }
  if (!AsksToPause(signal)) return false;
  if (wanted_) return true;
  wanted_ = true;
  why_ = signal;
  ++awaited_;
  give_up_ = Clock::now() + kPausePatience;
  SendByte(child_fd_, SIGTSTP);
  return true;
}

void PauseRelay::OnStill() {
  if (awaited_ == 0) return;  // we did not wait for it any longer
  --awaited_;
  if (wanted_ && awaited_ == 0) Stop();
}

void PauseRelay::Stop() {
  if (is_outer()) {
    StopSelf(why_);
    Take(SIGCONT);
  } else {
    kill(child_, SIGSTOP);
    SendByte(up_fd_, SIGTSTP);
  }
}

int PauseRelay::WaitMillis() const {
  if (!is_outer() || !wanted_ || awaited_ == 0) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(give_up_ - Clock::now());
  return static_cast<int>(std::max<int64_t>(left.count(), 0));
}

void PauseRelay::Tick() {
  if (WaitMillis() != 0) return;
  awaited_ = 0;
  Stop();
}

}  // namespace fanmill
