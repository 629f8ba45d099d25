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
        """The environment of a daemon whose disk fails; `switched`: while the flag is there."""
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
            if code in (0, 1, 3) or "lost" in said:
                return code, work.rows_of(out), said
        self.fail(f"results of batch {batch.id}: {code} {said}")

    async def expect_whole(self, batch):
        code, rows, said = await self.rows(batch)
        verdict = work.Verdict()
        verdict.judge(batch, rows, None, work.Starts(self.folder + "/starts"))
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


class Sweeps(DiskTest):
    async def sweep(self, role, *what):
        """An end at one disk call or another since its start, in one way after the other; what is
        left then is what the next one starts on."""
        calls = sorted({f * 2**k for k in range(7) for f in (1, 3)} - {192}) + [128]
        self.cluster = parts.Cluster(BIN, self.folder, 2, 2, environs={role: [
            self.faults(role, what[i % len(what)], at=n) for i, n in enumerate(calls)]})
        part = self.cluster.parts[role]
        number = 0
        while part.starts <= len(calls):
            number += 1
            self.assertLess(number, 200, "it does not come to its calls")
            await self.expect_whole(await self.submit(number, 20, 0.01))
        self.assertEqual(set(self.ends_of(role)), {-signal.SIGKILL})
        await self.expect_whole(await self.submit(number + 1))

    async def test_the_sink_may_be_killed_at_any_disk_call(self):
        await self.sweep("sink", "kill", "tear")

    async def test_the_ventilator_may_be_killed_at_any_disk_call(self):
        await self.sweep("ventilator", "kill", "tear")

    async def test_the_controller_may_be_killed_at_any_disk_call(self):
        await self.sweep("controller", "kill", "tear")

    async def test_the_sink_has_synced_what_it_told(self):
        await self.sweep("sink", "lose")

    async def test_the_ventilator_has_synced_what_it_told(self):
        await self.sweep("ventilator", "lose")

    async def test_the_controller_has_synced_what_it_told(self):
        await self.sweep("controller", "lose")


class Calls(DiskTest):
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
        starts = work.Starts(self.folder + "/starts")
        self.assertEqual(starts.figures()["attempts"], len(batch.tasks))
        _, out, _ = await self.cluster.fanmill("status")
        self.assertNotIn("gone", out)
        self.assertEqual(self.cluster.ends, [])


class Disks(DiskTest):
    """Whole file systems, where this user may mount some."""

    def mount(self, role, size):
        os.makedirs(self.state(role), exist_ok=True)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none",
                               self.state(role)], capture_output=True, check=False)
        if done.returncode != 0:
            self.skipTest("may not mount: " + done.stderr.decode().strip())

    def unmount(self):
        for role in JOURNALS:
            if os.path.ismount(self.state(role)):
                subprocess.run(["umount", "-l", self.state(role)], check=True)

    async def asyncTearDown(self):
        if self.cluster is not None:
            await self.cluster.end_hard()
        self.unmount()
        await super().asyncTearDown()

    def fill(self, role):
        """Until not one more byte fits."""
        with contextlib.suppress(OSError), open(self.state(role) + "/ballast", "wb",
                                                buffering=0) as file:
            while True:
                file.write(b"x" * 4096)

    async def test_a_disk_that_others_have_filled(self):
        for role in JOURNALS:
            self.mount(role, "100m")
        await self.start()
        batch = await self.submit(1, 100)
        await self.await_ok(batch, 5)
        for role in JOURNALS:
            self.fill(role)
        other = asyncio.create_task(self.submit(2))
        # The sink has told before that there is no room, so it is given nothing to write.
        self.assertTrue(await until(lambda: "database or disk is full" in self.log("ventilator")))
        for role in JOURNALS:
            os.unlink(self.state(role) + "/ballast")
        await self.expect_whole(batch)
        await self.expect_whole(await other)
        self.assertEqual(self.cluster.ends, [])

    async def test_a_start_on_a_full_or_unwritable_disk_says_so(self):
        for role in JOURNALS:
            self.mount(role, "100m")
        await self.start()
        await self.expect_whole(await self.submit(1, 5))
        for change, said in ((lambda role: self.fill(role), "[Nn]o space left on device|is full"),
                             (lambda role: subprocess.run(
                                 ["mount", "-o", "remount,ro", self.state(role)], check=True),
                              "[Rr]ead-only[^;]*")):
            for role in ("controller", "ventilator", "sink"):
                part = self.cluster.parts[role]
                before = len(self.ends_of(role))
                part.between = lambda role=role, change=change: change(role)
                part.kill()
                self.assertTrue(await until(lambda: len(self.ends_of(role)) > before + 1), role)
                part.between = lambda: None
                self.assertEqual(self.ends_of(role)[before:before + 2], [-signal.SIGKILL, UNABLE])
                self.assertRegex(self.log(role).splitlines()[-1],
                                 f"^fanmill-{role}: .*{self.state(role)}.*({said}); ")
                subprocess.run(["mount", "-o", "remount,rw", self.state(role)], check=True)
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(self.state(role) + "/ballast")
                await self.expect_whole(await self.submit(2, 5))


