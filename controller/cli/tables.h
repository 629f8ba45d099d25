// The tables that list and status print.
#ifndef FANMILL_CONTROLLER_CLI_TABLES_H_
#define FANMILL_CONTROLLER_CLI_TABLES_H_

#include <string>
#include <vector>

#include "lib/client/cluster.h"

namespace fanmill::cli {

std::string BatchTable(const std::vector<client::BatchStatus>& batches);
std::string MemberTable(const std::vector<client::MemberStatus>& members);

}  // namespace fanmill::cli

#endif  // FANMILL_CONTROLLER_CLI_TABLES_H_
