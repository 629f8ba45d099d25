// A journal on a real disk: what survives, what is found damaged, and what a full disk does.
#include "lib/io/durable_journal.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/mount.h>

#include <fstream>
#include <memory>
#include <optional>

#include "lib/io/crc32c.h"
#include "tests/io/temp_dir.h"

namespace fanmill {
namespace {

constexpr int kPatienceMillis = 20'000;

// A journal and the node that talks to it.
class Talk {
 public:
  explicit Talk(const std::string& file, const std::string& what = "ledger") {
    DurableJournalOptions options;
    options.file = file;
    options.what = what;
    options.on_trouble = [this](const absl::Status& why) {
      const std::lock_guard lock(mutex_);
      trouble_ += std::string(why.message()) + "\n";
    };
    options.on_failure = [](const absl::Status& why) {
      std::fprintf(stderr, "%s\n", why.ToString().c_str());
      std::abort();
    };
    auto opened = DurableJournal::Open(std::move(options));
    if (!opened.ok()) {
      refused_ = opened.status();
      return;
    }
    journal_ = *std::move(opened);
    while (!recovered_) Hear();
  }

  void Write(uint64_t sequence, uint32_t batch, const std::string& text) {
    journal_->Deliver(JournalWrite{sequence, batch, text, {}});
  }
  void Forget(uint32_t batch, std::vector<uint64_t> rows = {}) {
    journal_->Deliver(JournalForget{batch, std::move(rows)});
  }
  void AwaitDurable(uint64_t sequence) {
    while (durable_ < sequence && Hear()) {
    }
    EXPECT_GE(durable_, sequence);
  }
  JournalRows Read(uint32_t batch, uint64_t from, uint64_t bytes_max = 1 << 20) {
    read_.reset();
    journal_->Deliver(JournalRead{1, batch, from, bytes_max});
    while (!read_.has_value() && Hear()) {
    }
    return read_.value_or(JournalRows());
  }
  // One message; false when none came.
  bool Hear() {
    pollfd wanted{journal_->event_fd(), POLLIN, 0};
    if (poll(&wanted, 1, kPatienceMillis) != 1) return false;
    std::vector<Message> messages;
    journal_->Collect(messages);
    for (Message& message : messages) Take(message);
    return true;
  }
  void Close() { journal_.reset(); }

  std::vector<std::string> recovered;  // "3/7 text"
  std::vector<uint64_t> room;
  const absl::Status& refused() const { return refused_; }
  std::string trouble() {
    const std::lock_guard lock(mutex_);
    return trouble_;
  }

 private:
  void Take(Message& message) {
    if (auto* page = std::get_if<JournalRecovered>(&message)) {
      recovered_ = page->last;
      for (const JournalRow& row : page->rows) {
        recovered.push_back(std::to_string(row.sequence) + "/" + std::to_string(row.batch) + " " +
                            std::string(row.bytes.bytes));
      }
    } else if (auto* durable = std::get_if<JournalDurable>(&message)) {
      durable_ = durable->through;
    } else if (auto* rows = std::get_if<JournalRows>(&message)) {
      read_ = *rows;
    } else if (auto* told = std::get_if<JournalRoom>(&message)) {
      room.push_back(told->bytes);
    }
  }

