// Results as the reader returns them, and what was printed of them.
#ifndef FANMILL_TESTS_CLI_OUTPUT_RESULTS_H_
#define FANMILL_TESTS_CLI_OUTPUT_RESULTS_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "controller/cli/output/stage.h"

namespace fanmill::cli {

inline client::Result Ended(uint64_t task, std::string out = "", std::string err = "") {
  client::Result result;
  result.task = task;
  result.status = "ok";
  result.attempt = 1;
  result.worker = 1;
  result.out = std::move(out);
  result.err = std::move(err);
  return result;
}

inline client::Result Part(uint64_t task, std::string text, bool is_stderr = false) {
  client::Result result;
  result.task = task;
  result.part = true;
  result.is_stderr = is_stderr;
  result.text = std::move(text);
  return result;
}

struct Printed {
  std::string out;
  std::string err;
};

// What it wrote to stdout and stderr.
inline Printed Caught(const std::function<void()>& what) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  what();
  std::string err = testing::internal::GetCapturedStderr();
  return {testing::internal::GetCapturedStdout(), err};
}

// A stage that remembers.
class Seen final : public Stage {
 public:
  absl::Status Take(const client::Result& result, const std::string* payload) override {
    results.push_back(result);
    payloads.push_back(payload == nullptr ? "?" : *payload);
    return absl::OkStatus();
  }
  absl::Status Flush() override { return absl::OkStatus(); }

  // "0 0. 1." : a part of the first task and its end, then the end of the second.
  std::string Order() const {
    std::string order;
    for (const client::Result& result : results) {
      order += std::to_string(result.task) + (result.part ? " " : ". ");
    }
    return order;
  }

  std::vector<client::Result> results;
  std::vector<std::string> payloads;
};

}  // namespace fanmill::cli

#endif  // FANMILL_TESTS_CLI_OUTPUT_RESULTS_H_
