// The book: what it says after a restart, and what to do with rows that became durable.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "controller/controller.h"
#include "lib/core/names.h"

namespace fanmill {

void Controller::OnRecovered(Instant now, const JournalRecovered& page, Outbox& outbox) {
  if (recovered_) return Count("unexpected");
  Outbox nobody;  // what it would tell was told before, and stands in the state
  for (const JournalRow& row : page.rows) {
    book_.Recovered(row.sequence);
    pb::BookRecord record;
    if (!record.ParseFromArray(row.bytes.bytes.data(), static_cast<int>(row.bytes.bytes.size()))) {
      Count("bad_row");
      continue;
    }
    Recover(now, record, nobody);
  }
  if (!page.last) return;
  recovered_ = true;
  members_.HeardAll(now);  // each has a lease to speak
  for (auto& [id, batch] : batches_) {
    batch.start_guessed = batch.started;
    batch.ask_due = batch.started || IsEnd(batch.phase) ? now : kNever;
    if (IsEnd(batch.phase)) batch.accounts_due = After(now, options_.account_wait);
  }
  if (wishes_.wish() != pb::RUN) {
    Notice("this cluster was being shut down when its controller stopped: the shutdown goes on");
  }
  ConnectFacts(now, outbox);
  AdvanceShutdown(now, outbox);
}

void Controller::Recover(Instant now, const pb::BookRecord& record, Outbox& outbox) {
  switch (record.fact_case()) {
    case pb::BookRecord::kBatch: {
      wishes_.SawGeneration(record.batch().generation());
      const uint32_t id = record.batch().batch();
      if (id == 0 || reports_.HasEnded(id)) return Count("bad_row");
      RecoverBatch(id);
      return ApplyWish(now, record.batch(), outbox);
    }
    case pb::BookRecord::kWhole:
      wishes_.SawGeneration(record.whole().generation());
      if (record.whole().wish() == pb::RUN) {
        wishes_.Reset();
        return members_.BeginAfresh();
      }
      return ApplyClusterWish(now, record.whole(), outbox);
    case pb::BookRecord::kPinned:
      return members_.Pin(record.pinned().role(), record.pinned().directory());
    case pb::BookRecord::kReport:
      return RecoverReport(now, record, outbox);
    case pb::BookRecord::kReceipt:
      return RecoverReceipt(record.receipt());
    case pb::BookRecord::kMember:
      return RecoverMember(now, record.member());
    default:
      return Count("bad_row");
  }
}

control::Batch& Controller::RecoverBatch(uint32_t id) {
  view_.HearOf(id);
  Batch& batch = batches_[id];
  batch.id = id;
  batch.progress.set_batch(id);
  return batch;
}

void Controller::RecoverReport(Instant now, const pb::BookRecord& record, Outbox& outbox) {
  const pb::BatchReport& report = record.report();
  if (!report.final() && !reports_.HasEnded(report.batch())) {  // its end was told, perhaps. R97
    Count("R97");
    Batch& batch = RecoverBatch(report.batch());
    batch.summary = report.summary();
    batch.progress = control::FinalProgress(batch.progress, report);
  }
  ApplyReport(now, record, outbox);
}

void Controller::RecoverReceipt(const pb::ReceiptFact& fact) {
  if (fact.batch() != 0) {
    reports_.Confirm(fact.incarnation(), fact.batch(), fact.generation());
  } else if (Member* worker = members_.Find(pb::WORKER, fact.incarnation())) {
    Confirm(*worker);
  }
}

void Controller::RecoverMember(Instant now, const pb::MemberFact& fact) {
  Member* member = members_.Find(fact.role(), fact.incarnation());
  if (member == nullptr && !fact.left()) {
    member = &members_.Add(now, fact.role(), fact.incarnation(), fact.hello());
    member->asked = wishes_.wish() != pb::RUN;
    for (auto& [id, batch] : batches_) {
      if (member->role == pb::WORKER && batch.started) Serve(batch, *member);
    }
  }
  if (member != nullptr && fact.left()) {
    // Before a shutdown nobody asks after those who left: they need not come back from the book.
    if (wishes_.wish() == pb::RUN && fact.role() == pb::WORKER) {
      members_.Remove(fact.role(), fact.incarnation());
    } else {
      if (fact.role() != pb::WORKER) member->confirmed = true;
      members_.Leave(now, *member);
    }
  }
}

void Controller::WriteMember(const Member& member, Outbox& outbox) {
  pb::BookRecord record;
  record.mutable_member()->set_role(member.role);
  record.mutable_member()->set_incarnation(member.incarnation);
  record.mutable_member()->set_left(member.left);
  if (!member.left) *record.mutable_member()->mutable_hello() = member.hello;
  book_.Write(std::move(record), 0, outbox);
}

void Controller::OnDurable(Instant now, uint64_t through, Outbox& outbox) {
  if (through > book_.last()) return Count("unexpected");
  for (const pb::BookRecord& record : book_.Durable(through)) {
    switch (record.fact_case()) {
      case pb::BookRecord::kBatch:
        ApplyWish(now, record.batch(), outbox);
        break;
      case pb::BookRecord::kWhole:
        ApplyClusterWish(now, record.whole(), outbox);
        break;
      case pb::BookRecord::kPinned:
        members_.Pin(record.pinned().role(), record.pinned().directory());
        break;
      case pb::BookRecord::kReport:
        ApplyReport(now, record, outbox);
        break;
      default:
        break;  // members and receipts were believed when they were heard
    }
  }
  while (!waiting_.empty() && waiting_.front().row <= book_.durable()) {
    const Waiting waiting = std::move(waiting_.front());
    waiting_.pop_front();
    OnWire(now, waiting.from, waiting.request, outbox);
  }
}

}  // namespace fanmill
