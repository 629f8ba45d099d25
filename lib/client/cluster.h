// Cluster: a connection to a Fanmill cluster, for programs. All that the `fanmill` command can do
// to a cluster, a program can do through this and the two headers beside it.
//
// Errors are absl::Status with whole sentences for a person: kUnavailable, nobody answered within
// the patience; kNotFound, there is no such batch; kFailedPrecondition, the cluster said no;
// kInvalidArgument, the call or what Options name is wrong; kUnimplemented, the cluster speaks
// another version of the protocol; kCancelled, Options::interrupted said so. Not thread-safe: use
// one Cluster per thread.
#ifndef FANMILL_LIB_CLIENT_CLUSTER_H_
#define FANMILL_LIB_CLIENT_CLUSTER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "lib/client/options.h"
#include "lib/core/instant.h"

namespace fanmill::client {

struct MemberStatus {
  std::string role;     // "worker", "ventilator", "sink"
  uint32_t number = 0;  // of a worker
  std::string name;
  std::string host;
  uint64_t pid = 0;
  uint32_t slots = 0;
  uint32_t running = 0;
  bool ready = false;
  bool gone = false;
  bool confirmed = false;  // has given its receipt for a shutdown
  Duration silent{0};
};

struct BatchStatus {
  uint32_t batch = 0;
  std::string name;
  std::string phase;  // "forming", "running", "done", ...
  std::string handler;
  bool sealed = false;
  uint64_t tasks = 0;  // accepted so far
  uint64_t ok = 0;
  uint64_t failed = 0;
  uint64_t lost = 0;  // of failed: given up, for their workers died or fell silent
  uint64_t cancelled = 0;
  uint64_t outstanding = 0;
  uint64_t retried = 0;
  Duration age{0};
  std::string waiting;  // why nothing moves; empty: it moves
  bool ended = false;
};

struct ClusterStatus {
  std::vector<MemberStatus> members;
  std::vector<BatchStatus> batches;
  // What was told survives a crash of the machine ("full"), of a process ("os"), or none
  // ("memory").
  std::string durability;
};

struct Report {
  bool complete = false;  // false: the batch still runs, or accounts are missing
  bool final = false;     // complete, or nothing that is missing will come any more
  bool ended = false;
  std::string text;
  std::string json;
};

class Connection;

class Cluster {
 public:
  // Resolves the address and makes the socket; whether somebody is there shows at the first call.
  static absl::StatusOr<std::unique_ptr<Cluster>> Connect(const Options& options);
  ~Cluster();

  // For who stays for long: hears from now on whether the cluster is being shut down.
  absl::Status Listen();
  // Whether it is, or was, as far as was heard since Listen. Then whoever is silent has left, and
  // calls do not wait for it for the whole patience.
  bool ShutdownHeard();
  // Of calls from now on: Options::patience.
  void SetPatience(Duration patience);

  // batch 0: everything.
  absl::StatusOr<ClusterStatus> Status(uint32_t batch = 0);
  // Releases a held batch. Repeating it is harmless.
  absl::Status Start(uint32_t batch);
  // Asks for the cancel; true once every worker has given its receipt. Repeat it until then;
  // `workers` shows who has confirmed; those who have not when it is true are silent or dead, and
  // what they ran may still run. `waiting` says for people what it waits for.
  absl::StatusOr<bool> Cancel(uint32_t batch, std::vector<MemberStatus>* workers,
                              std::string* waiting = nullptr);
  // Asks for the shutdown (drain, or kill when `now`); `members` shows who has left or confirmed.
  // True once all have left, or are gone. Repeat it until then.
  absl::StatusOr<bool> Shutdown(bool now, std::vector<MemberStatus>* members,
                                std::string* waiting = nullptr);
  // Drops the results of a batch that has ended; returns the bytes that are free now, 0 when they
  // were dropped before. kNotFound: the sink knows no such batch. kFailedPrecondition: it has not
  // ended.
  absl::StatusOr<uint64_t> Prune(uint32_t batch);
  absl::StatusOr<Report> ReportOf(uint32_t batch);

  Connection& connection() { return *connection_; }

 private:
  explicit Cluster(std::unique_ptr<Connection> connection);
  std::unique_ptr<Connection> connection_;
};

}  // namespace fanmill::client

#endif  // FANMILL_LIB_CLIENT_CLUSTER_H_
