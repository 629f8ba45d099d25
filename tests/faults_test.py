#!/usr/bin/env python3
"""docs/FAULTS.md names a test for each fault: all of them must exist. Usage: faults_test.py ROOT."""
import pathlib
import re
import sys

FAULTS = 40


def tests_in(root):
    """All that a row may name: "Suite.Test", a Python "Class.test_x", a line of required.txt."""
    names = set()
    for file in root.glob("tests/**/*.cc"):
        text = file.read_text()
        names |= {f"{suite}.{test}" for suite, test in
                  re.findall(r"^TEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\s*\)", text, re.M)}
    for file in root.glob("tests/**/*.py"):
        suite = ""
        for line in file.read_text().splitlines():
            if found := re.match(r"class (\w+)\(", line):
                suite = found.group(1)
            elif found := re.match(r"\s+(?:async )?def (test_\w+)\(", line):
                names.add(f"{suite}.{found.group(1)}")
    names |= set((root / "tests/sim/required.txt").read_text().split("\n"))
    return names


def faults_in(text):
    """The rows: number -> names of tests."""
    rows = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 4 and cells[0].isdigit():
            rows[int(cells[0])] = re.findall(r"`([\w]+(?:\.\w+)+)`", cells[3])
    return rows


def wrong_with(rows, names):
    wrong = [f"fault {number} has no row" for number in range(1, FAULTS + 1) if number not in rows]
    for number, tests in sorted(rows.items()):
        if not tests:
            wrong.append(f"fault {number} names no test")
        wrong += [f"fault {number} names {test}, which does not exist"
                  for test in tests if test not in names]
    return wrong


def main():
    root = pathlib.Path(sys.argv[1])
    names = tests_in(root)
    # The check itself must be able to fail.
    doctored = {number: ["Nobody.WroteThis"] for number in range(2, FAULTS + 1)}
    assert len(wrong_with(doctored, names)) == FAULTS, "a false table passes"
    wrong = wrong_with(faults_in((root / "docs/FAULTS.md").read_text()), names)
    print("\n".join(wrong) or f"{FAULTS} faults, each shown by a test that exists")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
