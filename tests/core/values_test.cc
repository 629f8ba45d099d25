#include "lib/core/values.h"

#include <gtest/gtest.h>

#include "lib/core/limits.h"

namespace fanmill {
namespace {

TEST(Values, ComeOutOfAPayloadAsTheyWentIn) {
  const std::vector<std::string> in = {"",
                                       "a",
                                       std::string("\0\n\xff", 3),
                                       std::string(127, 'x'),
                                       std::string(128, 'y'),
                                       std::string(70'000, 'z'),
                                       ""};
  std::string payload;
  for (const std::string& value : in) PackValue(value, payload);
  const auto out = UnpackValues(payload);
  ASSERT_TRUE(out.has_value());
  EXPECT_EQ(std::vector<std::string>(out->begin(), out->end()), in);
  EXPECT_TRUE(UnpackValues("")->empty());
}

TEST(Values, AreNoneInAPayloadThatIsCutOrClaimsMore) {
  std::string payload;
  PackValue("abc", payload);
  PackValue(std::string(300, 'x'), payload);
  for (size_t cut = 1; cut < payload.size(); ++cut) {
    const auto values = UnpackValues(std::string_view(payload).substr(0, cut));
    EXPECT_EQ(values.has_value(), cut == 4) << cut;  // just after the first
  }
  EXPECT_FALSE(UnpackValues("\xff\xff\xff\xff\xff\xff").has_value());
  EXPECT_FALSE(UnpackValues("\xff\xff\xff\x7f").has_value());
}

TEST(Values, AreUpToTheirLimitAndNoMore) {
  std::string payload(kValuesPerTaskMax, '\0');  // so many empty ones
  EXPECT_EQ(UnpackValues(payload)->size(), kValuesPerTaskMax);
  payload += '\0';
  EXPECT_FALSE(UnpackValues(payload).has_value());
}

}  // namespace
}  // namespace fanmill
