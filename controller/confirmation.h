// Confirmation: who has said that nothing of a kill's target runs with it any more, whose word is
// waited for, and who is named because nobody waits for it any longer. R92, R102
//
//   owed --a receipt, its own or its guardian's (R104)--> given
//    |                                                      ^
//    +--silent for a lease, or dead without one--> lacking -+
//
// Silence and death confirm nothing: what such a worker ran may still run.
#ifndef FANMILL_CONTROLLER_CONFIRMATION_H_
#define FANMILL_CONTROLLER_CONFIRMATION_H_

#include <cstdint>
#include <string>
#include <vector>

#include "controller/batch_life.h"
#include "controller/membership.h"

namespace fanmill::control {

enum class Confirmation { kGiven, kOwed, kLacking };

// Of one batch, or (nullptr) of everything that the member ever ran.
Confirmation ConfirmationOf(const Member& member, const Batch* batch);

// Live workers that have not confirmed the batch's kill. A worker that came after the kill owes it
// too: it may be one that was thought gone. R92
std::vector<const Member*> OwedReceipts(const Batch& batch, const Membership& members);
bool AllReceipts(const Batch& batch, const Membership& members);

// Those who served the batch and lack, as they are remembered after its end: number and name.
std::vector<pb::Member> Unconfirmed(const Batch& batch, const Membership& members);
// Of those the ones that have confirmed nothing since, with what is known of them now.
std::vector<pb::Member> StillUnconfirmed(const std::vector<pb::Member>& lacking,
                                         const Membership& members, Instant now);

// "worker 2 (b), worker 5 (e) and 3 more".
std::string OwedText(const std::vector<const Member*>& owed);
// "worker 2 (b) did not confirm that nothing of it runs any more"; empty for nobody.
std::string LackingText(const std::vector<pb::Member>& lacking);

}  // namespace fanmill::control

#endif  // FANMILL_CONTROLLER_CONFIRMATION_H_
