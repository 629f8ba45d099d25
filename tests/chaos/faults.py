"""What is done to a cluster and when: a plan made of the seed alone, so that a seed replays as far
as real time allows, and the doing of it."""
import random

from parts import LEASE_S

ROLES = ("controller", "ventilator", "sink")
# Which of a worker's three processes: its outer guardian, inner guardian, working child.
PAIRS = ((0, 1), (1, 2), (0, 2), (2, 1), (2, 0), (1, 0))
ALL = (0, 1, 2)
WEIGHTS = {
    "kill_controller": 2, "kill_ventilator": 3, "kill_sink": 3, "kill_worker": 2,
    "kill_inner": 1, "kill_working": 2, "kill_guardians": 1, "kill_several": 2, "kill_all": 1,
    "stop_role": 2, "stop_worker": 2, "stop_guardian": 1, "stop_long": 1,
    "restart": 2, "join": 1, "leave": 1, "cancel": 1,
}
WORKERS_MAX = 5


def plan(seed, seconds, every, more):
    """(second, kind, how) in order; `how` is a random generator of its own for each fault, so that
    what one of them draws does not move the others. `more`: further kinds, with their weights."""
    rng = random.Random(f"{seed}/faults")
    weights = {**WEIGHTS, **more}
    at, faults = 0.0, []
    while True:
        at += rng.expovariate(1 / every)
        if at >= seconds:
            return faults
        kind = rng.choices(list(weights), list(weights.values()))[0]
        faults.append((at, kind, random.Random(f"{seed}/fault/{len(faults)}")))


def pause(rng):
    """Until what was killed is started again: mostly at once, now and then after its lease."""
    return rng.choice((0.05, 0.3, 1.0, 2.0, 1.4 * LEASE_S)) * rng.uniform(0.5, 1)


def short_stop(rng):
    return rng.uniform(0.1, 0.8 * LEASE_S)


def long_stop(rng):
    return rng.uniform(1.1, 2.2) * LEASE_S


def some_worker(cluster, rng):
    return rng.choice(cluster.workers())


def some_part(cluster, rng):
    name = rng.choice(ROLES + ("worker",))
    return some_worker(cluster, rng) if name == "worker" else cluster.parts[name]


def do(cluster, kind, rng):
    """One fault of processes. Says what was done, for the log."""
    if kind.startswith("kill_"):
        return _kill(cluster, kind, rng)
    if kind.startswith("stop_"):
        return _stop(cluster, kind, rng)
    if kind == "restart":
        part = some_part(cluster, rng)
        part.ask_to_leave(pause(rng))
        return part.name
    if kind == "join":
        if len(cluster.workers()) >= WORKERS_MAX:
            return "none, there are enough"
        return cluster.add_worker().name
    assert kind == "leave", kind
    if len(cluster.workers()) <= 1:
        return "none, it is the last"
    part = some_worker(cluster, rng)
    part.wanted = False
    part.ask_to_leave()
    return part.name


def _kill(cluster, kind, rng):
    what = kind.removeprefix("kill_")
    if what in ROLES:
        cluster.parts[what].kill(pause_s=pause(rng))
        return what
    if what == "several":
        parts = rng.sample(list(cluster.parts.values()), min(rng.randint(2, 3), len(cluster.parts)))
        for part in parts:
            part.kill(pause_s=pause(rng))
        return ", ".join(part.name for part in parts)
    if what == "all":
        for part in cluster.parts.values():
            part.kill(pause_s=pause(rng))
        return "everything"
    part = some_worker(cluster, rng)
    which = {"worker": (0,), "inner": (1,), "working": (2,)}.get(what) or rng.choice(PAIRS)
    part.kill(which, pause(rng))
    return f"{part.name} {which}"


def _stop(cluster, kind, rng):
    which, seconds = ALL, short_stop(rng)
    if kind == "stop_role":
        part = cluster.parts[rng.choice(ROLES)]
    elif kind == "stop_long":
        part, seconds = some_part(cluster, rng), long_stop(rng)
    else:
        part = some_worker(cluster, rng)
        if kind == "stop_guardian":
            which = (rng.choice((0, 1)),)
    part.stop(which, seconds)
    return f"{part.name} {seconds:.1f} s"
