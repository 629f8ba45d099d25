#!/usr/bin/env python3
"""Proves from the durable files of a cluster that every task of its batches has exactly one end. It
is the second opinion on `fanmill verify`: written from the definitions (proto/PROTOCOL.md, the
comments of proto/*.proto), in another language, on another reading of SQLite and protobuf, with none
of its code.

  tests/verify/verify.py [--state DIR] [BATCH...|all]

Exit codes: 0 nothing is wrong, 1 something is, 2 usage (no such batch or file), 5 cannot be read,
77 Debian's python3-protobuf or protoc is not there.
"""
import argparse
import os
import sqlite3
import subprocess
import sys
import tempfile

from journal_files import UNREADABLE, USAGE, Journal, give_up, pin_together

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
OK, FAULT, SKIPPED = 0, 1, 77
FAULTS_SHOWN = 20
RESULT_OK = 0  # of enum Status


def load_records():
    """The modules of the two .proto files, which protoc makes on the spot."""
    try:
        import google.protobuf  # pylint: disable=import-outside-toplevel,unused-import
    except ImportError:
        give_up(SKIPPED, "python3-protobuf is not installed")
    with tempfile.TemporaryDirectory() as folder:
        try:
            subprocess.run(["protoc", "-I" + ROOT, "--python_out=" + folder,
                            "proto/fanmill.proto", "proto/records.proto"], cwd=ROOT, check=True)
        except OSError:
            give_up(SKIPPED, "protoc is not installed")
        sys.path.insert(0, folder)
        sys.dont_write_bytecode = True
        from proto import fanmill_pb2, records_pb2  # pylint: disable=import-outside-toplevel
        sys.path.pop(0)
    return fanmill_pb2, records_pb2


# ---- what a batch is, by each of the files ------------------------------------------------------

class Batch:
    def __init__(self, number):
        self.number = number
        # manifest
        self.in_manifest = False
        self.appended = 0
        self.sealed = None
        self.closed_there = None
        # ledger
        self.in_ledger = False
        self.opened = False
        self.ledger_seal = None
        self.ends = {}          # task -> "ok" or "failed", of single tasks
        self.runs = bytearray() # by task: 1 for an OK that came in a run of them
        self.ok = self.failed = self.late = 0
        self.parts = {}         # (task, chunk, stream) -> {part: bytes}
        self.halves = {}        # task -> why its last result does not count
        self.highest = -1
        self.closed = None      # (row, BatchClosed)
        # book
        self.report = None      # (row, BatchReport)

    def has_end(self, task):
        return task in self.ends or (task < len(self.runs) and self.runs[task] == 1)

    def end(self, task, how):
        self.ends[task] = how
        if how == "ok":
            self.ok += 1
        else:
            self.failed += 1
        self.halves.pop(task, None)

    def end_run(self, first, count):
        """All of a run are OK and news: then it costs nothing for each of them."""
        if len(self.runs) < first + count:
            self.runs.extend(bytes(first + count - len(self.runs)))
        if any(self.runs[first:first + count]):
            return False
        if self.ends and any(task in self.ends for task in range(first, first + count)):
            return False
        self.runs[first:first + count] = b"\1" * count
        self.ok += count
        if self.halves:
            for task in range(first, first + count):
                self.halves.pop(task, None)
        return True

    def total(self):
        """Of a closed batch: all its tasks."""
        closed = self.closed[1]
        if self.seal_at_end is not None:
            return self.seal_at_end
        return closed.ok + closed.failed + closed.cancelled_tasks

    seal_at_end = None


def tasks_of(task_set):
    task = task_set.first
    yield task
    for i in range(1, task_set.count):
        task += task_set.delta[i - 1] if task_set.delta else 1
        yield task


