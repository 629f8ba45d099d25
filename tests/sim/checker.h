// What must always hold, and what must hold in the end. Knows nothing of how machines work inside.
#ifndef FANMILL_TESTS_SIM_CHECKER_H_
#define FANMILL_TESTS_SIM_CHECKER_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "proto/fanmill.pb.h"
#include "tests/sim/coverage.h"
#include "tests/sim/plan.h"

namespace fanmill::sim {

class Checker {
 public:
  Checker(const ClusterPlan& plan, Coverage& coverage) : plan_(plan), coverage_(coverage) {}

  // ---- what the cluster reports ---------------------------------------------------------------
  void OnBatchIs(uint32_t batch, uint32_t plan_index);  // the client learned its batch's id
  void OnStartDurable(uint32_t batch);                  // in the controller's book
  void OnTaskStarts(uint64_t incarnation, uint32_t batch, const std::string& name, uint64_t task);
  void OnReceipt(uint64_t incarnation, uint32_t batch);
  void OnAppendAcked(uint32_t plan_index, uint64_t tasks);
  void OnCancelAsked(uint32_t plan_index);
  void OnRow(uint32_t plan_index, const v1::TerminalRow& row);
  void OnClosed(uint32_t plan_index, const v1::BatchClosed& closed);
  void Fail(const std::string& what);

  // ---- what must hold in the end --------------------------------------------------------------
  bool AllClosed() const;
  void CheckEnd();
  void CheckFaultFree(uint64_t redeliveries);

  const std::vector<std::string>& failures() const { return failures_; }

 private:
  struct Seen {
    std::optional<uint32_t> batch;
    uint64_t accepted = 0;
    bool cancel_asked = false;
    std::map<uint64_t, uint64_t> starts;             // task -> times
    std::map<uint64_t, v1::TerminalRow> terminal;
    std::map<uint64_t, std::string> large;           // stdout so far, from parts
    std::optional<v1::BatchClosed> closed;
  };
  void CheckRow(uint32_t plan_index, const Seen& seen, const v1::TerminalRow& row);
  void CheckTotals(uint32_t plan_index, const Seen& seen);

  const ClusterPlan& plan_;
  Coverage& coverage_;
  std::map<uint32_t, Seen> seen_;
  std::map<uint32_t, uint32_t> plan_of_;             // batch -> plan
  std::set<uint32_t> started_;
  std::set<std::pair<uint64_t, uint32_t>> receipts_;  // incarnation, batch (0: all)
  std::vector<std::string> failures_;
};

}  // namespace fanmill::sim

#endif  // FANMILL_TESTS_SIM_CHECKER_H_
