#include "worker/handlers/exec_command.h"

#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "lib/core/printable.h"

namespace fanmill {
namespace {

constexpr char kDefaultPath[] = "/usr/local/bin:/usr/bin:/bin";
constexpr size_t kShownBytesMax = 60;

std::string_view NameOf(std::string_view entry) { return entry.substr(0, entry.find('=')); }

bool IsEntry(std::string_view entry) {
  const size_t equals = entry.find('=');
  return equals != std::string_view::npos && equals > 0 &&
         entry.find('\0') == std::string_view::npos;
}

Recipe RecipeOf(const pb::Spec& spec) {
  return {{spec.argv().begin(), spec.argv().end()},
          spec.shell(),
          spec.replace(),
          spec.packed(),
          {spec.names().begin(), spec.names().end()}};
}

// People count from 1.
std::string TaskEntry(const TaskToRun& task) {
  return "FANMILL_TASK_ID=" + std::to_string(task.task + 1);
}

std::string AttemptEntry(const TaskToRun& task) {
  return "FANMILL_ATTEMPT=" + std::to_string(task.attempt);
}

}  // namespace

std::string BatchMark(uint32_t batch) { return "FANMILL_BATCH_ID=" + std::to_string(batch); }

std::vector<std::string> AttemptMarks(uint32_t batch, const TaskToRun& task) {
  return {BatchMark(batch), TaskEntry(task), AttemptEntry(task)};
}

CommandMaker::CommandMaker(uint32_t batch, std::shared_ptr<const pb::Spec> spec,
                           const std::vector<std::string>& worker_environment)
    : spec_(std::move(spec)),
      template_(RecipeOf(*spec_)),
      search_path_(kDefaultPath),
      spec_error_(CheckSpec()) {
  command_.cwd = spec_->cwd();
  if (spec_error_.empty()) MakeEnvironment(batch, worker_environment);
}

std::string CommandMaker::CheckSpec() const {
  if (spec_->cwd().find('\0') != std::string::npos) {
    return "the batch's working directory has a NUL byte; choose another with --cwd";
  }
  for (const std::string& entry : spec_->env()) {
    if (!IsEntry(entry)) {
      return "the batch's environment entry \"" + Printable(entry, kShownBytesMax) +
             "\" is not NAME=VALUE; correct it and submit the batch again";
    }
  }
  return "";
}

// Later entries win: the worker's, the batch's, ours.
void CommandMaker::MakeEnvironment(uint32_t batch,
                                   const std::vector<std::string>& worker_environment) {
  std::map<std::string, std::string, std::less<>> entries;
  for (const std::string& entry : worker_environment) {
    if (IsEntry(entry)) entries.insert_or_assign(std::string(NameOf(entry)), entry);
  }
  for (const std::string& entry : spec_->env()) {
    entries.insert_or_assign(std::string(NameOf(entry)), entry);
  }
  for (const char* ours : {"FANMILL_TASK_ID", "FANMILL_ATTEMPT", "FANMILL_SLOT"}) {
    entries.erase(ours);
  }
  entries.insert_or_assign("FANMILL_BATCH_ID", BatchMark(batch));
  for (auto& [name, entry] : entries) {
    if (name == "PATH") search_path_ = entry.substr(sizeof("PATH=") - 1);
    command_.env.push_back(std::move(entry));
  }
  task_variables_ = command_.env.size();
  command_.env.resize(task_variables_ + 3);
}

std::string CommandMaker::Make(const TaskToRun& task, uint32_t slot) {
  if (!spec_error_.empty()) return spec_error_;
  const uint64_t task_number = task.task + 1;  // people count from 1
  const uint32_t slot_number = slot + 1;
  const auto value = task.payload.data() == nullptr ? std::nullopt : std::optional(task.payload);
  Expanded expanded = template_.Expand(value, task_number, slot_number);
  if (!expanded.error.empty()) return "cannot start the task: " + expanded.error;
  const std::string name = spec_->shell() ? "/bin/sh" : expanded.argv[0];
  if (std::string error = FindProgram(name); !error.empty()) return error;
  command_.argv = std::move(expanded.argv);
  command_.env[task_variables_] = TaskEntry(task);
  command_.env[task_variables_ + 1] = AttemptEntry(task);
  command_.env[task_variables_ + 2] = "FANMILL_SLOT=" + std::to_string(slot_number);
  return "";
}

// What was not found is looked for again with the next task: somebody may have installed it.
std::string CommandMaker::FindProgram(const std::string& name) {
  if (!found_name_.empty() && name == found_name_) return "";
  Resolved resolved = Resolve(name, search_path_, command_.cwd);
  if (resolved.failure.error != 0) return resolved.failure.text;
  found_name_ = name;
  command_.program = std::move(resolved.path);
  return "";
}

}  // namespace fanmill
