// Progress: the line on a terminal that says how the batch goes on, drawn anew several times a
// second, and out of the way of all else that is printed.
#ifndef FANMILL_CONTROLLER_CLI_PROGRESS_H_
#define FANMILL_CONTROLLER_CLI_PROGRESS_H_

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "controller/cli/progress_line.h"

namespace fanmill::cli {

// While it lives, the line is on stderr. One at a time.
class Progress {
 public:
  // `facts` is asked from a thread of this object.
  explicit Progress(std::function<ProgressFacts()> facts);
  ~Progress();
  Progress(const Progress&) = delete;

 private:
  void Draw();

  std::function<ProgressFacts()> facts_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool over_ = false;
  std::thread thread_;
};

// Takes the line off the terminal, if there is one, and keeps it off as long as the result lives:
// for whatever else is printed. From any thread, and not twice in one.
[[nodiscard]] std::unique_lock<std::mutex> AboveProgress();

// Whether stderr is a terminal that can redraw a line.
bool ProgressFits();

}  // namespace fanmill::cli

#endif  // FANMILL_CONTROLLER_CLI_PROGRESS_H_
