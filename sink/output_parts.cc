#include "sink/output_parts.h"

#include <algorithm>

namespace fanmill {

bool OutputParts::Add(uint64_t sequence, const pb::OutputPart& part) {
  if (part.part() >= kPartsPerStreamMax) return false;
  Output& output = outputs_[Key{part.task(), part.chunk(), part.stream()}];
  if (output.claimed_by != 0) return true;
  if (output.rows.size() <= part.part()) output.rows.resize(part.part() + 1);
  if (output.rows[part.part()] == 0) output.rows[part.part()] = sequence;
  return true;
}

bool OutputParts::Has(const pb::OutputPart& part) const {
  const auto found = outputs_.find(Key{part.task(), part.chunk(), part.stream()});
  if (found == outputs_.end()) return false;
  const Output& output = found->second;
  if (output.claimed_by != 0) return true;
  return part.part() < output.rows.size() && output.rows[part.part()] != 0;
}

bool OutputParts::IsWhole(uint64_t chunk, const pb::LargeOutput& large) const {
  if (large.parts() == 0) return true;
  const auto found = outputs_.find(Key{large.task(), chunk, large.stream()});
  if (found == outputs_.end() || found->second.rows.size() < large.parts()) return false;
  const auto end = found->second.rows.begin() + large.parts();
  return std::find(found->second.rows.begin(), end, 0) == end;
}

bool OutputParts::Claim(uint64_t sequence, const pb::ResultChunk& chunk,
                        absl::FunctionRef<bool(uint64_t task)> is_news) {
  for (const pb::LargeOutput& large : chunk.large()) {
    if (is_news(large.task()) && !IsWhole(chunk.chunk(), large)) return false;
  }
  for (const pb::LargeOutput& large : chunk.large()) {
    if (large.parts() == 0 || !is_news(large.task())) continue;
    Output& output = outputs_[Key{large.task(), chunk.chunk(), large.stream()}];
    if (output.claimed_by != 0) continue;
    output.rows.resize(large.parts());
    output.claimed_by = sequence;
  }
  return true;
}

const std::vector<uint64_t>* OutputParts::Claimed(uint64_t task, uint64_t chunk,
                                                  uint32_t stream) const {
  const auto found = outputs_.find(Key{task, chunk, stream});
  return found == outputs_.end() || found->second.claimed_by == 0 ? nullptr : &found->second.rows;
}

void OutputParts::KeepOnly(uint64_t task, uint64_t chunk) {
  if (outputs_.empty()) return;
  for (auto at = outputs_.lower_bound(Key{task, 0, 0});
       at != outputs_.end() && at->first.task == task;) {
    at = at->first.chunk == chunk ? std::next(at) : outputs_.erase(at);
  }
}

void OutputParts::Unclaim(uint64_t sequence, uint64_t task, uint64_t chunk) {
  for (auto at = outputs_.lower_bound(Key{task, chunk, 0});
       at != outputs_.end() && at->first.task == task && at->first.chunk == chunk;) {
    at = at->second.claimed_by == sequence ? outputs_.erase(at) : std::next(at);
  }
}

}  // namespace fanmill