class Bits(DiskTest):
    """One bit flipped in a file of a daemon that is stopped: in a row of a batch that has ended, or
    in one of a batch that runs. Nobody gets a wrong result, or all is well when it is not."""

    def flip(self, path, token):
        """In the last copy of the token there. False: there is none."""
        with open(path, "r+b") as file:
            whole = file.read()
            at = whole.rfind(token.encode())
            if at >= 0:
                file.seek(at)
                file.write(bytes([whole[at] ^ 1]))
            return at >= 0

    async def one(self, role, of_wal, of_running):
        await self.start()
        ended = await self.submit(1)
        await self.expect_whole(ended)
        running = await self.submit(2, 60, 0.2)
        await self.await_ok(running, 20)
        part = self.cluster.parts[role]
        path = f"{self.state(role)}/{JOURNALS[role]}.db" + ("-wal" if of_wal else "")
        batch = running if of_running else ended
        token = {"controller": "worker-1"}.get(role, batch.tasks[0][2])
        flips = []
        part.between = lambda: flips or flips.append(self.flip(path, token))
        # A killed one leaves its last commits in the -wal, who is asked to leave moves them.
        if of_wal:
            part.kill()
        else:
            part.ask_to_leave()
        self.assertTrue(await until(lambda: flips))
        if not flips[0]:
            return None  # what has ended stands in no manifest any more
        whole = [await self.expect_honest(b) for b in (ended, running)]
        self.assertRegex(self.log(role), r"level=error .*event=journal .*" + JOURNALS[role] +
                         r"\.db.* not what was written")
        await self.expect_whole(await self.submit(3))
        return whole

    async def expect_honest(self, batch):
        """All of it and exit code 0; or what is there is right, and the exit code says that it is
        not all. Whether it was all."""
        code, rows, said = await self.rows(batch)
        verdict = work.Verdict()
        batch.was_cancelled = code != 0
        verdict.judge(batch, rows, None, work.Starts(self.folder + "/starts"))
        self.assertEqual(verdict.wrong, [], said)
        if code != 0:
            self.assertRegex(said, "lost|cancelled")
        return code == 0

    async def of(self, role, cases):
        """`cases`: (in the -wal, of the batch that runs) -> whether (ended, running) are whole."""
        for (of_wal, of_running), expected in cases.items():
            with self.subTest(role=role, wal=of_wal, running=of_running):
                whole = await self.one(role, of_wal, of_running)
                if expected is not None:
                    self.assertEqual(whole, expected)
            await self.asyncTearDown()
            self.setUp()
            self.cluster = None

    async def test_of_the_sink(self):
        await self.of("sink", {(False, False): [False, True], (False, True): [True, False],
                               (True, False): None, (True, True): None})

    async def test_of_the_ventilator(self):
        await self.of("ventilator", {(False, True): [True, False], (True, True): None})

    async def test_of_the_controller(self):
        await self.of("controller", {(False, False): [True, True], (True, False): [True, True]})


if __name__ == "__main__":
    unittest.main()
