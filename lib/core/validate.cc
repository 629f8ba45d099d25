#include "lib/core/validate.h"

#include <string>
#include <string_view>

#include "lib/core/limits.h"
#include "lib/core/range_set.h"
#include "lib/core/retry_on.h"
#include "lib/core/routes.h"

namespace fanmill {
namespace {

// ---- Words that many bodies share --------------------------------------------------------------

constexpr const char* kNoBatch = "it names no batch";
constexpr uint64_t kNumberLimit = uint64_t{1} << 32;                       // of batches
constexpr uint64_t kDurationMax = uint64_t{10} * 365 * 86400 * 1'000'000;  // 10 years

bool IsName(const std::string& text) { return text.size() <= kNameBytesMax; }

template <class Strings>
bool AreHandlers(const Strings& handlers) {
  if (handlers.size() > static_cast<int>(kHandlersPerWorkerMax)) return false;
  for (const std::string& handler : handlers) {
    if (!IsName(handler)) return false;
  }
  return true;
}

using ::fanmill::WhyInvalid;
const char* WhyInvalid(const v1::BatchState& state);
const char* WhyInvalid(const v1::WorkerWish& wish);
const char* WhyInvalid(const v1::SlotAccount& account);
const char* WhyInvalid(const v1::BatchProgress& progress);
const char* WhyInvalid(const v1::ReadyWorker& ready);
const char* WhyInvalid(const v1::Verdict& verdict);
const char* WhyInvalid(const v1::RunningTask& running);
const char* WhyInvalid(const v1::BatchFacts& facts);
const char* WhyInvalid(const v1::KnownFacts& facts);

// The first reason that any element has.
template <class Elements>
const char* WhyAnyInvalid(const Elements& elements) {
  for (const auto& element : elements) {
    if (const char* why = WhyInvalid(element)) return why;
  }
  return nullptr;
}

const char* WhyInvalid(const v1::Endpoints& endpoints) {
  const bool fine = IsName(endpoints.lease()) && IsName(endpoints.acks()) &&
                    IsName(endpoints.intake()) && IsName(endpoints.results()) &&
                    IsName(endpoints.facts());
  return fine ? nullptr : "an endpoint is too long";
}

// Only what would overflow: a spec that asks too much is refused with a sentence, not dropped.
const char* WhyInvalid(const v1::Spec& spec) {
  const bool fine = spec.timeout_us() <= kDurationMax && spec.grace_us() <= kDurationMax &&
                    spec.expected_us() <= kDurationMax && spec.start_timeout_us() <= kDurationMax &&
                    spec.retry_delay_us() <= kDurationMax &&
                    spec.retry_delay_max_us() <= kDurationMax;
  if (!fine) return "a duration above 10 years";
  if (spec.names_size() > kNamesPerSpecMax) return "more names of values than there can be";
  for (const std::string& name : spec.names()) {
    if (!IsName(name)) return "a value's name is too long";
  }
  if (!IsName(spec.replace())) return "what stands for the value is too long";
  if (!RetryOn::IsValid(spec.retry_on())) return "exit codes or signals that there are not";
  return spec.timeout_percent() <= kTimeoutPercentMax ? nullptr
                                                      : "a timeout too many times as long";
}

const char* WhyInvalid(const v1::BatchState& state) {
  if (state.batch() == 0) return kNoBatch;
  return v1::BatchPhase_IsValid(state.phase()) ? nullptr : "a phase that is none";
}

const char* WhyInvalid(const v1::WorkerWish& wish) {
  return v1::Wish_IsValid(wish.wish()) ? nullptr : "a wish that is none";
}

const char* WhyInvalid(const v1::ClusterState& state) {
  if (!v1::Wish_IsValid(state.wish())) return "a wish that is none";
  if (state.leave_stage() > 3) return "a stage of leaving that is none";
  if (const char* why = WhyInvalid(state.ventilator())) return why;
  if (const char* why = WhyInvalid(state.sink())) return why;
  if (const char* why = WhyAnyInvalid(state.batches())) return why;
  return WhyAnyInvalid(state.workers());
}

const char* WhyInvalid(const v1::SlotAccount& account) {
  if (account.batch() == 0) return kNoBatch;
  return account.slots() <= kSlotsPerWorkerMax ? nullptr : "more slots than a worker can have";
}

const char* WhyInvalid(const v1::BatchProgress& progress) {
  if (progress.batch() == 0) return kNoBatch;
  if (progress.tasks() > kTasksPerBatchMax) return "more tasks than a batch can have";
  if (progress.start_timeout_us() > kDurationMax) return "a duration above 10 years";
  return nullptr;
}

const char* WhyInvalid(const v1::ReadyWorker& ready) {
  if (ready.slots() > kSlotsPerWorkerMax) return "more slots than a worker can have";
  return AreHandlers(ready.handlers()) ? nullptr : "too many handlers, or too long ones";
}

const char* WhyInvalid(const v1::LatencySketch& sketch) {
  return sketch.bucket_size() == sketch.count_size() ? nullptr : "a sketch with odd columns";
}

const char* WhyInvalid(const v1::BatchSummary& summary) { return WhyInvalid(summary.task_us()); }

const char* WhyInvalid(const v1::BatchReport& report) {
  if (!v1::BatchPhase_IsValid(report.phase())) return "a phase that is none";
  return WhyInvalid(report.summary());
}

// ---- Control -----------------------------------------------------------------------------------

const char* WhyInvalid(const v1::Hello& hello, v1::Role role) {
  if (!IsName(hello.version()) || !IsName(hello.host()) || !IsName(hello.name())) {
    return "a name is too long";
  }
  if (hello.slots() > kSlotsPerWorkerMax) return "more slots than a worker can have";
  if (role == v1::WORKER && hello.slots() == 0) return "a worker without slots";
  if (!AreHandlers(hello.handlers())) return "too many handlers, or too long ones";
  return WhyInvalid(hello.endpoints());
}

const char* WhyInvalid(const v1::Welcome& welcome) {
  if (welcome.cluster() == 0) return "a cluster without an id";
  if (!IsName(welcome.signal())) return "an endpoint is too long";
  if (welcome.heartbeat_us() == 0 || welcome.heartbeat_us() > kDurationMax) {
    return "no time between heartbeats";
  }
  return WhyInvalid(welcome.state());
}

const char* WhyInvalid(const v1::Heartbeat& heartbeat, v1::Role role) {
  if (role == v1::GUARDIAN && !heartbeat.leaving()) return "a guardian that tells of no death";
  if (heartbeat.running() > kSlotsPerWorkerMax) return "more tasks run than there can be slots";
  if (const char* why = WhyAnyInvalid(heartbeat.accounts())) return why;
  if (const char* why = WhyAnyInvalid(heartbeat.batches())) return why;
  return WhyAnyInvalid(heartbeat.ready());
}

const char* WhyInvalid(const v1::CommandReply& reply) {
  for (const v1::Member& member : reply.members()) {
    if (!v1::Role_IsValid(member.role())) return "a role that is none";
  }
  if (const char* why = WhyInvalid(reply.state())) return why;
  if (const char* why = WhyAnyInvalid(reply.batches())) return why;
  if (const char* why = WhyAnyInvalid(reply.states())) return why;
  return WhyInvalid(reply.report());
}

// ---- Lease -------------------------------------------------------------------------------------

const char* WhyInvalid(const v1::Verdict& verdict) {
  return v1::VerdictKind_IsValid(verdict.kind()) ? nullptr : "a verdict that is none";
}

const char* WhyInvalid(const v1::LeaseHello& hello) {
  if (!IsName(hello.name()) || !IsName(hello.host())) return "a name is too long";
  if (hello.slots() == 0 || hello.slots() > kSlotsPerWorkerMax) return "its number of slots";
  if (!AreHandlers(hello.handlers())) return "too many handlers, or too long ones";
  for (const v1::HeldChunk& held : hello.held()) {
    if (!held.has_tasks()) return "a held chunk without its tasks";
  }
  return WhyAnyInvalid(hello.held());
}

const char* WhyInvalid(const v1::LeaseGrant& grant) {
  if (grant.lane() == 0) return "a lane without a token";
  if (grant.endpoint().empty() || !IsName(grant.endpoint())) return "an endpoint that is none";
  if (grant.lease_us() > kDurationMax) return "a duration above 10 years";
  return WhyAnyInvalid(grant.verdicts());
}

const char* WhyInvalid(const v1::RunningTask& running) {
  return running.index() < kTasksPerChunkMax ? nullptr : "an index that no chunk has";
}

const char* WhyInvalid(const v1::LeaseReport& report) {
  if (report.running_size() > static_cast<int>(kSlotsPerWorkerMax)) {
    return "more tasks run than there can be slots";
  }
  if (const char* why = WhyAnyInvalid(report.running())) return why;
  return WhyAnyInvalid(report.held());
}

const char* WhyInvalid(const v1::LeaseReply& reply) {
  if (!RangeSet::IsValid(reply.dry(), kNumberLimit) ||
      !RangeSet::IsValid(reply.backing_off(), kNumberLimit)) {
    return "its ranges of batches";
  }
  return WhyAnyInvalid(reply.verdicts());
}

const char* WhyInvalid(const v1::SpecReply& reply) {
  if (reply.batch() == 0) return kNoBatch;
  if (!reply.unknown() && !reply.has_spec()) return "a known batch without its spec";
  return WhyInvalid(reply.spec());
}

const char* WhyInvalid(const v1::DeathReport& report) {
  if (report.started_size() > static_cast<int>(kSlotsPerWorkerMax)) {
    return "more tasks ran than there can be slots";
  }
  for (const v1::StartedAttempt& started : report.started()) {
    if (started.batch() == 0) return kNoBatch;
    if (started.task() >= kTasksPerBatchMax) return "a task number that is none";
  }
  return nullptr;
}

// ---- Intake and facts --------------------------------------------------------------------------

const char* WhyInvalid(const v1::Appended& appended) {
  if (appended.batch() == 0) return kNoBatch;
  return appended.tasks() <= kTasksPerBatchMax ? nullptr : "more tasks than a batch can have";
}

const char* WhyInvalid(const v1::Seal& seal) {
  if (seal.batch() == 0) return kNoBatch;
  return seal.tasks() <= kTasksPerBatchMax ? nullptr : "more tasks than a batch can have";
}

const char* WhyInvalid(const v1::BatchFacts& facts) {
  if (facts.batch() == 0) return kNoBatch;
  if (facts.tasks() > kTasksPerBatchMax) return "more tasks than a batch can have";
  if (!RangeSet::IsValid(facts.ask(), kTasksPerBatchMax)) return "its ranges of tasks";
  return WhyAnyInvalid(facts.finalise());
}

const char* WhyInvalid(const v1::KnownFacts& facts) {
  if (facts.batch() == 0) return kNoBatch;
  if (!RangeSet::IsValid(facts.ok(), kTasksPerBatchMax) ||
      !RangeSet::IsValid(facts.failed(), kTasksPerBatchMax)) {
    return "its ranges of tasks";
  }
  if (facts.answered_through() > kTasksPerBatchMax) return "more tasks than a batch can have";
  return WhyAnyInvalid(facts.attempts());
}

const char* WhyInvalid(const v1::ReadReply& reply) {
  if (reply.batch() == 0) return kNoBatch;
  for (const v1::TerminalRow& row : reply.rows()) {
    if (row.task() >= kTasksPerBatchMax || row.more() >= kTasksPerBatchMax - row.task()) {
      return "a task number that is none";
    }
    if (row.stream() > 2) return "a stream that is none";
    if (!v1::Status_IsValid(row.status())) return "a status that is none";
  }
  return nullptr;
}

const char* WhyNoBatch(uint32_t batch) { return batch == 0 ? kNoBatch : nullptr; }
const char* WhyNoLane(uint64_t lane) { return lane == 0 ? "a lane without a token" : nullptr; }

const char* WhyBodyInvalid(const v1::Envelope& e) {
  switch (e.body_case()) {
    case v1::Envelope::kHello:
      return WhyInvalid(e.hello(), e.role());
    case v1::Envelope::kWelcome:
      return WhyInvalid(e.welcome());
    case v1::Envelope::kHeartbeat:
      return WhyInvalid(e.heartbeat(), e.role());
    case v1::Envelope::kHeartbeatReply:
      return WhyInvalid(e.heartbeat_reply().state());
    case v1::Envelope::kCommand:
      return v1::Command_Verb_IsValid(e.command().verb()) ? nullptr : "a command that is none";
    case v1::Envelope::kCommandReply:
      return WhyInvalid(e.command_reply());
    case v1::Envelope::kTasks:
      return WhyInvalid(e.tasks());
    case v1::Envelope::kProbe:
      return WhyNoLane(e.probe().lane());
    case v1::Envelope::kResults:
      return WhyInvalid(e.results());
    case v1::Envelope::kOutput:
      return WhyInvalid(e.output());
    case v1::Envelope::kProbeEcho:
      return WhyNoLane(e.probe_echo().lane());
    case v1::Envelope::kBatchOpen:
      return WhyNoBatch(e.batch_open().batch());
    case v1::Envelope::kAck:
      return WhyInvalid(e.ack());
    case v1::Envelope::kLeaseHello:
      return WhyInvalid(e.lease_hello());
    case v1::Envelope::kLeaseGrant:
      return WhyInvalid(e.lease_grant());
    case v1::Envelope::kLeaseReport:
      return WhyInvalid(e.lease_report());
    case v1::Envelope::kLeaseReply:
      return WhyInvalid(e.lease_reply());
    case v1::Envelope::kRecall:
      return WhyNoBatch(e.recall().batch());
    case v1::Envelope::kSpecRequest:
      return WhyNoBatch(e.spec_request().batch());
    case v1::Envelope::kSpecReply:
      return WhyInvalid(e.spec_reply());
    case v1::Envelope::kDeathReport:
      return WhyInvalid(e.death_report());
    case v1::Envelope::kOpenBatch:
      return WhyInvalid(e.open_batch().spec());
    case v1::Envelope::kAppend:
      return WhyInvalid(e.append());
    case v1::Envelope::kAppended:
      return WhyInvalid(e.appended());
    case v1::Envelope::kSeal:
      return WhyInvalid(e.seal());
    case v1::Envelope::kFactsRequest:
      return WhyAnyInvalid(e.facts_request().batches());
    case v1::Envelope::kFactsReply:
      return WhyAnyInvalid(e.facts_reply().batches());
    case v1::Envelope::kSummaryRequest:
      return WhyNoBatch(e.summary_request().batch());
    case v1::Envelope::kSummaryReply:
      return WhyInvalid(e.summary_reply().summary());
    case v1::Envelope::kReadRequest:
      return WhyNoBatch(e.read_request().batch());
    case v1::Envelope::kReadReply:
      return WhyInvalid(e.read_reply());
    case v1::Envelope::kPruneRequest:
      return WhyNoBatch(e.prune_request().batch());
    case v1::Envelope::kPruneReply:
      return WhyNoBatch(e.prune_reply().batch());
    case v1::Envelope::kRefused:
    case v1::Envelope::kFinished:
    case v1::Envelope::kBatchOpened:
    case v1::Envelope::BODY_NOT_SET:
      return nullptr;
  }
  return nullptr;
}

}  // namespace

const char* WhyInvalid(Channel channel, const v1::Envelope& envelope) {
  if (const char* why = WhyAstray(channel, envelope)) return why;
  const bool is_worker = envelope.role() == v1::WORKER || envelope.role() == v1::GUARDIAN;
  if (is_worker && envelope.epoch() == 0) return "a worker without an incarnation";
  return WhyBodyInvalid(envelope);
}

}  // namespace fanmill
