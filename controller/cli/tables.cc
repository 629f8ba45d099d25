#include "controller/cli/tables.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "lib/core/printable.h"

namespace fanmill::cli {
namespace {

constexpr size_t kNameShownMax = 40;
constexpr size_t kReasonShownMax = 400;

std::string Age(Duration age) { return absl::StrFormat("%.1fs", age.count() / 1e6); }

std::string StateOf(const client::MemberStatus& member) {
  if (member.gone) return "gone";
  if (member.role == "worker" && !member.ready) return "joining";
  return "ready";
}

}  // namespace

std::string BatchTable(const std::vector<client::BatchStatus>& batches) {
  std::string table =
      absl::StrFormat("%6s  %-10s %10s %10s %8s %8s %8s  %-7s  %s\n", "BATCH", "PHASE", "TASKS",
                      "OK", "FAILED", "OUT", "AGE", "HANDLER", "NAME");
  for (const client::BatchStatus& batch : batches) {
    absl::StrAppendFormat(&table, "%6u  %-10s %10s %10u %8u %8u %8s  %-7s  %s\n", batch.batch,
                          batch.phase, absl::StrCat(batch.tasks, batch.sealed ? "" : "+"), batch.ok,
                          batch.failed, batch.outstanding, Age(batch.age),
                          Printable(batch.handler, kNameShownMax),
                          Printable(batch.name, kNameShownMax));
    if (batch.lost > 0) {
      absl::StrAppend(&table, "        ", batch.lost,
                      " of the failed were given up, for their workers died or fell silent: "
                      "fanmill results ",
                      batch.batch, " --json\n");
    }
    if (batch.waiting.empty()) continue;
    absl::StrAppend(&table, "        ", Printable(batch.waiting, kReasonShownMax), "\n");
  }
  return table;
}

std::string MemberTable(const std::vector<client::MemberStatus>& members) {
  std::string table = absl::StrFormat("%-11s %4s  %-8s %6s %8s %8s  %s\n", "ROLE", "NO", "STATE",
                                      "SLOTS", "RUNNING", "HEARD", "NAME");
  for (const client::MemberStatus& member : members) {
    const auto if_worker = [&member](uint32_t number) {
      return member.role == "worker" ? absl::StrCat(number) : std::string("-");
    };
    const std::string name =
        member.name.empty() ? absl::StrCat(member.host, ":", member.pid) : member.name;
    absl::StrAppendFormat(&table, "%-11s %4s  %-8s %6s %8s %8s  %s\n", member.role,
                          if_worker(member.number), StateOf(member), if_worker(member.slots),
                          if_worker(member.running), Age(member.silent),
                          Printable(name, kNameShownMax));
  }
  return table;
}

std::string DurabilityLine(const std::string& durability) {
  if (durability == "full") return "durability full: what was told survives a crash of a machine\n";
  if (durability == "os") return "durability os: a crash of a machine may lose what was told\n";
  return "";
}

}  // namespace fanmill::cli
