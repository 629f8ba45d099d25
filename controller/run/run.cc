#include "controller/run/run.h"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "controller/cli/dry_run.h"
#include "controller/cli/following.h"
#include "controller/cli/output/output.h"
#include "controller/cli/output/task_values.h"
#include "controller/cli/output/text_file.h"
#include "controller/cli/progress.h"
#include "controller/cli/submit.h"
#include "controller/cli/task_source.h"
#include "controller/run/embedded_cluster.h"
#include "controller/run/events.h"
#include "controller/run/run_options.h"
#include "controller/run/stopping.h"
#include "controller/run/sudden_death.h"
#include "controller/run/tally.h"
#include "lib/client/batch_writer.h"
#include "lib/core/template.h"
#include "lib/io/process.h"
#include "worker/guardian.h"
#include "worker/spawn.h"

namespace fanmill::cli {
namespace {

constexpr char kExamples[] =
    "Each line of stdin (or of -a FILE, each row, each value after :::) is one task. Options end\n"
    "at the first word of COMMAND; without COMMAND each line is a command for the shell.\n"
    "  ls *.log | fanmill run gzip\n"
    "  find . -name '*.png' -print0 | fanmill run -0 -j8 convert {} {.}.jpg\n"
    "  fanmill run -k echo {1}-{2} ::: a b ::: 1 2 3\n"
    "  fanmill run --csv --header -a hosts.csv --shell 'ping -c1 {ip} | tail -1'\n"
    "  fanmill run --array 1-1000 --retries 2 --timeout 10m ./simulate --seed {}\n"
    "  fanmill run -a urls --retries 5 --retry-on 75 --retry-delay 1s ./fetch\n"
    "In COMMAND: {} the value, {.} without extension, {/} its last part, {//} its folder,\n"
    "{/.} its last part without extension, {#} the task's number, {%} the slot's; {2} the second\n"
    "of several values, {NAME} one with a name. Without any of them values are added at the end.\n"
    "\n"
    "Ctrl-C lets what runs end; again: kills it. Ctrl-Z stops the tasks too, and fg goes on.\n"
    "Exit codes: 0 all ok, 1 a task failed, 2 usage, 3 halted, 5 Fanmill could not, 128+N ended\n"
    "by signal N.";

EmbeddedOptions EmbeddedOf(const RunOptions& options, uint64_t pid, const TaskWords& words,
                           Events& events) {
  EmbeddedOptions embedded;
  embedded.pid = pid;
  embedded.executor.spill_dir = options.output.spool_directory;
  embedded.executor.environment = OwnEnvironment();
  TaskOutput& output = embedded.executor.output;
  if (options.ungrouped) output.mode = TaskOutput::Mode::kInherited;
  if (options.line_buffer) output.mode = TaskOutput::Mode::kLines;
  if (options.output.tag) {
    output.tag = [words](uint32_t, const TaskToRun& task) {
      return absl::StrJoin(words.ValuesOf(task.payload), " ") + "\t";
    };
  }
  output.on_lost = [&events](int, int error) {
    if (error == EPIPE) _exit(kExitSignalBase + SIGPIPE);  // the guardians end what runs
    events.TellTrouble(
        absl::UnavailableError(absl::StrCat("cannot write the output: ", ErrorText(error))));
  };
  embedded.on_worker_left = [&events] { events.Tell(Events::kWorkerLeft); };
  embedded.on_trouble = [&events](const absl::Status& why) { events.TellTrouble(why); };
  return embedded;
}

// What was not begun when the worker left never will be.
void EndBatch(client::Cluster& control, uint32_t batch, Events& events) {
  events.AwaitAny(Events::kReadOver | Events::kWorkerLeft | Events::kTrouble);
  std::vector<client::MemberStatus> workers;
  while (!events.Happened(Events::kReadOver) && control.Cancel(batch, &workers).ok()) {
    WaitFor(Millis(10));
  }
}

int Report(const RunOptions& options, std::optional<TextFile>& file, client::Cluster& control,
           uint32_t batch) {
  if (options.report.empty() && !file.has_value()) return kExitOk;
  const absl::StatusOr<client::Report> report = AwaitReport(control, batch, true);
  if (!report.ok()) return Complain(report.status());
  const std::string& said = options.report == "text" ? report->text : report->json;
  if (file.has_value()) {
    absl::Status written = file->Append(said);
    if (written.ok()) written = file->Flush();
    return written.ok() ? kExitOk : Complain(written);
  }
  const auto above = AboveProgress();
  std::fputs(said.c_str(), stderr);
  return kExitOk;
}

// Says how it went, and returns the exit code.
int Conclude(const Followed& followed, bool halted, int signal, bool summary, Duration elapsed) {
  const client::BatchEnd& end = followed.end;
  const uint64_t tasks = end.ok + end.failed + end.cancelled_tasks;
  if (end.failed > 0) {
    Say(absl::StrCat(end.failed, " of ", tasks, " tasks failed"));
    SayFailures(followed.failures);
  }
  if (end.cancelled) {
    Say(absl::StrCat("stopped: ", end.ok + end.failed, " tasks ended, ", end.cancelled_tasks,
                     " of those read did not"));
  } else if (summary && end.failed == 0) {
    Say(absl::StrCat(tasks, tasks == 1 ? " task" : " tasks", " in ", ClockText(elapsed)));
  }
  if (halted) return kExitCancelled;
  if (end.cancelled) return signal != 0 ? kExitSignalBase + signal : kExitCancelled;
  return end.failed > 0 ? kExitTaskFailed : kExitOk;
}

// Says how far it came before the values turned out to be wrong.
int ConcludeInput(const absl::Status& wrong, const Followed& followed, uint64_t read) {
  const uint64_t ended = followed.end.ok + followed.end.failed;
  SayFailures(followed.failures);
  if (read > 0) {
    Say(absl::StrCat("stopped: ", ended, ended == 1 ? " task" : " tasks", " ended, ", read - ended,
                     " of those read did not"));
  }
  return Complain(wrong);
}

// Better now than once for each task.
absl::Status FindProgram(const client::BatchSpec& spec) {
  if (spec.handler != "exec") return absl::OkStatus();
  const std::optional<std::string> program = Template(RecipeOf(spec)).program();
  if (!program.has_value()) return absl::OkStatus();
  std::string search = std::getenv("PATH") == nullptr ? "" : std::getenv("PATH");
  for (const std::string& variable : spec.env) {
    if (variable.starts_with("PATH=")) search = variable.substr(5);
  }
  const Resolved resolved = Resolve(*program, search, spec.cwd);
  return resolved.failure.error == 0 ? absl::OkStatus()
                                     : absl::InvalidArgumentError(resolved.failure.text);
}

// The working child's whole life: all that is of one run.
class Running {
 public:
  Running(const RunOptions& options, SlotTable& table, int signals_fd, uint64_t pid)
      : options_(options), table_(table), signals_fd_(signals_fd), pid_(pid) {}

