// Large outputs that cannot be read to their end: what is said of them is what was read.
#include "lib/core/limits.h"
#include "lib/core/validate.h"
#include "tests/worker/stage.h"

namespace fanmill {
namespace {

constexpr uint64_t kPart = worker::kPartBytes;
constexpr uint64_t kOutHandle = 11;
constexpr uint64_t kErrHandle = 12;

class OutputTransferTest : public ::testing::Test {
 protected:
  // One task whose stdout, and stderr if it is not 0, wait in files that drop five bytes each.
  void Run(uint64_t out, uint64_t err = 0) {
    stage_.Join();
    stage_.HearChunk(1, 0, 1);
    stage_.HearSpec(1);
    TaskOutcome outcome = Outcome(1, 0, pb::OK);
    outcome.out_spill = {kOutHandle, out, 5};
    if (err > 0) outcome.err_spill = {kErrHandle, err, 5};
    EXPECT_EQ(stage_.HearOutcome(0, outcome), Lines{"ReadOutput offset=0"});
  }
  Lines HearRead(uint64_t offset, size_t size, uint64_t handle = kOutHandle) {
    return stage_.Hear(Channel::kExecutor, OutputRead{handle, offset, std::string(size, 'x')});
  }
  // The result that was said in the last step; the sink would take it.
  pb::ResultChunk Result() const {
    const pb::Envelope envelope = stage_.Said(pb::Envelope::kResults);
    EXPECT_EQ(WhyInvalid(Channel::kResults, envelope), nullptr);
    return envelope.results();
  }
  static std::string Text(const pb::LargeOutput& large) { return large.ShortDebugString(); }
  Stage stage_;
};

TEST_F(OutputTransferTest, CutsAnOutputWhereItCannotBeReadAnyMore) {  // R64
  Run(3 * kPart);
  HearRead(0, kPart);
  EXPECT_EQ(HearRead(kPart, 0), Lines{"ResultChunk chunk=7:1 batch=1 tasks=0 whole"});
  EXPECT_EQ(Text(Result().large(0)), "stream: 1 size: 262144 parts: 1 dropped: 524293");
}

TEST_F(OutputTransferTest, SaysOfAnOutputOfWhichNothingCanBeReadThatAllOfItIsDropped) {  // R64
  Run(kPart + 1);
  EXPECT_EQ(HearRead(0, 0), Lines{"ResultChunk chunk=7:1 batch=1 tasks=0 whole"});
  EXPECT_EQ(Text(Result().large(0)), "stream: 1 dropped: 262150");
}

TEST_F(OutputTransferTest, GoesOnWithTheOtherOutput) {  // R64
  Run(2 * kPart, 7);
  EXPECT_EQ(HearRead(0, 0), Lines{"ReadOutput offset=0"});
  EXPECT_EQ(HearRead(0, 7, kErrHandle), (Lines{"OutputPart chunk=7:1 task=0 stream=2 part=0",
                                               "ResultChunk chunk=7:1 batch=1 tasks=0 whole"}));
  EXPECT_EQ(Text(Result().large(0)), "stream: 1 dropped: 524293");
  EXPECT_EQ(Text(Result().large(1)), "stream: 2 size: 7 parts: 1 dropped: 5");
}

TEST_F(OutputTransferTest, CutsTheOutputThatWasReadBesideOneThatWasOnlyDropped) {  // R64
  stage_.Join();
  stage_.HearChunk(1, 0, 1);
  stage_.HearSpec(1);
  TaskOutcome outcome = Outcome(1, 0, pb::OK, "head");
  outcome.out_spill = {0, 0, 9};
  outcome.err_spill = {kErrHandle, kPart, 0};
  EXPECT_EQ(stage_.HearOutcome(0, outcome), Lines{"ReadOutput offset=0"});
  EXPECT_EQ(HearRead(0, 0, kErrHandle), Lines{"ResultChunk chunk=7:1 batch=1 tasks=0 whole"});
  EXPECT_EQ(Result().bytes(), "head");
  EXPECT_EQ(Text(Result().large(0)), "stream: 1 dropped: 9");
  EXPECT_EQ(Text(Result().large(1)), "stream: 2 dropped: 262144");
}

TEST_F(OutputTransferTest, CountsThePartsThatItSentWhenReadsComeShort) {  // R64
  Run(kPart);
  EXPECT_EQ(HearRead(0, 10),
            (Lines{"OutputPart chunk=7:1 task=0 stream=1 part=0", "ReadOutput offset=10"}));
  HearRead(10, kPart - 10);
  EXPECT_EQ(Text(Result().large(0)), "stream: 1 size: 262144 parts: 2 dropped: 5");
}

TEST_F(OutputTransferTest, ReadsAllOfItAgainForAResend) {  // R42
  Run(2 * kPart);
  HearRead(0, kPart);
  HearRead(kPart, 0);
  EXPECT_EQ(stage_.HearVerdict(1, pb::RESEND), Lines{"ReadOutput offset=0"});
  HearRead(0, kPart);
  HearRead(kPart, kPart);
  EXPECT_EQ(Text(Result().large(0)), "stream: 1 size: 524288 parts: 2 dropped: 5");
}

}  // namespace
}  // namespace fanmill
