#!/usr/bin/env python3
"""A real cluster on loopback, real tasks, and faults from a seed: kill -9 of anybody, pauses,
restarts, workers that come and go, cancelled batches, connections cut in mid-frame, stalled, reset,
doubled. Then the faults stop, every batch has to end,
and every task must have exactly one result, its own; nothing may be left of anything.

  tests/chaos/chaos.py --seed 7 --for 60s
"""
import argparse
import asyncio
import collections
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

import faults
import net_faults
import parts
import tcpfault
import work

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LIVE_BATCHES_MAX = 3
# After the last fault every batch ends within so many leases, beside the time that its tasks take.
BOUND_LEASES = 12


def seconds_of(text):
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h)?", text)
    if not found:
        raise argparse.ArgumentTypeError(f"{text} is no duration; write it like 60s or 10m")
    return float(found[1]) * {"ms": 0.001, "s": 1, None: 1, "m": 60, "h": 3600}[found[2]]


def share_of(text):
    return float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)


class Run:
    def __init__(self, args, folder):
        self.args, self.folder = args, folder
        self.cluster = self.proxy = None
        self.batches = []
        self.doing = set()
        self.by_kind = collections.Counter()
        self.wrong = []
        self.figures = collections.Counter()
        self.started = time.monotonic()
        self.log = open(f"{folder}/faults", "w", encoding="utf-8")

    def note(self, text):
        line = f"{time.monotonic() - self.started:8.3f} {text}"
        print(line, file=self.log, flush=True)
        if self.args.verbose:
            print(line, file=sys.stderr)

    # ---- work

    def tasks_left(self):
        if self.args.tasks is None:
            return True
        return sum(len(b.tasks) for b in self.batches) < self.args.tasks

    def make_batch(self):
        size = self.args.batch
        if self.args.tasks is not None:
            size = min(size, self.args.tasks - sum(len(b.tasks) for b in self.batches))
        batch = work.Batch(self.args.seed, len(self.batches) + 1, size, self.args.poison,
                           self.args.task_max)
        self.batches.append(batch)
        return batch

    async def see_through(self, batch):
        """Submits it, and reads along until it has ended."""
        code, out, said = await self.cluster.fanmill(
            *batch.words(f"{self.folder}/task.sh"), given=batch.lines().encode(), timeout=300)
        if code != 0:
            self.note(f"submit of {batch.name}: {code} {said.strip()}")
            self.figures["submits_failed"] += 1
            return
        batch.id = int(out)
        while not batch.ended:
            batch.readers += 1
            code, out, said = await self.cluster.fanmill("results", "--json", str(batch.id),
                                                         timeout=3600)
            if code in (0, 1, 3):
                batch.rows, batch.ended, batch.was_cancelled = work.rows_of(out), True, code == 3
            else:
                self.note(f"reader of {batch.name}: {code} {said.strip()}")
                await asyncio.sleep(0.2)
        if batch.was_cancelled and not batch.may_be_cancelled:
            self.wrong.append(f"{batch.name} was cancelled, and not by this: {said.strip()}")

    async def cancel_one(self, rng):
        live = [b for b in self.batches if b.id is not None and not b.ended]
        if not live:
            return "none, there is none"
        batch = rng.choice(live)
        batch.may_be_cancelled = True
        code, _, said = await self.cluster.fanmill("cancel", str(batch.id))
        return f"{batch.name}: {code} {said.strip()}"

    def start(self, work_to_do):
        self.doing.add(asyncio.create_task(work_to_do))

    def done(self):
        """Whether nothing of it goes on; an error of it is one of this program."""
        for task in [t for t in self.doing if t.done()]:
            self.doing.remove(task)
            task.result()
        return not self.doing

    # ---- faults

    async def fault(self, kind, rng):
        self.by_kind[kind] += 1
        if kind == "cancel":
            self.note(f"{kind} {await self.cancel_one(rng)}")
        elif kind in net_faults.KINDS:
            self.note(f"{kind} {net_faults.do(self.cluster, self.proxy, kind, rng)}")
        else:
            self.note(f"{kind} {faults.do(self.cluster, kind, rng)}")

    async def storm(self):
        """Faults and new batches, until the time or the tasks are over."""
        horizon = self.args.seconds or 24 * 3600
        plan = collections.deque(faults.plan(
            self.args.seed, horizon, self.args.every, net_faults.KINDS if self.proxy else {}))
        first = self.make_batch()
        self.start(self.see_through(first))
        while first.id is None and not self.done():
            await asyncio.sleep(0.02)
        begun = time.monotonic()
        while True:
            now = time.monotonic() - begun
            for part in list(self.cluster.parts.values()):
                part.go_on()
            while plan and plan[0][0] <= now:
                _, kind, rng = plan.popleft()
                self.start(self.fault(kind, rng))
            idle = self.done()
            if self.args.seconds:
                if now >= horizon:
                    return
            elif not self.tasks_left() and idle:
                return
            live = sum(not b.ended for b in self.batches) - self.figures["submits_failed"]
            if live < LIVE_BATCHES_MAX and self.tasks_left():
                self.start(self.see_through(self.make_batch()))
            await asyncio.sleep(0.02)

    async def settle(self):
        """No more faults: everybody goes on, and every batch ends within its bound."""
        self.note("the faults are over")
        for part in self.cluster.parts.values():
            part.go_on(everything=True)
        if self.proxy:
            self.proxy.heal()
        bound = BOUND_LEASES * parts.LEASE_S + self.work_left()
        if not await self.cluster.await_ready(len(self.cluster.workers()), 4 * parts.LEASE_S):
            self.wrong.append("not every worker became ready again")
        begun = time.monotonic()
        while not self.done() and time.monotonic() < begun + bound:
            await asyncio.sleep(0.05)
        self.figures["settled_s"] = round(time.monotonic() - begun, 1)
        await self.cancel_unsealed()
        for batch in self.batches:
            if batch.id is not None and not batch.ended:
                self.figures["hung"] += 1
                self.wrong.append(f"{batch.name} (batch {batch.id}) did not end within "
                                  f"{bound:.0f} s")
        if self.figures["hung"]:
            _, status, _ = await self.cluster.fanmill("status")
            self.note(status)

    def work_left(self):
        """A generous time for the tasks of the batches that have not ended: a machine that does
        other things too, and a worker to start again after each that is killed."""
        slots = self.args.slots * len(self.cluster.workers())
        left = [task for b in self.batches if not b.ended for task in b.tasks]
        deaths = 3 * sum(kind == "parent" for kind, _, _ in left)
        return 3 * sum(seconds + 0.05 for _, seconds, _ in left) / slots + deaths * 2.0

    async def cancel_unsealed(self):
        """A batch whose submit failed may be there, cancelled or never sealed; but once."""
        left = {b.name: b for b in self.batches if b.id is None}
        _, out, _ = await self.cluster.fanmill("list")
        for words in (line.split() for line in out.splitlines()):
            batch = left.get(words[-1]) if words and words[0].isdigit() else None
            if batch is None:
                continue
            if batch.id is not None:
                self.wrong.append(f"{batch.name} is there twice: as {batch.id} and {words[0]}")
            batch.id = int(words[0])
            if words[1] in ("forming", "ready", "running"):
                self.note(f"cancels {batch.name}, which its submitter left")
                await self.cluster.fanmill("cancel", words[0])
            batch.ended = batch.was_cancelled = True

    # ---- what came of it

    async def judge(self):
        starts = work.Starts(f"{self.folder}/starts")
        verdict = work.Verdict()
        for batch in self.batches:
            if batch.id is None or not batch.ended:
                continue
            code, out, said = await self.cluster.fanmill("results", "--json", str(batch.id))
            if code not in (0, 1, 3):
                self.wrong.append(f"{batch.name}: its results: exit code {code}: {said.strip()}")
                continue
            code, told, said = await self.cluster.fanmill("report", "--json", str(batch.id))
            if code != 0:
                self.wrong.append(f"{batch.name}: its report: exit code {code}: {said.strip()}")
            verdict.judge(batch, work.rows_of(out), json.loads(told) if code == 0 else None, starts)
            self.wrong += await work.verify_otherwise(self.cluster, batch)
        if verdict.figures["ok"] == 0:
            self.wrong.append("no task was ok: this run has shown nothing")
        self.wrong += verdict.wrong
        self.figures.update(verdict.figures)
        self.figures.update(starts.figures())

    async def end(self):
        live = [part.name for part in self.cluster.parts.values() if part.pid]
        code, said = await self.cluster.shut_down(4 * parts.LEASE_S)
        # 6: whoever died without a receipt is named for ever. Whoever lives has to give one.
        self.figures["receipts_missing"] = said.count("did NOT confirm")
        silent = [name for name in live if name.startswith("worker") and
                  not re.search(rf"\({name}\) confirmed: nothing", said)]
        if code not in (0, 6) or silent:
            self.wrong.append(f"the shutdown ended with {code}, without {silent}: {said.strip()}")
        left = await self.cluster.await_nothing_left(2 * parts.LEASE_S)
        self.figures["orphans"] = len(left)
        self.wrong += [f"a process is left: {pid} {what}" for pid, what in left]
        for pid, _ in left:
            parts.send(pid, 9)
        self.wrong += self.cluster.unexpected_ends() + self.cluster.aborts()

    async def whole(self):
        with open(f"{self.folder}/task.sh", "w", encoding="ascii") as file:
            file.write(work.SCRIPT)
        os.environ["CHAOS_FOLDER"] = self.folder
        if self.args.keyed:
            os.environ["FANMILL_KEY"] = self.folder + "/key"
            subprocess.run([f"{self.args.bin}/fanmill", "keygen", os.environ["FANMILL_KEY"]],
                           check=True, stderr=subprocess.DEVNULL)
        self.cluster = parts.Cluster(self.args.bin, self.folder, self.args.workers, self.args.slots,
                                     proxied=self.args.net)
        try:
            if self.args.net:
                self.proxy = tcpfault.Proxy(self.cluster.proxy_host, self.cluster.host,
                                            self.cluster.ports())
                await self.proxy.start()
            if not await self.cluster.await_ready(self.args.workers):
                self.wrong.append("the cluster did not become ready")
                return
            await self.storm()
            await self.settle()
            await self.judge()
            await self.end()
        finally:
            await self.cluster.end_hard()
            if self.proxy:
                await self.proxy.stop()
            for pid in parts.bearers(self.cluster.mark):
                parts.send(pid, 9)


