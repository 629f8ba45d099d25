// LinePrinter: writes whole lines of tasks to stdout and stderr, in a thread of its own, since
// whoever reads them may be slow, or a person who looks at a page. Where a task's last line had no
// end, the next task's begins on a new one all the same.
#ifndef FANMILL_WORKER_LINE_PRINTER_H_
#define FANMILL_WORKER_LINE_PRINTER_H_

#include <array>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <string_view>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "lib/io/file.h"
#include "worker/capture.h"

namespace fanmill {

// What waits to be written. Above it there is no room, though what comes is still taken.
inline constexpr size_t kLinesWaitingBytesMax = 1 << 20;

class LinePrinter {
 public:
  // The descriptors stay the caller's. `on_lost` is called once for each that takes no more.
  LinePrinter(int out_fd, int err_fd, std::function<void(int fd, int error)> on_lost);
  // Waits until all is written, or lost, or abandoned.
  ~LinePrinter();
  LinePrinter(const LinePrinter&) = delete;
  LinePrinter& operator=(const LinePrinter&) = delete;

  // `stream` 0 is stdout, 1 stderr. All but a task's last lines have their ends.
  void Print(size_t stream, CapturedStream lines);
  // When it says no, event_fd will be readable once there is room again.
  bool HasRoom();
  int event_fd() const { return room_.get(); }
  void TakeEvent();
  // Nothing more is written, whoever waits for it. From any thread.
  void Abandon();

 private:
  struct Lines {
    size_t stream;
    CapturedStream text;
  };
  struct Target {
    int fd;
    bool is_file;  // never makes a writer wait
    bool lost;
    size_t line;  // whose `mid_line` is its: both may be one terminal
  };

  void Serve();
  void Write(Lines lines);
  void WriteText(Target& target, std::string_view text);
  bool AwaitRoomAt(const Target& target);
  static size_t Weight(CapturedStream& text);

  const std::function<void(int fd, int error)> on_lost_;
  const FileDescriptor room_;
  const FileDescriptor abandoned_event_;
  std::array<Target, 2> targets_;
  std::array<bool, 2> mid_line_{};

  std::mutex mutex_;
  std::condition_variable news_;
  std::deque<Lines> queue_ ABSL_GUARDED_BY(mutex_);
  size_t waiting_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  bool room_wanted_ ABSL_GUARDED_BY(mutex_) = false;
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace fanmill

#endif  // FANMILL_WORKER_LINE_PRINTER_H_
