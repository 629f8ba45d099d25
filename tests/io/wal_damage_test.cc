// A write-ahead log with a flipped bit: SQLite drops the commits behind it, and is not alone in
// knowing.
#include "lib/io/wal_damage.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "lib/io/row_store.h"
#include "tests/io/temp_dir.h"

namespace fanmill {
namespace {

constexpr uint64_t kCommits = 10;

std::string TextOf(uint64_t row) { return "the text of row " + std::to_string(row); }

// The two files as a crash leaves them after kCommits commits of one row each.
struct Crashed {
  Crashed() {
    auto store = RowStore::Open(dir / "live.db", "ledger", Durability::kOs);
    EXPECT_TRUE(store.ok()) << store.status();
    for (uint64_t row = 1; row <= kCommits; ++row) {
      EXPECT_TRUE(store->Begin().ok());
      EXPECT_TRUE(store->Write(row, 1, false, TextOf(row)).ok());
      EXPECT_TRUE(store->Commit().ok());
    }
    std::filesystem::copy_file(dir / "live.db", db);
    std::filesystem::copy_file(dir / "live.db-wal", wal);
  }
  std::string Bytes() const {
    std::ifstream file(wal, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void Write(const std::string& bytes) const {
    std::ofstream(wal, std::ios::binary | std::ios::trunc) << bytes;
  }
  void FlipAt(size_t at) const {
    std::string bytes = Bytes();
    ASSERT_LT(at, bytes.size());
    bytes[at] = static_cast<char>(bytes[at] ^ 4);
    Write(bytes);
  }
  // How many rows SQLite finds.
  size_t Rows() const {
    auto store = RowStore::Open(db, "ledger", Durability::kOs);
    EXPECT_TRUE(store.ok()) << store.status();
    auto page = store->Read(0, 1, 1 << 20);
    EXPECT_TRUE(page.ok()) << page.status();
    return page->rows.size();
  }

  TempDir dir;
  std::string db = dir / "x.db";
  std::string wal = dir / "x.db-wal";
};

TEST(WalDamage, IsNoneAfterACrash) {
  const Crashed crashed;
  EXPECT_EQ(CommitsDropped(crashed.wal), 0u);
  EXPECT_EQ(crashed.Rows(), kCommits);
  EXPECT_EQ(CommitsDropped(crashed.dir / "none.db-wal"), 0u);
}

TEST(WalDamage, IsAsManyCommitsAsSqliteDrops) {
  for (const uint64_t row : {uint64_t{1}, uint64_t{2}, kCommits / 2, kCommits}) {
    const Crashed crashed;
    crashed.FlipAt(crashed.Bytes().find(TextOf(row)));
    EXPECT_EQ(CommitsDropped(crashed.wal), kCommits + 1 - row) << row;
    EXPECT_EQ(crashed.Rows(), row - 1);
  }
}

TEST(WalDamage, IsFoundInTheHeadersOfLogAndFrame) {
  // The log's salt, its sum; the first frame's salt, its sum.
  for (const size_t at : {16u, 24u, 32u + 8, 32u + 16}) {
    const Crashed crashed;
    crashed.FlipAt(at);
    EXPECT_GE(CommitsDropped(crashed.wal), kCommits) << at;
    EXPECT_EQ(crashed.Rows(), 0u) << at;
  }
}

// A process that is killed while it writes: of that commit nobody was told.
TEST(WalDamage, IsNoneWhereTheLastCommitIsCutShort) {
  const Crashed crashed;
  std::string bytes = crashed.Bytes();
  bytes.resize(bytes.size() - 100);
  crashed.Write(bytes);
  EXPECT_EQ(CommitsDropped(crashed.wal), 0u);
  EXPECT_EQ(crashed.Rows(), kCommits - 1);
}

}  // namespace
}  // namespace fanmill
