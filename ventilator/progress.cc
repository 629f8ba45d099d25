#include "ventilator/progress.h"

#include <algorithm>
#include <string>

#include "lib/core/printable.h"

namespace fanmill::ventilator {
namespace {

constexpr size_t kReasonBytesMax = 128;  // of what the sink says

std::string Plural(uint64_t count, const std::string& noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

// R108
std::string BackingOff(Instant now, const BackOff& tasks) {
  const auto left = std::max((tasks.due() - now).count(), int64_t{0});
  return Plural(tasks.size(), "task") + (tasks.size() == 1 ? " waits" : " wait") +
         " to be tried again, the first in " + std::to_string((left + 999'999) / 1'000'000) + " s";
}

// Why none of its tasks is handed out or ends. Why it does not start is the controller's to say.
std::string WhyStill(Instant now, const Mill& mill, const Lanes& lanes, const BatchTasks& batch) {
  if (!batch.started()) return {};
  if ((batch.HasWork() || batch.held() > 0) && mill.sink_room == 0) {  // R65
    if (mill.sink_heard == Instant{}) return "no sink has answered yet; is one running?";
    if (!mill.sink_full.empty()) return Printable(mill.sink_full, kReasonBytesMax);
    return "the sink has no room for more results; its log says why";
  }
  if (batch.held() > 0) return {};
  if (mill.IsShuttingDown()) return kShuttingDown;
  const pb::Spec& spec = batch.spec();
  const auto offering = std::ranges::count_if(lanes.all(), [&](const auto& entry) {
    return entry.second.ready && entry.second.Offers(spec.handler());
  });
  if (offering == 0 && batch.HasWork()) {  // R94
    return "no ready worker offers the handler \"" + Printable(spec.handler(), 64) +
           "\"; start one that does";
  }
  if (batch.IsBackingOff()) return BackingOff(now, batch.back_off());
  if (batch.resting() > 0) {
    return Plural(batch.resting(), "task") +
           " may be with workers that have not come back since the ventilator's restart";
  }
  if (!batch.sealed() && !batch.HasWork()) return "waits for more tasks from its submitter";
  return {};
}

}  // namespace

std::string WaitingFor(Instant now, const Mill& mill, const Lanes& lanes, const Room& room,
                       const BatchTasks& batch) {
  if (!batch.live()) return {};
  const std::string why = WhyStill(now, mill, lanes, batch);
  const bool moves = batch.started() && why.empty();
  if (moves || batch.sealed() || room.For(&batch) > 0) return why;
  return why + (why.empty() ? "" : "; ") +
         "its submitter waits: " + std::to_string(batch.bytes() >> 10) +
         " KiB of its tasks fill its share of the ventilator's memory";
}

pb::BatchProgress Progress(Instant now, const Mill& mill, const Lanes& lanes, const Room& room,
                           const BatchTasks& batch) {
  pb::BatchProgress progress;
  progress.set_batch(batch.id());
  progress.set_sealed(batch.sealed());
  progress.set_tasks(batch.durable());
  progress.set_ok(batch.ok());
  progress.set_failed(batch.failed());
  progress.set_lost(batch.lost());
  progress.set_outstanding(batch.held());
  progress.set_handler(batch.spec().handler());
  progress.set_min_workers(batch.spec().min_workers());
  progress.set_start_timeout_us(batch.spec().start_timeout_us());
  progress.set_hold(batch.spec().hold());
  progress.set_started(batch.started());
  progress.set_closed(batch.closed());
  progress.set_cancelled(batch.cancelled());
  progress.set_expected_us(batch.blocks().expected_us());
  progress.set_retried(batch.retried());
  progress.set_age_us(static_cast<uint64_t>((now - batch.opened()).count()));
  progress.set_name(batch.spec().name());
  progress.set_cancelled_tasks(batch.cancelled_tasks());
  progress.set_waiting(WaitingFor(now, mill, lanes, room, batch));
  return progress;
}

}  // namespace fanmill::ventilator
