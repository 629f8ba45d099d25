// What the client does when the other side is not as it should be. The other side is a socket that
// answers as the test says.
#include "lib/client/connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <atomic>
#include <cstdio>
#include <functional>
#include <future>
#include <thread>

#include "controller/cli/command.h"
#include "controller/cli/follow.h"
#include "lib/client/batch_writer.h"
#include "lib/client/cluster.h"
#include "lib/io/line.h"
#include "lib/io/sockets.h"

namespace fanmill::client {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// Answers each request that comes to it; an empty vector is silence.
class FakeController {
 public:
  using Answer = std::function<std::vector<v1::Envelope>(const v1::Envelope& request)>;

  explicit FakeController(Answer answer) : answer_(std::move(answer)) {
    std::promise<std::string> listening;
    thread_ = std::thread([this, &listening] { Serve(listening); });
    endpoint_ = listening.get_future().get();
  }
  ~FakeController() {
    stop_ = true;
    thread_.join();
  }

  // Of a client that talks to it, in a hurry.
  Options ClientOptions(Duration patience = Seconds(20)) const {
    Options options;
    options.controller = endpoint_.substr(endpoint_.rfind('/') + 1);
    options.patience = patience;
    return options;
  }
  int requests() const { return requests_; }

 private:
  void Serve(std::promise<std::string>& listening) {
    auto sockets = Sockets::Open({});
    auto bound = (*sockets)->Bind(Channel::kControl, *ParseAddress("127.0.0.1:0", 0));
    Line line(Channel::kControl, true, std::move(bound->socket));
    listening.set_value(bound->address.Endpoint());
    while (!stop_) {
      const std::optional<Received> received = line.Receive();
      if (!received.has_value()) {
        poll(nullptr, 0, 1);
        continue;
      }
      ++requests_;
      const Message message = Decode(Channel::kControl, received->frame);
      for (const v1::Envelope& envelope : answer_(*std::get<Wire>(message).envelope)) {
        line.Send(received->from.id,
                  Encode(Wire{std::make_shared<const v1::Envelope>(envelope), {}}));
      }
    }
  }

  Answer answer_;
  std::string endpoint_;
  std::atomic<bool> stop_{false};
  std::atomic<int> requests_{0};
  std::thread thread_;
};

v1::Envelope FromController() {
  v1::Envelope envelope = NewEnvelope({v1::CONTROLLER, 1, 77});
  return envelope;
}

v1::Envelope Reply(uint64_t request, const std::string& error = "") {
  v1::Envelope envelope = FromController();
  envelope.mutable_command_reply()->set_request(request);
  envelope.mutable_command_reply()->set_done(error.empty());
  envelope.mutable_command_reply()->set_error(error);
  return envelope;
}

TEST(Connection, TakesTheAnswerToItsOwnRequestAlone) {
  FakeController controller([](const v1::Envelope& request) {
    const uint64_t id = request.command().request();
    return std::vector<v1::Envelope>{Reply(id + 1, "of somebody else"), Reply(id)};
  });
  auto cluster = Cluster::Connect(controller.ClientOptions());
  ASSERT_TRUE(cluster.ok());
  EXPECT_TRUE((*cluster)->Start(1).ok());
  EXPECT_TRUE((*cluster)->Start(2).ok());
}

TEST(Connection, AsksAgainUntilItIsAnswered) {
  int silent = 2;
  FakeController controller([&silent](const v1::Envelope& request) {
    if (silent-- > 0) return std::vector<v1::Envelope>{};
    return std::vector<v1::Envelope>{Reply(request.command().request())};
  });
  auto cluster = Cluster::Connect(controller.ClientOptions());
  ASSERT_TRUE(cluster.ok());
  EXPECT_TRUE((*cluster)->Start(1).ok());
  EXPECT_GE(controller.requests(), 3);
}

TEST(Connection, TellsWhyTheControllerSaidNo) {
  FakeController controller([](const v1::Envelope& request) {
    return std::vector<v1::Envelope>{
        Reply(request.command().request(), "batch 9 has ended (done)")};
  });
  auto cluster = Cluster::Connect(controller.ClientOptions());
  ASSERT_TRUE(cluster.ok());
  const absl::Status status = (*cluster)->Start(9);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(status.message(), "batch 9 has ended (done)");
  EXPECT_EQ(cli::Complain(status), cli::kExitUnable);
}

TEST(Connection, TellsABatchThatIsNotThereFromOtherRefusals) {
  FakeController controller([](const v1::Envelope& request) {
    v1::Envelope reply = Reply(request.command().request(), "there is no batch 9");
    reply.mutable_command_reply()->set_no_such_batch(true);
    return std::vector<v1::Envelope>{reply};
  });
  auto cluster = Cluster::Connect(controller.ClientOptions());
  ASSERT_TRUE(cluster.ok());
  const absl::Status status = (*cluster)->Start(9);
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(status.message(), "there is no batch 9");
  EXPECT_EQ(cli::Complain(status), cli::kExitUsage);
}

// R2, at the other end of it.
TEST(Connection, TellsThatTheOtherSideSpeaksAnotherVersion) {
  FakeController controller([](const v1::Envelope&) {
    v1::Envelope refused = FromController();
    refused.mutable_refused()->set_reason("you speak version 1 and this is 2");
    return std::vector<v1::Envelope>{refused};
  });
  auto cluster = Cluster::Connect(controller.ClientOptions());
  ASSERT_TRUE(cluster.ok());
  const absl::Status status = (*cluster)->Start(1);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(status.message(), "you speak version 1 and this is 2");
}

TEST(Connection, GivesUpWithTheAddressAndWhatItTried) {
  FakeController controller([](const v1::Envelope&) { return std::vector<v1::Envelope>{}; });
  const Options options = controller.ClientOptions(Millis(50));
  auto cluster = Cluster::Connect(options);
  ASSERT_TRUE(cluster.ok());
  const absl::Status status = (*cluster)->Start(1);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("no controller answered at tcp://" + options.controller +
                        ": asked every 500ms for 50ms"));
}

