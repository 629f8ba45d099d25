"""The rows of the durable files, for verify.py: SQLite opened for reading alone, a CRC32C of its own,
and all of them as of one instant."""
import collections
import os
import sqlite3
import sys

USAGE, UNREADABLE = 2, 5
INSTANTS_TRIED = 2000


def give_up(code, text):
    print("verify.py: " + text, file=sys.stderr)
    sys.exit(code)


def crc_tables():
    first = []
    for byte in range(256):
        for _ in range(8):
            byte = (byte >> 1) ^ (0x82F63B78 if byte & 1 else 0)
        first.append(byte)
    tables = [first]
    for _ in range(3):
        tables.append([first[value & 255] ^ (value >> 8) for value in tables[-1]])
    return tables


T0, T1, T2, T3 = crc_tables()


def crc32c(data):
    """CRC32C (Castagnoli), four bytes at a step."""
    crc = 0xFFFFFFFF
    whole = len(data) & ~3
    for word in memoryview(data[:whole]).cast("I"):
        crc ^= word
        crc = T3[crc & 255] ^ T2[crc >> 8 & 255] ^ T1[crc >> 16 & 255] ^ T0[crc >> 24]
    for byte in data[whole:]:
        crc = T0[(crc ^ byte) & 255] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


Row = collections.namedtuple("Row", "sequence batch is_frame sound bytes")


class Journal:
    """One SQLite file of rows, opened for reading alone."""

    def __init__(self, path, what):
        self.path = path
        self.name = os.path.basename(path)
        if not os.path.exists(path):
            give_up(USAGE, "there is no " + path)
        wal = path + "-wal"
        # Without a -wal all of it stands in the file, and nobody has it open.
        self.alone = not os.path.exists(wal) or os.path.getsize(wal) == 0
        self.reader = self.connect()
        self.watch = self.connect()
        if self.has_table("journal"):
            kept = self.reader.execute("SELECT what FROM journal").fetchall()
            if kept != [(what.encode(),)]:
                give_up(UNREADABLE, "%s is no %s" % (path, what))

    def connect(self):
        quoted = "".join("%%%02x" % ord(c) if c in "?#%" else c for c in os.path.abspath(self.path))
        uri = "file:" + quoted + ("?immutable=1" if self.alone else "?mode=ro")
        connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=10)
        connection.text_factory = bytes  # a damaged column may call itself text
        return connection

    def has_table(self, name):
        found = self.reader.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?",
                                    (name,)).fetchone()
        return found is not None

    def version(self):
        if self.alone:
            wal = self.path + "-wal"
            return (os.stat(self.path).st_mtime_ns, os.path.exists(wal) and os.path.getsize(wal))
        return self.watch.execute("PRAGMA data_version").fetchone()

    def begin(self):
        self.reader.execute("BEGIN")
        self.reader.execute("SELECT count(*) FROM sqlite_master").fetchone()

    def last(self):
        if not self.has_table("journal"):
            return 0
        return self.reader.execute("SELECT last FROM journal").fetchone()[0]

    def rows(self):
        if not self.has_table("rows"):
            return
        columns = "SELECT r.sequence, r.batch, r.is_frame, r.crc, r.bytes, %s FROM rows r %s ORDER BY 1"
        if self.has_table("large"):
            sql = columns % ("l.segment, l.offset, l.length", "LEFT JOIN large l USING (sequence)")
        else:
            sql = columns % ("NULL, NULL, NULL", "")
        for sequence, batch, is_frame, crc, data, segment, offset, length in self.reader.execute(sql):
            if segment is not None:
                data = self.large(segment, offset, length)
            sound = isinstance(data, bytes) and isinstance(batch, int) and isinstance(is_frame, int)
            if sound and 0 <= batch < 1 << 32 and is_frame in (0, 1):
                head = sequence.to_bytes(8, "little", signed=True) + batch.to_bytes(4, "little")
                sound = crc32c(head + bytes([is_frame]) + data) == crc
            else:
                sound = False
            yield Row(sequence, batch if isinstance(batch, int) else 0, bool(is_frame), sound, data)

    def large(self, segment, offset, length):
        try:
            with open("%s-large/%06d" % (self.path, segment), "rb") as file:
                file.seek(offset)
                data = file.read(length)
        except FileNotFoundError:
            return None
        return data if len(data) == length else None


def pin_together(journals):
    """One instant for all: nobody wrote while the three were pinned."""
    for _ in range(INSTANTS_TRIED):
        before = [journal.version() for journal in journals]
        for journal in journals:
            journal.begin()
        if [journal.version() for journal in journals] == before:
            return before
        for journal in journals:
            journal.reader.execute("COMMIT")
    give_up(UNREADABLE, "the files never rest")
    return None
