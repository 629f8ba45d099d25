#include "lib/verify/proving.h"

#include <set>
#include <utility>

namespace fanmill::verify {

FileCheck& Proving::RowsOf(File file) {
  switch (file) {
    case File::kBook:
      return book_rows_;
    case File::kManifest:
      return manifest_rows_;
    default:
      return ledger_rows_;
  }
}

void Proving::Take(File file, const Row& row) {
  if (!RowsOf(file).Take(row, findings_)) return;
  switch (file) {
    case File::kBook:
      return book_.Take(row, findings_);
    case File::kManifest:
      return manifest_.Take(row, findings_);
    case File::kLedger:
      return ledger_.Take(row, findings_);
  }
}

void Proving::End(File file, uint64_t last) { RowsOf(file).End(last); }

bool Proving::Knows(uint32_t batch) const {
  return batch != 0 && (book_.Find(batch) != nullptr || manifest_rows_.batches().contains(batch) ||
                        ledger_rows_.batches().contains(batch));
}

Evidence Proving::Of(uint32_t batch) const {
  Evidence evidence;
  evidence.batch = batch;
  evidence.book = book_.Find(batch);
  evidence.manifest = manifest_.Find(batch);
  evidence.ledger = ledger_.Find(batch);
  evidence.manifest_has_gaps = manifest_rows_.missing() > 0;
  evidence.ledger_has_gaps = ledger_rows_.missing() > 0;
  return evidence;
}

// The rows of a batch go after its end, all at once: from the manifest when it has its report
// (R95), from the ledger to make room (R68). The book forgets nothing.
void Proving::JudgeGaps() {
  bool ledger_forgot = false;
  bool manifest_forgot = false;
  for (const auto& [batch, told] : book_.batches()) {
    if (told.report_row == 0) continue;
    const bool is_left = ledger_rows_.batches().contains(batch);
    ledger_forgot |= !is_left || (wanted_.Has(batch) && WasDropped(Of(batch)));
    manifest_forgot |= !manifest_rows_.batches().contains(batch);
  }
  for (const uint32_t batch : ledger_rows_.batches()) {
    manifest_forgot |= batch != 0 && !manifest_rows_.batches().contains(batch);
  }
  book_rows_.JudgeGaps(false, findings_);
  manifest_rows_.JudgeGaps(manifest_forgot, findings_);
  ledger_rows_.JudgeGaps(ledger_forgot, findings_);
}

Proofs Proving::Conclude() {
  JudgeGaps();
  std::set<uint32_t> batches = wanted_.batches;
  if (batches.empty()) {
    for (const auto& [batch, told] : book_.batches()) batches.insert(batch);
    batches.insert(manifest_rows_.batches().begin(), manifest_rows_.batches().end());
    batches.insert(ledger_rows_.batches().begin(), ledger_rows_.batches().end());
  }
  Proofs proofs;
  for (const uint32_t batch : batches) {
    if (Knows(batch)) proofs.batches.push_back(CheckBatch(Of(batch), findings_));
  }
  proofs.findings = std::move(findings_);
  return proofs;
}

}  // namespace fanmill::verify
