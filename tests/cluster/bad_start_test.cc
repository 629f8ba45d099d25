// Processes that cannot work where or as they were started: each says what it tried, why that
// failed and what to do, and ends with the right code, or says what it waits for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>
#include <zmq.hpp>

#include "absl/strings/str_cat.h"
#include "lib/core/limits.h"
#include "lib/core/wire.h"
#include "tests/cluster/local_cluster.h"

namespace fanmill {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Words = std::vector<std::string>;

constexpr const char* kDaemons[] = {"fanmill-controller", "fanmill-ventilator", "fanmill-sink"};
constexpr int kPatienceMs = 20'000;

class BadStart : public ::testing::Test {
 protected:
  Finished Run(Words argv) { return Begin(std::move(argv)).Wait(); }
  RunningCommand Begin(Words argv) {
    argv[0] = Executable(argv[0]);
    return StartCommand(argv, absl::StrCat(cluster_.folder(), "/begun-", ++begun_), "");
  }
  // One that goes on, and says this before it is told to leave.
  void ExpectSays(Words argv, const std::string& text) {
    RunningCommand command = Begin(std::move(argv));
    EXPECT_TRUE(WaitUntil([&] { return command.Err().find(text) != std::string::npos; }))
        << command.Err();
    command.process().Signal(SIGTERM);
    EXPECT_EQ(command.Wait().exit_code, 0);
  }
  std::string NewKey(const std::string& name) {
    const std::string path = cluster_.folder() + "/" + name;
    EXPECT_EQ(Run({"fanmill", "keygen", path}).exit_code, 0);
    return path;
  }
  std::string state() const { return cluster_.folder() + "/other"; }

  LocalCluster cluster_;
  int begun_ = 0;
};

// Answers what DEALERs say, as a controller of somebody else's making.
class RawController {
 public:
  RawController() : router_(context_, zmq::socket_type::router) {
    router_.set(zmq::sockopt::linger, 0);
    router_.set(zmq::sockopt::rcvtimeo, kPatienceMs);
    router_.bind("tcp://127.0.0.1:*");
  }
  std::string address() const {
    return router_.get(zmq::sockopt::last_endpoint).substr(sizeof("tcp://") - 1);
  }
  // Waits for one message, and answers it.
  void Answer(const pb::Envelope& envelope) {
    zmq::message_t from;
    zmq::message_t said;
    ASSERT_TRUE(router_.recv(from).has_value());
    ASSERT_TRUE(router_.recv(said).has_value());
    router_.send(from, zmq::send_flags::sndmore);
    router_.send(zmq::buffer(envelope.SerializeAsString()), zmq::send_flags::none);
  }

