// WrappedNode: a node that is another one, but for what a derived class adds to a step of it.
#ifndef FANMILL_LIB_CORE_WRAPPED_NODE_H_
#define FANMILL_LIB_CORE_WRAPPED_NODE_H_

#include <map>
#include <string>
#include <vector>

#include "lib/core/node.h"

namespace fanmill {

class WrappedNode : public Node {
 public:
  explicit WrappedNode(Node& node) : node_(node) {}  // which outlives it

  void Start(Instant now, Outbox& outbox) override { node_.Start(now, outbox); }
  void Handle(Instant now, PeerId from, const Message& message, Outbox& outbox) override {
    node_.Handle(now, from, message, outbox);
  }
  void Tick(Instant now, Outbox& outbox) override { node_.Tick(now, outbox); }
  Instant NextDeadline() const override { return node_.NextDeadline(); }
  bool Done() const override { return node_.Done(); }
  int ExitCode() const override { return node_.ExitCode(); }
  void CheckInvariants() const override { node_.CheckInvariants(); }
  const std::map<std::string, uint64_t>& Counters() const override { return node_.Counters(); }
  std::vector<std::string> TakeNotices() override { return node_.TakeNotices(); }

 private:
  Node& node_;
};

}  // namespace fanmill

#endif  // FANMILL_LIB_CORE_WRAPPED_NODE_H_
