// Every limit on what crosses a wire or waits in memory, in one place. Each has a test at the
// limit.
#ifndef FANMILL_LIB_CORE_LIMITS_H_
#define FANMILL_LIB_CORE_LIMITS_H_

#include <cstddef>
#include <cstdint>

namespace fanmill {

inline constexpr uint32_t kProtocolVersion = 1;

// Frames. One frame is one message; larger ones are refused before they are parsed.
inline constexpr size_t kControlFrameBytesMax = 4 << 20;
inline constexpr size_t kLeaseFrameBytesMax = 4 << 20;
inline constexpr size_t kFactsFrameBytesMax = 16 << 20;
inline constexpr size_t kIntakeFrameBytesMax = 8 << 20;
inline constexpr size_t kLaneFrameBytesMax = 8 << 20;
inline constexpr size_t kResultsFrameBytesMax = 8 << 20;
inline constexpr size_t kAckFrameBytesMax = 4 << 20;
inline constexpr size_t kSignalFrameBytesMax = 32;

// Tasks.
inline constexpr uint64_t kTasksPerBatchMax = uint64_t{1} << 40;
inline constexpr uint32_t kTasksPerChunkMax = 4096;
inline constexpr uint64_t kTasksPerAppendMax = uint64_t{1} << 40;  // as a range
inline constexpr uint32_t kPayloadsPerAppendMax = 65536;
inline constexpr size_t kTaskPayloadBytesMax = 1 << 20;
inline constexpr size_t kChunkPayloadBytesMax = 1 << 20;  // one task larger than this goes alone
inline constexpr size_t kAppendPayloadBytesMax = 4 << 20;
inline constexpr size_t kValuesPerTaskMax = 65536;  // of a packed payload

// Results.
inline constexpr size_t kInlineOutputBytesMax = 64 << 10;  // larger ones travel as parts
inline constexpr size_t kOutputPartBytesMax = 1 << 20;
inline constexpr size_t kResultChunkBytesMax = 2 << 20;  // target; a chunk is cut there
inline constexpr uint64_t kOutputStreamBytesMax = uint64_t{1} << 30;  // per task and stream

// Fleet.
inline constexpr uint32_t kSlotsPerWorkerMax = 4096;
inline constexpr uint32_t kHandlersPerWorkerMax = 64;
inline constexpr size_t kNameBytesMax = 255;
inline constexpr uint32_t kRetriesMax = 1000;
inline constexpr uint32_t kExitCodeMax = 255;
inline constexpr uint32_t kSignalNumberMax = 64;
inline constexpr size_t kSpecBytesMax = 1 << 20;
inline constexpr int kNamesPerSpecMax = 4096;
inline constexpr uint32_t kTimeoutPercentMax = 1'000'000;

}  // namespace fanmill

#endif  // FANMILL_LIB_CORE_LIMITS_H_
