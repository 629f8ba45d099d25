#include "tests/cluster/batches.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

namespace fanmill {
namespace {

// The first child of a process that has one, as soon as it has.
pid_t AwaitChild(pid_t pid) {
  const std::string path =
      "/proc/" + std::to_string(pid) + "/task/" + std::to_string(pid) + "/children";
  pid_t child = 0;
  EXPECT_TRUE(WaitUntil([&] { return static_cast<bool>(std::ifstream(path) >> child); })) << pid;
  return child;
}

}  // namespace

std::string Submit(LocalCluster& cluster, std::vector<std::string> words,
                   const std::string& input) {
  words.insert(words.begin(), "submit");
  const Finished submitted = cluster.Fanmill(words, input);
  EXPECT_EQ(submitted.exit_code, 0) << submitted.err;
  return submitted.out.substr(0, submitted.out.find('\n'));
}

std::string SubmitSleeps(LocalCluster& cluster, int tasks, int millis) {
  std::string input;
  for (int i = 0; i < tasks; ++i) input += std::to_string(millis) + "ms\n";
  return Submit(cluster, {"--handler", "sleep"}, input);
}

bool AwaitOk(LocalCluster& cluster, const std::string& batch, int tasks) {
  return WaitUntil([&] {
    std::istringstream table(cluster.Fanmill({"status", batch}).out);
    std::string header, id, phase, accepted;
    int ok = 0;
    std::getline(table, header);
    return table >> id >> phase >> accepted >> ok && ok >= tasks;
  });
}

std::set<int> ExpectEachOnce(LocalCluster& cluster, const std::string& batch, int tasks) {
  const Finished results = cluster.Fanmill({"results", batch, "--json"});
  EXPECT_EQ(results.exit_code, 0) << results.err;
  std::map<int, int> times;
  std::set<int> workers;
  std::istringstream lines(results.out);
  for (std::string line; std::getline(lines, line);) {
    const nlohmann::json result = nlohmann::json::parse(line);
    EXPECT_EQ(result["status"], "ok") << line;
    ++times[result["task"].get<int>()];
    workers.insert(result["worker"].get<int>());
  }
  EXPECT_EQ(times.size(), static_cast<size_t>(tasks));
  for (int task = 1; task <= tasks; ++task) EXPECT_EQ(times[task], 1) << "task " << task;
  return workers;
}

void ExpectWork(LocalCluster& cluster) {
  const Finished work = cluster.Fanmill({"submit", "--wait", "--", "echo"}, "works\n");
  EXPECT_EQ(work.exit_code, 0) << work.err;
  EXPECT_EQ(work.out, "works\n");
}

int LinesOf(const std::string& path) {
  std::ifstream file(path);
  int lines = 0;
  for (std::string line; std::getline(file, line);) ++lines;
  return lines;
}

WorkerProcesses::WorkerProcesses(pid_t started)
    : outer(started), inner(AwaitChild(outer)), working(AwaitChild(inner)) {}

}  // namespace fanmill
