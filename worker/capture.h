// Takes in what one task writes to stdout and stderr: in memory while it is little, in an unlinked
// file above that, counted and dropped above a cap. For a poll loop: nothing here ever blocks on
// the task. The task ends when its first process ends, not when the pipes do: a background process
// that keeps them open holds up nobody. Where there is a LinePrinter, lines go to it as soon as
// they are whole, and only the one that is not yet waits here.
#ifndef FANMILL_WORKER_CAPTURE_H_
#define FANMILL_WORKER_CAPTURE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "lib/core/limits.h"

namespace fanmill {

inline constexpr size_t kCaptureInMemoryBytesMax = kInlineOutputBytesMax;  // per stream
inline constexpr uint64_t kCaptureDrainBytesMax = 1 << 20;  // per stream and Drain: others wait

// All of one stream. Owns its spill file.
class CapturedStream {
 public:
  CapturedStream() = default;
  ~CapturedStream();
  CapturedStream(CapturedStream&& from) noexcept;
  CapturedStream& operator=(CapturedStream&& from) noexcept;

  uint64_t size() const { return size_; }        // bytes kept
  uint64_t dropped() const { return dropped_; }  // bytes that were too many: then it is truncated
  bool spilled() const { return file_ >= 0; }    // then at least one byte is kept

  // All bytes, unless spilled.
  std::string& in_memory() { return head_; }
  // Bytes of the spill file; fewer at its end. nullopt when the disk fails, with errno.
  std::optional<std::string> Read(uint64_t offset, size_t bytes) const;
  // Why bytes were dropped below the cap (a full disk), else empty.
  const std::string& trouble() const { return trouble_; }

 private:
  friend class Capture;
  void Append(const char* bytes, size_t size, uint64_t cap, const std::string& spill_dir);
  bool SpillHead(const std::string& spill_dir);
  bool WriteOut(const char* bytes, size_t size);

  std::string head_;
  int file_ = -1;
  uint64_t size_ = 0;
  uint64_t dropped_ = 0;
  std::string trouble_;
};

class LinePrinter;

class Capture {
 public:
  // `spill_dir` has to exist when the first byte is spilled. `cap` counts per stream; with `lines`,
  // which outlives this, per line.
  explicit Capture(std::string spill_dir, uint64_t cap = kOutputStreamBytesMax,
                   LinePrinter* lines = nullptr);
  ~Capture();
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;

  // Opens the pipes. Empty, or why not (too many open files). `tag` is what each line given to
  // the LinePrinter begins with.
  std::string Open(std::string tag = "");
  // For Spawn, and to be closed right after it.
  int stdout_for_child() const { return streams_[0].write_end; }
  int stderr_for_child() const { return streams_[1].write_end; }
  void CloseChildEnds();

  // To be polled for POLLIN; -1 (which poll ignores) once a stream has ended.
  std::array<int, 2> fds() const { return {streams_[0].read_end, streams_[1].read_end}; }
  // Takes in what is there, kCaptureDrainBytesMax at most.
  void Drain();
  // After Reap: takes in what is in the pipes at this moment, and closes them.
  void Finish();

  struct Output {
    CapturedStream out;
    CapturedStream err;
  };
  // What was captured; leaves this one ready for Open. Call after Finish. With a LinePrinter, only
  // what was lost: it has the rest.
  Output Take();

 private:
  struct Stream {
    int read_end = -1;
    int write_end = -1;
    CapturedStream captured;
    CapturedStream lost;   // of lines: no bytes, but how many were dropped, and why
    bool in_line = false;  // its tag was given
  };

  // Reads up to `limit` bytes; closes the pipe at its end.
  void ReadSome(Stream& stream, uint64_t limit);
  void TakeIn(Stream& stream, std::string_view bytes);
  void Keep(Stream& stream, std::string_view bytes);
  void KeepTagged(Stream& stream, std::string_view lines);
  void HandOver(Stream& stream);

  std::string spill_dir_;
  uint64_t cap_;
  LinePrinter* const lines_;
  std::string tag_;
  std::array<Stream, 2> streams_;
};

}  // namespace fanmill

#endif  // FANMILL_WORKER_CAPTURE_H_
