// Signals, durations, names, printable text and one-line descriptions.
#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "lib/core/describe.h"
#include "lib/core/duration_text.h"
#include "lib/core/limits.h"
#include "lib/core/names.h"
#include "lib/core/printable.h"
#include "lib/core/signal.h"
#include "lib/core/size_text.h"
#include "tests/core/sample_messages.h"

namespace fanmill {
namespace {

TEST(Signal, IsAShortText) {
  EXPECT_EQ(EncodeSignal({Signal::Topic::kAll, 0, Signal::Verb::kDrain, 4}), "all DRAIN 4");
  EXPECT_EQ(EncodeSignal({Signal::Topic::kWorker, 12, Signal::Verb::kStart, 0}), "w/12 START 0");
  EXPECT_EQ(EncodeSignal({Signal::Topic::kBatch, 17, Signal::Verb::kKill, 3}), "b/17 KILL 3");
}

TEST(Signal, FitsItsFrameAtItsLongest) {
  const Signal longest{Signal::Topic::kBatch, UINT32_MAX, Signal::Verb::kDrain, 999'999'999'999};
  const std::string text = EncodeSignal(longest);
  EXPECT_LE(text.size(), kSignalFrameBytesMax);
  EXPECT_EQ(DecodeSignal(text), longest);
}

TEST(Signal, IsTakenOnlyInItsCanonicalForm) {
  EXPECT_TRUE(DecodeSignal("all KILL 0").has_value());
  for (const char* text :
       {"", "all", "all KILL", "all KILL ", "all KILL x", "all  KILL 1", "all KILL 1 ",
        "all kill 1", "all KILL 01", "all KILL -1", "all KILL +1", "all KILL 1000000000000",
        "b/ KILL 1", "b/01 KILL 1", "b/4294967296 KILL 1", "c/1 KILL 1", "b/1KILL 1",
        "w/1 KILL 1\n", "all KILL 99999999999999999999999999999"}) {
    EXPECT_EQ(DecodeSignal(text), std::nullopt) << text;
  }
}

TEST(Signal, IsSubscribedToWithoutItsLongerNamesakes) {
  const std::string prefix = SignalPrefix(Signal::Topic::kBatch, 1);
  EXPECT_TRUE(EncodeSignal({Signal::Topic::kBatch, 1, Signal::Verb::kKill, 1}).starts_with(prefix));
  EXPECT_FALSE(
      EncodeSignal({Signal::Topic::kBatch, 17, Signal::Verb::kKill, 1}).starts_with(prefix));
}

TEST(SizeText, IsRoundedDownToAUnit) {
  EXPECT_EQ(SizeText(0), "0 bytes");
  EXPECT_EQ(SizeText(1023), "1023 bytes");
  EXPECT_EQ(SizeText(1024), "1 KiB");
  EXPECT_EQ(SizeText((uint64_t{1} << 30) - 1), "1023 MiB");
  EXPECT_EQ(SizeText(uint64_t{1} << 30), "1 GiB");
  EXPECT_EQ(SizeText(uint64_t{3} << 29), "1.5 GiB");
}

TEST(Printable, KnowsWhatIsUtf8) {
  EXPECT_TRUE(IsUtf8(""));
  EXPECT_TRUE(IsUtf8(std::string_view("a\0\n\xc3\xbc", 5)));
  for (const char* text : {"\xff", "a\xc3", "\xed\xa0\x80", "\xc0\x80"}) EXPECT_FALSE(IsUtf8(text));
}

TEST(DurationText, ReadsWhatPeopleWrite) {
  EXPECT_EQ(ParseDuration("50ms"), Millis(50));
  EXPECT_EQ(ParseDuration("1.5s"), Millis(1500));
  EXPECT_EQ(ParseDuration("2m"), Seconds(120));
  EXPECT_EQ(ParseDuration("1h"), Seconds(3600));
  EXPECT_EQ(ParseDuration("300us"), Micros(300));
  EXPECT_EQ(ParseDuration("7"), Seconds(7));
  EXPECT_EQ(ParseDuration(".5"), Millis(500));
  EXPECT_EQ(ParseDuration("3."), Seconds(3));
  EXPECT_EQ(ParseDuration("0.1"), Millis(100));
  EXPECT_EQ(ParseDuration("0.3333333333333333333333h"), Micros(1'199'999'998));
  EXPECT_EQ(ParseDuration("1.9us"), Micros(1)) << "below a microsecond is cut off";
  EXPECT_EQ(ParseDuration("0"), Micros(0));
}

TEST(DurationText, RefusesWhatIsNoDuration) {
  for (const char* text : {"", ".", "s", "ms", "-1s", "+1s", "1 s", "1.2.3s", "1d", "1S", "1e3",
                           "0x10", "1s ", " 1s", "1ss"}) {
    EXPECT_EQ(ParseDuration(text), std::nullopt) << text;
  }
}

TEST(DurationText, GoesUpToTenYearsAndNoFurther) {
  EXPECT_EQ(ParseDuration("87600h"), Seconds(int64_t{87600} * 3600));
  EXPECT_EQ(ParseDuration("87600.0001h"), std::nullopt);
  EXPECT_EQ(ParseDuration("87601h"), std::nullopt);
  EXPECT_EQ(ParseDuration("99999999999999999999999999h"), std::nullopt);
}

TEST(DurationText, WritesTheLargestUnitThatIsExact) {
  EXPECT_EQ(FormatDuration(Millis(50)), "50ms");
  EXPECT_EQ(FormatDuration(Millis(1500)), "1500ms");
  EXPECT_EQ(FormatDuration(Seconds(2)), "2s");
  EXPECT_EQ(FormatDuration(Seconds(120)), "2m");
  EXPECT_EQ(FormatDuration(Seconds(7200)), "2h");
  EXPECT_EQ(FormatDuration(Micros(1)), "1us");
  EXPECT_EQ(FormatDuration(Micros(0)), "0s");
}

TEST(DurationText, ReadsWhatItWrote) {
  for (const int64_t micros : std::vector<int64_t>{1, 999, 1000, 61'000'000, 3'600'000'000}) {
    EXPECT_EQ(ParseDuration(FormatDuration(Micros(micros))), Micros(micros));
  }
}

TEST(Printable, LeavesPlainTextAlone) {
  EXPECT_EQ(Printable("Grüße, 世界 🎉 \\ \"x\"", 100), "Grüße, 世界 🎉 \\ \"x\"");
}

TEST(Printable, EscapesWhatWouldSteerATerminal) {
  EXPECT_EQ(Printable("a\nb\rc\td", 100), "a\\nb\\rc\\td");
  EXPECT_EQ(Printable("\x1b[31mred", 100), "\\x1b[31mred");
  EXPECT_EQ(Printable(std::string("\0\x7f", 2), 100), "\\x00\\x7f");
  EXPECT_EQ(Printable("\xc2\x9b"
                      "31m",
                      100),
            "\\xc2\\x9b31m")
      << "C1";
  EXPECT_EQ(Printable("\xe2\x80\xae"
                      "evil",
                      100),
            "\\xe2\\x80\\xae"
            "evil")
      << "right to left";
  EXPECT_EQ(Printable("\xe2\x80\xa8", 100), "\\xe2\\x80\\xa8") << "a line separator";
}

TEST(Printable, EscapesWhatIsNoUtf8) {
  EXPECT_EQ(Printable("\xff", 100), "\\xff");
  EXPECT_EQ(Printable("\xc3", 100), "\\xc3") << "cut short";
  EXPECT_EQ(Printable("\xc0\x80", 100), "\\xc0\\x80") << "overlong";
  EXPECT_EQ(Printable("\xe0\x80\x80", 100), "\\xe0\\x80\\x80") << "overlong";
  EXPECT_EQ(Printable("\xed\xa0\x80", 100), "\\xed\\xa0\\x80") << "a surrogate";
  EXPECT_EQ(Printable("\xf4\x90\x80\x80", 100), "\\xf4\\x90\\x80\\x80") << "beyond Unicode";
  EXPECT_EQ(Printable("\xc3(", 100), "\\xc3(");
}

TEST(Printable, CutsAtTheLimitAndSaysSo) {
  EXPECT_EQ(Printable("abcdef", 6), "abcdef");
  EXPECT_EQ(Printable("abcdefg", 6), "abc...");
  EXPECT_EQ(Printable("äöüß", 7), "äö...") << "never inside a character";
  EXPECT_EQ(Printable("abc\n\n\n", 7), "abc...") << "never inside an escape";
  EXPECT_EQ(Printable("abcdef", 3), "...");
  EXPECT_EQ(Printable("abcdef", 2), "..");
  EXPECT_EQ(Printable("abcdef", 0), "");
  EXPECT_EQ(Printable("", 0), "");
}

TEST(Names, HaveAWordForEveryEnum) {
  EXPECT_EQ(RoleName(v1::VENTILATOR), "ventilator");
  EXPECT_EQ(StatusName(v1::TIMED_OUT), "timed_out");
  EXPECT_EQ(StatusName(v1::NOT_STARTED), "not_started");
  EXPECT_EQ(PhaseName(v1::BATCH_CANCELLED), "cancelled");
  EXPECT_EQ(PhaseName(v1::DRAINING), "draining");
  EXPECT_EQ(RoleName(static_cast<v1::Role>(99)), "unknown");
  EXPECT_EQ(StatusName(static_cast<v1::Status>(99)), "unknown");
  EXPECT_EQ(PhaseName(static_cast<v1::BatchPhase>(99)), "unknown");
}

TEST(Names, AreDifferentForDifferentValues) {
  std::set<std::string_view> statuses;
  for (int i = v1::Status_MIN; i <= v1::Status_MAX; ++i) {
    statuses.insert(StatusName(static_cast<v1::Status>(i)));
  }
  EXPECT_EQ(statuses.size(), 7u);
  EXPECT_FALSE(statuses.contains("unknown"));
}

TEST(ChannelNames, AreDifferentForDifferentChannels) {
  std::set<std::string_view> names;
  for (int i = 0; i <= static_cast<int>(Channel::kPerson); ++i) {
    names.insert(ChannelName(static_cast<Channel>(i)));
  }
  EXPECT_EQ(names.size(), static_cast<size_t>(Channel::kPerson) + 1);
}

std::string DescriptionOf(v1::Envelope::BodyCase body) {
  for (const Sample& sample : SampleMessages()) {
    if (sample.envelope.body_case() != body) continue;
    return Describe(Wire{std::make_shared<const v1::Envelope>(sample.envelope), {}});
  }
  return {};
}

TEST(Describe, IsOneLineWithoutPayloads) {
  EXPECT_EQ(DescriptionOf(v1::Envelope::kTasks), "TaskChunk chunk=7:1 batch=1 tasks=3+1");
  EXPECT_EQ(DescriptionOf(v1::Envelope::kSeal), "Seal batch=1 tasks=0");
  EXPECT_EQ(DescriptionOf(v1::Envelope::kAck),
            "Ack whole=2 partial=1 failed=1 closed=1 sequence=0");
  EXPECT_EQ(Describe(StopAsked{2}), "StopAsked times=2");
}

TEST(Describe, EscapesWhatAPeerSent) {
  v1::Envelope envelope;
  envelope.mutable_refused()->set_reason("\x1b[2J\n");
  EXPECT_EQ(Describe(Wire{std::make_shared<const v1::Envelope>(envelope), {}}),
            "Refused reason=\"\\x1b[2J\\n\"");
}

TEST(Describe, SaysSomethingOfEveryMessage) {
  for (const Sample& sample : SampleMessages()) {
    const std::string line =
        Describe(Wire{std::make_shared<const v1::Envelope>(sample.envelope), {}});
    EXPECT_EQ(line.find('\n'), std::string::npos);
    EXPECT_NE(line.substr(0, 8), "Envelope");
  }
}

}  // namespace
}  // namespace fanmill
