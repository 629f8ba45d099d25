#!/usr/bin/env python3
"""What becomes of batches when the disk of a daemon fails, is full, is slow, or gives back other
bits than were written. Faults of calls come from diskfault.c.

  tests/chaos/disk_test.py BIN-DIR [Test.name]
"""
import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import parts
import work

BIN = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else ""
SHIM = BIN + "/libdiskfault.so"
JOURNALS = {"controller": "book", "ventilator": "manifest", "sink": "ledger"}
PATIENCE_S = 6 * parts.LEASE_S
UNABLE = 5


async def until(condition, patience=PATIENCE_S):
    give_up = time.monotonic() + patience
    while time.monotonic() < give_up:
        found = condition()
        if found:
            return found
        await asyncio.sleep(0.02)
    return False


class DiskTest(unittest.IsolatedAsyncioTestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="fanmill-disk-")
        self.flag = self.folder + "/faults-now"
        self.cluster = None
        os.environ["CHAOS_FOLDER"] = self.folder
        with open(self.folder + "/task.sh", "w", encoding="ascii") as file:
            file.write(work.SCRIPT)

    async def asyncSetUp(self):
        asyncio.get_running_loop().set_debug(False)

    async def asyncTearDown(self):
        if self.cluster is not None:
            await self.cluster.end_hard()
            self.assertEqual(await self.cluster.await_nothing_left(PATIENCE_S), [])
            self.assertEqual(self.cluster.aborts(), [])
        if os.environ.get("KEEP"):
            print("kept:", self.folder)
        else:
            shutil.rmtree(self.folder)

    def faults(self, role, do, **more):
        """The environment of a daemon whose disk fails; `switched`: only while the flag is there."""
        environ = {"LD_PRELOAD": SHIM, "FAULT_DIR": self.state(role), "FAULT_DO": do}
        if more.pop("switched", False):
            environ["FAULT_WHILE"] = self.flag
        return {**environ, **{f"FAULT_{key.upper()}": str(value) for key, value in more.items()}}

    def switch(self, on):
        if on:
            with open(self.flag, "w", encoding="ascii"):
                pass
        else:
            os.unlink(self.flag)

    def state(self, role):
        return f"{self.folder}/state/{role}"

    def log(self, role):
        with open(self.cluster.log_of(role), encoding="utf-8", errors="replace") as file:
            return file.read()

    async def start(self, **environs):
        self.cluster = parts.Cluster(BIN, self.folder, 2, 2, environs=environs)
        self.assertTrue(await self.cluster.await_ready(2))

    async def submit(self, number, tasks=40, seconds_max=0.05):
        """A batch that is taken in, however often that is to be tried."""
        batch = work.Batch("disk", number, tasks, 0, seconds_max)
        give_up = time.monotonic() + PATIENCE_S
        while time.monotonic() < give_up:
            code, out, said = await self.cluster.fanmill(
                *batch.words(self.folder + "/task.sh"), given=batch.lines().encode())
            if code == 0:
                batch.id = int(out)
                return batch
        self.fail(said)

    async def rows(self, batch):
        give_up = time.monotonic() + PATIENCE_S
        while time.monotonic() < give_up:
            code, out, said = await self.cluster.fanmill("results", "--json", str(batch.id),
                                                         timeout=PATIENCE_S)
            if code in (0, 1, 3):
                return code, work.rows_of(out), said
        self.fail(f"results of batch {batch.id}: {code} {said}")

    async def expect_whole(self, batch):
        code, rows, said = await self.rows(batch)
        verdict = work.Verdict()
        verdict.judge(batch, rows, None, work.started_in_vain(self.folder + "/starts"))
        self.assertEqual((code, verdict.wrong), (0, []), said)

    async def await_ok(self, batch, count):
        async def ok():
            _, out, _ = await self.cluster.fanmill("status", str(batch.id))
            words = out.splitlines()[1].split() if out.count("\n") > 1 else []
            return len(words) > 3 and int(words[3]) >= count
        give_up = time.monotonic() + PATIENCE_S
        while time.monotonic() < give_up:
            if await ok():
                return
        self.fail(f"batch {batch.id} has not {count} tasks done")

    def ends_of(self, role):
        return [code for name, _, code, _ in self.cluster.ends if name == role]