  std::mutex mutex_;
  std::string trouble_;
  absl::Status refused_;
  std::unique_ptr<DurableJournal> journal_;
  bool recovered_ = false;
  uint64_t durable_ = 0;
  std::optional<JournalRows> read_;
};

using Lines = std::vector<std::string>;

TEST(Crc32c, IsThatOfTheStandard) {  // RFC 3720, B.4
  EXPECT_EQ(Crc32c("123456789"), 0xe3069283u);
  EXPECT_EQ(Crc32c(std::string(32, '\0')), 0x8a9136aau);
  EXPECT_EQ(Crc32c(std::string(32, '\xff')), 0x62a8ab43u);
  EXPECT_EQ(Crc32c("456789", Crc32c("123")), Crc32c("123456789"));
}

TEST(DurableJournal, GivesBackAfterARestartWhatWasDurable) {
  const TempDir dir;
  {
    Talk talk(dir / "x.db");
    EXPECT_EQ(talk.recovered, Lines());
    talk.Write(1, 7, "one");
    talk.Write(2, 0, "");
    talk.Write(3, 8, std::string("th\0ree", 6));
    talk.AwaitDurable(3);
  }
  Talk again(dir / "x.db");
  EXPECT_EQ(again.recovered, (Lines{"1/7 one", "2/0 ", std::string("3/8 th\0ree", 10)}));
  again.Write(4, 7, "four");
  again.AwaitDurable(4);
}

TEST(DurableJournal, RecoversInPages) {
  const TempDir dir;
  const std::string large(3 << 20, 'x');
  {
    Talk talk(dir / "x.db");
    for (uint64_t row = 1; row <= 5; ++row) talk.Write(row, 1, large);
    talk.AwaitDurable(5);
  }
  EXPECT_EQ(Talk(dir / "x.db").recovered.size(), 5u);
}

TEST(DurableJournal, ReadsABatchInPagesAndLargeRowsAlone) {
  const TempDir dir;
  Talk talk(dir / "x.db");
  for (uint64_t row = 1; row <= 6; ++row) {
    talk.Write(row, row % 2 == 0 ? 2 : 1, std::string(1000, 'x'));
  }
  JournalRows page = talk.Read(2, 1, 2500);  // after what was written before
  ASSERT_EQ(page.rows.size(), 2u);
  EXPECT_EQ(page.rows[1].sequence, 4u);
  page = talk.Read(2, page.next, 10);
  ASSERT_EQ(page.rows.size(), 1u);
  EXPECT_EQ(page.rows[0].sequence, 6u);
  EXPECT_EQ(talk.Read(2, page.next).rows.size(), 0u);
  EXPECT_EQ(talk.Read(3, 1).next, 7u);
}

TEST(DurableJournal, ForgetsAndCountsOnWhereItWas) {
  const TempDir dir;
  {
    Talk talk(dir / "x.db");
    for (uint64_t row = 1; row <= 4; ++row) talk.Write(row, row <= 2 ? 1 : 2, "text");
    talk.Forget(2);
    talk.Forget(1, {1});
    talk.AwaitDurable(4);
    EXPECT_EQ(talk.Read(2, 1).rows.size(), 0u);
  }
  Talk again(dir / "x.db");
  EXPECT_EQ(again.recovered, (Lines{"2/1 text", "4/0 "})) << "the last one stands for itself";
  again.Write(5, 1, "five");
  again.AwaitDurable(5);
}

// Finds the text in the file and changes a bit of it.
void FlipBitOf(const std::string& file, const std::string& text) {
  std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
  const std::string all{std::istreambuf_iterator<char>(stream), {}};
  const size_t at = all.find(text);
  ASSERT_NE(at, std::string::npos);
  stream.clear();
  stream.seekp(static_cast<std::streamoff>(at));
  stream.put(static_cast<char>(text[0] ^ 1));
}

TEST(DurableJournal, LeavesOutARowWithAFlippedBitAndSaysSo) {
  for (const char* flipped : {"the first", "the middle", "the last"}) {
    const TempDir dir;
    {
      Talk talk(dir / "x.db");
      uint64_t row = 0;
      for (const char* text : {"the first", "the middle", "the last"}) talk.Write(++row, 1, text);
      talk.AwaitDurable(3);
    }
    FlipBitOf(dir / "x.db", flipped);
    Talk again(dir / "x.db");
    for (const std::string& row : again.recovered) {
      EXPECT_EQ(row.find(flipped), std::string::npos) << row;
    }
    EXPECT_NE(again.trouble().find("1 rows are not what was written"), std::string::npos);
    again.Write(4, 1, "four");
    again.AwaitDurable(4);
  }
}

// At the limit in the file itself, above it in a segment beside it.
TEST(DurableJournal, KeepsLargeRowsInSegments) {
  const TempDir dir;
  const std::string small(kRowInlineBytesMax, 's');
  const std::string large(kRowInlineBytesMax + 1, 'l');
  {
    Talk talk(dir / "x.db");
    talk.Write(1, 1, small);
    talk.AwaitDurable(1);
    EXPECT_FALSE(std::filesystem::exists(dir / "x.db-large"));
    talk.Write(2, 1, large);
    talk.Write(3, 2, large);
    talk.Write(4, 1, "");
    talk.AwaitDurable(4);
    EXPECT_EQ(std::filesystem::file_size(dir / "x.db-large/000001"), 2 * large.size());
  }
  Talk again(dir / "x.db");
  EXPECT_EQ(again.recovered, (Lines{"1/1 " + small, "2/1 " + large, "3/2 " + large, "4/1 "}));
  const JournalRows page = again.Read(1, 1);
  ASSERT_EQ(page.rows.size(), 3u);
  EXPECT_EQ(page.rows[1].bytes.bytes, large);
  again.Forget(2);
  again.Forget(1, {2});
  again.Write(5, 1, "five");
  again.AwaitDurable(5);
  EXPECT_FALSE(std::filesystem::exists(dir / "x.db-large/000001"));
  EXPECT_EQ(again.Read(1, 1).rows.size(), 3u);
}

TEST(DurableJournal, LeavesOutALargeRowThatIsDamagedOrGone) {
  for (const bool gone : {false, true}) {
    const TempDir dir;
    {
      Talk talk(dir / "x.db");
      talk.Write(1, 1, "text");
      talk.Write(2, 1, "large" + std::string(kRowInlineBytesMax, 'l'));
      talk.Write(3, 1, "after");
      talk.AwaitDurable(3);
    }
    if (gone) {
      std::filesystem::remove(dir / "x.db-large/000001");
    } else {
      FlipBitOf(dir / "x.db-large/000001", "large");
    }
    Talk again(dir / "x.db");
    EXPECT_EQ(again.recovered, (Lines{"1/1 text", "3/1 after"}));
    EXPECT_NE(again.trouble().find("1 rows are not what was written"), std::string::npos);
  }
}

TEST(DurableJournal, TakesUpAFileOfTheFirstSchema) {
  const TempDir dir;
  {
    Talk talk(dir / "x.db");
    talk.Write(1, 1, "old");
    talk.AwaitDurable(1);
  }
  {
    auto old = *Database::Open(dir / "x.db", true);
    ASSERT_TRUE(old.Run("DROP TABLE large; PRAGMA user_version = 1").ok());
  }
  const std::string large(kRowInlineBytesMax + 1, 'l');
  {
    Talk talk(dir / "x.db");
    EXPECT_EQ(talk.recovered, (Lines{"1/1 old"}));
    talk.Write(2, 1, large);
    talk.AwaitDurable(2);
  }
  EXPECT_EQ(Talk(dir / "x.db").recovered, (Lines{"1/1 old", "2/1 " + large}));
}

TEST(DurableJournal, RefusesWhatItCannotBelieve) {
  const TempDir dir;
  { Talk talk(dir / "x.db"); }
  EXPECT_NE(Talk(dir / "x.db", "book").refused().message().find("is a ledger and no book"),
            std::string::npos);
  auto newer = *Database::Open(dir / "x.db", true);
  ASSERT_TRUE(newer.Run("PRAGMA user_version = 99").ok());
  newer = *Database::Open(dir / "y.db", true);  // closes the other
  EXPECT_NE(Talk(dir / "x.db").refused().message().find("was written by a newer Fanmill"),
            std::string::npos);
  std::ofstream(dir / "noise.db") << std::string(8192, 'n');
  EXPECT_EQ(Talk(dir / "noise.db").refused().code(), absl::StatusCode::kDataLoss);
  EXPECT_NE(Talk(dir / "missing/x.db").refused().message().find("cannot open"), std::string::npos);
}

// In a file system of 1 MiB of its own, which only root can make; in the file and in a segment.
TEST(DurableJournal, WaitsForAFullDiskAndGoesOn) {
  for (const uint64_t row_bytes : {kRowInlineBytesMax / 2, 2 * kRowInlineBytesMax}) {
    const TempDir dir;
    const std::string small = dir / "small";
    std::filesystem::create_directory(small);
    if (mount("none", small.c_str(), "tmpfs", 0, "size=1m") != 0) GTEST_SKIP() << "not root";
    {
      Talk talk(small + "/x.db");
      talk.Write(1, 1, "fits");
      talk.AwaitDurable(1);
      std::ofstream(small + "/ballast") << std::string(900'000, 'b');
      const uint64_t rows = 300'000 / row_bytes;
      for (uint64_t row = 2; row < 2 + rows; ++row) {
        talk.Write(row, 2, std::string(row_bytes, 'x'));
      }
      while (talk.trouble().empty() && talk.Hear()) {
      }
      EXPECT_NE(talk.trouble().find("; make room on that disk"), std::string::npos)
          << talk.trouble();
      EXPECT_EQ(talk.room.back(), 0u);
      std::filesystem::remove(small + "/ballast");
      talk.AwaitDurable(1 + rows);
      talk.Write(2 + rows, 1, "after");
      talk.AwaitDurable(2 + rows);
      EXPECT_EQ(talk.Read(1, 1).rows.size(), 2u);
      EXPECT_EQ(talk.Read(2, 1).rows.size(), rows);
    }
    umount(small.c_str());
  }
}

}  // namespace
}  // namespace fanmill
