#include "controller/cli/halt.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "lib/core/printable.h"

namespace fanmill::cli {
namespace {

constexpr size_t kTextShownBytesMax = 60;

}  // namespace

absl::StatusOr<Halt> Halt::Parse(const std::string& text) {
  Halt halt;
  if (text == "never") return halt;
  absl::string_view rest = text;
  if (absl::ConsumePrefix(&rest, "now,")) {
    halt.how_ = How::kNow;
  } else if (absl::ConsumePrefix(&rest, "soon,")) {
    halt.how_ = How::kSoon;
  }
  halt.on_ok_ = absl::ConsumePrefix(&rest, "success=");
  const bool known = halt.on_ok_ || absl::ConsumePrefix(&rest, "fail=");
  const bool percent = absl::ConsumeSuffix(&rest, "%");
  uint64_t& number = percent ? halt.percent_ : halt.count_;
  const bool digits = rest.find_first_not_of("0123456789") == absl::string_view::npos;
  const bool counts =
      digits && absl::SimpleAtoi(rest, &number) && number > 0 && !(percent && number > 100);
  if (halt.how_ != How::kNever && known && counts) return halt;
  return absl::InvalidArgumentError(
      absl::StrCat("--halt '", Printable(text, kTextShownBytesMax),
                   "' is not WHEN,WHY=N or WHEN,WHY=N%: write soon,fail=1 to end in peace at the "
                   "first failure, now,fail=10% to kill once a tenth failed, now,success=1 at the "
                   "first success, or never"));
}

Halt::How Halt::OnEnd(bool ok) {
  ++ended_;
  if (ok == on_ok_) ++such_;
  const bool reached =
      percent_ > 0 ? such_ >= kForPercentMin && such_ * 100 >= percent_ * ended_ : such_ >= count_;
  due_ = due_ || (how_ != How::kNever && reached);
  return due_ ? how_ : How::kNever;
}

std::string Halt::Why() const {
  return absl::StrCat(such_, such_ == 1 ? " task" : " tasks", on_ok_ ? " succeeded" : " failed",
                      percent_ > 0 ? absl::StrCat(", of ", ended_, " that ended") : "");
}

}  // namespace fanmill::cli
