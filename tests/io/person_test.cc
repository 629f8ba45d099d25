#include "lib/io/person.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <csignal>
#include <vector>

namespace fanmill {
namespace {

bool Readable(int fd) {
  pollfd item = {fd, POLLIN, 0};
  return poll(&item, 1, 0) == 1;
}

int Asked(Person& person) {
  std::vector<Message> messages;
  person.Collect(messages);
  EXPECT_LE(messages.size(), 1u);
  return messages.empty() ? 0 : std::get<StopAsked>(messages[0]).times;
}

TEST(Person, CountsEverySignalThatAsksToStop) {
  sigset_t before;
  pthread_sigmask(SIG_BLOCK, nullptr, &before);
  BlockStopSignals();
  Person person;
  EXPECT_FALSE(Readable(person.event_fd()));
  EXPECT_EQ(Asked(person), 0);

  raise(SIGINT);
  EXPECT_TRUE(Readable(person.event_fd()));
  EXPECT_EQ(Asked(person), 1);
  EXPECT_FALSE(Readable(person.event_fd()));
  EXPECT_EQ(Asked(person), 0);

  raise(SIGTERM);
  raise(SIGHUP);
  EXPECT_EQ(Asked(person), 3);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

TEST(Person, LeavesASignalAloneThatIsIgnored) {
  sigset_t before;
  pthread_sigmask(SIG_BLOCK, nullptr, &before);
  std::signal(SIGHUP, SIG_IGN);
  BlockStopSignals();
  Person person;
  raise(SIGHUP);
  EXPECT_FALSE(Readable(person.event_fd()));
  std::signal(SIGHUP, SIG_DFL);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

TEST(Person, ReadsTheSignalsOfAGuardian) {
  int waiting = 2;
  Person person(-1, [&waiting] { return std::exchange(waiting, 0); });
  EXPECT_EQ(Asked(person), 2);
  EXPECT_EQ(Asked(person), 0);
}

}  // namespace
}  // namespace fanmill
