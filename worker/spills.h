// Spills: outputs too large for a message, kept in their files until the session has read them.
// Files are read in a thread of their own: a slow disk must not hold up whoever asks.
#ifndef FANMILL_WORKER_SPILLS_H_
#define FANMILL_WORKER_SPILLS_H_

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "lib/core/local.h"
#include "lib/core/message.h"
#include "worker/capture.h"
#include "worker/mailbox.h"

namespace fanmill {

class Spills {
 public:
  // Answers to Read go to `replies`, which outlives this.
  explicit Spills(Mailbox<Message>& replies);
  ~Spills();

  // From any thread. REQUIRES: the stream spilled.
  SpilledOutput Keep(CapturedStream stream);
  // Answered by an OutputRead. Its bytes are empty past the end, where the disk fails, and for a
  // handle that is not known.
  void Read(const ReadOutput& read);
  // The file is gone once the reads before it are answered.
  void Done(const OutputDone& done);

 private:
  void Serve();
  std::string Bytes(const ReadOutput& read);
  void Forget(uint64_t handle);

  using Order = std::variant<ReadOutput, OutputDone, std::monostate>;  // monostate: the end

  Mailbox<Message>& replies_;
  Mailbox<Order> orders_;
  std::mutex mutex_;
  uint64_t next_handle_ ABSL_GUARDED_BY(mutex_) = 1;
  std::map<uint64_t, std::shared_ptr<const CapturedStream>> kept_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace fanmill

#endif  // FANMILL_WORKER_SPILLS_H_
