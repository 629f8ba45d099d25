#include "lib/io/trace.h"

#include <gtest/gtest.h>

#include "lib/core/describe.h"
#include "tests/io/script_node.h"

namespace fanmill {
namespace {

TEST(Trace, NamesThePairOfSocketsFromSenderToReceiver) {
  const Message command = Wire{std::make_shared<const pb::Envelope>(CommandOf(1)), {}};
  const auto line = [&](Direction direction, Channel channel, bool bound) {
    const std::string text = TraceLine(direction, {channel, 1}, bound, command);
    EXPECT_TRUE(text.ends_with(" " + Describe(command))) << text;
    return text.substr(0, text.size() - Describe(command).size() - 1);
  };
  EXPECT_EQ(line(Direction::kIn, Channel::kControl, true), "DEALER->ROUTER control  <-");
  EXPECT_EQ(line(Direction::kOut, Channel::kControl, true), "ROUTER->DEALER control  ->");
  EXPECT_EQ(line(Direction::kOut, Channel::kControl, false), "DEALER->ROUTER control  ->");
  EXPECT_EQ(line(Direction::kOut, Channel::kLane, true), "PUSH->PULL     lane     ->");
  EXPECT_EQ(line(Direction::kIn, Channel::kLane, false), "PUSH->PULL     lane     <-");
  EXPECT_EQ(line(Direction::kOut, Channel::kResults, false), "PUSH->PULL     results  ->");
  EXPECT_EQ(line(Direction::kIn, Channel::kSignal, false), "PUB->SUB       signal   <-");
  EXPECT_EQ(line(Direction::kOut, Channel::kJournal, false), "in process     journal  ->");
}

TEST(Trace, QuotesTextOfOthersInOneLine) {
  EXPECT_EQ(Quoted("plain"), "\"plain\"");
  EXPECT_EQ(Quoted("a \"b\"\nlevel=error"), "\"a 'b'\\nlevel=error\"");
  EXPECT_LE(Quoted(std::string(100'000, 'x')).size(), 1002u);
}

}  // namespace
}  // namespace fanmill