def replay_line(args):
    words = [f"--seed {args.seed}", f"--every {args.every}s", f"--poison {args.poison}",
             f"--workers {args.workers}", f"--slots {args.slots}", f"--batch {args.batch}",
             f"--task-max {args.task_max}s"]
    words += ["--no-net"] if not args.net else []
    words += ["--keyed"] if args.keyed else []
    words += [f"--for {args.seconds}s"] if args.seconds else [f"--tasks {args.tasks}"]
    return "tests/chaos/chaos.py " + " ".join(words)


def summary(run, args):
    figures = {"seed": args.seed, "seconds": round(time.monotonic() - run.started, 1),
               "faults": dict(sorted(run.by_kind.items())), "fault_count": run.by_kind.total()}
    for name in ("tasks", "ok", "failed", "attempts", "begun_again", "ended_again", "lost",
                 "doubled", "wrong_values", "given_up", "orphans", "receipts_missing", "hung",
                 "submits_failed", "settled_s"):
        figures[name] = run.figures[name]
    figures["batches"] = len(run.batches)
    figures["cancelled_batches"] = sum(b.was_cancelled for b in run.batches)
    figures["readers_again"] = sum(max(0, b.readers - 1) for b in run.batches)
    figures["restarts"] = sum(p.starts - 1 for p in run.cluster.parts.values())
    figures["wrong"] = run.wrong
    return figures


