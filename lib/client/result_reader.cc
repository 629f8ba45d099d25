#include "lib/client/result_reader.h"

#include <utility>

#include "lib/client/connection.h"
#include "lib/core/names.h"

namespace fanmill::client {
namespace {

constexpr uint64_t kPageBytes = 1 << 20;

Result ToResult(v1::TerminalRow& row) {
  Result result;
  result.task = row.task();
  result.part = row.part();
  result.is_stderr = row.stream() == 2;
  result.text = std::move(*row.mutable_bytes());
  result.status = std::string(StatusName(row.status()));
  result.code = row.code();
  result.epoch = row.epoch();
  result.attempt = row.attempt();
  result.worker = row.worker();
  result.run = Micros(static_cast<int64_t>(row.run_us()));
  result.value = std::move(*row.mutable_value());
  result.out = std::move(*row.mutable_stdout_bytes());
  result.err = std::move(*row.mutable_stderr_bytes());
  result.dropped = row.dropped();
  return result;
}

}  // namespace

ResultReader::ResultReader(Cluster& cluster, uint32_t batch, uint64_t cursor)
    : cluster_(cluster), batch_(batch), cursor_(cursor), next_cursor_(cursor) {}

absl::StatusOr<std::optional<Result>> ResultReader::Next(Duration timeout) {
  if (fetched_.empty() && !end_.has_value()) {
    if (absl::Status fetched = Fetch(timeout); !fetched.ok()) return fetched;
  }
  if (fetched_.empty()) return std::optional<Result>();
  Fetched& front = fetched_.front();
  if (front.more > 0) {
    std::optional<Result> result(front.result);
    ++front.result.task;
    --front.more;
    return result;
  }
  std::optional<Result> result(std::move(front.result));
  fetched_.pop_front();
  if (fetched_.empty()) cursor_ = next_cursor_;
  return result;
}

absl::Status ResultReader::Fetch(Duration timeout) {
  Connection& connection = cluster_.connection();
  v1::Envelope envelope;
  v1::ReadRequest& read = *envelope.mutable_read_request();
  // Not another one after a silence: a slow sink would begin again each time. R79
  if (asked_ == 0) asked_ = connection.NextRequest();
  const uint64_t request = asked_;
  read.set_batch(batch_);
  read.set_cursor(next_cursor_);
  read.set_max_bytes(kPageBytes);
  read.set_wait_us(static_cast<uint64_t>(timeout.count()));
  read.set_request(request);
  read.set_release(connection.options().only_reader);
  absl::StatusOr<v1::Envelope> answer =
      connection.Ask(Channel::kFacts, envelope, [request](const v1::Envelope& answer) {
        return answer.has_read_reply() && answer.read_reply().request() == request;
      });
  if (!answer.ok()) return answer.status();
  asked_ = 0;
  v1::ReadReply& reply = *answer->mutable_read_reply();
  if (!reply.error().empty()) return absl::NotFoundError(reply.error());
  for (v1::TerminalRow& row : *reply.mutable_rows())
    fetched_.push_back({ToResult(row), row.more()});
  next_cursor_ = reply.next();
  if (fetched_.empty()) cursor_ = next_cursor_;
  if (reply.has_closed()) {
    end_ = BatchEnd{reply.closed().cancelled(), reply.closed().ok(), reply.closed().failed(),
                    reply.closed().cancelled_tasks()};
  }
  return absl::OkStatus();
}

}  // namespace fanmill::client
