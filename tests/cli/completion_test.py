#!/usr/bin/env python3
"""What shells make of fanmill --completion: bash is asked as readline asks it, zsh reads the script.
Usage: completion_test.py FANMILL"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

FANMILL = sys.argv[1]

# Completes the line in $1 with the cursor at its end. Words are broken as bash breaks them.
ASK = r"""
source "$2"
COMP_LINE=$1 COMP_POINT=${#1} COMP_WORDS=()
rest=$1
while [[ -n $rest ]]; do
  rest=${rest#"${rest%%[![:space:]]*}"}
  if [[ $rest =~ ^[=:]+ || $rest =~ ^[^[:space:]=:]+ ]]; then
    COMP_WORDS+=("${BASH_REMATCH[0]}")
    rest=${rest#"${BASH_REMATCH[0]}"}
  fi
done
[[ $1 == *[[:space:]] ]] && COMP_WORDS+=("")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
function_of=$(complete -p fanmill); function_of=${function_of#*-F }
${function_of% *} fanmill "${COMP_WORDS[-1]}" "${COMP_WORDS[-2]}"
((${#COMPREPLY[@]} == 0)) || printf '%s\n' "${COMPREPLY[@]}"
"""


def said(*words):
    return subprocess.run([FANMILL, *words], check=True, capture_output=True, text=True).stdout


def subcommands():
    listed = said("--help").split("Subcommands:\n")[1].split("\n\n")[0]
    return re.findall(r"^  (\S+)", listed, re.MULTILINE)


def options(*command):
    names = re.findall(r"^  (-\S+)", said(*command, "--help"), re.MULTILINE)
    return {name for each in names for name in each.split(",")}


class BashTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.script = os.path.join(self.folder.name, "completion")
        with open(self.script, "w", encoding="utf-8") as file:
            file.write(said("--completion", "bash"))
        for name in ("jobs one.txt", "jobs.csv", "other"):
            open(os.path.join(self.folder.name, name), "w", encoding="utf-8").close()
        os.mkdir(os.path.join(self.folder.name, "jobs.d"))

    def complete(self, line):
        done = subprocess.run(["bash", "--norc", "-uc", ASK, "bash", line, self.script],
                              cwd=self.folder.name, capture_output=True, text=True, check=True)
        self.assertEqual(done.stderr, "")
        return set(done.stdout.splitlines())

    def test_subcommands(self):
        self.assertEqual(self.complete("fanmill ru"), {"run"})
        self.assertEqual(self.complete("fanmill s"), {"submit", "start", "shutdown", "status"})
        self.assertEqual(self.complete("fanmill "), set(subcommands()))
        self.assertEqual(self.complete("fanmill --controller head:21000 ru"), {"run"})

    def test_every_option_of_every_command(self):
        self.assertEqual(self.complete("fanmill -"), options())
        of_the_cluster = {"--controller", "--key", "--insecure-network"}
        for name in subcommands():
            with self.subTest(command=name):
                self.assertEqual(self.complete("fanmill %s -" % name),
                                 options(name) | of_the_cluster)

    def test_options_behind_others(self):
        self.assertEqual(self.complete("fanmill run --ke"), {"--keep-order", "--key"})
        self.assertEqual(self.complete("fanmill run -k --retries 2 -j8 --tag --jo"), {"--joblog"})
        self.assertEqual(self.complete("fanmill run -ka jobs.csv --report-f"), {"--report-file"})
        self.assertEqual(self.complete("fanmill submit --expect={cost} --wai"), {"--wait"})
        self.assertEqual(self.complete("fanmill --key k cancel 3 --insec"), {"--insecure-network"})

    def test_values_that_are_one_of_a_few(self):
        self.assertEqual(self.complete("fanmill run --output "), {"text", "jsonl"})
        self.assertEqual(self.complete("fanmill run --output=js"), {"jsonl"})
        self.assertEqual(self.complete("fanmill run --output="), {"text", "jsonl"})
        self.assertEqual(self.complete("fanmill submit -k --handler s"), {"sleep"})
        self.assertEqual(self.complete("fanmill --completion "), {"bash", "zsh"})

    def test_values_that_nobody_knows(self):
        self.assertEqual(self.complete("fanmill run --retries "), set())
        self.assertEqual(self.complete("fanmill cancel "), set())

    def test_files_and_directories(self):
        self.assertEqual(self.complete("fanmill run -a jobs"), {"jobs one.txt", "jobs.csv", "jobs.d"})
        self.assertEqual(self.complete("fanmill run --arg-file=jobs."), {"jobs.csv", "jobs.d"})
        self.assertEqual(self.complete("fanmill submit --cwd "), {"jobs.d"})
        self.assertEqual(self.complete("fanmill keygen oth"), {"other"})

    def test_a_command_of_ones_own(self):
        self.assertIn("mkfifo", self.complete("fanmill run mkfif"))
        self.assertIn("mkfifo", self.complete("fanmill run -k -j 8 -- mkfif"))
        self.assertEqual(self.complete("fanmill run -k cat -"), set())
        self.assertEqual(self.complete("fanmill run -- cat oth"), {"other"})
        self.assertEqual(self.complete("fanmill submit wc -l ::: oth"), {"other"})


class ZshTest(unittest.TestCase):
    def test_every_option_is_there_with_what_it_is_for(self):
        script = said("--completion", "zsh")
        for name in subcommands():
            part = re.search(r"^        %s\)\n(.*?);;" % name, script, re.MULTILINE | re.DOTALL)
            told = re.findall(r"^ +'(?:\([^)]*\))?\*?(-[^\[=+]+)[=+]?\[[^ ]", part.group(1), re.MULTILINE)
            with self.subTest(command=name):
                self.assertEqual(options(name) - set(told), set())

    def test_zsh_understands_it(self):
        if shutil.which("zsh") is None:
            self.skipTest("there is no zsh")
        done = subprocess.run(["zsh", "-nf", "/dev/stdin"], input=said("--completion", "zsh"),
                              capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
