// An LD_PRELOAD library that makes disk calls fail, for tests of what a daemon does then. Told by
// the environment:
//   FAULT_DIR    only files below this directory count; without it nothing is done
//   FAULT_FILE   of these only such whose path ends so, such as .db-wal
//   FAULT_CALL   which calls count: open write fsync ftruncate rename, with commas between; without
//                it all of them. write is write and pwrite, fsync is fsync and fdatasync
//   FAULT_WHILE  calls count only while this file exists
//   FAULT_AT     the first call to fail, 1 without it
//   FAULT_COUNT  how many fail from there on, 1 without it, 0: all
//   FAULT_DO     eio | enospc | eintr: the call fails so
//                short: half is written; tear: half is written, then kill -9; of a call that
//                does not write, nothing is done, then kill -9
//                kill: kill -9 instead of the call; slow:MILLISECONDS: the call is late
//                lose: all that was written and not synced since is taken back, then kill -9, as
//                when the machine loses its power
// What is mapped into memory, such as SQLite's -shm, is not seen.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static atomic_long seen;

static long NumberOf(const char* name, long otherwise) {
  const char* text = getenv(name);
  return text == NULL ? otherwise : strtol(text, NULL, 10);
}

static bool IsNamed(const char* names, const char* call) {
  const size_t size = strlen(call);
  for (const char* at = names; at != NULL; at = strchr(at, ',')) {
    at += *at == ',';
    if (strncmp(at, call, size) == 0 && (at[size] == 0 || at[size] == ',')) return true;
  }
  return names == NULL;
}

static bool IsBelow(const char* path) {
  const char* dir = getenv("FAULT_DIR");
  if (dir == NULL || strncmp(path, dir, strlen(dir)) != 0) return false;
  const char* end = getenv("FAULT_FILE");
  if (end == NULL) return true;
  const size_t size = strlen(path);
  return size >= strlen(end) && strcmp(path + size - strlen(end), end) == 0;
}

static bool IsDue(const char* call, const char* path) {
  if (!IsBelow(path) || !IsNamed(getenv("FAULT_CALL"), call)) return false;
  const char* switched = getenv("FAULT_WHILE");
  if (switched != NULL && access(switched, F_OK) != 0) return false;
  const long number = atomic_fetch_add(&seen, 1) + 1;
  const long first = NumberOf("FAULT_AT", 1);
  const long count = NumberOf("FAULT_COUNT", 1);
  return number >= first && (count == 0 || number < first + count);
}

static void Tell(const char* call, const char* path) {
  dprintf(STDERR_FILENO, "diskfault: %s of %s: %s\n", call, path, getenv("FAULT_DO"));
}

static void Die(void) {
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

// ---- What was written and not synced ------------------------------------------------------------

struct Unsynced {
  struct Unsynced* before;
  char path[PATH_MAX];
  ino_t inode;
  off64_t size;  // of the file
  off64_t at;
  ssize_t count;
  char bytes[];  // that were there
};
static struct Unsynced* last_unsynced;
static pthread_mutex_t unsynced_mutex = PTHREAD_MUTEX_INITIALIZER;

static bool Loses(void) {
  const char* what = getenv("FAULT_DO");
  return what != NULL && strcmp(what, "lose") == 0;
}

static void PathOf(int fd, char* path) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t size = readlink(link, path, PATH_MAX - 1);
  path[size < 0 ? 0 : size] = 0;
}

// Before `count` bytes are written there, or the file is cut to `at`.
static void Remember(int fd, size_t count, off64_t at) {
  struct stat64 file;
  if (!Loses() || fstat64(fd, &file) != 0) return;
  if (count == 0 && file.st_size > at) count = (size_t)(file.st_size - at);
  struct Unsynced* entry = malloc(sizeof *entry + count);
  if (entry == NULL) return;
  PathOf(fd, entry->path);
  if (!IsBelow(entry->path)) return free(entry);
  entry->inode = file.st_ino;
  entry->size = file.st_size;
  entry->at = at;
  entry->count = pread64(fd, entry->bytes, count, at);
  pthread_mutex_lock(&unsynced_mutex);
  entry->before = last_unsynced;
  last_unsynced = entry;
  pthread_mutex_unlock(&unsynced_mutex);
}

static void Synced(int fd) {
  struct stat64 file;
  if (!Loses() || fstat64(fd, &file) != 0) return;
  pthread_mutex_lock(&unsynced_mutex);
  for (struct Unsynced** at = &last_unsynced; *at != NULL;) {
    struct Unsynced* entry = *at;
    if (entry->inode != file.st_ino) {
      at = &entry->before;
      continue;
    }
    *at = entry->before;
    free(entry);
  }
  pthread_mutex_unlock(&unsynced_mutex);
}

