// StopButton: how another thread asks a node to stop, as a person would: drain at the first press,
// kill at the second.
#ifndef FANMILL_CONTROLLER_RUN_STOP_BUTTON_H_
#define FANMILL_CONTROLLER_RUN_STOP_BUTTON_H_

#include <sys/eventfd.h>

#include <vector>

#include "lib/core/check.h"
#include "lib/io/file.h"
#include "lib/io/local_peer.h"

namespace fanmill {

class StopButton final : public LocalPeer {
 public:
  StopButton() : pressed_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    FANMILL_CHECK(pressed_.get() >= 0);
  }

  // From any thread.
  void Press(int times = 1) { eventfd_write(pressed_.get(), static_cast<eventfd_t>(times)); }

  void Deliver(Message) override { FANMILL_CHECK(false, "a button takes no message"); }
  int event_fd() const override { return pressed_.get(); }
  void Collect(std::vector<Message>& messages) override {
    eventfd_t count = 0;
    if (eventfd_read(pressed_.get(), &count) != 0) return;
    times_ += static_cast<int>(count);
    messages.push_back(StopAsked{times_});
  }

 private:
  const FileDescriptor pressed_;
  int times_ = 0;  // of the loop's thread
};

}  // namespace fanmill

#endif  // FANMILL_CONTROLLER_RUN_STOP_BUTTON_H_
