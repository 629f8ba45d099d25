// The tables that list and status print.
#ifndef FANMILL_CONTROLLER_CLI_TABLES_H_
#define FANMILL_CONTROLLER_CLI_TABLES_H_

#include <string>
#include <vector>

#include "lib/client/cluster.h"

namespace fanmill::cli {

std::string BatchTable(const std::vector<client::BatchStatus>& batches);
std::string MemberTable(const std::vector<client::MemberStatus>& members);
// What is lost when a machine crashes; nothing while that is not known.
std::string DurabilityLine(const std::string& durability);

}  // namespace fanmill::cli

#endif  // FANMILL_CONTROLLER_CLI_TABLES_H_
