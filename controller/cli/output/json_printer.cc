#include "controller/cli/output/json_printer.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "controller/cli/output/task_json.h"
#include "controller/cli/stdout.h"

namespace fanmill::cli {

absl::Status JsonPrinter::Take(const client::Result& result, const std::string* payload) {
  if (result.part) {
    absl::StatusOr<TextStore::Text> part = store_.Put(result.text);
    if (!part.ok()) return part.status();
    (result.is_stderr ? err_ : out_).parts.push_back(*std::move(part));
    return absl::OkStatus();
  }
  absl::Status printed = WriteStdout(JsonHead(result, payload, words_));
  if (printed.ok()) printed = PrintStream(out_, result.out);
  if (printed.ok()) printed = PrintStream(err_, result.err);
  if (!printed.ok()) return printed;
  return WriteStdout(result.dropped > 0 ? absl::StrCat(",\"dropped_bytes\":", result.dropped, "}\n")
                                        : "}\n");
}

absl::Status JsonPrinter::Flush() { return FlushStdout(); }

absl::Status JsonPrinter::PrintStream(Stream& stream, const std::string& rest) {
  JsonString string;
  absl::Status printed = WriteStdout(absl::StrCat(",\"", stream.key, "\":", string.Begin()));
  for (TextStore::Text& part : stream.parts) {
    absl::StatusOr<std::string> text = store_.Take(std::move(part));
    if (!text.ok()) return text.status();
    if (printed.ok()) printed = WriteStdout(string.Next(*text));
  }
  stream.parts.clear();
  if (printed.ok()) printed = WriteStdout(string.Next(rest));
  return printed.ok() ? WriteStdout(string.End()) : printed;
}

}  // namespace fanmill::cli
