// The durable files as they are found on disk: beside their writer, closed in order, left by a
// crash, damaged, or none at all.
#include "lib/verify/row_file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>

#include <filesystem>
#include <fstream>

#include "lib/io/crc32c.h"
#include "lib/io/row_store.h"
#include "lib/verify/prove.h"
#include "tests/io/temp_dir.h"
#include "tests/verify/journals.h"

namespace fanmill::verify {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

RowStore Store(const std::string& file, const std::string& what = "ledger") {
  absl::StatusOr<RowStore> store = RowStore::Open(file, what, Durability::kFull);
  EXPECT_TRUE(store.ok()) << store.status();
  return *std::move(store);
}

void Write(RowStore& store, uint64_t row, const std::string& text) {
  ASSERT_TRUE(store.Begin().ok());
  ASSERT_TRUE(store.Write(row, 7, row % 2 == 0, text).ok());
  ASSERT_TRUE(store.Commit().ok());
}

struct Told {
  std::vector<std::string> rows;  // "3 text", or "3 damaged"
  uint64_t last = 0;
};

Told Read(RowFile& file) {
  Told told;
  absl::Status read = file.ReadRows([&](const Row& row) {
    told.rows.push_back(std::to_string(row.sequence) + " " +
                        (row.sound ? std::string(row.bytes) : "damaged"));
  });
  EXPECT_TRUE(read.ok()) << read;
  told.last = file.Last().value_or(0);
  return told;
}

Told ReadNow(const std::string& path) {
  absl::StatusOr<RowFile> file = RowFile::Open(path, "ledger");
  EXPECT_TRUE(file.ok()) << file.status();
  if (!file.ok()) return {};
  EXPECT_TRUE(file->Pin().ok());
  return Read(*file);
}

std::vector<std::string> NamesIn(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    names.push_back(entry.path().filename());
  }
  std::sort(names.begin(), names.end());
  return names;
}

TEST(RowFile, ReadsAFileThatWasClosedAndLeavesNoTrace) {
  const TempDir dir;
  {
    RowStore store = Store(dir / "x?%41#.db");
    Write(store, 1, "one");
    Write(store, 2, "");
  }
  const Told told = ReadNow(dir / "x?%41#.db");
  EXPECT_THAT(told.rows, ElementsAre("1 one", "2 "));
  EXPECT_EQ(told.last, 2u);
  EXPECT_THAT(NamesIn(dir / ""), ElementsAre("x?%41#.db"));
}

TEST(RowFile, ReadsBesideTheWriterAsOfOneInstant) {
  const TempDir dir;
  RowStore store = Store(dir / "x.db");
  Write(store, 1, "one");
  absl::StatusOr<RowFile> file = RowFile::Open(dir / "x.db", "ledger");
  ASSERT_TRUE(file.ok()) << file.status();
  const std::string before = *file->Version();
  EXPECT_EQ(*file->Version(), before);
  ASSERT_TRUE(file->Pin().ok());
  Write(store, 2, "two");
  EXPECT_NE(*file->Version(), before);
  EXPECT_THAT(Read(*file).rows, ElementsAre("1 one"));
  EXPECT_EQ(*file->Last(), 1u);
  ASSERT_TRUE(file->Unpin().ok());
  ASSERT_TRUE(file->Pin().ok());
  EXPECT_THAT(Read(*file).rows, ElementsAre("1 one", "2 two"));
}

// What a kill -9 leaves: rows that stand in the -wal alone.
TEST(RowFile, ReadsWhatACrashLeft) {
  const TempDir dir;
  RowStore store = Store(dir / "x.db");
  Write(store, 1, "one");
  std::filesystem::create_directory(dir / "copy");
  for (const char* name : {"x.db", "x.db-wal"}) {
    std::filesystem::copy_file(dir / name, dir / "copy/" + name);
  }
  EXPECT_THAT(ReadNow(dir / "copy/x.db").rows, ElementsAre("1 one"));
  EXPECT_GT(std::filesystem::file_size(dir / "copy/x.db-wal"), 0u) << "it is the daemon's to move";
}