  int Go() {
    std::signal(SIGPIPE, SIG_IGN);
    spdlog::set_level(spdlog::level::err);
    absl::StatusOr<client::BatchSpec> spec = options_.batch.ToSpec();
    if (!spec.ok()) return Complain(spec.status());
    absl::StatusOr<TaskSource> source = TaskSource::Open(options_.batch, *spec);
    if (!source.ok()) return Complain(source.status());
    if (options_.batch.dry_run) return DryRun(*source, *spec);
    if (absl::Status found = FindProgram(*spec); !found.ok()) return Complain(found);
    options_.output.spool_directory = UsableState(options_.state);
    const TaskWords words = WordsOf(RecipeOf(*spec), values_);
    auto output = Output::Open(options_.output, words);
    if (!output.ok()) return Complain(output.status());
    if (absl::Status opened = OpenReportFile(); !opened.ok()) return Complain(opened);
    auto cluster = EmbeddedCluster::Start(EmbeddedOf(options_, pid_, words, events_), table_);
    if (!cluster.ok()) return Complain(cluster.status());
    const int code = RunIn(**cluster, *spec, *source, **output);
    // Nobody waits for what a reader that is gone would have read.
    if (code == kExitSignalBase + SIGPIPE || !events_.trouble().ok()) _exit(code);
    return code;
  }

 private:
  // Now: after the tasks it would be too late to hear that it cannot be written.
  absl::Status OpenReportFile() {
    if (options_.report_file.empty()) return absl::OkStatus();
    auto file = TextFile::Create(options_.report_file, TextFile::IfThere::kEmptyIt);
    if (file.ok()) report_file_ = *std::move(file);
    return file.status();
  }

