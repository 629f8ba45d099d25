#include "lib/verify/large_parts.h"

namespace fanmill::verify {
namespace {

// Of one output: 1 GiB in parts of 64 KiB. What lies above has not come.
constexpr uint32_t kPartsMax = 16384;

}  // namespace

void LargeParts::Add(const pb::OutputPart& part) {
  if (part.part() >= kPartsMax) return;
  std::vector<uint32_t>& sizes = sizes_[{part.task(), part.chunk(), part.stream()}];
  if (sizes.size() <= part.part()) sizes.resize(part.part() + 1);
  uint32_t& size = sizes[part.part()];
  if (size == 0) size = static_cast<uint32_t>(part.bytes().size());
}

std::optional<uint32_t> LargeParts::FirstMissing(uint64_t chunk,
                                                 const pb::LargeOutput& large) const {
  if (large.parts() == 0) return std::nullopt;
  const auto found = sizes_.find({large.task(), chunk, large.stream()});
  if (found == sizes_.end()) return 0;
  for (uint32_t part = 0; part < large.parts(); ++part) {
    if (part >= found->second.size() || found->second[part] == 0) return part;
  }
  return std::nullopt;
}

uint64_t LargeParts::Size(uint64_t chunk, const pb::LargeOutput& large) const {
  uint64_t size = 0;
  if (large.parts() == 0) return size;
  const std::vector<uint32_t>& sizes = sizes_.at({large.task(), chunk, large.stream()});
  for (uint32_t part = 0; part < large.parts(); ++part) size += sizes[part];
  return size;
}

void LargeParts::Forget(uint64_t task) {
  if (sizes_.empty()) return;
  sizes_.erase(sizes_.lower_bound({task, 0, 0}), sizes_.lower_bound({task + 1, 0, 0}));
}

}  // namespace fanmill::verify
