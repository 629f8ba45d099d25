#include "lib/core/describe.h"

#include <string_view>

#include "lib/core/names.h"
#include "lib/core/printable.h"
#include "lib/core/task_set.h"

namespace fanmill {
namespace {

constexpr size_t kTextBytesMax = 60;

// A line of words "name=value" behind a first one.
class Line {
 public:
  explicit Line(std::string_view first) : text_(first) {}
  Line& Number(std::string_view name, uint64_t value) { return Word(name, std::to_string(value)); }
  Line& Chunk(uint64_t chunk) {
    const uint64_t n = chunk & ((uint64_t{1} << kChunkCounterBits) - 1);
    return Word("chunk", std::to_string(ChunkEpoch(chunk)) + ":" + std::to_string(n));
  }
  Line& Tasks(const pb::TaskSet& set) {
    const uint64_t last = set.first() + set.count() - 1;
    std::string text = std::to_string(set.first());
    if (IsContiguous(set) && set.count() > 1) text += ".." + std::to_string(last);
    if (!IsContiguous(set)) text += "+" + std::to_string(set.count() - 1);
    return Word("tasks", text);
  }
  Line& Text(std::string_view name, std::string_view value) {
    return Word(name, "\"" + Printable(value, kTextBytesMax) + "\"");
  }
  Line& Flag(std::string_view name, bool value) { return value ? Word(name, "") : *this; }
  Line& Word(std::string_view name, std::string_view value) {
    text_.append(" ").append(name);
    if (!value.empty()) text_.append("=").append(value);
    return *this;
  }
  std::string Take() { return std::move(text_); }

