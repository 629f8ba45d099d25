#include "controller/cli/follow.h"

#include <algorithm>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "controller/cli/command.h"
#include "controller/cli/outage.h"
#include "controller/cli/output/reading_pause.h"
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
// For one that has answered before and is asked again, so that an end of the waiting is soon seen.
constexpr Duration kKnownPatience = Seconds(1);

// A reason may tell for how long it has been one: that makes it no other.
std::string WithoutNumbers(std::string text) {
  std::erase_if(text, [](char c) { return c >= '0' && c <= '9'; });
  return text;
}

// Says why nothing of the batch moves, or ever will, each reason once.
class Reasons {
 public:
  void Say(const client::BatchStatus& batch) {
    std::string reason = WithoutNumbers(batch.waiting);
    if (reason.empty() || reason == said_) return;
    said_ = std::move(reason);
    cli::Say(absl::StrCat("batch ", batch.batch, ": ", Printable(batch.waiting, kReasonBytesMax)));
  }

 private:
  std::string said_;
};

// What the controller says of a batch that has ended.
client::BatchEnd EndOf(const client::BatchStatus& batch) {
  return {batch.phase == "cancelled", batch.ok, batch.failed, batch.cancelled};
}

void SayIfAny(const std::string& line) {
  if (!line.empty()) Say(line);
}

// `last`: what was last heard of it; `again`: the command with which to go on.
absl::Status ShutDownMeanwhile(uint32_t batch, const std::optional<client::BatchStatus>& last,
                               const char* again) {
  const std::string go_on = absl::StrCat(
      "start the cluster again with the same --state, then: fanmill ", again, " ", batch);
  if (!last.has_value()) {
    return absl::FailedPreconditionError(absl::StrCat("the cluster was shut down before batch ",
                                                      batch, " was known to end; ", go_on));
  }
  const std::string tasks =
      absl::StrCat(last->ok, " of ", last->tasks, " tasks were ok, ", last->failed, " had failed");
  if (last->ended) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the cluster was shut down before all results of batch ", batch,
        " were read. It has ended (", last->phase, "): ", tasks, ". To see them, ", go_on));
  }
  return absl::FailedPreconditionError(absl::StrCat(
      "the cluster was shut down before batch ", batch, " ended. When last heard of, it was ",
      last->phase, ": ", tasks, ". To go on with it, ", go_on));
}

// Asks the controller, ever more seldom, why no results come; often while the cluster is being shut
// down, for soon it can be asked no more.
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
  // What the controller said last.
  const std::optional<client::BatchStatus>& last() const { return last_; }

  void OnNothing(client::Cluster& cluster) {
    asked_again_ = ended_.has_value();
    if (asked_again_ || (Now() - since_ < after_ && !cluster.ShutdownHeard())) return;
    after_ = std::min(after_ * 2, kStillAfterMax);
    Ask(cluster);
  }
  void Ask(client::Cluster& cluster) {
    absl::StatusOr<client::ClusterStatus> status = cluster.Status(batch_);
    if (!status.ok()) return;  // results come without the controller too
    for (const client::BatchStatus& batch : status->batches) {
      const bool submitter_pauses = batch.phase == "running" && !batch.sealed;
      if (!submitter_pauses) reasons_.Say(batch);
      last_ = batch;
      if (batch.ended) ended_ = batch;
    }
  }

 private:
  uint32_t batch_;
  Instant since_ = Now();
  Duration after_ = kStillAfter;
  std::optional<client::BatchStatus> last_;
  std::optional<client::BatchStatus> ended_;
  bool asked_again_ = false;  // the sink, after that
  Reasons reasons_;
};

// Waits while the output is full, and says so.
class Pause {
 public:
  Pause(client::Cluster& cluster, uint32_t batch, const Watch& watch)
      : cluster_(cluster), batch_(batch), watch_(watch) {}

  void OnTaken() { reading_.OnTaken(); }
  void OnRoom() {
    reading_.OnRoom();
    if (std::exchange(said_, false) && watch_.on_pause) watch_.on_pause("");
  }
  // After a moment, whether one more may be read.
  bool Wait(const std::string& why) {
    if (reading_.ReadsOn()) return true;
    if (!std::exchange(said_, true)) {
      watch_.on_pause ? watch_.on_pause(why) : Say(absl::StrCat("batch ", batch_, ": ", why));
    }
    WaitFor(kWaitSlice);
    reading_.OnFull(Now(), Look());
    return reading_.ReadsOn();
  }

