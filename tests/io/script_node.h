// A node that does what its test says, in a loop on a thread of its own.
#ifndef FANMILL_TESTS_IO_SCRIPT_NODE_H_
#define FANMILL_TESTS_IO_SCRIPT_NODE_H_

#include <functional>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "lib/core/limits.h"
#include "lib/core/node.h"
#include "lib/core/wire.h"
#include "lib/io/loop.h"

namespace fanmill {

// So that a test whose event never comes fails instead of hanging.
inline constexpr Duration kPatience = Seconds(20);

class ScriptNode final : public Node {
 public:
  std::function<void(Outbox&)> on_start;
  std::function<void(PeerId, const Message&, Outbox&)> on_message;
  std::function<void(Outbox&)> on_tick;
  std::function<bool()> done;
  Duration tick_every = Seconds(3600);

  bool gave_up = false;
  std::vector<std::pair<PeerId, Message>> heard;

  template <class T>
  std::vector<T> Heard() const {
    std::vector<T> all;
    for (const auto& [from, message] : heard) {
      if (const T* each = std::get_if<T>(&message)) all.push_back(*each);
    }
    return all;
  }

  void Start(Instant now, Outbox& outbox) override {
    give_up_at_ = now + kPatience;
    deadline_ = now + tick_every;
    if (on_start) on_start(outbox);
  }
  void Handle(Instant, PeerId from, const Message& message, Outbox& outbox) override {
    heard.emplace_back(from, message);
    if (on_message) on_message(from, message, outbox);
  }
  void Tick(Instant now, Outbox& outbox) override {
    gave_up = now >= give_up_at_;
    if (on_tick) on_tick(outbox);
    if (now >= deadline_) deadline_ = now + tick_every;
  }
  Instant NextDeadline() const override { return std::min(deadline_, give_up_at_); }
  bool Done() const override { return gave_up || (done && done()); }
  void CheckInvariants() const override {}
  const std::map<std::string, uint64_t>& Counters() const override { return counters_; }

 private:
  Instant give_up_at_;
  Instant deadline_;
  std::map<std::string, uint64_t> counters_;
};

// A client's command, the shortest message that anybody may send.
inline pb::Envelope CommandOf(uint64_t request) {
  pb::Envelope envelope = NewEnvelope({pb::CLIENT, 1, 0});
  envelope.mutable_command()->set_verb(pb::Command::STATUS);
  envelope.mutable_command()->set_request(request);
  return envelope;
}

inline pb::Envelope AnswerTo(const pb::Envelope& command) {
  pb::Envelope envelope = NewEnvelope({pb::CONTROLLER, 1, 7});
  envelope.mutable_command_reply()->set_request(command.command().request());
  return envelope;
}

inline Frame FrameOf(const pb::Envelope& envelope) {
  return Encode(Wire{std::make_shared<const pb::Envelope>(envelope), {}});
}

// Answers commands; done when it answered request `last`.
inline void AnswerCommands(ScriptNode& node, uint64_t last, bool& answered_last) {
  node.on_message = [last, &answered_last](PeerId from, const Message& message, Outbox& outbox) {
    const Wire* wire = std::get_if<Wire>(&message);
    if (wire == nullptr || !wire->envelope->has_command()) return;
    outbox.Send(from, AnswerTo(*wire->envelope));
    answered_last |= wire->envelope->command().request() == last;
  };
}

inline Address AnyPort() {
  Address address;
  address.host = "127.0.0.1";
  return address;
}

}  // namespace fanmill

#endif  // FANMILL_TESTS_IO_SCRIPT_NODE_H_