 private:
  zmq::context_t context_;
  zmq::socket_t router_;
};

TEST_F(BadStart, APortInUseIsNamedByEachDaemon) {
  cluster_.StartController();
  for (const char* daemon : kDaemons) {
    const Finished refused = Run({daemon, "--listen", cluster_.address(), "--state", state()});
    EXPECT_EQ(refused.exit_code, 5) << daemon;
    EXPECT_THAT(refused.err, AllOf(HasSubstr("could not listen on tcp://" + cluster_.address() +
                                             ": address already in use"),
                                   HasSubstr("choose another with --listen")));
    EXPECT_THAT(refused.out, IsEmpty());
  }
}

TEST_F(BadStart, AStateDirectoryThatIsHeldIsNamedWithItsHolder) {
  cluster_.StartAll();
  const pid_t holders[] = {cluster_.controller().pid(), cluster_.ventilator().pid(),
                           cluster_.sink().pid()};
  for (size_t i = 0; i < std::size(kDaemons); ++i) {
    const Finished refused =
        Run({kDaemons[i], "--listen", "127.0.0.1:0", "--state", cluster_.folder() + "/state"});
    EXPECT_EQ(refused.exit_code, 5) << kDaemons[i];
    EXPECT_THAT(refused.err, HasSubstr(absl::StrCat("process ", holders[i],
                                                    " holds it; stop that one, or choose another "
                                                    "directory with --state DIR")));
  }
  EXPECT_EQ(cluster_.Fanmill({"submit", "--wait", "--", "echo"}, "x\n").out, "x\n");
}

TEST_F(BadStart, AStateThatIsAFileOrMayNotBeWrittenIsNamed) {
  std::ofstream(cluster_.folder() + "/file") << "";
  const std::string closed = cluster_.folder() + "/closed";
  std::filesystem::create_directory(closed);
  ASSERT_EQ(chmod(closed.c_str(), 0500), 0);
  for (const char* daemon : kDaemons) {
    const Finished file =
        Run({daemon, "--listen", "127.0.0.1:0", "--state", cluster_.folder() + "/file"});
    EXPECT_EQ(file.exit_code, 5) << daemon;
    EXPECT_THAT(file.err, AllOf(HasSubstr("could not use the state directory " + cluster_.folder() +
                                          "/file/"),
                                HasSubstr("not a directory; choose another with --state DIR")));
    Words argv = {Executable(daemon), "--listen", "127.0.0.1:0", "--state", closed + "/in"};
    // Root writes everywhere, but for a root without its powers.
    if (geteuid() == 0) {
      argv.insert(argv.begin(), {"/usr/bin/setpriv", "--bounding-set=-all", "--inh-caps=-all"});
    }
    const Finished shut = StartCommand(argv, cluster_.folder() + "/shut", "").Wait();
    EXPECT_EQ(shut.exit_code, 5) << daemon;
    EXPECT_THAT(shut.err, HasSubstr("permission denied; choose one of your own with --state DIR"));
  }
}

TEST_F(BadStart, WhoFindsNoControllerSaysSoAndGoesOnAsking) {
  const std::string said = "event=no_answer controller=tcp://" + cluster_.address();
  ExpectSays({"fanmill-worker", "--controller", cluster_.address()}, said);
  for (const char* daemon : {"fanmill-ventilator", "fanmill-sink"}) {
    ExpectSays(
        {daemon, "--controller", cluster_.address(), "--listen", "127.0.0.1:0", "--state", state()},
        said);
  }
}

TEST_F(BadStart, AHandlerThatDoesNotExistIsNotOffered) {
  const Finished refused = Run({"fanmill-worker", "--handler", "python"});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, AllOf(HasSubstr("fanmill-worker: --handler: python not in"),
                                 HasSubstr("exec"), HasSubstr("fanmill-worker --help")));
}

TEST_F(BadStart, AMissingWordIsSaidWithWhereToReadMore) {
  const Finished missing = Run({"fanmill", "wait"});
  EXPECT_EQ(missing.exit_code, 2);
  EXPECT_EQ(missing.err, "fanmill: BATCH is required; fanmill wait --help tells how it is used\n");
}

class BadKey : public BadStart {
 protected:
  BadKey() { keyed_.StartAll(); }
  void ExpectWork() {
    const Finished work = keyed_.Fanmill({"submit", "--wait", "--", "echo"}, "x\n");
    EXPECT_EQ(work.out, "x\n") << work.err;
  }

  static LocalClusterOptions Keyed(const std::string& key) {
    return {.workers = 1, .slots = 2, .flags = {"--key", key}};
  }
  const std::string key_ = NewKey("key");
  LocalCluster keyed_{Keyed(key_)};
};

TEST_F(BadKey, ACommandWithAnotherKeyOrNoneIsToldWhatItMayBe) {
  const std::string other = NewKey("other-key");
  const Finished wrong = Run({"fanmill", "--controller", keyed_.address(), "--key", other, "list"});
  EXPECT_EQ(wrong.exit_code, 5);
  EXPECT_THAT(wrong.err, AllOf(HasSubstr("no controller answered at tcp://" + keyed_.address()),
                               HasSubstr("Is the file given with --key the key of that cluster?")));
  const Finished none = Run({"fanmill", "--controller", keyed_.address(), "list"});
  EXPECT_EQ(none.exit_code, 5);
  EXPECT_THAT(none.err, HasSubstr("If the cluster has a key, it needs --key FILE."));
  ExpectWork();
}