 private:
  std::string text_;
};

std::string_view BodyName(const pb::Envelope& envelope) {
  const auto* field = pb::Envelope::descriptor()->FindFieldByNumber(envelope.body_case());
  return field == nullptr ? "Envelope" : std::string_view(field->message_type()->name());
}

void DescribeControl(const pb::Envelope& e, Line& line) {
  switch (e.body_case()) {
    case pb::Envelope::kHello:
      line.Text("name", e.hello().name()).Number("slots", e.hello().slots());
      break;
    case pb::Envelope::kWelcome:
      line.Number("number", e.welcome().number()).Number("state", e.welcome().state().version());
      break;
    case pb::Envelope::kHeartbeat:
      line.Number("state", e.heartbeat().state_version())
          .Number("running", e.heartbeat().running());
      line.Number("receipts", static_cast<uint64_t>(e.heartbeat().receipts_size()));
      line.Flag("leaving", e.heartbeat().leaving());
      line.Flag("unheard", e.heartbeat().unheard());
      break;
    case pb::Envelope::kHeartbeatReply:
      line.Number("state", e.heartbeat_reply().state_version());
      line.Flag("whole", e.heartbeat_reply().has_state());
      line.Flag("unknown", e.heartbeat_reply().unknown());
      break;
    case pb::Envelope::kRefused:
      line.Text("reason", e.refused().reason());
      break;
    case pb::Envelope::kCommand:
      line.Word("verb", pb::Command_Verb_Name(e.command().verb()));
      line.Number("batch", e.command().batch());
      break;
    case pb::Envelope::kCommandReply:
      line.Flag("done", e.command_reply().done()).Text("error", e.command_reply().error());
      break;
    default:
      break;
  }
}

void DescribeTasks(const pb::Envelope& e, Line& line) {
  switch (e.body_case()) {
    case pb::Envelope::kTasks:
      line.Chunk(e.tasks().chunk()).Number("batch", e.tasks().batch()).Tasks(e.tasks().tasks());
      break;
    case pb::Envelope::kProbe:
      line.Number("nonce", e.probe().nonce());
      break;
    case pb::Envelope::kResults:
      line.Chunk(e.results().chunk()).Number("batch", e.results().batch());
      line.Tasks(e.results().tasks()).Flag("whole", e.results().whole());
      break;
    case pb::Envelope::kOutput:
      line.Chunk(e.output().chunk()).Number("task", e.output().task());
      line.Number("stream", e.output().stream()).Number("part", e.output().part());
      break;
    case pb::Envelope::kProbeEcho:
      line.Number("nonce", e.probe_echo().nonce());
      break;
    case pb::Envelope::kBatchOpen:
      line.Number("batch", e.batch_open().batch());
      break;
    case pb::Envelope::kAck:
      line.Number("whole", static_cast<uint64_t>(e.ack().whole_size()));
      line.Number("partial", static_cast<uint64_t>(e.ack().partial_size()));
      line.Number("failed", static_cast<uint64_t>(e.ack().failed_size()));
      line.Number("closed", static_cast<uint64_t>(e.ack().closed_size()));
      line.Number("sequence", e.ack().sequence());
      break;
    default:
      break;
  }
}

void DescribeVerdicts(const google::protobuf::RepeatedPtrField<pb::Verdict>& verdicts, Line& line) {
  for (const pb::Verdict& verdict : verdicts) {
    line.Word(pb::VerdictKind_Name(verdict.kind()), "").Chunk(verdict.chunk());
  }
}

void DescribeLease(const pb::Envelope& e, Line& line) {
  switch (e.body_case()) {
    case pb::Envelope::kLeaseHello:
      line.Number("number", e.lease_hello().number()).Number("slots", e.lease_hello().slots());
      line.Number("held", static_cast<uint64_t>(e.lease_hello().held_size()));
      break;
    case pb::Envelope::kLeaseGrant:
      line.Text("endpoint", e.lease_grant().endpoint());
      DescribeVerdicts(e.lease_grant().verdicts(), line);
      break;
    case pb::Envelope::kLeaseReport:
      line.Number("sequence", e.lease_report().sequence());
      line.Number("held", static_cast<uint64_t>(e.lease_report().held_size()));
      line.Number("running", static_cast<uint64_t>(e.lease_report().running_size()));
      line.Flag("draining", e.lease_report().draining()).Flag("paused", e.lease_report().paused());
      break;
    case pb::Envelope::kLeaseReply:
      line.Number("sequence", e.lease_reply().sequence()).Flag("ask", e.lease_reply().ask());
      line.Flag("ready", e.lease_reply().ready()).Flag("unknown", e.lease_reply().unknown());
      DescribeVerdicts(e.lease_reply().verdicts(), line);
      break;
    case pb::Envelope::kFinished:
      line.Number("batch", e.finished().batch()).Number("tasks", e.finished().tasks());
      break;
    case pb::Envelope::kRecall:
      line.Number("batch", e.recall().batch()).Number("tasks", e.recall().tasks());
      break;
    case pb::Envelope::kSpecRequest:
      line.Number("batch", e.spec_request().batch());
      break;
    case pb::Envelope::kSpecReply:
      line.Number("batch", e.spec_reply().batch()).Flag("unknown", e.spec_reply().unknown());
      break;
    case pb::Envelope::kDeathReport:
      line.Text("cause", e.death_report().cause());
      line.Number("started", static_cast<uint64_t>(e.death_report().started_size()));
      break;
    default:
      break;
  }
}

void DescribeIntake(const pb::Envelope& e, Line& line) {
  switch (e.body_case()) {
    case pb::Envelope::kOpenBatch:
      line.Text("handler", e.open_batch().spec().handler());
      break;
    case pb::Envelope::kBatchOpened:
      line.Number("batch", e.batch_opened().batch()).Text("error", e.batch_opened().error());
      break;
    case pb::Envelope::kAppend:
      line.Number("batch", e.append().batch()).Number("first", e.append().first());
      line.Number("count", e.append().count());
      break;
    case pb::Envelope::kAppended:
      line.Number("batch", e.appended().batch()).Number("tasks", e.appended().tasks());
      line.Number("room", e.appended().room_bytes()).Flag("sealed", e.appended().sealed());
      break;
    case pb::Envelope::kSeal:
      line.Number("batch", e.seal().batch()).Number("tasks", e.seal().tasks());
      break;
    default:
      break;
  }
}

void DescribeFacts(const pb::Envelope& e, Line& line) {
  switch (e.body_case()) {
    case pb::Envelope::kFactsRequest:
      for (const pb::BatchFacts& facts : e.facts_request().batches()) {
        line.Number("batch", facts.batch()).Flag("started", facts.started());
        line.Flag("sealed", facts.sealed()).Flag("cancelled", facts.cancelled());
        line.Number("finalise", static_cast<uint64_t>(facts.finalise_size()));
      }
      break;
    case pb::Envelope::kFactsReply:
      for (const pb::KnownFacts& facts : e.facts_reply().batches()) {
        line.Number("batch", facts.batch()).Number("through", facts.answered_through());
        line.Flag("closed", facts.has_closed());
      }
      break;
    case pb::Envelope::kSummaryRequest:
      line.Number("batch", e.summary_request().batch());
      break;
    case pb::Envelope::kSummaryReply:
      line.Number("batch", e.summary_reply().summary().batch());
      line.Number("ok", e.summary_reply().summary().ok());
      break;
    case pb::Envelope::kReadRequest:
      line.Number("batch", e.read_request().batch()).Number("cursor", e.read_request().cursor());
      break;
    case pb::Envelope::kPruneRequest:
      line.Number("batch", e.prune_request().batch());
      break;
    case pb::Envelope::kPruneReply:
      line.Number("batch", e.prune_reply().batch()).Number("bytes", e.prune_reply().bytes());
      break;
    case pb::Envelope::kReadReply:
      line.Number("batch", e.read_reply().batch()).Number("next", e.read_reply().next());
      line.Number("rows", static_cast<uint64_t>(e.read_reply().rows_size()));
      break;
    default:
      break;
  }
}

std::string Describe(const Wire& wire) {
  const pb::Envelope& envelope = *wire.envelope;
  Line line(BodyName(envelope));
  DescribeControl(envelope, line);
  DescribeTasks(envelope, line);
  DescribeLease(envelope, line);
  DescribeIntake(envelope, line);
  DescribeFacts(envelope, line);
  return line.Take();
}

}  // namespace

std::string Describe(const Message& message) {
  return std::visit(
      Overloaded{
          [](const Wire& m) { return Describe(m); },
          [](const Signal& m) { return Line("Signal").Text("text", EncodeSignal(m)).Take(); },
          [](const OpenLane&) { return std::string("OpenLane"); },
          [](const LaneOpened& m) {
            return Line("LaneOpened").Text("endpoint", m.endpoint).Take();
          },
          [](const LaneFailed& m) { return Line("LaneFailed").Text("reason", m.reason).Take(); },
          [](const CloseLane&) { return std::string("CloseLane"); },
          [](const Connect& m) {
            Line line("Connect");
            return line.Word("channel", ChannelName(m.channel)).Text("to", m.endpoint).Take();
          },
          [](const Disconnect& m) {
            return Line("Disconnect").Word("channel", ChannelName(m.channel)).Take();
          },
          [](const Undeliverable& m) {
            Line line("Undeliverable");
            line.Word("channel", ChannelName(m.to.channel));
            return line.Flag("unreachable", m.unreachable).Take();
          },
          [](const BadFrame& m) { return Line("BadFrame").Text("reason", m.reason).Take(); },
          [](const StopAsked& m) {
            return Line("StopAsked").Number("times", static_cast<uint64_t>(m.times)).Take();
          },
          [](const JournalWrite& m) {
            return Line("JournalWrite").Number("sequence", m.sequence).Take();
          },
          [](const JournalDurable& m) {
            return Line("JournalDurable").Number("through", m.through).Take();
          },
          [](const JournalRecovered& m) {
            return Line("JournalRecovered")
                .Number("rows", m.rows.size())
                .Flag("last", m.last)
                .Take();
          },
          [](const JournalRead& m) { return Line("JournalRead").Number("from", m.from).Take(); },
          [](const JournalRows& m) {
            return Line("JournalRows").Number("rows", m.rows.size()).Take();
          },
          [](const JournalRoom& m) { return Line("JournalRoom").Number("bytes", m.bytes).Take(); },
          [](const JournalForget& m) {
            return Line("JournalForget").Number("batch", m.batch).Take();
          },
          [](const RunTasks& m) {
            Line line("RunTasks");
            return line.Number("slot", m.slot).Number("tasks", m.tasks.size()).Take();
          },
          [](const TasksRan& m) {
            Line line("TasksRan");
            line.Number("slot", m.slot).Number("ok", m.ok_count);
            return line.Number("outcomes", m.outcomes.size()).Flag("idle", m.idle).Take();
          },
          [](const StopTasks& m) { return Line("StopTasks").Number("batch", m.batch).Take(); },
          [](const TasksStopped& m) {
            return Line("TasksStopped").Number("batch", m.batch).Take();
          },
          [](const ReadOutput& m) { return Line("ReadOutput").Number("offset", m.offset).Take(); },
          [](const OutputRead& m) {
            return Line("OutputRead").Number("bytes", m.bytes.size()).Take();
          },
          [](const OutputDone&) { return std::string("OutputDone"); },
      },
      message);
}

}  // namespace fanmill
