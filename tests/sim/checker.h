// What must always hold, and what must hold in the end. Knows nothing of how machines work inside.
#ifndef FANMILL_TESTS_SIM_CHECKER_H_
#define FANMILL_TESTS_SIM_CHECKER_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "proto/fanmill.pb.h"
#include "tests/sim/coverage.h"
#include "tests/sim/plan.h"

namespace fanmill::sim {

class Checker {
 public:
  Checker(const ClusterPlan& plan, Coverage& coverage) : plan_(plan), coverage_(coverage) {}

  // ---- what a worker does ---------------------------------------------------------------------
  void OnTaskStarts(uint64_t incarnation, uint32_t batch, uint32_t plan_index, uint64_t task);
  void OnRuns(uint64_t incarnation, uint32_t batch, int more);  // so many more tasks run now
  void OnReceipt(uint64_t incarnation, uint32_t batch);         // batch 0: of everything
  void OnLeft(uint64_t incarnation);                            // of its own will
  void OnDied(uint64_t incarnation);

  // ---- what the controller writes -------------------------------------------------------------
  void OnStartDurable(uint32_t batch);

  // ---- what a client asks and is told ---------------------------------------------------------
  void OnBatchIs(uint32_t batch, uint32_t plan_index);
  void OnStartAsked(uint32_t plan_index);
  void OnCancelAsked(uint32_t plan_index);
  void OnAppendAcked(uint32_t plan_index, uint64_t tasks);
  void OnState(uint32_t plan_index, const v1::BatchState& state);
  void OnRow(uint32_t plan_index, const v1::TerminalRow& row);
  void OnRowAgain(uint32_t plan_index, size_t number, const v1::TerminalRow& row);
  void OnAllRowsAgain(uint32_t plan_index, size_t rows);
  void OnClosed(uint32_t plan_index, const v1::BatchClosed& closed);
  void OnLost(uint32_t plan_index);       // nobody knows of it any more
  void OnForgotten(uint32_t plan_index);  // its results are not there any more
  void OnReport(uint32_t plan_index, const v1::BatchReport& report);

  void Fail(const std::string& what);

  // ---- what must hold in the end --------------------------------------------------------------
  void CheckEnd();
  void CheckFaultFree(uint64_t redeliveries);

  const std::vector<std::string>& failures() const { return failures_; }

 private:
  struct Seen {
    std::optional<uint32_t> batch;
    uint64_t accepted = 0;
    bool start_asked = false;
    bool cancel_asked = false;
    bool started = false;
    v1::BatchPhase phase = v1::FORMING;
    std::map<uint64_t, uint32_t> starts;  // task -> times
    std::map<uint64_t, v1::TerminalRow> terminal;
    std::vector<uint64_t> order;         // of their tasks
    std::map<uint64_t, uint64_t> large;  // task -> bytes of stdout so far, from parts
    bool forgotten = false;
    bool lost = false;
    std::optional<v1::BatchClosed> closed;
    std::optional<v1::BatchReport> report;
  };
  void CheckRow(uint32_t plan_index, const Seen& seen, const v1::TerminalRow& row);
  void CheckOkRow(uint32_t plan_index, const Seen& seen, const v1::TerminalRow& row);
  void CheckTotals(uint32_t plan_index, const Seen& seen);
  void CheckAccount(uint32_t plan_index, const v1::WorkerReport& worker);

  const ClusterPlan& plan_;
  Coverage& coverage_;
  std::map<uint32_t, Seen> seen_;
  std::map<uint32_t, uint32_t> plan_of_;  // batch -> plan
  std::set<uint32_t> started_;
  std::set<std::pair<uint64_t, uint32_t>> receipts_;      // incarnation, batch (0: all)
  std::map<std::pair<uint64_t, uint32_t>, int> running_;  // incarnation, batch -> tasks
  std::vector<std::string> failures_;
};

}  // namespace fanmill::sim

#endif  // FANMILL_TESTS_SIM_CHECKER_H_
