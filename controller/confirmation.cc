#include "controller/confirmation.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace fanmill::control {
namespace {

constexpr size_t kNamedMax = 5;

std::string NamesText(std::vector<std::string> names) {
  const size_t count = names.size();
  names.resize(std::min(count, kNamedMax));
  std::string text = absl::StrJoin(names, ", ");
  if (count > names.size()) absl::StrAppend(&text, " and ", count - names.size(), " more");
  return text;
}

}  // namespace

Confirmation ConfirmationOf(const Member& member, const Batch* batch) {
  if (member.confirmed || (batch != nullptr && batch->receipts.contains(member.incarnation))) {
    return Confirmation::kGiven;
  }
  return member.live() ? Confirmation::kOwed : Confirmation::kLacking;
}

std::vector<const Member*> OwedReceipts(const Batch& batch, const Membership& members) {
  std::vector<const Member*> owed;
  for (const auto& [incarnation, worker] : members.workers()) {
    if (ConfirmationOf(worker, &batch) == Confirmation::kOwed) owed.push_back(&worker);
  }
  return owed;
}

bool AllReceipts(const Batch& batch, const Membership& members) {
  return std::none_of(members.workers().begin(), members.workers().end(), [&](const auto& entry) {
    return ConfirmationOf(entry.second, &batch) == Confirmation::kOwed;
  });
}

std::vector<pb::Member> Unconfirmed(const Batch& batch, const Membership& members) {
  std::vector<pb::Member> lacking;
  for (const auto& [incarnation, served] : batch.served) {
    const Member* worker = members.Find(pb::WORKER, incarnation);
    const bool lacks = worker != nullptr
                           ? ConfirmationOf(*worker, &batch) == Confirmation::kLacking
                           : !batch.receipts.contains(incarnation);  // forgotten by now
    if (!lacks) continue;
    pb::Member& named = lacking.emplace_back();
    named.set_role(pb::WORKER);
    named.set_incarnation(incarnation);
    named.set_number(served.number);
    named.set_name(served.label);
    named.set_gone(true);
  }
  return lacking;
}

std::vector<pb::Member> StillUnconfirmed(const std::vector<pb::Member>& lacking,
                                         const Membership& members, Instant now) {
  std::vector<pb::Member> still;
  for (const pb::Member& named : lacking) {
    const Member* worker = members.Find(pb::WORKER, named.incarnation());
    if (worker == nullptr) {
      still.push_back(named);
    } else if (ConfirmationOf(*worker, nullptr) != Confirmation::kGiven) {
      still.push_back(ToMember(*worker, now));
      still.back().set_name(named.name());
    }
  }
  return still;
}

std::string OwedText(const std::vector<const Member*>& owed) {
  std::vector<std::string> names;
  for (const Member* worker : owed) names.push_back(MemberName(*worker));
  return NamesText(std::move(names));
}

std::string LackingText(const std::vector<pb::Member>& lacking) {
  if (lacking.empty()) return {};
  std::vector<std::string> names;
  for (const pb::Member& named : lacking) {
    names.push_back(absl::StrCat("worker ", named.number(), " (", named.name(), ")"));
  }
  return absl::StrCat(NamesText(std::move(names)),
                      " did not confirm that nothing of it runs any more");
}

}  // namespace fanmill::control
