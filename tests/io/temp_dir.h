// A folder that lives as long as its test.
#ifndef FANMILL_TESTS_IO_TEMP_DIR_H_
#define FANMILL_TESTS_IO_TEMP_DIR_H_

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "lib/core/check.h"

namespace fanmill {

class TempDir {
 public:
  TempDir() {
    std::string name = std::filesystem::temp_directory_path() / "fanmill-XXXXXX";
    FANMILL_CHECK(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~TempDir() { std::filesystem::remove_all(path_); }
  TempDir(const TempDir&) = delete;

  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

inline std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void WriteFile(const std::string& path, const std::string& text) {
  std::ofstream(path) << text;
}

}  // namespace fanmill

#endif  // FANMILL_TESTS_IO_TEMP_DIR_H_
