// What the guardian says when the worker has died: so that nobody waits out its lease, that the
// attempts which may have killed it are known (R53), and that its receipt is there (R104).
#ifndef FANMILL_WORKER_DEATH_REPORT_H_
#define FANMILL_WORKER_DEATH_REPORT_H_

#include <string>

#include "absl/status/status.h"
#include "lib/core/instant.h"
#include "lib/io/keys.h"
#include "proto/fanmill.pb.h"
#include "worker/slot_table.h"

namespace fanmill {

// How long telling it may take.
inline constexpr Duration kDeathReportPatience = Seconds(1);

// "signal 9", "exit 1": `status` is as from waitpid.
std::string CauseOfDeath(int status);

// In the name of the worker that the table is about.
v1::Envelope MakeDeathReport(const WorkerIdentity& worker, const SlotTable& table, int status);

// R104
v1::Envelope MakeLastHeartbeat(const WorkerIdentity& worker, bool nothing_runs);

// Each sends its message, `key` is null without CURVE. NotFound: the worker never met them.
absl::Status TellVentilator(SlotTable& table, int status, const KeyPair* key);
absl::Status TellController(SlotTable& table, bool nothing_runs, const KeyPair* key);

}  // namespace fanmill

#endif  // FANMILL_WORKER_DEATH_REPORT_H_
