// What clients bring in.
#include "lib/core/limits.h"
#include "tests/ventilator/rig.h"

namespace fanmill {
namespace {

pb::Appended Answer(Rig& rig) {
  const auto answers = rig.Sent(pb::Envelope::kAppended);
  return answers.empty() ? pb::Appended() : answers.back().appended();
}

TEST(Intake, GivesTheSameBatchForTheSameToken) {  // R80
  Rig rig;
  pb::Spec spec;
  spec.set_handler("noop");
  const uint32_t first = rig.Open(spec, 11);
  EXPECT_EQ(first, 1u);
  EXPECT_EQ(rig.Open(spec, 12), 2u);
  EXPECT_EQ(rig.Open(spec, 11), first);
}

TEST(Intake, AnswersOpenBatchOnlyOnceItIsDurable) {  // R80
  Rig rig;
  rig.durable_at_once = false;
  EXPECT_EQ(rig.Open(), 0u);
  rig.MakeDurable();
  EXPECT_EQ(rig.Sent(pb::Envelope::kBatchOpened).size(), 1u);
}

TEST(Intake, RefusesASpecThatCannotRunAndSaysWhy) {
  Rig rig;
  pb::Spec spec;
  EXPECT_EQ(rig.Open(spec, 1), 0u);
  spec.set_handler("noop");
  spec.set_retries(1001);
  rig.Say(rig.client, pb::CLIENT, 1, [&](pb::Envelope& e) {
    e.mutable_open_batch()->set_token_low(2);
    *e.mutable_open_batch()->mutable_spec() = spec;
  });
  const auto answers = rig.Sent(pb::Envelope::kBatchOpened);
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].batch_opened().batch(), 0u);
  EXPECT_NE(answers[0].batch_opened().error().find("at most 1000 times"), std::string::npos);
  EXPECT_TRUE(rig.journal.empty());
}

std::string WhyRefused(Rig& rig, const pb::Spec& spec) {
  rig.Say(rig.client, pb::CLIENT, 1, [&](pb::Envelope& e) {
    e.mutable_open_batch()->set_token_low(3);
    *e.mutable_open_batch()->mutable_spec() = spec;
  });
  const auto answers = rig.Sent(pb::Envelope::kBatchOpened);
  return answers.empty() ? "" : answers.back().batch_opened().error();
}

TEST(Intake, RefusesNamesAndSpecsThatAreTooLongAndSaysSo) {
  Rig rig;
  pb::Spec fine;
  fine.set_handler(std::string(kNameBytesMax, 'h'));
  fine.set_name(std::string(kNameBytesMax, 'n'));
  fine.add_argv();
  while (fine.ByteSizeLong() < kSpecBytesMax) {
    fine.mutable_argv(0)->append(kSpecBytesMax - fine.ByteSizeLong(), 'x');
    if (fine.ByteSizeLong() > kSpecBytesMax) fine.mutable_argv(0)->resize(kSpecBytesMax - 600);
  }
  ASSERT_EQ(fine.ByteSizeLong(), kSpecBytesMax);
  pb::Spec spec = fine;
  spec.mutable_argv(0)->append("x");
  EXPECT_EQ(WhyRefused(rig, spec),
            "this batch is not accepted: its command and environment are 1048577 bytes long, and "
            "1048576 is the most; put what is so long into a file that every worker can read");
  spec = fine;
  spec.mutable_name()->append("n");
  EXPECT_EQ(WhyRefused(rig, spec),
            "this batch is not accepted: its name is 256 bytes long, and 255 is the most; give it "
            "a shorter one");
  spec = fine;
  spec.mutable_handler()->append("h");
  EXPECT_NE(WhyRefused(rig, spec).find("handler's name is 256 bytes long"), std::string::npos);
  EXPECT_TRUE(rig.journal.empty());
  EXPECT_EQ(rig.Open(fine), 1u);
}

TEST(Intake, RefusesABatchOfAClusterThatIsShuttingDown) {
  Rig rig;
  rig.state.set_wish(pb::DRAIN);
  rig.Tell();
  pb::Spec spec;
  spec.set_handler("noop");
  EXPECT_EQ(WhyRefused(rig, spec), "this batch is not accepted: the cluster is shutting down");
}

TEST(Intake, RefusesABatchAboveTheLimitOfLiveOnes) {
  DispatcherOptions options = RigOptions();
  options.batches_live_max = 2;
  Rig rig(options);
  rig.Tell();
  EXPECT_EQ(rig.Open(), 1u);
  EXPECT_EQ(rig.Open(), 2u);
  EXPECT_EQ(rig.Open(), 0u);
  rig.Close(1, true, 0);
  EXPECT_EQ(rig.Open(), 3u);
}

