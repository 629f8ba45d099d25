// Hello and Heartbeat: who joins, who lives, who leaves.
#include <utility>

#include "absl/strings/str_cat.h"
#include "controller/controller.h"
#include "lib/core/names.h"

namespace fanmill {
namespace {

constexpr size_t kEndpointBytesMax = 256;

bool IsRole(pb::Role role) { return role == pb::VENTILATOR || role == pb::SINK; }

bool EndpointsFit(const pb::Endpoints& endpoints) {
  for (const std::string* endpoint : {&endpoints.lease(), &endpoints.acks(), &endpoints.intake(),
                                      &endpoints.results(), &endpoints.facts()}) {
    if (endpoint->size() > kEndpointBytesMax) return false;
  }
  return true;
}

bool NamesWhatOthersNeed(pb::Role role, const pb::Endpoints& endpoints) {
  if (role == pb::SINK) return !endpoints.results().empty() && !endpoints.facts().empty();
  return !endpoints.lease().empty() && !endpoints.acks().empty() && !endpoints.intake().empty();
}

bool Same(const pb::Endpoints& a, const pb::Endpoints& b) {
  return a.lease() == b.lease() && a.acks() == b.acks() && a.intake() == b.intake() &&
         a.results() == b.results() && a.facts() == b.facts();
}

}  // namespace

// R10
void Controller::OnHello(Instant now, PeerId from, const Wire& wire, Outbox& outbox) {
  const pb::Envelope& envelope = *wire.envelope;
  if (envelope.role() == pb::WORKER) return OnWorkerHello(now, from, envelope, outbox);
  if (IsRole(envelope.role())) return OnRoleHello(now, from, wire, outbox);
  if (envelope.role() == pb::CLIENT) return Welcome(now, from, 0, outbox);
  Count("unexpected");
}

// R14
void Controller::OnRoleHello(Instant now, PeerId from, const Wire& wire, Outbox& outbox) {
  const pb::Envelope& envelope = *wire.envelope;
  const pb::Hello& hello = envelope.hello();
  const pb::Role role = envelope.role();
  const std::string the_role = absl::StrCat("the ", std::string(RoleName(role)));
  if (!EndpointsFit(hello.endpoints()) || !NamesWhatOthersNeed(role, hello.endpoints())) {
    return Refuse(from,
                  absl::StrCat(the_role,
                               " does not say where others reach it, or at too long an "
                               "address: start it with --listen and --advertise"),
                  outbox);
  }
  const std::optional<uint64_t> pinned = members_.Pinned(role);
  if (!pinned.has_value()) {
    pb::BookRecord record;
    record.mutable_pinned()->set_role(role);
    record.mutable_pinned()->set_directory(hello.directory());
    book_.Write(std::move(record), 0, outbox);
    return WaitForBook(from, wire);
  }
  if (*pinned != hello.directory()) {
    Count("R14");
    return Refuse(from,
                  absl::StrCat(the_role,
                               " of this cluster has another state directory: start it "
                               "with the --state that it had before, or start a new "
                               "cluster with a new --state for the controller too"),
                  outbox);
  }
  const Member* before = role == pb::VENTILATOR ? members_.ventilator() : members_.sink();
  if (before != nullptr && envelope.epoch() < before->incarnation) {
    Count("R14");
    return Refuse(
        from,
        absl::StrCat("a newer start of ", the_role, " has joined (start ", before->incarnation,
                     ", this is ", envelope.epoch(), "): stop this one"),
        outbox);
  }
  Join(now, envelope, control::Trimmed(hello), outbox);
  Welcome(now, from, 0, outbox);
}

// R15
void Controller::OnWorkerHello(Instant now, PeerId from, const pb::Envelope& envelope,
                               Outbox& outbox) {
  pb::Hello hello = control::Trimmed(envelope.hello());
  const Member* known = members_.Find(pb::WORKER, envelope.epoch());
  if (known == nullptr && members_.Full()) {
    Count("workers_full");
    return Refuse(from,
                  absl::StrCat("this cluster has its ", options_.workers_max,
                               " workers already: give the workers more slots, and start fewer"),
                  outbox);
  }
  // Gone and back: its number may have another owner by now.
  const uint32_t asked = known != nullptr ? known->hello.number() : hello.number();
  const bool keeps = known != nullptr && !known->gone;
  hello.set_number(keeps ? asked : members_.NumberFor(asked));
  if (!keeps && asked != 0 && hello.number() == asked) Count("R15");
  const Member& worker = Join(now, envelope, std::move(hello), outbox);
  Welcome(now, from, worker.hello.number(), outbox);
}

control::Member& Controller::Join(Instant now, const pb::Envelope& envelope, pb::Hello hello,
                                  Outbox& outbox) {
  const pb::Role role = envelope.role();
  Member* member = members_.Find(role, envelope.epoch());
  const bool fresh = member == nullptr;
  const bool was_gone = !fresh && member->gone;
  const bool moved = fresh || !Same(member->hello.endpoints(), hello.endpoints());
  const bool renumbered = !fresh && member->hello.number() != hello.number();
  if (fresh) member = &members_.Add(now, role, envelope.epoch(), hello);
  member->hello = std::move(hello);
  members_.Return(now, *member);
  member->asked = member->asked || wishes_.wish() != pb::RUN;
  if (fresh || moved || renumbered) WriteMember(*member, outbox);
  if (fresh || was_gone) {
    NoticeJoin(*member);
    ReviewOwed(*member);
  }
  if (role != pb::WORKER) {
    if (moved) {
      if (role == pb::VENTILATOR) offering_.clear();
      ChangedForAll(outbox);
      if (role == pb::SINK) ConnectFacts(now, outbox);
    }
    return *member;
  }
  for (auto& [id, batch] : batches_) {
    if (member->live() && batch.started && !batch.closed) Serve(batch, *member);
  }
  return *member;
}

void Controller::NoticeJoin(const Member& member) {
  const uint32_t slots = member.hello.slots();
  Notice(absl::StrCat(MemberName(member), " joined",
                      slots == 0 ? "" : absl::StrCat(", slots: ", slots)));
}

void Controller::Welcome(Instant now, PeerId to, uint32_t number, Outbox& outbox) {
  Count("R10");
  pb::Envelope envelope = NewReply();
  pb::Welcome& welcome = *envelope.mutable_welcome();
  welcome.set_cluster(options_.cluster);
  welcome.set_number(number);
  welcome.set_signal(options_.signal);
  welcome.set_heartbeat_us(static_cast<uint64_t>(options_.heartbeat_every.count()));
  *welcome.mutable_state() = State(now);
  Reply(to, std::move(envelope), outbox);
}

void Controller::Refuse(PeerId to, std::string reason, Outbox& outbox) {
  pb::Envelope envelope = NewReply();
  envelope.mutable_refused()->set_reason(std::move(reason));
  envelope.mutable_refused()->set_protocol(envelope.protocol());
  Reply(to, std::move(envelope), outbox);
}

void Controller::OnHeartbeat(Instant now, PeerId from, const Wire& wire, Outbox& outbox) {
  const pb::Envelope& envelope = *wire.envelope;
  const pb::Heartbeat& heartbeat = envelope.heartbeat();
  if (envelope.role() == pb::GUARDIAN) return OnDeath(now, envelope, outbox);
  Member* member = members_.Find(envelope.role(), envelope.epoch());
  // One that is back from silence says Hello, so that no number has two owners.
  if (member == nullptr || (member->gone && !member->left)) {
    Count("R11");  // R11
    pb::Envelope reply = NewReply();
    reply.mutable_heartbeat_reply()->set_unknown(true);
    return Reply(from, std::move(reply), outbox);
  }
  member->heard = now;
  if (heartbeat.unheard()) {  // before the reply: who has that should have heard this
    Count("R18");
    Send({Signal::Topic::kWorker, member->hello.number(), Signal::Verb::kAsk, 0}, outbox);
  }
  if (member->role == pb::WORKER) {
    OnReceipts(now, *member, heartbeat, outbox);
  } else if (member->role == pb::VENTILATOR && member->live()) {
    OnReady(heartbeat);
    OnProgress(now, heartbeat, outbox);
  }
  if (heartbeat.leaving() && !member->left) {
    if (member->role != pb::WORKER) member->confirmed = true;
    Notice(absl::StrCat(MemberName(*member), " leaves"));
    OnLeaving(now, *member, outbox);
  }
  // Who leaves exits once it is answered, and cannot say it again.
  if (book_.durable() < member->left_row) return WaitForBook(from, wire);
  AnswerHeartbeat(now, from, heartbeat, outbox);
}

// R104: in the name of the worker, which cannot come back. Nobody waits for an answer.
void Controller::OnDeath(Instant now, const pb::Envelope& envelope, Outbox& outbox) {
  Member* worker = members_.Find(pb::WORKER, envelope.epoch());
  if (worker == nullptr || worker->left) return Count("stray_death");
  Count("R104");
  for (const pb::Receipt& receipt : envelope.heartbeat().receipts()) {
    OnReceipt(now, *worker, receipt, true, outbox);
  }
  Notice(absl::StrCat(
      MemberName(*worker), " died",
      worker->confirmed ? ": nothing of it runs any more" : ", and what it ran may still run"));
  OnLeaving(now, *worker, outbox);
}

void Controller::OnLeaving(Instant now, Member& member, Outbox& outbox) {
  members_.Leave(now, member);
  ReviewOwed(member);
  WriteMember(member, outbox);
  member.left_row = book_.last();
  OnAway(now, outbox);
}

void Controller::AnswerHeartbeat(Instant now, PeerId to, const pb::Heartbeat& heartbeat,
                                 Outbox& outbox) {
  pb::Envelope envelope = NewReply();
  pb::HeartbeatReply& reply = *envelope.mutable_heartbeat_reply();
  reply.set_state_version(view_.version());
  reply.set_sequence(heartbeat.sequence());
  if (heartbeat.state_version() != view_.version()) *reply.mutable_state() = State(now);  // R12
  Reply(to, std::move(envelope), outbox);
}

void Controller::OnReceipts(Instant now, Member& worker, const pb::Heartbeat& heartbeat,
                            Outbox& outbox) {
  worker.running = worker.left ? 0 : heartbeat.running();
  worker.ran = worker.ran || worker.running > 0;
  for (const pb::SlotAccount& account : heartbeat.accounts()) {
    OnAccount(worker, account, heartbeat.leaving());
  }
  for (const pb::Receipt& receipt : heartbeat.receipts()) {
    OnReceipt(now, worker, receipt, heartbeat.leaving(), outbox);
  }
  if (heartbeat.accounts_size() == 0) return;
  for (const pb::SlotAccount& account : heartbeat.accounts()) {
    const auto batch = batches_.find(account.batch());
    if (batch != batches_.end()) TryReport(now, batch->second, outbox);
  }
}

// R92, R101
void Controller::OnReceipt(Instant now, Member& worker, const pb::Receipt& receipt, bool leaving,
                           Outbox& outbox) {
  if (receipt.generation() > wishes_.last_generation()) return Count("stray_receipt");
  if (receipt.batch() != 0) {
    const auto found = batches_.find(receipt.batch());
    if (found == batches_.end()) return OnLateReceipt(worker, receipt, outbox);
    if (found->second.generation == 0 || found->second.generation != receipt.generation()) {
      return Count("stray_receipt");
    }
    if (!found->second.receipts.insert(worker.incarnation).second) return;
    Count("receipt");
    return TryEnd(now, found->second, outbox);
  }
  // Of its own accord (generation 0) it counts with its leaving only.
  const bool names_a_wish = receipt.generation() != 0 && wishes_.wish() != pb::RUN;
  if ((!names_a_wish && !leaving) || worker.confirmed) return;
  Count("receipt");
  Confirm(worker);
  pb::BookRecord record;
  record.mutable_receipt()->set_incarnation(worker.incarnation);
  record.mutable_receipt()->set_generation(receipt.generation());
  book_.Write(std::move(record), 0, outbox);
}

// R92: the batch ended without it, and named it.
void Controller::OnLateReceipt(const Member& worker, const pb::Receipt& receipt, Outbox& outbox) {
  if (!reports_.Confirm(worker.incarnation, receipt.batch(), receipt.generation())) {
    return Count("stray_receipt");
  }
  Count("late_receipt");
  Notice(absl::StrCat(MemberName(worker), " is back: nothing of batch ", receipt.batch(),
                      " runs there any more"));
  view_.Changed();
  pb::BookRecord record;
  record.mutable_receipt()->set_incarnation(worker.incarnation);
  record.mutable_receipt()->set_batch(receipt.batch());
  record.mutable_receipt()->set_generation(receipt.generation());
  book_.Write(std::move(record), receipt.batch(), outbox);
}

// The state lists an ended batch as long as one is there that owes its receipt for it. R92
void Controller::ReviewOwed(const Member& member) {
  if (reports_.Owes(member.incarnation)) view_.Changed();
}

// It is also remembered where the worker may be forgotten before the batch ends.
void Controller::Confirm(Member& worker) {
  worker.confirmed = true;
  for (auto& [id, batch] : batches_) batch.receipts.insert(worker.incarnation);
}

// R95: an account counts when it is given after the end, or by one who leaves before it.
void Controller::OnAccount(Member& worker, const pb::SlotAccount& account, bool leaving) {
  const auto found = batches_.find(account.batch());
  if (found == batches_.end()) return Count("stray_account");
  const auto served = found->second.served.find(worker.incarnation);
  if (served == found->second.served.end()) return Count("stray_account");
  served->second.account = account;
  served->second.final = served->second.final || found->second.closed || leaving;
}

// R23: the ventilator owns readiness and repeats it whole.
void Controller::OnReady(const pb::Heartbeat& heartbeat) {
  offering_.clear();
  for (auto& [incarnation, worker] : members_.workers()) worker.ready = false;
  for (const pb::ReadyWorker& ready : heartbeat.ready()) {
    for (const std::string& handler : ready.handlers()) ++offering_[handler];
    Member* worker = members_.Find(pb::WORKER, ready.incarnation());
    if (worker != nullptr && worker->live()) worker->ready = true;
  }
}

// Somebody left or is gone: nobody waits for its words any more.
void Controller::OnAway(Instant now, Outbox& outbox) {
  if (members_.ventilator() == nullptr || !members_.ventilator()->live()) offering_.clear();
  CheckBatches(now, outbox);
  AdvanceShutdown(now, outbox);
}

void Controller::ConnectFacts(Instant now, Outbox& outbox) {
  if (members_.sink() == nullptr) return;
  facts_ = members_.sink()->hello.endpoints().facts();
  facts_asked_ = kNever;
  outbox.Send(PeerId{Channel::kNet}, Connect{Channel::kFacts, facts_});
  for (auto& [id, batch] : batches_) {
    if (batch.ask_due != kNever) AskSummary(now, batch, outbox);
    batch.ledger_due = After(now, options_.lease);  // R96
  }
}

}  // namespace fanmill