class Calls(DiskTest):
    async def sweep(self, role):
        """kill -9 at one disk call or another since its start, every second time in the middle of a
        write; what it left is what the next one starts on."""
        calls = sorted({f * 2**k for k in range(7) for f in (1, 3)} - {192}) + [128]
        self.cluster = parts.Cluster(BIN, self.folder, 2, 2, environs={role: [
            self.faults(role, ("kill", "tear")[i % 2], at=n) for i, n in enumerate(calls)]})
        part = self.cluster.parts[role]
        number = 0
        while part.starts <= len(calls):
            number += 1
            self.assertLess(number, 200, "it does not come to its calls")
            await self.expect_whole(await self.submit(number, 20, 0.01))
        self.assertEqual(set(self.ends_of(role)), {-signal.SIGKILL})
        await self.expect_whole(await self.submit(number + 1))

    async def test_the_sink_may_be_killed_at_any_disk_call(self):
        await self.sweep("sink")

    async def test_the_ventilator_may_be_killed_at_any_disk_call(self):
        await self.sweep("ventilator")

    async def test_the_controller_may_be_killed_at_any_disk_call(self):
        await self.sweep("controller")

    async def broken_sync(self, role):
        await self.start(**{role: [self.faults(role, "eio", call="fsync", switched=True)]})
        batch = await self.submit(1, 100)
        await self.await_ok(batch, 5)
        self.switch(True)
        other = asyncio.create_task(self.submit(2))
        self.assertTrue(await until(lambda: self.ends_of(role)))
        self.assertEqual(self.ends_of(role), [UNABLE])
        said = self.log(role)
        self.assertRegex(said, r"event=journal_failed text=.*cannot use .*/" + JOURNALS[role] +
                         r"\.db: disk I/O error; see that the disk works")
        await self.expect_whole(batch)
        await self.expect_whole(await other)

    async def test_a_sync_that_fails_ends_the_sink_and_nothing_is_lost(self):
        await self.broken_sync("sink")

    async def test_a_sync_that_fails_ends_the_ventilator_and_nothing_is_lost(self):
        await self.broken_sync("ventilator")

    async def test_a_sync_that_fails_ends_the_controller_and_nothing_is_lost(self):
        await self.broken_sync("controller")

    async def test_a_full_disk_is_said_waited_for_and_over(self):
        for role in ("sink", "ventilator", "controller"):
            with self.subTest(role=role):
                await self.full_disk(role)
                await self.asyncTearDown()
                self.setUp()
                self.cluster = None

    async def full_disk(self, role):
        await self.start(**{role: [self.faults(role, "enospc", call="write", count=0,
                                               switched=True)]})
        batch = await self.submit(1, 100)
        await self.await_ok(batch, 5)
        self.switch(True)
        other = asyncio.create_task(self.submit(2))
        self.assertTrue(await until(lambda: "database or disk is full" in self.log(role)))
        self.assertRegex(self.log(role), r"event=journal text=.*/" + JOURNALS[role] +
                         r"\.db: database or disk is full; make room on that disk")
        self.switch(False)
        await self.expect_whole(batch)
        await self.expect_whole(await other)
        self.assertEqual(self.ends_of(role), [])

    async def test_writes_that_are_cut_short_are_gone_on_with(self):
        await self.start(**{role: [self.faults(role, "short", call="write", count=0)]
                            for role in JOURNALS})
        await self.expect_whole(await self.submit(1))
        self.assertEqual(self.cluster.ends, [])

    async def test_interrupted_writes_are_tried_again(self):
        await self.start(**{role: [self.faults(role, "eintr", call="write", at=20, count=3)]
                            for role in JOURNALS})
        await self.expect_whole(await self.submit(1))
        self.assertEqual(self.cluster.ends, [])

    async def test_a_slow_disk_costs_time_and_no_task_is_run_twice(self):
        await self.start(**{role: [self.faults(role, "slow:2000", call="fsync", count=0,
                                               switched=True)] for role in ("sink", "ventilator")})
        batch = await self.submit(1, 60)
        await self.await_ok(batch, 5)
        self.switch(True)
        await self.expect_whole(batch)
        self.assertEqual(work.attempts(self.folder + "/starts"), len(batch.tasks))
        _, out, _ = await self.cluster.fanmill("status")
        self.assertNotIn("gone", out)
        self.assertEqual(self.cluster.ends, [])


class Bits(DiskTest):
    """One bit flipped in a file of a daemon that is stopped: in a row that has ended long ago, and in
    one of the last."""

    def flip(self, path, token, last):
        """In the first or the last copy of the token there."""
        with open(path, "r+b") as file:
            whole = file.read()
            at = (whole.rfind if last else whole.find)(token.encode())
            self.assertGreaterEqual(at, 0, f"{path} does not have {token}")
            file.seek(at)
            file.write(bytes([whole[at] ^ 1]))

    async def one(self, role, of_wal, last):
        await self.start()
        before = await self.submit(1)
        await self.expect_whole(before)
        batch = await self.submit(2, 60, 0.2)
        await self.await_ok(batch, 20)
        part = self.cluster.parts[role]
        path = f"{self.state(role)}/{JOURNALS[role]}.db" + ("-wal" if of_wal else "")
        ended = batch if last else before
        token = ended.name if role == "controller" else ended.tasks[0][2]
        flips = []

        def flip():
            if not flips:
                self.flip(path, token, last)
                flips.append(path)
        part.between = flip
        # A killed one leaves its last commits in the -wal, who is asked to leave puts them in place.
        if of_wal:
            part.kill()
        else:
            part.ask_to_leave()
        self.assertTrue(await until(lambda: flips))
        said = [await self.expect_honest(b) for b in (before, batch)]
        print(role, "wal" if of_wal else "db", "last" if last else "first", said,
              [line for line in self.log(role).splitlines() if "level=info" not in line][-3:])
        await self.expect_whole(await self.submit(3))

    async def expect_honest(self, batch):
        code, rows, said = await self.rows(batch)
        verdict = work.Verdict()
        batch.was_cancelled = code != 0
        verdict.judge(batch, rows, None, work.started_in_vain(self.folder + "/starts"))
        self.assertEqual(verdict.wrong, [], said)
        return f"{code} {len(rows)} rows {said}"

    async def of(self, role):
        for of_wal in (False, True):
            for last in (False, True):
                with self.subTest(role=role, wal=of_wal, last=last):
                    await self.one(role, of_wal, last)
                if self.cluster is not None:
                    await self.asyncTearDown()
                    self.setUp()

    async def test_of_the_sink(self):
        await self.of("sink")

    async def test_of_the_ventilator(self):
        await self.of("ventilator")

    async def test_of_the_controller(self):
        await self.of("controller")


if __name__ == "__main__":
    unittest.main()
