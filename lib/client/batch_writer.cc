#include "lib/client/batch_writer.h"

#include <algorithm>
#include <deque>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "lib/client/connection.h"
#include "lib/core/limits.h"
#include "lib/io/clock.h"
#include "lib/io/process.h"

namespace fanmill::client {
namespace {

constexpr size_t kAppendBytesAim = 256 << 10;
constexpr int kAppendTasksAim = 4096;
constexpr Duration kFlushAfter = Millis(20);      // a slow producer's tasks go out one by one
constexpr Duration kResendAfter = Millis(500);

v1::Spec ToSpec(const BatchSpec& from) {
  v1::Spec spec;
  spec.set_handler(from.handler);
  for (const std::string& word : from.argv) spec.add_argv(word);
  spec.set_shell(from.shell);
  spec.set_cwd(from.cwd);
  for (const std::string& pair : from.env) spec.add_env(pair);
  spec.set_retries(from.retries);
  if (from.timeout) spec.set_timeout_us(static_cast<uint64_t>(from.timeout->count()));
  spec.set_grace_us(static_cast<uint64_t>(from.grace.count()));
  if (from.expected) spec.set_expected_us(static_cast<uint64_t>(from.expected->count()));
  spec.set_min_workers(from.min_workers);
  if (from.start_timeout) {
    spec.set_start_timeout_us(static_cast<uint64_t>(from.start_timeout->count()));
  }
  spec.set_hold(from.hold);
  spec.set_name(from.name);
  return spec;
}

}  // namespace

struct BatchWriter::State {
  explicit State(Connection& c) : connection(c) {}

  Connection& connection;
  uint32_t batch = 0;
  uint64_t added = 0;
  uint64_t durable = 0;
  uint64_t room = 0;
  bool sealed = false;
  v1::AppendTasks open;                    // being filled
  Instant open_since{};
  std::deque<v1::AppendTasks> unanswered;  // sent, or waiting for room
  size_t sent = 0;                         // how many of them were sent
  uint64_t sent_bytes = 0;                 // of those
  Instant progress{};                      // when something was last answered

  static uint64_t Bytes(const v1::AppendTasks& append) { return append.ByteSizeLong(); }

  void CloseOpen() {
    if (open.count() == 0) return;
    unanswered.push_back(std::exchange(open, {}));
  }

  absl::Status SendWhatFits() {
    while (sent < unanswered.size()) {
      const v1::AppendTasks& next = unanswered[sent];
      if (sent_bytes > 0 && sent_bytes + Bytes(next) > room) return absl::OkStatus();
      if (room == 0) return absl::OkStatus();
      v1::Envelope envelope = connection.NewRequest();
      *envelope.mutable_append() = next;
      if (absl::Status status = connection.Send(Channel::kIntake, envelope); !status.ok()) {
        return status;
      }
      sent_bytes += Bytes(next);
      ++sent;
    }
    return absl::OkStatus();
  }

  absl::Status OnAppended(const v1::Appended& appended) {
    if (appended.batch() != batch) return absl::OkStatus();
    if (!appended.error().empty()) return absl::FailedPreconditionError(appended.error());
    progress = Now();
    room = appended.room_bytes();
    durable = std::max(durable, appended.tasks());
    sealed = sealed || appended.sealed();
    while (!unanswered.empty() &&
           unanswered.front().first() + unanswered.front().count() <= durable) {
      if (sent > 0) {
        sent_bytes -= std::min(sent_bytes, Bytes(unanswered.front()));
        --sent;
      }
      unanswered.pop_front();
    }
    return absl::OkStatus();
  }

  // Takes one answer, waiting up to `timeout`; sends again what went unanswered for long.
  absl::Status Pump(Duration timeout) {
    absl::StatusOr<std::optional<v1::Envelope>> answer =
        connection.Receive(Channel::kIntake, timeout);
    if (!answer.ok()) return answer.status();
    if (answer->has_value() && (*answer)->has_appended()) {
      if (absl::Status taken = OnAppended((*answer)->appended()); !taken.ok()) return taken;
    } else if (sent > 0 && Now() - progress > kResendAfter) {
      if (Now() - progress > connection.options().patience) {
        return absl::UnavailableError(absl::StrCat(
            "the ventilator has not acknowledged task ", durable + 1, " of batch ", batch, " for ",
            connection.options().patience.count() / 1'000'000,
            " s; what it acknowledged is safe. Is it running?"));
      }
      sent = 0;
      sent_bytes = 0;
    }
    return SendWhatFits();
  }

