// Run: `fanmill run` by the real executable, for tests. Expects that it leaves nothing behind.
#ifndef FANMILL_TESTS_CLI_RUN_FIXTURE_H_
#define FANMILL_TESTS_CLI_RUN_FIXTURE_H_

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "tests/cluster/local_cluster.h"
#include "tests/process/marked.h"

namespace fanmill {

// A folder of its own, and a mark on every process that comes of it.
class Run : public ::testing::Test {
 protected:
  Run() {
    std::string made = ::testing::TempDir() + "fanmill-run-test-XXXXXX";
    EXPECT_NE(mkdtemp(made.data()), nullptr);
    folder_ = made;
    setenv("FANMILL_STATE", (folder_ + "/state").c_str(), 1);
    const size_t equals = mark_.entry().find('=');
    setenv(mark_.entry().substr(0, equals).c_str(), mark_.entry().c_str() + equals + 1, 1);
  }
  ~Run() override {
    EXPECT_TRUE(WaitUntil([this] { return mark_.Bearers().empty(); })) << "a process is left";
    if (std::filesystem::exists(folder_ + "/state/run")) {
      EXPECT_TRUE(std::filesystem::is_empty(folder_ + "/state/run")) << "a file is left";
    }
    unsetenv("FANMILL_STATE");
    std::filesystem::remove_all(folder_);
  }

  RunningCommand Start(std::vector<std::string> words, const std::string& input = "") {
    words.insert(words.begin(), {Executable("fanmill"), "run"});
    return StartCommand(words, folder_ + "/command" + std::to_string(++commands_), input);
  }
  Finished Of(std::vector<std::string> words, const std::string& input = "") {
    return Start(std::move(words), input).Wait();
  }
  std::string TextOf(const std::string& name) const {
    std::ifstream file(folder_ + "/" + name);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  bool Exists(const std::string& name) const {
    return std::filesystem::exists(folder_ + "/" + name);
  }

  Mark mark_;
  std::string folder_;
  int commands_ = 0;
};

}  // namespace fanmill

#endif  // FANMILL_TESTS_CLI_RUN_FIXTURE_H_
