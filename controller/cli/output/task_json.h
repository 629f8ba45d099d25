// Tasks as JSON: what is common to the lines of --output jsonl and of a results directory's index.
// Bytes that are not UTF-8 show as U+FFFD.
#ifndef FANMILL_CONTROLLER_CLI_OUTPUT_TASK_JSON_H_
#define FANMILL_CONTROLLER_CLI_OUTPUT_TASK_JSON_H_

#include <string>
#include <string_view>

#include "controller/cli/output/task_words.h"
#include "lib/client/result_reader.h"

namespace fanmill::cli {

// An object without its end: {"task":1,"values":["a"],"status":"ok",...,"attempt":1 and, if the
// handler returned one, "value". The values, where they are known: an array, or where they have
// names an object.
std::string JsonHead(const client::Result& result, const std::string* payload,
                     const TaskWords& words);

// A JSON string of a text that comes in pieces.
class JsonString {
 public:
  std::string Begin() const { return "\""; }
  // What is known of it with this piece; a character that the piece cuts waits for the next one.
  std::string Next(std::string_view piece);
  std::string End();

 private:
  std::string cut_;
};

}  // namespace fanmill::cli

#endif  // FANMILL_CONTROLLER_CLI_OUTPUT_TASK_JSON_H_
