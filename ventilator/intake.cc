#include "ventilator/intake.h"

#include <algorithm>

#include "lib/core/check.h"
#include "lib/core/limits.h"
#include "ventilator/room.h"

namespace fanmill::ventilator {
namespace {

using Record = pb::ManifestRecord;

constexpr uint64_t kFrontierStepMin = 1024;
constexpr uint64_t kFrontierStepMax = 262144;

// The part of the append that is not known yet. REQUIRES: known < first + count.
pb::AppendTasks CutOverlap(const pb::AppendTasks& append, uint64_t known) {
  pb::AppendTasks rest = append;
  const auto cut = static_cast<int>(known - append.first());
  rest.set_first(known);
  rest.set_count(append.count() - static_cast<uint64_t>(cut));
  if (cut == 0) return rest;
  if (append.payload_size_size() > 0) {
    size_t bytes = 0;
    for (int i = 0; i < cut; ++i) bytes += append.payload_size(i);
    rest.mutable_payload_size()->ExtractSubrange(0, cut, nullptr);
    rest.mutable_payloads()->erase(0, bytes);
  }
  if (append.cost_us_size() > 0) rest.mutable_cost_us()->ExtractSubrange(0, cut, nullptr);
  return rest;
}

std::string TooLong(const std::string& what, uint64_t bytes, uint64_t most) {
  return what + std::to_string(bytes) + " bytes long, and " + std::to_string(most) +
         " is the most; ";
}

std::string RefusalOf(const pb::Spec& spec) {
  if (spec.handler().empty()) return "the batch names no handler, such as exec or sleep";
  if (spec.handler().size() > kNameBytesMax) {
    return TooLong("its handler's name is ", spec.handler().size(), kNameBytesMax) +
           "name one that a worker offers, such as exec or sleep";
  }
  if (spec.name().size() > kNameBytesMax) {
    return TooLong("its name is ", spec.name().size(), kNameBytesMax) + "give it a shorter one";
  }
  if (spec.ByteSizeLong() > kSpecBytesMax) {
    return TooLong("its command and environment are ", spec.ByteSizeLong(), kSpecBytesMax) +
           "put what is so long into a file that every worker can read";
  }
  if (spec.retries() > kRetriesMax) {
    return "a task may be retried at most " + std::to_string(kRetriesMax) + " times, not " +
           std::to_string(spec.retries());
  }
  return {};
}

}  // namespace

// ---- clients ------------------------------------------------------------------------------------

std::string Intake::Refusal(const pb::OpenBatch& open) const {
  if (open.token_high() == 0 && open.token_low() == 0) return "the batch has no token";
  if (mill_.IsShuttingDown()) return kShuttingDown;
  const std::string spec = RefusalOf(open.spec());
  if (!spec.empty()) return spec;
  const auto live = std::ranges::count_if(
      mill_.batches, [](const auto& entry) { return !entry.second->closed(); });
  if (live >= static_cast<int64_t>(mill_.options.batches_live_max)) {
    return "there are " + std::to_string(live) +
           " batches already, which is the most; wait for one to end, or cancel one";
  }
  return {};
}

void Intake::OnOpen(Instant now, PeerId from, const pb::OpenBatch& open, Outbox& outbox) {
  const Token token{open.token_high(), open.token_low()};
  if (const auto seen = tokens_.find(token); seen != tokens_.end()) {  // R80
    mill_.Count("R80");
    if (IsPending(seen->second, Record::kOpened)) return;  // is answered once it is durable
    return AnswerOpen(from, open, seen->second, {}, outbox);
  }
  const std::string refusal = Refusal(open);
  if (!refusal.empty()) {
    mill_.Count("open_refused");
    return AnswerOpen(from, open, 0, "this batch is not accepted: " + refusal, outbox);
  }
  if (!mill_.member.joined()) return mill_.Count("open_too_early");  // R17: is asked again
  if (mill_.member.state().batches_through() > last_batch_) {        // R17
    mill_.Count("R17");
    last_batch_ = mill_.member.state().batches_through();
  }
  ++last_batch_;
  const uint32_t batch = last_batch_;
  tokens_[token] = batch;
  token_of_[batch] = token;
  mill_.batches[batch] = std::make_unique<BatchTasks>(batch, open, mill_.options, now);
  Record record;
  record.set_batch(batch);
  *record.mutable_opened() = open;
  Write(std::move(record), 0, from, outbox);
}

void Intake::AnswerOpen(PeerId to, const pb::OpenBatch& open, uint32_t batch,
                        const std::string& error, Outbox& outbox) const {
  pb::Envelope envelope = mill_.NewEnvelope();
  pb::BatchOpened& opened = *envelope.mutable_batch_opened();
  opened.set_batch(batch);
  opened.set_error(error);
  opened.set_room_bytes(batch == 0 ? 0 : std::max(Room(mill_).For(mill_.Find(batch)), kRoomMin));
  opened.set_token_high(open.token_high());
  opened.set_token_low(open.token_low());
  outbox.Send(to, std::move(envelope));
}

void Intake::OnAppend(PeerId from, const pb::AppendTasks& append, Outbox& outbox) {
  BatchTasks* batch = mill_.Find(append.batch());
  if (batch == nullptr || !batch->live()) {
    return Answer(from, append.batch(),
                  "batch " + std::to_string(append.batch()) +
                      (batch == nullptr ? " is not known here" : " has ended or was cancelled") +
                      "; nothing can be added to it",
                  outbox);
  }
  const uint64_t known = batch->accepted();
  const bool news = append.first() <= known && append.count() <= kTasksPerBatchMax &&
                    append.first() + append.count() > known;
  if (!news || batch->sealed() || IsPending(append.batch(), Record::kSealed)) {  // R81, R83
    mill_.Count("R81");
    const bool underway = append.first() <= known && known > batch->durable();
    if (underway) return;  // is answered once it is durable: no client asks in a circle
    return Answer(from, append.batch(), {}, outbox);
  }
  if (append.first() + append.count() > kTasksPerBatchMax) {
    return Answer(
        from, append.batch(),
        "a batch has at most " + std::to_string(kTasksPerBatchMax) + " tasks; open another one",
        outbox);
  }
  const bool weighs = !append.payloads().empty() || append.cost_us_size() > 0;
  if (weighs && Room(mill_).For(batch) == 0) {  // R82
    mill_.Count("R82");
    return Answer(from, append.batch(), {}, outbox);
  }
  Record record;
  record.set_batch(append.batch());
  *record.mutable_appended() = CutOverlap(append, known);
  batch->Accept(record.appended());
  Write(std::move(record), batch->accepted(), from, outbox);
}

void Intake::OnSeal(PeerId from, const pb::Seal& seal, Outbox& outbox) {
  BatchTasks* batch = mill_.Find(seal.batch());
  if (batch == nullptr || (!batch->live() && !batch->sealed())) {
    return Answer(from, seal.batch(),
                  "batch " + std::to_string(seal.batch()) +
                      (batch == nullptr ? " is not known here" : " has ended or was cancelled") +
                      "; it cannot be sealed",
                  outbox);
  }
  const bool counts = !batch->sealed() && seal.tasks() == batch->accepted() &&
                      seal.tasks() == batch->durable() && !IsPending(seal.batch(), Record::kSealed);
  if (!counts) {  // R83: said again, or of another count
    mill_.Count("R83");
    const bool underway = batch->accepted() > batch->durable();
    if (underway || IsPending(seal.batch(), Record::kSealed)) return;  // the answer will come
    return Answer(from, seal.batch(), {}, outbox);
  }
  Record record;
  record.set_batch(seal.batch());
  *record.mutable_sealed() = seal;
  Write(std::move(record), seal.tasks(), from, outbox);
}

void Intake::Answer(PeerId to, uint32_t batch, const std::string& error, Outbox& outbox) {
  pb::Envelope envelope = mill_.NewEnvelope();
  pb::Appended& appended = *envelope.mutable_appended();
  appended.set_batch(batch);
  appended.set_error(error);
  const BatchTasks* known = mill_.Find(batch);
  appended.set_room_bytes(Room(mill_).For(known));
  if (known != nullptr) {
    appended.set_tasks(known->durable());
    appended.set_sealed(known->sealed());
  }
  if (appended.room_bytes() == 0 && error.empty()) {
    const std::pair waiter(to, batch);
    if (std::ranges::find(waiting_, waiter) == waiting_.end()) waiting_.push_back(waiter);
    if (waiting_.size() > mill_.options.intake_waiters_max) waiting_.pop_front();
  }
  outbox.Send(to, std::move(envelope));
}

void Intake::TellRoom(Outbox& outbox) {
  if (waiting_.empty()) return;
  const Room room(mill_);
  for (const auto& waiter : std::exchange(waiting_, {})) {
    if (room.For(mill_.Find(waiter.second)) > 0) {
      Answer(waiter.first, waiter.second, {}, outbox);
    } else {
      waiting_.push_back(waiter);
    }
  }
}

// ---- the journal --------------------------------------------------------------------------------

void Intake::Write(Record record, uint64_t value, PeerId reply_to, Outbox& outbox) {
  pending_.push_back({++sequence_, record.fact_case(), record.batch(), value, reply_to});
  outbox.Send(PeerId{Channel::kJournal},
              JournalWrite{sequence_, record.batch(), record.SerializeAsString(), {}});
}

bool Intake::IsPending(uint32_t batch, Record::FactCase fact) const {
  return std::ranges::any_of(pending_, [&](const Pending& pending) {
    return pending.batch == batch && pending.fact == fact;
  });
}

void Intake::OnDurable(Instant now, const JournalDurable& durable, Outbox& outbox) {
  durable_ = std::max(durable_, std::min(durable.through, sequence_));
  while (!pending_.empty() && pending_.front().sequence <= durable_) {
    const Pending pending = pending_.front();
    pending_.pop_front();
    Apply(now, pending, outbox);
  }
}

void Intake::Apply(Instant now, const Pending& pending, Outbox& outbox) {
  BatchTasks* batch = mill_.Find(pending.batch);
  if (batch == nullptr) return;
  switch (pending.fact) {
    case Record::kOpened: {
      pb::OpenBatch token;
      token.set_token_high(token_of_.at(pending.batch).first);
      token.set_token_low(token_of_.at(pending.batch).second);
      AnswerOpen(pending.reply_to, token, pending.batch, {}, outbox);
      mill_.member.News(now);
      break;
    }
    case Record::kAppended:  // R81
      if (batch->live()) batch->MakeDurable(pending.value);
      mill_.feed_all = true;
      Answer(pending.reply_to, pending.batch, {}, outbox);
      break;
    case Record::kSealed:  // R83
      batch->Seal();
      mill_.feed_all = mill_.facts_news = true;
      mill_.member.News(now);
      Answer(pending.reply_to, pending.batch, {}, outbox);
      break;
    case Record::kFrontier:
      batch->SetFrontier(pending.value);
      mill_.feed_all = true;
      break;
    default:
      break;
  }
}

void Intake::WriteStarted(uint32_t batch, Outbox& outbox) {
  Record record;
  record.set_batch(batch);
  record.set_started(batch);
  Write(std::move(record), 0, {}, outbox);
}

void Intake::WriteClosed(const pb::BatchClosed& closed, Outbox& outbox) {
  Record record;
  record.set_batch(closed.batch());
  *record.mutable_closed() = closed;
  Write(std::move(record), 0, {}, outbox);
  frontiers_.erase(closed.batch());
}

void Intake::ForgetRows(BatchTasks& batch, Outbox& outbox) {
  if (batch.settled()) return;
  mill_.Count("settled");
  batch.Settle();
  outbox.Send(PeerId{Channel::kJournal}, JournalForget{batch.id()});
}

void Intake::ForgetToken(uint32_t batch) {
  const auto token = token_of_.find(batch);
  if (token == token_of_.end()) return;
  tokens_.erase(token->second);
  token_of_.erase(token);
}

void Intake::MoveFrontiers(Outbox& outbox) {
  for (const auto& [id, batch] : mill_.batches) {
    if (!batch->live() || !batch->started()) continue;
    uint64_t& asked = frontiers_[id];
    asked = std::max(asked, batch->allowed());
    // The order inside the look-ahead is free, so the frontier has to lie beyond all of it.
    const uint64_t least =
        batch->blocks().costs_vary() ? 2 * LookAhead::kTasksMax : kFrontierStepMin;
    const uint64_t step = std::clamp(batch->next(), least, kFrontierStepMax);
    const bool far = batch->next() + step / 2 <= asked;
    if (far || asked >= batch->accepted()) continue;
    asked = batch->next() + step;
    Record record;
    record.set_batch(id);
    record.mutable_frontier()->set_below(asked);
    Write(std::move(record), asked, {}, outbox);
  }
}

// ---- recovery -----------------------------------------------------------------------------------

void Intake::OnRecovered(Instant now, const JournalRecovered& page) {
  if (recovered_) return mill_.Count("stray_recovery");
  for (const JournalRow& row : page.rows) {
    sequence_ = durable_ = std::max(sequence_, row.sequence);
    Record record;
    if (row.is_frame ||
        !record.ParseFromArray(row.bytes.bytes.data(), static_cast<int>(row.bytes.bytes.size()))) {
      mill_.Count("bad_row");
      continue;
    }
    Recover(now, record);
  }
  if (!page.last) return;
  recovered_ = true;
  DropBroken();
  for (const auto& [id, batch] : mill_.batches) {
    batch->RestBelowFrontier();
    frontiers_[id] = batch->allowed();
  }
}

void Intake::Recover(Instant now, const Record& record) {
  const uint32_t id = record.batch();
  if (record.has_opened()) {
    const Token token{record.opened().token_high(), record.opened().token_low()};
    tokens_[token] = id;
    token_of_[id] = token;
    last_batch_ = std::max(last_batch_, id);
    mill_.batches[id] = std::make_unique<BatchTasks>(id, record.opened(), mill_.options, now);
    return;
  }
  BatchTasks* batch = mill_.Find(id);
  if (batch == nullptr) return mill_.Count("bad_row");
  switch (record.fact_case()) {
    case Record::kAppended:
      if (record.appended().first() != batch->accepted()) break;
      batch->Accept(record.appended());
      return batch->MakeDurable(batch->accepted());
    case Record::kSealed:
      if (record.sealed().tasks() != batch->accepted()) break;
      return batch->Seal();
    case Record::kFrontier:
      return batch->SetFrontier(record.frontier().below());
    case Record::kStarted:
      return batch->Start();
    case Record::kClosed:
      return batch->Close(record.closed());
    default:
      return mill_.Count("bad_row");
  }
  broken_.insert(id);  // tasks between its rows are missing
}

// A batch that lacks tasks would end without them, or never: it is as one that was lost whole. R96
void Intake::DropBroken() {
  for (const uint32_t id : broken_) {
    const auto found = mill_.batches.find(id);
    if (found == mill_.batches.end() || !found->second->live()) continue;
    mill_.Count("R96");
    mill_.notices.push_back("batch " + std::to_string(id) +
                            " is given up: its tasks in the manifest are damaged");
    mill_.batches.erase(found);
    ForgetToken(id);
  }
  broken_.clear();
}

void Intake::CheckInvariants() const {
  FANMILL_CHECK(durable_ + pending_.size() == sequence_, "every row is durable or awaited");
  FANMILL_CHECK(waiting_.size() <= mill_.options.intake_waiters_max);
}

}  // namespace fanmill::ventilator
