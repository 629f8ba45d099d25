#include "controller/cli/follow.h"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "controller/cli/command.h"
#include "lib/core/printable.h"

namespace fanmill::cli {
namespace {

constexpr size_t kErrorShownBytesMax = 160;

bool WriteAll(FILE* to, const std::string& bytes) {
  return bytes.empty() || std::fwrite(bytes.data(), 1, bytes.size(), to) == bytes.size();
}

// One JSON line per task. Bytes that are not UTF-8 show as U+FFFD.
std::string JsonLine(const client::Result& result) {
  nlohmann::ordered_json line;
  line["task"] = result.task + 1;
  line["status"] = result.status;
  line["code"] = result.code;
  line["run_s"] = static_cast<double>(result.run.count()) / 1e6;
  line["worker"] = result.worker;
  line["attempt"] = result.attempt;
  if (!result.value.empty()) line["value"] = result.value;
  line["stdout"] = result.out;
  line["stderr"] = result.err;
  if (result.dropped > 0) line["dropped_bytes"] = result.dropped;
  return line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

bool PrintResult(client::Result& result, Print print, client::Result& parts) {
  if (print == Print::kNothing) return true;
  if (print == Print::kOutput) {
    if (result.part) return WriteAll(result.is_stderr ? stderr : stdout, result.text);
    const bool out = WriteAll(stdout, result.out);
    std::fflush(stdout);
    return WriteAll(stderr, result.err) && out;
  }
  if (result.part) {
    (result.is_stderr ? parts.err : parts.out) += result.text;
    return true;
  }
  if (result.out.empty()) result.out = std::move(parts.out);
  if (result.err.empty()) result.err = std::move(parts.err);
  parts = {};
  return WriteAll(stdout, JsonLine(result));
}

std::string FailureText(const client::Result& result) {
  std::string text = absl::StrCat("task ", result.task + 1, " ", result.status);
  if (result.status == "failed") absl::StrAppend(&text, " with exit code ", result.code);
  if (result.status == "signalled") absl::StrAppend(&text, " by signal ", result.code);
  if (result.tries > 1) absl::StrAppend(&text, " at try ", result.tries);
  if (!result.err.empty()) {
    const std::string first_line = result.err.substr(0, result.err.find('\n'));
    absl::StrAppend(&text, ": ", Printable(first_line, kErrorShownBytesMax));
  }
  return text;
}

}  // namespace

absl::StatusOr<Followed> Follow(client::Cluster& cluster, uint32_t batch, Print print,
                                const std::function<bool()>& stop) {
  Followed followed;
  client::ResultReader reader(cluster, batch);
  client::Result parts;
  while (!stop()) {
    auto next = reader.Next(Millis(200));
    if (!next.ok()) return next.status();
    if (!next->has_value()) {
      if (!reader.end().has_value()) continue;
      followed.ended = true;
      followed.end = *reader.end();
      break;
    }
    client::Result& result = **next;
    if (!result.part && !result.ok() && followed.first_failures.size() < kFailuresShownMax) {
      followed.first_failures.push_back(FailureText(result));
    }
    if (!PrintResult(result, print, parts)) {
      return absl::AbortedError("the reader of the output has gone");
    }
  }
  std::fflush(stdout);
  return followed;
}

int Conclude(uint32_t batch, const Followed& followed) {
  const client::BatchEnd& end = followed.end;
  if (end.failed > 0) {
    Say(absl::StrCat("batch ", batch, ": ", end.failed, " of ", end.ok + end.failed,
                     " tasks failed"));
    for (const std::string& failure : followed.first_failures) Say("  " + failure);
    if (end.failed > followed.first_failures.size()) {
      Say(absl::StrCat("  and ", end.failed - followed.first_failures.size(),
                       " more: fanmill results ", batch, " --json"));
    }
  }
  if (end.cancelled) {
    Say(absl::StrCat("batch ", batch, " was cancelled: ", end.ok, " tasks done, ",
                     end.cancelled_tasks, " cancelled"));
    return kExitCancelled;
  }
  return end.failed > 0 ? kExitTaskFailed : kExitOk;
}

}  // namespace fanmill::cli
