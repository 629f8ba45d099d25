// The words people read for the enums of the wire, and which phases are ends. Numbers that we do
// not know have a word too.
#ifndef FANMILL_LIB_CORE_NAMES_H_
#define FANMILL_LIB_CORE_NAMES_H_

#include <string_view>

#include "proto/fanmill.pb.h"

namespace fanmill {

std::string_view RoleName(v1::Role role);
std::string_view StatusName(v1::Status status);
std::string_view PhaseName(v1::BatchPhase phase);
// "full", "os", "memory", as in --durability.
std::string_view DurabilityName(v1::Durability durability);
// Nothing moves a batch out of it any more.
bool IsEnd(v1::BatchPhase phase);

}  // namespace fanmill

#endif  // FANMILL_LIB_CORE_NAMES_H_
