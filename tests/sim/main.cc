// fanmill-sim: replays one seed with its transcript, or runs many.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <mutex>
#include <thread>

#include "tests/sim/cluster.h"

namespace fanmill::sim {
namespace {

struct Wanted {
  uint64_t from = 1;
  uint64_t seeds = 0;
  uint32_t threads = std::max(1u, std::thread::hardware_concurrency());
  bool coverage = false;
  std::string required;  // a file of names, one a line
};

int Replay(uint64_t seed, bool quiet) {
  std::vector<std::string> transcript;
  const Outcome outcome = Simulate(Scenario::FromSeed(seed), quiet ? nullptr : &transcript);
  for (const std::string& line : transcript) std::printf("%s\n", line.c_str());
  std::printf("seed %llu: %llu steps, %.3f simulated seconds, %zu failures\n",
              static_cast<unsigned long long>(seed), static_cast<unsigned long long>(outcome.steps),
              static_cast<double>(outcome.ended.time_since_epoch().count()) / 1e6,
              outcome.failures.size());
  for (const std::string& failure : outcome.failures) std::printf("FAILED: %s\n", failure.c_str());
  return outcome.failures.empty() ? 0 : 1;
}

struct Tally {
  std::mutex mutex;
  Coverage coverage;
  uint64_t failed = 0;
  uint64_t steps = 0;
};

void RunSome(const Wanted& wanted, std::atomic<uint64_t>& next, Tally& tally) {
  for (uint64_t i = next++; i < wanted.seeds; i = next++) {
    const uint64_t seed = wanted.from + i;
    const Outcome outcome = Simulate(Scenario::FromSeed(seed));
    const std::lock_guard lock(tally.mutex);
    tally.coverage.Merge(outcome.coverage);
    tally.steps += outcome.steps;
    if (outcome.failures.empty()) continue;
    ++tally.failed;
    std::printf("seed %llu FAILED: %s\n", static_cast<unsigned long long>(seed),
                outcome.failures.front().c_str());
    std::fflush(stdout);
  }
}

// How many names of the file were never counted: the seeds prove less than they claim then.
uint64_t CountMissing(const Coverage& coverage, const std::string& path) {
  if (path.empty()) return 0;
  std::ifstream file(path);
  if (!file) {
    std::printf("cannot read the required names in %s\n", path.c_str());
    return 1;
  }
  uint64_t missing = 0;
  for (std::string name; std::getline(file, name);) {
    if (name.empty() || name.front() == '#' || coverage.Of(name) > 0) continue;
    std::printf("never exercised: %s\n", name.c_str());
    ++missing;
  }
  return missing;
}

int RunMany(const Wanted& wanted) {
  const auto began = std::chrono::steady_clock::now();
  Tally tally;
  std::atomic<uint64_t> next{0};
  std::vector<std::thread> running;
  for (uint32_t i = 0; i < wanted.threads; ++i) {
    running.emplace_back([&] { RunSome(wanted, next, tally); });
  }
  for (std::thread& thread : running) thread.join();
  if (wanted.coverage) {
    for (const auto& [what, times] : tally.coverage.counts()) {
      std::printf("%12llu %s\n", static_cast<unsigned long long>(times), what.c_str());
    }
  }
  const uint64_t missing = CountMissing(tally.coverage, wanted.required);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  std::printf(
      "%llu seeds from %llu: %llu failed, %llu required names never met, %llu steps, %.1f s\n",
      static_cast<unsigned long long>(wanted.seeds), static_cast<unsigned long long>(wanted.from),
      static_cast<unsigned long long>(tally.failed), static_cast<unsigned long long>(missing),
      static_cast<unsigned long long>(tally.steps), took.count());
  return tally.failed == 0 && missing == 0 ? 0 : 1;
}

int Main(int argc, char** argv) {
  CLI::App app(
      "Runs whole Fanmill clusters in simulated time, with faults drawn from a seed.\n"
      "A seed replays exactly, at the same commit: fanmill-sim --seed 42 prints its transcript.");
  app.set_version_flag("--version", "fanmill-sim " FANMILL_VERSION);
  uint64_t seed = 0;
  bool quiet = false;
  Wanted wanted;
  auto* one = app.add_option("--seed", seed, "replay this seed and print every message");
  auto* many = app.add_option("--seeds", wanted.seeds, "run this many seeds");
  app.add_option("--from", wanted.from, "first of --seeds")->needs(many)->capture_default_str();
  app.add_option("--threads", wanted.threads, "run as many at once")->capture_default_str();
  app.add_flag("--quiet", quiet, "with --seed: only the outcome");
  app.add_flag("--coverage", wanted.coverage,
               "with --seeds: how often each fault and rule was met");
  app.add_option("--require", wanted.required,
                 "with --seeds: fail when a name in this file, one a line, was never met");
  one->excludes(many);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (one->count() > 0) return Replay(seed, quiet);
  if (many->count() > 0) return RunMany(wanted);
  std::printf("%s", app.help().c_str());
  return 2;
}

}  // namespace
}  // namespace fanmill::sim

int main(int argc, char** argv) { return fanmill::sim::Main(argc, argv); }
