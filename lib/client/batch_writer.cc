#include "lib/client/batch_writer.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "lib/client/append_queue.h"
#include "lib/client/connection.h"
#include "lib/core/duration_text.h"
#include "lib/core/limits.h"
#include "lib/core/retry_on.h"
#include "lib/io/clock.h"
#include "lib/io/process.h"

namespace fanmill::client {
namespace {

constexpr Duration kFlushAfter = Millis(20);  // a slow producer's tasks do not wait for company
constexpr Duration kResendAfter = Millis(500);
constexpr Duration kPumpEvery = Millis(100);

absl::Status AddRetries(const BatchSpec& from, v1::Spec& spec) {
  std::string why;
  const std::optional<RetryOn> on = RetryOn::Parse(from.retry_on, &why);
  if (!on) return absl::InvalidArgumentError(absl::StrCat("retry_on: ", why));
  on->PackInto(spec);
  spec.set_retries(from.retries);
  spec.set_retry_delay_us(static_cast<uint64_t>(from.retry_delay.count()));
  spec.set_retry_delay_max_us(static_cast<uint64_t>(from.retry_delay_max.count()));
  return absl::OkStatus();
}

v1::Spec ToSpec(const BatchSpec& from) {
  v1::Spec spec;
  spec.set_handler(from.handler);
  for (const std::string& word : from.argv) spec.add_argv(word);
  spec.set_shell(from.shell);
  spec.set_cwd(from.cwd);
  for (const std::string& pair : from.env) spec.add_env(pair);
  if (from.timeout) spec.set_timeout_us(static_cast<uint64_t>(from.timeout->count()));
  spec.set_grace_us(static_cast<uint64_t>(from.grace.count()));
  if (from.expected) spec.set_expected_us(static_cast<uint64_t>(from.expected->count()));
  spec.set_min_workers(from.min_workers);
  if (from.start_timeout) {
    spec.set_start_timeout_us(static_cast<uint64_t>(from.start_timeout->count()));
  }
  spec.set_hold(from.hold);
  spec.set_name(from.name);
  spec.set_packed(from.packed);
  for (const std::string& name : from.names) spec.add_names(name);
  spec.set_replace(from.replace);
  spec.set_timeout_percent(from.timeout_percent);
  return spec;
}

}  // namespace

struct BatchWriter::State {
  State(Connection& connection, uint32_t batch, uint64_t room_bytes)
      : connection(connection), batch(batch), queue(batch, room_bytes) {}

  Connection& connection;
  uint32_t batch;
  AppendQueue queue;
  Instant filling_since{};
  Instant said = Now();  // when something was last answered, or said again
  int unheard = 0;       // how often it was said again without any answer

  absl::Status SendWhatMay() {
    while (v1::Envelope* next = queue.TakeNext()) {
      if (absl::Status sent = connection.Send(Channel::kIntake, *next); !sent.ok()) return sent;
    }
    return absl::OkStatus();
  }

  // Nothing was heard for a while: says it again, and at last gives up.
  absl::Status OnSilence() {
    if (Now() - said < kResendAfter) return absl::OkStatus();
    said = Now();
    ++unheard;
    const Duration patience = connection.options().patience;
    if (unheard * kResendAfter > patience) {
      return absl::UnavailableError(absl::StrCat(
          "the ventilator did not acknowledge task ", queue.durable() + 1, " of batch ", batch,
          " within ", FormatDuration(patience), ", though it was sent ", unheard, " times; the ",
          queue.durable(), " tasks before it are safe there. Does it still run?"));
    }
    queue.Rewind();
    return absl::OkStatus();
  }

  void OnHeard() {
    said = Now();
    unheard = 0;
  }

  // Takes the answers that are there, waiting up to `timeout` for the first; sends what may be
  // sent.
  absl::Status Pump(Duration timeout) {
    while (true) {
      auto answer = connection.Receive(Channel::kIntake, timeout);
      if (!answer.ok()) return answer.status();
      if (!answer->has_value()) break;
      timeout = Duration{0};
      if (!(*answer)->has_appended() || (*answer)->appended().batch() != batch) continue;
      const v1::Appended& appended = (*answer)->appended();
      if (!appended.error().empty()) return absl::FailedPreconditionError(appended.error());
      OnHeard();
      queue.Apply(appended);
    }
    if (!queue.all_durable()) {
      if (absl::Status silence = OnSilence(); !silence.ok()) return silence;
    }
    return SendWhatMay();
  }