// The writer comes while a file is read that nobody had open.
TEST(RowFile, SaysSoWhenAFileChangesThatNobodyHadOpen) {
  const TempDir dir;
  { RowStore store = Store(dir / "x.db"); }
  absl::StatusOr<RowFile> file = RowFile::Open(dir / "x.db", "ledger");
  ASSERT_TRUE(file.ok() && file->Pin().ok());
  RowStore store = Store(dir / "x.db");
  Write(store, 1, "one");
  EXPECT_EQ(file->ReadRows([](const Row&) {}).code(), absl::StatusCode::kAborted);
  EXPECT_EQ(file->Pin().code(), absl::StatusCode::kAborted);
}

TEST(RowFile, FindsEveryNumberOfARowThatWasChanged) {
  for (const char* change : {"sequence = 9", "batch = 8", "batch = batch + 4294967296",
                             "is_frame = 1", "is_frame = 2", "crc = crc + 1", "bytes = x'41'"}) {
    const TempDir dir;
    {
      RowStore store = Store(dir / "x.db");
      Write(store, 1, "one");
    }
    auto database = *Database::Open(dir / "x.db", true);
    ASSERT_TRUE(database.Run(std::string("UPDATE rows SET ") + change).ok()) << change;
    EXPECT_THAT(ReadNow(dir / "x.db").rows[0], HasSubstr("damaged")) << change;
  }
}

TEST(RowFile, ReadsLargeRowsFromBesideTheFile) {
  const TempDir dir;
  {
    RowStore store = Store(dir / "x.db");
    for (uint64_t row = 1; row <= 3; ++row) Write(store, row, "large");
  }
  {
    auto database = *Database::Open(dir / "x.db", true);
    ASSERT_TRUE(database
                    .Run("CREATE TABLE IF NOT EXISTS large(sequence INTEGER PRIMARY KEY,"
                         " segment INTEGER, offset INTEGER, length INTEGER);"
                         "UPDATE rows SET bytes = x'' WHERE sequence > 1;"
                         "INSERT INTO large VALUES(2, 1, 3, 5), (3, 2, 0, 5)")
                    .ok());
  }
  std::filesystem::create_directory(dir / "x.db-large");
  WriteFile(dir / "x.db-large/000001", "...large...");
  EXPECT_THAT(ReadNow(dir / "x.db").rows, ElementsAre("1 large", "2 large", "3 damaged"))
      << "its segment is not there";
  WriteFile(dir / "x.db-large/000002", "larg");
  EXPECT_THAT(ReadNow(dir / "x.db").rows[2], "3 damaged") << "it is too short";
  WriteFile(dir / "x.db-large/000002", "large");
  WriteFile(dir / "x.db-large/000001", "...lArge...");
  EXPECT_THAT(ReadNow(dir / "x.db").rows, ElementsAre("1 large", "2 damaged", "3 large"));
}

