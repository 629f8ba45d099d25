// CommandMaker: the commands of one batch's tasks. What is the same for all of them, the
// environment and where the program is, is found once.
#ifndef FANMILL_WORKER_HANDLERS_EXEC_COMMAND_H_
#define FANMILL_WORKER_HANDLERS_EXEC_COMMAND_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "lib/core/local.h"
#include "lib/core/template.h"
#include "worker/spawn.h"

namespace fanmill {

// The environment entry that all processes of a batch's tasks have, and what they start.
std::string BatchMark(uint32_t batch);
// What only this attempt has all of.
std::vector<std::string> AttemptMarks(uint32_t batch, const TaskToRun& task);

class CommandMaker {
 public:
  // `worker_environment` is what tasks inherit, where the spec sets nothing else.
  CommandMaker(uint32_t batch, std::shared_ptr<const pb::Spec> spec,
               const std::vector<std::string>& worker_environment);

  const std::shared_ptr<const pb::Spec>& spec() const { return spec_; }

  // Makes command() the one of this task in this slot. Empty, or why there is none, for a person.
  std::string Make(const TaskToRun& task, uint32_t slot);
  const Command& command() const { return command_; }

 private:
  std::string CheckSpec() const;
  std::string FindProgram(const std::string& name);
  void MakeEnvironment(uint32_t batch, const std::vector<std::string>& worker_environment);

  std::shared_ptr<const pb::Spec> spec_;
  Template template_;
  std::string search_path_;
  std::string spec_error_;
  std::string found_name_;  // whose path is in command_.program; empty: of none
  Command command_;
  size_t task_variables_;  // index of FANMILL_TASK_ID in command_.env; the others follow
};

}  // namespace fanmill

#endif  // FANMILL_WORKER_HANDLERS_EXEC_COMMAND_H_