  absl::Status SendAll() {
    if (absl::Status pumped = Pump(Duration{0}); !pumped.ok()) return pumped;
    while (queue.unsent() > 0) {
      if (absl::Status pumped = Pump(kPumpEvery); !pumped.ok()) return pumped;
    }
    return absl::OkStatus();
  }
};

BatchWriter::BatchWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}
BatchWriter::~BatchWriter() = default;
uint32_t BatchWriter::batch() const { return state_->batch; }
uint64_t BatchWriter::added() const { return state_->queue.added(); }

absl::StatusOr<std::unique_ptr<BatchWriter>> BatchWriter::Open(Cluster& cluster,
                                                               const BatchSpec& spec) {
  Connection& connection = cluster.connection();
  v1::Envelope envelope;
  v1::OpenBatch& open = *envelope.mutable_open_batch();
  open.set_token_high(RandomId());
  open.set_token_low(RandomId());
  *open.mutable_spec() = ToSpec(spec);
  if (absl::Status added = AddRetries(spec, *open.mutable_spec()); !added.ok()) return added;
  if (const size_t bytes = open.spec().ByteSizeLong(); bytes > kSpecBytesMax) {
    return absl::InvalidArgumentError(absl::StrCat("the command and its options have ", bytes,
                                                   " bytes; the most is ", kSpecBytesMax,
                                                   ": put what is large into a file"));
  }
  absl::StatusOr<v1::Envelope> answer =
      connection.Ask(Channel::kIntake, envelope, [&open](const v1::Envelope& answer) {
        const v1::BatchOpened& opened = answer.batch_opened();
        return answer.has_batch_opened() && opened.token_high() == open.token_high() &&
               opened.token_low() == open.token_low();
      });
  if (!answer.ok()) return answer.status();
  const v1::BatchOpened& opened = answer->batch_opened();
  if (opened.batch() == 0) return absl::FailedPreconditionError(opened.error());
  return std::unique_ptr<BatchWriter>(
      new BatchWriter(std::make_unique<State>(connection, opened.batch(), opened.room_bytes())));
}

absl::Status BatchWriter::Add(std::string_view payload, std::optional<Duration> cost) {
  AppendQueue& queue = state_->queue;
  if (payload.size() > kTaskPayloadBytesMax) {
    return absl::InvalidArgumentError(absl::StrCat(
        "task ", queue.added() + 1, " has a value of ", payload.size(), " bytes; the most is ",
        kTaskPayloadBytesMax, ": put it into a file and pass the file's name"));
  }
  if (queue.all_durable()) state_->OnHeard();  // there was nothing to hear
  if (!queue.filling()) state_->filling_since = Now();
  queue.Add(payload, cost);
  if (queue.unsent() > 0) return state_->SendAll();
  return Now() - state_->filling_since < kFlushAfter ? absl::OkStatus() : Flush();
}

absl::Status BatchWriter::AddRange(int64_t start, int64_t step, uint64_t count) {
  if (state_->queue.all_durable()) state_->OnHeard();
  state_->queue.AddRange(start, step, count);
  return state_->SendAll();
}

absl::Status BatchWriter::Flush() {
  state_->queue.Close();
  return state_->SendAll();
}

absl::Status BatchWriter::Seal() {
  if (absl::Status flushed = Flush(); !flushed.ok()) return flushed;
  while (!state_->queue.all_durable()) {
    if (absl::Status pumped = state_->Pump(kPumpEvery); !pumped.ok()) return pumped;
  }
  v1::Envelope envelope;
  envelope.mutable_seal()->set_batch(state_->batch);
  envelope.mutable_seal()->set_tasks(added());
  absl::StatusOr<v1::Envelope> answer = state_->connection.Ask(
      Channel::kIntake, envelope, [batch = state_->batch](const v1::Envelope& answer) {
        const v1::Appended& appended = answer.appended();
        return answer.has_appended() && appended.batch() == batch &&
               (appended.sealed() || !appended.error().empty());
      });
  if (!answer.ok()) return answer.status();
  if (answer->appended().sealed()) return absl::OkStatus();
  return absl::FailedPreconditionError(answer->appended().error());
}

}  // namespace fanmill::client
