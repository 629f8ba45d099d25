// Prove: reads the durable files of a cluster as of one instant, whether it runs, was stopped or
// was killed, and proves its batches.
#ifndef FANMILL_LIB_VERIFY_PROVE_H_
#define FANMILL_LIB_VERIFY_PROVE_H_

#include <string>

#include "absl/status/statusor.h"
#include "lib/verify/proof_text.h"
#include "lib/verify/row.h"

namespace fanmill::verify {

// What each role has as --state: its files stand in a directory of its name inside.
struct States {
  std::string controller;
  std::string ventilator;
  std::string sink;
};

// Of the batches that are wanted, or all there are. kNotFound: no such file, or no such batch. Any
// other error: a file cannot be read. Memory: two bits for each task of a batch that has not ended.
absl::StatusOr<Proofs> Prove(const States& states, const Wanted& wanted);

}  // namespace fanmill::verify

#endif  // FANMILL_LIB_VERIFY_PROVE_H_