TEST(Intake, CountsATaskOnlyOnceItIsDurable) {  // R81
  Rig rig;
  const uint32_t batch = rig.Open();
  rig.durable_at_once = false;
  rig.Append(batch, 0, 10);
  rig.Append(batch, 0, 10);
  EXPECT_TRUE(rig.Sent(pb::Envelope::kAppended).empty());
  rig.MakeDurable();
  const auto answers = rig.Sent(pb::Envelope::kAppended);
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].appended().tasks(), 10u);
}

TEST(Intake, AnswersAnotherOffsetWithTheDurableCountAndChangesNothing) {  // R81
  Rig rig;
  const uint32_t batch = rig.Open();
  rig.Append(batch, 0, 10);
  const size_t rows = rig.journal.size();
  rig.Append(batch, 11, 5);
  EXPECT_EQ(Answer(rig).tasks(), 10u);
  rig.Append(batch, 0, 10);
  EXPECT_EQ(Answer(rig).tasks(), 10u);
  EXPECT_EQ(rig.journal.size(), rows);
}

TEST(Intake, CutsAnOverlap) {  // R81
  Rig rig;
  rig.Tell();
  const uint32_t batch = rig.Open("exec");
  rig.AppendPayloads(batch, 0, {"a", "bb"});
  rig.AppendPayloads(batch, 1, {"other", "ccc"});
  EXPECT_EQ(Answer(rig).tasks(), 3u);
  rig.Ready(1, 3);
  rig.StartBatch(batch);
  std::string payloads;
  for (const pb::TaskChunk& chunk : rig.Chunks()) payloads += chunk.payloads() + ",";
  EXPECT_EQ(payloads, "a,bb,ccc,");
}

TEST(Intake, SealsOnlyAtTheDurableCountAndAcceptsNothingAfter) {  // R83
  Rig rig;
  const uint32_t batch = rig.Open();
  rig.Append(batch, 0, 10);
  Answer(rig);
  rig.Seal(batch, 9);
  EXPECT_FALSE(Answer(rig).sealed());
  rig.durable_at_once = false;
  rig.Seal(batch, 10);
  rig.Append(batch, 10, 1);  // while the seal is on its way to the disk
  EXPECT_EQ(Answer(rig).tasks(), 10u);
  rig.Seal(batch, 10);  // is answered once, when it is durable
  EXPECT_TRUE(rig.Sent(pb::Envelope::kAppended).empty());
  rig.MakeDurable();
  EXPECT_TRUE(Answer(rig).sealed());
  rig.Append(batch, 10, 1);
  EXPECT_EQ(Answer(rig).tasks(), 10u);
  rig.Seal(batch, 10);  // R4
  EXPECT_TRUE(Answer(rig).sealed());
}

