#include "worker/slot_table.h"

#include <sys/mman.h>

#include "lib/core/check.h"

namespace fanmill {

// Fresh pages are zero, and zero is every entry's empty value: nothing is constructed, and pages
// of slots that do not exist are never touched.
SlotTable::SlotTable(uint32_t slots) : slots_(slots) {
  FANMILL_CHECK(slots >= 1 && slots <= kSlotsPerWorkerMax);
  void* pages =
      mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  FANMILL_CHECK(pages != MAP_FAILED);
  shared_ = static_cast<Shared*>(pages);
}

SlotTable::~SlotTable() { munmap(shared_, sizeof(Shared)); }

Published<SlotEntry>& SlotTable::slot(uint32_t index) {
  FANMILL_CHECK(index < slots_);
  return shared_->slots[index];
}

std::vector<SlotEntry> SlotTable::Started() const {
  std::vector<SlotEntry> started;
  for (uint32_t i = 0; i < slots_; ++i) {
    const SlotEntry entry = shared_->slots[i].Get();
    if (entry.state != SlotState::kIdle) started.push_back(entry);
  }
  return started;
}

}  // namespace fanmill
