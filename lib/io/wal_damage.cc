#include "lib/io/wal_damage.h"

#include <cstddef>
#include <fstream>
#include <string_view>
#include <utility>

namespace fanmill {
namespace {

// The format stands in SQLite's fileformat2.html, section 4. Numbers are big-endian.
constexpr size_t kHeaderBytes = 32;
constexpr size_t kFrameHeaderBytes = 24;
constexpr size_t kSummedOfHeader = 24;
constexpr size_t kSummedOfFrame = 8;
constexpr uint32_t kMagic = 0x377f0682;  // its last bit: words are summed as big-endian ones
constexpr uint32_t kPageBytesMin = 512;
constexpr uint32_t kPageBytesMax = 65536;

uint32_t BigEndian(std::string_view bytes, size_t at) {
  uint32_t number = 0;
  for (size_t i = at; i < at + 4; ++i) number = number << 8 | static_cast<uint8_t>(bytes[i]);
  return number;
}

class Sum {
 public:
  explicit Sum(bool big_endian) : big_endian_(big_endian) {}
  void Add(std::string_view bytes) {
    for (size_t at = 0; at + 8 <= bytes.size(); at += 8) {
      first_ += Word(bytes, at) + second_;
      second_ += Word(bytes, at + 4) + first_;
    }
  }
  bool Is(std::string_view bytes, size_t at) const {
    return first_ == BigEndian(bytes, at) && second_ == BigEndian(bytes, at + 4);
  }

 private:
  uint32_t Word(std::string_view bytes, size_t at) const {
    const uint32_t word = BigEndian(bytes, at);
    return big_endian_ ? word : __builtin_bswap32(word);
  }
  const bool big_endian_;
  uint32_t first_ = 0;
  uint32_t second_ = 0;
};

}  // namespace

uint64_t CommitsDropped(const std::string& wal_file) {
  std::ifstream file(wal_file, std::ios::binary);
  std::string header(kHeaderBytes, '\0');
  if (!file.read(header.data(), kHeaderBytes)) return 0;
  const uint32_t page = BigEndian(header, 8);
  const bool is_power = (page & (page - 1)) == 0;
  if ((BigEndian(header, 0) & ~1u) != kMagic || page < kPageBytesMin || page > kPageBytesMax ||
      !is_power) {
    return 0;
  }
  Sum sum((BigEndian(header, 0) & 1) != 0);
  sum.Add(std::string_view(header).substr(0, kSummedOfHeader));
  bool sound = sum.Is(header, kSummedOfHeader);
  std::string salt = header.substr(16, 8);
  uint64_t dropped = 0;
  std::string frame(kFrameHeaderBytes + page, '\0');
  const auto next = [&] {
    return static_cast<bool>(file.read(frame.data(), static_cast<std::streamsize>(frame.size())));
  };
  bool more = next();
  if (!sound) salt = frame.substr(8, 8);  // of a damaged header nothing can be believed
  for (; more; more = next()) {
    // Frames of another salt are left from before the log was begun anew.
    if (frame.compare(8, 8, salt) != 0) {
      sound = false;
      continue;
    }
    if (sound) {
      sum.Add(std::string_view(frame).substr(0, kSummedOfFrame));
      sum.Add(std::string_view(frame).substr(kFrameHeaderBytes));
      sound = sum.Is(frame, 16);
    }
    const bool commits = BigEndian(frame, 4) != 0;
    if (!sound && commits) ++dropped;
  }
  return dropped;
}

}  // namespace fanmill
