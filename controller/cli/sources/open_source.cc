#include "controller/cli/sources/open_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "controller/cli/command.h"
#include "controller/cli/sources/grouped_source.h"
#include "controller/cli/sources/jsonl_source.h"
#include "controller/cli/sources/line_source.h"
#include "controller/cli/sources/number_source.h"
#include "controller/cli/sources/table_source.h"
#include "controller/cli/sources/value_lists.h"
#include "lib/core/template.h"
#include "lib/io/process.h"

namespace fanmill::cli {
namespace {

absl::Status Wrong(const std::string& sentence) { return absl::InvalidArgumentError(sentence); }

absl::StatusOr<FileDescriptor> OpenFile(const std::string& path) {
  const auto failed = [&path](const std::string& why) {
    return Wrong(absl::StrCat("cannot read ", path, ": ", why));
  };
  FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return failed(ErrorText(errno));
  struct stat status = {};
  if (fstat(file.get(), &status) == 0 && S_ISDIR(status.st_mode)) {
    return failed("it is a directory, and each line of a file is one task");
  }
  return file;
}

absl::Status CheckStdin(bool commands) {
  if (fcntl(STDIN_FILENO, F_GETFD) < 0) {
    return Wrong(
        "stdin is closed, and values would come from there: give them with -a FILE, --array or "
        ":::, or open stdin, such as with < FILE");
  }
  if (isatty(STDIN_FILENO) != 0) {
    Say(absl::StrCat("reading ", commands ? "shell commands" : "tasks",
                     " from the terminal, one per line; Ctrl-D ends them"));
  }
  return absl::OkStatus();
}

bool Reads(const BatchOptions& options) {
  return options.csv || !options.colsep.empty() || options.jsonl || options.nul;
}

absl::Status CheckLists(const BatchOptions& options, const std::vector<ValueList>& lists) {
  if (lists.empty()) return absl::OkStatus();
  if (!options.file.empty() || !options.array.empty()) {
    return Wrong(absl::StrCat("values come from ::: or from ",
                              options.file.empty() ? "--array" : "-a FILE", ", not from both"));
  }
  if (Reads(options)) {
    return Wrong(
        "-0, --csv, --colsep and --jsonl are for values of stdin or of -a FILE, not of "
        ":::");
  }
  if (options.per_task > 1 && lists.size() > 1) {
    return Wrong("-n is for the values of one ::: alone: several have a value each for every task");
  }
  return absl::OkStatus();
}

// With --header the first value of each list is its name.
absl::Status TakeListNames(std::vector<ValueList>& lists, std::vector<std::string>& names) {
  for (ValueList& list : lists) {
    if (list.values.empty()) return Wrong("--header: after a ::: there is no name");
    names.push_back(std::move(list.values.front()));
    list.values.erase(list.values.begin());
  }
  return absl::OkStatus();
}

// Of JSON: what COMMAND and --expect call by name.
absl::StatusOr<JsonlWanted> WantedOf(const BatchOptions& options, const client::BatchSpec& spec) {
  JsonlWanted wanted;
  const auto has = [&wanted](const std::string& key) {
    return std::find(wanted.keys.begin(), wanted.keys.end(), key) != wanted.keys.end();
  };
  for (const std::string& word : spec.argv) {
    for (const std::string& name : NamesIn(word)) {
      if (!has(name)) wanted.keys.push_back(name);
    }
  }
  const Template command({spec.argv, spec.shell, spec.replace, true, wanted.keys});
  if (!wanted.keys.empty() &&
      (command.takes_all() || command.values_needed() > wanted.keys.size())) {
    return Wrong(absl::StrCat("COMMAND has {", wanted.keys[0],
                              "} and also a placeholder without a name: with --jsonl take either "
                              "keys of the object, or the whole line with {}"));
  }
  const std::optional<std::string> column = options.ExpectColumn();
  const bool is_name =
      column && !column->empty() && !ValueIndex(*column, {{}, false, "", true, {}});
  if (is_name && !has(*column)) wanted.last_key = *column;
  return wanted;
}

absl::StatusOr<std::unique_ptr<ValueSource>> SourceOf(const BatchOptions& options, LineReader lines,
                                                      client::BatchSpec& spec) {
  if (options.jsonl) {
    absl::StatusOr<JsonlWanted> wanted = WantedOf(options, spec);
    if (!wanted.ok()) return wanted.status();
    spec.names = wanted->keys;
    return std::make_unique<JsonlSource>(std::move(lines), *std::move(wanted));
  }
  if (!options.csv && options.colsep.empty()) return std::make_unique<LineSource>(std::move(lines));
  TableFormat format;
  format.quotes = options.csv;
  if (!options.colsep.empty()) {
    format.separator = absl::StrReplaceAll(options.colsep, {{"\\t", "\t"}});
  }
  if (format.quotes && (format.separator.size() != 1 || format.separator == "\"")) {
    return Wrong("--colsep: with --csv it is one character, and no quote");
  }
  return std::make_unique<TableSource>(std::move(lines), std::move(format));
}

absl::StatusOr<OpenedSource> OpenLists(const BatchOptions& options, std::vector<ValueList> lists) {
  OpenedSource opened;
  if (options.header) {
    if (absl::Status named = TakeListNames(lists, opened.names); !named.ok()) return named;
  }
  opened.width = lists.size();
  opened.if_empty = "after a ::: there are no values";
  opened.source = std::make_unique<ListSource>(std::move(lists));
  return opened;
}

absl::StatusOr<OpenedSource> OpenInput(const BatchOptions& options, client::BatchSpec& spec) {
  OpenedSource opened;
  std::string name = options.file;
  if (name.empty() || name == "-") {
    name = "stdin";
    if (absl::Status usable = CheckStdin(options.command.empty()); !usable.ok()) return usable;
  } else {
    absl::StatusOr<FileDescriptor> file = OpenFile(name);
    if (!file.ok()) return file.status();
    opened.file = *std::move(file);
  }
  LineReader lines(opened.file.get() < 0 ? STDIN_FILENO : opened.file.get(), name,
                   options.nul ? LineEnd::kNul : LineEnd::kNewline);
  opened.if_empty = absl::StrCat(name, options.nul ? " has no values" : " has no lines");
  auto source = SourceOf(options, std::move(lines), spec);
  if (!source.ok()) return source.status();
  opened.source = *std::move(source);
  const bool columns = options.csv || !options.colsep.empty() || options.jsonl;
  opened.width = columns ? 0 : 1;
  return opened;
}

absl::StatusOr<OpenedSource> OpenArray(const std::string& text) {
  absl::StatusOr<ArrayRange> range = ParseArray(text);
  if (!range.ok()) return range.status();
  OpenedSource opened;
  opened.range = *range;
  opened.width = 1;
  opened.source = std::make_unique<NumberSource>(*range);
  return opened;
}

}  // namespace

absl::StatusOr<OpenedSource> OpenSource(const BatchOptions& options, client::BatchSpec& spec) {
  absl::StatusOr<CommandAndLists> words = SplitValueLists(options.command);
  if (!words.ok()) return words.status();
  if (absl::Status lists = CheckLists(options, words->lists); !lists.ok()) return lists;
  spec.packed = options.csv || !options.colsep.empty() || options.jsonl || options.header ||
                options.per_task > 1 || words->lists.size() > 1;
  if (spec.packed && options.handler == "sleep") {
    return Wrong("--handler sleep takes one value for each task: how long to sleep");
  }
  if (spec.packed && words->command.empty() && options.handler == "exec") {
    return Wrong("COMMAND is missing: only one value for each task can be a command itself");
  }
  absl::StatusOr<OpenedSource> opened = !words->lists.empty()
                                            ? OpenLists(options, std::move(words->lists))
                                        : options.array.empty() ? OpenInput(options, spec)
                                                                : OpenArray(options.array);
  if (!opened.ok() || options.per_task == 1) return opened;
  opened->source = std::make_unique<GroupedSource>(std::move(opened->source), options.per_task);
  opened->width = options.per_task;
  opened->range.reset();
  return opened;
}

}  // namespace fanmill::cli
