// Mailbox: how two threads of the worker exchange messages; many may put, one takes. Grows with
// what is put, so whoever puts is bounded: the session by its slots, each slot by its tasks.
#ifndef FANMILL_WORKER_MAILBOX_H_
#define FANMILL_WORKER_MAILBOX_H_

#include <sys/eventfd.h>
#include <unistd.h>

#include <mutex>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "lib/core/check.h"

namespace fanmill {

template <class T>
class Mailbox {
 public:
  Mailbox() : event_fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) { FANMILL_CHECK(event_fd_ >= 0); }
  ~Mailbox() { close(event_fd_); }
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  void Put(T item) {
    bool was_empty;
    {
      std::lock_guard lock(mutex_);
      was_empty = items_.empty();
      items_.push_back(std::move(item));
    }
    if (was_empty) eventfd_write(event_fd_, 1);
  }

  // All that is there, in order. Rarely, the event fires once more for what was taken already.
  std::vector<T> Take() {
    std::lock_guard lock(mutex_);
    eventfd_t count;
    eventfd_read(event_fd_, &count);
    return std::exchange(items_, {});
  }

  // To be polled for POLLIN.
  int event_fd() const { return event_fd_; }

 private:
  const int event_fd_;
  std::mutex mutex_;
  std::vector<T> items_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace fanmill

#endif  // FANMILL_WORKER_MAILBOX_H_
