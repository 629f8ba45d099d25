#include "controller/cli/output/text_printer.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "controller/cli/stdout.h"

namespace fanmill::cli {
namespace {

constexpr size_t kTaggedBytesMax = 64 << 10;  // put together before they are written

absl::Status Write(bool to_stderr, const std::string& text) {
  if (text.empty()) return absl::OkStatus();
  if (!to_stderr) return WriteStdout(text);
  // On one terminal, a task's stdout is seen before its stderr.
  if (absl::Status flushed = FlushStdout(); !flushed.ok()) return flushed;
  return WriteStderr(text);
}

}  // namespace

absl::Status TextPrinter::Take(const client::Result& result, const std::string* payload) {
  // That is Fanmill's word and no output; it stands among the failures, once for each cause.
  if (result.status == "not_started" || result.status == "lost") return absl::OkStatus();
  if (tag_) return TakeTagged(result, payload);
  if (result.part) return Write(result.is_stderr, result.text);
  if (absl::Status written = Write(false, result.out); !written.ok()) return written;
  return Write(true, result.err);
}

absl::Status TextPrinter::Flush() { return FlushStdout(); }

absl::Status TextPrinter::TakeTagged(const client::Result& result, const std::string* payload) {
  const std::string tag = TagOf(result.task, payload);
  if (result.part) {
    return (result.is_stderr ? err_ : out_).Print(result.is_stderr, tag, result.text);
  }
  // Outputs that came in parts end here too.
  absl::Status written = out_.Print(false, tag, result.out);
  if (written.ok()) written = out_.End(false);
  if (written.ok()) written = err_.Print(true, tag, result.err);
  if (written.ok()) written = err_.End(true);
  return written;
}

std::string TextPrinter::TagOf(uint64_t task, const std::string* payload) const {
  if (payload == nullptr) return absl::StrCat(task + 1, "\t");
  std::string tag = absl::StrJoin(words_.ValuesOf(*payload), " ");
  std::replace(tag.begin(), tag.end(), '\n', ' ');  // one line stays one
  return tag + "\t";
}

absl::Status TextPrinter::TaggedLines::Print(bool to_stderr, std::string_view tag,
                                             std::string_view text) {
  std::string lines;
  while (!text.empty()) {
    const size_t newline = text.find('\n');
    const std::string_view line =
        text.substr(0, newline == std::string_view::npos ? newline : newline + 1);
    if (!in_line_) lines.append(tag);
    lines.append(line);
    in_line_ = newline == std::string_view::npos;
    text.remove_prefix(line.size());
    if (lines.size() < kTaggedBytesMax) continue;
    if (absl::Status written = Write(to_stderr, lines); !written.ok()) return written;
    lines.clear();
  }
  return Write(to_stderr, lines);
}

absl::Status TextPrinter::TaggedLines::End(bool to_stderr) {
  if (!in_line_) return absl::OkStatus();
  in_line_ = false;
  return Write(to_stderr, "\n");
}

}  // namespace fanmill::cli
