#include "worker/slot_schedule.h"

#include <algorithm>

#include "lib/core/check.h"
#include "lib/core/limits.h"

namespace fanmill::worker {
namespace {

constexpr uint32_t kBiteGrowth = 8;
constexpr uint32_t kCrumbs = 8;        // parts of a bite, that are not worth a message of their own
constexpr double kForgetting = 0.875;  // what is left of an earlier peak after each bite

}  // namespace

SlotSchedule::SlotSchedule(uint32_t slots, Duration bite) : bite_(bite), bites_(slots) {
  for (uint32_t slot = slots; slot > 0; --slot) idle_.push_back(slot - 1);
}

void SlotSchedule::Enqueue(const HeldChunk& chunk) {
  if (chunk.waiting() > 0) queue_.insert(chunk.id());
}

std::optional<SlotSchedule::Start> SlotSchedule::Next(Instant now, HeldChunks& held,
                                                      bool begun_only) {
  if (idle_.empty()) return std::nullopt;
  HeldChunk* const chunk = FirstStartable(held, begun_only);
  if (chunk == nullptr) return std::nullopt;
  const auto [begin, end] = chunk->Take(BiteSize(chunk->batch(), chunk->waiting()));
  if (chunk->waiting() == 0) queue_.erase(chunk->id());
  const bool retry = chunk->source->tasks.attempt(begin) > 1;
  const uint32_t slot = idle_.back();
  idle_.pop_back();
  bites_[slot] = Bite{chunk->id(), chunk->batch(), begin, end, retry, now};
  return Start{slot, *bites_[slot]};
}

HeldChunk* SlotSchedule::FirstStartable(HeldChunks& held, bool begun_only) {
  for (auto id = queue_.begin(); id != queue_.end();) {
    HeldChunk* const chunk = held.Find(*id);
    if (chunk == nullptr || chunk->waiting() == 0) {
      id = queue_.erase(id);  // dropped, or given back
      continue;
    }
    if (!begun_only || chunk->begun()) return chunk;
    ++id;
  }
  return nullptr;
}

uint32_t SlotSchedule::BiteSize(uint32_t batch, uint32_t waiting) {
  Learned& learned = learned_[batch];
  if (!learned.known) return 1;
  const double cost_us = std::max(learned.cost_us, 0.001);
  const double fits = static_cast<double>(bite_.count()) / cost_us;
  uint32_t size = fits >= kTasksPerChunkMax ? kTasksPerChunkMax : static_cast<uint32_t>(fits);
  size = std::clamp<uint32_t>(size, 1, learned.bite_max);
  // Near the end of what is queued the slots share it, but not down to crumbs.
  if (queue_.size() > 1) return size;
  const uint32_t share = (waiting + slots() - 1) / slots();
  return std::min(size, std::max(share, size / kCrumbs));
}

const Bite* SlotSchedule::InSlot(uint32_t slot) const {
  return slot < bites_.size() && bites_[slot].has_value() ? &*bites_[slot] : nullptr;
}

void SlotSchedule::Ran(Instant now, uint32_t slot, uint32_t ended, uint32_t stopped, Duration run) {
  FANMILL_CHECK(InSlot(slot) != nullptr);
  Bite& bite = *bites_[slot];
  FANMILL_CHECK(ended + stopped <= bite.end - bite.next);
  bite.next += ended + stopped;
  bite.since = now;
  if (ended == 0) return;
  Learned& learned = learned_[bite.batch];
  const double cost_us = static_cast<double>(run.count()) / ended;
  learned.cost_us = std::max(cost_us, learned.known ? learned.cost_us * kForgetting : 0.0);
  learned.known = true;
  learned.bite_max = std::max(learned.bite_max, std::min(ended * kBiteGrowth, kTasksPerChunkMax));
}

void SlotSchedule::Free(uint32_t slot) {
  FANMILL_CHECK(InSlot(slot) != nullptr && bites_[slot]->next == bites_[slot]->end,
                "a slot is idle when all its tasks were answered");
  bites_[slot].reset();
  idle_.push_back(slot);
}

uint32_t SlotSchedule::BusyWith(uint32_t batch) const {
  return static_cast<uint32_t>(
      std::count_if(bites_.begin(), bites_.end(), [batch](const std::optional<Bite>& bite) {
        return bite.has_value() && bite->batch == batch;
      }));
}

void SlotSchedule::CheckInvariants(const HeldChunks& held) const {
  std::map<uint64_t, uint32_t> in_slots;
  size_t busy_slots = 0;
  for (const std::optional<Bite>& bite : bites_) {
    if (!bite.has_value()) continue;
    ++busy_slots;
    FANMILL_CHECK(bite->next <= bite->end);
    in_slots[bite->chunk] += bite->end - bite->next;
  }
  FANMILL_CHECK(busy_slots + idle_.size() == bites_.size());
  for (const auto& [id, chunk] : held.chunks()) {
    const auto found = in_slots.find(id);
    FANMILL_CHECK(chunk.in_slots == (found == in_slots.end() ? 0 : found->second));
    in_slots.erase(id);
  }
  FANMILL_CHECK(in_slots.empty(), "what is in a slot is of a chunk that is held");
}

}  // namespace fanmill::worker
