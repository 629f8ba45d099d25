#include "sink/failed_attempts.h"

namespace fanmill {

const FailedAttempt* FailedAttempts::Find(const Key& key) const {
  const auto found = attempts_.find(key);
  return found == attempts_.end() ? nullptr : &found->second;
}

const FailedAttempt* FailedAttempts::FirstOf(uint64_t task, Key* key) const {
  const auto found = attempts_.lower_bound(Key{task, 0, 0});
  if (found == attempts_.end() || found->first.task != task) return nullptr;
  *key = found->first;
  return &found->second;
}

void FailedAttempts::Erase(uint64_t begin, uint64_t end) {
  if (attempts_.empty()) return;
  attempts_.erase(attempts_.lower_bound(Key{begin, 0, 0}), attempts_.lower_bound(Key{end, 0, 0}));
}

void FailedAttempts::KeepOnly(const Key& key) {
  const FailedAttempt* found = Find(key);
  if (found == nullptr) return Erase(key.task, key.task + 1);
  const FailedAttempt kept = *found;
  Erase(key.task, key.task + 1);
  attempts_.emplace(key, kept);
}

}  // namespace fanmill
