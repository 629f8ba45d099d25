// TaskBits: a set of tasks, in pages that exist where one is set; so a number out of nowhere costs
// a page, and ten million tasks in a row little more than a bit each.
#ifndef FANMILL_LIB_VERIFY_TASK_BITS_H_
#define FANMILL_LIB_VERIFY_TASK_BITS_H_

#include <bitset>
#include <cstdint>
#include <map>
#include <memory>

namespace fanmill::verify {

class TaskBits {
 public:
  bool Has(uint64_t task) const {
    const Page* page = Find(task / kPageBits);
    return page != nullptr && page->test(task % kPageBits);
  }
  void Add(uint64_t task) {
    std::unique_ptr<Page>& page = pages_[task / kPageBits];
    if (page == nullptr) page = std::make_unique<Page>();
    page->set(task % kPageBits);
    seen_ = page.get();
    seen_at_ = task / kPageBits;
  }

 private:
  static constexpr uint64_t kPageBits = 8192;
  using Page = std::bitset<kPageBits>;

  const Page* Find(uint64_t at) const {
    if (seen_ != nullptr && at == seen_at_) return seen_;
    const auto found = pages_.find(at);
    return found == pages_.end() ? nullptr : found->second.get();
  }

  std::map<uint64_t, std::unique_ptr<Page>> pages_;
  const Page* seen_ = nullptr;  // tasks come in runs
  uint64_t seen_at_ = 0;
};

}  // namespace fanmill::verify

#endif  // FANMILL_LIB_VERIFY_TASK_BITS_H_
