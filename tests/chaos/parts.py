"""The parts of one cluster on loopback: each is started again, with the same --state, as often as
it dies, until it is not wanted any more. And what is left of a run: processes by their mark."""
import asyncio
import contextlib
import os
import random
import re
import signal
import time

LEASE_S = 5.0
MARK = "FANMILL_CHAOS_RUN"
# What no part's stderr may say.
ABORTS = re.compile(rb"this must hold and does not|Assertion failed|terminate called|"
                    rb"Sanitizer|runtime error:|Segmentation fault|std::bad_alloc")
CONTROL, VENTILATOR, SINK, LANES = 21000, 21003, 21002, (21100, 21199)


def children_of(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            return [int(word) for word in file.read().split()]
    except OSError:
        return []


def bearers(mark):
    """Pids of all processes that were started, by whomever, with MARK=mark in their environment."""
    wanted = f"{MARK}={mark}".encode()
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError), open(f"/proc/{name}/environ", "rb") as file:
                if wanted in file.read().split(b"\0"):
                    found.append(int(name))
    return found


def command_line(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return "(gone)"


def send(pid, number):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


class Part:
    """One executable that is kept running. Every end of it is noted with why it was expected.
    `environs`: what its first, second, ... start finds in its environment beside the usual."""

    def __init__(self, cluster, name, argv, environs=()):
        self.cluster, self.name, self.argv, self.environs = cluster, name, argv, iter(environs)
        self.role = name.split("-")[0]
        self.pid = 0            # 0: does not run
        self.starts = 0
        self.why = set()        # what was done to this process that may end it
        self.pause_s = 0.1      # until it is started again
        self.between = lambda: None  # called when it has ended, before it is started again
        self.wanted = True
        self.stopped_until = {}  # pid -> when it is to go on
        self.task = asyncio.create_task(self._keep())

    async def _keep(self):
        while self.wanted:
            with open(self.cluster.log_of(self.name), "ab") as log:
                process = await asyncio.create_subprocess_exec(
                    *self.argv, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log,
                    env={**self.cluster.environ, **next(self.environs, {})})
            self.pid, self.starts, self.why = process.pid, self.starts + 1, set()
            code = await process.wait()
            self.pid = 0
            self.cluster.note_end(self, process.pid, code)
            self.between()
            if self.wanted:
                await asyncio.sleep(self.pause_s)

    def processes(self):
        """Its own and, of a worker, its inner guardian and its working child."""
        found = [self.pid] if self.pid else []
        while self.role == "worker" and len(found) in (1, 2):
            below = children_of(found[-1])
            if not below:
                break
            found.append(below[0])
        return found

    def kill(self, which=(0,), pause_s=0.1):
        """kill -9 of those of its processes."""
        self.pause_s = pause_s
        self.why.add("killed")
        processes = self.processes()
        for index in which:
            if index < len(processes):
                send(processes[index], signal.SIGKILL)

    def stop(self, which, seconds):
        processes = self.processes()
        for index in which:
            if index < len(processes):
                send(processes[index], signal.SIGSTOP)
                self.stopped_until[processes[index]] = time.monotonic() + seconds

    def go_on(self, everything=False):
        for pid, until in list(self.stopped_until.items()):
            if everything or time.monotonic() >= until:
                send(pid, signal.SIGCONT)
                del self.stopped_until[pid]

    def ask_to_leave(self, pause_s=0.1):
        self.pause_s = pause_s
        self.why.add("asked")
        if self.pid:
            send(self.pid, signal.SIGTERM)


class Cluster:
    """With `proxied`, the parts tell others an address where a proxy of the caller listens."""

    def __init__(self, bin_dir, folder, workers, slots, proxied=False, environs=None):
        self.bin_dir, self.folder, self.slots = bin_dir, folder, slots
        self.mark = f"{os.getpid()}-{random.SystemRandom().randrange(10**9)}"
        self.environ = {**os.environ, MARK: self.mark}
        self.environs = environs or {}
        # Loopback addresses of its own: whoever else tests on this machine is not in its way.
        rng = random.SystemRandom()
        net = f"{rng.randrange(256)}.{rng.randrange(1, 255)}"
        first = rng.randrange(64, 128)
        self.host, self.proxy_host = f"127.{first}.{net}", f"127.{first + 64}.{net}"
        self.proxied = proxied
        self.asked_host = self.proxy_host if proxied else self.host
        self.ends = []  # (part's name, pid, code, why)
        self.parts = {}
        self.next_worker = 1
        os.makedirs(f"{folder}/log", exist_ok=True)
        for role, port in (("controller", CONTROL), ("ventilator", VENTILATOR), ("sink", SINK)):
            self._add(role, self.role_argv(role, port))
        for _ in range(workers):
            self.add_worker()

    def role_argv(self, role, port):
        argv = [f"{self.bin_dir}/fanmill-{role}", "--listen", f"{self.host}:{port}",
                "--state", f"{self.folder}/state"]
        if self.proxied:
            argv += ["--advertise", self.proxy_host]
        if role != "controller":
            argv += ["--controller", self.address]
        if role == "ventilator":
            argv += ["--lane-ports", f"{LANES[0]}-{LANES[1]}"]
        return argv

    @property
    def address(self):
        return f"{self.asked_host}:{CONTROL}"

    def ports(self):
        """What the parts listen on: control, signal, results, acks, lease, facts, intake, lanes."""
        return list(range(CONTROL, CONTROL + 7)) + list(range(LANES[0], LANES[1] + 1))

    def _add(self, name, argv):
        self.parts[name] = Part(self, name, argv, self.environs.get(name, ()))
        return self.parts[name]

    def add_worker(self):
        name = f"worker-{self.next_worker}"
        self.next_worker += 1
        return self._add(name, [f"{self.bin_dir}/fanmill-worker", "--controller", self.address,
                                "--slots", str(self.slots), "--name", name, "--spill-dir",
                                self.folder])

    def workers(self):
        return [p for p in self.parts.values() if p.role == "worker" and p.wanted]

    def log_of(self, name):
        return f"{self.folder}/log/{name}"

    def note_end(self, part, pid, code):
        self.ends.append((part.name, pid, code, frozenset(part.why)))

    async def fanmill(self, *words, given=None, timeout=60):
        """`fanmill WORDS`: exit code (None: it did not end in time), stdout, stderr."""
        process = await asyncio.create_subprocess_exec(
            f"{self.bin_dir}/fanmill", *words,
            stdin=asyncio.subprocess.PIPE if given is not None else asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            env={**self.environ, "FANMILL_CONTROLLER": self.address})
        try:
            out, err = await asyncio.wait_for(process.communicate(given), timeout)
        except asyncio.TimeoutError:
            process.kill()
            await process.wait()
            return None, "", "did not end"
        return process.returncode, out.decode(errors="replace"), err.decode(errors="replace")

    async def await_ready(self, count, timeout=30):
        give_up = time.monotonic() + timeout
        while time.monotonic() < give_up:
            _, out, _ = await self.fanmill("status", timeout=20)
            if len(re.findall(r"^worker +\d+ +ready", out, re.M)) >= count:
                return True
            await asyncio.sleep(0.1)
        return False

    async def shut_down(self, timeout):
        """In order; the exit code of the command. Whoever is not gone then is killed."""
        for part in self.parts.values():
            part.wanted = False
            part.why.add("asked")
        code, _, said = await self.fanmill("shutdown", "--timeout", f"{timeout:.0f}s",
                                           timeout=timeout + 10)
        await asyncio.wait([p.task for p in self.parts.values()], timeout=LEASE_S)
        return code, said

    async def end_hard(self):
        for part in self.parts.values():
            part.wanted = False
        for part in self.parts.values():
            part.go_on(everything=True)
            part.kill((0, 1, 2))
        await asyncio.wait([p.task for p in self.parts.values()], timeout=LEASE_S)

    async def await_nothing_left(self, timeout):
        """What still bears the mark after so long: (pid, command line)."""
        give_up = time.monotonic() + timeout
        while (left := bearers(self.mark)) and time.monotonic() < give_up:
            await asyncio.sleep(0.05)
        return [(pid, command_line(pid)) for pid in left]

    def unexpected_ends(self):
        """Ends that nothing explains. A task may kill its worker's working child: then 137."""
        wrong = []
        for name, pid, code, why in self.ends:
            allowed = {-signal.SIGKILL, 137} if "killed" in why else set()
            if "asked" in why:
                allowed |= {0, 128 + signal.SIGTERM, -signal.SIGTERM}
            if name.startswith("worker"):
                allowed.add(128 + signal.SIGKILL)
            if code not in allowed:
                wrong.append(f"{name} (pid {pid}) ended with {code}")
        return wrong

    def aborts(self):
        found = []
        for name in sorted(os.listdir(f"{self.folder}/log")):
            with open(self.log_of(name), "rb") as log:
                found += [f"{name}: {line.decode(errors='replace').strip()}" for line in log
                          if ABORTS.search(line)]
        return found
