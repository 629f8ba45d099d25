// What a program needs to say to talk to a Fanmill cluster.
#ifndef FANMILL_LIB_CLIENT_OPTIONS_H_
#define FANMILL_LIB_CLIENT_OPTIONS_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "lib/core/instant.h"

namespace fanmill {
class Sockets;
}

namespace fanmill::client {

struct Options {
  std::string controller = "127.0.0.1:21000";  // HOST[:PORT], [::1]:PORT or ipc:///PATH
  std::string key_file;                        // empty: no encryption
  bool insecure_network = false;               // without a key: not this machine alone
  Duration patience = Seconds(5);              // how long an unanswered request is repeated
  // Asked while waiting; once it says true, calls return kCancelled. None: waits are not cut short.
  std::function<bool()> interrupted;
  // Nobody else reads results, nor does this client a second time: what was read may go.
  bool only_reader = false;
  // For a cluster inside this process: what its parts talk over. `controller` is then an endpoint.
  Sockets* inside = nullptr;
};

// What every task of a batch has in common.
struct BatchSpec {
  std::string handler = "exec";        // "exec", "sleep", "noop"
  std::vector<std::string> argv;       // exec: the template; {} is the task's value
  bool shell = false;                  // exec: argv[0] is a script for /bin/sh -c
  std::string cwd;                     // empty: the worker's
  std::vector<std::string> env;        // NAME=VALUE, beside the worker's own environment
  uint32_t retries = 0;                // further attempts after a failed first one
  std::string retry_on = "any";        // which failures are worth one, as lib/core/retry_on.h says
  Duration retry_delay = Millis(100);  // before the first of them; up to half as much more
  Duration retry_delay_max = Seconds(10);  // twice as long before each after it, up to this
  std::optional<Duration> timeout;         // of one attempt
  uint32_t timeout_percent = 0;      // exec: the same, of the median run time of its tasks; 0: none
  Duration grace = Seconds(5);       // from TERM to KILL
  std::optional<Duration> expected;  // declared cost of one task
  uint32_t min_workers = 1;          // start barrier
  std::optional<Duration> start_timeout;
  bool hold = false;               // wait for Start
  std::string name;                // for people
  bool packed = false;             // payloads are several values: PackValue of lib/core/values.h
  std::vector<std::string> names;  // packed: what these are called: {name}
  std::string replace;             // exec: what stands for the value in argv; empty: {}
};

}  // namespace fanmill::client

#endif  // FANMILL_LIB_CLIENT_OPTIONS_H_
