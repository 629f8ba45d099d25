#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "controller/cli/result_printer.h"

namespace fanmill::cli {
namespace {

TEST(JsonLine, TellsEverythingOfATaskOnOneLine) {
  client::Result result;
  result.task = 41;
  result.status = "failed";
  result.code = 3;
  result.attempt = 2;
  result.worker = 7;
  result.run = Micros(1'234'567);
  result.out = "one\ntwo\n";
  result.err = "why\n";
  EXPECT_EQ(JsonLine(result),
            "{\"task\":42,\"status\":\"failed\",\"code\":3,\"run_s\":1.234567,\"worker\":7,"
            "\"attempt\":2,\"stdout\":\"one\\ntwo\\n\",\"stderr\":\"why\\n\"}\n");
  result.value = "v";
  result.dropped = 5;
  EXPECT_EQ(JsonLine(result),
            "{\"task\":42,\"status\":\"failed\",\"code\":3,\"run_s\":1.234567,\"worker\":7,"
            "\"attempt\":2,\"value\":\"v\",\"stdout\":\"one\\ntwo\\n\",\"stderr\":\"why\\n\","
            "\"dropped_bytes\":5}\n");
}

TEST(JsonLine, IsJsonWhateverATaskWrote) {
  client::Result result;
  result.status = "ok";
  result.out = std::string("M\u00fchle \"\\\0\x1b", 12) + "cut \xc3";
  result.err = "\xff\xfe";
  const auto parsed = nlohmann::json::parse(JsonLine(result));
  EXPECT_EQ(parsed["stdout"], std::string("M\u00fchle \"\\\0\x1b", 12) + "cut \ufffd");
  EXPECT_EQ(parsed["stderr"], "\ufffd\ufffd");
}

}  // namespace
}  // namespace fanmill::cli
