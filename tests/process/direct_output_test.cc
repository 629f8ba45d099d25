// Output of tasks that does not wait for their end.
#include <fcntl.h>
#include <signal.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

#include "tests/process/executor_rig.h"

namespace fanmill {
namespace {

using Mode = TaskOutput::Mode;

// Stands for the stdout or stderr of the process.
class Stream {
 public:
  Stream() { EXPECT_EQ(pipe2(ends_, O_CLOEXEC), 0); }
  ~Stream() {
    StopReading();
    CloseWriter();
  }
  int writer() const { return ends_[1]; }
  void CloseWriter() { Close(ends_[1]); }
  void StopReading() { Close(ends_[0]); }

  // At least so many bytes, or all until the end.
  std::string Read(size_t bytes) {
    std::string text;
    char piece[4096];
    ssize_t n = 1;
    while (text.size() < bytes && (n = read(ends_[0], piece, sizeof piece)) > 0) {
      text.append(piece, static_cast<size_t>(n));
    }
    return text;
  }
  std::string ReadAll() {
    CloseWriter();
    return Read(SIZE_MAX);
  }

 private:
  static void Close(int& fd) {
    if (fd >= 0) close(fd);
    fd = -1;
  }
  int ends_[2];
};

class DirectOutput : public testing::Test {
 protected:
  DirectOutput() : old_action_(signal(SIGPIPE, SIG_IGN)) {}
  ~DirectOutput() override { signal(SIGPIPE, old_action_); }

  ExecutorOptions Options(Mode mode) {
    ExecutorOptions options = Rig::DefaultOptions();
    options.output.mode = mode;
    options.output.out_fd = out_.writer();
    options.output.err_fd = err_.writer();
    return options;
  }
  ExecutorOptions TaggedLines() {
    ExecutorOptions options = Options(Mode::kLines);
    options.output.tag = [](uint32_t batch, const TaskToRun& task) {
      return std::to_string(batch) + ":" + std::string(task.payload) + "\t";
    };
    return options;
  }
  // All that was written, once it has been.
  std::string Out(Rig& rig) {
    rig.executor.reset();
    return out_.ReadAll();
  }

