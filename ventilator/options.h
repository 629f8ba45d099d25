// DispatcherOptions: who this ventilator is, and every constant of its rules with its default.
#ifndef FANMILL_VENTILATOR_OPTIONS_H_
#define FANMILL_VENTILATOR_OPTIONS_H_

#include <cstdint>
#include <string>

#include "lib/core/instant.h"
#include "proto/fanmill.pb.h"

namespace fanmill {

struct DispatcherOptions {
  uint64_t epoch = 1;
  uint64_t directory = 0;
  uint64_t seed = 0;
  std::string version, host, name;
  uint64_t pid = 0;
  v1::Durability durability = v1::DURABILITY_UNKNOWN;  // of the journal
  std::string controller;                              // numeric endpoint of its control ROUTER
  v1::Endpoints endpoints;                             // what others are told: lease, acks, intake
  uint32_t lanes_max = 4000;

  Duration hello_every = Millis(500);
  Duration lease = Seconds(5);
  Duration probe_soon = Millis(1);     // from the first probe to the second, and ever longer
  Duration probe_every = Millis(200);  // at most
  Duration ping_busy = Millis(100);
  Duration ping_idle = Seconds(2);
  Duration resend_after = Seconds(1);
  Duration unreachable_after = Millis(300);
  Duration suspect_after = Millis(500);  // an ask unanswered for this long counts for R52
  Duration pause_min = Seconds(1);       // R55
  Duration facts_every = Millis(500);
  Duration facts_soon = Millis(20);    // first repetition while the sink owes a finalise
  Duration sink_silence = Seconds(2);  // a sink silent for this long cannot be late with acks
  Duration recall_every = Millis(10);
  Duration leave_after = Seconds(1);  // leaving unanswered

  uint64_t intake_bytes_max = uint64_t{128} << 20;       // payloads held in memory, all batches
  uint64_t intake_batch_bytes_min = 128 << 10;           // of one batch, whatever the others hold
  uint64_t intake_client_bytes_max = uint64_t{4} << 20;  // unanswered, of one client
  uint32_t intake_waiters_max = 1024;
  uint32_t batches_live_max = 1024;
  uint32_t closed_kept_max = 256;  // ended batches that are still reported
};

}  // namespace fanmill

#endif  // FANMILL_VENTILATOR_OPTIONS_H_