TEST(Intake, TellsThatThereIsNoRoomAndAgainWhenThereIs) {  // R82
  DispatcherOptions options = RigOptions();
  options.intake_bytes_max = 400'000;
  Rig rig(options);
  rig.Tell();
  rig.Ready(1, 1);
  const uint32_t batch = rig.Open("exec");
  rig.AppendPayloads(batch, 0, {std::string(150'000, 'x')});
  EXPECT_EQ(Answer(rig).room_bytes(), 0u);
  rig.AppendPayloads(batch, 1, {"more"});
  EXPECT_EQ(Answer(rig).tasks(), 1u);
  EXPECT_EQ(rig.Counted("R82"), 1u);
  rig.StartBatch(batch);
  const auto chunks = rig.Chunks();
  ASSERT_EQ(chunks.size(), 1u);
  EXPECT_TRUE(rig.Sent(pb::Envelope::kAppended).empty());
  rig.AckWhole({chunks[0].chunk()});  // its bytes are freed
  EXPECT_GT(Answer(rig).room_bytes(), 100'000u);
  rig.AppendPayloads(batch, 1, {"more"});
  EXPECT_EQ(Answer(rig).tasks(), 2u);
}

TEST(Intake, LeavesRoomForOthersThoughABatchFillsItsShareAndDoesNotMove) {  // R82
  DispatcherOptions options = RigOptions();
  options.intake_bytes_max = 400'000;
  options.intake_batch_bytes_min = 70'000;
  Rig rig(options);
  rig.Tell();
  rig.Ready(1, 1);
  pb::Spec spec;
  spec.set_handler("exec");
  spec.set_hold(true);
  const uint32_t held = rig.Open(spec);
  rig.AppendPayloads(held, 0, {std::string(130'000, 'x')});
  EXPECT_EQ(Answer(rig).room_bytes(), 200'000u - 130'008);  // its payload, and where that lies
  EXPECT_EQ(rig.Progress(held).waiting(), "");
  rig.AppendPayloads(held, 1, {std::string(10'000, 'x')});
  EXPECT_EQ(Answer(rig).room_bytes(), 0u);
  rig.AppendPayloads(held, 2, {"more"});
  EXPECT_EQ(Answer(rig).tasks(), 2u);
  EXPECT_EQ(rig.Progress(held).waiting(),
            "its submitter waits: 136 KiB of its tasks fill its share of the ventilator's memory");
  // Others have room however many there are, and are told of more when they move.
  for (int i = 0; i < 10; ++i) {
    const uint32_t other = rig.Open("exec");
    rig.AppendPayloads(other, 0, {std::string(66'000, 'x')});
    EXPECT_EQ(Answer(rig).tasks(), 1u);
  }
  const uint32_t last = rig.Open("exec");
  rig.AppendPayloads(last, 0, {std::string(66'000, 'x')});
  EXPECT_EQ(Answer(rig).room_bytes(), 0u);
  rig.StartBatch(last);
  const auto chunks = rig.Chunks();
  ASSERT_EQ(chunks.size(), 1u);
  rig.AckWhole({chunks[0].chunk()});
  const auto told = rig.Sent(pb::Envelope::kAppended);
  ASSERT_EQ(told.size(), 1u);  // and not those who still wait
  EXPECT_EQ(told[0].appended().batch(), last);
  EXPECT_EQ(told[0].appended().room_bytes(), 70'000u);
}

TEST(Intake, HoldsDeclaredCostsAgainstABatchToo) {  // R82
  DispatcherOptions options = RigOptions();
  options.intake_bytes_max = 200'000;
  options.intake_batch_bytes_min = 0;
  Rig rig(options);
  const uint32_t batch = rig.Open("exec");
  std::vector<uint32_t> costs(10'000, 1);
  costs[0] = 2;
  rig.AppendCosts(batch, 0, costs);
  EXPECT_EQ(Answer(rig).room_bytes(), 0u);
  rig.AppendCosts(batch, 10'000, costs);
  EXPECT_EQ(Answer(rig).tasks(), 10'000u);
}

TEST(Intake, KeepsARangeAsARange) {
  Rig rig;
  rig.Tell();
  rig.Ready(1, 2);
  const uint32_t batch = rig.Open("exec");
  rig.Say(rig.client, pb::CLIENT, 1, [&](pb::Envelope& e) {
    e.mutable_append()->set_batch(batch);
    e.mutable_append()->set_count(100'000'000);
    e.mutable_append()->mutable_range()->set_start(10);
    e.mutable_append()->mutable_range()->set_step(2);
  });
  EXPECT_EQ(Answer(rig).tasks(), 100'000'000u);
  rig.StartBatch(batch);
  const auto chunks = rig.Chunks();
  ASSERT_EQ(chunks.size(), 2u);
  EXPECT_EQ(chunks[1].tasks().first(), 1u);
  EXPECT_EQ(chunks[1].range().start(), 10);
  EXPECT_EQ(chunks[1].range().step(), 2);
  EXPECT_TRUE(chunks[1].payloads().empty());
}

TEST(Intake, SaysThatAnUnknownOrCancelledBatchTakesNothing) {
  Rig rig;
  rig.Tell();
  rig.Append(44, 0, 1);
  EXPECT_NE(Answer(rig).error().find("not known"), std::string::npos);
  const uint32_t batch = rig.Open();
  rig.CancelBatch(batch);
  rig.Append(batch, 0, 1);
  EXPECT_NE(Answer(rig).error().find("cancelled"), std::string::npos);
  rig.Seal(batch, 0);
  EXPECT_NE(Answer(rig).error().find("cancelled"), std::string::npos);
}

TEST(Intake, DoesNothingBeforeTheManifestWasRead) {
  Dispatcher dispatcher(RigOptions());
  Outbox outbox;
  dispatcher.Start(Instant{}, outbox);
  outbox.Take();
  pb::Envelope envelope;
  envelope.mutable_open_batch()->set_token_low(1);
  envelope.mutable_open_batch()->mutable_spec()->set_handler("noop");
  dispatcher.Handle(Instant{}, PeerId{Channel::kIntake, 1},
                    Wire{std::make_shared<const pb::Envelope>(envelope), {}}, outbox);
  EXPECT_TRUE(outbox.empty());
}

}  // namespace
}  // namespace fanmill