  absl::Status MakeRoom() {
    while (unanswered.size() > sent) {
      if (absl::Status pumped = Pump(Millis(100)); !pumped.ok()) return pumped;
    }
    return absl::OkStatus();
  }
};

BatchWriter::BatchWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}
BatchWriter::~BatchWriter() = default;
uint32_t BatchWriter::batch() const { return state_->batch; }
uint64_t BatchWriter::added() const { return state_->added; }

absl::StatusOr<std::unique_ptr<BatchWriter>> BatchWriter::Open(Cluster& cluster,
                                                               const BatchSpec& spec) {
  Connection& connection = cluster.connection();
  v1::Envelope envelope = connection.NewRequest();
  v1::OpenBatch& open = *envelope.mutable_open_batch();
  open.set_token_high(RandomId());
  open.set_token_low(RandomId());
  *open.mutable_spec() = ToSpec(spec);
  absl::StatusOr<v1::Envelope> answer =
      connection.Ask(Channel::kIntake, envelope, [&](const v1::Envelope& answer) {
        return answer.has_batch_opened() &&
               answer.batch_opened().token_high() == open.token_high() &&
               answer.batch_opened().token_low() == open.token_low();
      });
  if (!answer.ok()) return answer.status();
  const v1::BatchOpened& opened = answer->batch_opened();
  if (opened.batch() == 0) return absl::FailedPreconditionError(opened.error());
  auto state = std::make_unique<State>(connection);
  state->batch = opened.batch();
  state->room = opened.room_bytes();
  state->progress = Now();
  return std::unique_ptr<BatchWriter>(new BatchWriter(std::move(state)));
}

absl::Status BatchWriter::Add(std::string_view payload, std::optional<Duration> cost) {
  if (payload.size() > kTaskPayloadBytesMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("task ", state_->added + 1, " has a value of ", payload.size(),
                     " bytes; the most is ", kTaskPayloadBytesMax,
                     ": put it into a file and pass the file's name"));
  }
  v1::AppendTasks& open = state_->open;
  if (open.count() > 0 && (open.cost_us_size() > 0) != cost.has_value()) state_->CloseOpen();
  if (open.count() == 0) {
    open.set_batch(state_->batch);
    open.set_first(state_->added);
    state_->open_since = Now();
    if (state_->unanswered.empty()) state_->progress = Now();
  }
  open.set_count(open.count() + 1);
  open.add_payload_size(static_cast<uint32_t>(payload.size()));
  open.mutable_payloads()->append(payload);
  if (cost.has_value()) {
    const int64_t most = std::numeric_limits<uint32_t>::max();
    open.add_cost_us(static_cast<uint32_t>(std::clamp<int64_t>(cost->count(), 0, most)));
  }
  ++state_->added;
  const bool full = open.payloads().size() >= kAppendBytesAim ||
                    open.payload_size_size() >= kAppendTasksAim;
  if (!full && Now() - state_->open_since < kFlushAfter) return absl::OkStatus();
  return Flush();
}

absl::Status BatchWriter::AddRange(int64_t start, int64_t step, uint64_t count) {
  if (count == 0) return absl::OkStatus();
  state_->CloseOpen();
  v1::AppendTasks range;
  range.set_batch(state_->batch);
  range.set_first(state_->added);
  range.set_count(count);
  // The value of task t is start + t * step, counted from the batch's first task.
  range.mutable_range()->set_start(start - static_cast<int64_t>(state_->added) * step);
  range.mutable_range()->set_step(step);
  if (state_->unanswered.empty()) state_->progress = Now();
  state_->unanswered.push_back(std::move(range));
  state_->added += count;
  return Flush();
}

absl::Status BatchWriter::Flush() {
  state_->CloseOpen();
  if (absl::Status pumped = state_->Pump(Duration{0}); !pumped.ok()) return pumped;
  return state_->MakeRoom();
}

absl::Status BatchWriter::Seal() {
  if (absl::Status flushed = Flush(); !flushed.ok()) return flushed;
  while (!state_->unanswered.empty()) {
    if (absl::Status pumped = state_->Pump(Millis(100)); !pumped.ok()) return pumped;
  }
  v1::Envelope envelope = state_->connection.NewRequest();
  envelope.mutable_seal()->set_batch(state_->batch);
  envelope.mutable_seal()->set_tasks(state_->added);
  return state_->connection
      .Ask(Channel::kIntake, envelope,
           [&](const v1::Envelope& answer) {
             return answer.has_appended() && answer.appended().batch() == state_->batch &&
                    (answer.appended().sealed() || !answer.appended().error().empty());
           })
      .status();
}

}  // namespace fanmill::client
