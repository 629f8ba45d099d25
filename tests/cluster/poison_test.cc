// A task that kills whatever worker runs it: it ends, with its cause, and hurts nobody else.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/cluster/batches.h"

namespace fanmill {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// R53, R54
TEST(Poison, IsGivenUpWithItsCauseAndHurtsNoNeighbour) {
  constexpr int kTasks = 24;
  LocalCluster cluster({.workers = 4});
  cluster.StartAll();
  const std::string script =
      "if [ {} = 5 ]; then kill -9 $PPID; sleep 1000; fi; sleep 0.1; echo {}";
  const Finished run =
      cluster.Fanmill({"submit", "--wait", "--array", "1-" + std::to_string(kTasks), "--retries",
                       "1", "--shell", "--", script});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.err, HasSubstr("batch 1: 1 of 24 tasks failed"));
  EXPECT_THAT(run.err,
              HasSubstr("task 5: given up: its worker died 3 times while it ran: signal 9"));
  EXPECT_THAT(cluster.Fanmill({"status", "1"}).out,
              HasSubstr("1 of the failed were given up, for their workers died or fell silent: "
                        "fanmill results 1 --json"));
  std::istringstream lines(cluster.Fanmill({"results", "1", "--json"}).out);
  int ok = 0;
  for (std::string line; std::getline(lines, line);) {
    const nlohmann::json result = nlohmann::json::parse(line);
    ok += result["status"] == "ok" ? 1 : 0;
    if (result["task"] != 5) continue;
    EXPECT_EQ(result["status"], "lost");
    EXPECT_EQ(result["stderr"], "its worker died 3 times while it ran: signal 9");
  }
  EXPECT_EQ(ok, kTasks - 1);
  const Finished text = cluster.Fanmill({"results", "1"});
  EXPECT_THAT(text.err, HasSubstr("given up: its worker died 3 times while it ran: signal 9"));
  EXPECT_THAT(text.err, Not(HasSubstr("\nits worker died")))
      << "which is Fanmill's word, no output";
  for (size_t worker = 0; worker < 4; ++worker) cluster.worker(worker).Signal(SIGTERM);
}

}  // namespace
}  // namespace fanmill
