#include "controller/cli/output/task_json.h"

#include <cstddef>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

namespace fanmill::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kCharacterBytesMax = 4;

std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string DumpInner(std::string_view text) {
  const std::string quoted = Dump(Json(std::string(text)));
  return quoted.substr(1, quoted.size() - 2);
}

// How many of the last bytes begin a UTF-8 character that goes on after them.
size_t CutCharacterBytes(std::string_view text) {
  for (size_t back = 1; back < kCharacterBytesMax && back <= text.size(); ++back) {
    const unsigned char byte = static_cast<unsigned char>(text[text.size() - back]);
    if ((byte & 0xc0) == 0x80) continue;
    const size_t bytes = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return bytes > back ? back : 0;
  }
  return 0;
}

Json ValuesJson(const std::string& payload, const TaskWords& words) {
  std::vector<std::string> values = words.ValuesOf(payload);
  if (words.names.empty() || words.names.size() < values.size()) return Json(std::move(values));
  Json named = Json::object();
  for (size_t i = 0; i < values.size(); ++i) named[words.names[i]] = values[i];
  return named;
}

}  // namespace

std::string JsonHead(const client::Result& result, const std::string* payload,
                     const TaskWords& words) {
  Json line;
  line["task"] = result.task + 1;
  if (payload != nullptr) line["values"] = ValuesJson(*payload, words);
  line["status"] = result.status;
  line["code"] = result.code;
  line["run_s"] = static_cast<double>(result.run.count()) / 1e6;
  line["worker"] = result.worker;
  line["attempt"] = result.attempt;
  if (!result.value.empty()) line["value"] = result.value;
  std::string text = Dump(line);
  text.pop_back();
  return text;
}

std::string JsonString::Next(std::string_view piece) {
  cut_.append(piece);
  const size_t cut = CutCharacterBytes(cut_);
  std::string text = DumpInner(std::string_view(cut_).substr(0, cut_.size() - cut));
  cut_.erase(0, cut_.size() - cut);
  return text;
}

std::string JsonString::End() {
  const std::string text = DumpInner(cut_) + "\"";
  cut_.clear();
  return text;
}

}  // namespace fanmill::cli