static void TakeBack(void) {
  pthread_mutex_lock(&unsynced_mutex);
  for (const struct Unsynced* entry = last_unsynced; entry != NULL; entry = entry->before) {
    const int fd = REAL(open)(entry->path, O_WRONLY);
    if (fd < 0) continue;  // renamed or removed since
    if (entry->count > 0) REAL(pwrite64)(fd, entry->bytes, (size_t)entry->count, entry->at);
    (void)!REAL(ftruncate64)(fd, entry->size);
  }
}

// ---- Faults -------------------------------------------------------------------------------------

enum Fault { kNone, kFails, kShort };

// What becomes of this call: done, failed with errno, or, of writes, done by half.
static enum Fault FaultOf(const char* call, const char* path) {
  const int before = errno;
  const char* what = getenv("FAULT_DO");
  if (what == NULL || !IsDue(call, path)) {
    errno = before;
    return kNone;
  }
  Tell(call, path);
  if (strcmp(what, "lose") == 0) TakeBack(), Die();
  if (strcmp(what, "kill") == 0) Die();
  if (strncmp(what, "slow:", 5) == 0) {
    const long ms = strtol(what + 5, NULL, 10);
    struct timespec left = {ms / 1000, ms % 1000 * 1000000};
    while (nanosleep(&left, &left) != 0 && errno == EINTR) continue;
    errno = before;
    return kNone;
  }
  const bool writes = strcmp(call, "write") == 0;
  if (strcmp(what, "short") == 0) return writes ? kShort : kNone;
  if (strcmp(what, "tear") == 0) {
    if (!writes) Die();
    return kShort;
  }
  errno = strcmp(what, "enospc") == 0 ? ENOSPC : strcmp(what, "eintr") == 0 ? EINTR : EIO;
  return kFails;
}

static enum Fault FaultOfFile(const char* call, int fd) {
  if (getenv("FAULT_DIR") == NULL) return kNone;
  const int before = errno;
  char path[PATH_MAX];
  PathOf(fd, path);
  errno = before;
  return FaultOf(call, path);
}

// ---- The calls ----------------------------------------------------------------------------------

static size_t Half(size_t size) { return size > 1 ? size / 2 : size; }
static ssize_t AfterHalf(ssize_t written) {
  if (strcmp(getenv("FAULT_DO"), "tear") == 0) Die();
  return written;
}

ssize_t write(int fd, const void* bytes, size_t size) {
  const enum Fault fault = FaultOfFile("write", fd);
  if (fault == kFails) return -1;
  if (fault == kShort) return AfterHalf(REAL(write)(fd, bytes, Half(size)));
  const off64_t at = Loses() ? lseek64(fd, 0, SEEK_CUR) : -1;
  if (at >= 0) Remember(fd, size, at);
  return REAL(write)(fd, bytes, size);
}

#define DEFINE_PWRITE(name, offset_t)                                                 \
  ssize_t name(int fd, const void* bytes, size_t size, offset_t offset) {             \
    const enum Fault fault = FaultOfFile("write", fd);                                \
    if (fault == kFails) return -1;                                                   \
    if (fault == kShort) return AfterHalf(REAL(name)(fd, bytes, Half(size), offset)); \
    Remember(fd, size, offset);                                                       \
    return REAL(name)(fd, bytes, size, offset);                                       \
  }
DEFINE_PWRITE(pwrite, off_t)
DEFINE_PWRITE(pwrite64, off64_t)

#define DEFINE_SYNC(name)                             \
  int name(int fd) {                                  \
    if (FaultOfFile("fsync", fd) != kNone) return -1; \
    const int result = REAL(name)(fd);                \
    if (result == 0) Synced(fd);                      \
    return result;                                    \
  }
DEFINE_SYNC(fsync)
DEFINE_SYNC(fdatasync)

#define DEFINE_FTRUNCATE(name, offset_t)                  \
  int name(int fd, offset_t size) {                       \
    if (FaultOfFile("ftruncate", fd) != kNone) return -1; \
    Remember(fd, 0, size);                                \
    return REAL(name)(fd, size);                          \
  }
DEFINE_FTRUNCATE(ftruncate, off_t)
DEFINE_FTRUNCATE(ftruncate64, off64_t)

int rename(const char* from, const char* to) {
  return FaultOf("rename", to) == kNone ? REAL(rename)(from, to) : -1;
}

#define DEFINE_OPEN(name)                                                         \
  int name(const char* path, int flags, ...) {                                    \
    va_list more;                                                                 \
    va_start(more, flags);                                                        \
    const mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0; \
    va_end(more);                                                                 \
    return FaultOf("open", path) == kNone ? REAL(name)(path, flags, mode) : -1;   \
  }
DEFINE_OPEN(open)
DEFINE_OPEN(open64)
