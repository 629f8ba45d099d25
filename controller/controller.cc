#include "controller/controller.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "lib/core/check.h"
#include "lib/core/limits.h"
#include "lib/core/names.h"

namespace fanmill {
namespace {

constexpr size_t kNoticesMax = 256;

}  // namespace

Controller::Controller(ControllerOptions options)
    : options_(std::move(options)),
      self_{pb::CONTROLLER, options_.epoch, options_.cluster},
      members_({options_.lease, options_.gone_shown, options_.workers_max, options_.gone_max}),
      reports_(options_.reports_max, options_.report_bytes_max),
      view_(options_.epoch) {
  FANMILL_CHECK(options_.cluster != 0, "a cluster has an id");
}

// The book speaks first, then those who say Hello.
void Controller::Start(Instant, Outbox&) {}

void Controller::Handle(Instant now, PeerId from, const Message& message, Outbox& outbox) {
  NoticePause(now);
  std::visit(Overloaded{
                 [&](const Wire& wire) { OnWire(now, from, wire, outbox); },
                 [&](const JournalRecovered& page) { OnRecovered(now, page, outbox); },
                 [&](const JournalDurable& durable) { OnDurable(now, durable.through, outbox); },
                 [&](const BadFrame& bad) { OnBadFrame(from, bad, outbox); },
                 [&](const StopAsked&) { OnStopAsked(); },
                 [&](const Undeliverable&) { Count("undeliverable"); },
                 [&](const auto&) { Count("unexpected"); },
             },
             message);
  Leave(now);
}

void Controller::OnWire(Instant now, PeerId from, const Wire& wire, Outbox& outbox) {
  const pb::Envelope& envelope = *wire.envelope;
  if (!recovered_) return Count("before_recovery");
  if (envelope.cluster() != 0 && envelope.cluster() != options_.cluster) return Count("R3");  // R3
  if (book_.full()) return Count("book_full");
  switch (envelope.body_case()) {
    case pb::Envelope::kHello:
      return OnHello(now, from, wire, outbox);
    case pb::Envelope::kHeartbeat:
      return OnHeartbeat(now, from, wire, outbox);
    case pb::Envelope::kCommand:
      return OnCommand(now, from, wire, outbox);
    case pb::Envelope::kSummaryReply:
      facts_asked_ = kNever;
      return OnSummary(now, envelope.summary_reply().summary(), outbox);
    default:
      return Count("unexpected");
  }
}

// R1, R2
void Controller::OnBadFrame(PeerId from, const BadFrame& bad, Outbox& outbox) {
  Count("bad_frame");
  if (from.channel != Channel::kControl || bad.protocol == 0 || bad.protocol == kProtocolVersion) {
    return Count("R1");
  }
  Count("R2");
  Refuse(from,
         absl::StrCat("this controller speaks protocol ", kProtocolVersion, ", and you speak ",
                      bad.protocol, ": install the same version of Fanmill on both sides"),
         outbox);
}

void Controller::OnStopAsked() {
  Notice(
      "the controller stops: what runs goes on, but no batch starts, no command is answered and no "
      "kill is told until it is started again with the same --state");
  done_ = true;
}

// After a pause of our own everybody looks silent, though they spoke to us meanwhile.
void Controller::NoticePause(Instant now) {
  const Instant heard = std::exchange(last_step_, now);
  const Instant due = std::max(heard, NextDeadline());
  if (due == kNever || now <= After(due, options_.pause)) return;
  Count("paused");
  members_.Excuse(now - heard);
}

void Controller::Tick(Instant now, Outbox& outbox) {
  NoticePause(now);
  Sweep(now, outbox);
  for (auto& [id, batch] : batches_) {
    if (now >= batch.ask_due) AskSummary(now, batch, outbox);
    TryStart(now, batch, outbox);
    if (now >= batch.accounts_due) TryReport(now, batch, outbox);
  }
  TellReports(now, 0, outbox);
  Leave(now);
}

Instant Controller::NextDeadline() const {
  if (done_) return kNever;
  Instant next = std::min(members_.next_sweep(),
                          over_since_ == kNever ? kNever : After(over_since_, options_.untold));
  if (told_ != kNever) next = std::min(next, After(told_, options_.farewell));
  if (over_since_ != kNever && !over_durable_) next = kNever;  // the disk comes first
  for (const auto& [id, batch] : batches_) {
    next = std::min(next, batch.ask_due);
    if (IsEnd(batch.phase)) next = std::min(next, batch.accounts_due);
    // Once the deadline passed, it is the next ready worker that starts the batch.
    if (MayStart(batch) && Offering(batch) > 0 && (!batch.progress.hold() || batch.released)) {
      next = std::min(next, control::BarrierDeadline(batch));
    }
  }
  if (!report_waiters_.empty()) next = std::min(next, report_waiters_.front().deadline);
  return next;
}

// R16
void Controller::Sweep(Instant now, Outbox& outbox) {
  const control::Membership::Swept swept = members_.Sweep(now);
  for (const Member& member : swept.gone) {
    Count("R16");
    Notice(absl::StrCat(MemberName(member), " has been silent for ",
                        options_.lease.count() / 1'000'000, " s and is shown as gone"));
    ReviewOwed(member);
  }
  for (Member member : swept.forgotten) {
    if (member.left) continue;
    member.left = true;
    WriteMember(member, outbox);
  }
  if (!swept.gone.empty()) OnAway(now, outbox);
}

void Controller::Reply(PeerId to, pb::Envelope envelope, Outbox& outbox) {
  outbox.Send(to, std::move(envelope));
}

void Controller::Send(Signal signal, Outbox& outbox) {
  Count("R13");
  outbox.Send(PeerId{Channel::kSignal}, signal);
}

void Controller::ChangedForAll(Outbox& outbox) {
  view_.Changed();
  Send({Signal::Topic::kAll, 0, Signal::Verb::kAsk, 0}, outbox);
}

void Controller::WaitForBook(PeerId from, const Wire& request) {
  if (waiting_.size() >= options_.waiting_max) return Count("waiting_full");  // they ask again
  waiting_.push_back({book_.last(), from, request});
}

const pb::ClusterState& Controller::State(Instant now) {
  Count("R12");
  return view_.State(now, members_, wishes_, batches_, reports_);
}

void Controller::Notice(std::string text) {
  if (notices_.size() < kNoticesMax) notices_.push_back(std::move(text));
}

std::vector<std::string> Controller::TakeNotices() { return std::exchange(notices_, {}); }

void Controller::CheckInvariants() const {
  members_.CheckInvariants();
  FANMILL_CHECK(waiting_.size() <= options_.waiting_max);
  FANMILL_CHECK(report_waiters_.size() <= options_.report_waiters_max);
  FANMILL_CHECK(waiting_.empty() || waiting_.back().row <= book_.last());
  for (const auto& [id, batch] : batches_) {
    FANMILL_CHECK(batch.id == id && !reports_.HasEnded(id), "a batch is live or ended, not both");
    FANMILL_CHECK(batch.phase != pb::RUNNING || batch.started, "RUNNING means START is durable");
    FANMILL_CHECK(batch.generation == 0 || batch.phase == pb::DRAINING || IsEnd(batch.phase));
    FANMILL_CHECK(batch.phase != pb::DRAINING || batch.generation != 0);
    FANMILL_CHECK(!batch.report_asked || IsEnd(batch.phase), "reports are of ended batches");
  }
}

}  // namespace fanmill
