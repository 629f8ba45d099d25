// What a person asks: one request, one reply, and asking again is harmless.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "controller/controller.h"
#include "lib/core/names.h"

namespace fanmill {
namespace {

pb::BatchState StateOfEnded(const pb::BatchReport& report) {
  pb::BatchState state;
  state.set_batch(report.batch());
  state.set_phase(report.phase());
  state.set_started(report.summary().opened());
  state.set_ended(true);
  return state;
}

// "the sink has been silent for 7 s: start it again with the same --state, or ...".
std::string SilentText(const std::vector<const control::Member*>& silent, Instant now) {
  if (silent.empty()) return {};
  std::vector<std::string> parts;
  for (const control::Member* role : silent) {
    parts.push_back(absl::StrCat(MemberName(*role), " has been silent for ",
                                 (now - role->heard) / Seconds(1), " s"));
  }
  return absl::StrCat(absl::StrJoin(parts, ", "), ": start ", silent.size() == 1 ? "it" : "them",
                      " again with the same --state, or end everything with fanmill shutdown "
                      "--now");
}

std::string Joined(std::vector<std::string> clauses) {
  std::erase(clauses, std::string());
  return absl::StrJoin(clauses, "; ");
}

std::string HasEndedText(uint32_t batch, pb::BatchPhase phase) {
  return absl::StrCat("batch ", batch, " has ended (", std::string(PhaseName(phase)), ")");
}

std::string HasEndedText(uint32_t batch, const control::Reports::Ended* ended) {
  if (ended == nullptr) return absl::StrCat("batch ", batch, " has ended long ago");
  return HasEndedText(batch, ended->report.phase());
}

}  // namespace

void Controller::OnCommand(Instant now, PeerId from, const Wire& wire, Outbox& outbox) {
  const pb::Command& command = wire.envelope->command();
  if (MayComeYet(command.batch())) return Count("before_ventilator");  // who waits asks again
  pb::CommandReply reply;
  bool answered = true;
  switch (command.verb()) {
    case pb::Command::STATUS:
      reply = Status(now, command.batch());
      break;
    case pb::Command::START:
      answered = StartBatch(now, from, wire, reply, outbox);
      break;
    case pb::Command::CANCEL:
      answered = CancelBatch(now, from, wire, reply, outbox);
      break;
    case pb::Command::SHUTDOWN:
    case pb::Command::SHUTDOWN_NOW:
      answered = ShutDown(now, from, wire, reply, outbox);
      break;
    case pb::Command::REPORT:
      answered = Report(now, from, command, reply, outbox);
      break;
    case pb::Command::ENDPOINTS:
      *reply.mutable_state() = State(now);
      reply.set_done(members_.ventilator() != nullptr && members_.sink() != nullptr);
      break;
    default:
      reply.set_error(
          "the controller does not know this command: install the same version of Fanmill on both "
          "sides");
  }
  if (!answered) return;
  reply.set_request(command.request());
  pb::Envelope envelope = NewReply();
  *envelope.mutable_command_reply() = std::move(reply);
  Reply(from, std::move(envelope), outbox);
}

// Batches that have not started do not stand in the book: after a restart the ventilator tells of
// them, and is given a lease for it.
bool Controller::MayComeYet(uint32_t batch) const {
  const Member* ventilator = members_.ventilator();
  return batch != 0 && !listed_ && ventilator != nullptr && ventilator->live() &&
         !batches_.contains(batch) && !reports_.HasEnded(batch);
}

void Controller::SayNoSuchBatch(uint32_t batch, pb::CommandReply& reply) const {
  if (!listed_) {
    reply.set_error(
        absl::StrCat("the controller knows no batch ", batch,
                     " and has not heard from a ventilator yet: ask again when it is running"));
    return;
  }
  reply.set_no_such_batch(true);
  reply.set_error(
      absl::StrCat("there is no batch ", batch, ": fanmill list shows those there are"));
}

// Who is missing comes first: while nobody does its work, the rest explains nothing.
std::string Controller::WhyItWaits(Instant now, const Batch& batch) const {
  std::string lacking;
  if (batch.generation != 0) lacking = control::LackingText(Unconfirmed(batch, members_));
  if (IsEnd(batch.phase)) return Joined({batch.lost, lacking});
  const std::string silent = SilentText(members_.SilentRoles(), now);
  if (!batch.lost.empty()) return Joined({silent, batch.lost, lacking});
  if (batch.unlisted != kNever) {
    return Joined({silent, "its ventilator does not know it any more", lacking});
  }
  if (batch.phase == pb::FORMING && wishes_.wish() != pb::RUN) {
    return Joined({silent, "the cluster is shutting down: it does not start any more"});
  }
  if (batch.phase == pb::FORMING && batch.listed) {
    return Joined({silent, WaitingText(batch, Offering(batch)), batch.progress.waiting()});
  }
  if (batch.phase != pb::DRAINING) return silent.empty() ? batch.progress.waiting() : silent;
  const auto owed = OwedReceipts(batch, members_);
  if (!owed.empty()) {
    return Joined({silent, absl::StrCat("waits for the receipts of ", OwedText(owed)), lacking});
  }
  return Joined({silent.empty() ? "waits for the sink to close it" : silent, lacking});
}

void Controller::Show(Instant now, const Batch& batch, pb::CommandReply& reply) const {
  pb::BatchProgress& shown = *reply.add_batches();
  shown = batch.progress;
  shown.set_waiting(WhyItWaits(now, batch));
  *reply.add_states() = control::StateOf(batch, now);
}

void Controller::ShowEnded(Instant now, const control::Reports::Ended& ended,
                           pb::CommandReply& reply) const {
  pb::BatchProgress& shown = *reply.add_batches();
  shown = ended.progress;
  shown.set_waiting(Joined({ended.progress.waiting(), control::LackingText(StillUnconfirmed(
                                                          ended.unconfirmed, members_, now))}));
  *reply.add_states() = StateOfEnded(ended.report);
}

pb::CommandReply Controller::Status(Instant now, uint32_t batch) {
  pb::CommandReply reply;
  const auto live = batches_.find(batch);
  const control::Reports::Ended* ended = reports_.Find(batch);
  if (batch != 0 && live == batches_.end() && ended == nullptr) {
    if (!reports_.HasEnded(batch)) {
      SayNoSuchBatch(batch, reply);
    } else {
      reply.set_error(HasEndedText(batch, nullptr));
    }
    return reply;
  }
  reply.set_done(true);
  reply.set_durability(std::min(options_.durability, members_.durability()));
  *reply.mutable_state() = State(now);
  for (const Member* member : members_.Everybody()) *reply.add_members() = ToMember(*member, now);
  if (batch != 0) {
    if (live != batches_.end()) Show(now, live->second, reply);
    if (ended != nullptr) ShowEnded(now, *ended, reply);
    return reply;
  }
  for (const auto& [id, entry] : reports_.kept()) ShowEnded(now, entry, reply);
  for (const auto& [id, entry] : batches_) Show(now, entry, reply);
  return reply;
}

// R90: releases a held batch.
bool Controller::StartBatch(Instant now, PeerId from, const Wire& wire, pb::CommandReply& reply,
                            Outbox& out) {
  const pb::Command& command = wire.envelope->command();
  const auto found = batches_.find(command.batch());
  if (found == batches_.end()) {
    if (!reports_.HasEnded(command.batch())) {
      SayNoSuchBatch(command.batch(), reply);
    } else {
      reply.set_error(HasEndedText(command.batch(), reports_.Find(command.batch())));
    }
    return true;
  }
  Batch& batch = found->second;
  const std::string the_batch = absl::StrCat("batch ", batch.id);
  if (batch.kill_asked || batch.generation != 0) {
    reply.set_error(absl::StrCat(the_batch, " is being cancelled: submit it again to run it"));
  } else if (IsEnd(batch.phase)) {
    reply.set_error(HasEndedText(batch.id, batch.phase));
  } else if (!batch.released && batch.started) {
    reply.set_error(absl::StrCat(the_batch, " has started already: there is nothing to do"));
  } else if (!batch.progress.hold() && !batch.released) {
    reply.set_error(absl::StrCat(the_batch,
                                 " is not held: it starts by itself as soon as its "
                                 "workers are ready; fanmill status shows what it "
                                 "waits for"));
  } else if (!batch.released) {
    if (!batch.release_asked) {
      batch.release_asked = true;
      batch.start_request = command.request();
      pb::BookRecord record;
      record.mutable_batch()->set_batch(batch.id);
      record.mutable_batch()->set_released(true);
      book_.Write(std::move(record), batch.id, out);
    }
    WaitForBook(from, wire);
    return false;
  } else if (batch.started && command.request() != batch.start_request) {
    reply.set_error(absl::StrCat(the_batch, " has started already: there is nothing to do"));
  }
  reply.set_done(reply.error().empty());
  *reply.add_states() = control::StateOf(batch, now);
  return true;
}

// R92
bool Controller::CancelBatch(Instant now, PeerId from, const Wire& wire, pb::CommandReply& reply,
                             Outbox& out) {
  const uint32_t id = wire.envelope->command().batch();
  const auto name = [&](const std::vector<pb::Member>& lacking) {
    for (pb::Member& named : StillUnconfirmed(lacking, members_, now)) {
      *reply.add_members() = std::move(named);
    }
  };
  const auto found = batches_.find(id);
  if (found == batches_.end() || IsEnd(found->second.phase)) {
    const control::Reports::Ended* ended = reports_.Find(id);
    if (found == batches_.end() && !reports_.HasEnded(id)) {
      SayNoSuchBatch(id, reply);
      return true;
    }
    const bool live = found != batches_.end();
    const pb::BatchPhase phase = live               ? found->second.phase
                                 : ended != nullptr ? ended->report.phase()
                                                    : pb::DONE;
    reply.set_done(phase == pb::BATCH_CANCELLED);
    if (!reply.done()) {
      reply.set_error(HasEndedText(id, phase) + ": there is nothing to cancel");
    }
    if (live) *reply.add_states() = control::StateOf(found->second, now);
    if (!live && ended != nullptr) *reply.add_states() = StateOfEnded(ended->report);
    if (live) name(Unconfirmed(found->second, members_));
    if (!live && ended != nullptr) name(ended->unconfirmed);
    return true;
  }
  Batch& batch = found->second;
  if (batch.generation == 0) {
    if (!batch.kill_asked && !batch.end_asked) WriteKill(batch, out);
    WaitForBook(from, wire);
    return false;
  }
  Show(now, batch, reply);
  for (const auto& [incarnation, worker] : members_.workers()) {
    if (!worker.live()) continue;
    pb::Member& shown = *reply.add_members();
    shown = ToMember(worker, now);
    shown.set_confirmed(ConfirmationOf(worker, &batch) == control::Confirmation::kGiven);
  }
  name(Unconfirmed(batch, members_));
  return true;
}

bool Controller::ShutDown(Instant now, PeerId from, const Wire& wire, pb::CommandReply& reply,
                          Outbox& out) {
  const pb::Wish wish =
      wire.envelope->command().verb() == pb::Command::SHUTDOWN_NOW ? pb::KILL : pb::DRAIN;
  if (wish > wishes_.wish() && !wishes_.over()) {
    if (wish > wishes_.asked()) {
      wishes_.Ask(wish);
      pb::BookRecord record;
      record.mutable_whole()->set_wish(wish);
      record.mutable_whole()->set_generation(wishes_.NewGeneration());
      book_.Write(std::move(record), 0, out);
    }
    WaitForBook(from, wire);
    return false;
  }
  for (const Member* member : members_.Everybody()) {
    if (member->asked) *reply.add_members() = ToMember(*member, now);
  }
  // Workers keep their results until a sink takes them, and leave when it has.
  if (wishes_.wish() == pb::DRAIN && wishes_.stage() == 1 && !members_.SilentRoles().empty()) {
    for (const auto& [id, batch] : batches_) {
      if (!IsEnd(batch.phase)) Show(now, batch, reply);
    }
  }
  reply.set_done(wishes_.over());
  if (reply.done() && told_ == kNever) told_ = now;
  return true;
}

bool Controller::Report(Instant now, PeerId from, const pb::Command& command,
                        pb::CommandReply& reply, Outbox& outbox) {
  const uint32_t id = command.batch();
  if (const control::Reports::Ended* ended = reports_.Find(id)) {
    reply.set_done(true);
    *reply.mutable_report() = ended->report;
    return true;
  }
  const auto found = batches_.find(id);
  if (found == batches_.end()) {
    if (!reports_.HasEnded(id)) {
      SayNoSuchBatch(id, reply);
    } else {
      reply.set_error(absl::StrCat("the report of batch ", id, " is no longer kept: only the ",
                                   options_.reports_max, " newest are"));
    }
    return true;
  }
  Batch& batch = found->second;
  if (!batch.closed && !facts_.empty() && report_waiters_.size() < options_.report_waiters_max) {
    AskSummary(now, batch, outbox);
    report_waiters_.push_back({from, command.request(), id, now + options_.report_wait});
    return false;
  }
  reply.set_done(true);
  *reply.mutable_report() = BuildReport(batch, members_);
  return true;
}

// Answers who waits for the report of `batch`, and everybody whose patience is over.
void Controller::TellReports(Instant now, uint32_t batch, Outbox& outbox) {
  std::erase_if(report_waiters_, [&](const ReportWaiter& waiter) {
    if (waiter.batch != batch && now < waiter.deadline) return false;
    pb::Envelope envelope = NewReply();
    pb::CommandReply& reply = *envelope.mutable_command_reply();
    reply.set_request(waiter.request);
    reply.set_done(true);
    const auto found = batches_.find(waiter.batch);
    const control::Reports::Ended* ended = reports_.Find(waiter.batch);
    if (found != batches_.end()) {
      *reply.mutable_report() = BuildReport(found->second, members_);
    } else if (ended != nullptr) {
      *reply.mutable_report() = ended->report;
    }
    Reply(waiter.from, std::move(envelope), outbox);
    return true;
  });
}

}  // namespace fanmill
