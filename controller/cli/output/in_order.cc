#include "controller/cli/output/in_order.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "controller/cli/output/packed_result.h"
#include "lib/core/check.h"

namespace fanmill::cli {

InOrder::InOrder(Stage& next, std::string directory, OrderLimits limits)
    : next_(next),
      directory_(directory),
      limits_(limits),
      store_(std::move(directory), limits.memory_bytes) {}

absl::Status InOrder::Take(const client::Result& result, const std::string* payload) {
  if (result.task == turn_ && (waiting_.empty() || waiting_.begin()->first != turn_)) {
    if (!result.part) ++turn_;
    return next_.Take(result, payload);
  }
  absl::StatusOr<TextStore::Text> text = store_.Put(PackResult(result, payload));
  if (!text.ok()) return text.status();
  if (text->span.size > 0 && !disk_limited_) LimitDisk();
  Waiting& waiting = waiting_[result.task];
  waiting.pieces.push_back(*std::move(text));
  waiting.ended = !result.part;
  return absl::OkStatus();
}

bool InOrder::Due() const {
  return !waiting_.empty() && (over_ || waiting_.begin()->first == turn_);
}

absl::Status InOrder::Advance() {
  FANMILL_CHECK(Due(), "nothing is due");
  const auto first = waiting_.begin();
  Waiting& waiting = first->second;
  TextStore::Text piece = std::move(waiting.pieces.front());
  waiting.pieces.pop_front();
  if (waiting.pieces.empty()) {
    turn_ = first->first + (waiting.ended ? 1 : 0);
    waiting_.erase(first);
  }
  absl::StatusOr<std::string> packed = store_.Take(std::move(piece));
  if (!packed.ok()) return packed.status();
  const UnpackedResult unpacked = UnpackResult(*packed);
  return next_.Take(unpacked.result, unpacked.payload.has_value() ? &*unpacked.payload : nullptr);
}

bool InOrder::Full() const {
  return waiting_.size() >= limits_.tasks || store_.disk_bytes() >= limits_.disk_bytes;
}

std::string InOrder::WhyFull() const {
  const double gib = static_cast<double>(store_.memory_bytes() + store_.disk_bytes()) /
                     static_cast<double>(uint64_t{1} << 30);
  return absl::StrCat("outputs of ", waiting_.size(), " tasks (", absl::StrFormat("%.1f", gib),
                      " GiB) wait for task ", turn_ + 1, " to end, since the order is kept");
}

void InOrder::LimitDisk() {
  disk_limited_ = true;
  std::error_code error;
  const std::filesystem::space_info space = std::filesystem::space(directory_, error);
  if (!error) limits_.disk_bytes = std::min<uint64_t>(limits_.disk_bytes, space.available / 2);
}

}  // namespace fanmill::cli
