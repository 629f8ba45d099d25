// RetryOn: which failures of a task are worth a further attempt (R107). People write words with
// commas between them:
//
//   75  100-110                       these exit codes
//   timeout                           stopped at the batch's timeout
//   signal  signal:9  signal:KILL     ended by any signal, by this one
//   not-started                       it could not be started
//   any                               all of these
#ifndef FANMILL_LIB_CORE_RETRY_ON_H_
#define FANMILL_LIB_CORE_RETRY_ON_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "lib/core/range_set.h"

namespace fanmill {

struct RetryOn {
  bool any = true;  // whatever the others say
  RangeSet codes;
  RangeSet signals;
  bool timed_out = false;
  bool not_started = false;

  // Whether an attempt that ended so is worth another. What no attempt can end as is.
  bool Covers(v1::Status status, int32_t code) const;
  void PackInto(v1::Spec& spec) const;
  static RetryOn Of(const v1::Spec& spec);  // REQUIRES: what it holds is valid
  // As above; nothing, and `why` gets the reason, when it is not written so.
  static std::optional<RetryOn> Parse(std::string_view text, std::string* why);
  static bool IsValid(const v1::RetryOn& packed);
};

}  // namespace fanmill

#endif  // FANMILL_LIB_CORE_RETRY_ON_H_
