// The report for programs. Fields are added, never renamed or removed, within one schema.
#include <nlohmann/json.hpp>

#include "lib/core/printable.h"
#include "lib/report/timing_report.h"

namespace fanmill {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kSchema = "fanmill.report/1";
constexpr size_t kNameBytes = 255;

double Seconds(uint64_t us) { return static_cast<double>(us) / 1e6; }

template <class Value>
Json OrNull(const std::optional<Value>& value) {
  return value.has_value() ? Json(*value) : Json(nullptr);
}

Json SecondsOrNull(const std::optional<uint64_t>& us) {
  return us.has_value() ? Json(Seconds(*us)) : Json(nullptr);
}

Json LostJson(const LostTime& lost) {
  Json json = Json::object();
  for (size_t i = 0; i < kCauses; ++i) {
    json[std::string(CauseName(static_cast<Cause>(i)))] = Seconds(lost[i]);
  }
  return json;
}

// Before the end no slot has told what it offered.
Json Capacity(bool ended, uint64_t us) { return ended ? Json(Seconds(us)) : Json(nullptr); }

Json WorkerJson(bool ended, const WorkerTiming& worker) {
  return Json{
      {"number", worker.number},         {"name", Printable(worker.name, kNameBytes)},
      {"slots", worker.slots},           {"tasks", worker.tasks},
      {"run_s", Seconds(worker.run_us)}, {"capacity_s", Capacity(ended, worker.capacity_us)},
      {"lost", LostJson(worker.lost_us)}};
}

}  // namespace

std::string ToJson(const TimingReport& report) {
  Json json = {{"schema", kSchema},
               {"batch", report.batch},
               {"complete", report.complete},
               {"missing", Json::array()},
               {"durability", report.durability},
               {"tasks", report.tasks},
               {"ok", report.ok},
               {"failed", report.failed},
               {"cancelled", report.cancelled},
               {"slots", OrNull(report.slots)},
               {"workers", report.per_worker.size()}};
  for (const std::string& name : report.missing) {
    json["missing"].push_back(Printable(name, kNameBytes));
  }
  json["elapsed_s"] = Seconds(report.elapsed_us);
  json["expected_s"] = SecondsOrNull(report.expected_us);
  json["run_s"] = Seconds(report.run_us);
  json["capacity_s"] = Capacity(report.ended, report.capacity_us);
  json["lower_bound_s"] = SecondsOrNull(report.lower_bound_us);
  json["bound_ratio"] = OrNull(report.bound_ratio);
  json["efficiency"] = OrNull(report.efficiency);
  json["speedup"] = OrNull(report.speedup);
  json["lost"] = LostJson(report.lost_us);
  json["per_worker"] = Json::array();
  for (const WorkerTiming& worker : report.per_worker) {
    json["per_worker"].push_back(WorkerJson(report.ended, worker));
  }
  json["task_seconds"] = Json::object();
  for (const auto& [name, us] : report.task_us) json["task_seconds"][name] = Seconds(us);
  return json.dump(2) + "\n";
}

}  // namespace fanmill
