#include "controller/cli/follow.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "controller/cli/command.h"
#include "controller/cli/result_printer.h"
#include "lib/core/printable.h"
#include "lib/io/clock.h"
#include "lib/io/process.h"

namespace fanmill::cli {
namespace {

constexpr Duration kWaitSlice = Millis(200);
constexpr Duration kStillAfter = Seconds(1);  // doubled each time, up to:
constexpr Duration kStillAfterMax = Seconds(30);
constexpr size_t kReasonBytesMax = 300;
constexpr Duration kAccountsWait = Seconds(3);
constexpr Duration kAskEvery = Millis(10);
constexpr Duration kLookEvery = Millis(50);

// Says why nothing of the batch moves, or ever will, each reason once.
class Reasons {
 public:
  void Say(const client::BatchStatus& batch) {
    if (batch.waiting.empty() || batch.waiting == said_) return;
    said_ = batch.waiting;
    cli::Say(absl::StrCat("batch ", batch.batch, ": ", Printable(said_, kReasonBytesMax)));
  }

 private:
  std::string said_;
};

// What the controller says of a batch that has ended.
client::BatchEnd EndOf(const client::BatchStatus& batch) {
  return {batch.phase == "cancelled", batch.ok, batch.failed, batch.cancelled};
}

// Asks the controller, ever more seldom, why no results come.
class Stillness {
 public:
  explicit Stillness(uint32_t batch) : batch_(batch) {}

  void OnMovement() {
    since_ = Now();
    after_ = kStillAfter;
    ended_.reset();
  }
  // The batch has ended, and since the controller said so nothing more has come.
  bool over() const { return ended_.has_value() && asked_again_; }
  const client::BatchStatus& ended() const { return *ended_; }

  void OnNothing(client::Cluster& cluster) {
    asked_again_ = ended_.has_value();
    if (asked_again_ || Now() - since_ < after_) return;
    after_ = std::min(after_ * 2, kStillAfterMax);
    absl::StatusOr<client::ClusterStatus> status = cluster.Status(batch_);
    if (!status.ok()) return;  // results come without the controller too
    for (const client::BatchStatus& batch : status->batches) {
      const bool submitter_pauses = batch.phase == "running" && !batch.sealed;
      if (!submitter_pauses) reasons_.Say(batch);
      if (batch.ended) ended_ = batch;
    }
  }

 private:
  uint32_t batch_;
  Instant since_ = Now();
  Duration after_ = kStillAfter;
  std::optional<client::BatchStatus> ended_;
  bool asked_again_ = false;  // the sink, after that
  Reasons reasons_;
};

class Follower {
 public:
  Follower(client::Cluster& cluster, uint32_t batch, Print print)
      : cluster_(cluster),
        batch_(batch),
        print_(print),
        reader_(cluster, batch),
        printer_(print == Print::kJson),
        stillness_(batch) {}

  // One result, or a short wait for one.
  absl::Status Step(Followed& followed) {
    if (!reader_.buffered()) {
      if (absl::Status flushed = printer_.Flush(); !flushed.ok()) return flushed;
    }
    absl::StatusOr<std::optional<client::Result>> next = reader_.Next(kWaitSlice);
    if (absl::IsNotFound(next.status())) return OnUnknown(next.status(), followed);
    if (!next.ok()) return next.status();
    if (next->has_value()) return OnResult(**next, followed);
    if (!reader_.end().has_value()) return OnNothing(followed);
    followed.ended = true;
    followed.end = *reader_.end();
    return printer_.Flush();
  }

 private:
  // A batch that has not begun may be unknown to the sink; whether there is one, the controller
  // knows. One that has ended was dropped there to make room, or the sink has started anew.
  absl::Status OnUnknown(const absl::Status& why, Followed& followed) {
    absl::StatusOr<client::ClusterStatus> status = cluster_.Status(batch_);
    const bool tried_in_vain = absl::IsUnavailable(status.status());  // the sink is asked again
    if (!status.ok() && !tried_in_vain) return status.status();
    if (status.ok() && !status->batches.empty() && status->batches.front().phase != "cancelled" &&
        status->batches.front().ended) {
      return absl::UnavailableError(
          absl::StrCat("batch ", batch_, " has ended (", status->batches.front().phase,
                       "), but the sink has lost its results, and says: ", why.message()));
    }
    return OnNothing(followed);
  }

  // A batch that its ventilator or its sink has lost is closed by the controller alone.
  absl::Status OnNothing(Followed& followed) {
    stillness_.OnNothing(cluster_);
    if (!stillness_.over()) return absl::OkStatus();
    followed.ended = true;
    followed.end = EndOf(stillness_.ended());
    return printer_.Flush();
  }

  absl::Status OnResult(client::Result& result, Followed& followed) {
    stillness_.OnMovement();
    if (!result.part && !result.ok()) followed.failures.Add(result);
    return print_ == Print::kNothing ? absl::OkStatus() : printer_.Print(result);
  }

  client::Cluster& cluster_;
  uint32_t batch_;
  Print print_;
  client::ResultReader reader_;
  ResultPrinter printer_;
  Stillness stillness_;
};

}  // namespace

absl::StatusOr<Followed> Follow(client::Cluster& cluster, uint32_t batch, Print print,
                                const std::function<bool()>& stop) {
  Followed followed;
  Follower follower(cluster, batch, print);
  while (!followed.ended && !stop()) {
    absl::Status step = follower.Step(followed);
    if (absl::IsAborted(step)) {
      followed.reader_gone = true;
      return followed;
    }
    if (absl::IsCancelled(step)) return followed;
    if (!step.ok()) return step;
  }
  return followed;
}

absl::StatusOr<client::BatchStatus> AwaitEnd(client::Cluster& cluster, uint32_t batch,
                                             const std::function<bool()>& stop) {
  const Instant begun = Now();
  Reasons reasons;
  client::BatchStatus shown;
  while (!shown.ended && !stop()) {
    absl::StatusOr<client::ClusterStatus> status = cluster.Status(batch);
    if (absl::IsCancelled(status.status())) break;
    if (!status.ok()) return status.status();
    if (!status->batches.empty()) shown = status->batches.front();
    if (shown.ended || Now() - begun > kStillAfter) reasons.Say(shown);
    if (!shown.ended) WaitFor(kLookEvery);
  }
  return shown;
}

absl::StatusOr<client::Report> AwaitReport(client::Cluster& cluster, uint32_t batch) {
  const Instant deadline = Now() + kAccountsWait;
  while (true) {
    absl::StatusOr<client::Report> report = cluster.ReportOf(batch);
    if (!report.ok() || report->final || !report->ended || Now() >= deadline) return report;
    WaitFor(kAskEvery);
  }
}

int Conclude(uint32_t batch, const Followed& followed) {
  const client::BatchEnd& end = followed.end;
  if (end.failed > 0) {
    Say(absl::StrCat("batch ", batch, ": ", end.failed, " of ",
                     end.ok + end.failed + end.cancelled_tasks, " tasks failed"));
    for (const std::string& line : followed.failures.Lines()) Say("  " + line);
    if (end.failed > followed.failures.shown()) {
      Say(absl::StrCat("  and ", end.failed - followed.failures.shown(),
                       " more; all of them: fanmill results ", batch, " --json"));
    }
  }
  if (end.cancelled) {
    Say(absl::StrCat("batch ", batch, " was cancelled: ", end.ok, " tasks were done, ",
                     end.cancelled_tasks, " were not"));
    return kExitCancelled;
  }
  return end.failed > 0 ? kExitTaskFailed : kExitOk;
}

}  // namespace fanmill::cli
