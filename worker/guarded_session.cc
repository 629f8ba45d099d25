#include "worker/guarded_session.h"

namespace fanmill {

GuardedSession::GuardedSession(Session& session, SlotTable& table, const SessionOptions& options)
    : WrappedNode(session), session_(session), table_(table) {
  told_.incarnation = options.incarnation;
  SetText(told_.name, options.name);
  SetText(told_.controller, options.controller);
  table_.identity().Set(told_);
}

// Cluster and ventilator change only when the controller says something.
void GuardedSession::Handle(Instant now, PeerId from, const Message& message, Outbox& outbox) {
  WrappedNode::Handle(now, from, message, outbox);
  if (from.channel != Channel::kControl) return;
  if (told_.cluster == session_.cluster() && told_.lease_endpoint == session_.lease_endpoint()) {
    return;
  }
  told_.cluster = session_.cluster();
  SetText(told_.lease_endpoint, session_.lease_endpoint());
  table_.identity().Set(told_);
}

}  // namespace fanmill
