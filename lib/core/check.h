// FANMILL_CHECK: what can be false only through our own bug. Says where, and aborts: a restart is
// better than a wrong answer. What comes off a wire, a disk or a command line is never checked so.
#ifndef FANMILL_LIB_CORE_CHECK_H_
#define FANMILL_LIB_CORE_CHECK_H_

#include <cstdio>
#include <cstdlib>

namespace fanmill {

[[noreturn]] inline void CheckFailed(const char* condition, const char* file, int line,
                                     const char* why = "") {
  std::fprintf(stderr, "fanmill: %s:%d: this must hold and does not: %s %s\n", file, line,
               condition, why);
  std::abort();
}

}  // namespace fanmill

// FANMILL_CHECK(condition) or FANMILL_CHECK(condition, "what it means").
#define FANMILL_CHECK(condition, ...) \
  ((condition)                        \
       ? static_cast<void>(0)         \
       : ::fanmill::CheckFailed(#condition, __FILE__, __LINE__ __VA_OPT__(, ) __VA_ARGS__))

#endif  // FANMILL_LIB_CORE_CHECK_H_