TEST(Connection, StopsWaitingWhenItIsInterrupted) {
  std::atomic<bool> interrupted{false};
  FakeController controller([&interrupted](const v1::Envelope&) {
    interrupted = true;  // once the client waits
    return std::vector<v1::Envelope>{};
  });
  Options options = controller.ClientOptions(Seconds(3600));
  options.interrupted = [&interrupted] { return interrupted.load(); };
  auto cluster = Cluster::Connect(options);
  ASSERT_TRUE(cluster.ok());
  EXPECT_EQ((*cluster)->Start(1).code(), absl::StatusCode::kCancelled);
}

TEST(Report, IsWaitedForOnlyUntilItIsFinal) {
  FakeController controller([](const v1::Envelope& request) {
    v1::Envelope reply = Reply(request.command().request());
    v1::BatchReport& report = *reply.mutable_command_reply()->mutable_report();
    report.set_phase(v1::DONE);
    report.add_missing("worker 2 (lost)");
    report.set_final(true);
    return std::vector<v1::Envelope>{reply};
  });
  auto cluster = Cluster::Connect(controller.ClientOptions());
  ASSERT_TRUE(cluster.ok());
  const absl::StatusOr<Report> report = cli::AwaitReport(**cluster, 1);
  ASSERT_TRUE(report.ok());
  EXPECT_TRUE(report->final);
  EXPECT_FALSE(report->complete);
  EXPECT_EQ(controller.requests(), 1);
}

// Nobody listens at an address for examples.
constexpr char kElsewhere[] = "192.0.2.1";
constexpr char kRefusedElsewhere[] = "refusing to use tcp://192.0.2.1:21000 without a key";

TEST(Connection, GoesBeyondThisMachineOnlyWithAKeyOrWhenToldTo) {
  Options options;
  options.controller = kElsewhere;
  options.patience = Millis(1);
  const auto start = [&options] {
    auto cluster = Cluster::Connect(options);
    return cluster.ok() ? (*cluster)->Start(1) : cluster.status();
  };
  const absl::Status refused = start();
  EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(refused.message()),
              AllOf(HasSubstr(kRefusedElsewhere), HasSubstr("or say --insecure-network")));
  options.insecure_network = true;
  EXPECT_EQ(start().code(), absl::StatusCode::kUnavailable);
  options.insecure_network = false;
  options.key_file = ::testing::TempDir() + "connection-test-key";
  std::remove(options.key_file.c_str());
  ASSERT_TRUE(MakeKeyFile(options.key_file).ok());
  EXPECT_EQ(start().code(), absl::StatusCode::kUnavailable);
  std::remove(options.key_file.c_str());
}

TEST(Connection, IsNotLedBeyondThisMachineByAController) {
  FakeController controller([](const v1::Envelope& request) {
    v1::Envelope reply = Reply(request.command().request());
    reply.mutable_command_reply()->mutable_state()->mutable_ventilator()->set_intake(
        "tcp://192.0.2.1:21000");
    return std::vector<v1::Envelope>{reply};
  });
  auto cluster = Cluster::Connect(controller.ClientOptions());
  ASSERT_TRUE(cluster.ok());
  const auto writer = BatchWriter::Open(**cluster, {});
  EXPECT_EQ(writer.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(writer.status().message()), HasSubstr(kRefusedElsewhere));
}

TEST(Connection, SaysThatAnAddressIsNone) {
  Options options;
  options.controller = "host:port";
  EXPECT_EQ(Cluster::Connect(options).status().code(), absl::StatusCode::kInvalidArgument);
  options.controller = "127.0.0.1";
  options.key_file = "/no/such/key";
  EXPECT_THAT(std::string(Cluster::Connect(options).status().message()),
              HasSubstr("could not read the key file /no/such/key"));
}

}  // namespace
}  // namespace fanmill::client
