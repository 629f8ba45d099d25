// fanmill keygen: makes a cluster's key file.
#include "absl/strings/str_cat.h"
#include "controller/cli/command.h"
#include "lib/io/keys.h"

namespace fanmill::cli {

void AddKeygen(CLI::App& app, Action& chosen) {
  auto file = std::make_shared<std::string>();
  CLI::App* keygen = app.add_subcommand(
      "keygen",
      "Make a cluster key: whoever has the file can join the cluster and run code on it.\n"
      "  fanmill keygen cluster.key, then copy it and give --key cluster.key to every process");
  keygen->add_option("FILE", *file, "where to write it; must not exist yet")->required();
  keygen->callback([&chosen, file] {
    chosen = [file] {
      if (absl::Status made = GenerateKeyFile(*file); !made.ok()) return Complain(made);
      Say(absl::StrCat("wrote ", *file, " (readable by you alone)"));
      return static_cast<int>(kExitOk);
    };
  });
}

}  // namespace fanmill::cli
