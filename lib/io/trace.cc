#include "lib/io/trace.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/core/describe.h"
#include "lib/core/printable.h"
#include "lib/io/sockets.h"

namespace fanmill {
namespace {

constexpr size_t kQuotedBytesMax = 1000;

bool IsLocal(Channel channel) { return channel >= Channel::kNet; }

}  // namespace

std::string TraceLine(Direction direction, PeerId peer, bool bound, const Message& message) {
  const bool out = direction == Direction::kOut;
  std::string pair = "in process";
  if (!IsLocal(peer.channel)) {
    const bool sender_bound = out == bound;
    pair = fmt::format("{}->{}", SocketTypeName(SocketType(peer.channel, sender_bound)),
                       SocketTypeName(SocketType(peer.channel, !sender_bound)));
  }
  return fmt::format("{:<14} {:<8} {} {}", pair, ChannelName(peer.channel), out ? "->" : "<-",
                     Describe(message));
}

std::string Quoted(std::string_view text) {
  std::string printable = Printable(text, kQuotedBytesMax);
  std::replace(printable.begin(), printable.end(), '"', '\'');
  return "\"" + printable + "\"";
}

}  // namespace fanmill
