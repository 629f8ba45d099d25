#include "controller/cli/output/json_printer.h"

#include <nlohmann/json.hpp>

#include "tests/cli/output/results.h"
#include "tests/io/temp_dir.h"

namespace fanmill::cli {
namespace {

std::string Lines(const TaskWords& words, const std::vector<client::Result>& results,
                  const std::string* payload = nullptr, const std::string& directory = "/nowhere") {
  JsonPrinter printer(words, directory);
  return Caught([&] {
           for (const client::Result& result : results) {
             EXPECT_TRUE(printer.Take(result, payload).ok());
           }
           EXPECT_TRUE(printer.Flush().ok());
         })
      .out;
}

client::Result Failed() {
  client::Result result = Ended(41, "one\ntwo\n", "why\n");
  result.status = "failed";
  result.code = 3;
  result.attempt = 2;
  result.worker = 7;
  result.run = Micros(1'234'567);
  return result;
}

TEST(JsonPrinter, TellsEverythingOfATaskOnOneLine) {
  client::Result result = Failed();
  EXPECT_EQ(Lines({}, {result}),
            "{\"task\":42,\"status\":\"failed\",\"code\":3,\"run_s\":1.234567,\"worker\":7,"
            "\"attempt\":2,\"stdout\":\"one\\ntwo\\n\",\"stderr\":\"why\\n\"}\n");
  result.value = "v";
  result.dropped = 5;
  EXPECT_EQ(Lines({}, {result}),
            "{\"task\":42,\"status\":\"failed\",\"code\":3,\"run_s\":1.234567,\"worker\":7,"
            "\"attempt\":2,\"value\":\"v\",\"stdout\":\"one\\ntwo\\n\",\"stderr\":\"why\\n\","
            "\"dropped_bytes\":5}\n");
}

TEST(JsonPrinter, NamesTheValuesOfATask) {
  const std::string payload = "a,b";
  EXPECT_EQ(nlohmann::json::parse(Lines({}, {Ended(0)}, &payload))["values"],
            nlohmann::json::array({"a,b"}));
  TaskWords words;
  words.split = [](std::string_view text) {
    return std::vector<std::string>{std::string(text.substr(0, 1)), std::string(text.substr(2))};
  };
  EXPECT_EQ(nlohmann::json::parse(Lines(words, {Ended(0)}, &payload))["values"],
            nlohmann::json::array({"a", "b"}));
  words.names = {"first", "second", "third"};
  EXPECT_EQ(nlohmann::json::parse(Lines(words, {Ended(0)}, &payload))["values"],
            (nlohmann::json{{"first", "a"}, {"second", "b"}}));
}

TEST(JsonPrinter, IsJsonWhateverATaskWrote) {
  const auto parsed = nlohmann::json::parse(Lines(
      {}, {Ended(0, std::string("M\u00fchle \"\\\0\x1b", 12) + "cut \xc3", "\xff\xfe\xe2\x82")}));
  EXPECT_EQ(parsed["stdout"], std::string("M\u00fchle \"\\\0\x1b", 12) + "cut \ufffd");
  EXPECT_EQ(parsed["stderr"], "\ufffd\ufffd\ufffd");
}

TEST(JsonPrinter, JoinsPartsAlsoInTheMiddleOfACharacter) {
  const std::string text = "\u20ac\u00fc\U0001f600 \xf0\x9f";
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    const auto parsed =
        nlohmann::json::parse(Lines({}, {Part(0, text.substr(0, cut)), Part(0, text.substr(cut)),
                                         Part(0, "why", true), Ended(0, "", "")}));
    EXPECT_EQ(parsed["stdout"], "\u20ac\u00fc\U0001f600 \ufffd") << cut;
    EXPECT_EQ(parsed["stderr"], "why");
  }
}

TEST(JsonPrinter, PutsLargeOutputsAsideUntilTheTaskHasEnded) {
  TempDir directory;
  std::vector<client::Result> results;
  std::string whole;
  for (int i = 0; i < 20; ++i) {
    results.push_back(Part(0, std::string(1 << 20, static_cast<char>('a' + i))));
    whole += results.back().text;
  }
  results.push_back(Ended(0, "", "tail"));
  results.push_back(Ended(1, "next"));
  const std::string lines = Lines({}, results, nullptr, directory / "");
  const auto first = nlohmann::json::parse(lines.substr(0, lines.find('\n')));
  EXPECT_TRUE(first["stdout"] == whole);
  EXPECT_EQ(first["stderr"], "tail");
  const auto second = nlohmann::json::parse(lines.substr(lines.find('\n') + 1));
  EXPECT_EQ(second["stdout"], "next");
}

TEST(JsonPrinter, SaysWhyItCouldNotPutThemAside) {
  JsonPrinter printer({}, "/nowhere");
  absl::Status taken;
  for (int i = 0; i < 20 && taken.ok(); ++i) {
    taken = printer.Take(Part(0, std::string(1 << 20, 'x')), nullptr);
  }
  EXPECT_EQ(taken.code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace fanmill::cli
