#include "lib/verify/manifest_check.h"

#include "absl/strings/str_cat.h"
#include "lib/core/limits.h"
#include "lib/core/validate.h"

namespace fanmill::verify {
namespace {

void Tell(Rule rule, const Row& row, std::string what, Findings& findings) {
  findings.Add({.rule = rule,
                .file = File::kManifest,
                .row = row.sequence,
                .batch = row.batch,
                .what = std::move(what)});
}

// Why it is no row of a manifest; null: it is one.
const char* WhyUnreadable(const Row& row, pb::ManifestRecord& record) {
  if (row.is_frame) return "a message stands where a record of the ventilator should";
  if (!record.ParseFromArray(row.bytes.data(), static_cast<int>(row.bytes.size()))) {
    return "its bytes are no record";
  }
  if (record.batch() == 0 || record.batch() != row.batch) return "it is a record of another batch";
  switch (record.fact_case()) {
    case pb::ManifestRecord::kAppended:
      if (record.appended().batch() != row.batch) return "it appends to another batch";
      return WhyInvalid(record.appended());
    case pb::ManifestRecord::kSealed:
      return record.sealed().batch() == row.batch ? nullptr : "it seals another batch";
    case pb::ManifestRecord::kClosed:
      return record.closed().batch() == row.batch ? nullptr : "it closes another batch";
    case pb::ManifestRecord::FACT_NOT_SET:
      return "it tells of nothing that this version knows";
    default:
      return nullptr;
  }
}

}  // namespace

const ManifestBatch* ManifestCheck::Find(uint32_t batch) const {
  const auto found = batches_.find(batch);
  return found == batches_.end() ? nullptr : &found->second;
}

void ManifestCheck::Take(const Row& row, Findings& findings) {
  if (!wanted_.Has(row.batch)) return;
  if (const char* why = WhyUnreadable(row, record_)) {
    return Tell(Rule::kUnreadable, row, why, findings);
  }
  Apply(row, findings);
}

void ManifestCheck::Apply(const Row& row, Findings& findings) {
  const auto [at, fresh] = batches_.try_emplace(row.batch);
  ManifestBatch& batch = at->second;
  if (fresh != record_.has_opened()) {
    Tell(Rule::kOpened, row,
         fresh ? "the batch was not opened before it" : "it opens the batch a second time",
         findings);
  }
  switch (record_.fact_case()) {
    case pb::ManifestRecord::kAppended:
      return Append(row, batch, findings);
    case pb::ManifestRecord::kSealed:
      return Seal(row, batch, findings);
    case pb::ManifestRecord::kClosed:
      if (batch.closed_row != 0) {
        return Tell(Rule::kAfterClosed, row,
                    absl::StrCat("it closes the batch again, after row ", batch.closed_row),
                    findings);
      }
      batch.closed_row = row.sequence;
      batch.closed = record_.closed();
      return;
    default:
      return;
  }
}

// R81
void ManifestCheck::Append(const Row& row, ManifestBatch& batch, Findings& findings) const {
  const pb::AppendTasks& append = record_.appended();
  if (batch.seal_row != 0 || batch.closed_row != 0) {
    return Tell(Rule::kAppended, row,
                absl::StrCat("it appends tasks after row ",
                             batch.seal_row != 0 ? batch.seal_row : batch.closed_row, ", which ",
                             batch.seal_row != 0 ? "seals" : "closes", " the batch"),
                findings);
  }
  if (append.first() != batch.tasks) {
    Tell(Rule::kAppended, row,
         absl::StrCat("it appends tasks from ", append.first() + 1,
                      " on, and the rows before it "
                      "end with task ",
                      batch.tasks),
         findings);
  }
  batch.tasks = append.first() + append.count();
}

// R83
void ManifestCheck::Seal(const Row& row, ManifestBatch& batch, Findings& findings) const {
  const uint64_t tasks = record_.sealed().tasks();
  if (batch.seal_row != 0) {
    return Tell(Rule::kSealed, row,
                absl::StrCat("it seals the batch again, after row ", batch.seal_row), findings);
  }
  batch.seal_row = row.sequence;
  if (tasks == batch.tasks) return;
  Tell(Rule::kSealed, row,
       absl::StrCat("it seals the batch at ", tasks, " tasks, and ", batch.tasks, " were appended"),
       findings);
}

}  // namespace fanmill::verify
