// DemoCluster: a whole cluster of the real executables on loopback, with free ports and its state
// in a temporary folder. Nothing of it is left when it is gone.
#ifndef FANMILL_CONTROLLER_CLI_DEMO_CLUSTER_H_
#define FANMILL_CONTROLLER_CLI_DEMO_CLUSTER_H_

#include <cstdint>
#include <list>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "controller/cli/child_process.h"

namespace fanmill::cli {

class DemoCluster {
 public:
  DemoCluster() = default;
  DemoCluster(const DemoCluster&) = delete;
  DemoCluster& operator=(const DemoCluster&) = delete;
  ~DemoCluster();

  // Starts the executables that stand beside this one and returns once every worker is ready. An
  // error shows what the guilty one said last.
  absl::Status Start(int workers, uint32_t slots);
  // Not ok once one of them has ended.
  absl::Status Check();
  // Waits for all of them to leave by themselves; an error names who did not.
  absl::Status AwaitLeaving();

  const std::string& controller() const { return controller_; }  // HOST:PORT
  const std::string& folder() const { return folder_; }

 private:
  absl::Status StartOne(const std::string& program, const std::string& name,
                        const std::vector<std::string>& flags);
  absl::Status AwaitAddress(const std::string& file);
  absl::Status AwaitWorkers(int workers);

  std::string folder_;
  std::string controller_;
  std::list<ChildProcess> children_;
};

}  // namespace fanmill::cli

#endif  // FANMILL_CONTROLLER_CLI_DEMO_CLUSTER_H_
