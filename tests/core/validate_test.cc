// R1: columns that contradict each other, and numbers beyond the limits, body by body. Each test
// starts from a valid message, changes one thing, and expects exactly that to be refused.
#include "lib/core/validate.h"

#include <gtest/gtest.h>

#include <functional>

#include "lib/core/limits.h"
#include "lib/core/task_set.h"
#include "lib/core/wire.h"
#include "tests/core/sample_messages.h"

namespace fanmill {
namespace {

using Change = std::function<void(v1::Envelope&)>;

bool Takes(v1::Envelope::BodyCase body, const Change& change) {
  for (const Sample& sample : SampleMessages()) {
    if (sample.envelope.body_case() != body) continue;
    v1::Envelope envelope = sample.envelope;
    change(envelope);
    const Message message = Decode(sample.channel, Frame::Own(envelope.SerializeAsString()));
    return std::holds_alternative<Wire>(message);
  }
  ADD_FAILURE() << "no sample of body " << body;
  return false;
}

// ---- TaskChunk ---------------------------------------------------------------------------------

bool TakesTasks(const std::function<void(v1::TaskChunk&)>& change) {
  return Takes(v1::Envelope::kTasks, [&](v1::Envelope& e) { change(*e.mutable_tasks()); });
}

TEST(TaskChunkDecoding, NeedsItsIds) {
  EXPECT_FALSE(TakesTasks([](auto& chunk) { chunk.set_chunk(0); }));
  EXPECT_FALSE(TakesTasks([](auto& chunk) { chunk.set_lane(0); }));
  EXPECT_FALSE(TakesTasks([](auto& chunk) { chunk.set_batch(0); }));
}

TEST(TaskChunkDecoding, NeedsColumnsAsLongAsItsTasks) {
  EXPECT_FALSE(TakesTasks([](auto& chunk) { chunk.add_attempt(1); }));
  EXPECT_FALSE(TakesTasks([](auto& chunk) { chunk.mutable_attempt()->RemoveLast(); }));
  EXPECT_FALSE(TakesTasks([](auto& chunk) { chunk.add_payload_size(0); }));
  EXPECT_TRUE(TakesTasks([](auto& chunk) { chunk.clear_attempt(); }));
}

TEST(TaskChunkDecoding, NeedsPayloadSizesThatAddUp) {
  EXPECT_FALSE(TakesTasks([](auto& chunk) { chunk.set_payloads("ab"); }));
  EXPECT_FALSE(TakesTasks([](auto& chunk) { chunk.set_payloads("abcd"); }));
  EXPECT_FALSE(TakesTasks([](auto& chunk) { chunk.clear_payload_size(); }));
  EXPECT_FALSE(TakesTasks([](auto& chunk) {
    // 2^32 - 1 and 4 add up to 3 in 32 bits.
    chunk.set_payload_size(0, 0xffffffff);
    chunk.set_payload_size(1, 4);
  }));
}

TEST(TaskChunkDecoding, TakesTasksUpToTheLimitAndNoMore) {
  const auto with_count = [](uint64_t count) {
    return TakesTasks([count](auto& chunk) {
      *chunk.mutable_tasks() = PackRange(0, count);
      chunk.clear_attempt();
      chunk.clear_payload_size();
      chunk.clear_payloads();
    });
  };
  EXPECT_FALSE(with_count(0));
  EXPECT_TRUE(with_count(kTasksPerChunkMax));
  EXPECT_FALSE(with_count(kTasksPerChunkMax + 1));
  EXPECT_FALSE(with_count(UINT64_MAX));
}

TEST(TaskChunkDecoding, TakesPayloadsUpToTheLimitAndNoMore) {
  const auto with_payload = [](size_t bytes) {
    return TakesTasks([bytes](auto& chunk) {
      chunk.set_payload_size(0, static_cast<uint32_t>(bytes));
      chunk.set_payload_size(1, 0);
      chunk.set_payloads(std::string(bytes, 'p'));
    });
  };
  EXPECT_TRUE(with_payload(kTaskPayloadBytesMax));
  EXPECT_FALSE(with_payload(kTaskPayloadBytesMax + 1));
}

TEST(TaskChunkDecoding, CountsAttemptsFromOne) {
  EXPECT_FALSE(TakesTasks([](auto& chunk) { chunk.set_attempt(1, 0); }));
}

TEST(TaskChunkDecoding, TakesARangeOnlyAloneAndInside64Bits) {
  const auto with_range = [](int64_t start, int64_t step) {
    return TakesTasks([=](auto& chunk) {
      chunk.clear_payload_size();
      chunk.clear_payloads();
      chunk.mutable_range()->set_start(start);
      chunk.mutable_range()->set_step(step);
    });
  };
  EXPECT_FALSE(TakesTasks([](auto& chunk) { chunk.mutable_range(); }));
  EXPECT_TRUE(with_range(0, 1));
  EXPECT_TRUE(with_range(INT64_MAX - 9, 1)) << "task 9 is the last";
  EXPECT_FALSE(with_range(INT64_MAX - 8, 1));
  EXPECT_TRUE(with_range(INT64_MIN + 9, -1));
  EXPECT_FALSE(with_range(INT64_MIN + 8, -1));
  EXPECT_FALSE(with_range(0, INT64_MAX));
}

TEST(TaskChunkDecoding, NeedsTaskNumbersThatAre) {
  EXPECT_FALSE(
      TakesTasks([](auto& chunk) { chunk.mutable_tasks()->set_first(kTasksPerBatchMax); }));
  EXPECT_FALSE(TakesTasks([](auto& chunk) { chunk.mutable_tasks()->set_delta(0, -4); }));
  EXPECT_FALSE(TakesTasks([](auto& chunk) { chunk.mutable_tasks()->set_count(3); }));
}

// ---- ResultChunk -------------------------------------------------------------------------------

bool TakesResults(const std::function<void(v1::ResultChunk&)>& change) {
  return Takes(v1::Envelope::kResults, [&](v1::Envelope& e) { change(*e.mutable_results()); });
}

TEST(ResultChunkDecoding, NeedsColumnsAsLongAsItsTasks) {
  EXPECT_FALSE(TakesResults([](auto& chunk) { chunk.add_attempt(1); }));
  EXPECT_FALSE(TakesResults([](auto& chunk) { chunk.add_status(v1::OK); }));
  EXPECT_FALSE(TakesResults([](auto& chunk) { chunk.add_code(1); }));
  EXPECT_FALSE(TakesResults([](auto& chunk) { chunk.add_value_size(0); }));
  EXPECT_FALSE(TakesResults([](auto& chunk) { chunk.add_stdout_size(0); }));
  EXPECT_FALSE(TakesResults([](auto& chunk) { chunk.add_stderr_size(0); }));
  EXPECT_FALSE(TakesResults([](auto& chunk) { chunk.clear_run_us(); }));
  EXPECT_TRUE(TakesResults([](auto& chunk) { chunk.add_run_us(1); })) << "now one per task";
}

TEST(ResultChunkDecoding, NeedsOutputSizesThatAddUp) {
  EXPECT_FALSE(TakesResults([](auto& chunk) { chunk.set_bytes("xy"); }));
  EXPECT_FALSE(TakesResults([](auto& chunk) { chunk.clear_bytes(); }));
  EXPECT_TRUE(TakesResults([](auto& chunk) {
    chunk.add_value_size(0);
    chunk.add_value_size(1);
    chunk.add_stderr_size(2);
    chunk.add_stderr_size(0);
    chunk.set_bytes("xyzw");
  }));
}

// R66
TEST(ResultChunkDecoding, RefusesEndsThatHappenNotAtAWorker) {
  EXPECT_FALSE(TakesResults([](auto& chunk) { chunk.set_status(0, v1::CANCELLED); }));
  EXPECT_FALSE(TakesResults([](auto& chunk) { chunk.set_status(0, v1::LOST); }));
  EXPECT_FALSE(TakesResults([](auto& chunk) { chunk.set_status(0, static_cast<v1::Status>(99)); }));
  EXPECT_TRUE(TakesResults([](auto& chunk) { chunk.set_status(0, v1::NOT_STARTED); }));
}

TEST(ResultChunkDecoding, TakesOutputUpToTheLimitAndNoMore) {
  const auto with_output = [](size_t bytes) {
    return TakesResults([bytes](auto& chunk) {
      chunk.set_stdout_size(0, static_cast<uint32_t>(bytes));
      chunk.set_bytes(std::string(bytes, 'o'));
    });
  };
  EXPECT_TRUE(with_output(kInlineOutputBytesMax));
  EXPECT_FALSE(with_output(kInlineOutputBytesMax + 1));
}

TEST(ResultChunkDecoding, NeedsLargeOutputsToFitItsTasksAndParts) {
  const auto with = [](uint64_t task, uint32_t stream, uint64_t size, uint32_t parts,
                       uint64_t dropped = 0) {
    return TakesResults([=](auto& chunk) {
      v1::LargeOutput& large = *chunk.mutable_large(0);
      large.set_task(task);
      large.set_stream(stream);
      large.set_size(size);
      large.set_parts(parts);
      large.set_dropped(dropped);
    });
  };
  EXPECT_TRUE(with(9, 2, kOutputPartBytesMax, 1));
  EXPECT_FALSE(with(4, 1, 100, 1)) << "task 4 is not in the chunk";
  EXPECT_FALSE(with(9, 0, 100, 1));
  EXPECT_FALSE(with(9, 3, 100, 1));
  EXPECT_FALSE(with(9, 1, 0, 0));
  EXPECT_TRUE(with(9, 1, 0, 0, 100)) << "nothing of it could be read";
  EXPECT_FALSE(with(9, 1, 0, 1, 100));
  EXPECT_FALSE(with(9, 1, 100, 0));
  EXPECT_FALSE(with(9, 1, kOutputPartBytesMax + 1, 1));
  EXPECT_FALSE(with(9, 1, 2, 3));
  EXPECT_TRUE(with(9, 1, kOutputStreamBytesMax, 1024));
  EXPECT_FALSE(with(9, 1, kOutputStreamBytesMax + 1, 1025));
}

TEST(OutputPartDecoding, TakesPartsUpToTheLimitAndNoMore) {
  const auto with_bytes = [](size_t bytes) {
    return Takes(v1::Envelope::kOutput, [bytes](v1::Envelope& e) {
      e.mutable_output()->set_bytes(std::string(bytes, 'o'));
    });
  };
  EXPECT_FALSE(with_bytes(0));
  EXPECT_TRUE(with_bytes(kOutputPartBytesMax));
  EXPECT_FALSE(with_bytes(kOutputPartBytesMax + 1));
}

TEST(OutputPartDecoding, NeedsAKnownStreamAndAnAttempt) {
  EXPECT_FALSE(Takes(v1::Envelope::kOutput, [](auto& e) { e.mutable_output()->set_stream(0); }));
  EXPECT_FALSE(Takes(v1::Envelope::kOutput, [](auto& e) { e.mutable_output()->set_stream(3); }));
  EXPECT_FALSE(Takes(v1::Envelope::kOutput, [](auto& e) { e.mutable_output()->set_attempt(0); }));
}

// ---- Ack, lease --------------------------------------------------------------------------------

TEST(AckDecoding, NeedsWholeFailuresAndPartialAcks) {
  const auto with = [](const std::function<void(v1::Ack&)>& change) {
    return Takes(v1::Envelope::kAck, [&](v1::Envelope& e) { change(*e.mutable_ack()); });
  };
  EXPECT_FALSE(with([](auto& ack) { ack.mutable_failed(0)->set_status(v1::OK); }));
  EXPECT_FALSE(with([](auto& ack) { ack.mutable_failed(0)->set_batch(0); }));
  EXPECT_FALSE(with([](auto& ack) { ack.mutable_failed(0)->set_task(kTasksPerBatchMax); }));
  EXPECT_FALSE(with([](auto& ack) { ack.mutable_failed(0)->set_attempt(0); }));
  EXPECT_FALSE(with([](auto& ack) { ack.mutable_partial(0)->set_chunk(0); }));
  EXPECT_FALSE(with([](auto& ack) { ack.mutable_partial(0)->mutable_tasks()->set_count(5000); }));
  EXPECT_FALSE(with([](auto& ack) { ack.mutable_closed(0)->set_batch(0); }));
}

TEST(LeaseDecoding, NeedsHeldChunksWhoseIndexesExist) {
  const auto with = [](const std::function<void(v1::HeldChunk&)>& change) {
    return Takes(v1::Envelope::kLeaseHello,
                 [&](v1::Envelope& e) { change(*e.mutable_lease_hello()->mutable_held(0)); });
  };
  EXPECT_FALSE(with([](auto& held) { held.clear_tasks(); }));
  EXPECT_FALSE(with([](auto& held) { held.mutable_unfinished()->set_step(1, 9); }))
      << "[2, 11) of 10 tasks";
  EXPECT_FALSE(with([](auto& held) { held.mutable_returned()->add_step(0); }));
  EXPECT_FALSE(with([](auto& held) { held.add_attempt(1); }));
  EXPECT_FALSE(with([](auto& held) { held.set_chunk(0); }));
}

TEST(LeaseDecoding, BoundsAReportsIndexesByTheLargestChunk) {
  const auto with_step = [](uint64_t length) {
    return Takes(v1::Envelope::kLeaseReport, [length](v1::Envelope& e) {
      v1::Ranges& returned = *e.mutable_lease_report()->mutable_held(0)->mutable_returned();
      returned.add_step(0);
      returned.add_step(length);
    });
  };
  EXPECT_TRUE(with_step(kTasksPerChunkMax));
  EXPECT_FALSE(with_step(kTasksPerChunkMax + 1));
  const auto with_running = [](uint32_t index) {
    return Takes(v1::Envelope::kLeaseReport, [index](v1::Envelope& e) {
      e.mutable_lease_report()->mutable_running(0)->set_index(index);
    });
  };
  EXPECT_TRUE(with_running(kTasksPerChunkMax - 1));
  EXPECT_FALSE(with_running(kTasksPerChunkMax));
}

TEST(LeaseDecoding, BoundsSlotsAndHandlers) {
  const auto with_slots = [](uint32_t slots) {
    return Takes(v1::Envelope::kLeaseHello,
                 [slots](v1::Envelope& e) { e.mutable_lease_hello()->set_slots(slots); });
  };
  EXPECT_FALSE(with_slots(0));
  EXPECT_TRUE(with_slots(kSlotsPerWorkerMax));
  EXPECT_FALSE(with_slots(kSlotsPerWorkerMax + 1));
  const auto with_handlers = [](uint32_t count, size_t bytes) {
    return Takes(v1::Envelope::kLeaseHello, [=](v1::Envelope& e) {
      for (uint32_t i = 0; i < count; ++i) {
        e.mutable_lease_hello()->add_handlers(std::string(bytes, 'h'));
      }
    });
  };
  EXPECT_TRUE(with_handlers(kHandlersPerWorkerMax, kNameBytesMax));
  EXPECT_FALSE(with_handlers(kHandlersPerWorkerMax + 1, 1));
  EXPECT_FALSE(with_handlers(1, kNameBytesMax + 1));
}

TEST(LeaseDecoding, NeedsALaneAVerdictAndASpec) {
  EXPECT_FALSE(
      Takes(v1::Envelope::kLeaseGrant, [](auto& e) { e.mutable_lease_grant()->set_lane(0); }));
  EXPECT_FALSE(
      Takes(v1::Envelope::kLeaseGrant, [](auto& e) { e.mutable_lease_grant()->clear_endpoint(); }));
  EXPECT_FALSE(Takes(v1::Envelope::kLeaseGrant, [](auto& e) {
    e.mutable_lease_grant()->mutable_verdicts(0)->set_kind(static_cast<v1::VerdictKind>(4));
  }));
  EXPECT_FALSE(
      Takes(v1::Envelope::kSpecReply, [](auto& e) { e.mutable_spec_reply()->clear_spec(); }));
  EXPECT_TRUE(Takes(v1::Envelope::kSpecReply, [](auto& e) {
    e.mutable_spec_reply()->clear_spec();
    e.mutable_spec_reply()->set_unknown(true);
  }));
}

// ---- Control -----------------------------------------------------------------------------------

TEST(ControlDecoding, NeedsAWorkerToHaveSlots) {
  EXPECT_FALSE(Takes(v1::Envelope::kHello, [](auto& e) { e.mutable_hello()->set_slots(0); }));
  EXPECT_TRUE(Takes(v1::Envelope::kHello, [](auto& e) {
    e.set_role(v1::SINK);
    e.mutable_hello()->set_slots(0);
  }));
}

// R104
TEST(ControlDecoding, TakesOfAGuardianADeathAlone) {
  const auto of_guardian = [](bool leaving) {
    return Takes(v1::Envelope::kHeartbeat, [leaving](v1::Envelope& e) {
      e.set_role(v1::GUARDIAN);
      e.mutable_heartbeat()->set_leaving(leaving);
    });
  };
  EXPECT_TRUE(of_guardian(true));
  EXPECT_FALSE(of_guardian(false));
}

TEST(ControlDecoding, BoundsNames) {
  const auto with_name = [](size_t bytes) {
    return Takes(v1::Envelope::kHello, [bytes](v1::Envelope& e) {
      e.mutable_hello()->set_name(std::string(bytes, 'n'));
    });
  };
  EXPECT_TRUE(with_name(kNameBytesMax));
  EXPECT_FALSE(with_name(kNameBytesMax + 1));
}

TEST(ControlDecoding, NeedsEnumsThatWeKnow) {
  const auto in_state = [](const std::function<void(v1::ClusterState&)>& change) {
    return Takes(v1::Envelope::kWelcome,
                 [&](v1::Envelope& e) { change(*e.mutable_welcome()->mutable_state()); });
  };
  EXPECT_FALSE(in_state([](auto& state) { state.set_wish(static_cast<v1::Wish>(3)); }));
  EXPECT_FALSE(in_state([](auto& state) { state.set_leave_stage(4); }));
  EXPECT_FALSE(in_state(
      [](auto& state) { state.mutable_batches(0)->set_phase(static_cast<v1::BatchPhase>(7)); }));
  EXPECT_FALSE(
      in_state([](auto& state) { state.mutable_workers(0)->set_wish(static_cast<v1::Wish>(-1)); }));
  EXPECT_FALSE(Takes(v1::Envelope::kCommand, [](auto& e) {
    e.mutable_command()->set_verb(static_cast<v1::Command::Verb>(8));
  }));
}

TEST(ControlDecoding, NeedsAWelcomeThatWelcomes) {
  EXPECT_FALSE(Takes(v1::Envelope::kWelcome, [](auto& e) { e.mutable_welcome()->set_cluster(0); }));
  EXPECT_FALSE(
      Takes(v1::Envelope::kWelcome, [](auto& e) { e.mutable_welcome()->set_heartbeat_us(0); }));
  EXPECT_FALSE(Takes(v1::Envelope::kWelcome,
                     [](auto& e) { e.mutable_welcome()->set_heartbeat_us(UINT64_MAX); }));
}

TEST(ControlDecoding, NeedsSketchesWithEvenColumns) {
  EXPECT_FALSE(Takes(v1::Envelope::kCommandReply, [](auto& e) {
    e.mutable_command_reply()->mutable_report()->mutable_summary()->mutable_task_us()->add_count(1);
  }));
}

// ---- Intake and facts --------------------------------------------------------------------------

bool TakesAppend(const std::function<void(v1::AppendTasks&)>& change) {
  return Takes(v1::Envelope::kAppend, [&](v1::Envelope& e) { change(*e.mutable_append()); });
}

TEST(AppendDecoding, NeedsColumnsAsLongAsItsTasks) {
  EXPECT_FALSE(TakesAppend([](auto& append) { append.set_count(3); }));
  EXPECT_FALSE(TakesAppend([](auto& append) { append.add_cost_us(1); }));
  EXPECT_FALSE(TakesAppend([](auto& append) { append.set_payloads("ab"); }));
  EXPECT_FALSE(TakesAppend([](auto& append) { append.mutable_range(); }));
}

TEST(AppendDecoding, TakesTasksUpToTheLimitAndNoMore) {
  const auto with = [](uint64_t first, uint64_t count) {
    return TakesAppend([=](auto& append) {
      append.Clear();
      append.set_batch(1);
      append.set_first(first);
      append.set_count(count);
      append.mutable_range()->set_step(1);
    });
  };
  EXPECT_TRUE(with(0, 0));
  EXPECT_TRUE(with(0, kTasksPerBatchMax));
  EXPECT_TRUE(with(kTasksPerBatchMax, 0));
  EXPECT_FALSE(with(1, kTasksPerBatchMax));
  EXPECT_FALSE(with(kTasksPerBatchMax + 1, 0));
  EXPECT_FALSE(with(UINT64_MAX, 2));
}

TEST(AppendDecoding, TakesPayloadsUpToTheLimitAndNoMore) {
  const auto with_payloads = [](uint32_t count, uint32_t bytes) {
    return TakesAppend([=](auto& append) {
      append.Clear();
      append.set_batch(1);
      append.set_count(count);
      for (uint32_t i = 0; i < count; ++i) append.add_payload_size(bytes);
      append.set_payloads(std::string(size_t{count} * bytes, 'p'));
    });
  };
  EXPECT_TRUE(with_payloads(kPayloadsPerAppendMax, 1));
  EXPECT_FALSE(with_payloads(kPayloadsPerAppendMax + 1, 1));
  EXPECT_TRUE(with_payloads(4, kTaskPayloadBytesMax));
  EXPECT_FALSE(with_payloads(5, kTaskPayloadBytesMax)) << "above kAppendPayloadBytesMax";
  EXPECT_FALSE(with_payloads(1, kTaskPayloadBytesMax + 1));
}

TEST(FactsDecoding, NeedsRangesThatAscend) {
  const auto with_ok = [](std::vector<uint64_t> steps) {
    return Takes(v1::Envelope::kFactsReply, [&](v1::Envelope& e) {
      v1::KnownFacts& known = *e.mutable_facts_reply()->mutable_batches(0);
      known.mutable_ok()->mutable_step()->Assign(steps.begin(), steps.end());
    });
  };
  EXPECT_TRUE(with_ok({0, 1, 1, 1}));
  EXPECT_FALSE(with_ok({0, 1, 0, 1})) << "they touch";
  EXPECT_FALSE(with_ok({0, 0}));
  EXPECT_FALSE(with_ok({0, 1, 1}));
  EXPECT_TRUE(with_ok({0, kTasksPerBatchMax}));
  EXPECT_FALSE(with_ok({1, kTasksPerBatchMax}));
  EXPECT_FALSE(with_ok({UINT64_MAX, 2}));
}

TEST(FactsDecoding, NeedsBatchesAndFailuresThatAre) {
  EXPECT_FALSE(Takes(v1::Envelope::kFactsRequest,
                     [](auto& e) { e.mutable_facts_request()->mutable_batches(0)->set_batch(0); }));
  EXPECT_FALSE(Takes(v1::Envelope::kFactsRequest, [](auto& e) {
    e.mutable_facts_request()->mutable_batches(0)->mutable_finalise(0)->set_attempt(0);
  }));
  EXPECT_FALSE(Takes(v1::Envelope::kReadReply,
                     [](auto& e) { e.mutable_read_reply()->mutable_rows(0)->set_stream(3); }));
  EXPECT_FALSE(
      Takes(v1::Envelope::kReadRequest, [](auto& e) { e.mutable_read_request()->set_batch(0); }));
  EXPECT_FALSE(
      Takes(v1::Envelope::kPruneRequest, [](auto& e) { e.mutable_prune_request()->set_batch(0); }));
}

TEST(IntakeDecoding, LetsASpecThatAsksTooMuchThroughSoThatItIsAnswered) {
  EXPECT_TRUE(Takes(v1::Envelope::kOpenBatch, [](auto& e) {
    e.mutable_open_batch()->mutable_spec()->set_retries(kRetriesMax + 1);
  }));
  EXPECT_FALSE(Takes(v1::Envelope::kOpenBatch, [](auto& e) {
    e.mutable_open_batch()->mutable_spec()->set_timeout_us(UINT64_MAX);
  })) << "it would overflow a clock";
}

TEST(IntakeDecoding, TakesRetriesUpToTheLimitsAndNoMore) {
  const auto takes = [](const std::function<void(v1::Spec&)>& change) {
    return Takes(v1::Envelope::kOpenBatch,
                 [&](auto& e) { change(*e.mutable_open_batch()->mutable_spec()); });
  };
  const auto codes = [&takes](std::vector<uint64_t> steps) {
    return takes([&](v1::Spec& spec) {
      spec.mutable_retry_on()->mutable_codes()->mutable_step()->Assign(steps.begin(), steps.end());
    });
  };
  EXPECT_TRUE(codes({1, kExitCodeMax}));
  EXPECT_FALSE(codes({1, kExitCodeMax + 1}));
  EXPECT_FALSE(codes({1, 0})) << "an empty range";
  const auto signals = [&takes](uint64_t count) {
    return takes([count](v1::Spec& spec) {
      v1::Ranges& ranges = *spec.mutable_retry_on()->mutable_signals();
      ranges.add_step(1);
      ranges.add_step(count);
    });
  };
  EXPECT_TRUE(signals(kSignalNumberMax));
  EXPECT_FALSE(signals(kSignalNumberMax + 1));
  EXPECT_FALSE(takes([](v1::Spec& spec) { spec.set_retry_delay_us(UINT64_MAX); }));
  EXPECT_FALSE(takes([](v1::Spec& spec) { spec.set_retry_delay_max_us(UINT64_MAX); }));
}

TEST(IntakeDecoding, TakesWhatASpecSaysOfItsValuesUpToTheLimitsAndNoMore) {
  const auto takes = [](const std::function<void(v1::Spec&)>& change) {
    return Takes(v1::Envelope::kOpenBatch,
                 [&](auto& e) { change(*e.mutable_open_batch()->mutable_spec()); });
  };
  const auto with_names = [&takes](int count) {
    return takes([count](v1::Spec& spec) {
      for (int i = 0; i < count; ++i) spec.add_names(std::string(1, 'n'));
    });
  };
  EXPECT_TRUE(with_names(kNamesPerSpecMax));
  EXPECT_FALSE(with_names(kNamesPerSpecMax + 1));
  for (const size_t bytes : {kNameBytesMax, kNameBytesMax + 1}) {
    const std::string text(bytes, 'x');
    EXPECT_EQ(takes([&](v1::Spec& spec) { spec.add_names(text); }), bytes == kNameBytesMax);
    EXPECT_EQ(takes([&](v1::Spec& spec) { spec.set_replace(text); }), bytes == kNameBytesMax);
  }
  EXPECT_TRUE(takes([](v1::Spec& spec) { spec.set_timeout_percent(kTimeoutPercentMax); }));
  EXPECT_FALSE(takes([](v1::Spec& spec) { spec.set_timeout_percent(kTimeoutPercentMax + 1); }));
}

}  // namespace
}  // namespace fanmill