  int RunIn(EmbeddedCluster& cluster, const client::BatchSpec& spec, TaskSource& source,
            Output& output) {
    const Stopping stopping(signals_fd_, {.drain = [&cluster] { cluster.DrainWorker(); },
                                          .kill = [&cluster] { cluster.KillWorker(); },
                                          .running = [&cluster] { return cluster.running(); }});
    client::Options reading = cluster.ForClients();
    reading.only_reader = true;
    client::Options adding = cluster.ForClients();
    adding.interrupted = [this, &stopping] {
      return stopping.signal() != 0 ||
             events_.Happened(Events::kReadOver | Events::kHalted | Events::kTrouble);
    };
    auto control = client::Cluster::Connect(cluster.ForClients());
    auto reader_side = client::Cluster::Connect(reading);
    auto writer_side = client::Cluster::Connect(adding);
    for (const auto* each : {&control, &reader_side, &writer_side}) {
      if (!each->ok()) return Complain(each->status());
    }
    auto writer = client::BatchWriter::Open(**writer_side, spec);
    if (!writer.ok()) return Complain(writer.status());
    const uint32_t batch = (*writer)->batch();
    const bool shown = options_.progress || (ProgressFits() && !options_.direct());
    Tally tally(*Halt::Parse(options_.halt), cluster, table_.slots());
    std::optional<Progress> progress;
    if (shown) progress.emplace([&tally] { return tally.Facts(); });
    Following reader(*std::move(reader_side), batch, output, Watching(tally),
                     [this] { events_.Tell(Events::kReadOver); });
    const absl::Status sent = Add(source, **writer, adding.interrupted);
    if (sent.ok()) tally.OnSealed((*writer)->added());
    if (!sent.ok() && !adding.interrupted()) cluster.DrainWorker();
    EndBatch(**control, batch, events_);
    const absl::StatusOr<Followed>& followed = reader.Result();
    progress.reset();
    if (!events_.trouble().ok()) return Complain(events_.trouble());
    if (!followed.ok()) return Complain(followed.status());
    if (followed->reader_gone) return kExitSignalBase + SIGPIPE;
    if (!sent.ok() && !absl::IsCancelled(sent)) {
      return ConcludeInput(sent, *followed, (*writer)->added());
    }
    const int code = Conclude(*followed, events_.Happened(Events::kHalted), stopping.signal(),
                              shown, tally.Facts().elapsed);
    const int reported = Report(options_, report_file_, **control, batch);
    if (tally.outputs_cut() == 0) return reported == kExitOk ? code : reported;
    return Complain(absl::UnavailableError(absl::StrCat(
        "tasks whose output is not whole: ", tally.outputs_cut(), "; make room in ",
        options_.output.spool_directory, ", name another directory with --state, or use -u")));
  }

  Watch Watching(Tally& tally) {
    return {.stop = [this] { return events_.Happened(Events::kTrouble); },
            .on_result =
                [this, &tally](const client::Result& result) {
                  if (tally.OnResult(result)) events_.Tell(Events::kHalted);
                },
            .on_pause = [&tally](const std::string& why) { tally.OnPause(why); }};
  }

  absl::Status Add(TaskSource& source, client::BatchWriter& writer,
                   const std::function<bool()>& interrupted) {
    const bool tells = options_.batch.handler == "exec" || options_.output.any();
    const TaskSource::OnTask remember = tells ? Remembering(source, values_) : nullptr;
    absl::Status sent = source.AddTo(writer, interrupted, remember);
    return sent.ok() ? writer.Seal() : sent;
  }

  RunOptions options_;
  SlotTable& table_;
  const int signals_fd_;
  const uint64_t pid_;
  std::optional<TextFile> report_file_;
  Events events_;
  TaskValues values_;
};

int Run(const RunOptions& options) {
  if (absl::Status fits = options.Check(); !fits.ok()) return Complain(fits);
  // Later it would be whatever was opened first.
  if (options.ReadsStdin() && fcntl(STDIN_FILENO, F_GETFD) < 0) {
    return Complain(absl::InvalidArgumentError(
        "stdin is closed: give the values there, or with -a FILE, ::: or --array"));
  }
  if (options.PrintsToStdout() && fcntl(STDOUT_FILENO, F_GETFD) < 0) {
    return Complain(absl::InvalidArgumentError(
        "stdout is closed, and the tasks' outputs would go there: send them to a file, to "
        "/dev/null, or into --results DIR"));
  }
  SlotTable table(options.slots);
  const auto pid = static_cast<uint64_t>(getpid());
  return RunGuarded([&](int signals_fd) { return Running(options, table, signals_fd, pid).Go(); },
                    {.on_child_death = [&table](const Death& death) {
                      const std::string words = WordsOfDeath(death, table);
                      if (words.empty()) return;
                      if (ProgressFits())
                        std::fputs("\r\033[K", stderr);  // whose line it was is dead
                      Say(words);
                    }});
}

// The same as submit --wait.
int RunOnCluster(const ClusterOptions& cluster, const RunOptions& options) {
  if (absl::Status fits = options.CheckForCluster(); !fits.ok()) return Complain(fits);
  return SubmitAndWait(cluster, options.batch, options.output);
}

}  // namespace

void AddRun(CLI::App& app, CommandLine& line) {
  auto options = std::make_shared<RunOptions>();
  CLI::App* run =
      app.add_subcommand("run", "Run a batch of tasks on this machine, and print their outputs.");
  run->footer(kExamples);
  options->AddTo(*run);
  run->callback([&line, options] {
    line.chosen = [&line, options] {
      options->batch.command = line.command;
      return line.controller_named ? RunOnCluster(line.cluster, *options) : Run(*options);
    };
  });
}

}  // namespace fanmill::cli
