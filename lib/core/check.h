// FANMILL_CHECK: what can be false only through our own bug. Says where, and aborts: a restart is
// better than a wrong answer. What comes off a wire, a disk or a command line is never checked so.
#ifndef FANMILL_LIB_CORE_CHECK_H_
#define FANMILL_LIB_CORE_CHECK_H_

#include <cstdio>
#include <cstdlib>

namespace fanmill {

[[noreturn]] inline void CheckFailed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "fanmill: %s:%d: this must hold and does not: %s\n", file, line, condition);
  std::abort();
}

}  // namespace fanmill

#define FANMILL_CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::fanmill::CheckFailed(#condition, __FILE__, __LINE__))

#endif  // FANMILL_LIB_CORE_CHECK_H_
