#include "controller/batch_life.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "lib/core/printable.h"

namespace fanmill::control {
namespace {

constexpr uint64_t kYearUs = uint64_t{365} * 24 * 3600 * 1'000'000;

constexpr int kNo = -1;
constexpr int kPhases = 7;

// clang-format off
constexpr int kNext[kPhases][kBatchEvents] = {
    //                 barrier     START durable  KILL durable   done      failed            cancelled
    /* FORMING */     {pb::READY,  kNo,           pb::DRAINING,  pb::DONE, pb::BATCH_FAILED, pb::BATCH_CANCELLED},
    /* READY */       {kNo,        pb::RUNNING,   pb::DRAINING,  pb::DONE, pb::BATCH_FAILED, pb::BATCH_CANCELLED},
    /* RUNNING */     {kNo,        kNo,           pb::DRAINING,  pb::DONE, pb::BATCH_FAILED, pb::BATCH_CANCELLED},
    /* DRAINING */    {kNo,        kNo,           kNo,           pb::DONE, pb::BATCH_FAILED, pb::BATCH_CANCELLED},
    /* DONE */        {kNo,        kNo,           kNo,           kNo,      kNo,              kNo},
    /* BATCH_FAILED */{kNo,        kNo,           kNo,           kNo,      kNo,              kNo},
    /* CANCELLED */   {kNo,        kNo,           kNo,           kNo,      kNo,              kNo},
};
// clang-format on

}  // namespace

std::optional<pb::BatchPhase> NextPhase(pb::BatchPhase from, BatchEvent event) {
  const int next = kNext[from][static_cast<int>(event)];
  if (next == kNo) return std::nullopt;
  return static_cast<pb::BatchPhase>(next);
}

bool Move(Batch& batch, BatchEvent event) {
  const std::optional<pb::BatchPhase> next = NextPhase(batch.phase, event);
  if (!next.has_value()) return false;
  batch.phase = *next;
  return true;
}

BatchEvent EndOf(const pb::BatchSummary& summary) {
  if (summary.cancelled()) return BatchEvent::kEndedCancelled;
  return summary.failed() > 0 ? BatchEvent::kEndedFailed : BatchEvent::kEndedDone;
}

Duration Believable(uint64_t us) {
  return Micros(static_cast<int64_t>(std::min(us, 10 * kYearUs)));
}

Instant BarrierDeadline(const Batch& batch) {
  if (batch.progress.start_timeout_us() == 0 || batch.opened == kNever) return kNever;
  return After(batch.opened, Believable(batch.progress.start_timeout_us()));
}

bool BarrierPassed(const Batch& batch, uint32_t offering, Instant now) {
  const pb::BatchProgress& progress = batch.progress;
  // A ventilator that was told to start was told so by a durable book, if an earlier one.
  if (progress.started()) return true;
  if (progress.sealed() && progress.tasks() == 0) return true;
  if (progress.hold() && !batch.released) return false;
  if (offering >= std::max(1u, progress.min_workers())) return true;
  return offering > 0 && now >= BarrierDeadline(batch);
}

std::string WaitingText(const Batch& batch, uint32_t offering) {
  const pb::BatchProgress& progress = batch.progress;
  if (progress.hold() && !batch.released) {
    return absl::StrCat("it is held: fanmill start ", batch.id, " lets it begin");
  }
  return absl::StrCat("waits for workers that offer '", Printable(progress.handler(), 40),
                      "': ", offering, " of ", std::max(1u, progress.min_workers()), " are ready");
}

}  // namespace fanmill::control
