// fanmill keygen: makes a cluster's key file.
#include "absl/strings/str_cat.h"
#include "controller/cli/command.h"
#include "lib/io/flags.h"
#include "lib/io/keys.h"

namespace fanmill::cli {

void AddKeygen(CLI::App& app, CommandLine& line) {
  auto file = std::make_shared<std::string>();
  CLI::App* keygen = app.add_subcommand("keygen", "Make the key file of a cluster.");
  keygen->add_option("FILE", *file, "where to write it; must not exist yet")
      ->required()
      ->check(NotEmpty)
      ->type_name("");
  keygen->footer(
      "With a key every connection is encrypted, and only who has the file is let in. Whoever has\n"
      "it can run code on every worker: copy it only to the machines and people of the cluster.\n"
      "  fanmill keygen cluster.key\n"
      "  scp cluster.key node1:  # and so on; then give every process --key cluster.key");
  keygen->callback([&line, file] {
    line.chosen = [file] {
      if (absl::Status made = MakeKeyFile(*file); !made.ok()) return Complain(made);
      Say(absl::StrCat("wrote ", *file, ", readable by you alone; give --key ", *file,
                       " to every process of the cluster"));
      return static_cast<int>(kExitOk);
    };
  });
}

}  // namespace fanmill::cli
