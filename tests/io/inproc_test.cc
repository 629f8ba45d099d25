// Two loops of one process over inproc://: the same nodes, and no port.
#include <gtest/gtest.h>

#include <memory>
#include <thread>

#include "tests/io/script_node.h"

namespace fanmill {
namespace {

TEST(Inproc, CarriesAQuestionAndItsAnswerBetweenTwoThreads) {
  const std::unique_ptr<Sockets> sockets = *Sockets::Open({});
  Address address;
  address.inproc = "controller";
  Loop loop(*sockets);
  const absl::StatusOr<Address> bound = loop.Bind(Channel::kControl, address);
  ASSERT_TRUE(bound.ok()) << bound.status();
  EXPECT_EQ(bound->Endpoint(), "inproc://controller");

  ScriptNode client;
  client.on_start = [](Outbox& outbox) {
    outbox.Send(PeerId{Channel::kNet}, Connect{Channel::kControl, "inproc://controller"});
    outbox.Send(PeerId{Channel::kControl}, CommandOf(9));
  };
  client.done = [&client] { return !client.Heard<Wire>().empty(); };
  std::thread other([&] {
    Loop far(*sockets);
    far.Run(client);
  });
  ScriptNode controller;
  bool answered = false;
  AnswerCommands(controller, 9, answered);
  controller.done = [&answered] { return answered; };
  loop.Run(controller);
  other.join();
  ASSERT_EQ(client.Heard<Wire>().size(), 1u);
  EXPECT_EQ(client.Heard<Wire>()[0].envelope->command_reply().request(), 9u);
}

}  // namespace
}  // namespace fanmill