TEST(RowFile, SaysWhatItCannotRead) {
  const TempDir dir;
  const auto refused = [&](const std::string& name, const std::string& what = "ledger") {
    return RowFile::Open(dir / name, what).status();
  };
  EXPECT_EQ(refused("none.db").code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(refused("none/x.db").code(), absl::StatusCode::kNotFound);
  { RowStore store = Store(dir / "x.db"); }
  EXPECT_THAT(refused("x.db", "book").message(), HasSubstr("is a ledger and no book"));
  {
    auto database = *Database::Open(dir / "x.db", true);
    ASSERT_TRUE(database.Run("PRAGMA user_version = 99").ok());
  }
  EXPECT_THAT(refused("x.db").message(), HasSubstr("was written by a newer Fanmill"));
  WriteFile(dir / "noise.db", std::string(8192, 'n'));
  EXPECT_EQ(refused("noise.db").code(), absl::StatusCode::kDataLoss);
  WriteFile(dir / "empty.db", "");
  EXPECT_THAT(ReadNow(dir / "empty.db").rows, IsEmpty()) << "a daemon that just begins";
}

// In a directory that may not be written, which root gets by a mount.
TEST(RowFile, SaysWhatToDoWhereItMayNotWrite) {
  const TempDir dir;
  std::filesystem::create_directory(dir / "read-only");
  if (mount("none", (dir / "read-only").c_str(), "tmpfs", 0, "size=1m") != 0) {
    GTEST_SKIP() << "not root";
  }
  {
    RowStore store = Store(dir / "x.db");
    Write(store, 1, "one");
    for (const char* name : {"x.db", "x.db-wal"}) {
      std::filesystem::copy_file(dir / name, dir / "read-only/" + name);
    }
  }
  std::filesystem::copy_file(dir / "x.db", dir / "read-only/closed.db");
  EXPECT_EQ(mount("none", (dir / "read-only").c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, nullptr),
            0);
  EXPECT_THAT(ReadNow(dir / "read-only/closed.db").rows, ElementsAre("1 one"));
  EXPECT_THAT(RowFile::Open(dir / "read-only/x.db", "ledger").status().message(),
              HasSubstr("x.db-wal, which only those can read who may write to its directory"));
  umount((dir / "read-only").c_str());
}

// ---- a whole state directory --------------------------------------------------------------------

constexpr std::pair<File, const char*> kFiles[] = {{File::kBook, "controller/book"},
                                                   {File::kManifest, "ventilator/manifest"},
                                                   {File::kLedger, "sink/ledger"}};

void WriteState(const Journals& journals, const std::string& state) {
  for (const auto& [file, name] : kFiles) {
    const std::string path = state + "/" + name;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    RowStore store = Store(path + ".db", path.substr(path.rfind('/') + 1));
    ASSERT_TRUE(store.Begin().ok());
    if (const auto rows = journals.rows.find(file); rows != journals.rows.end()) {
      for (const auto& [sequence, row] : rows->second) {
        ASSERT_TRUE(store.Write(sequence, row.batch, row.is_frame, row.bytes).ok());
      }
    }
    ASSERT_TRUE(store.Commit().ok());
  }
}

Journals TwoBatches() {
  Journals journals;
  for (const uint32_t batch : {1u, 2u}) {
    journals.Started(batch);
    journals.Open(batch);
    journals.Append(batch, 0, 2);
    journals.Seal(batch, 2);
    journals.Begin(batch);
    journals.SealInLedger(batch, 2);
    journals.Frame(batch, Journals::Results(batch, {0, 1}));
    journals.Close(Journals::Closed(batch, 2, 0));
    journals.Tell(Journals::Closed(batch, 2, 0), 2);
  }
  return journals;
}

TEST(Prove, ReadsTheStateOfAllThree) {
  const TempDir dir;
  const std::string state = dir / "state";
  WriteState(TwoBatches(), state);
  const absl::StatusOr<Proofs> proofs = Prove({state, state, state}, {});
  ASSERT_TRUE(proofs.ok()) << proofs.status();
  EXPECT_EQ(ToText(*proofs),
            "batch 1: proven: 2 tasks, each with one end (2 ok, 0 failed, 0 cancelled)\n"
            "batch 2: proven: 2 tasks, each with one end (2 ok, 0 failed, 0 cancelled)\n");
  EXPECT_EQ(Prove({state, state, state}, {{2}})->batches.size(), 1u);
  const absl::Status none = Prove({state, state, state}, {{2, 3}}).status();
  EXPECT_EQ(none.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(none.message(), HasSubstr("there is no batch 3 in"));
}

TEST(Prove, FindsThePartsStatesApart) {
  const TempDir dir;
  WriteState(TwoBatches(), dir / "a");
  std::filesystem::create_directory(dir / "b");
  std::filesystem::rename(dir / "a/sink", dir / "b/sink");
  EXPECT_EQ(Prove({dir / "a", dir / "a", dir / "a"}, {}).status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_TRUE(Prove({dir / "a", dir / "a", dir / "b"}, {}).ok());
}

}  // namespace
}  // namespace fanmill::verify
