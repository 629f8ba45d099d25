#include "worker/lane.h"

namespace fanmill::worker {

void Lane::Know(Instant now, uint64_t epoch, const std::string& endpoint, Outbox& outbox) {
  if (endpoint.empty() || epoch < epoch_) return;
  const bool elsewhere = endpoint != endpoint_;
  const bool newer = epoch > epoch_;
  if (!elsewhere && !newer) return;
  endpoint_ = endpoint;
  epoch_ = epoch;
  if (elsewhere) {
    ConnectLease(outbox);
    heard_ = now;
  }
  Lose(now);
}

bool Lane::Grant(Instant now, uint64_t epoch, const pb::LeaseGrant& grant, Outbox& outbox) {
  if (grant.lease_us() != 0) {
    lease_ = std::clamp(Micros(static_cast<int64_t>(grant.lease_us())), Millis(100), Seconds(600));
  }
  paused_ = false;
  epoch_ = std::max(epoch_, epoch);
  if (granted_ && token_ == grant.lane()) return false;
  // Granted again before anything was sent on it: its socket is there already.
  const bool again = token_ == grant.lane();
  granted_ = true;
  lane_heard_ = now;
  if (again) return true;
  token_ = grant.lane();
  ready_ = false;
  echo_due_ = kNever;
  through_ = 0;
  durable_ = 0;
  outbox.Send(PeerId{Channel::kNet}, Connect{Channel::kLane, grant.endpoint(), {}, token_});
  return true;
}

void Lane::Lose(Instant now) {
  granted_ = false;
  ready_ = false;
  paused_ = false;
  word_due_ = now;
}

void Lane::SetReady(Instant now, bool ready) {
  if (ready_ && !ready) lane_heard_ = now;
  if (ready) echo_due_ = kNever;
  ready_ = ready;
}

bool Lane::EchoesAreLost(Instant now) {
  const bool lost = now >= echo_due_;
  if (lost || echo_due_ == kNever) echo_due_ = now + lease_;
  return lost;
}

void Lane::Pause(Instant now, Duration pause) {
  heard_ += pause;
  lane_heard_ += pause;
  echo_due_ = After(echo_due_, pause);
  if (!granted_) return;
  paused_ = true;
  word_due_ = now;
  paused_until_ = now + lease_;
}

Lane::Word Lane::Tick(Instant now, Outbox& outbox) {
  if (endpoint_.empty()) return Word::kNothing;
  const bool deaf = granted_ && !ready_ && now >= lane_heard_ + lease_;
  if (deaf) token_ = 0;                  // granted again or not, its socket is made anew
  if (deaf || now >= heard_ + lease_) {  // R20: libzmq may have given up on that socket for ever
    heard_ = now;
    ConnectLease(outbox);
    Lose(now);
  }
  if (paused_ && now >= paused_until_) Lose(now);
  if ((granted_ && !paused_) || now < word_due_) return Word::kNothing;
  word_due_ = now + hello_every_;
  return granted_ ? Word::kPaused : Word::kHello;
}

Instant Lane::NextDeadline() const {
  if (endpoint_.empty()) return kNever;
  Instant due = heard_ + lease_;
  if (granted_ && !ready_) due = std::min(due, lane_heard_ + lease_);
  if (paused_) due = std::min(due, paused_until_);
  if (!granted_ || paused_) due = std::min(due, word_due_);
  return due;
}

void Lane::ConnectLease(Outbox& outbox) const {
  outbox.Send(PeerId{Channel::kNet}, Connect{Channel::kLease, endpoint_});
}

}  // namespace fanmill::worker
