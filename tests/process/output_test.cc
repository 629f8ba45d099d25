// Output of tasks too large for a message: nothing of it is lost or mixed, and what is lost is
// told.
#include <signal.h>
#include <sys/resource.h>

#include <filesystem>
#include <iterator>

#include "tests/process/executor_rig.h"

namespace fanmill {
namespace {

int64_t OpenDescriptors() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
}

std::string Numbers(int last) {
  std::string lines;
  for (int i = 1; i <= last; ++i) lines += std::to_string(i) + "\n";
  return lines;
}

TEST(Output, FiftyMegabytesWaitInTheSpillAndAreReadWhole) {
  Rig rig;
  rig.RunOne(ExecSpec({"echo"}));
  const int64_t descriptors = OpenDescriptors();
  const std::string expected = Numbers(7'200'000);
  ASSERT_GT(expected.size(), 50u << 20);
  const TaskOutcome outcome = rig.RunOne(ScriptSpec("seq 7200000; echo little >&2"));
  EXPECT_EQ(outcome.status, pb::OK);
  EXPECT_EQ(outcome.out, "");
  EXPECT_EQ(outcome.err, "little\n");
  EXPECT_EQ(outcome.out_spill.size, expected.size());
  EXPECT_EQ(outcome.out_spill.dropped, 0u);
  EXPECT_EQ(outcome.err_spill.handle, 0u);
  EXPECT_TRUE(rig.ReadAll(outcome.out_spill, kOutputPartBytesMax) == expected);
  EXPECT_EQ(OpenDescriptors(), descriptors + 1);
  rig.executor->Deliver(OutputDone{outcome.out_spill.handle});
  EXPECT_EQ(rig.ReadAll(outcome.out_spill, 1000), "");  // gone
  EXPECT_EQ(OpenDescriptors(), descriptors);
}

TEST(Output, TheLargestInlineOutputIsNotSpilled) {
  Rig rig;
  const std::string size = std::to_string(kInlineOutputBytesMax);
  const TaskOutcome at = rig.RunOne(ScriptSpec("head -c " + size + " /dev/zero"));
  EXPECT_EQ(at.out.size(), kInlineOutputBytesMax);
  EXPECT_EQ(at.out_spill.handle, 0u);
  const TaskOutcome above =
      rig.RunOne(ScriptSpec("head -c " + size + " /dev/zero >&2; printf x >&2"));
  EXPECT_EQ(above.err, "");
  EXPECT_NE(above.err_spill.handle, 0u);
  EXPECT_EQ(above.err_spill.size, kInlineOutputBytesMax + 1);
}

TEST(Output, WhatIsAboveTheCapIsDroppedAndCounted) {
  ExecutorOptions options = Rig::DefaultOptions();
  options.output_bytes_max = 100'000;
  Rig rig(1, options);
  const TaskOutcome outcome = rig.RunOne(ScriptSpec("head -c 100001 /dev/zero"));
  EXPECT_EQ(outcome.status, pb::OK);
  EXPECT_EQ(outcome.out_spill.size, 100'000u);
  EXPECT_EQ(outcome.out_spill.dropped, 1u);
}

TEST(Output, AFolderThatIsNotThereIsToldToThePerson) {
  ExecutorOptions options = Rig::DefaultOptions();
  options.spill_dir = "/no/such/place";
  Rig rig(1, options);
  const TaskOutcome outcome = rig.RunOne(ScriptSpec("head -c 200000 /dev/zero; echo mine >&2"));
  EXPECT_EQ(outcome.status, pb::OK);
  EXPECT_EQ(outcome.out.size() + outcome.out_spill.dropped, 200'000u);
  EXPECT_EQ(outcome.err,
            "mine\nfanmill: the end of this task's stdout, " +
                std::to_string(outcome.out_spill.dropped) +
                " bytes, is lost: cannot open a file for its output in /no/such/place: No such "
                "file or directory\n");
}

// The limit of file size stands for the full disk: the write fails in the same place.
TEST(Output, AFullDiskKeepsWhatItHeldAndSaysWhatIsLost) {
  Rig rig;
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const auto old_action = signal(SIGXFSZ, SIG_IGN);
  const rlimit little{100'000, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &little);
  const TaskOutcome outcome = rig.RunOne(ScriptSpec("seq 100000"));
  setrlimit(RLIMIT_FSIZE, &before);
  signal(SIGXFSZ, old_action);
  EXPECT_EQ(outcome.status, pb::OK);
  EXPECT_EQ(outcome.out_spill.size, 100'000u);
  EXPECT_EQ(outcome.out_spill.size + outcome.out_spill.dropped, Numbers(100'000).size());
  EXPECT_NE(outcome.err.find("cannot keep more of its output: File too large"), std::string::npos);
  EXPECT_EQ(rig.ReadAll(outcome.out_spill, 4096), Numbers(100'000).substr(0, 100'000));
}

TEST(Output, ADiskThatIsFullFromTheFirstByteCostsOnlyWhatIsAboveTheHead) {
  Rig rig;
  rig.RunOne(ExecSpec({"echo"}));
  const int64_t descriptors = OpenDescriptors();
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const auto old_action = signal(SIGXFSZ, SIG_IGN);
  const rlimit none{0, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &none);
  const TaskOutcome outcome = rig.RunOne(ScriptSpec("seq 100000"));
  setrlimit(RLIMIT_FSIZE, &before);
  signal(SIGXFSZ, old_action);
  EXPECT_EQ(outcome.status, pb::OK);
  EXPECT_GT(outcome.out.size(), 0u);
  EXPECT_EQ(outcome.out, Numbers(100'000).substr(0, outcome.out.size()));
  EXPECT_EQ(outcome.out.size() + outcome.out_spill.dropped, Numbers(100'000).size());
  EXPECT_EQ(outcome.out_spill.handle, 0u);
  EXPECT_NE(outcome.err.find("cannot keep more of its output: File too large"), std::string::npos);
  EXPECT_EQ(OpenDescriptors(), descriptors);
}

TEST(Output, AnUnknownHandleReadsAsEmpty) {
  Rig rig;
  EXPECT_EQ(rig.ReadAll({.handle = 77, .size = 10, .dropped = 0}, 10), "");
  rig.executor->Deliver(OutputDone{77});
}

}  // namespace
}  // namespace fanmill
