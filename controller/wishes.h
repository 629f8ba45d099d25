// Wishes: what was asked of the whole cluster, and its stage.
//
//   RUN --DRAIN--> workers leave (1) --> the ventilator too (2) --> the sink too (3) --> over
//    |                                                                        ^
//    +---KILL (also over a DRAIN)-------- the same stages --------------------+
#ifndef FANMILL_CONTROLLER_WISHES_H_
#define FANMILL_CONTROLLER_WISHES_H_

#include <cstdint>

#include "controller/membership.h"
#include "proto/records.pb.h"

namespace fanmill::control {

class Wishes {
 public:
  // Every kill and every cluster wish has its own, rising over restarts.
  uint64_t NewGeneration() { return ++last_generation_; }
  void SawGeneration(uint64_t generation);
  uint64_t last_generation() const { return last_generation_; }

  // A durable wish becomes state. False when it changes nothing: a KILL is not taken back.
  bool Apply(const pb::ClusterWish& wish);
  // Back to RUN, at a recovery after a shutdown that was over.
  void Reset();
  // Moves the stage as far as membership allows; returns whether it moved. R102
  bool Advance(const Membership& members);

  pb::Wish wish() const { return wish_; }
  uint64_t generation() const { return generation_; }
  uint32_t stage() const { return stage_; }
  bool over() const { return over_; }  // everybody has left or is gone

  // The strongest wish that is written, perhaps not durable yet.
  pb::Wish asked() const { return asked_; }
  void Ask(pb::Wish wish) { asked_ = wish; }

 private:
  uint64_t last_generation_ = 0;
  pb::Wish asked_ = pb::RUN;
  pb::Wish wish_ = pb::RUN;
  uint64_t generation_ = 0;
  uint32_t stage_ = 0;
  bool over_ = false;
};

}  // namespace fanmill::control

#endif  // FANMILL_CONTROLLER_WISHES_H_
