// PauseHook: what has to stand still while this process is stopped (Ctrl-Z), and how. For whatever
// would go on without us, as child processes do, or would be in the way of who stopped us, as a
// half-drawn line on the terminal is. The guardian, who hears of the Ctrl-Z, calls all there are.
#ifndef FANMILL_LIB_IO_PAUSE_HOOK_H_
#define FANMILL_LIB_IO_PAUSE_HOOK_H_

#include <algorithm>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"

namespace fanmill {

class PauseHook {
 public:
  // Called one after the other, in a thread of somebody else's, as a pair. The process is stopped
  // when `pause` has returned, which has to be soon: a person waits for it. Neither makes or ends a
  // hook.
  PauseHook(std::function<void()> pause, std::function<void()> resume)
      : pause_(std::move(pause)), resume_(std::move(resume)) {
    std::lock_guard lock(all().mutex);
    all().hooks.push_back(this);
  }
  // Resumes, if need be.
  ~PauseHook() {
    std::lock_guard lock(all().mutex);
    std::erase(all().hooks, this);
    Resume();
  }
  PauseHook(const PauseHook&) = delete;
  PauseHook& operator=(const PauseHook&) = delete;

  static void PauseAll() {
    std::lock_guard lock(all().mutex);
    for (PauseHook* hook : all().hooks) {
      if (!std::exchange(hook->paused_, true)) hook->pause_();
    }
  }
  // What was paused, the last first.
  static void ResumeAll() {
    std::lock_guard lock(all().mutex);
    std::for_each(all().hooks.rbegin(), all().hooks.rend(),
                  [](PauseHook* hook) { hook->Resume(); });
  }

 private:
  // One list per process, since a process is stopped as a whole.
  struct All {
    std::mutex mutex;
    std::vector<PauseHook*> hooks ABSL_GUARDED_BY(mutex);
  };
  static All& all() {
    static All& all = *new All;
    return all;
  }

  void Resume() {
    if (std::exchange(paused_, false)) resume_();
  }

  const std::function<void()> pause_;
  const std::function<void()> resume_;
  bool paused_ = false;
};

}  // namespace fanmill

#endif  // FANMILL_LIB_IO_PAUSE_HOOK_H_
