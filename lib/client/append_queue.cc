#include "lib/client/append_queue.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "lib/core/check.h"
#include "lib/core/limits.h"

namespace fanmill::client {

void AppendQueue::Add(std::string_view payload, std::optional<Duration> cost) {
  FANMILL_CHECK(payload.size() <= kTaskPayloadBytesMax);
  // Costs are a column: all tasks of a message have one, or none.
  if (filling() && (open_.append().cost_us_size() > 0) != cost.has_value()) Close();
  v1::AppendTasks& append = *open_.mutable_append();
  if (append.count() == 0) {
    append.set_batch(batch_);
    append.set_first(added_);
  }
  append.set_count(append.count() + 1);
  append.add_payload_size(static_cast<uint32_t>(payload.size()));
  append.mutable_payloads()->append(payload);
  if (cost.has_value()) {
    constexpr int64_t kMost = std::numeric_limits<uint32_t>::max();
    append.add_cost_us(static_cast<uint32_t>(std::clamp<int64_t>(cost->count(), 0, kMost)));
  }
  ++added_;
  if (append.payloads().size() >= kAppendBytesAim ||
      append.payload_size_size() >= kAppendTasksAim) {
    Close();
  }
}

void AppendQueue::AddRange(int64_t start, int64_t step, uint64_t count) {
  if (count == 0) return;
  Close();
  v1::AppendTasks& append = *open_.mutable_append();
  append.set_batch(batch_);
  append.set_first(added_);
  append.set_count(count);
  // The value of task t is start + t * step, with t counted from the batch's first task.
  append.mutable_range()->set_start(start - static_cast<int64_t>(added_) * step);
  append.mutable_range()->set_step(step);
  added_ += count;
  Close();
}

void AppendQueue::Close() {
  if (!filling()) return;
  const uint64_t bytes = open_.append().ByteSizeLong();
  pending_.push_back({std::exchange(open_, {}), added_, bytes});
}

v1::Envelope* AppendQueue::TakeNext() {
  if (sent_ == pending_.size()) return nullptr;
  Pending& next = pending_[sent_];
  const bool alone = sent_ == 0 && room_ > 0;  // one goes even when the room is less than it
  if (!asking_ && !alone && sent_bytes_ + next.bytes > room_) return nullptr;
  asking_ = false;
  sent_bytes_ += next.bytes;
  ++sent_;
  return &next.envelope;
}

void AppendQueue::Apply(const v1::Appended& appended) {
  room_ = appended.room_bytes();
  durable_ = std::max(durable_, std::min(appended.tasks(), added_));
  while (!pending_.empty() && pending_.front().end <= durable_) {
    if (sent_ > 0) {
      sent_bytes_ -= pending_.front().bytes;
      --sent_;
    }
    pending_.pop_front();
  }
  if (std::exchange(no_room_, room_ == 0) && room_ > 0) {
    sent_ = 0;
    sent_bytes_ = 0;
  }
}

void AppendQueue::Rewind() {
  sent_ = 0;
  sent_bytes_ = 0;
  asking_ = true;
}

}  // namespace fanmill::client
