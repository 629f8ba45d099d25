// What is said when the process of `fanmill run` that does the work was killed: by a task, by
// somebody else, or by the kernel where memory ran out. Who it was nobody can tell.
#ifndef FANMILL_CONTROLLER_RUN_SUDDEN_DEATH_H_
#define FANMILL_CONTROLLER_RUN_SUDDEN_DEATH_H_

#include <string>

#include "worker/guardian.h"
#include "worker/slot_table.h"

namespace fanmill::cli {

// One sentence for a person, with the numbers of the tasks that ran. Empty: it ended by itself, and
// has said why.
std::string WordsOfDeath(const Death& death, const SlotTable& table);

}  // namespace fanmill::cli

#endif  // FANMILL_CONTROLLER_RUN_SUDDEN_DEATH_H_
