// The five executables are started in every order; none needs another to be there already.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <iostream>
#include <optional>
#include <random>

#include "tests/cluster/batches.h"

namespace fanmill {
namespace {

enum Program { kController, kVentilator, kSink, kWorker, kSubmit };
using Order = std::array<Program, 5>;

// R10
void ExpectABatchWhenStartedIn(const Order& order) {
  LocalCluster cluster;
  std::optional<RunningCommand> submit;
  std::string names;
  for (const Program program : order) {
    names += "CVSWs"[program];
    if (program == kController) cluster.StartControllerUnwatched();
    if (program == kVentilator) cluster.StartVentilator();
    if (program == kSink) cluster.StartSink();
    if (program == kWorker) cluster.StartWorker();
    if (program == kSubmit)
      submit = cluster.StartFanmill({"submit", "--wait", "--", "echo"}, "1\n");
  }
  const Finished work = submit->Wait();
  EXPECT_EQ(work.exit_code, 0) << names << ": " << work.err;
  EXPECT_EQ(work.out, "1\n") << names;
}

TEST(Orders, EachMayBeTheFirstAndTheLast) {
  Order order = {kController, kVentilator, kSink, kWorker, kSubmit};
  for (size_t i = 0; i < order.size(); ++i) {
    ExpectABatchWhenStartedIn(order);
    std::rotate(order.begin(), order.begin() + 1, order.end());
  }
}

TEST(Orders, AnyWillDo) {
  const unsigned seed = std::random_device()();
  std::cout << "seed " << seed << "\n";
  std::mt19937 random(seed);
  Order order = {kController, kVentilator, kSink, kWorker, kSubmit};
  for (int i = 0; i < 5; ++i) {
    std::shuffle(order.begin(), order.end(), random);
    ExpectABatchWhenStartedIn(order);
  }
}

}  // namespace
}  // namespace fanmill
