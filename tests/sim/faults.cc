#include "tests/sim/faults.h"

namespace fanmill::sim {
namespace {

uint32_t Sometimes(Random& random, uint32_t most) {
  return random.Uniform(2) == 0 ? 0 : static_cast<uint32_t>(random.Uniform(most));
}

}  // namespace

Faults Faults::Draw(Random& random) {
  Faults faults;
  faults.until = Instant{} + Seconds(2 + static_cast<int64_t>(random.Uniform(10)));
  faults.sever_per_message = Sometimes(random, 20'000);
  faults.forever_per_sever = Sometimes(random, 300'000);
  faults.unnoticed_per_sever = Sometimes(random, 1'000'000);
  faults.crash_per_send = Sometimes(random, 2'000);
  faults.crash_per_write = Sometimes(random, 5'000);
  faults.pause_per_step = Sometimes(random, 2'000);
  faults.jump_per_step = Sometimes(random, 500);
  faults.noise_per_message = Sometimes(random, 50'000);
  faults.signal_loss = Sometimes(random, 1'000'000);
  faults.slow_per_message = Sometimes(random, 50'000);
  if (random.Uniform(4) == 0) {
    faults.results_kib_per_s = 1'024 + static_cast<uint32_t>(random.Uniform(8'192));
  }
  faults.crash_controller = random.Uniform(2) == 0;
  faults.crash_ventilator = random.Uniform(2) == 0;
  faults.crash_sink = random.Uniform(2) == 0;
  faults.crash_workers = random.Uniform(4) != 0;
  faults.silent_deaths = random.Uniform(2) == 0;
  faults.deaths_for_good = random.Uniform(2) == 0;
  faults.leavers = random.Uniform(2) == 0;
  faults.reuse_ports = random.Uniform(2) == 0;
  faults.slow_disk = random.Uniform(4) == 0;
  return faults;
}

}  // namespace fanmill::sim
