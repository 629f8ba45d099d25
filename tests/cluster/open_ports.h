// Finds the TCP ports that processes listen on, as the system knows them: every one, and none that
// somebody merely says is there.
#ifndef FANMILL_TESTS_CLUSTER_OPEN_PORTS_H_
#define FANMILL_TESTS_CLUSTER_OPEN_PORTS_H_

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <vector>

namespace fanmill {

// Each port with the process that listens on it.
std::map<uint16_t, pid_t> OpenPorts(const std::vector<pid_t>& pids);

}  // namespace fanmill

#endif  // FANMILL_TESTS_CLUSTER_OPEN_PORTS_H_
