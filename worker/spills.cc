#include "worker/spills.h"

#include <poll.h>

#include <utility>
#include <variant>

#include "lib/core/check.h"

namespace fanmill {

Spills::Spills(Mailbox<Message>& replies) : replies_(replies), thread_([this] { Serve(); }) {}

Spills::~Spills() {
  orders_.Put(std::monostate());
  thread_.join();
}

SpilledOutput Spills::Keep(CapturedStream stream) {
  FANMILL_CHECK(stream.spilled());
  SpilledOutput output{.handle = 0, .size = stream.size(), .dropped = stream.dropped()};
  std::lock_guard lock(mutex_);
  output.handle = next_handle_++;
  kept_[output.handle] = std::make_shared<const CapturedStream>(std::move(stream));
  return output;
}

void Spills::Read(const ReadOutput& read) { orders_.Put(read); }

void Spills::Done(const OutputDone& done) { orders_.Put(done); }

void Spills::Serve() {
  while (true) {
    pollfd wanted{orders_.event_fd(), POLLIN, 0};
    poll(&wanted, 1, -1);
    for (const Order& order : orders_.Take()) {
      if (std::holds_alternative<std::monostate>(order)) return;
      if (const auto* done = std::get_if<OutputDone>(&order)) Forget(done->handle);
      if (const auto* read = std::get_if<ReadOutput>(&order)) {
        replies_.Put(OutputRead{read->handle, read->offset, Bytes(*read)});
      }
    }
  }
}

std::string Spills::Bytes(const ReadOutput& read) {
  std::shared_ptr<const CapturedStream> stream;
  {
    std::lock_guard lock(mutex_);
    const auto found = kept_.find(read.handle);
    if (found == kept_.end()) return "";
    stream = found->second;
  }
  return stream->Read(read.offset, read.size).value_or("");
}

void Spills::Forget(uint64_t handle) {
  std::lock_guard lock(mutex_);
  kept_.erase(handle);
}

}  // namespace fanmill
