// What is told of proofs: a line for each batch behind what is wrong, or JSON.
#ifndef FANMILL_LIB_VERIFY_PROOF_TEXT_H_
#define FANMILL_LIB_VERIFY_PROOF_TEXT_H_

#include <string>
#include <vector>

#include "lib/verify/batch_check.h"
#include "lib/verify/findings.h"

namespace fanmill::verify {

struct Proofs {
  std::vector<Proof> batches;  // ascending
  Findings findings;           // of these, and of the files as such
};

std::string ToText(const Proofs& proofs);
std::string ToJson(const Proofs& proofs);

}  // namespace fanmill::verify

#endif  // FANMILL_LIB_VERIFY_PROOF_TEXT_H_
