#include "lib/io/memory_journal.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/io/temp_dir.h"

namespace fanmill {
namespace {

std::vector<Message> Take(MemoryJournal& journal) {
  std::vector<Message> messages;
  journal.Collect(messages);
  return messages;
}

JournalWrite Write(uint64_t sequence, uint32_t batch, std::string record) {
  return JournalWrite{sequence, batch, std::move(record), {}};
}

JournalRows ReadBack(MemoryJournal& journal, const JournalRead& read) {
  journal.Deliver(read);
  const std::vector<Message> messages = Take(journal);
  EXPECT_EQ(messages.size(), 1u);
  return std::get<JournalRows>(messages.at(0));
}

std::vector<std::string> Texts(const JournalRows& rows) {
  std::vector<std::string> texts;
  for (const JournalRow& row : rows.rows) texts.emplace_back(row.bytes.bytes);
  return texts;
}

TEST(MemoryJournal, SaysFirstThatItRecoveredNothingAndHowMuchRoomThereIs) {
  MemoryJournal journal({.bytes_max = 1000});
  journal.Deliver(Write(1, 1, "a"));
  const std::vector<Message> messages = Take(journal);
  ASSERT_EQ(messages.size(), 4u);
  const auto& recovered = std::get<JournalRecovered>(messages[0]);
  EXPECT_TRUE(recovered.last);
  EXPECT_TRUE(recovered.rows.empty());
  EXPECT_EQ(std::get<JournalRoom>(messages[1]).bytes, 1000u);
  EXPECT_EQ(std::get<JournalDurable>(messages[2]).through, 1u);
  EXPECT_EQ(std::get<JournalRoom>(messages[3]).bytes, 1000 - journal.bytes());
}

TEST(MemoryJournal, TellsOnceWhatIsDurableForManyWrites) {
  MemoryJournal journal;
  Take(journal);
  for (uint64_t sequence = 1; sequence <= 5; ++sequence) journal.Deliver(Write(sequence, 1, "x"));
  const std::vector<Message> messages = Take(journal);
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_EQ(std::get<JournalDurable>(messages[0]).through, 5u);
  EXPECT_TRUE(Take(journal).empty());
}

TEST(MemoryJournal, ReadsOneBatchInPagesOfAtMostSoManyBytes) {
  MemoryJournal journal;
  journal.Deliver(Write(1, 1, "aaaa"));
  journal.Deliver(Write(2, 2, "other"));
  journal.Deliver(Write(3, 1, "bbbb"));
  journal.Deliver(JournalWrite{4, 1, "", Frame::Own("frame")});
  Take(journal);

  JournalRows page = ReadBack(journal, {77, 1, 0, 8});
  EXPECT_EQ(page.token, 77u);
  EXPECT_EQ(Texts(page), (std::vector<std::string>{"aaaa", "bbbb"}));
  EXPECT_EQ(page.next, 4u);
  EXPECT_FALSE(page.rows[0].is_frame);
  EXPECT_EQ(page.rows[1].sequence, 3u);

  page = ReadBack(journal, {78, 1, page.next, 8});
  EXPECT_EQ(Texts(page), (std::vector<std::string>{"frame"}));
  EXPECT_TRUE(page.rows[0].is_frame);
  EXPECT_EQ(page.next, 5u);

  page = ReadBack(journal, {79, 1, page.next, 8});
  EXPECT_TRUE(page.rows.empty());
  EXPECT_EQ(page.next, 5u);
}

TEST(MemoryJournal, ReadsARowThatIsLargerThanThePageAlone) {
  MemoryJournal journal;
  journal.Deliver(Write(1, 1, std::string(100, 'a')));
  journal.Deliver(Write(2, 1, "b"));
  Take(journal);
  const JournalRows page = ReadBack(journal, {1, 1, 0, 10});
  EXPECT_EQ(page.rows.size(), 1u);
  EXPECT_EQ(page.next, 2u);
}

TEST(MemoryJournal, ForgetsABatchAndHasItsRoomBack) {
  MemoryJournal journal({.bytes_max = 10'000});
  Take(journal);
  journal.Deliver(Write(1, 1, std::string(5000, 'x')));
  journal.Deliver(Write(2, 2, "kept"));
  Take(journal);
  journal.Deliver(JournalForget{1});
  const std::vector<Message> messages = Take(journal);
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_EQ(std::get<JournalRoom>(messages[0]).bytes, 10'000 - journal.bytes());
  EXPECT_LT(journal.bytes(), 500u);
  EXPECT_TRUE(ReadBack(journal, {1, 1, 0, 1000}).rows.empty());
  EXPECT_EQ(Texts(ReadBack(journal, {1, 2, 0, 1000})), (std::vector<std::string>{"kept"}));
}

TEST(MemoryJournal, KeepsWhatIsWrittenWithoutRoomAndGrantsNone) {
  MemoryJournal journal({.bytes_max = 1000});
  Take(journal);
  journal.Deliver(Write(1, 1, std::string(2000, 'x')));
  const std::vector<Message> messages = Take(journal);
  ASSERT_EQ(messages.size(), 2u);
  EXPECT_EQ(std::get<JournalDurable>(messages[0]).through, 1u);
  EXPECT_EQ(std::get<JournalRoom>(messages[1]).bytes, 0u);
  EXPECT_EQ(ReadBack(journal, {1, 1, 0, 10}).rows.size(), 1u);
}

TEST(MemoryJournal, KeepsNothingThatNobodyCanReadHoweverMuchIsWritten) {
  MemoryJournal journal({.bytes_max = 1000, .readable = false});
  Take(journal);
  for (uint64_t sequence = 1; sequence <= 10; ++sequence) {
    journal.Deliver(Write(sequence, 1, std::string(500, 'x')));
  }
  const std::vector<Message> messages = Take(journal);
  ASSERT_EQ(messages.size(), 1u);  // the room is what it was
  EXPECT_EQ(std::get<JournalDurable>(messages[0]).through, 10u);
  EXPECT_EQ(journal.bytes(), 0u);
}

TEST(MemoryJournal, KeepsNoRowOfBatchZero) {
  MemoryJournal journal;
  journal.Deliver(Write(1, 0, "for recovery alone"));
  journal.Deliver(Write(2, 1, "kept"));
  EXPECT_EQ(std::get<JournalDurable>(Take(journal).at(2)).through, 2u);
  const uint64_t bytes = journal.bytes();
  journal.Deliver(Write(3, 0, std::string(5000, 'x')));
  Take(journal);
  EXPECT_EQ(journal.bytes(), bytes);
}

TEST(MemoryJournal, CopiesASmallFrameSoThatItsBufferGoes) {
  MemoryJournal journal;
  const Frame small = Frame::Own("small");
  const Frame large = Frame::Own(std::string(8192, 'x'));
  journal.Deliver(JournalWrite{1, 1, "", small});
  journal.Deliver(JournalWrite{2, 1, "", large});
  Take(journal);
  const JournalRows rows = ReadBack(journal, {1, 1, 0, 1 << 20});
  ASSERT_EQ(rows.rows.size(), 2u);
  EXPECT_EQ(rows.rows[0].bytes.bytes, "small");
  EXPECT_EQ(small.owner.use_count(), 1);
  EXPECT_EQ(rows.rows[1].bytes.bytes.data(), large.bytes.data());
}

TEST(MemoryJournal, LetsGoOfSingleRowsAndReadsOnAroundThem) {  // R105
  MemoryJournal journal;
  for (uint64_t sequence = 1; sequence <= 4; ++sequence) {
    journal.Deliver(Write(sequence, 1, std::string(1, static_cast<char>('a' + sequence))));
  }
  Take(journal);
  const uint64_t bytes = journal.bytes();
  journal.Deliver(JournalForget{1, {3, 1}});
  journal.Deliver(JournalForget{1, {3, 99}});  // it has gone, and that one never was
  EXPECT_EQ(journal.bytes(), bytes / 2);
  const JournalRows page = ReadBack(journal, {1, 1, 0, 1000});
  EXPECT_EQ(Texts(page), (std::vector<std::string>{"c", "e"}));
}

TEST(MemoryJournal, PutsWhatIsBeyondItsMemoryIntoAFileAndReadsItBack) {
  const TempDir directory;
  MemoryJournal journal({.spool_directory = directory / "", .memory_bytes_max = 2000});
  const std::string large(1500, 'x');
  journal.Deliver(Write(1, 1, large + "1"));
  journal.Deliver(JournalWrite{2, 1, "", Frame::Own(large + "2")});
  journal.Deliver(Write(3, 1, large + "3"));
  Take(journal);
  EXPECT_LE(journal.memory_bytes(), 2000u);
  EXPECT_GT(journal.bytes(), 4500u);
  const JournalRows page = ReadBack(journal, {1, 1, 0, 10'000});
  EXPECT_EQ(Texts(page), (std::vector<std::string>{large + "1", large + "2", large + "3"}));
  EXPECT_TRUE(page.rows[1].is_frame);
  journal.Deliver(JournalForget{1, {1, 2, 3}});
  EXPECT_EQ(journal.bytes(), 0u);
  EXPECT_EQ(journal.memory_bytes(), 0u);
}

// Where rows are has to be remembered too: many small ones must not fill the memory that way.
TEST(MemoryJournal, HasNoRoomWhenMemoryIsFullOfPlacesInTheFile) {
  const TempDir directory;
  MemoryJournal journal({.spool_directory = directory / "", .memory_bytes_max = 1000});
  Take(journal);
  uint64_t sequence = 0;
  while (journal.memory_bytes() <= 2000) journal.Deliver(Write(++sequence, 1, "x"));
  EXPECT_EQ(std::get<JournalRoom>(Take(journal).back()).bytes, 0u);
  journal.Deliver(JournalForget{1});
  EXPECT_EQ(std::get<JournalRoom>(Take(journal).back()).bytes, uint64_t{1} << 30);
}

TEST(MemoryJournal, KeepsInMemoryWhatTheFileDoesNotTakeAndGrantsNoRoomThen) {
  const TempDir directory;
  std::vector<std::string> troubles;
  MemoryJournal journal({.spool_directory = directory / "missing",
                         .memory_bytes_max = 100,
                         .on_trouble = [&troubles](const absl::Status& why) {
                           troubles.emplace_back(why.message());
                         }});
  Take(journal);
  journal.Deliver(Write(1, 1, "one"));
  journal.Deliver(Write(2, 1, "two"));
  EXPECT_EQ(std::get<JournalRoom>(Take(journal).back()).bytes, 0u);
  EXPECT_EQ(Texts(ReadBack(journal, {1, 1, 0, 1000})), (std::vector<std::string>{"one", "two"}));
  ASSERT_EQ(troubles.size(), 1u);
  EXPECT_NE(troubles[0].find("missing"), std::string::npos) << troubles[0];
}

}  // namespace
}  // namespace fanmill
