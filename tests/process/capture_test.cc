#include "worker/capture.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <string>
#include <thread>

#include "worker/spawn.h"

namespace fanmill {
namespace {

void WriteAll(int fd, const std::string& bytes) {
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = write(fd, bytes.data() + done, bytes.size() - done);
    ASSERT_GT(n, 0);
    done += static_cast<size_t>(n);
  }
}

// Drains until the stream's writers are gone.
void DrainToEnd(Capture& capture) {
  while (capture.fds()[0] >= 0 || capture.fds()[1] >= 0) {
    pollfd wanted[] = {{capture.fds()[0], POLLIN, 0}, {capture.fds()[1], POLLIN, 0}};
    poll(wanted, 2, -1);
    capture.Drain();
  }
  capture.Finish();
}

// Sends the bytes through a capture's stdout.
CapturedStream Through(Capture& capture, const std::string& bytes) {
  EXPECT_EQ(capture.Open(), "");
  const int end = dup(capture.stdout_for_child());
  capture.CloseChildEnds();
  std::thread writer([&] {
    WriteAll(end, bytes);
    close(end);
  });
  DrainToEnd(capture);
  writer.join();
  return capture.Take().out;
}

std::string Pattern(size_t size) {
  std::string bytes(size, '\0');
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 2654435761u >> 13);
  return bytes;
}

TEST(CaptureTest, UpToTheLimitOutputStaysInMemory) {
  Capture capture("/no/such/folder");
  const std::string bytes = Pattern(kCaptureInMemoryBytesMax);
  CapturedStream stream = Through(capture, bytes);
  EXPECT_FALSE(stream.spilled());
  EXPECT_EQ(stream.size(), bytes.size());
  EXPECT_EQ(stream.in_memory(), bytes);
}

TEST(CaptureTest, OneByteMoreGoesToAFileThatHoldsItAll) {
  Capture capture(testing::TempDir());
  const std::string bytes = Pattern(kCaptureInMemoryBytesMax + 1);
  CapturedStream stream = Through(capture, bytes);
  EXPECT_TRUE(stream.spilled());
  EXPECT_EQ(stream.in_memory(), "");
  EXPECT_EQ(stream.Read(0, bytes.size() + 10), bytes);
  EXPECT_EQ(stream.Read(5, 3), bytes.substr(5, 3));
  EXPECT_EQ(stream.Read(bytes.size(), 10), "");
}

TEST(CaptureTest, FiftyMegabytesFromATaskComeWholeBesideItsStderr) {
  Capture capture(testing::TempDir());
  ASSERT_EQ(capture.Open(), "");
  Spawned spawned = Spawn({"/bin/sh",
                           {"sh", "-c", "head -c 50000000 /dev/zero; echo end >&2"},
                           {"PATH=/usr/bin:/bin"},
                           ""},
                          capture.stdout_for_child(), capture.stderr_for_child());
  capture.CloseChildEnds();
  ASSERT_EQ(spawned.failure.text, "");
  DrainToEnd(capture);
  pollfd wanted{spawned.child.pidfd, POLLIN, 0};
  poll(&wanted, 1, -1);
  EXPECT_EQ(Reap(spawned.child)->code, 0);
  Capture::Output output = capture.Take();
  EXPECT_EQ(output.out.size(), 50000000u);
  EXPECT_EQ(output.out.dropped(), 0u);
  EXPECT_EQ(output.out.Read(49999990, 100), std::string(10, '\0'));
  EXPECT_EQ(output.err.in_memory(), "end\n");
}

TEST(CaptureTest, AboveTheCapBytesAreDroppedAndCounted) {
  Capture capture(testing::TempDir(), 100000);
  const std::string bytes = Pattern(100007);
  CapturedStream stream = Through(capture, bytes);
  EXPECT_EQ(stream.size(), 100000u);
  EXPECT_EQ(stream.dropped(), 7u);
  EXPECT_EQ(stream.trouble(), "");
  EXPECT_EQ(stream.Read(0, 200000), bytes.substr(0, 100000));
}

TEST(CaptureTest, AMissingSpillFolderCostsOnlyWhatDoesNotFitInMemory) {
  Capture capture("/no/such/folder");
  const std::string bytes = Pattern(300000);
  CapturedStream stream = Through(capture, bytes);
  EXPECT_FALSE(stream.spilled());
  EXPECT_EQ(stream.size() + stream.dropped(), bytes.size());
  EXPECT_EQ(stream.in_memory(), bytes.substr(0, stream.size()));
  EXPECT_EQ(stream.trouble(),
            "cannot open a file for its output in /no/such/folder: No such file or directory");
}

TEST(CaptureTest, AFullDiskKeepsWhatItTookAndCountsTheRest) {
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small{200000, before.rlim_max};
  signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &small);
  Capture capture(testing::TempDir());
  const std::string bytes = Pattern(300000);
  CapturedStream stream = Through(capture, bytes);
  setrlimit(RLIMIT_FSIZE, &before);
  signal(SIGXFSZ, SIG_DFL);
  EXPECT_EQ(stream.size(), 200000u);
  EXPECT_EQ(stream.dropped(), 100000u);
  EXPECT_EQ(stream.Read(0, 300000), bytes.substr(0, 200000));
  EXPECT_NE(stream.trouble().find("File too large"), std::string::npos);
}

TEST(CaptureTest, ADiskThatDoesNotTakeTheHeadLeavesItInMemory) {
  signal(SIGXFSZ, SIG_IGN);
  for (const rlim_t room : {0, 1000}) {
    rlimit before{};
    getrlimit(RLIMIT_FSIZE, &before);
    const rlimit small{room, before.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
    Capture capture(testing::TempDir());
    const std::string bytes = Pattern(300000);
    CapturedStream stream = Through(capture, bytes);
    setrlimit(RLIMIT_FSIZE, &before);
    EXPECT_FALSE(stream.spilled());
    EXPECT_GT(stream.size(), 0u);
    EXPECT_EQ(stream.in_memory(), bytes.substr(0, stream.size()));
    EXPECT_EQ(stream.size() + stream.dropped(), bytes.size());
    EXPECT_NE(stream.trouble().find("File too large"), std::string::npos);
  }
  signal(SIGXFSZ, SIG_DFL);
}

TEST(CaptureTest, OutputOfManyDrainsComesWhole) {
  Capture capture(testing::TempDir());
  const std::string bytes = Pattern(3 * kCaptureDrainBytesMax + 1);
  EXPECT_EQ(Through(capture, bytes).Read(0, bytes.size()), bytes);
}

TEST(CaptureTest, CanBeUsedAgain) {
  Capture capture(testing::TempDir());
  EXPECT_EQ(Through(capture, "one").in_memory(), "one");
  EXPECT_EQ(Through(capture, "two").in_memory(), "two");
}

TEST(CaptureTest, WithoutDescriptorsItSaysSoAndKeepsNone) {
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  const int next = dup(0);
  close(next);
  const rlimit small{static_cast<rlim_t>(next + 3), before.rlim_max};  // room for one pipe
  setrlimit(RLIMIT_NOFILE, &small);
  Capture capture(testing::TempDir());
  EXPECT_EQ(capture.Open(),
            "cannot open a pipe for a task's output: Too many open files; raise ulimit -n or take "
            "fewer slots");
  setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_EQ(Through(capture, "works").in_memory(), "works");
}

}  // namespace
}  // namespace fanmill
