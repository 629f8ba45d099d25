#include "controller/cli/output/output_options.h"

#include "lib/io/flags.h"

namespace fanmill::cli {

void OutputOptions::AddTo(CLI::App& app) {
  app.add_flag("-k,--keep-order", keep_order,
               "print outputs in the order of the tasks, not in that in which they end");
  app.add_flag("--tag", tag, "begin each line of output with the task's values and a tab");
  OneOf(
      app.add_option("--output", format,
                     "to stdout: text (what the tasks wrote), or jsonl (one JSON object per task)"),
      {"text", "jsonl"});
  app.add_option(
         "--results", results,
         "write outputs to files in DIR (new, or empty), and not to stdout unless -k, --tag "
         "or --output asks for that too: DIR/000/000017.out and .err for task 17, and "
         "DIR/index.jsonl")
      ->check(NotEmpty)
      ->type_name("DIR");
  app.add_option("--joblog", joblog, "log each task that ends in FILE, as GNU parallel does")
      ->check(NotEmpty)
      ->type_name("FILE");
}

absl::Status OutputOptions::Check() const {
  if (tag && prints_json()) {
    return absl::InvalidArgumentError(
        "--tag is for text: with --output jsonl each line has its task's values anyway");
  }
  return absl::OkStatus();
}

bool OutputOptions::any() const {
  return keep_order || tag || !format.empty() || !results.empty() || !joblog.empty();
}

}  // namespace fanmill::cli