  Stream out_, err_;
  const sighandler_t old_action_;
};

TEST_F(DirectOutput, InheritedItIsWrittenByTheTasksThemselves) {
  Rig rig(1, Options(Mode::kInherited));
  rig.Run(0, 1, ScriptSpec("echo out; echo err >&2; readlink /proc/self/fd/0"));
  ASSERT_TRUE(rig.AwaitIdle());
  ASSERT_EQ(rig.told.size(), 1u);
  EXPECT_EQ(rig.told[0].ok_count, 1u);  // of which nothing is told
  EXPECT_EQ(out_.Read(1), "out\n/dev/null\n");
  EXPECT_EQ(err_.Read(1), "err\n");
  rig.Run(0, 1, ScriptSpec("printf now; exec sleep 1000"));
  EXPECT_EQ(out_.Read(3), "now");  // while it runs
  rig.Stop(1, true);
  ASSERT_TRUE(rig.AwaitIdle());
  const TaskOutcome none = rig.RunOne(ExecSpec({"no-such-program"}));
  EXPECT_EQ(none.status, pb::NOT_STARTED);
  EXPECT_NE(none.err, "");
}

TEST_F(DirectOutput, ALinePassesAsSoonAsItIsWhole) {
  Rig rig(1, Options(Mode::kLines));
  rig.Run(0, 1, ScriptSpec("echo one; printf half; echo other >&2; exec sleep 1000"));
  EXPECT_EQ(out_.Read(1), "one\n");
  EXPECT_EQ(err_.Read(1), "other\n");
  rig.Stop(1, true);
  ASSERT_TRUE(rig.AwaitIdle());
  EXPECT_EQ(Out(rig), "half");  // it was written
}

TEST_F(DirectOutput, NoLineIsMixedOfTwoTasks) {
  const std::string file = testing::TempDir() + "/go." + std::to_string(getpid());
  Rig rig(2, Options(Mode::kLines));
  rig.Run(0, 1,
          ScriptSpec("printf begin; until [ -e " + file + " ]; do sleep 0.001; done; echo ,end"));
  const uint32_t other = rig.Run(1, 1, ScriptSpec("echo other"));
  ASSERT_TRUE(rig.Await([&] { return rig.ended.contains(other); }));
  std::ofstream(file) << "go";
  ASSERT_TRUE(rig.AwaitIdle());
  EXPECT_EQ(rig.ended.at(0).out, "");
  EXPECT_EQ(Out(rig), "other\nbegin,end\n");
  std::filesystem::remove(file);
}

TEST_F(DirectOutput, EachLineHasTheTagOfItsTaskAndTheNextTaskBeginsOnALineOfItsOwn) {
  Rig rig(1, TaggedLines());
  rig.Run(0, 7, ScriptSpec("printf '\\n1\\n2' # {}"), {{"a", "b"}});
  ASSERT_TRUE(rig.AwaitIdle());
  rig.Run(0, 7, ScriptSpec("true # {}"), {{"silent"}});
  ASSERT_TRUE(rig.AwaitIdle());
  EXPECT_EQ(Out(rig), "7:a\t\n7:a\t1\n7:a\t2\n7:b\t\n7:b\t1\n7:b\t2");
}

TEST_F(DirectOutput, ALineThatIsLongerThanMemoryShallHoldStaysWhole) {
  constexpr size_t kLength = 5'000'000;
  static_assert(kLength > kLinesWaitingBytesMax && kLength > kCaptureInMemoryBytesMax);
  Rig rig(2, TaggedLines());
  std::string all;
  std::thread reader([&] { all = out_.Read(SIZE_MAX); });
  rig.Run(0, 1,
          ScriptSpec("head -c " + std::to_string(kLength) + " /dev/zero | tr '\\0' x; echo # {}"),
          {{"long"}});
  rig.Run(1, 1, ScriptSpec("seq 1000 # {}"), {{"short"}});
  ASSERT_TRUE(rig.AwaitIdle());
  EXPECT_EQ(rig.ended.at(0).status, pb::OK);
  rig.executor.reset();
  out_.CloseWriter();
  reader.join();
  const std::string line = "1:long\t" + std::string(kLength, 'x') + "\n";
  const size_t at = all.find(line);
  ASSERT_NE(at, std::string::npos);
  all.erase(at, line.size());
  std::string numbers;
  for (int i = 1; i <= 1000; ++i) numbers += "1:short\t" + std::to_string(i) + "\n";
  EXPECT_TRUE(all == numbers);
}

// All that a task wrote comes, though nobody reads for a while; it has to wait meanwhile.
TEST_F(DirectOutput, WhereNobodyReadsTasksWaitAndNothingIsLost) {
  constexpr int kTasks = 40;
  Rig rig(2, Options(Mode::kLines));
  const std::vector<std::string> payloads(kTasks);
  const pb::Spec spec = ScriptSpec("seq -f {#},%g 20000");  // more than 100 kB each
  rig.Run(0, 1, spec, payloads);
  rig.Run(1, 1, spec, payloads);
  std::set<std::string> lines;
  std::thread reader([&] {
    std::string all = out_.Read(SIZE_MAX);
    for (size_t at = 0; at < all.size();) {
      const size_t end = all.find('\n', at);
      lines.insert(all.substr(at, end - at));
      at = end + 1;
    }
  });
  ASSERT_TRUE(rig.AwaitIdle());
  rig.executor.reset();
  out_.CloseWriter();
  reader.join();
  EXPECT_EQ(lines.size(), size_t{2} * kTasks * 20000);
  EXPECT_TRUE(lines.contains("1001,1") && lines.contains("1080,20000"));
}

TEST_F(DirectOutput, AReaderThatNeverReadsHoldsUpNeitherAStopNorTheEnd) {
  Rig rig(2, Options(Mode::kLines));
  const Mark mark;
  pb::Spec spec = ExecSpec({"yes"});
  spec.add_env(mark.entry());
  rig.Run(0, 1, spec);
  rig.Run(1, 1, spec, {{"y", "y"}});
  ASSERT_TRUE(WaitUntil([&] { return mark.Bearers().size() == 2; }));
  rig.Stop(1, true);
  ASSERT_TRUE(rig.AwaitIdle());
  EXPECT_TRUE(mark.Bearers().empty());
  rig.executor->AbandonLines();
  rig.executor.reset();
}

TEST_F(DirectOutput, ThatNobodyReadsAnyMoreIsToldOnce) {
  std::atomic<int> told = 0;
  std::atomic<int> fd = -1, error = 0;
  ExecutorOptions options = Options(Mode::kLines);
  options.output.on_lost = [&](int lost_fd, int why) {
    fd = lost_fd;
    error = why;
    ++told;
  };
  out_.StopReading();
  {
    Rig rig(1, options);
    rig.Run(0, 1, ScriptSpec("echo out; echo err >&2 # {}"), {{"a", "b"}});
    ASSERT_TRUE(rig.AwaitIdle());
    EXPECT_EQ(rig.ended.at(1).status, pb::OK);
    EXPECT_EQ(err_.Read(8), "err\nerr\n");
  }
  EXPECT_EQ(told, 1);
  EXPECT_EQ(fd, out_.writer());
  EXPECT_EQ(error, EPIPE);
}

TEST_F(DirectOutput, ALineThatNoDiskTakesIsCutAndThatIsSaid) {
  ExecutorOptions options = Options(Mode::kLines);
  options.spill_dir = "/no/such/place";
  Rig rig(1, options);
  std::string all;
  std::thread reader([&] { all = out_.Read(SIZE_MAX); });
  const TaskOutcome outcome =
      rig.RunOne(ScriptSpec("head -c 1000000 /dev/zero | tr '\\0' x; echo; echo next"));
  EXPECT_EQ(outcome.status, pb::OK);
  EXPECT_GT(outcome.out_spill.dropped, 0u);
  EXPECT_NE(outcome.err.find("cannot open a file for its output in /no/such/place"),
            std::string::npos);
  rig.executor.reset();
  out_.CloseWriter();
  reader.join();
  const size_t cut = all.find('\n');
  EXPECT_EQ(cut + outcome.out_spill.dropped, 1'000'001u);
  EXPECT_EQ(all.substr(cut), "\nnext\n");
}

// Room is what keeps an executor from taking in more than anybody reads.
TEST_F(DirectOutput, ThePrinterHasNoRoomUntilSomebodyReads) {
  LinePrinter printer(out_.writer(), err_.writer(), {});
  Capture capture(testing::TempDir(), kOutputStreamBytesMax, &printer);
  size_t written = 0;
  while (printer.HasRoom()) {
    ASSERT_LE(written, 2 * kLinesWaitingBytesMax + (1 << 20));
    ASSERT_EQ(capture.Open(), "");
    const std::string line(60'000, 'x');
    ASSERT_EQ(write(capture.stdout_for_child(), line.data(), line.size()), 60'000);
    capture.Finish();
    capture.Take();
    written += line.size();
  }
  std::thread reader([&] { out_.Read(SIZE_MAX); });
  pollfd room{printer.event_fd(), POLLIN, 0};
  EXPECT_EQ(poll(&room, 1, 20'000), 1);
  printer.TakeEvent();
  EXPECT_TRUE(printer.HasRoom());
  printer.Abandon();
  out_.CloseWriter();
  reader.join();
}

}  // namespace
}  // namespace fanmill
