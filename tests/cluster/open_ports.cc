#include "tests/cluster/open_ports.h"

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <system_error>

namespace fanmill {
namespace {

// Of all sockets that listen: the port by the number of the socket. Both tables have the columns
// "sl local remote state queues timer retransmits uid timeout inode".
std::map<std::string, uint16_t> Listening() {
  std::map<std::string, uint16_t> ports;
  for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    std::ifstream file(table);
    for (std::string line; std::getline(file, line);) {
      std::istringstream words(line);
      std::string number, local, remote, state, queues, timer, again, user, timeout, inode;
      words >> number >> local >> remote >> state >> queues >> timer >> again >> user >> timeout >>
          inode;
      if (state != "0A") continue;  // LISTEN
      const std::string port = local.substr(local.rfind(':') + 1);
      ports[inode] = static_cast<uint16_t>(std::stoul(port, nullptr, 16));
    }
  }
  return ports;
}

}  // namespace

std::map<uint16_t, pid_t> OpenPorts(const std::vector<pid_t>& pids) {
  const std::map<std::string, uint16_t> listening = Listening();
  std::map<uint16_t, pid_t> open;
  for (const pid_t pid : pids) {
    std::error_code gone;  // a process or a descriptor, meanwhile
    const std::filesystem::path folder = "/proc/" + std::to_string(pid) + "/fd";
    for (const auto& entry : std::filesystem::directory_iterator(folder, gone)) {
      const std::string target = std::filesystem::read_symlink(entry.path(), gone).string();
      if (!target.starts_with("socket:[")) continue;
      const auto found = listening.find(target.substr(8, target.size() - 9));
      if (found != listening.end()) open[found->second] = pid;
    }
  }
  return open;
}

}  // namespace fanmill
