// The values that stand on the command line:  COMMAND WORD... ::: a b ::: c d :::+ e f
#ifndef FANMILL_CONTROLLER_CLI_SOURCES_VALUE_LISTS_H_
#define FANMILL_CONTROLLER_CLI_SOURCES_VALUE_LISTS_H_

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "controller/cli/sources/value_source.h"

namespace fanmill::cli {

struct ValueList {
  std::vector<std::string> values;
  bool linked = false;  // :::+, goes in step with the list before
};

struct CommandAndLists {
  std::vector<std::string> command;
  std::vector<ValueList> lists;
};

// Cuts the words at each ::: and :::+.
absl::StatusOr<CommandAndLists> SplitValueLists(const std::vector<std::string>& words);

// Every combination of the lists' values, those of the last list varying fastest. Linked lists go
// together, to the end of the shortest.
class ListSource : public ValueSource {
 public:
  // REQUIRES: there is a list, and the first is not linked.
  explicit ListSource(std::vector<ValueList> lists);

  absl::StatusOr<Got> Next(Duration timeout, std::vector<std::string_view>& values) override;
  std::string Where() const override { return "the values after :::"; }

 private:
  struct Group {  // of linked lists
    size_t first_list;
    size_t lists;
    size_t length;
    size_t at = 0;
  };
  void Advance();

  std::vector<ValueList> lists_;
  std::vector<Group> groups_;
  bool over_ = false;
};

}  // namespace fanmill::cli

#endif  // FANMILL_CONTROLLER_CLI_SOURCES_VALUE_LISTS_H_
