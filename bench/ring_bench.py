#!/usr/bin/env python3
"""No-op tasks a second through the whole ring (ventilator, workers, sink and controller, each a
process, over TCP on loopback), beside the ZeroMQ Guide's pipeline in C++, which makes nothing
durable and acknowledges nothing. Both alternate in one run, since only ratios in one run mean
anything; medians are printed, with the least and the greatest.

  bench/ring_bench.py [--tasks N] [--workers N] [--runs N]
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BIN = os.path.join(ROOT, "build", "bin")


def guide(tasks, workers):
    out = subprocess.run([BIN + "/guide_pipeline", str(tasks), str(workers)], check=True,
                         capture_output=True, text=True, timeout=120).stdout
    return float(out)


def peak_mib(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        for line in file:
            if line.startswith("VmHWM"):
                return int(line.split()[1]) / 1024
    return 0.0


def children_of(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="utf-8") as file:
            return [int(word) for word in file.read().split()]
    except FileNotFoundError:
        return []


def tree(pid):
    return [pid] + [p for child in children_of(pid) for p in tree(child)]


def ring(tasks, workers, peaks):
    """Tasks a second by the report's own elapsed time, and that of the whole submit --wait."""
    with tempfile.TemporaryDirectory() as state:
        local = [ROOT + "/deploy/local.sh"]
        subprocess.run(local + ["up", "-w", str(workers), "-n", "1", "-l", "127.0.0.1:0", "-d",
                                state], check=True, capture_output=True, timeout=60)
        try:
            with open(state + "/address", encoding="utf-8") as file:
                address = file.read().strip()
            command = [BIN + "/fanmill"]
            to = ["--controller", address]
            batch = subprocess.run(
                command + ["submit", "--handler", "noop", "--array", f"1-{tasks}",
                           "--min-workers", str(workers)] + to,
                check=True, capture_output=True, text=True, timeout=60).stdout.strip()
            subprocess.run(command + ["wait", batch] + to, check=True, timeout=300)
            report = json.loads(subprocess.run(command + ["report", "--json", batch] + to,
                                               check=True, capture_output=True, text=True,
                                               timeout=60).stdout)
            assert report["ok"] == tasks, report
            with open(state + "/pids", encoding="utf-8") as file:
                for line in file:
                    pid, name = line.split()
                    peak = max(peak_mib(p) for p in tree(int(pid)))
                    peaks[name] = max(peaks.get(name, 0.0), peak)
            return tasks / report["elapsed_s"]
        finally:
            subprocess.run(local + ["down", "-d", state, "--now"], check=False,
                           capture_output=True, timeout=60)


def row(name, rates, against):
    median = statistics.median(rates)
    return (f"| {name} | {median:,.0f} | {min(rates):,.0f} to {max(rates):,.0f} | "
            f"{median / against:.2f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, default=1_000_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--runs", type=int, default=3)
    args = parser.parse_args()
    if not os.path.exists(BIN + "/guide_pipeline"):
        sys.exit("bench/ring_bench.py: build first, with ./test or cmake --build build")
    guides, rings, peaks = [], [], {}
    for _ in range(args.runs):
        guides.append(guide(args.tasks, args.workers))
        rings.append(ring(args.tasks, args.workers, peaks))
    base = statistics.median(guides)
    print(f"{args.tasks:,} no-op tasks, {args.workers} workers, {args.runs} runs of each in turn\n")
    print("| | tasks/s, median | range | of the Guide's |")
    print("|---|---|---|---|")
    print(row("the Guide's pipeline in C++", guides, base))
    print(row("Fanmill, the whole ring, state in memory", rings, base))
    print("\nPeak memory: " + ", ".join(f"{n} {m:.0f} MiB" for n, m in sorted(peaks.items())))


if __name__ == "__main__":
    main()
