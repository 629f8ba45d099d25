#include "lib/verify/batch_check.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "lib/core/names.h"

namespace fanmill::verify {
namespace {

// How a batch ended, by one of the files.
struct End {
  bool cancelled;
  uint64_t ok;
  uint64_t failed;
  uint64_t cancelled_tasks;
  friend bool operator==(const End&, const End&) = default;
};

std::string Text(const End& end) {
  return absl::StrCat(end.cancelled ? "cancelled with " : "done with ", end.ok, " ok, ", end.failed,
                      " failed, ", end.cancelled_tasks, " cancelled");
}

End EndOf(const LedgerBatch& batch) {
  return {batch.cancelled, batch.ok, batch.failed, batch.cancelled_tasks};
}
End EndOf(const pb::BatchClosed& closed) {
  return {closed.cancelled(), closed.ok(), closed.failed(), closed.cancelled_tasks()};
}
End EndOf(const pb::BatchSummary& summary) {
  return {summary.cancelled(), summary.ok(), summary.failed(), summary.cancelled_tasks()};
}

pb::BatchPhase PhaseOf(const End& end) {
  if (end.cancelled) return pb::BATCH_CANCELLED;
  return end.failed > 0 ? pb::BATCH_FAILED : pb::DONE;
}

bool IsClosed(const Evidence& evidence) {
  return evidence.ledger != nullptr && evidence.ledger->closed_row != 0;
}
bool IsReported(const Evidence& evidence) {
  return evidence.book != nullptr && evidence.book->report_row != 0;
}
bool IsClosedInManifest(const Evidence& evidence) {
  return evidence.manifest != nullptr && evidence.manifest->closed_row != 0;
}

class BatchCheck {
 public:
  BatchCheck(const Evidence& evidence, Findings& findings)
      : evidence_(evidence), findings_(findings) {}

  void CheckThatItIsThere();
  void CheckTasks();
  void CheckManifestsEnd();
  void CheckReport();

 private:
  bool HasClearEnd() const;
  void Tell(Rule rule, File file, uint64_t row, std::string what) {
    findings_.Add({.rule = rule,
                   .file = file,
                   .row = row,
                   .batch = evidence_.batch,
                   .what = std::move(what)});
  }

