#!/usr/bin/env python3
"""No-op tasks a second through the whole ring (ventilator, workers, sink and controller, each a
process, over TCP on loopback), beside the ZeroMQ Guide's pipeline in C++, which makes nothing
durable and acknowledges nothing. Both alternate in one run, since only ratios in one run mean
anything; medians are printed, with the least and the greatest.

  bench/ring_bench.py [--tasks N] [--workers N] [--runs N] [--bin DIR]
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def guide(bin_dir, tasks, workers):
    out = subprocess.run([bin_dir + "/guide_pipeline", str(tasks), str(workers)], check=True,
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


def local_sh_of(bin_dir, folder):
    """deploy/local.sh beside a build whose executables are those of bin_dir."""
    shutil.copytree(ROOT + "/deploy", folder + "/deploy")
    os.mkdir(folder + "/build")
    os.symlink(bin_dir, folder + "/build/bin")
    return folder + "/deploy/local.sh"


def ring(bin_dir, tasks, workers, peaks):
    """Tasks a second by the report's own elapsed time."""
    with tempfile.TemporaryDirectory() as folder:
        local = [local_sh_of(bin_dir, folder)]
        state = folder + "/state"
        subprocess.run(local + ["up", "-w", str(workers), "-n", "1", "-l", "127.0.0.1:0", "-d",
                                state], check=True, capture_output=True, timeout=60)
        try:
            with open(state + "/address", encoding="utf-8") as file:
                address = file.read().strip()
            command = [bin_dir + "/fanmill"]
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
                    pid, _, name = line.split()  # with the time of its start between
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
    parser.add_argument("--bin", default=ROOT + "/build/bin", help="folder of the executables")
    args = parser.parse_args()
    bin_dir = os.path.abspath(args.bin)
    if not os.path.exists(bin_dir + "/guide_pipeline"):
        sys.exit("bench/ring_bench.py: build first, with ./test or cmake --build build")
    guides, rings, peaks = [], [], {}
    for _ in range(args.runs):
        guides.append(guide(bin_dir, args.tasks, args.workers))
        rings.append(ring(bin_dir, args.tasks, args.workers, peaks))
    base = statistics.median(guides)
    print(f"{args.tasks:,} no-op tasks, {args.workers} workers, {args.runs} runs of each in turn\n")
    print("| | tasks/s, median | range | of the Guide's |")
    print("|---|---|---|---|")
    print(row("the Guide's pipeline in C++", guides, base))
    print(row("Fanmill, the whole ring, state in memory", rings, base))
    print("\nPeak memory: " + ", ".join(f"{n} {m:.0f} MiB" for n, m in sorted(peaks.items())))


if __name__ == "__main__":
    main()