class Verifier:
    def __init__(self, records, wanted):
        self.fanmill, self.records = records
        self.wanted = wanted
        self.batches = {}
        self.present = {"book.db": set(), "manifest.db": set(), "ledger.db": set()}
        self.reported = set()
        self.missing = {}
        self.faults = []  # (batch or 0, sentence)

    def batch(self, number):
        return self.batches.setdefault(number, Batch(number))

    def fault(self, file, row, batch, task, text):
        where = file + (" row %d" % row if row else "")
        where += ", batch %d" % batch if batch else ""
        where += ", task %d" % (task + 1) if task is not None else ""
        self.faults.append((batch, where + ": " + text))

    # ---- rows ----

    def read(self, journal):
        expected = 1
        missing = []
        take = {"book.db": self.take_book, "manifest.db": self.take_manifest,
                "ledger.db": self.take_ledger}[journal.name]
        for row in journal.rows():
            missing.extend(range(expected, min(row.sequence, expected + FAULTS_SHOWN)))
            self.missing[journal.name] = self.missing.get(journal.name, 0) + row.sequence - expected
            expected = row.sequence + 1
            if not row.sound:
                self.fault(journal.name, row.sequence, row.batch, None, "not what was written (CRC)")
                continue
            self.present[journal.name].add(row.batch)
            try:
                take(row)
            except Exception as error:  # pylint: disable=broad-except
                if "DecodeError" not in type(error).__name__:
                    raise
                self.fault(journal.name, row.sequence, row.batch, None, "cannot be parsed")
        last = journal.last()
        if expected - 1 > last:
            self.fault(journal.name, expected - 1, 0, None, "behind the last row, %d" % last)
        if last >= expected:
            missing.extend(range(expected, min(last + 1, expected + FAULTS_SHOWN)))
            self.missing[journal.name] = self.missing.get(journal.name, 0) + last + 1 - expected
        return missing

    def take_book(self, row):
        record = self.records.BookRecord.FromString(row.bytes)
        fact = record.WhichOneof("fact")
        if fact is None or row.is_frame:
            self.fault("book.db", row.sequence, row.batch, None, "says nothing")
        elif fact == "batch":
            self.batch(record.batch.batch)
        elif fact == "report":
            batch = self.batch(record.report.batch)
            self.reported.add(batch.number)
            if batch.report is None:
                batch.report = (row.sequence, record.report)
            elif self.end_in(batch.report[1].summary) != self.end_in(record.report.summary):
                self.fault("book.db", row.sequence, batch.number, None,
                           "reports another end than row %d" % batch.report[0])

    def take_manifest(self, row):
        record = self.records.ManifestRecord.FromString(row.bytes)
        fact = record.WhichOneof("fact")
        if fact is None or row.is_frame or record.batch != row.batch:
            self.fault("manifest.db", row.sequence, row.batch, None, "is no fact of its batch")
            return
        batch = self.batch(row.batch)

        def complain(text):
            self.fault("manifest.db", row.sequence, row.batch, None, text)
        if (fact == "opened") == batch.in_manifest:
            complain("opened again" if batch.in_manifest else "comes before its batch was opened")
        batch.in_manifest = True
        over = batch.sealed is not None or batch.closed_there is not None
        if fact == "appended":
            if over:
                complain("appends after the seal or the end")
            elif record.appended.first != batch.appended:
                complain("appends from task %d on, behind %d tasks" %
                         (record.appended.first + 1, batch.appended))
            batch.appended = max(batch.appended, record.appended.first + record.appended.count)
        elif fact == "sealed":
            if over:
                complain("seals again, or after the end")
            elif record.sealed.tasks != batch.appended:
                complain("seals %d tasks of %d" % (record.sealed.tasks, batch.appended))
            batch.sealed = record.sealed.tasks
        elif fact == "closed":
            if batch.closed_there is not None:
                complain("closes again")
            batch.closed_there = (row.sequence, record.closed)

    def take_ledger(self, row):
        if row.is_frame:
            envelope = self.fanmill.Envelope.FromString(row.bytes)
            body = envelope.WhichOneof("body")
            if body not in ("results", "output") or getattr(envelope, body).batch != row.batch:
                self.fault("ledger.db", row.sequence, row.batch, None, "is no result of its batch")
                return
            batch = self.batch(row.batch)
            batch.in_ledger = True
            if body == "results":
                self.take_results(row, batch, envelope.results)
            else:
                self.take_part(row, batch, envelope.output)
            return
        record = self.records.LedgerRecord.FromString(row.bytes)
        fact = record.WhichOneof("fact")
        if fact == "ventilator_epoch":
            return
        if fact is None or getattr(record, fact).batch != row.batch:
            self.fault("ledger.db", row.sequence, row.batch, None, "is no fact of its batch")
            return
        batch = self.batch(row.batch)
        batch.in_ledger = True
        if fact == "opened":
            batch.opened = True
        elif fact == "sealed":
            self.take_seal(row, batch, record.sealed.tasks)
        elif fact == "final_failed":
            self.take_final_failed(row, batch, record.final_failed.task)
        elif fact == "closed":
            self.take_closed(row, batch, record.closed)

    def known_tasks(self, batch):
        if batch.in_manifest:
            return batch.appended
        return batch.ledger_seal if batch.ledger_seal is not None else 1 << 40

    def is_stray(self, row, batch, task):
        if task < self.known_tasks(batch):
            batch.highest = max(batch.highest, task)
            return False
        self.fault("ledger.db", row.sequence, batch.number, task, "was never appended")
        return True

    def take_part(self, row, batch, part):
        if self.is_stray(row, batch, part.task) or batch.closed or batch.has_end(part.task):
            return
        key = (part.task, part.chunk, part.stream)
        batch.parts.setdefault(key, {}).setdefault(part.part, len(part.bytes))

    def take_results(self, row, batch, chunk):
        count = chunk.tasks.count
        if chunk.status and len(chunk.status) != count:
            self.fault("ledger.db", row.sequence, batch.number, None, "has too few statuses")
            return
        plain = not (batch.closed or chunk.large or chunk.status or chunk.tasks.delta)
        first = chunk.tasks.first
        if plain and first + count <= self.known_tasks(batch) and batch.end_run(first, count):
            batch.highest = max(batch.highest, first + count - 1)
            return
        if not batch.closed and not self.parts_are_there(row, batch, chunk):
            return
        for i, task in enumerate(tasks_of(chunk.tasks)):
            if self.is_stray(row, batch, task):
                continue
            if batch.closed or batch.has_end(task):
                batch.late += 1
            elif not chunk.status or chunk.status[i] == RESULT_OK:
                batch.end(task, "ok")

    def parts_are_there(self, row, batch, chunk):
        """R64: all parts of its large outputs are in rows before this one, or it does not count."""
        wrong = []
        for large in chunk.large:
            if batch.has_end(large.task) or large.parts == 0:
                continue
            parts = batch.parts.get((large.task, chunk.chunk, large.stream), {})
            lacking = [i for i in range(large.parts) if i not in parts]
            if lacking:
                for task in tasks_of(chunk.tasks):
                    if not batch.has_end(task):
                        batch.halves[task] = "its result in row %d lacks part %d of %d" % (
                            row.sequence, lacking[0] + 1, large.parts)
                return False
            size = sum(parts[i] for i in range(large.parts))
            if size != large.size:
                wrong.append((large.task, "an output of %d bytes has parts of %d" %
                              (large.size, size)))
        for task, text in wrong:
            self.fault("ledger.db", row.sequence, batch.number, task, text)
        return True

    def take_seal(self, row, batch, tasks):
        if batch.ledger_seal is not None and batch.ledger_seal != tasks:
            self.fault("ledger.db", row.sequence, batch.number, None,
                       "seals %d tasks, and %d were sealed before" % (tasks, batch.ledger_seal))
            return
        if batch.highest >= tasks:
            self.fault("ledger.db", row.sequence, batch.number, batch.highest,
                       "has a result, and %d tasks are sealed" % tasks)
        batch.ledger_seal = tasks

    def take_final_failed(self, row, batch, task):
        if self.is_stray(row, batch, task):
            return
        if batch.closed:
            self.fault("ledger.db", row.sequence, batch.number, task, "FINAL_FAILED after CLOSED")
        elif batch.has_end(task):
            self.fault("ledger.db", row.sequence, batch.number, task,
                       "FINAL_FAILED, and it had its end (%s)" % batch.ends.get(task, "ok"))
        else:
            batch.end(task, "failed")

    def take_closed(self, row, batch, closed):
        def complain(text, task=None):
            self.fault("ledger.db", row.sequence, batch.number, task, text)
        if batch.closed:
            complain("CLOSED again")
            return
        batch.closed = (row.sequence, closed)
        batch.seal_at_end = batch.ledger_seal
        ends = batch.ok + batch.failed
        said = closed.ok + closed.failed + closed.cancelled_tasks
        if closed.cancelled:
            # What was on its way to the disk when the cancel came stands before CLOSED, and counts.
            if said != batch.total() or closed.ok > batch.ok or closed.failed > batch.failed:
                complain("CLOSED says %d ok, %d failed of %d, and there are %d and %d of %d" % (
                    closed.ok, closed.failed, said, batch.ok, batch.failed, batch.total()))
            elif ends > batch.total():
                complain("CLOSED with more ends than tasks")
            return
        if batch.ledger_seal is None:
            complain("CLOSED as done without a seal")
        elif ends < batch.ledger_seal:
            without = [t for t in range(min(batch.ledger_seal, ends + FAULTS_SHOWN))
                       if not batch.has_end(t)]
            for task in without[:FAULTS_SHOWN]:
                complain("CLOSED, and it has no end: " + batch.halves.get(task, "no result counts"),
                         task)
        if (closed.ok, closed.failed, closed.cancelled_tasks) != (batch.ok, batch.failed, 0):
            complain("CLOSED says %d ok, %d failed, %d cancelled, and there are %d and %d" % (
                closed.ok, closed.failed, closed.cancelled_tasks, batch.ok, batch.failed))

    # ---- the three together ----

    @staticmethod
    def end_in(closed):
        return (closed.cancelled, closed.ok, closed.failed, closed.cancelled_tasks)

    def judge_gaps(self, missing):
        """Only whole batches that have ended are forgotten, and never by the book."""
        forgot = {
            "book.db": False,
            "manifest.db": bool((self.reported | self.present["ledger.db"] - {0}) -
                                self.present["manifest.db"]),
            "ledger.db": any(n not in self.present["ledger.db"] or self.was_dropped(self.batches[n])
                             for n in self.reported),
        }
        for name, rows in missing.items():
            if rows and not forgot[name]:
                shown = ", ".join(str(row) for row in rows[:FAULTS_SHOWN])
                self.fault(name, rows[0], 0, None, "rows are missing, %d in all (%s ...), and no "
                           "batch was forgotten" % (self.missing[name], shown))

    def was_dropped(self, batch):
        """R68: its results went to make room; what came after that is of no batch any more."""
        if batch.report is None or not self.missing.get("ledger.db"):
            return False
        if batch.closed and not batch.closed[1].cancelled:
            return False
        summary = batch.report[1].summary
        counted = not summary.cancelled or summary.ok + summary.failed > 0
        return not batch.in_ledger or (counted and not batch.opened and batch.ledger_seal is None)

    def judge(self, batch):
        """What is to be said of the batch."""
        def complain(file, row, text):
            self.fault(file, row, batch.number, None, text)
        if self.was_dropped(batch):
            end = self.end_in(batch.report[1].summary)
            return "ended, no longer provable: its results were dropped; reported %d ok, %d failed, " \
                   "%d cancelled" % end[1:]
        if batch.closed is None and (batch.report or batch.closed_there):
            complain("ledger.db", 0, "is over, but not CLOSED")
        if not batch.in_manifest:
            if batch.closed is None and batch.report is None:
                complain("manifest.db", 0, "lives, but has no tasks")
            elif not self.missing.get("manifest.db"):
                complain("manifest.db", 0, "was never there")
        elif batch.ledger_seal is not None and batch.ledger_seal != batch.sealed:
            complain("ledger.db", 0, "seals %s tasks, the manifest %s" % (batch.ledger_seal,
                                                                         batch.sealed))
        if batch.closed is None:
            return "not ended: %d tasks, %d ok, %d failed" % (batch.appended, batch.ok, batch.failed)
        row, closed = batch.closed
        total = batch.total()
        cancelled = max(0, total - batch.ok - batch.failed) if closed.cancelled else 0
        end = (closed.cancelled, batch.ok, batch.failed, cancelled)
        if batch.in_manifest and total < batch.appended:
            complain("ledger.db", row, "%d tasks are CLOSED of %d" % (total, batch.appended))
        if batch.closed_there and self.end_in(batch.closed_there[1]) != end:
            complain("manifest.db", batch.closed_there[0], "has another end than the ledger")
        if batch.report:
            row, report = batch.report
            phases = self.fanmill
            phase = phases.BATCH_CANCELLED if closed.cancelled else (
                phases.BATCH_FAILED if batch.failed else phases.DONE)
            if self.end_in(report.summary) != end or report.phase != phase:
                complain("book.db", row, "reports another end than the ledger has")
            elif report.summary.tasks not in (0, total):
                complain("book.db", row, "reports %d tasks of %d" % (report.summary.tasks, total))
        return "%s: %d tasks, %d ok, %d failed, %d cancelled, %d late%s" % (
            "proven" if batch.report else "closed, not reported yet", total, *end[1:], batch.late,
            "" if batch.in_manifest else " (not in the manifest any more)")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--state", default=os.environ.get("FANMILL_STATE"))
    parser.add_argument("batch", nargs="*")
    arguments = parser.parse_args()
    if not arguments.state or not all(b == "all" or b.isdigit() for b in arguments.batch):
        give_up(USAGE, "usage: verify.py --state DIR [BATCH...|all]")
    wanted = set() if "all" in arguments.batch else {int(b) for b in arguments.batch}
    records = load_records()
    journals = [Journal(os.path.join(arguments.state, path), os.path.basename(path)[:-3])
                for path in ("controller/book.db", "ventilator/manifest.db", "sink/ledger.db")]
    before = pin_together(journals)
    verifier = Verifier(records, wanted)
    missing = {journal.name: verifier.read(journal) for journal in journals}
    for journal, version in zip(journals, before):
        if journal.alone and journal.version() != version:
            give_up(UNREADABLE, journal.path + " was written meanwhile: try again")
    for number in sorted(wanted - set(verifier.batches)):
        give_up(USAGE, "there is no batch %d" % number)
    verifier.judge_gaps(missing)
    told = [(n, verifier.judge(verifier.batches[n])) for n in sorted(wanted or verifier.batches)]
    faults = [text for batch, text in verifier.faults if batch in wanted or batch == 0 or
              not wanted or "CRC" in text]
    for text in faults[:FAULTS_SHOWN]:
        print(text)
    if len(faults) > FAULTS_SHOWN:
        print("and %d more" % (len(faults) - FAULTS_SHOWN))
    wrong = {batch for batch, _ in verifier.faults}
    for number, text in told:
        print("batch %d: %s" % (number, text.replace("proven", "WRONG", 1) if number in wrong else text))
    return FAULT if faults else OK


if __name__ == "__main__":
    try:
        sys.exit(main())
    except sqlite3.Error as failed:
        give_up(UNREADABLE, str(failed))