  const Evidence& evidence_;
  Findings& findings_;
};

// An end is in the ledger before anybody else hears of it, a task in the manifest before it is
// handed out; they go from there once the end is reported, and leave a gap.
void BatchCheck::CheckThatItIsThere() {
  const bool closed = IsClosed(evidence_);
  if (!closed && IsReported(evidence_)) {
    Tell(Rule::kLost, File::kLedger, 0,
         absl::StrCat(
             "there is no CLOSED of it, though row ", evidence_.book->report_row,
             " of book.db reports its end",
             evidence_.ledger_has_gaps ? "" : "; nor was one forgotten: no row is missing"));
  } else if (!closed && IsClosedInManifest(evidence_)) {
    Tell(Rule::kLost, File::kLedger, 0,
         absl::StrCat("there is no CLOSED of it, though row ", evidence_.manifest->closed_row,
                      " of manifest.db says so"));
  }
  if (evidence_.manifest != nullptr) return;
  if (!closed && !IsReported(evidence_)) {
    Tell(Rule::kLost, File::kManifest, 0, "its tasks are not there, and it has not ended");
  } else if (!evidence_.manifest_has_gaps) {
    Tell(Rule::kLost, File::kManifest, 0,
         "its tasks are not there, nor were they forgotten: no row is missing");
  }
}

void BatchCheck::CheckTasks() {
  if (evidence_.manifest == nullptr || evidence_.ledger == nullptr) return;
  const ManifestBatch& manifest = *evidence_.manifest;
  const LedgerBatch& ledger = *evidence_.ledger;
  if (ledger.sealed.has_value() && (manifest.seal_row == 0 || manifest.tasks != *ledger.sealed)) {
    Tell(Rule::kCounts, File::kLedger, ledger.seal_row,
         absl::StrCat("it was sealed at ", *ledger.sealed, " tasks here, and in manifest.db ",
                      manifest.seal_row == 0 ? "not at all" : absl::StrCat("at ", manifest.tasks)));
  } else if (IsClosed(evidence_) && ledger.tasks < manifest.tasks) {
    Tell(Rule::kCounts, File::kLedger, ledger.closed_row,
         absl::StrCat("CLOSED adds up to ", ledger.tasks, " tasks, and ", manifest.tasks,
                      " were appended"));
  }
}

// What the others say of an end that the ledger itself disputes would only say the same again.
bool BatchCheck::HasClearEnd() const { return IsClosed(evidence_) && !evidence_.ledger->disputed; }

void BatchCheck::CheckManifestsEnd() {
  if (!IsClosedInManifest(evidence_) || !HasClearEnd()) return;
  const End here = EndOf(evidence_.manifest->closed);
  const End ledgers = EndOf(*evidence_.ledger);
  if (here == ledgers) return;
  Tell(Rule::kCounts, File::kManifest, evidence_.manifest->closed_row,
       absl::StrCat("it says ", Text(here), ", and ledger.db comes to ", Text(ledgers)));
}

void BatchCheck::CheckReport() {
  if (!IsReported(evidence_)) return;
  const BookBatch& book = *evidence_.book;
  const End report = EndOf(book.summary);
  if (book.phase != PhaseOf(report)) {
    Tell(Rule::kCounts, File::kBook, book.report_row,
         absl::StrCat("it calls the batch ", std::string(PhaseName(book.phase)), ", and has it ",
                      Text(report)));
  }
  if (!HasClearEnd()) return;
  const LedgerBatch& ledger = *evidence_.ledger;
  if (report != EndOf(ledger)) {
    Tell(Rule::kCounts, File::kBook, book.report_row,
         absl::StrCat("it reports ", Text(report), ", and ledger.db comes to ",
                      Text(EndOf(ledger))));
  } else if (book.summary.tasks() != 0 && book.summary.tasks() != ledger.tasks) {
    Tell(Rule::kCounts, File::kBook, book.report_row,
         absl::StrCat("it reports ", book.summary.tasks(), " tasks, and ledger.db has ",
                      ledger.tasks));
  }
}

Proof ProofOf(const Evidence& evidence) {
  Proof proof;
  proof.batch = evidence.batch;
  proof.in_manifest = evidence.manifest != nullptr;
  if (proof.in_manifest) {
    proof.tasks = evidence.manifest->tasks;
    proof.sealed = evidence.manifest->seal_row != 0;
  }
  if (evidence.ledger != nullptr) {
    proof.ok = evidence.ledger->ok;
    proof.failed = evidence.ledger->failed;
    proof.cancelled = evidence.ledger->cancelled_tasks;
    proof.late = evidence.ledger->late;
    proof.closed = evidence.ledger->closed_row != 0;
    if (proof.closed) proof.tasks = evidence.ledger->tasks;
  }
  return proof;
}

// What the report says stays.
Proof ProofOfDropped(const Evidence& evidence) {
  const pb::BatchSummary& summary = evidence.book->summary;
  Proof proof;
  proof.batch = evidence.batch;
  proof.in_manifest = evidence.manifest != nullptr;
  proof.ok = summary.ok();
  proof.failed = summary.failed();
  proof.cancelled = summary.cancelled_tasks();
  proof.tasks = proof.ok + proof.failed + proof.cancelled;
  return proof;
}

}  // namespace

// A batch with ends was opened, and one that was not cancelled sealed: what has neither came after,
// and can only have been cancelled (R69).
bool WasDropped(const Evidence& evidence) {
  if (!IsReported(evidence) || !evidence.ledger_has_gaps) return false;
  const LedgerBatch* ledger = evidence.ledger;
  if (ledger == nullptr) return true;
  if (ledger->closed_row != 0 && !ledger->cancelled) return false;
  const pb::BatchSummary& summary = evidence.book->summary;
  const bool began = !summary.cancelled() || summary.ok() + summary.failed() > 0;
  return began && !ledger->opened && !ledger->sealed.has_value();
}

Proof CheckBatch(const Evidence& evidence, Findings& findings) {
  BatchCheck check(evidence, findings);
  const bool dropped = WasDropped(evidence);
  if (!dropped) {
    check.CheckThatItIsThere();
    check.CheckTasks();
    check.CheckManifestsEnd();
    check.CheckReport();
  }
  Proof proof = dropped ? ProofOfDropped(evidence) : ProofOf(evidence);
  if (findings.CountOf(evidence.batch) > 0) {
    proof.verdict = Verdict::kWrong;
  } else if (dropped) {
    proof.verdict = Verdict::kForgotten;
  } else {
    const bool ended = proof.closed && IsReported(evidence);
    proof.verdict = ended ? Verdict::kProven : Verdict::kNotEnded;
  }
  return proof;
}

}  // namespace fanmill::verify
