#include "lib/io/man_page.h"

#include <iterator>
#include <memory>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "lib/io/option_text.h"
#include "lib/io/process.h"

namespace fanmill {
namespace {

constexpr char kExitCodes[] = "Exit codes: ";
constexpr char kExamplesHeading[] = "Examples:";
constexpr const char* kDaemons[] = {"fanmill-controller", "fanmill-ventilator", "fanmill-sink",
                                    "fanmill-worker"};

using Words = std::vector<std::string>;

Words Split(const std::string& text, const char* between) { return absl::StrSplit(text, between); }

// Text as it is: what stands on a page can be copied into a shell.
std::string Roff(const std::string& text) {
  std::string roff = absl::StrReplaceAll(text, {{"\\", "\\e"},
                                                {"-", "\\-"},
                                                {"'", "\\(aq"},
                                                {"`", "\\(ga"},
                                                {"^", "\\(ha"},
                                                {"~", "\\(ti"},
                                                {"\n.", "\n\\&."}});
  return roff.starts_with('.') ? "\\&" + roff : roff;
}

std::string Bold(const std::string& text) { return absl::StrCat("\\fB", Roff(text), "\\fR"); }
std::string Italic(const std::string& text) { return absl::StrCat("\\fI", Roff(text), "\\fR"); }

std::string Section(const std::string& heading, const std::string& body) {
  if (body.empty()) return "";
  return absl::StrCat(".SH ", absl::AsciiStrToUpper(heading), "\n",
                      absl::StripPrefix(body, ".PP\n"));
}

std::string Paragraph(const std::string& text) { return absl::StrCat(".PP\n", Roff(text), "\n"); }

std::string Item(const std::string& tag, const std::string& text) {
  return absl::StrCat(".TP\n", tag, "\n", Roff(text), "\n");
}

// Lines stay as they are, but for what stands beside a command, which would make it too long.
std::string Example(const std::string& lines) {
  std::string body;
  for (const std::string& line : Split(lines, "\n")) {
    const size_t gap = line.find("  ");
    absl::StrAppend(&body, line.substr(0, gap), "\n");
    if (gap == line.npos) continue;
    const size_t beside = line.find_first_not_of(" #", gap);
    absl::StrAppend(&body, "    # ", line.substr(beside), "\n");
  }
  return absl::StrCat(".PP\n.nf\n", Roff(body), ".fi\n");
}

// A piece of a text of --help.
struct Block {
  bool example = false;
  std::string text;  // a paragraph on one line, or the lines of an example
};

// Paragraphs end at empty lines, at examples, and where the exit codes begin.
std::vector<Block> BlocksOf(const std::string& text) {
  std::vector<Block> blocks;
  bool ended = true;
  for (const std::string& line : Split(text, "\n")) {
    const bool example = line.starts_with(' ');
    const std::string words(absl::StripAsciiWhitespace(line));
    if (words.empty()) {
      ended = true;
      continue;
    }
    if (ended || blocks.back().example != example || words.starts_with(kExitCodes)) {
      blocks.push_back({example, words});
    } else {
      absl::StrAppend(&blocks.back().text, example ? "\n" : " ", words);
    }
    ended = false;
  }
  return blocks;
}

// "fanmill run": what is typed; "fanmill-run": what its page is called.
std::string NameOf(const CLI::App& app, const char* between) {
  if (app.get_parent() == nullptr) return app.get_name();
  return absl::StrCat(NameOf(*app.get_parent(), between), between, app.get_name());
}

// The first clause of what it says about itself, as it goes on from "fanmill-run - ".
std::string Purpose(const std::string& about) {
  std::string purpose = about.substr(0, about.find_first_of(".:;"));
  absl::StrReplaceAll({{"\n", " "}}, &purpose);
  if (absl::StartsWith(purpose, "Fanmill ")) return purpose.substr(purpose.find(' ') + 1);
  purpose[0] = absl::ascii_tolower(static_cast<unsigned char>(purpose[0]));
  return purpose;
}

// "fanmill run [OPTIONS] ...", as in --help.
std::string Synopsis(const CLI::App& app) {
  const auto formatter = std::static_pointer_cast<CLI::Formatter>(app.get_formatter());
  const std::string name = NameOf(app, " ");
  const std::string usage = formatter->make_usage(&app, name);
  const size_t end = usage.find(name) + name.size();
  return absl::StrCat(Bold(name), Roff(usage.substr(end)));
}

std::string Description(const CLI::App& app) {
  std::string roff;
  for (const Block& block : BlocksOf(app.get_description())) {
    absl::StrAppend(&roff, block.example ? absl::StrCat(".RS 4\n", Example(block.text), ".RE\n")
                                         : Paragraph(block.text));
  }
  for (const Block& block : BlocksOf(app.get_footer())) {
    const bool elsewhere =
        block.example || block.text == kExamplesHeading || block.text.starts_with(kExitCodes);
    if (!elsewhere) absl::StrAppend(&roff, Paragraph(block.text));
  }
  return roff;
}

std::string Notes(const CLI::Option& option) {
  Words notes;
  if (option.get_required()) notes.push_back("required");
  if (const std::string range = RangeOf(option); !range.empty()) notes.push_back(range);
  if (const std::string value = option.get_default_str(); !value.empty()) {
    notes.push_back("default: " + value);
  }
  if (const std::string variable = option.get_envname(); !variable.empty()) {
    notes.push_back("environment: " + variable);
  }
  const auto name = [](std::string* out, const CLI::Option* each) { *out += each->get_name(); };
  if (const auto excluded = ExcludedBy(option); !excluded.empty()) {
    notes.push_back("not with " + absl::StrJoin(excluded, ", ", name));
  }
  return notes.empty() ? "" : absl::StrCat(" (", absl::StrJoin(notes, "; "), ")");
}

std::string OptionItem(const CLI::Option& option) {
  const auto bold = [](std::string* out, const std::string& name) { *out += Bold(name); };
  std::string tag = option.get_positional() ? Italic(option.get_name())
                                            : absl::StrJoin(NamesOf(option), ", ", bold);
  const std::string value = ValueOf(option);
  if (!value.empty() && !option.get_positional()) absl::StrAppend(&tag, " ", Italic(value));
  if (Repeats(option)) tag += " ...";
  return Item(tag, option.get_description() + Notes(option));
}

std::string OptionItems(const std::vector<const CLI::Option*>& options) {
  std::string items;
  for (const CLI::Option* option : options) absl::StrAppend(&items, OptionItem(*option));
  return items;
}

std::string Commands(const CLI::App& app) {
  std::string items;
  for (const CLI::App* command : app.get_subcommands({})) {
    absl::StrAppend(&items, Item(Bold(NameOf(*command, "-")) + "(1)", command->get_description()));
  }
  return items;
}

// Those of the command itself, or else those that all commands have.
std::string ExitCodes(const CLI::App& app) {
  for (const CLI::App* level = &app; level != nullptr; level = level->get_parent()) {
    for (const Block& block : BlocksOf(level->get_footer())) {
      if (block.text.starts_with(kExitCodes)) return block.text.substr(sizeof(kExitCodes) - 1);
    }
  }
  return "";
}

// "0 ok, 1 a task failed, ... 128+N killed by signal N, the second one."
std::string ExitStatus(const CLI::App& app) {
  std::string items;
  std::string codes = ExitCodes(app);
  if (codes.ends_with('.')) codes.pop_back();
  Words entries;
  for (const std::string& piece : Split(codes, ", ")) {
    if (!piece.empty() && absl::ascii_isdigit(static_cast<unsigned char>(piece[0]))) {
      entries.push_back(piece);
    } else if (!entries.empty()) {
      absl::StrAppend(&entries.back(), ", ", piece);
    }
  }
  for (const std::string& entry : entries) {
    const size_t space = entry.find(' ');
    absl::StrAppend(&items, Item(Bold(entry.substr(0, space)), entry.substr(space + 1)));
  }
  return items;
}

std::string Examples(const CLI::App& app) {
  std::string roff;
  for (const Block& block : BlocksOf(app.get_footer())) {
    if (block.example) absl::StrAppend(&roff, Example(block.text));
  }
  return roff;
}

std::string SeeAlso(const CLI::App& app) {
  const CLI::App* top = app.get_parent() == nullptr ? &app : app.get_parent();
  Words pages = {"fanmill"};
  for (const CLI::App* command : top->get_subcommands({})) {
    pages.push_back(NameOf(*command, "-"));
  }
  pages.insert(pages.end(), std::begin(kDaemons), std::end(kDaemons));
  Words others;
  for (const std::string& page : pages) {
    if (page != NameOf(app, "-")) others.push_back(Bold(page) + "(1)");
  }
  return absl::StrJoin(others, ",\n") + "\n";
}

}  // namespace

// Without a date: the same definitions make the same page. Without hyphenation: what is to be typed
// stays whole.
std::string ManPage(const CLI::App& app) {
  const std::string name = NameOf(app, "-");
  std::string page = absl::StrCat(
      ".TH ", absl::AsciiStrToUpper(Roff(name)), " 1 \"\" \"Fanmill ", Version(),
      "\" \"Fanmill\"\n.nh\n.ad l\n",
      Section("Name",
              absl::StrCat(Roff(name), " \\- ", Roff(Purpose(app.get_description())), "\n")),
      Section("Synopsis", Synopsis(app)), Section("Description", Description(app)),
      Section("Commands", Commands(app)), Section("Arguments", OptionItems(PositionalsOf(app))));
  for (const std::string& group : app.get_groups()) {
    absl::StrAppend(&page, Section(group, OptionItems(OptionsOf(app, group))));
  }
  absl::StrAppend(&page, Section("Exit status", ExitStatus(app)),
                  Section("Examples", Examples(app)), Section("See also", SeeAlso(app)));
  return page;
}

void AddManPageFlag(CLI::App& app) {
  const auto print = [&app] {
    const std::vector<CLI::App*> chosen = app.get_subcommands();
    std::string page = ManPage(chosen.empty() ? app : *chosen.front());
    page.pop_back();  // the line's end, which the parser adds
    throw CLI::CallForVersion(page, 0);
  };
  app.add_flag_callback("--man-page", print)->configurable(false)->group("");
}

}  // namespace fanmill
