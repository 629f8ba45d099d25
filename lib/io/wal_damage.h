// What SQLite does not tell when it opens a file: its write-ahead log counts up to the first frame
// that is not what was written, and everything behind it is dropped without a word, however many
// commits that are.
#ifndef FANMILL_LIB_IO_WAL_DAMAGE_H_
#define FANMILL_LIB_IO_WAL_DAMAGE_H_

#include <cstdint>
#include <string>

namespace fanmill {

// How many commits stand in the log from its first damaged frame on; 0 also where there is no such
// file, and after the crash of a process. To be asked before SQLite opens the file. A crash of the
// machine can leave 1 without any loss: the commit that it was writing, of which nobody was told.
uint64_t CommitsDropped(const std::string& wal_file);

}  // namespace fanmill

#endif  // FANMILL_LIB_IO_WAL_DAMAGE_H_
