#include "tests/core/sample_messages.h"

#include "lib/core/task_set.h"
#include "lib/core/wire.h"

namespace fanmill {
namespace {

class Samples {
 public:
  v1::Envelope& Add(Channel channel, v1::Role role) {
    samples_.push_back({channel, NewEnvelope(Identity{role, 7, 99})});
    return samples_.back().envelope;
  }
  std::vector<Sample> Take() { return std::move(samples_); }

 private:
  std::vector<Sample> samples_;
};

void FillState(v1::ClusterState* state) {
  state->set_version(3);
  state->set_wish(v1::DRAIN);
  state->set_generation(2);
  state->set_leave_stage(3);
  state->mutable_ventilator()->set_lease("tcp://127.0.0.1:21004");
  state->mutable_sink()->set_results("tcp://127.0.0.1:21002");
  state->add_batches()->set_batch(1);
  state->mutable_batches(0)->set_phase(v1::RUNNING);
  state->add_workers()->set_wish(v1::KILL);
}

void FillFailure(v1::AttemptFailure* failure) {
  failure->set_batch(1);
  failure->set_task(4);
  failure->set_attempt(2);
  failure->set_status(v1::FAILED);
  failure->set_code(3);
}

void AddControl(Samples& samples) {
  v1::Hello& hello = *samples.Add(Channel::kControl, v1::WORKER).mutable_hello();
  hello.set_name("host:1");
  hello.set_slots(4);
  hello.add_handlers("exec");
  v1::Welcome& welcome = *samples.Add(Channel::kControl, v1::CONTROLLER).mutable_welcome();
  welcome.set_cluster(99);
  welcome.set_signal("tcp://127.0.0.1:21001");
  welcome.set_heartbeat_us(500'000);
  FillState(welcome.mutable_state());
  v1::Heartbeat& heartbeat = *samples.Add(Channel::kControl, v1::VENTILATOR).mutable_heartbeat();
  heartbeat.add_receipts()->set_generation(1);
  heartbeat.add_accounts()->set_batch(1);
  heartbeat.add_batches()->set_batch(1);
  heartbeat.add_ready()->set_slots(4);
  FillState(
      samples.Add(Channel::kControl, v1::CONTROLLER).mutable_heartbeat_reply()->mutable_state());
  samples.Add(Channel::kControl, v1::CONTROLLER).mutable_refused()->set_reason("No.");
  samples.Add(Channel::kControl, v1::CLIENT).mutable_command()->set_verb(v1::Command::STATUS);
  v1::CommandReply& reply = *samples.Add(Channel::kControl, v1::CONTROLLER).mutable_command_reply();
  reply.add_members()->set_role(v1::SINK);
  reply.add_batches()->set_batch(1);
  reply.add_states()->set_batch(1);
  reply.mutable_report()->mutable_summary()->mutable_task_us()->add_bucket(1);
  reply.mutable_report()->mutable_summary()->mutable_task_us()->add_count(1);
}

void AddTasks(Samples& samples) {
  v1::TaskChunk& tasks = *samples.Add(Channel::kLane, v1::VENTILATOR).mutable_tasks();
  tasks.set_chunk(ChunkId(7, 1));
  tasks.set_lane(5);
  tasks.set_batch(1);
  *tasks.mutable_tasks() = PackTasks({3, 9});
  for (const uint32_t attempt : {1, 2}) tasks.add_attempt(attempt);
  for (const uint32_t size : {2, 1}) tasks.add_payload_size(size);
  tasks.set_payloads("abc");
  samples.Add(Channel::kLane, v1::VENTILATOR).mutable_probe()->set_lane(5);
  v1::ResultChunk& results = *samples.Add(Channel::kResults, v1::WORKER).mutable_results();
  results.set_chunk(ChunkId(7, 1));
  results.set_batch(1);
  *results.mutable_tasks() = PackTasks({3, 9});
  results.add_status(v1::OK);
  results.add_status(v1::FAILED);
  results.add_run_us(10);
  for (const uint32_t size : {1, 0}) results.add_stdout_size(size);
  results.set_bytes("x");
  v1::LargeOutput& large = *results.add_large();
  large.set_task(9);
  large.set_stream(1);
  large.set_size(100'000);
  large.set_parts(1);
  v1::OutputPart& part = *samples.Add(Channel::kResults, v1::WORKER).mutable_output();
  part.set_chunk(ChunkId(7, 1));
  part.set_batch(1);
  part.set_task(9);
  part.set_attempt(1);
  part.set_stream(1);
  part.set_bytes("many");
  samples.Add(Channel::kResults, v1::WORKER).mutable_probe_echo()->set_lane(5);
  samples.Add(Channel::kResults, v1::VENTILATOR).mutable_batch_open()->set_batch(1);
  v1::Ack& ack = *samples.Add(Channel::kAcks, v1::SINK).mutable_ack();
  PackDeltas({ChunkId(7, 1), ChunkId(7, 4)}, ack.mutable_whole());
  ack.add_partial()->set_chunk(ChunkId(7, 2));
  *ack.mutable_partial(0)->mutable_tasks() = PackRange(0, 5);
  FillFailure(ack.add_failed());
  ack.add_probes()->set_lane(5);
  ack.add_closed()->set_batch(1);
}

void AddLease(Samples& samples) {
  v1::LeaseHello& hello = *samples.Add(Channel::kLease, v1::WORKER).mutable_lease_hello();
  hello.set_slots(4);
  v1::HeldChunk& held = *hello.add_held();
  held.set_chunk(ChunkId(7, 1));
  held.set_batch(1);
  *held.mutable_tasks() = PackRange(0, 10);
  held.mutable_unfinished()->add_step(2);
  held.mutable_unfinished()->add_step(8);
  v1::LeaseGrant& grant = *samples.Add(Channel::kLease, v1::VENTILATOR).mutable_lease_grant();
  grant.set_lane(5);
  grant.set_endpoint("tcp://127.0.0.1:21100");
  grant.add_verdicts()->set_kind(v1::ADOPT);
  v1::LeaseReport& report = *samples.Add(Channel::kLease, v1::WORKER).mutable_lease_report();
  report.add_held()->set_chunk(ChunkId(7, 1));
  report.mutable_held(0)->set_batch(1);
  report.add_running()->set_index(3);
  v1::LeaseReply& reply = *samples.Add(Channel::kLease, v1::VENTILATOR).mutable_lease_reply();
  reply.mutable_dry()->add_step(1);
  reply.mutable_dry()->add_step(1);
  PackDeltas({ChunkId(7, 1)},
             samples.Add(Channel::kLease, v1::WORKER).mutable_finished()->mutable_chunks());
  samples.Add(Channel::kLease, v1::VENTILATOR).mutable_recall()->set_batch(1);
  samples.Add(Channel::kLease, v1::WORKER).mutable_spec_request()->set_batch(1);
  v1::SpecReply& spec = *samples.Add(Channel::kLease, v1::VENTILATOR).mutable_spec_reply();
  spec.set_batch(1);
  spec.mutable_spec()->set_handler("noop");
  v1::DeathReport& death = *samples.Add(Channel::kLease, v1::GUARDIAN).mutable_death_report();
  death.set_cause("signal 9");
  death.add_started()->set_batch(1);
}

void AddIntake(Samples& samples) {
  samples.Add(Channel::kIntake, v1::CLIENT)
      .mutable_open_batch()
      ->mutable_spec()
      ->set_handler("exec");
  samples.Add(Channel::kIntake, v1::VENTILATOR).mutable_batch_opened()->set_batch(1);
  v1::AppendTasks& append = *samples.Add(Channel::kIntake, v1::CLIENT).mutable_append();
  append.set_batch(1);
  append.set_count(2);
  for (const uint32_t size : {1, 2}) append.add_payload_size(size);
  append.set_payloads("abc");
  for (const uint32_t cost : {10, 20}) append.add_cost_us(cost);
  samples.Add(Channel::kIntake, v1::VENTILATOR).mutable_appended()->set_batch(1);
  samples.Add(Channel::kIntake, v1::CLIENT).mutable_seal()->set_batch(1);
}

void AddFacts(Samples& samples) {
  v1::BatchFacts& facts =
      *samples.Add(Channel::kFacts, v1::VENTILATOR).mutable_facts_request()->add_batches();
  facts.set_batch(1);
  FillFailure(facts.add_finalise());
  for (const uint64_t step : {0, 5}) facts.mutable_ask()->add_step(step);
  v1::KnownFacts& known =
      *samples.Add(Channel::kFacts, v1::SINK).mutable_facts_reply()->add_batches();
  known.set_batch(1);
  for (const uint64_t step : {1, 2, 3, 4}) known.mutable_ok()->add_step(step);
  FillFailure(known.add_attempts());
  samples.Add(Channel::kFacts, v1::CONTROLLER).mutable_summary_request()->set_batch(1);
  samples.Add(Channel::kFacts, v1::SINK).mutable_summary_reply()->mutable_summary()->set_batch(1);
  samples.Add(Channel::kFacts, v1::CLIENT).mutable_read_request()->set_batch(1);
  v1::ReadReply& rows = *samples.Add(Channel::kFacts, v1::SINK).mutable_read_reply();
  rows.set_batch(1);
  rows.add_rows()->set_stdout_bytes("out");
  samples.Add(Channel::kFacts, v1::CLIENT).mutable_prune_request()->set_batch(1);
  samples.Add(Channel::kFacts, v1::SINK).mutable_prune_reply()->set_batch(1);
}

}  // namespace

std::vector<Sample> SampleMessages() {
  Samples samples;
  AddControl(samples);
  AddTasks(samples);
  AddLease(samples);
  AddIntake(samples);
  AddFacts(samples);
  return samples.Take();
}

}  // namespace fanmill
