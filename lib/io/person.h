// Person: whoever presses Ctrl-C, closes the terminal or stops the service, as a peer of the node.
#ifndef FANMILL_LIB_IO_PERSON_H_
#define FANMILL_LIB_IO_PERSON_H_

#include <functional>
#include <vector>

#include "lib/io/file.h"
#include "lib/io/local_peer.h"
#include "lib/io/stop_signals.h"

namespace fanmill {

class Person final : public LocalPeer {
 public:
  // Reads the signals that BlockStopSignals holds back: to be called before any thread exists,
  // since threads inherit it.
  Person();
  // Reads them from a descriptor of somebody else's (a guardian's): `take` returns how many came.
  Person(int fd, std::function<int()> take);

  void Deliver(Message message) override;
  int event_fd() const override { return fd_; }
  // StopAsked with how often it was asked in all: drain at the first, kill at the second.
  void Collect(std::vector<Message>& messages) override;

 private:
  FileDescriptor own_;
  int fd_;
  std::function<int()> take_;
  int times_ = 0;
};

}  // namespace fanmill

#endif  // FANMILL_LIB_IO_PERSON_H_
