#include "worker/death_report.h"

#include <sys/wait.h>

#include "lib/core/wire.h"
#include "lib/io/send_once.h"
#include "worker/guardian.h"

namespace fanmill {

std::string CauseOfDeath(int status) {
  if (WIFEXITED(status) && WEXITSTATUS(status) == kGuardianDiedCode) return "its guardian died";
  return WIFSIGNALED(status) ? "signal " + std::to_string(WTERMSIG(status))
                             : "exit " + std::to_string(WEXITSTATUS(status));
}

v1::Envelope MakeDeathReport(const WorkerIdentity& worker, const SlotTable& table, int status) {
  v1::Envelope envelope =
      NewEnvelope({.role = v1::GUARDIAN, .epoch = worker.incarnation, .cluster = worker.cluster});
  v1::DeathReport& report = *envelope.mutable_death_report();
  report.set_cause(CauseOfDeath(status));
  for (const SlotEntry& entry : table.Started()) {
    v1::StartedAttempt& started = *report.add_started();
    started.set_batch(entry.batch);
    started.set_task(entry.task);
    started.set_chunk(entry.chunk);
    started.set_attempt(entry.attempt);
  }
  return envelope;
}

v1::Envelope MakeLastHeartbeat(const WorkerIdentity& worker, bool nothing_runs) {
  v1::Envelope envelope =
      NewEnvelope({.role = v1::GUARDIAN, .epoch = worker.incarnation, .cluster = worker.cluster});
  envelope.mutable_heartbeat()->set_leaving(true);
  if (nothing_runs) envelope.mutable_heartbeat()->add_receipts();  // of the whole, generation 0
  return envelope;
}

absl::Status TellVentilator(SlotTable& table, int status, const KeyPair* key) {
  const WorkerIdentity worker = table.identity().Get();
  const std::string endpoint = worker.lease_endpoint;
  if (worker.cluster == 0 || endpoint.empty()) {
    return absl::NotFoundError("the worker had not met a ventilator yet");
  }
  return SendOnce(Channel::kLease, endpoint, key, MakeDeathReport(worker, table, status),
                  kDeathReportPatience);
}

absl::Status TellController(SlotTable& table, bool nothing_runs, const KeyPair* key) {
  const WorkerIdentity worker = table.identity().Get();
  if (worker.cluster == 0) return absl::NotFoundError("the worker had not joined a cluster yet");
  return SendOnce(Channel::kControl, worker.controller, key,
                  MakeLastHeartbeat(worker, nothing_runs), kDeathReportPatience);
}

}  // namespace fanmill
