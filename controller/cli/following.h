// Following: a thread that follows a batch, on a connection of its own, since results come while
// tasks are still being sent.
#ifndef FANMILL_CONTROLLER_CLI_FOLLOWING_H_
#define FANMILL_CONTROLLER_CLI_FOLLOWING_H_

#include <atomic>
#include <functional>
#include <memory>
#include <thread>
#include <utility>

#include "absl/status/statusor.h"
#include "controller/cli/follow.h"

namespace fanmill::cli {

class Following {
 public:
  // `on_over` is called by the thread, last.
  Following(std::unique_ptr<client::Cluster> cluster, uint32_t batch, Output& output, Watch watch,
            std::function<void()> on_over = nullptr)
      : cluster_(std::move(cluster)), watch_(std::move(watch)), on_over_(std::move(on_over)) {
    Watch watched = watch_;
    watched.stop = [this] { return stop_ || (watch_.stop && watch_.stop()); };
    thread_ = std::thread([this, batch, &output, watched = std::move(watched)] {
      followed_ = Follow(*cluster_, batch, output, watched);
      over_ = true;
      if (on_over_) on_over_();
    });
  }
  ~Following() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }

  bool over() const { return over_; }
  // Waits for the end.
  const absl::StatusOr<Followed>& Result() {
    if (thread_.joinable()) thread_.join();
    return followed_;
  }

 private:
  std::unique_ptr<client::Cluster> cluster_;
  const Watch watch_;
  const std::function<void()> on_over_;
  std::atomic<bool> stop_{false};
  std::atomic<bool> over_{false};
  absl::StatusOr<Followed> followed_ = absl::UnknownError("not followed yet");
  std::thread thread_;
};

}  // namespace fanmill::cli

#endif  // FANMILL_CONTROLLER_CLI_FOLLOWING_H_
