#include "lib/client/cluster.h"

#include <utility>

#include "lib/client/connection.h"
#include "lib/core/names.h"
#include "lib/report/timing_report.h"

namespace fanmill::client {
namespace {

MemberStatus ToMember(const v1::Member& member) {
  return MemberStatus{std::string(RoleName(member.role())),
                      member.number(),
                      member.name(),
                      member.host(),
                      member.pid(),
                      member.slots(),
                      member.running(),
                      member.ready(),
                      member.gone(),
                      member.confirmed(),
                      Micros(static_cast<int64_t>(member.silent_us()))};
}

BatchStatus ToBatch(const v1::BatchProgress& progress) {
  BatchStatus batch;
  batch.batch = progress.batch();
  batch.name = progress.name();
  batch.handler = progress.handler();
  batch.sealed = progress.sealed();
  batch.tasks = progress.tasks();
  batch.ok = progress.ok();
  batch.failed = progress.failed();
  batch.lost = progress.lost();
  batch.cancelled = progress.cancelled_tasks();
  batch.outstanding = progress.outstanding();
  batch.retried = progress.retried();
  batch.age = Micros(static_cast<int64_t>(progress.age_us()));
  batch.waiting = progress.waiting();
  return batch;
}

std::vector<MemberStatus> ToMembers(const v1::CommandReply& reply) {
  std::vector<MemberStatus> members;
  for (const v1::Member& member : reply.members()) members.push_back(ToMember(member));
  return members;
}

std::string FirstWaiting(const v1::CommandReply& reply) {
  return reply.batches().empty() ? std::string() : reply.batches(0).waiting();
}

}  // namespace

Cluster::Cluster(std::unique_ptr<Connection> connection) : connection_(std::move(connection)) {}
Cluster::~Cluster() = default;

absl::StatusOr<std::unique_ptr<Cluster>> Cluster::Connect(const Options& options) {
  absl::StatusOr<std::unique_ptr<Connection>> connection = Connection::Open(options);
  if (!connection.ok()) return connection.status();
  return std::unique_ptr<Cluster>(new Cluster(*std::move(connection)));
}

absl::Status Cluster::Listen() { return connection_->Listen(); }
bool Cluster::ShutdownHeard() { return connection_->ShutdownHeard(); }
void Cluster::SetPatience(Duration patience) { connection_->SetPatience(patience); }

absl::StatusOr<ClusterStatus> Cluster::Status(uint32_t batch) {
  absl::StatusOr<v1::CommandReply> reply = connection_->Command(v1::Command::STATUS, batch);
  if (!reply.ok()) return reply.status();
  ClusterStatus status;
  status.durability = DurabilityName(reply->durability());
  status.members = ToMembers(*reply);
  for (const v1::BatchProgress& progress : reply->batches()) {
    BatchStatus& shown = status.batches.emplace_back(ToBatch(progress));
    for (const v1::BatchState& state : reply->states()) {
      if (state.batch() != progress.batch()) continue;
      shown.phase = PhaseName(state.phase());
      shown.ended = IsEnd(state.phase());
    }
  }
  return status;
}

absl::Status Cluster::Start(uint32_t batch) {
  return connection_->Command(v1::Command::START, batch).status();
}

absl::StatusOr<bool> Cluster::Cancel(uint32_t batch, std::vector<MemberStatus>* workers,
                                     std::string* waiting) {
  absl::StatusOr<v1::CommandReply> reply = connection_->Command(v1::Command::CANCEL, batch);
  if (!reply.ok()) return reply.status();
  *workers = ToMembers(*reply);
  if (waiting != nullptr) *waiting = FirstWaiting(*reply);
  return reply->done();
}

absl::StatusOr<bool> Cluster::Shutdown(bool now, std::vector<MemberStatus>* members,
                                       std::string* waiting) {
  absl::StatusOr<v1::CommandReply> reply =
      connection_->Command(now ? v1::Command::SHUTDOWN_NOW : v1::Command::SHUTDOWN, 0);
  if (!reply.ok()) return reply.status();
  *members = ToMembers(*reply);
  if (waiting != nullptr) *waiting = FirstWaiting(*reply);
  return reply->done();
}

absl::StatusOr<uint64_t> Cluster::Prune(uint32_t batch) {
  v1::Envelope envelope;
  const uint64_t request = connection_->NextRequest();
  envelope.mutable_prune_request()->set_batch(batch);
  envelope.mutable_prune_request()->set_request(request);
  absl::StatusOr<v1::Envelope> answer =
      connection_->Ask(Channel::kFacts, envelope, [request](const v1::Envelope& answer) {
        return answer.has_prune_reply() && answer.prune_reply().request() == request;
      });
  if (!answer.ok()) return answer.status();
  const v1::PruneReply& reply = answer->prune_reply();
  if (reply.error().empty()) return reply.bytes();
  return reply.no_such_batch() ? absl::NotFoundError(reply.error())
                               : absl::FailedPreconditionError(reply.error());
}

absl::StatusOr<Report> Cluster::ReportOf(uint32_t batch) {
  absl::StatusOr<v1::CommandReply> reply = connection_->Command(v1::Command::REPORT, batch);
  if (!reply.ok()) return reply.status();
  const v1::BatchReport& report = reply->report();
  const TimingReport timing = MakeTimingReport(report);
  return Report{report.complete(), report.final(), IsEnd(report.phase()), ToText(timing),
                ToJson(timing)};
}

}  // namespace fanmill::client