TEST_F(BadKey, ADaemonWithAnotherKeyOrNoneSaysWhatItMayBe) {
  const std::string other = NewKey("other-key");
  const std::string said = "If the cluster has a key, this needs the same one (--key)";
  ExpectSays({"fanmill-worker", "--controller", keyed_.address(), "--key", other}, said);
  ExpectSays({"fanmill-worker", "--controller", keyed_.address()}, said);
  ExpectSays({"fanmill-sink", "--controller", keyed_.address(), "--listen", "127.0.0.1:0",
              "--state", state()},
             said);
  ExpectWork();
}

TEST_F(BadStart, AFileThatIsNoKeyIsNamed) {
  const std::string path = cluster_.folder() + "/no-key";
  std::ofstream(path) << "not a key\n";
  ASSERT_EQ(chmod(path.c_str(), 0600), 0);
  for (const Words& argv :
       {Words{"fanmill", "--key", path, "list"}, Words{"fanmill-worker", "--key", path},
        Words{"fanmill-sink", "--key", path, "--state", state()}}) {
    const Finished refused = Run(argv);
    EXPECT_EQ(refused.exit_code, 2) << argv[0];
    EXPECT_THAT(refused.err, HasSubstr(path)) << argv[0];
  }
}

// R2
TEST_F(BadStart, AWorkerOfAnotherProtocolIsToldBothVersions) {
  cluster_.StartAll();
  pb::Envelope hello = NewEnvelope({pb::WORKER, 77, 0});
  hello.set_protocol(99);
  hello.mutable_hello()->set_slots(1);
  zmq::context_t context;
  zmq::socket_t dealer(context, zmq::socket_type::dealer);
  dealer.set(zmq::sockopt::linger, 0);
  dealer.set(zmq::sockopt::rcvtimeo, kPatienceMs);
  dealer.connect("tcp://" + cluster_.address());
  dealer.send(zmq::buffer(hello.SerializeAsString()), zmq::send_flags::none);
  zmq::message_t answer;
  ASSERT_TRUE(dealer.recv(answer).has_value());
  pb::Envelope refused;
  ASSERT_TRUE(refused.ParseFromArray(answer.data(), static_cast<int>(answer.size())));
  ASSERT_TRUE(refused.has_refused());
  EXPECT_THAT(refused.refused().reason(),
              HasSubstr(absl::StrCat("speaks protocol ", kProtocolVersion,
                                     ", and you speak 99: "
                                     "install the same version of Fanmill on both sides")));
  EXPECT_EQ(cluster_.Fanmill({"submit", "--wait", "--", "echo"}, "x\n").out, "x\n");
}

TEST_F(BadStart, AWorkerThatIsRefusedSaysWhyAndEnds) {
  RawController controller;
  pb::Envelope refused = NewEnvelope({pb::CONTROLLER, 1, 5});
  refused.set_protocol(99);
  refused.mutable_refused()->set_reason("this controller wants none like you: go home");
  RunningCommand worker = Begin({"fanmill-worker", "--controller", controller.address()});
  for (int i = 0; i < 2; ++i) controller.Answer(refused);  // one may have been meant for another
  const Finished ended = worker.Wait();
  EXPECT_EQ(ended.exit_code, 5);
  EXPECT_THAT(ended.err, AllOf(HasSubstr("refuses this worker"),
                               HasSubstr("this controller wants none like you: go home")));
}

// R2
TEST_F(BadStart, ACommandThatIsRefusedSaysWhyAndEnds) {
  RawController controller;
  pb::Envelope refused = NewEnvelope({pb::CONTROLLER, 1, 5});
  refused.set_protocol(99);
  refused.mutable_refused()->set_reason("this controller wants none like you: go home");
  RunningCommand list = Begin({"fanmill", "--controller", controller.address(), "list"});
  controller.Answer(refused);
  const Finished ended = list.Wait();
  EXPECT_EQ(ended.exit_code, 5);
  EXPECT_EQ(ended.err, "fanmill: this controller wants none like you: go home\n");
}

}  // namespace
}  // namespace fanmill
