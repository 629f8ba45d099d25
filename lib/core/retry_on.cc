#include "lib/core/retry_on.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "lib/core/limits.h"
#include "lib/core/printable.h"

namespace fanmill {
namespace {

constexpr size_t kWordShownBytesMax = 40;
constexpr char kExample[] = "write words such as 75,100-110,timeout,signal:9";

std::optional<uint32_t> Number(std::string_view text) {
  uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool all = error == std::errc() && end == text.data() + text.size();
  return all ? std::optional(number) : std::nullopt;
}

// "9", "KILL" or "SIGKILL".
std::optional<uint32_t> SignalNumber(std::string_view text) {
  if (const std::optional<uint32_t> number = Number(text)) return number;
  if (text.starts_with("SIG")) text.remove_prefix(3);
  for (uint32_t number = 1; number <= kSignalNumberMax; ++number) {
    const char* name = sigabbrev_np(static_cast<int>(number));
    if (name != nullptr && text == name) return number;
  }
  return std::nullopt;
}

// "75" or "100-110".
bool AddCodes(std::string_view word, RangeSet& codes) {
  const size_t dash = word.find('-');
  const std::optional<uint32_t> first = Number(word.substr(0, dash));
  const std::optional<uint32_t> last =
      dash == std::string_view::npos ? first : Number(word.substr(dash + 1));
  if (!first || !last || *first == 0 || *first > *last || *last > kExitCodeMax) return false;
  codes.Add(*first, uint64_t{*last} + 1);
  return true;
}

bool AddWord(std::string_view word, RetryOn& on) {
  constexpr std::string_view kOneSignal = "signal:";
  if (word == "any") {
    on.any = true;
  } else if (word == "timeout") {
    on.timed_out = true;
  } else if (word == "not-started") {
    on.not_started = true;
  } else if (word == "signal") {
    on.signals.Add(1, kSignalNumberMax + 1);
  } else if (word.starts_with(kOneSignal)) {
    const std::optional<uint32_t> signal = SignalNumber(word.substr(kOneSignal.size()));
    if (!signal || *signal == 0 || *signal > kSignalNumberMax) return false;
    on.signals.Add(*signal);
  } else {
    return AddCodes(word, on.codes);
  }
  return true;
}

std::string WhyNot(std::string_view word) {
  const std::string quoted = "'" + Printable(word, kWordShownBytesMax) + "'";
  if (word == "0") return "with exit code 0 a task is ok; " + std::string(kExample);
  return quoted + " is no exit code from 1 to " + std::to_string(kExitCodeMax) +
         ", no range of them, and not timeout, signal, signal:N, not-started or any; " + kExample;
}

}  // namespace

bool RetryOn::Covers(v1::Status status, int32_t code) const {
  if (any) return true;
  switch (status) {
    case v1::FAILED:
      return code >= 0 && codes.Contains(static_cast<uint64_t>(code));
    case v1::SIGNALLED:
      return code >= 0 && signals.Contains(static_cast<uint64_t>(code));
    case v1::TIMED_OUT:
      return timed_out;
    case v1::NOT_STARTED:
      return not_started;
    default:
      return true;
  }
}

void RetryOn::PackInto(v1::Spec& spec) const {
  spec.clear_retry_on();
  if (any) return;
  v1::RetryOn& packed = *spec.mutable_retry_on();
  if (!codes.empty()) *packed.mutable_codes() = codes.Pack();
  if (!signals.empty()) *packed.mutable_signals() = signals.Pack();
  packed.set_timed_out(timed_out);
  packed.set_not_started(not_started);
}

RetryOn RetryOn::Of(const v1::Spec& spec) {
  RetryOn on;
  if (!spec.has_retry_on()) return on;
  const v1::RetryOn& packed = spec.retry_on();
  on.any = false;
  RangeSet::Unpack(packed.codes(), kExitCodeMax + 1, &on.codes);
  RangeSet::Unpack(packed.signals(), kSignalNumberMax + 1, &on.signals);
  on.timed_out = packed.timed_out();
  on.not_started = packed.not_started();
  return on;
}

std::optional<RetryOn> RetryOn::Parse(std::string_view text, std::string* why) {
  RetryOn on;
  on.any = false;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    const std::string_view word = text.substr(begin, end - begin);
    if (!AddWord(word, on)) {
      *why = WhyNot(word);
      return std::nullopt;
    }
    begin = end + 1;
  }
  return on;
}

bool RetryOn::IsValid(const v1::RetryOn& packed) {
  return RangeSet::IsValid(packed.codes(), kExitCodeMax + 1) &&
         RangeSet::IsValid(packed.signals(), kSignalNumberMax + 1);
}

}  // namespace fanmill
