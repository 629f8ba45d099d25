#include "controller/membership.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "lib/core/check.h"
#include "lib/core/names.h"
#include "lib/core/printable.h"

namespace fanmill::control {

std::string MemberName(const Member& member) {
  if (member.role != pb::WORKER) return absl::StrCat("the ", std::string(RoleName(member.role)));
  return WorkerName(member.hello.number(), MemberLabel(member));
}

std::string WorkerName(uint32_t number, const std::string& label) {
  return absl::StrCat("worker ", number, " (", label, ")");
}

std::string MemberLabel(const Member& member) {
  const pb::Hello& hello = member.hello;
  return hello.name().empty() ? absl::StrCat(hello.host(), ":", hello.pid()) : hello.name();
}

pb::Member ToMember(const Member& member, Instant now) {
  pb::Member shown;
  shown.set_role(member.role);
  shown.set_number(member.hello.number());
  shown.set_incarnation(member.incarnation);
  shown.set_name(member.hello.name());
  shown.set_host(member.hello.host());
  shown.set_pid(member.hello.pid());
  shown.set_slots(member.hello.slots());
  shown.set_running(member.running);
  shown.set_ready(member.role == pb::WORKER ? member.ready : member.live());
  shown.set_silent_us(static_cast<uint64_t>(std::max(now - member.heard, Duration{0}).count()));
  shown.set_confirmed(member.confirmed);
  shown.set_gone(!member.live());
  shown.set_version(member.hello.version());
  return shown;
}

pb::Hello Trimmed(const pb::Hello& hello) {
  pb::Hello kept;
  kept.set_version(Printable(hello.version(), kTextBytesMax));
  kept.set_host(Printable(hello.host(), kTextBytesMax));
  kept.set_pid(hello.pid());
  kept.set_name(Printable(hello.name(), kTextBytesMax));
  kept.set_directory(hello.directory());
  kept.set_slots(hello.slots());
  kept.set_number(hello.number());
  kept.set_durability(hello.durability());
  if (hello.has_endpoints()) *kept.mutable_endpoints() = hello.endpoints();
  return kept;
}

pb::Durability Membership::durability() const {
  if (!ventilator_ || !sink_) return pb::DURABILITY_UNKNOWN;
  return std::min(ventilator_->hello.durability(), sink_->hello.durability());
}

std::optional<uint64_t> Membership::Pinned(pb::Role role) const {
  const auto found = pinned_.find(role);
  if (found == pinned_.end()) return std::nullopt;
  return found->second;
}

const Member* Membership::Find(pb::Role role, uint64_t incarnation) const {
  if (role == pb::WORKER) {
    const auto found = workers_.find(incarnation);
    return found == workers_.end() ? nullptr : &found->second;
  }
  if (role != pb::VENTILATOR && role != pb::SINK) return nullptr;
  const Member* member = role == pb::VENTILATOR ? ventilator() : sink();
  return member != nullptr && member->incarnation == incarnation ? member : nullptr;
}

Member* Membership::Find(pb::Role role, uint64_t incarnation) {
  return const_cast<Member*>(static_cast<const Membership*>(this)->Find(role, incarnation));
}

Member& Membership::Add(Instant now, pb::Role role, uint64_t incarnation, const pb::Hello& hello) {
  Member member;
  member.role = role;
  member.incarnation = incarnation;
  member.hello = hello;
  member.heard = now;
  next_sweep_ = std::min(next_sweep_, After(now, limits_.lease));
  if (role == pb::WORKER) {
    last_number_ = std::max(last_number_, hello.number());
    return workers_.insert_or_assign(incarnation, std::move(member)).first->second;
  }
  return (role == pb::VENTILATOR ? ventilator_ : sink_).emplace(std::move(member));
}

void Membership::Remove(pb::Role role, uint64_t incarnation) {
  if (Find(role, incarnation) == nullptr) return;
  if (role == pb::WORKER) {
    workers_.erase(incarnation);
  } else {
    (role == pb::VENTILATOR ? ventilator_ : sink_).reset();
  }
}

bool Membership::NumberTaken(uint32_t number) const {
  for (const auto& [incarnation, worker] : workers_) {
    if (worker.live() && worker.hello.number() == number) return true;
  }
  return false;
}

uint32_t Membership::NumberFor(uint32_t asked) {
  if (asked != 0 && asked <= kWorkerNumberMax && !NumberTaken(asked)) return asked;
  do {
    last_number_ = last_number_ >= kWorkerNumberMax ? 1 : last_number_ + 1;
  } while (NumberTaken(last_number_));
  return last_number_;
}

void Membership::Return(Instant now, Member& member) {
  member.heard = now;
  member.gone = false;
  next_sweep_ = std::min(next_sweep_, After(now, limits_.lease));
}

void Membership::Leave(Instant now, Member& member) {
  if (member.live()) member.away = now;
  member.left = true;
  member.ready = false;
  member.running = 0;
  next_sweep_ = std::min(next_sweep_, After(now, limits_.gone_shown));
}

Membership::Swept Membership::Sweep(Instant now) {
  Swept swept;
  if (now < next_sweep_) return swept;
  size_t away = 0;
  for (Member* member : EverybodyMutable()) {
    if (member->live() && now >= After(member->heard, limits_.lease)) {
      member->gone = true;
      member->ready = false;
      member->away = now;
      swept.gone.push_back(*member);
    }
    if (member->role == pb::WORKER && !member->live()) ++away;
  }
  std::vector<std::pair<Instant, uint64_t>> oldest;
  for (const auto& [incarnation, worker] : workers_) {
    if (!worker.live()) oldest.emplace_back(worker.away, incarnation);
  }
  std::sort(oldest.begin(), oldest.end());
  for (const auto& [since, incarnation] : oldest) {
    if (away <= limits_.gone_max && now < After(since, limits_.gone_shown)) break;
    swept.forgotten.push_back(workers_.at(incarnation));
    workers_.erase(incarnation);
    --away;
  }
  next_sweep_ = kNever;
  for (const Member* member : Everybody()) {
    if (member->live()) next_sweep_ = std::min(next_sweep_, After(member->heard, limits_.lease));
    if (!member->live() && member->role == pb::WORKER) {
      next_sweep_ = std::min(next_sweep_, After(member->away, limits_.gone_shown));
    }
  }
  return swept;
}

void Membership::Excuse(Duration pause) {
  for (Member* member : EverybodyMutable()) member->heard = After(member->heard, pause);
  if (next_sweep_ != kNever) next_sweep_ = After(next_sweep_, pause);
}

void Membership::HeardAll(Instant now) {
  for (Member* member : EverybodyMutable()) {
    member->heard = now;
    if (!member->live()) member->away = now;
  }
  next_sweep_ = workers_.empty() && !ventilator_ && !sink_ ? kNever : After(now, limits_.lease);
}

void Membership::BeginAfresh() {
  if (ventilator_ && !ventilator_->live()) ventilator_.reset();
  if (sink_ && !sink_->live()) sink_.reset();
  std::erase_if(workers_, [](const auto& entry) { return !entry.second.live(); });
  for (Member* member : EverybodyMutable()) member->asked = member->confirmed = false;
}

std::vector<const Member*> Membership::Everybody() const {
  std::vector<const Member*> everybody;
  if (ventilator_) everybody.push_back(&*ventilator_);
  if (sink_) everybody.push_back(&*sink_);
  for (const auto& [incarnation, worker] : workers_) everybody.push_back(&worker);
  return everybody;
}

std::vector<const Member*> Membership::SilentRoles() const {
  std::vector<const Member*> silent;
  for (const std::optional<Member>* role : {&ventilator_, &sink_}) {
    if (role->has_value() && (*role)->gone && !(*role)->left) silent.push_back(&**role);
  }
  return silent;
}

std::vector<Member*> Membership::EverybodyMutable() {
  std::vector<Member*> everybody;
  for (const Member* member : Everybody()) everybody.push_back(const_cast<Member*>(member));
  return everybody;
}

size_t Membership::LiveWorkers() const {
  return static_cast<size_t>(std::count_if(workers_.begin(), workers_.end(),
                                           [](const auto& entry) { return entry.second.live(); }));
}

void Membership::CheckInvariants() const {
  std::map<uint32_t, uint64_t> numbers;
  for (const auto& [incarnation, worker] : workers_) {
    FANMILL_CHECK(worker.role == pb::WORKER && worker.incarnation == incarnation);
    FANMILL_CHECK(worker.hello.number() != 0, "every worker has a number");
    if (!worker.live()) continue;
    FANMILL_CHECK(numbers.emplace(worker.hello.number(), incarnation).second,
                  "two live workers share a number");
    FANMILL_CHECK(next_sweep_ <= After(worker.heard, limits_.lease), "nobody watches a lease");
  }
}

}  // namespace fanmill::control
