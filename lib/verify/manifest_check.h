// ManifestCheck: the rules of the ventilator's file, and what it says of each batch. A batch is
// opened, its tasks are appended one behind the other, it is sealed at their number, and closed
// with the sink's words.
#ifndef FANMILL_LIB_VERIFY_MANIFEST_CHECK_H_
#define FANMILL_LIB_VERIFY_MANIFEST_CHECK_H_

#include <cstdint>
#include <map>
#include <optional>

#include "lib/verify/findings.h"
#include "lib/verify/row.h"
#include "proto/records.pb.h"

namespace fanmill::verify {

namespace pb = ::fanmill::v1;

struct ManifestBatch {
  uint64_t tasks = 0;       // appended
  uint64_t seal_row = 0;    // 0: not sealed
  uint64_t closed_row = 0;  // 0: not closed
  pb::BatchClosed closed;
};

class ManifestCheck {
 public:
  explicit ManifestCheck(const Wanted& wanted) : wanted_(wanted) {}

  // Sound rows, in ascending order.
  void Take(const Row& row, Findings& findings);
  // Null when there is nothing of it.
  const ManifestBatch* Find(uint32_t batch) const;

 private:
  void Apply(const Row& row, Findings& findings);
  void Append(const Row& row, ManifestBatch& batch, Findings& findings) const;
  void Seal(const Row& row, ManifestBatch& batch, Findings& findings) const;

  const Wanted& wanted_;
  std::map<uint32_t, ManifestBatch> batches_;
  pb::ManifestRecord record_;  // the row that is looked at
};

}  // namespace fanmill::verify

#endif  // FANMILL_LIB_VERIFY_MANIFEST_CHECK_H_