 private:
  std::optional<ReadingPause::Seen> Look() {
    const absl::StatusOr<client::ClusterStatus> status = cluster_.Status(batch_);
    if (!status.ok() || status->batches.empty()) return std::nullopt;
    const client::BatchStatus& batch = status->batches.front();
    const bool slots_run =
        std::any_of(status->members.begin(), status->members.end(),
                    [](const client::MemberStatus& member) { return member.running > 0; });
    return ReadingPause::Seen{!batch.ended && batch.outstanding > 0 && slots_run,
                              batch.ok + batch.failed};
  }

  client::Cluster& cluster_;
  uint32_t batch_;
  const Watch& watch_;
  ReadingPause reading_;
  bool said_ = false;
};

class Follower {
 public:
  Follower(client::Cluster& cluster, uint32_t batch, Output& output, const Watch& watch)
      : cluster_(cluster),
        batch_(batch),
        output_(output),
        watch_(watch),
        reader_(cluster, batch),
        stillness_(batch),
        outage_("the sink", batch),
        pause_(cluster, batch, watch) {}

  // One piece of output, one result, or a short wait for one.
  absl::Status Step(Followed& followed) {
    if (output_.Due()) return output_.Advance();
    if (!reader_.buffered()) {
      if (absl::Status flushed = output_.Flush(); !flushed.ok()) return flushed;
    }
    if (!output_.Full()) {
      pause_.OnRoom();
    } else if (!pause_.Wait(output_.WhyFull())) {
      return absl::OkStatus();
    }
    absl::StatusOr<std::optional<client::Result>> next = reader_.Next(kWaitSlice);
    if (absl::IsUnavailable(next.status())) return OnSilence(next.status());
    if (absl::IsNotFound(next.status()) || next.ok()) OnAnswer();
    if (absl::IsNotFound(next.status())) return OnUnknown(next.status(), followed);
    if (!next.ok()) return next.status();
    if (next->has_value()) return OnResult(**next, followed);
    if (!reader_.end().has_value()) return OnNothing(followed);
    return OnEnd(*reader_.end(), followed);
  }

 private:
  void OnAnswer() {
    if (!outage_.known()) cluster_.SetPatience(kKnownPatience);
    SayIfAny(outage_.OnAnswer());
  }

  // It is asked again, but for one that has never answered, or has left.
  absl::Status OnSilence(const absl::Status& why) {
    if (cluster_.ShutdownHeard()) {
      if (!stillness_.last().has_value()) stillness_.Ask(cluster_);
      return ShutDownMeanwhile(batch_, stillness_.last(), "results");
    }
    if (!outage_.known()) return why;
    SayIfAny(outage_.OnSilence(Now()));
    return absl::OkStatus();
  }

  // A batch that has not begun may be unknown to the sink; whether there is one, the controller
  // knows. One that has ended was dropped there to make room, or the sink has started anew.
  absl::Status OnUnknown(const absl::Status& why, Followed& followed) {
    absl::StatusOr<client::ClusterStatus> status = cluster_.Status(batch_);
    const bool tried_in_vain = absl::IsUnavailable(status.status());  // the sink is asked again
    if (!status.ok() && !tried_in_vain) return status.status();
    absl::Status lost = LostBySink(status, why.message());
    return lost.ok() ? OnNothing(followed) : lost;
  }

  // The controller knows of another end than a cancel.
  absl::Status LostBySink(const absl::StatusOr<client::ClusterStatus>& status,
                          absl::string_view says) const {
    if (!status.ok() || status->batches.empty() || !status->batches.front().ended ||
        status->batches.front().phase == "cancelled") {
      return absl::OkStatus();
    }
    return absl::UnavailableError(
        absl::StrCat("batch ", batch_, " has ended (", status->batches.front().phase,
                     "), but the sink has lost its results, and says: ", says));
  }

  // A batch that its ventilator or its sink has lost is closed by the controller alone.
  absl::Status OnNothing(Followed& followed) {
    stillness_.OnNothing(cluster_);
    return stillness_.over() ? OnEnd(EndOf(stillness_.ended()), followed) : absl::OkStatus();
  }

