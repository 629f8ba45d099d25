#include <gtest/gtest.h>

#include "controller/cli/json_text.h"
#include "controller/cli/result_printer.h"

namespace fanmill::cli {
namespace {

std::string Json(std::string_view text) {
  std::string to;
  AppendJsonString(text, to);
  return to;
}

TEST(JsonText, EscapesWhatJsonMust) {
  EXPECT_EQ(Json("a\"b\\c\n\t\r"), R"("a\"b\\c\n\t\r")");
  EXPECT_EQ(Json(std::string_view("\0\x1b\x7f", 3)), R"("\u0000\u001b\u007f")");
  EXPECT_EQ(Json(""), "\"\"");
}

TEST(JsonText, KeepsUtf8) { EXPECT_EQ(Json("Mühle € 😀"), "\"Mühle € 😀\""); }

TEST(JsonText, ReplacesEachByteThatIsNone) {
  EXPECT_EQ(Json("\xff"), R"("\ufffd")");
  EXPECT_EQ(Json("a\xc3"), R"("a\ufffd")");          // cut short
  EXPECT_EQ(Json("\xc0\xaf"), R"("\ufffd\ufffd")");  // overlong
  EXPECT_EQ(Json("\xe0\x80\xaf"), R"("\ufffd\ufffd\ufffd")");
  EXPECT_EQ(Json("\xed\xa0\x80"), R"("\ufffd\ufffd\ufffd")");            // a surrogate
  EXPECT_EQ(Json("\xf4\x90\x80\x80"), R"("\ufffd\ufffd\ufffd\ufffd")");  // above U+10FFFF
  EXPECT_EQ(Json("\xe2\x82\xffz"), R"("\ufffd\ufffd\ufffdz")");
}

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

}  // namespace
}  // namespace fanmill::cli
