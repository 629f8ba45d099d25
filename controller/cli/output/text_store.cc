#include "controller/cli/output/text_store.h"

namespace fanmill::cli {

absl::StatusOr<TextStore::Text> TextStore::Put(std::string bytes) {
  if (memory_bytes_ + bytes.size() <= memory_bytes_max_) {
    memory_bytes_ += bytes.size();
    return Text{std::move(bytes), {}};
  }
  absl::StatusOr<SpoolSpan> span = spool_.Append(bytes);
  if (!span.ok()) return span.status();
  return Text{{}, *span};
}

absl::StatusOr<std::string> TextStore::Take(Text text) {
  if (text.span.size == 0) {
    memory_bytes_ -= text.bytes.size();
    return std::move(text.bytes);
  }
  absl::StatusOr<std::string> bytes = spool_.Read(text.span);
  spool_.Release(text.span);
  return bytes;
}

}  // namespace fanmill::cli
