// --trace-messages: the ring, as it turns, with the pair of sockets that each message crosses.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "tests/cluster/batches.h"

namespace fanmill {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(TraceMessages, ShowsEachMessageWithItsPairOfSockets) {
  LocalCluster cluster({.workers = 1, .flags = {"--trace-messages"}});
  cluster.StartAll();
  ExpectWork(cluster);
  ASSERT_EQ(cluster.Fanmill({"shutdown", "--now"}).exit_code, 0);
  ASSERT_TRUE(WaitUntil([&] { return cluster.Processes().empty(); }));
  const struct {
    const char* log;
    std::vector<const char*> lines;
  } all[] = {{"controller",
              {"fanmill-controller DEALER->ROUTER control  <- Hello ",
               "fanmill-controller ROUTER->DEALER control  -> Welcome ",
               "fanmill-controller PUB->SUB       signal   -> Signal text=.*KILL"}},
             {"ventilator",
              {"fanmill-ventilator DEALER->ROUTER lease    <- LeaseHello ",
               "fanmill-ventilator PUSH->PULL     lane     -> Probe ",
               "fanmill-ventilator DEALER->ROUTER intake   <- AppendTasks ",
               "fanmill-ventilator PUSH->PULL     lane     -> TaskChunk ",
               "fanmill-ventilator PUSH->PULL     acks     <- Ack "}},
             {"worker-0",
              {"fanmill-worker     PUSH->PULL     lane     <- TaskChunk ",
               "fanmill-worker     PUSH->PULL     results  -> ResultChunk ",
               "fanmill-worker     PUB->SUB       signal   <- Signal text=.*KILL"}},
             {"sink",
              {"fanmill-sink       PUSH->PULL     results  <- ResultChunk ",
               "fanmill-sink       PUSH->PULL     acks     -> Ack ",
               "fanmill-sink       ROUTER->DEALER facts    -> ReadReply "}}};
  for (const auto& part : all) {
    std::ifstream in(cluster.folder() + "/" + part.log + ".log");
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    for (const char* line : part.lines) EXPECT_THAT(text, ContainsRegex(line)) << part.log;
    EXPECT_THAT(text, Not(HasSubstr("in process"))) << "sockets alone are shown";
  }
}

}  // namespace
}  // namespace fanmill
