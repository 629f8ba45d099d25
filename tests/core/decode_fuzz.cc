// Decoding of arbitrary bytes, on every channel: it must neither crash nor take a message that the
// columns' readers would trip over. With a fuzzing engine (-DFANMILL_FUZZER) this is its target;
// else main() runs it over mutations of valid frames, from a seed.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "lib/core/check.h"
#include "lib/core/chunk_tasks.h"
#include "lib/core/describe.h"
#include "lib/core/random.h"
#include "lib/core/task_set.h"
#include "lib/core/wire.h"
#include "tests/core/sample_messages.h"

namespace fanmill {
namespace {

// Reads a chunk as a worker does, wholly.
void ReadTasks(const v1::TaskChunk& chunk) {
  const ChunkTasks tasks(chunk);
  for (uint32_t i = 0; i < tasks.size(); ++i) {
    FANMILL_CHECK(tasks.attempt(i) > 0);
    FANMILL_CHECK(tasks.task(i) + tasks.payload(i).size() < UINT64_MAX);
  }
}

// Reads a chunk's outputs as the sink does, wholly.
void ReadResults(const v1::ResultChunk& chunk) {
  size_t offset = 0;
  ForEachTask(chunk.tasks(), [&](uint64_t index, uint64_t) {
    const int i = static_cast<int>(index);
    if (chunk.value_size_size() > 0) offset += chunk.value_size(i);
    if (chunk.stdout_size_size() > 0) offset += chunk.stdout_size(i);
    if (chunk.stderr_size_size() > 0) offset += chunk.stderr_size(i);
  });
  FANMILL_CHECK(offset == chunk.bytes().size());
}

// Returns on how many channels the bytes were a message.
int DecodeEverywhere(const std::string& bytes) {
  int taken = 0;
  for (const Channel channel : kNetworkChannels) {
    const Message message = Decode(channel, Frame::Own(bytes));
    FANMILL_CHECK(Describe(message).find('\n') == std::string::npos);
    if (std::holds_alternative<BadFrame>(message)) continue;
    ++taken;
    const Wire* wire = std::get_if<Wire>(&message);
    if (wire == nullptr) continue;
    if (wire->envelope->has_tasks()) ReadTasks(wire->envelope->tasks());
    if (wire->envelope->has_results()) ReadResults(wire->envelope->results());
  }
  FANMILL_CHECK(taken <= 1, "a frame belongs to one channel");
  return taken;
}

}  // namespace
}  // namespace fanmill

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fanmill::DecodeEverywhere(std::string(reinterpret_cast<const char*>(data), size));
  return 0;
}

#ifndef FANMILL_FUZZER

namespace fanmill {
namespace {

void Mutate(Random& random, std::string& bytes) {
  const size_t at = bytes.empty() ? 0 : random.Uniform(bytes.size());
  const char byte = static_cast<char>(random.Next());
  switch (random.Uniform(5)) {
    case 0:
      if (!bytes.empty()) bytes[at] = byte;
      break;
    case 1:
      if (!bytes.empty()) bytes[at] = static_cast<char>(bytes[at] ^ (1 << random.Uniform(8)));
      break;
    case 2:
      bytes.insert(at, 1, byte);
      break;
    case 3:
      bytes.erase(at, 1 + random.Uniform(4));
      break;
    default:
      bytes.insert(at, bytes.substr(random.Uniform(bytes.size() + 1), random.Uniform(16)));
  }
}

int Run(uint64_t seed, uint64_t runs) {
  Random random(seed);
  std::vector<std::string> frames;
  for (const Sample& sample : SampleMessages()) {
    frames.push_back(sample.envelope.SerializeAsString());
  }
  uint64_t taken = 0;
  for (uint64_t i = 0; i < runs; ++i) {
    std::string bytes = frames[random.Uniform(frames.size())];
    for (uint64_t n = 1 + random.Uniform(4); n > 0; --n) Mutate(random, bytes);
    taken += static_cast<uint64_t>(DecodeEverywhere(bytes));
  }
  std::printf("%llu runs from seed %llu, %llu still were messages\n",
              static_cast<unsigned long long>(runs), static_cast<unsigned long long>(seed),
              static_cast<unsigned long long>(taken));
  // Mutations that are all taken, or all refused, would test nothing.
  return taken > runs / 20 && taken < runs - runs / 20 ? 0 : 1;
}

}  // namespace
}  // namespace fanmill

int main(int argc, char** argv) {
  const uint64_t seed = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1;
  const uint64_t runs = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 100'000;
  return fanmill::Run(seed, runs);
}

#endif  // FANMILL_FUZZER
