#!/usr/bin/env python3
"""Every row of the tables in docs/FROM-PARALLEL.md is run: what one types today and the Fanmill form
print what the row says. GNU parallel is asked too where it is installed.
Usage: from_parallel_test.py BUILD"""
import collections
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

BUILD = os.path.abspath(sys.argv[1])
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DOCUMENT = os.path.join(ROOT, "docs", "FROM-PARALLEL.md")
HEADERS = (["today", "Fanmill", "prints"], ["today", "prints", "Fanmill", "prints"])
LIMIT_S = 60  # of one command; some would never end if they did not do what they say

# For parallel -S: every host is this machine.
SSH = """#!/bin/sh
while [ "${1#-}" != "$1" ]; do shift; done
shift
[ "$1" != -- ] || shift
exec sh -c "$*"
"""

# One command of a row and the lines that it is to print.
Case = collections.namedtuple("Case", "line column command prints")


class Malformed(Exception):
    pass


def cells_of(line):
    """The code spans of each cell. A cell has nothing else but <br> between them."""
    cells = []
    for cell in re.split(r"(?<!\\)\|", line.strip()[1:-1]):
        if re.sub(r"`[^`]+`|<br>", "", cell).strip():
            raise Malformed("more than code in the cell: " + cell)
        cells.append([span.replace("\\|", "|") for span in re.findall(r"`([^`]+)`", cell)])
    return cells


def header_of(lines):
    names = [name.strip() for name in lines[0].strip()[1:-1].split("|")]
    if names not in HEADERS or len(lines) < 3 or lines[1] != "|" + "---|" * len(names):
        raise Malformed("not a table that can be run: " + lines[0])
    return names


def cases_of_table(number, lines):
    names = header_of(lines)
    for number, line in enumerate(lines[2:], number + 2):
        cells = cells_of(line)
        if len(cells) != len(names) or [] in cells or not line.endswith("|"):
            raise Malformed("line %d: an empty cell, or not %d of them: %s" %
                            (number, len(names), line))
        for i, name in enumerate(names):
            if name != "prints":
                prints = cells[names.index("prints", i)]
                yield from (Case(number, name, command, prints) for command in cells[i])


def parse(text):
    """The script that makes the files, and the cases of all tables. Nothing that looks like a row is
    left out."""
    script, cases = None, []
    lines = text.splitlines()
    at = 0
    while at < len(lines):
        end = at + 1
        if lines[at].startswith("```"):
            end = lines.index("```", at + 1) + 1
            if lines[at] != "```sh" or script is not None:
                raise Malformed("line %d: one block makes the files, and no other" % (at + 1))
            script = "\n".join(lines[at + 1:end - 1])
        elif lines[at].startswith("|"):
            while end < len(lines) and lines[end].startswith("|"):
                end += 1
            cases += cases_of_table(at + 1, lines[at:end])
        elif re.search(r"^\s+\||`\s*\||\|\s*`", lines[at]):
            raise Malformed("line %d: a row outside of a table: %s" % (at + 1, lines[at]))
        at = end
    if script is None or not cases:
        raise Malformed("there are no files, or no rows")
    return script, cases


class Bench:
    """A place to run the cases of a document, each in a fresh folder with the files. The cluster of
    those that want one is started when the first of them comes."""

    def __init__(self, script):
        self.folder = tempfile.mkdtemp()
        self.state = os.path.join(self.folder, "state", "cluster")
        self.local = os.path.join(self.folder, "deploy", "local.sh")
        self.tried = 0
        self.environment = {name: value for name, value in os.environ.items()
                            if not name.startswith(("FANMILL_", "PARALLEL"))}
        self.environment.update(
            PATH=os.path.join(self.folder, "bin") + ":" + os.environ["PATH"], HOME=self.folder,
            XDG_STATE_HOME=os.path.join(self.folder, "state"), SHELL="/bin/bash", LC_ALL="C")
        for name in ("bin", "build", "files", ".parallel"):
            os.mkdir(os.path.join(self.folder, name))
        os.symlink(os.path.join(BUILD, "bin"), os.path.join(self.folder, "build", "bin"))
        os.symlink(os.path.join(BUILD, "bin", "fanmill"), os.path.join(self.folder, "bin", "fanmill"))
        with open(os.path.join(self.folder, "bin", "ssh"), "w", encoding="utf-8") as file:
            file.write(SSH)
        os.chmod(file.name, 0o755)
        shutil.copytree(os.path.join(ROOT, "deploy"), os.path.dirname(self.local))
        open(os.path.join(self.folder, ".parallel", "will-cite"), "w", encoding="utf-8").close()
        subprocess.run(["bash", "-euc", script], cwd=os.path.join(self.folder, "files"), check=True)

    def close(self):
        if "FANMILL_CONTROLLER" in self.environment:
            self.deploy("down", "--now")
        shutil.rmtree(self.folder)

    def deploy(self, *words):
        subprocess.run([self.local, *words, "-d", self.state], env=self.environment, check=True,
                       stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def start_cluster(self):
        self.deploy("up", "-n", "2", "-l", "127.0.0.1:0")
        with open(os.path.join(self.state, "address"), encoding="utf-8") as file:
            self.environment["FANMILL_CONTROLLER"] = file.read().strip()

    def run(self, command):
        """What it says, on stdout and stderr."""
        self.tried += 1
        cwd = os.path.join(self.folder, "try-%d" % self.tried)
        shutil.copytree(os.path.join(self.folder, "files"), cwd)
        with open(cwd + ".out", "w+", encoding="utf-8") as out, \
                open(cwd + ".err", "w+", encoding="utf-8") as err:
            with subprocess.Popen(["bash", "-c", command], cwd=cwd, env=self.environment,
                                  stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                  start_new_session=True) as process:
                try:
                    process.wait(LIMIT_S)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)
                    err.write("(it did not end)")
            return [file.seek(0) or file.read() for file in (out, err)]

    def wrong(self, case):
        """What is to be said of the case, or nothing."""
        fanmill = re.search(r"\bfanmill (run|submit)\b", case.command) is not None
        if fanmill != (case.column == "Fanmill"):
            return "line %d: in the wrong column: %s" % (case.line, case.command)
        on_cluster = re.search(r"fanmill submit|FANMILL_CONTROLLER", case.command) is not None
        if on_cluster and "FANMILL_CONTROLLER" not in self.environment:
            self.start_cluster()
        out, err = self.run(case.command)
        in_order = re.search(r" -(k|j1)\b", case.command) is not None
        wanted, got = ([" ".join(line.split()) for line in lines]
                       for lines in (case.prints, out.splitlines()))
        if (wanted == got) if in_order else (sorted(wanted) == sorted(got)):
            return None
        return "line %d: %s\nis to print %s\nand printed  %s\nand on stderr: %s" % (
            case.line, case.command, wanted, got, err)


