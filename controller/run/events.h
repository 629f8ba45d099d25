// Events: what happens to a run, told by the threads to which it happens, for the one that waits.
#ifndef FANMILL_CONTROLLER_RUN_EVENTS_H_
#define FANMILL_CONTROLLER_RUN_EVENTS_H_

#include <condition_variable>
#include <mutex>
#include <string>

#include "absl/status/status.h"

namespace fanmill::cli {

class Events {
 public:
  enum Event { kReadOver = 1, kWorkerLeft = 2, kHalted = 4, kTrouble = 8 };

  void Tell(Event event) {
    const std::lock_guard lock(mutex_);
    happened_ |= event;
    changed_.notify_all();
  }
  // Something of the machine failed: the first one stands.
  void TellTrouble(const absl::Status& why) {
    {
      const std::lock_guard lock(mutex_);
      if (trouble_.ok()) trouble_ = why;
    }
    Tell(kTrouble);
  }
  bool Happened(int events) const {
    const std::lock_guard lock(mutex_);
    return (happened_ & events) != 0;
  }
  void AwaitAny(int events) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this, events] { return (happened_ & events) != 0; });
  }
  absl::Status trouble() const {
    const std::lock_guard lock(mutex_);
    return trouble_;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  int happened_ = 0;
  absl::Status trouble_;
};

}  // namespace fanmill::cli

#endif  // FANMILL_CONTROLLER_RUN_EVENTS_H_
