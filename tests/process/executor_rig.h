// An Executor as the session uses it: gives tasks to slots, gathers how each ended.
#ifndef FANMILL_TESTS_PROCESS_EXECUTOR_RIG_H_
#define FANMILL_TESTS_PROCESS_EXECUTOR_RIG_H_

#include <gtest/gtest.h>
#include <poll.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/process/marked.h"
#include "worker/descendants.h"
#include "worker/executor.h"

namespace fanmill {

inline constexpr uint64_t kChunk = uint64_t{1} << 40;

inline pb::Spec ExecSpec(const std::vector<std::string>& argv) {
  pb::Spec spec;
  spec.set_handler("exec");
  for (const std::string& word : argv) spec.add_argv(word);
  spec.set_grace_us(3'600'000'000);  // a KILL must have been asked for
  return spec;
}

inline pb::Spec ScriptSpec(const std::string& script) {
  pb::Spec spec = ExecSpec({script});
  spec.set_shell(true);
  return spec;
}

inline pb::Spec HandlerSpec(const std::string& handler) {
  pb::Spec spec;
  spec.set_handler(handler);
  return spec;
}

class Rig {
 public:
  explicit Rig(uint32_t slots = 2, ExecutorOptions options = DefaultOptions()) : table(slots) {
    BecomeSubreaper();
    executor.emplace(options, table);
  }

  static ExecutorOptions DefaultOptions() {
    ExecutorOptions options;
    options.spill_dir = testing::TempDir();
    options.environment = {"PATH=/usr/bin:/bin", "INHERITED=yes"};
    return options;
  }

  // Tasks of `batch` with these payloads, or one without (nullopt); indexes go on from the last.
  // Returns the index of the first.
  uint32_t Run(uint32_t slot, uint32_t batch, const pb::Spec& spec,
               std::optional<std::vector<std::string>> payloads = std::nullopt) {
    RunTasks work{slot, batch, std::make_shared<const pb::Spec>(spec), {}, nullptr};
    auto owned = std::make_shared<const std::vector<std::string>>(
        payloads.value_or(std::vector<std::string>(1)));
    const uint32_t first = next_index;
    for (const std::string& payload : *owned) {
      const auto view = payloads ? std::string_view(payload) : std::string_view();
      work.tasks.push_back({kChunk, next_index, uint64_t{1000} + next_index, 1, view});
      ++next_index;
    }
    work.owner = owned;
    ++busy;
    executor->Deliver(std::move(work));
    return first;
  }

  void Stop(uint32_t batch, bool now) { executor->Deliver(StopTasks{batch, now}); }

  // Until all slots are idle, or patience is over.
  bool AwaitIdle() {
    return Await([this] { return busy == 0; });
  }
  template <class Condition>
  bool Await(Condition condition) {
    const auto give_up = std::chrono::steady_clock::now() + kPatience;
    while (!condition()) {
      if (std::chrono::steady_clock::now() > give_up) return false;
      pollfd wanted{executor->event_fd(), POLLIN, 0};
      poll(&wanted, 1, 100);
      Collect();
    }
    return true;
  }

  // The only task's end.
  TaskOutcome RunOne(const pb::Spec& spec, std::optional<std::string> payload = std::nullopt) {
    const uint32_t index = payload ? Run(0, 1, spec, {{*payload}}) : Run(0, 1, spec);
    EXPECT_TRUE(AwaitIdle());
    return ended.contains(index) ? ended.at(index) : TaskOutcome{};
  }

  // The whole of a spilled output, read in parts.
  std::string ReadAll(const SpilledOutput& output, uint32_t part_bytes) {
    std::string all;
    while (true) {
      parts.clear();
      executor->Deliver(ReadOutput{output.handle, all.size(), part_bytes});
      if (!Await([this] { return !parts.empty(); })) return "no answer";
      EXPECT_EQ(parts[0].handle, output.handle);
      EXPECT_EQ(parts[0].offset, all.size());
      if (parts[0].bytes.empty()) return all;
      all += parts[0].bytes;
    }
  }

  SlotTable table;
  std::optional<Executor> executor;
  uint32_t next_index = 0;
  int busy = 0;                           // slots that have not said idle
  std::vector<TasksRan> told;             // as they came
  std::map<uint32_t, TaskOutcome> ended;  // by index, whatever the form they were told in
  std::vector<OutputRead> parts;
  std::vector<uint32_t> stopped;  // batches told to be, as they came

 private:
  void Collect() {
    std::vector<Message> messages;
    executor->Collect(messages);
    for (Message& message : messages) {
      if (auto* part = std::get_if<OutputRead>(&message)) parts.push_back(std::move(*part));
      if (auto* ran = std::get_if<TasksRan>(&message)) OnRan(std::move(*ran));
      if (auto* quiet = std::get_if<TasksStopped>(&message)) stopped.push_back(quiet->batch);
    }
  }

  void OnRan(TasksRan ran) {
    EXPECT_LE(ran.began, ran.ended);
    if (ran.idle) --busy;
    for (uint32_t i = 0; i < ran.ok_count; ++i) {
      EXPECT_TRUE(ended.insert({ran.ok_first + i, TaskOutcome{}}).second) << "told twice";
    }
    for (const TaskOutcome& outcome : ran.outcomes) {
      EXPECT_TRUE(ended.insert({outcome.index, outcome}).second) << "told twice";
    }
    told.push_back(std::move(ran));
  }
};

}  // namespace fanmill

#endif  // FANMILL_TESTS_PROCESS_EXECUTOR_RIG_H_
