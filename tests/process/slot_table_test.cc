#include "worker/slot_table.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

namespace fanmill {
namespace {

TEST(SlotTableTest, AFreshTableHasStartedNothing) {
  SlotTable table(kSlotsPerWorkerMax);
  EXPECT_TRUE(table.Started().empty());
  EXPECT_EQ(table.identity().Get().cluster, 0u);
}

TEST(SlotTableTest, TheLastSlotIsThereAndTheNextIsOurOwnBug) {
  SlotTable table(kSlotsPerWorkerMax);
  table.slot(kSlotsPerWorkerMax - 1).Set({SlotState::kStarting, 1, 2, 3, 4, 5});
  ASSERT_EQ(table.Started().size(), 1u);
  EXPECT_EQ(table.Started()[0].chunk, 3u);
  EXPECT_DEATH(table.slot(kSlotsPerWorkerMax), "this must hold");
  EXPECT_DEATH(SlotTable(kSlotsPerWorkerMax + 1), "this must hold");
}

TEST(SlotTableTest, TextThatDoesNotFitIsRefused) {
  WorkerIdentity identity{};
  EXPECT_TRUE(SetText(identity.name, std::string(kNameBytesMax, 'k')));
  EXPECT_EQ(std::string(identity.name), std::string(kNameBytesMax, 'k'));
  EXPECT_FALSE(SetText(identity.name, std::string(kNameBytesMax + 1, 'k')));
  EXPECT_STREQ(identity.name, "");
}

// The writer sets all fields to one number, over and over; wherever the kill hits it, what is read
// is of one piece.
TEST(SlotTableTest, AWriterKilledInMidWriteLeavesAWholeEntry) {
  for (int round = 0; round < 50; ++round) {
    SlotTable table(1);
    const pid_t writer = fork();
    if (writer == 0) {
      for (uint32_t i = 1;; ++i) {
        table.slot(0).Set({SlotState::kRunning, i, i, i, i, static_cast<pid_t>(i)});
      }
    }
    while (table.slot(0).Get().batch == 0) usleep(0);
    kill(writer, SIGKILL);
    waitpid(writer, nullptr, 0);
    const SlotEntry entry = table.slot(0).Get();
    EXPECT_EQ(entry.task, entry.batch);
    EXPECT_EQ(entry.chunk, entry.batch);
    EXPECT_EQ(entry.attempt, entry.batch);
    EXPECT_EQ(static_cast<uint32_t>(entry.pid), entry.batch);
  }
}

}  // namespace
}  // namespace fanmill
