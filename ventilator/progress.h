// How a batch stands, as the controller and people are told, and why nothing of it moves.
#ifndef FANMILL_VENTILATOR_PROGRESS_H_
#define FANMILL_VENTILATOR_PROGRESS_H_

#include "ventilator/lanes.h"
#include "ventilator/mill.h"
#include "ventilator/room.h"

namespace fanmill::ventilator {

// Empty: it moves, or it has ended.
std::string WaitingFor(Instant now, const Mill& mill, const Lanes& lanes, const Room& room,
                       const BatchTasks& batch);

pb::BatchProgress Progress(Instant now, const Mill& mill, const Lanes& lanes, const Room& room,
                           const BatchTasks& batch);

}  // namespace fanmill::ventilator

#endif  // FANMILL_VENTILATOR_PROGRESS_H_