def works(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True).stdout
    except FileNotFoundError:
        return ""


def can_run(command, parallel, csv):
    """Whether this machine has the peer. xargs and the shell are everywhere."""
    if re.search(r"\b(parallel|sem) ", command) is None:
        return True
    return parallel and (csv or " --csv " not in command)


def all_wrong(text):
    """Runs a document."""
    script, cases = parse(text)
    parallel = works("parallel", "--version").startswith("GNU parallel")
    csv = works("perl", "-MText::CSV", "-e", "print 1") == "1"
    bench = Bench(script)
    try:
        found = [bench.wrong(case) for case in cases if can_run(case.command, parallel, csv)]
    finally:
        bench.close()
    return [each for each in found if each is not None]


def document(*rows, header="| today | Fanmill | prints |"):
    columns = header.count("|") - 1
    return "\n".join(["```sh", "seq 2 > list", "```", header, "|" + "---|" * columns, *rows])


class DocumentTest(unittest.TestCase):
    def test_every_row_prints_what_it_says(self):
        with open(DOCUMENT, encoding="utf-8") as file:
            text = file.read()
        self.assertEqual("\n\n".join(all_wrong(text)), "")

    def test_no_row_is_passed_over(self):
        with open(DOCUMENT, encoding="utf-8") as file:
            text = file.read()
        rows = re.findall(r"^\| .*`", text, re.MULTILINE)
        _, cases = parse(text)
        for column in ("today", "Fanmill"):
            self.assertEqual(len({case.line for case in cases if case.column == column}), len(rows))


class DoctoredTest(unittest.TestCase):
    """What is false in a document is found."""

    def test_nothing_is_wrong_with_a_true_row(self):
        self.assertEqual(all_wrong(document(
            "| `xargs -n1 echo < list`<br>`cat list` | `fanmill run -k echo < list` | `1` `2` |")), [])
        self.assertEqual(all_wrong(document(
            "| `seq 1 \\| xargs echo` | `1` | `seq 2 \\| fanmill run -k echo` | `1` `2` |",
            header="| today | prints | Fanmill | prints |")), [])

    def test_a_row_that_is_false(self):
        for row in ("| `xargs -n1 echo < list` | `fanmill run -k echo < list` | `2` `1` |",
                    "| `xargs -n1 echo < list` | `fanmill run -j1 echo < list` | `2` `1` |",
                    "| `xargs -n1 echo < list` | `fanmill run echo < list` | `1` |",
                    "| `xargs echo < list` | `fanmill run echo < list` | `1` `2` |",
                    "| `xargs echo < list` | `fanmill run -n2 echo < list` | `1` `2` |",
                    "| `xargs echo < list` | `xargs echo < list` | `1 2` |",
                    "| `fanmill run -n2 echo < list` | `fanmill run -n2 echo < list` | `1 2` |"):
            with self.subTest(row=row):
                self.assertNotEqual(all_wrong(document(row)), [])

    def test_a_row_that_cannot_be_run(self):
        row = "| `xargs -n1 echo < list` | `fanmill run echo < list` | `1` `2` |"
        parse(document(row))
        for text in (document(),
                     document(row.replace("`1` `2`", "")),
                     document(row.replace("`1` `2`", "two lines")),
                     document(row.replace("`1` `2`", "`1` `2` | `more`")),
                     document(row.replace("`1` `2` |", "`1` `2`")),
                     document("  " + row),
                     document(row, "", row[2:]),
                     document(row, "", row),
                     document(row, header="| today | tomorrow | prints |"),
                     document(row, "```sh", "seq 3 > list", "```"),
                     document(row).split("```\n")[1]):
            with self.subTest(document=text):
                with self.assertRaises(Malformed):
                    parse(text)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
