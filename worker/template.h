// The command of one task, from the batch's argv template and the task's value. Pure.
#ifndef FANMILL_WORKER_TEMPLATE_H_
#define FANMILL_WORKER_TEMPLATE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fanmill {

struct Expanded {
  std::vector<std::string> argv;
  std::string error;  // why there is no argv, for a person; else empty
};

// Replaces, anywhere in any argument, what GNU parallel replaces:
//   {}  the value         {.}  without its extension   {#}  the task's number, from 1
//   {/} its last part     {//} its folder              {%}  the slot's number, from 1
//   {/.} its last part without its extension
// Anything else in braces stays as it is, and what was put in is not looked at again. In a template
// without any of these the value becomes one more argument at the end, as with xargs, unless it
// is absent (nullopt; where it is asked for, it is then empty).
// A value or template with a NUL byte is an error, as is a command of no words.
Expanded ExpandTemplate(const std::vector<std::string>& words,
                        std::optional<std::string_view> value, uint64_t task_number,
                        uint32_t slot_number);

// The same for a script that /bin/sh runs: words[0] is the script, in which values stand quoted
// where they need it, so that each stays one word; in a script without any of these the value
// becomes its last word. Further words are the script's own arguments, $1 and so on.
Expanded ExpandScript(const std::vector<std::string>& words, std::optional<std::string_view> value,
                      uint64_t task_number, uint32_t slot_number);

// As one word for a POSIX shell.
std::string ShellQuote(std::string_view text);

}  // namespace fanmill

#endif  // FANMILL_WORKER_TEMPLATE_H_
