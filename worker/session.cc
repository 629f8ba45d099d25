#include "worker/session.h"

#include <algorithm>

#include "lib/core/check.h"

namespace fanmill {
namespace {

constexpr int kCouldNotWork = 5;

MemberOptions MemberOptionsOf(const SessionOptions& options) {
  MemberOptions member(pb::WORKER, options.incarnation, options);
  member.hello.set_slots(options.slots);
  for (const std::string& handler : options.handlers) member.hello.add_handlers(handler);
  member.signal_patience = options.signal_patience;
  return member;
}

}  // namespace

Session::Session(SessionOptions options)
    : options_(std::move(options)),
      member_(MemberOptionsOf(options_)),
      lane_(options_.hello_every, options_.lease),
      schedule_(options_.slots, options_.bite),
      accounts_(options_.slots, Instant{}),
      transfer_(options_.retry_after),
      leaving_(options_.leave_after) {
  FANMILL_CHECK(options_.incarnation != 0 && options_.slots > 0);
}

void Session::Start(Instant now, Outbox& outbox) {
  accounts_ = worker::SlotAccounts(options_.slots, now);
  member_.Start(now, outbox);
}

void Session::Handle(Instant now, PeerId from, const Message& message, Outbox& outbox) {
  NoticePause(now);
  std::visit(Overloaded{
                 [&](const Wire& wire) { OnWire(now, from, wire, outbox); },
                 [&](const Signal& signal) { OnSignal(now, signal, outbox); },
                 [&](const StopAsked& asked) { OnStopAsked(now, asked, outbox); },
                 [&](const TasksRan& ran) { OnRan(now, ran, outbox); },
                 [&](const TasksStopped& stopped) { OnStopped(stopped); },
                 [&](const OutputRead& read) { OnOutputRead(read, outbox); },
                 [&](const Undeliverable& lost) { OnUndeliverable(now, lost); },
                 [&](const BadFrame&) { Count("bad_frame"); },  // R1
                 [&](const auto&) { Count("stray"); },
             },
             message);
  Settle(now, outbox);
}

void Session::OnWire(Instant now, PeerId from, const Wire& wire, Outbox& outbox) {
  const pb::Envelope& envelope = *wire.envelope;
  if (!envelope.has_welcome() && !member_.IsOurs(envelope.cluster())) return Count("R3");
  switch (from.channel) {
    case Channel::kControl:
      return OnControl(now, envelope, outbox);
    case Channel::kLane:
      return OnLane(now, wire.envelope, outbox);
    case Channel::kLease:
      return OnLease(now, envelope, outbox);
    default:
      return Count("stray");
  }
}

void Session::OnUndeliverable(Instant now, const Undeliverable& undeliverable) {
  Count("undeliverable");
  // What else did not leave comes again by R10, R20 and R31.
  if (undeliverable.to.channel == Channel::kResults) transfer_.GoBack(now);
}

void Session::NoticePause(Instant now) {  // R55
  const Instant due = NextDeadline();
  if (due == kNever || now <= due + options_.pause_after) return;
  Count("R55");
  const Duration pause = now - due;
  member_.Excuse(pause);
  lane_.Pause(now, pause);
}

// What follows from whatever has just happened.
void Session::Settle(Instant now, Outbox& outbox) {
  Feed(now, outbox);
  transfer_.Ask(now, outbox);
  if (told_full_ && SpoolRoom() > 0) report_due_ = true;
  NewsOfReceipts(now);
  MaybeLeave(now, outbox);
  if (report_due_ && lane_.granted()) Report(now, 0, outbox);
  report_due_ = false;
}

void Session::Tick(Instant now, Outbox& outbox) {
  NoticePause(now);
  switch (lane_.Tick(now, outbox)) {
    case worker::Lane::Word::kHello:
      SayHello(outbox);
      break;
    case worker::Lane::Word::kPaused:
      report_due_ = true;
      break;
    case worker::Lane::Word::kNothing:
      break;
  }
  AskSpecs(now, outbox);
  FlushDueChunks(now, outbox);
  Settle(now, outbox);
  SayFinished(now, outbox);
  leaving_.Tick(now);
  member_.Tick(now, outbox, [&](pb::Heartbeat& heartbeat) { Fill(now, heartbeat); });
  if (std::string warning = member_.TakeWarning(); !warning.empty()) {
    Count("R18");
    notices_.push_back(std::move(warning));
  }
}

Instant Session::NextDeadline() const {
  if (Done()) return kNever;
  Instant due = std::min({member_.NextDeadline(), lane_.NextDeadline(), transfer_.NextDeadline(),
                          leaving_.NextDeadline(), specs_due_, words_due_});
  if (!flush_due_.empty()) due = std::min(due, flush_due_.front().due);
  return due;
}

bool Session::Done() const { return leaving_.gone() || !member_.refused().empty(); }

int Session::ExitCode() const { return member_.refused().empty() ? 0 : kCouldNotWork; }

void Session::CheckInvariants() const {
  held_.CheckInvariants();
  schedule_.CheckInvariants(held_);
  FANMILL_CHECK(held_.chunks().size() <= options_.chunks_max);
  for (const auto& [id, chunk] : held_.chunks()) {
    FANMILL_CHECK(!dead_.IsDead(chunk.batch()) || (chunk.forsaken && chunk.in_slots > 0),
                  "of a dead batch only what still runs is known");
  }
  for (const auto& [batch, generation] : dead_.owed()) {
    FANMILL_CHECK(dead_.IsStopping(batch) || schedule_.BusyWith(batch) == 0,
                  "what runs of a dead batch is being stopped");
  }
  FANMILL_CHECK(!leaving_.leaving() || schedule_.busy() == 0, "who leaves runs nothing");
}

}  // namespace fanmill
