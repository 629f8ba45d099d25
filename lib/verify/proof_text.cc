// Fields of the JSON are added, never renamed or removed, within one schema.
#include "lib/verify/proof_text.h"

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"

namespace fanmill::verify {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kSchema = "fanmill.verify/1";

std::string Ends(const Proof& proof) {
  return absl::StrCat(proof.ok, " ok, ", proof.failed, " failed, ", proof.cancelled, " cancelled");
}

std::string Tasks(uint64_t tasks) { return absl::StrCat(tasks, tasks == 1 ? " task" : " tasks"); }

std::string Proven(const Proof& proof) {
  std::string text =
      absl::StrCat("proven: ", Tasks(proof.tasks), ", each with one end (", Ends(proof), ")");
  if (proof.late > 0) {
    absl::StrAppend(&text, "; ", proof.late,
                    proof.late == 1 ? " late result counts" : " late results count",
                    " for nothing");
  }
  if (!proof.in_manifest) {
    absl::StrAppend(&text, "; by ledger and book alone: its tasks are no longer in the manifest");
  }
  return text;
}

std::string NotEnded(const Proof& proof) {
  if (proof.closed) {
    return absl::StrCat("closed (", Ends(proof), "), and the book has no report of it yet; ",
                        "nothing is wrong so far");
  }
  return absl::StrCat("not ended yet: ", Tasks(proof.tasks), " appended",
                      proof.sealed ? "" : " (and not sealed)", ", ", proof.ok, " ok, ",
                      proof.failed, " failed; nothing is wrong so far");
}

std::string Line(const Proof& proof, uint64_t findings) {
  switch (proof.verdict) {
    case Verdict::kProven:
      return Proven(proof);
    case Verdict::kNotEnded:
      return NotEnded(proof);
    case Verdict::kForgotten:
      return absl::StrCat("ended, and can no longer be proven: its results were dropped to make ",
                          "room; the book has ", Ends(proof));
    case Verdict::kWrong:
      return absl::StrCat("WRONG: ", findings, findings == 1 ? " finding" : " findings", " (",
                          Tasks(proof.tasks), ", ", Ends(proof), ")");
  }
  return "";
}

const char* VerdictName(Verdict verdict) {
  switch (verdict) {
    case Verdict::kProven:
      return "proven";
    case Verdict::kNotEnded:
      return "not_ended";
    case Verdict::kForgotten:
      return "forgotten";
    case Verdict::kWrong:
      return "wrong";
  }
  return "";
}

Json FindingJson(const Finding& finding) {
  const auto or_null = [](uint64_t number) { return number == 0 ? Json(nullptr) : Json(number); };
  return Json{{"rule", RuleName(finding.rule)},
              {"file", FileName(finding.file)},
              {"row", or_null(finding.row)},
              {"batch", or_null(finding.batch)},
              {"task", finding.task.has_value() ? Json(*finding.task + 1) : Json(nullptr)},
              {"text", Sentence(finding)}};
}

}  // namespace

std::string ToText(const Proofs& proofs) {
  std::string text;
  for (const Finding& finding : proofs.findings.shown()) {
    absl::StrAppend(&text, Sentence(finding), "\n");
  }
  if (const uint64_t hidden = proofs.findings.hidden()) {
    absl::StrAppend(&text, "and ", hidden, " more like these\n");
  }
  for (const Proof& proof : proofs.batches) {
    absl::StrAppend(&text, "batch ", proof.batch, ": ",
                    Line(proof, proofs.findings.CountOf(proof.batch)), "\n");
  }
  return text;
}

std::string ToJson(const Proofs& proofs) {
  Json json = {{"schema", kSchema},
               {"sound", proofs.findings.empty()},
               {"batches", Json::array()},
               {"findings", Json::array()},
               {"findings_not_shown", proofs.findings.hidden()}};
  for (const Proof& proof : proofs.batches) {
    json["batches"].push_back({{"batch", proof.batch},
                               {"verdict", VerdictName(proof.verdict)},
                               {"tasks", proof.tasks},
                               {"ok", proof.ok},
                               {"failed", proof.failed},
                               {"cancelled", proof.cancelled},
                               {"late", proof.late},
                               {"in_manifest", proof.in_manifest},
                               {"findings", proofs.findings.CountOf(proof.batch)}});
  }
  for (const Finding& finding : proofs.findings.shown()) {
    json["findings"].push_back(FindingJson(finding));
  }
  return json.dump(2) + "\n";
}

}  // namespace fanmill::verify
