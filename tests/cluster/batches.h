// Words for tests of whole clusters: batches, their results, and the processes of one worker.
#ifndef FANMILL_TESTS_CLUSTER_BATCHES_H_
#define FANMILL_TESTS_CLUSTER_BATCHES_H_

#include <sys/types.h>

#include <set>
#include <string>
#include <vector>

#include "tests/cluster/local_cluster.h"

namespace fanmill {

// `fanmill submit WORDS...`: the id of the batch.
std::string Submit(LocalCluster& cluster, std::vector<std::string> words,
                   const std::string& input = "");
// So many tasks of the `sleep` handler, each of so many milliseconds.
std::string SubmitSleeps(LocalCluster& cluster, int tasks, int millis);

// So many tasks of the batch are ok already, or more.
[[nodiscard]] bool AwaitOk(LocalCluster& cluster, const std::string& batch, int tasks);

// Waits for the end of the batch; fails the test unless it has the results of tasks 1..n, all ok
// and each once. Returns the workers they came from.
std::set<int> ExpectEachOnce(LocalCluster& cluster, const std::string& batch, int tasks);
// A new batch works.
void ExpectWork(LocalCluster& cluster);

// Lines that tasks have appended to a file.
int LinesOf(const std::string& path);

// The three processes of a worker, which has just been started or has run nothing yet.
struct WorkerProcesses {
  explicit WorkerProcesses(pid_t outer);
  pid_t outer;  // the guardian that was started
  pid_t inner;
  pid_t working;
};

}  // namespace fanmill

#endif  // FANMILL_TESTS_CLUSTER_BATCHES_H_
