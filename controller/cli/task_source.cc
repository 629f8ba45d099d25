#include "controller/cli/task_source.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "controller/cli/command.h"
#include "controller/cli/sources/open_source.h"
#include "lib/core/duration_text.h"
#include "lib/core/limits.h"
#include "lib/core/printable.h"
#include "lib/core/template.h"
#include "lib/core/values.h"

namespace fanmill::cli {
namespace {

constexpr Duration kPauseOfWriter = Millis(20);  // what it wrote before goes out meanwhile
constexpr Duration kLookAgain = Seconds(1);
constexpr size_t kValueShownBytesMax = 40;
constexpr size_t kNamesShownBytesMax = 400;
constexpr size_t kMicrosDigitsMax = 15;

absl::Status Wrong(const std::string& sentence) { return absl::InvalidArgumentError(sentence); }

std::string Quoted(std::string_view text) {
  return absl::StrCat("'", Printable(text, kValueShownBytesMax), "'");
}

std::string Listed(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) absl::StrAppend(&list, list.empty() ? "" : ", ", name);
  return Printable(list, kNamesShownBytesMax);
}

absl::Status CheckNames(const std::vector<std::string>& names) {
  if (names.size() > static_cast<size_t>(kNamesPerSpecMax)) {
    return Wrong(absl::StrCat("--header: there are ", names.size(), " names; the most is ",
                              kNamesPerSpecMax));
  }
  for (const std::string& name : names) {
    if (name.size() > kNameBytesMax) {
      return Wrong(absl::StrCat("--header: the name ", Quoted(name), " has ", name.size(),
                                " bytes; the most is ", kNameBytesMax));
    }
    if (!IsUtf8(name)) {
      return Wrong(absl::StrCat("--header: the name ", Quoted(name),
                                " is not UTF-8; is that the line of names? iconv converts a file"));
    }
  }
  return absl::OkStatus();
}

// Of what COMMAND or --expect calls by name.
absl::Status CheckName(const std::string& user, const std::string& name,
                       const std::vector<std::string>& names) {
  const auto count = std::count(names.begin(), names.end(), name);
  if (count == 1) return absl::OkStatus();
  if (count > 1) {
    return Wrong(absl::StrCat(user, " has {", name, "}, but ", count, " columns are called that"));
  }
  return Wrong(absl::StrCat(user, " has {", name, "}, but the columns are: ", Listed(names)));
}

}  // namespace

absl::StatusOr<std::string> SleepValue(std::string_view text) {
  const bool digits = !text.empty() && std::all_of(text.begin(), text.end(),
                                                   [](char c) { return c >= '0' && c <= '9'; });
  if (digits && text.size() <= kMicrosDigitsMax) return std::string(text);
  if (!digits && !text.empty() && std::string_view("smh").find(text.back()) != text.npos) {
    if (const std::optional<Duration> duration = ParseDuration(text)) {
      return absl::StrCat(duration->count());
    }
  }
  return Wrong(absl::StrCat(Quoted(text),
                            " is not how long to sleep: --handler sleep takes "
                            "microseconds (1500), or a duration (50ms, 1.5s, 2m)"));
}

Recipe RecipeOf(const client::BatchSpec& spec) {
  return {spec.argv, spec.shell, spec.replace, spec.packed, spec.names};
}

absl::StatusOr<TaskSource> TaskSource::Open(const BatchOptions& options, client::BatchSpec& spec) {
  TaskSource source;
  source.sleep_ = options.handler == "sleep";
  absl::StatusOr<OpenedSource> opened = OpenSource(options, spec);
  if (!opened.ok()) return opened.status();
  source.file_ = std::move(opened->file);
  source.source_ = std::move(opened->source);
  source.if_empty_ = std::move(opened->if_empty);
  source.packed_ = spec.packed;
  if (options.header) {
    if (absl::Status named = source.TakeNames(spec, opened->names); !named.ok()) return named;
  }
  const Recipe recipe = RecipeOf(spec);
  source.values_needed_ = Template(recipe).values_needed();
  const size_t width = options.header ? spec.names.size() : opened->width;
  if (width > 0 && source.values_needed_ > width) {
    return Wrong(absl::StrCat("COMMAND has {", source.values_needed_, "}, but a task has ", width,
                              width == 1 ? " value" : " values"));
  }
  if (width > 0) source.values_needed_ = 0;  // -n: the last task may have fewer
  if (absl::Status cost = source.TakeCost(options, recipe); !cost.ok()) return cost;
  const bool values_are_payloads = !spec.packed && !source.cost_index_.has_value();
  source.plain_ = values_are_payloads && !source.sleep_;
  if (values_are_payloads) source.range_ = opened->range;
  return source;
}

