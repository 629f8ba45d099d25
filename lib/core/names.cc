#include "lib/core/names.h"

namespace fanmill {

std::string_view RoleName(v1::Role role) {
  switch (role) {
    case v1::CLIENT:
      return "client";
    case v1::CONTROLLER:
      return "controller";
    case v1::VENTILATOR:
      return "ventilator";
    case v1::SINK:
      return "sink";
    case v1::WORKER:
      return "worker";
    case v1::GUARDIAN:
      return "guardian";
    default:
      return "unknown";
  }
}

std::string_view StatusName(v1::Status status) {
  switch (status) {
    case v1::OK:
      return "ok";
    case v1::FAILED:
      return "failed";
    case v1::SIGNALLED:
      return "signalled";
    case v1::TIMED_OUT:
      return "timed_out";
    case v1::NOT_STARTED:
      return "not_started";
    case v1::CANCELLED:
      return "cancelled";
    case v1::LOST:
      return "lost";
    default:
      return "unknown";
  }
}

std::string_view PhaseName(v1::BatchPhase phase) {
  switch (phase) {
    case v1::FORMING:
      return "forming";
    case v1::READY:
      return "ready";
    case v1::RUNNING:
      return "running";
    case v1::DRAINING:
      return "draining";
    case v1::DONE:
      return "done";
    case v1::BATCH_FAILED:
      return "failed";
    case v1::BATCH_CANCELLED:
      return "cancelled";
    default:
      return "unknown";
  }
}

std::string_view DurabilityName(v1::Durability durability) {
  switch (durability) {
    case v1::DURABLE_ON_DISK:
      return "full";
    case v1::DURABLE_IN_OS:
      return "os";
    case v1::DURABLE_IN_MEMORY:
      return "memory";
    default:
      return "unknown";
  }
}

bool IsEnd(v1::BatchPhase phase) {
  return phase == v1::DONE || phase == v1::BATCH_FAILED || phase == v1::BATCH_CANCELLED;
}

}  // namespace fanmill
