#include "controller/cli/sources/value_lists.h"

#include <algorithm>

namespace fanmill::cli {

absl::StatusOr<CommandAndLists> SplitValueLists(const std::vector<std::string>& words) {
  CommandAndLists split;
  for (const std::string& word : words) {
    if (word == ":::" || word == ":::+") {
      if (word == ":::+" && split.lists.empty()) {
        return absl::InvalidArgumentError(
            ":::+ links its values to those of the ::: before it, and there is none");
      }
      split.lists.push_back({{}, word == ":::+"});
    } else if (word == "::::" || word == "::::+") {
      return absl::InvalidArgumentError(
          word + " is not known here: the lines of a file are values with -a FILE");
    } else if (split.lists.empty()) {
      split.command.push_back(word);
    } else {
      split.lists.back().values.push_back(word);
    }
  }
  return split;
}

ListSource::ListSource(std::vector<ValueList> lists) : lists_(std::move(lists)) {
  for (size_t i = 0; i < lists_.size(); ++i) {
    const size_t length = lists_[i].values.size();
    if (lists_[i].linked) {
      ++groups_.back().lists;
      groups_.back().length = std::min(groups_.back().length, length);
    } else {
      groups_.push_back({i, 1, length});
    }
  }
  over_ = std::any_of(groups_.begin(), groups_.end(),
                      [](const Group& group) { return group.length == 0; });
}

absl::StatusOr<Got> ListSource::Next(Duration timeout, std::vector<std::string_view>& values) {
  if (over_) return Got::kEnd;
  values.clear();
  for (const Group& group : groups_) {
    for (size_t i = 0; i < group.lists; ++i) {
      values.push_back(lists_[group.first_list + i].values[group.at]);
    }
  }
  Advance();
  return Got::kOne;
}

void ListSource::Advance() {
  for (auto group = groups_.rbegin(); group != groups_.rend(); ++group) {
    if (++group->at < group->length) return;
    group->at = 0;
  }
  over_ = true;
}

}  // namespace fanmill::cli
