// From the ventilator's progress to the report: what moves a batch is looked at when it is heard.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "controller/controller.h"
#include "lib/core/limits.h"
#include "lib/core/names.h"
#include "lib/core/printable.h"

namespace fanmill {
namespace {

pb::BatchProgress Trimmed(pb::BatchProgress progress) {
  progress.set_name(Printable(progress.name(), control::kTextBytesMax));
  progress.set_waiting(Printable(progress.waiting(), control::kTextBytesMax));
  if (progress.handler().size() > kNameBytesMax) {
    progress.set_handler(Printable(progress.handler(), control::kTextBytesMax));
  }
  return progress;
}

}  // namespace

void Controller::OnProgress(Instant now, const pb::Heartbeat& heartbeat, Outbox& outbox) {
  listed_ = true;
  for (auto& [id, batch] : batches_) batch.listed = false;
  for (const pb::BatchProgress& progress : heartbeat.batches()) {
    Batch* batch = BatchFor(progress);
    if (batch == nullptr) continue;
    batch->listed = true;
    batch->unlisted = kNever;
    batch->progress = Trimmed(progress);
    batch->opened = std::min(batch->opened, now - control::Believable(progress.age_us()));
    if (progress.closed() && !batch->closed && batch->ask_due == kNever) {
      AskSummary(now, *batch, outbox);
    }
  }
  for (auto& [id, batch] : batches_) {
    if (!batch.listed && batch.unlisted == kNever) {
      batch.unlisted = now;
      if (!batch.closed && batch.ask_due == kNever) AskSummary(now, batch, outbox);
    }
    GiveUpIfLost(now, batch, outbox);
    CheckLedger(now, batch, outbox);
  }
  CheckBatches(now, outbox);
}

control::Batch* Controller::BatchFor(const pb::BatchProgress& progress) {
  const uint32_t id = progress.batch();
  if (id == 0 || reports_.HasEnded(id)) return nullptr;
  const auto found = batches_.find(id);
  if (found != batches_.end()) return &found->second;
  if (batches_.size() >= options_.batches_max) {
    Count("batches_full");
    return nullptr;
  }
  Batch& batch = batches_[id];
  batch.id = id;
  view_.Changed();
  view_.HearOf(id);
  return &batch;
}

void Controller::CheckBatches(Instant now, Outbox& outbox) {
  for (auto& [id, batch] : batches_) CheckBatch(now, batch, outbox);
}

void Controller::CheckBatch(Instant now, Batch& batch, Outbox& outbox) {
  TryStart(now, batch, outbox);
  TryEnd(now, batch, outbox);
  TryReport(now, batch, outbox);
}

uint32_t Controller::Offering(const Batch& batch) const {
  const auto found = offering_.find(batch.progress.handler());
  return found == offering_.end() ? 0 : found->second;
}

bool Controller::MayStart(const Batch& batch) const {
  return batch.phase == pb::FORMING && batch.listed && !batch.start_asked && !batch.kill_asked &&
         wishes_.asked() == pb::RUN;
}

// R90, and R91 up to the disk.
void Controller::TryStart(Instant now, Batch& batch, Outbox& outbox) {
  if (!MayStart(batch) || !BarrierPassed(batch, Offering(batch), now)) return;
  Count("R90");
  Move(batch, control::BatchEvent::kBarrierPassed);
  batch.start_asked = true;
  view_.Changed();
  pb::BookRecord record;
  record.mutable_batch()->set_batch(batch.id);
  record.mutable_batch()->set_started(true);
  record.mutable_batch()->set_released(batch.released);
  book_.Write(std::move(record), batch.id, outbox);
}

// A row of the batch is durable: now it is so. The signal goes first: a kill must be quick.
void Controller::ApplyWish(Instant now, const pb::BatchWish& wish, Outbox& outbox) {
  const auto found = batches_.find(wish.batch());
  if (found == batches_.end()) return;  // ended meanwhile
  Batch& batch = found->second;
  batch.released = batch.released || wish.released();
  if (wish.started() && !batch.started && !IsEnd(batch.phase)) {
    Move(batch, control::BatchEvent::kBarrierPassed);  // recovered: it passed before
    if (Move(batch, control::BatchEvent::kStartDurable)) {
      Count("R91");
      if (recovered_) Notice(absl::StrCat("batch ", batch.id, " starts"));
      batch.started = true;
      batch.start = now;
      Send({Signal::Topic::kBatch, batch.id, Signal::Verb::kStart, 0}, outbox);
      view_.Changed();
      for (auto& [incarnation, worker] : members_.workers()) {
        if (worker.live()) Serve(batch, worker);
      }
    }
  }
  if (wish.generation() != 0 && Move(batch, control::BatchEvent::kKillDurable)) {
    Count("R92");
    batch.generation = wish.generation();
    Send({Signal::Topic::kBatch, batch.id, Signal::Verb::kKill, batch.generation}, outbox);
    view_.Changed();
  }
  if (recovered_) CheckBatch(now, batch, outbox);
}

// R96: the ventilator has no manifest of it any more. Called when the ventilator speaks.
void Controller::GiveUpIfLost(Instant now, Batch& batch, Outbox& outbox) {
  if (batch.listed || batch.closed || now < After(batch.unlisted, options_.lease)) return;
  GiveUp(batch, "the ventilator has lost its tasks", outbox);
}

// R96: by now the ventilator has told of everything that the sink before this one acknowledged.
void Controller::CheckLedger(Instant now, Batch& batch, Outbox& outbox) {
  if (now < batch.ledger_due || !batch.listed || batch.closed) return;
  batch.ledger_due = After(now, options_.lease);  // what it gains meanwhile may hide a loss
  batch.terminal_known = batch.progress.ok() + batch.progress.failed();
  if (batch.ask_due == kNever) AskSummary(now, batch, outbox);
}

void Controller::GiveUp(Batch& batch, const char* why, Outbox& outbox) {
  if (IsEnd(batch.phase) || batch.generation != 0 || batch.kill_asked) return;
  Count("R96");
  batch.lost = why;
  Notice(absl::StrCat("batch ", batch.id, " is cancelled: ", why));
  WriteKill(batch, outbox);
}

void Controller::WriteKill(Batch& batch, Outbox& outbox) {
  batch.kill_asked = true;
  pb::BookRecord record;
  record.mutable_batch()->set_batch(batch.id);
  record.mutable_batch()->set_started(batch.started || batch.start_asked);
  record.mutable_batch()->set_released(batch.released);
  record.mutable_batch()->set_generation(wishes_.NewGeneration());
  book_.Write(std::move(record), batch.id, outbox);
}

void Controller::Serve(Batch& batch, Member& worker) {
  worker.ran = true;
  if (batch.served.size() >= control::kServedMax) return Count("served_full");
  control::Served& served = batch.served[worker.incarnation];
  served.number = worker.hello.number();
  served.label = MemberLabel(worker);
}

void Controller::AskSummary(Instant now, Batch& batch, Outbox& outbox) {
  batch.ask_due = now + options_.ask_every;
  if (facts_.empty()) return;
  if (facts_asked_ == kNever) facts_asked_ = now;
  if (now - facts_asked_ > options_.lease) {
    facts_asked_ = now;  // for a lease no answer: the connection may be dead for ever
    outbox.Send(PeerId{Channel::kNet}, Connect{Channel::kFacts, facts_});
  }
  pb::Envelope envelope = NewReply();
  envelope.mutable_summary_request()->set_batch(batch.id);
  outbox.Send(PeerId{Channel::kFacts}, std::move(envelope));
}

void Controller::OnSummary(Instant now, const pb::BatchSummary& summary, Outbox& outbox) {
  const auto found = batches_.find(summary.batch());
  if (found == batches_.end()) return;  // a repeated answer
  Batch& batch = found->second;
  if (batch.closed) return;
  if (!IsEnd(batch.phase)) {
    batch.summary = control::Bounded(summary);
  } else if (!summary.closed()) {  // R97: a sink that has lost it takes nothing back
    return TellReports(now, summary.batch(), outbox);
  }
  if (batch.terminal_known.has_value()) {
    const bool lost = summary.ok() + summary.failed() < *batch.terminal_known;
    batch.terminal_known.reset();
    if (!summary.closed() && batch.progress.closed()) {
      TakeEndFromProgress(batch);
    } else if (lost && !summary.closed()) {
      GiveUp(batch, "the sink has lost results of it", outbox);
    }
  }
  // One who asked for a report wants no more than this; a batch told to be closed asks on.
  if (!batch.progress.closed()) batch.ask_due = kNever;
  const Duration end_age = control::Believable(summary.end_age_us());
  if (batch.start_guessed && summary.opened()) {
    const Duration since_end = summary.closed() ? end_age : Duration{0};
    batch.start = now - since_end - control::Believable(summary.elapsed_us());
    batch.start_guessed = false;
    view_.Changed();
  }
  if (batch.summary.known() && batch.summary.closed()) {
    batch.closed = true;
    batch.ask_due = kNever;
    batch.end = now - end_age;
    batch.accounts_due = now + options_.account_wait;
    ChangedForAll(outbox);  // the workers owe their accounts now
    TryEnd(now, batch, outbox);
    TryReport(now, batch, outbox);
  }
  TellReports(now, summary.batch(), outbox);
}

// R96: the sink that closed it has lost its ledger since; the ventilator remembers how it ended.
void Controller::TakeEndFromProgress(Batch& batch) const {
  batch.summary.set_known(true);
  batch.summary.set_closed(true);
  batch.summary.set_cancelled(batch.progress.cancelled());
  batch.summary.set_tasks(batch.progress.tasks());
  batch.summary.set_ok(batch.progress.ok());
  batch.summary.set_failed(batch.progress.failed());
  batch.summary.set_cancelled_tasks(batch.progress.cancelled_tasks());
}

// A killed batch ends with the last receipt of those who are there; who lacks is named. R92
void Controller::TryEnd(Instant now, Batch& batch, Outbox& outbox) {
  if (IsEnd(batch.phase) || batch.end_asked) return;
  // A batch that its ventilator has forgotten for good cannot be closed: only its kill ends it.
  const bool orphan = batch.phase == pb::DRAINING && batch.unlisted != kNever &&
                      now >= After(batch.unlisted, options_.lease);
  if (!batch.closed && !orphan) return;
  const bool killed = batch.phase == pb::DRAINING || batch.kill_asked;
  if (killed && !AllReceipts(batch, members_)) return;
  if (!batch.closed) {
    batch.closed = true;
    batch.ask_due = kNever;
    batch.end = now;
    batch.summary.set_cancelled(true);
    if (batch.progress.tasks() > 0) {
      batch.summary.set_tasks(batch.progress.tasks());
      const uint64_t terminal = batch.summary.ok() + batch.summary.failed();
      batch.summary.set_cancelled_tasks(batch.progress.tasks() -
                                        std::min(terminal, batch.progress.tasks()));
    }
    batch.accounts_due = now;
  }
  WriteEnd(batch, outbox);
}

// R97: nobody is told of an end that a restart could take back.
void Controller::WriteEnd(Batch& batch, Outbox& outbox) {
  batch.end_asked = true;
  pb::BookRecord record;
  *record.mutable_report() = BuildReport(batch, members_);
  record.mutable_report()->set_phase(*NextPhase(batch.phase, control::EndOf(batch.summary)));
  record.mutable_report()->set_final(false);
  book_.Write(std::move(record), batch.id, outbox);
}

// A report is durable: that the batch has ended, or all that there is to tell of it.
void Controller::ApplyReport(Instant now, const pb::BookRecord& record, Outbox& outbox) {
  if (record.report().final()) return Retire(record);
  const auto found = batches_.find(record.report().batch());
  if (found == batches_.end()) return;
  const pb::BatchSummary& summary = record.report().summary();
  Move(found->second, control::EndOf(summary));
  view_.Changed();
  if (!recovered_) return;
  Notice(absl::StrCat("batch ", record.report().batch(), " ended: ok ", summary.ok(), ", failed ",
                      summary.failed(), ", cancelled ", summary.cancelled_tasks()));
  TryReport(now, found->second, outbox);
}

// R95
void Controller::TryReport(Instant now, Batch& batch, Outbox& outbox) {
  if (!IsEnd(batch.phase) || batch.report_asked) return;
  // After a restart it is the sink that knows when the batch ended, and the accounts end then.
  const bool outstanding = !batch.closed || AccountsOutstanding(batch, members_);
  if (now < batch.accounts_due && outstanding) return;
  Count("R95");
  batch.report_asked = true;
  batch.accounts_due = kNever;
  pb::BookRecord record;
  *record.mutable_report() = BuildReport(batch, members_);
  record.mutable_report()->set_final(true);  // whoever was there and said nothing is given up
  if (batch.generation != 0) {
    for (pb::Member& lacking : Unconfirmed(batch, members_)) {
      Count("unconfirmed");
      *record.add_unconfirmed() = std::move(lacking);
    }
  }
  book_.Write(std::move(record), batch.id, outbox);
}

// The report is durable: the state needs the batch no more.
void Controller::Retire(const pb::BookRecord& reported) {
  const pb::BatchReport& report = reported.report();
  const auto found = batches_.find(report.batch());
  view_.HearOf(report.batch());
  pb::BatchProgress progress;
  uint64_t generation = 0;
  if (found != batches_.end()) {
    generation = found->second.generation;
    progress = found->second.progress;
    progress.set_waiting(found->second.lost);
  }
  reports_.Keep(report, progress, generation,
                {reported.unconfirmed().begin(), reported.unconfirmed().end()});
  if (found == batches_.end()) return;
  batches_.erase(found);
  view_.Changed();
}

}  // namespace fanmill
