// Random: numbers from a seed, the same on every machine and for ever (xoshiro256**, Blackman and
// Vigna 2018). Not for secrets.
#ifndef FANMILL_LIB_CORE_RANDOM_H_
#define FANMILL_LIB_CORE_RANDOM_H_

#include <cstdint>

namespace fanmill {

class Random {
 public:
  explicit Random(uint64_t seed);
  uint64_t Next();
  // One of [0, n), each as likely as the others but for a bias below n / 2^64. REQUIRES: n > 0.
  uint64_t Uniform(uint64_t n);

 private:
  uint64_t state_[4];
};

}  // namespace fanmill

#endif  // FANMILL_LIB_CORE_RANDOM_H_
