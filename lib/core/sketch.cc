#include "lib/core/sketch.h"

#include <algorithm>
#include <cmath>

namespace fanmill {
namespace {

// Bucket 0 holds zeros; bucket i > 0 holds (kGamma^(i-2), kGamma^(i-1)].
constexpr double kError = 0.01;
constexpr double kGamma = (1 + kError) / (1 - kError);
const double kLogGamma = std::log(kGamma);
constexpr uint32_t kBucketMax = 2220;  // holds 2^64 - 1

uint32_t BucketOf(uint64_t value) {
  if (value == 0) return 0;
  const double power = std::ceil(std::log(static_cast<double>(value)) / kLogGamma);
  return std::min(kBucketMax, 1 + static_cast<uint32_t>(power));
}

// The value whose relative distance to both ends of the bucket is least.
uint64_t ValueOf(uint32_t bucket) {
  if (bucket == 0) return 0;
  const double value = 2 * std::exp((bucket - 1) * kLogGamma) / (kGamma + 1);
  return value >= 0x1p64 ? UINT64_MAX : static_cast<uint64_t>(std::round(value));
}

}  // namespace

void Sketch::Add(uint64_t value, uint64_t times) {
  if (times == 0) return;
  buckets_[BucketOf(value)] += times;
  count_ += times;
}

uint64_t Sketch::Quantile(double quantile) const {
  if (count_ == 0) return 0;
  const double rank = std::ceil(std::clamp(quantile, 0.0, 1.0) * static_cast<double>(count_));
  double below = 0;
  for (const auto& [bucket, count] : buckets_) {
    below += static_cast<double>(count);
    if (below >= rank && count > 0) return ValueOf(bucket);
  }
  return ValueOf(buckets_.rbegin()->first);
}

v1::LatencySketch Sketch::Pack() const {
  v1::LatencySketch packed;
  uint32_t previous = 0;
  for (const auto& [bucket, count] : buckets_) {
    packed.add_bucket(bucket - previous);
    packed.add_count(count);
    previous = bucket;
  }
  return packed;
}

Sketch Sketch::Unpack(const v1::LatencySketch& packed) {
  Sketch sketch;
  uint32_t bucket = 0;
  for (int i = 0; i < std::min(packed.bucket_size(), packed.count_size()); ++i) {
    bucket = std::min(kBucketMax, bucket + std::min(kBucketMax, packed.bucket(i)));
    sketch.buckets_[bucket] += packed.count(i);
    sketch.count_ += packed.count(i);
  }
  return sketch;
}

}  // namespace fanmill
