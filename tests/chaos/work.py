"""What a run submits, and how each task must end: whatever happens, once, with its own value."""
import collections
import json
import os
import random

RETRIES = 1
SCRIPT = r"""
# KIND SECONDS TOKEN
me="$FANMILL_BATCH_ID $FANMILL_TASK_ID"
echo "$me start" >> "$CHAOS_FOLDER/starts"
sleep "$2"
case $1 in
  fail) echo "$me end" >> "$CHAOS_FOLDER/starts"; exit 3 ;;
  flaky) if mkdir "$CHAOS_FOLDER/flaky-$FANMILL_BATCH_ID-$FANMILL_TASK_ID" 2>/dev/null; then
           echo "$me end" >> "$CHAOS_FOLDER/starts"; exit 4
         fi ;;
  self) kill -9 $$ ;;
  parent) case $(cat /proc/$PPID/comm) in fanmill*) kill -9 $PPID; sleep 60 ;; esac ;;
  daemon) (setsid sh -c 'trap "" TERM HUP; exec sleep 1000' >/dev/null 2>&1 &) ;;
esac
echo "$me end" >> "$CHAOS_FOLDER/starts"
echo "$3 $FANMILL_BATCH_ID.$FANMILL_TASK_ID"
"""
POISON = ("fail", "flaky", "self", "parent", "daemon")
# kind -> (status, code or None: any)
ENDS = {"ok": ("ok", 0), "flaky": ("ok", 0), "daemon": ("ok", 0), "fail": ("failed", 3),
        "self": ("signalled", 9), "parent": ("lost", None)}
# An innocent task is given up as "lost" after three deaths of its worker (R54); of these some may
# have come before the task wrote its first line.
DEATHS_OF_LOST = 1


class Batch:
    """Its tasks are made of the seed and the number of the batch alone."""

    def __init__(self, seed, number, tasks, poison, seconds_max):
        rng = random.Random(f"{seed}/batch/{number}")
        self.number, self.name = number, f"chaos-{number}"
        self.tasks = [(rng.choice(POISON) if rng.random() < poison else "ok",
                       round(rng.uniform(0, seconds_max), 3), f"{rng.getrandbits(64):016x}")
                      for _ in range(tasks)]
        self.id = None            # as soon as it is submitted
        self.may_be_cancelled = False  # this run has asked for it
        self.ended = self.was_cancelled = False
        self.rows = []            # as a reader got them who read through all faults
        self.readers = 0

    def lines(self):
        return "".join(f"{kind},{seconds},{token}\n" for kind, seconds, token in self.tasks)

    def words(self, script):
        return ["submit", "--csv", "--name", self.name, "--retries", str(RETRIES), "--",
                "sh", script, "{1}", "{2}", "{3}"]


def rows_of(text):
    return [json.loads(line) for line in text.splitlines()]


class Starts:
    """What the tasks have written down of themselves: how often each began, and came to its end."""

    def __init__(self, path):
        self.began, self.ended = collections.Counter(), collections.Counter()
        if os.path.exists(path):
            with open(path, encoding="ascii") as file:
                for line in file:
                    batch, task, what = line.split()
                    counter = self.began if what == "start" else self.ended
                    counter[int(batch), int(task)] += 1

    def in_vain(self, batch, task):
        return self.began[batch, task] - self.ended[batch, task]

    def figures(self):
        """`begun_again`: retries and redeliveries. `ended_again`: their results were late, or lost
        with their worker the first time."""
        return {"attempts": self.began.total(),
                "begun_again": self.began.total() - len(self.began),
                "ended_again": self.ended.total() - len(self.ended)}


class Verdict:
    """What is wrong with the results of a batch, and figures of it."""

    def __init__(self):
        self.wrong = []
        self.figures = collections.Counter()

    def judge(self, batch, rows, report, starts):
        ends = collections.Counter()
        times = collections.Counter(row["task"] for row in rows)
        for task, count in times.items():
            if count > 1:
                self.figures["doubled"] += 1
                self.wrong.append(f"{batch.name}: task {task} has {count} terminal rows")
        for task in range(1, len(batch.tasks) + 1):
            if task not in times and not batch.was_cancelled:
                self.figures["lost"] += 1
                self.wrong.append(f"{batch.name}: task {task} has no result")
        for row in rows:
            ends["ok" if row["status"] == "ok" else "failed"] += 1
            self._judge_row(batch, row, starts)
        self._judge_report(batch, report, ends, len(times))
        if batch.rows and not batch.was_cancelled:
            fresh = {row["task"]: row for row in rows}
            followed = {row["task"]: row for row in batch.rows}
            if followed != fresh or len(batch.rows) != len(followed):
                differ = [t for t in fresh.keys() | followed.keys()
                          if fresh.get(t) != followed.get(t)]
                self.wrong.append(f"{batch.name}: who read along got {len(batch.rows)} rows, and "
                                  f"others for tasks {differ[:5]} than who read at the end")
        self.figures["tasks"] += len(batch.tasks)
        self.figures.update(ends)

    def _judge_row(self, batch, row, starts):
        task = row["task"]
        if not 1 <= task <= len(batch.tasks):
            self.wrong.append(f"{batch.name}: a result of task {task}, which there is not")
            return
        kind, _, token = batch.tasks[task - 1]
        status, code = ENDS[kind]
        if row["status"] == "lost" and kind != "parent":
            in_vain = starts.in_vain(batch.id, task)
            if in_vain < DEATHS_OF_LOST:
                self.wrong.append(f"{batch.name}: task {task} ({kind}) was given up, though it "
                                  f"began in vain {in_vain} times only")
            self.figures["given_up"] += 1
        elif row["status"] != status or (code is not None and row["code"] != code):
            self.wrong.append(f"{batch.name}: task {task} ({kind}) ended {row['status']} "
                              f"{row['code']}, not {status} {code}")
        elif status == "ok" and row.get("stdout") != f"{token} {batch.id}.{task}\n":
            self.figures["wrong_values"] += 1
            self.wrong.append(f"{batch.name}: task {task} says {row.get('stdout')!r}, not its own")

    def _judge_report(self, batch, report, ends, terminal):
        if report is None:
            return
        told = {key: report[key] for key in ("tasks", "ok", "failed", "cancelled")}
        cancelled = report["tasks"] - terminal
        expected = {"tasks": report["tasks"] if batch.was_cancelled else len(batch.tasks),
                    "ok": ends["ok"], "failed": ends["failed"], "cancelled": cancelled}
        if told != expected:
            self.wrong.append(f"{batch.name}: its report says {told}, its results {expected}")


async def verify_otherwise(cluster, batch):
    """What `fanmill verify` finds wrong in the files of the cluster, while it runs."""
    code, out, said = await cluster.fanmill("verify", "--state", cluster.folder + "/state",
                                            str(batch.id))
    if code == 0:
        return []
    return [f"{batch.name}: fanmill verify says {code}: {(out + said).strip()}"]
