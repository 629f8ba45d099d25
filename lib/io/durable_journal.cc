#include "lib/io/durable_journal.h"

#include <sys/statvfs.h>

#include <algorithm>
#include <chrono>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "lib/core/check.h"
#include "lib/io/wal_damage.h"

namespace fanmill {
namespace {

constexpr uint64_t kRecoveryPageBytes = 4 << 20;
// Of the disk's free bytes so many are left to others.
constexpr uint64_t kReserveBytes = 64 << 20;
// A full disk is tried again after this.
constexpr auto kFullPause = std::chrono::milliseconds(500);
// Room is told again when it changed by this part of what was told.
constexpr uint64_t kRoomSteps = 64;

}  // namespace

absl::StatusOr<std::unique_ptr<DurableJournal>> DurableJournal::Open(
    DurableJournalOptions options) {
  const uint64_t dropped = CommitsDropped(options.file + "-wal");
  if (dropped > 0 && options.on_trouble) {
    options.on_trouble(absl::DataLossError(absl::StrCat(
        options.file, "-wal: its last ", dropped,
        " commits are not what was written, and count for nothing: what they said is done again "
        "where that can be; if this machine has not just crashed, see that the disk is sound")));
  }
  absl::StatusOr<RowStore> store = RowStore::Open(options.file, options.what, options.durability);
  if (!store.ok()) return store.status();
  return std::unique_ptr<DurableJournal>(new DurableJournal(std::move(options), *std::move(store)));
}

DurableJournal::DurableJournal(DurableJournalOptions options, RowStore store)
    : options_(std::move(options)),
      store_(std::move(store)),
      event_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  FANMILL_CHECK(event_.get() >= 0);
  thread_ = std::thread([this] { Serve(); });
}

DurableJournal::~DurableJournal() {
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void DurableJournal::Deliver(Message message) {
  {
    const std::lock_guard lock(mutex_);
    orders_.push_back(std::move(message));
  }
  changed_.notify_all();
}

void DurableJournal::Collect(std::vector<Message>& messages) {
  {
    const std::lock_guard lock(mutex_);
    eventfd_t count;
    eventfd_read(event_.get(), &count);
    for (Message& answer : std::exchange(answers_, {})) messages.push_back(std::move(answer));
  }
  changed_.notify_all();
}

void DurableJournal::Put(Message answer) {
  const std::lock_guard lock(mutex_);
  answers_.push_back(std::move(answer));
  eventfd_write(event_.get(), 1);
}

// Pages of a recovery are larger than what the node makes of them: one at a time.
void DurableJournal::AwaitTaken() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock,
                [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return answers_.empty() || over_; });
}

// Empty: it is over.
std::vector<Message> DurableJournal::TakeOrders() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock,
                [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return !orders_.empty() || over_; });
  return std::exchange(orders_, {});
}

void DurableJournal::Serve() {
  Recover();
  for (std::vector<Message> orders = TakeOrders(); !orders.empty(); orders = TakeOrders()) {
    const uint64_t before = store_.last();
    if (!Apply(orders)) return;
    if (store_.last() > before) Put(JournalDurable{store_.last()});
    AnswerReads(orders);
    TellRoom();
  }
}

void DurableJournal::TellDamage(uint64_t rows) {
  if (rows == 0 || !options_.on_trouble) return;
  options_.on_trouble(absl::DataLossError(
      absl::StrCat(options_.file, ": ", rows,
                   " rows are not what was written, and count for nothing: what they said is done "
                   "again where that can be; see that the disk is sound")));
}

void DurableJournal::Recover() {
  uint64_t damaged = 0;
  for (uint64_t next = 1; next != 0;) {
    absl::StatusOr<RowStore::Page> page = store_.Read(0, next, kRecoveryPageBytes);
    if (!page.ok()) return options_.on_failure(page.status());
    damaged += page->damaged;
    next = page->next;
    // A node counts on from the last row, which may have been forgotten.
    const bool lacks_last = page->rows.empty() || page->rows.back().sequence < store_.last();
    if (next == 0 && lacks_last && store_.last() > 0) {
      page->rows.push_back({store_.last(), 0, false, Frame::Own("")});
    }
    if (next == 0) TellDamage(damaged);
    Put(JournalRecovered{std::move(page->rows), next == 0});
    AwaitTaken();
  }
  told_room_ = Room();
  Put(JournalRoom{told_room_});
}

// In one transaction. A full disk is waited for: nobody was told that any of it is durable. False:
// it is over.
bool DurableJournal::Apply(const std::vector<Message>& orders) {
  const auto writes = [](const Message& order) {
    return !std::holds_alternative<JournalRead>(order);
  };
  if (std::none_of(orders.begin(), orders.end(), writes)) return true;
  while (true) {
    absl::Status status = store_.Begin();
    for (const Message& order : orders) {
      if (status.ok()) status = Apply(order);
    }
    if (status.ok()) status = store_.Commit();
    if (status.ok()) {
      told_full_ = false;
      return true;
    }
    store_.Rollback();
    if (!Retry(status)) return false;
  }
}

absl::Status DurableJournal::Apply(const Message& order) {
  if (const auto* write = std::get_if<JournalWrite>(&order)) {
    FANMILL_CHECK(write->sequence == store_.last() + 1, "journal sequences must be contiguous");
    const bool is_frame = write->frame.owner != nullptr;
    return store_.Write(write->sequence, write->batch, is_frame,
                        is_frame ? write->frame.bytes : std::string_view(write->record));
  }
  if (const auto* forget = std::get_if<JournalForget>(&order)) {
    return store_.Forget(forget->batch, forget->rows);
  }
  FANMILL_CHECK(std::holds_alternative<JournalRead>(order), "no message for a journal");
  return absl::OkStatus();
}

// True: the disk was full, and it is time to try again.
bool DurableJournal::Retry(const absl::Status& why) {
  if (!absl::IsResourceExhausted(why)) {
    options_.on_failure(why);
    return false;
  }
  if (!std::exchange(told_full_, true)) {
    if (options_.on_trouble) options_.on_trouble(why);
    Put(JournalRoom{told_room_ = 0});
  }
  std::unique_lock lock(mutex_);
  return !changed_.wait_for(lock, kFullPause,
                            [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return over_; });
}

void DurableJournal::AnswerReads(const std::vector<Message>& orders) {
  for (const Message& order : orders) {
    const auto* read = std::get_if<JournalRead>(&order);
    if (read == nullptr) continue;
    absl::StatusOr<RowStore::Page> page = store_.Read(read->batch, read->from, read->max_bytes);
    if (!page.ok()) return options_.on_failure(page.status());
    const uint64_t end = std::max(read->from, store_.last() + 1);
    Put(JournalRows{read->token, std::move(page->rows), page->next == 0 ? end : page->next});
  }
}

void DurableJournal::TellRoom() {
  const uint64_t room = Room();
  const uint64_t change = room > told_room_ ? room - told_room_ : told_room_ - room;
  if (change > told_room_ / kRoomSteps || (room == 0 && told_room_ != 0)) {
    Put(JournalRoom{told_room_ = room});
  }
}

uint64_t DurableJournal::Room() const {
  struct statvfs disk = {};
  uint64_t free = UINT64_MAX;
  if (statvfs(options_.file.c_str(), &disk) == 0) free = uint64_t{disk.f_bavail} * disk.f_frsize;
  const uint64_t granted = options_.bytes_max - std::min(store_.bytes(), options_.bytes_max);
  return std::min(granted, free - std::min(free, kReserveBytes));
}

}  // namespace fanmill