def show(figures):
    kinds = ", ".join(f"{kind} {count}" for kind, count in figures["faults"].items())
    print(f"seed {figures['seed']}: {figures['fault_count']} faults in {figures['seconds']} s, "
          f"{figures['restarts']} restarts ({kinds})")
    for name, value in figures.items():
        if name not in ("seed", "seconds", "faults", "fault_count", "wrong", "restarts"):
            print(f"  {name:18} {value}")
    for text in figures["wrong"][:40]:
        print(f"  WRONG: {text}")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--for", dest="seconds", type=seconds_of, help="faults for so long")
    parser.add_argument("--tasks", type=int, help="faults until so many tasks have ended")
    parser.add_argument("--every", type=seconds_of, default=2.0, help="a fault, on average")
    parser.add_argument("--poison", type=share_of, default=0.01, help="that part of the tasks")
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--slots", type=int, default=2)
    parser.add_argument("--batch", type=int, default=200, help="tasks of a batch")
    parser.add_argument("--task-max", type=seconds_of, default=0.1, help="longest task")
    parser.add_argument("--no-net", dest="net", action="store_false",
                        help="without a proxy between the parts, and its faults")
    parser.add_argument("--keyed", action="store_true", help="with a cluster key: encrypted")
    parser.add_argument("--bin", default=ROOT + "/build/bin", type=os.path.abspath)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--keep", action="store_true", help="keep state and logs in any case")
    parser.add_argument("--verbose", action="store_true", help="tell each fault on stderr")
    args = parser.parse_args()
    if args.seconds is None and args.tasks is None:
        args.seconds = 60.0
    folder = tempfile.mkdtemp(prefix="fanmill-chaos-")
    run = Run(args, folder)
    try:
        asyncio.run(run.whole())
    except BaseException:
        print(f"kept: {folder}; again: {replay_line(args)}", file=sys.stderr)
        raise
    figures = summary(run, args)
    if args.json:
        print(json.dumps(figures, indent=2))
    else:
        show(figures)
    if run.wrong or args.keep:
        with open(f"{folder}/replay", "w", encoding="utf-8") as file:
            print(replay_line(args), file=file)
        print(f"kept: {folder}; again: {replay_line(args)}", file=sys.stderr)
    else:
        shutil.rmtree(folder)
    return 1 if run.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