  absl::Status OnResult(const client::Result& result, Followed& followed) {
    stillness_.OnMovement();
    if (!result.part) pause_.OnTaken();
    if (watch_.on_result) watch_.on_result(result);
    if (!result.part && !result.ok() && !followed.failures.full()) {
      followed.failures.Add(result, output_.CommandOf(result.task));
    }
    return output_.Take(result);
  }

  // What waited for tasks that never ended is printed first, step by step.
  absl::Status OnEnd(const client::BatchEnd& end, Followed& followed) {
    output_.TakeNoMore();
    if (output_.Due()) return absl::OkStatus();
    if (end.cancelled) {  // a sink that lost a batch's end, and its results, takes it for cancelled
      absl::Status lost = LostBySink(cluster_.Status(batch_), "it was cancelled");
      if (!lost.ok()) return lost;
    }
    followed.ended = true;
    followed.end = end;
    return output_.Flush();
  }

  client::Cluster& cluster_;
  uint32_t batch_;
  Output& output_;
  const Watch& watch_;
  client::ResultReader reader_;
  Stillness stillness_;
  Outage outage_;
  Pause pause_;
};

}  // namespace

absl::StatusOr<Followed> Follow(client::Cluster& cluster, uint32_t batch, Output& output,
                                const Watch& watch) {
  Followed followed;
  absl::Status listens = cluster.Listen();
  if (absl::IsCancelled(listens)) return followed;
  if (!listens.ok()) return listens;
  Follower follower(cluster, batch, output, watch);
  while (!followed.ended && !(watch.stop && watch.stop())) {
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
  client::BatchStatus shown;
  absl::Status listens = cluster.Listen();
  if (absl::IsCancelled(listens)) return shown;
  if (!listens.ok()) return listens;
  const Instant begun = Now();
  Reasons reasons;
  Outage outage("the controller", batch);
  do {  // once in any case: what has ended is told, however little time there is
    absl::StatusOr<client::ClusterStatus> status = cluster.Status(batch);
    if (absl::IsCancelled(status.status())) break;
    if (absl::IsUnavailable(status.status()) && outage.known()) {
      if (cluster.ShutdownHeard()) return ShutDownMeanwhile(batch, shown, "wait");
      SayIfAny(outage.OnSilence(Now()));
      continue;
    }
    if (!status.ok()) return status.status();
    cluster.SetPatience(kKnownPatience);
    SayIfAny(outage.OnAnswer());
    if (!status->batches.empty()) shown = status->batches.front();
    if (shown.ended || Now() - begun > kStillAfter) reasons.Say(shown);
    if (!shown.ended) WaitFor(kLookEvery);
  } while (!shown.ended && !stop());
  return shown;
}

absl::StatusOr<client::Report> AwaitReport(client::Cluster& cluster, uint32_t batch, bool ended) {
  const Instant deadline = Now() + kAccountsWait;
  while (true) {
    absl::StatusOr<client::Report> report = cluster.ReportOf(batch);
    if (!report.ok() || report->final || Now() >= deadline) return report;
    if (!report->ended && !ended) return report;  // as it stands
    WaitFor(kAskEvery);
  }
}

void SayFailures(const Failures& failures) {
  for (const FailureGroup& group : failures.Groups()) {
    Say("  " + group.text);
    // Nothing before them: whoever copies the line has the command.
    for (const std::string& command : group.commands) {
      std::fprintf(stderr, "    %s\n", command.c_str());
    }
  }
}

int Conclude(uint32_t batch, const Followed& followed) {
  const client::BatchEnd& end = followed.end;
  if (!end.cancelled && end.cancelled_tasks > 0) {
    return Complain(absl::DataLossError(absl::StrCat(
        "batch ", batch, " has ended, but the results of ", end.cancelled_tasks, " of its ",
        end.ok + end.failed + end.cancelled_tasks,
        " tasks are lost: the sink's disk gave back something else than was written, as its log "
        "tells. Run those tasks again, or restore the sink's state from a copy")));
  }
  if (end.failed > 0) {
    Say(absl::StrCat("batch ", batch, ": ", end.failed, " of ",
                     end.ok + end.failed + end.cancelled_tasks, " tasks failed"));
    SayFailures(followed.failures);
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