absl::Status TaskSource::TakeNames(client::BatchSpec& spec, const std::vector<std::string>& names) {
  spec.names = names;
  while (spec.names.empty()) {
    const absl::StatusOr<Got> got = source_->Next(kLookAgain, values_);
    if (!got.ok()) return got.status();
    if (*got == Got::kEnd) return Wrong("--header: " + if_empty_ + ", so there are no names");
    if (*got == Got::kOne) spec.names.assign(values_.begin(), values_.end());
  }
  if (absl::Status checked = CheckNames(spec.names); !checked.ok()) return checked;
  for (const std::string& word : spec.argv) {
    for (const std::string& name : NamesIn(word)) {
      if (absl::Status known = CheckName("COMMAND", name, spec.names); !known.ok()) return known;
    }
  }
  return absl::OkStatus();
}

absl::Status TaskSource::TakeCost(const BatchOptions& options, const Recipe& recipe) {
  const std::optional<std::string> column = options.ExpectColumn();
  if (!column.has_value()) return absl::OkStatus();
  if (column->empty() && recipe.packed) {
    return Wrong("--expect {}: a task has several values; write which, such as {1}");
  }
  cost_index_ = column->empty() ? 0 : ValueIndex(*column, recipe);
  if (cost_index_.has_value()) return absl::OkStatus();
  if (options.jsonl) {
    cost_index_ = kLastValue;
    return absl::OkStatus();
  }
  if (recipe.names.empty()) {
    return Wrong(absl::StrCat("--expect {", Printable(*column, kValueShownBytesMax),
                              "}: a task has no such value; names come from --header"));
  }
  return CheckName("--expect", *column, recipe.names);
}

absl::StatusOr<Got> TaskSource::Next(Duration timeout, Task& task) {
  const absl::StatusOr<Got> got = source_->Next(timeout, values_);
  if (!got.ok() || *got != Got::kOne) return got;
  if (plain_) {
    task = {values_[0], std::nullopt};
    return got;
  }
  if (absl::Status made = MakeTask(task); !made.ok()) {
    return absl::Status(made.code(), absl::StrCat(source_->Where(), ": ", made.message()));
  }
  return got;
}

absl::Status TaskSource::MakeTask(Task& task) {
  absl::StatusOr<std::optional<Duration>> cost = TakeCostOfTask();
  if (!cost.ok()) return cost.status();
  task.cost = *cost;
  if (values_needed_ > values_.size()) {
    return Wrong(absl::StrCat("COMMAND has {", values_needed_, "}, but here ",
                              values_.size() == 1 ? "is " : "are ", values_.size(),
                              values_.size() == 1 ? " value" : " values"));
  }
  if (packed_) {
    payload_.clear();
    for (const std::string_view value : values_) PackValue(value, payload_);
  } else if (sleep_) {
    absl::StatusOr<std::string> value = SleepValue(values_[0]);
    if (!value.ok()) return value.status();
    payload_ = *std::move(value);
  } else {
    task.payload = values_[0];
    return absl::OkStatus();
  }
  task.payload = payload_;
  return absl::OkStatus();
}

absl::StatusOr<std::optional<Duration>> TaskSource::TakeCostOfTask() {
  if (!cost_index_.has_value()) return std::optional<Duration>();
  const bool is_last = *cost_index_ == kLastValue;
  const size_t index = is_last ? values_.size() - 1 : *cost_index_;
  if (index >= values_.size()) {
    return Wrong(absl::StrCat("--expect {", index + 1, "}: here is no such value"));
  }
  const std::string_view text = values_[index];
  const std::optional<Duration> cost = ParseDuration(text);
  if (!cost.has_value()) {
    return Wrong(absl::StrCat("--expect: ", Quoted(text),
                              " is no duration: 50ms, 2m or a number of seconds"));
  }
  if (is_last) values_.pop_back();
  return cost;
}

absl::Status TaskSource::AddTo(client::BatchWriter& writer,
                               const std::function<bool()>& interrupted, const OnTask& on_task) {
  if (range_.has_value()) return writer.AddRange(range_->first, range_->step, range_->count);
  absl::Status added = AddOneByOne(writer, interrupted, on_task);
  if (added.ok() && writer.added() == 0) Say("there are no tasks: " + if_empty_);
  return added;
}

absl::Status TaskSource::AddOneByOne(client::BatchWriter& writer,
                                     const std::function<bool()>& interrupted,
                                     const OnTask& on_task) {
  Task task;
  while (!interrupted()) {
    const absl::StatusOr<Got> got = Next(kPauseOfWriter, task);
    if (!got.ok()) return got.status();
    if (*got == Got::kEnd) return absl::OkStatus();
    if (*got == Got::kOne && on_task) on_task(writer.added(), task.payload);
    absl::Status added = *got == Got::kOne ? writer.Add(task.payload, task.cost) : writer.Flush();
    if (!added.ok()) return added;
  }
  return absl::CancelledError("interrupted");
}

TaskSource::OnTask Remembering(const TaskSource& source, TaskValues& values) {
  if (const std::optional<ArrayRange>& range = source.range(); range.has_value()) {
    values.AddRange(0, range->first, range->step, range->count);
    return nullptr;
  }
  return [&values](uint64_t task, std::string_view payload) { values.Add(task, payload); };
}

}  // namespace fanmill::cli
