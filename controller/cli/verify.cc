// fanmill verify: proves batches from the durable files, without the machines that wrote them.
#include <set>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "controller/cli/command.h"
#include "controller/cli/stdout.h"
#include "lib/core/printable.h"
#include "lib/io/flags.h"
#include "lib/io/state_directory.h"
#include "lib/verify/prove.h"

namespace fanmill::cli {
namespace {

constexpr char kAll[] = "all";
constexpr size_t kWordShownBytesMax = 60;

struct VerifyOptions {
  std::vector<std::string> batches;
  std::string state = DefaultState();
  verify::States states;  // empty: `state`
  bool json = false;
};

std::string WhyNoBatch(const std::string& text) {
  uint32_t number = 0;
  if (text == kAll || (absl::SimpleAtoi(text, &number) && number > 0)) return "";
  return absl::StrCat("'", Printable(text, kWordShownBytesMax),
                      "' is neither the number of a batch nor the word all");
}

verify::Wanted WantedOf(const std::vector<std::string>& batches) {
  verify::Wanted wanted;
  for (const std::string& text : batches) {
    uint32_t number = 0;
    if (!absl::SimpleAtoi(text, &number)) return {};  // all
    wanted.batches.insert(number);
  }
  return wanted;
}

int Verify(const VerifyOptions& options) {
  verify::States states = options.states;
  for (std::string* state : {&states.controller, &states.ventilator, &states.sink}) {
    if (state->empty()) *state = options.state;
    if (state->empty()) {
      return Complain(absl::InvalidArgumentError("where is the state? Say so with --state DIR"));
    }
  }
  const absl::StatusOr<verify::Proofs> proofs = verify::Prove(states, WantedOf(options.batches));
  if (!proofs.ok()) return Complain(proofs.status());
  if (proofs->batches.empty() && !options.json) Say("there is no batch in " + states.controller);
  const int printed = PrintOut(options.json ? verify::ToJson(*proofs) : verify::ToText(*proofs));
  if (printed != kExitOk) return printed;
  return proofs->findings.empty() ? kExitOk : kExitTaskFailed;
}

void AddState(CLI::App& command, const char* name, std::string& state, const char* what) {
  command.add_option(name, state, what)->check(NotEmpty)->type_name("DIR");
}

}  // namespace

void AddVerify(CLI::App& app, CommandLine& line) {
  auto options = std::make_shared<VerifyOptions>();
  CLI::App* verify = app.add_subcommand(
      "verify", "Prove from the files on disk that nothing of a batch was lost.");
  verify
      ->add_option("BATCH", options->batches,
                   "numbers of batches, or all (also when none is named)")
      ->check(WhyNoBatch)
      ->type_name("")
      ->expected(0, -1);
  verify
      ->add_option("--state", options->state, "directory of lasting state, as the daemons have it")
      ->envname("FANMILL_STATE")
      ->capture_default_str()
      ->check(NotEmpty)
      ->type_name("DIR");
  AddState(*verify, "--controller-state", options->states.controller,
           "of the controller, if it has another --state");
  AddState(*verify, "--ventilator-state", options->states.ventilator,
           "of the ventilator, if it has another --state");
  AddState(*verify, "--sink-state", options->states.sink, "of the sink, if it has another --state");
  verify->add_flag("--json", options->json, "as JSON");
  verify->footer(
      "Reads the files of controller, ventilator and sink, also while they run or after they were\n"
      "killed, and writes nothing: every row is what was written and none is missing, every task\n"
      "has exactly one end, results are of tasks that there were, and what the three say adds up.\n"
      "No cluster is asked, and none of the machines that wrote them has a part in it. With 0\n"
      "nothing is wrong, with 1 something is: each finding says in which file and row, and of\n"
      "which task; with 2 there is no such batch or file, with 5 one cannot be read.\n"
      "  fanmill verify 3\n"
      "  fanmill verify --state /var/lib/fanmill all --json | jq .sound");
  verify->callback([&line, options] { line.chosen = [options] { return Verify(*options); }; });
}

}  // namespace fanmill::cli
