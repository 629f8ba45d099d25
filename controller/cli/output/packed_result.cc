#include "controller/cli/output/packed_result.h"

#include <cstdint>
#include <cstring>

#include "lib/core/check.h"

namespace fanmill::cli {
namespace {

struct Head {
  uint64_t task;
  uint64_t epoch;
  uint64_t dropped;
  int64_t run_us;
  int32_t code;
  uint32_t attempt;
  uint32_t worker;
  bool part;
  bool is_stderr;
  bool has_payload;
};

void Add(std::string& packed, std::string_view text) {
  const auto size = static_cast<uint32_t>(text.size());
  packed.append(reinterpret_cast<const char*>(&size), sizeof(size));
  packed.append(text);
}

std::string TakeText(std::string_view& packed) {
  uint32_t size = 0;
  FANMILL_CHECK(packed.size() >= sizeof(size));
  std::memcpy(&size, packed.data(), sizeof(size));
  packed.remove_prefix(sizeof(size));
  FANMILL_CHECK(packed.size() >= size);
  std::string text(packed.substr(0, size));
  packed.remove_prefix(size);
  return text;
}

}  // namespace

std::string PackResult(const client::Result& result, const std::string* payload) {
  Head head = {};
  head.task = result.task;
  head.epoch = result.epoch;
  head.dropped = result.dropped;
  head.run_us = result.run.count();
  head.code = result.code;
  head.attempt = result.attempt;
  head.worker = result.worker;
  head.part = result.part;
  head.is_stderr = result.is_stderr;
  head.has_payload = payload != nullptr;
  std::string packed(reinterpret_cast<const char*>(&head), sizeof(head));
  const std::string none;
  for (const std::string* text : {&result.text, &result.status, &result.value, &result.out,
                                  &result.err, payload == nullptr ? &none : payload}) {
    Add(packed, *text);
  }
  return packed;
}

UnpackedResult UnpackResult(std::string_view packed) {
  Head head = {};
  FANMILL_CHECK(packed.size() >= sizeof(head));
  std::memcpy(&head, packed.data(), sizeof(head));
  packed.remove_prefix(sizeof(head));
  UnpackedResult unpacked;
  client::Result& result = unpacked.result;
  result.task = head.task;
  result.epoch = head.epoch;
  result.dropped = head.dropped;
  result.run = Micros(head.run_us);
  result.code = head.code;
  result.attempt = head.attempt;
  result.worker = head.worker;
  result.part = head.part;
  result.is_stderr = head.is_stderr;
  for (std::string* text :
       {&result.text, &result.status, &result.value, &result.out, &result.err}) {
    *text = TakeText(packed);
  }
  if (head.has_payload) unpacked.payload = TakeText(packed);
  return unpacked;
}

}  // namespace fanmill::cli
