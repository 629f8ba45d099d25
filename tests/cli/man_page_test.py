#!/usr/bin/env python3
"""The manual pages that were built tell all that --help does, are clean, and are installed with the
completions. Usage: man_page_test.py BUILD"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

BUILD = sys.argv[1]
DAEMONS = ["fanmill-controller", "fanmill-ventilator", "fanmill-sink", "fanmill-worker"]
COLUMNS = 80
INDENT = 7  # of a page's text


def said(*words):
    argv = [os.path.join(BUILD, "bin", words[0]), *words[1:]]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


def subcommands():
    listed = said("fanmill", "--help").split("Subcommands:\n")[1].split("\n\n")[0]
    return re.findall(r"^  (\S+)", listed, re.MULTILINE)


def commands():
    """What is typed for each page there is to be."""
    return ([["fanmill"]] + [["fanmill", name] for name in subcommands()] +
            [[name] for name in DAEMONS])


def page_of(command, folder=os.path.join(BUILD, "share", "man", "man1")):
    return os.path.join(folder, "-".join(command) + ".1")


def plain(command):
    """The page's text, without its markup."""
    with open(page_of(command), encoding="utf-8") as file:
        text = re.sub(r"\\f[BIR]|\\&", "", file.read())
    for mark, stands_for in (("\\-", "-"), ("\\(aq", "'"), ("\\(ti", "~"), ("\\e", "\\")):
        text = text.replace(mark, stands_for)
    return text


class ManPageTest(unittest.TestCase):
    def test_every_option_is_on_its_page(self):
        for command in commands():
            tags = re.findall(r"^\.TP\n(.*)", plain(command), re.MULTILINE)
            told = {word for tag in tags for word in re.findall(r"(?<!\S)-[^\s,]+", tag)}
            helped = re.findall(r"^  (-\S+)", said(*command, "--help"), re.MULTILINE)
            with self.subTest(command=command):
                self.assertGreater(len(helped), 0)
                self.assertEqual(told, {name for names in helped for name in names.split(",")})

    def test_every_subcommand_and_executable_is_on_the_first_page(self):
        for command in commands()[1:]:
            self.assertIn("-".join(command) + "(1)", plain(["fanmill"]))

    def test_every_page_has_examples_that_fit_a_terminal(self):
        for command in commands()[1:]:
            examples = plain(command).split(".SH EXAMPLES\n")[1].split(".SH")[0]
            lines = [line for line in examples.splitlines() if not line.startswith(".")]
            with self.subTest(command=command):
                self.assertTrue(any(" ".join(command) in line for line in lines))
                self.assertLessEqual(max(map(len, lines)), COLUMNS - INDENT)

    def test_usage_and_exit_codes_are_those_of_help(self):
        for command in commands():
            text = said(*command, "--help")
            with self.subTest(command=command):
                usage = re.search(r"^Usage: (.*)", text, re.MULTILINE).group(1)
                self.assertIn(".SH SYNOPSIS\n" + usage + "\n", plain(command))
                self.assertIn(".SH EXIT STATUS\n.TP\n0\n", plain(command))

    def test_no_page_tells_of_the_machine_that_built_it(self):
        for command in commands():
            with self.subTest(command=command):
                self.assertNotIn(os.path.expanduser("~") + "/", plain(command))

    def test_formatters_have_nothing_to_complain_of(self):
        if shutil.which("groff") is None:
            self.skipTest("there is no groff")
        for command in commands():
            done = subprocess.run(["groff", "-man", "-ww", "-Tutf8", page_of(command)],
                                  capture_output=True, text=True)
            with self.subTest(command=command):
                self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_pages_and_completions_are_installed(self):
        with tempfile.TemporaryDirectory() as prefix:
            subprocess.run(["cmake", "--install", BUILD, "--prefix", prefix], check=True,
                           capture_output=True)
            share = os.path.join(prefix, "share")
            for command in commands():
                self.assertTrue(os.path.exists(page_of(command, share + "/man/man1")), command)
            self.assertEqual(len(os.listdir(share + "/man/man1")), len(commands()))
            for path in ("bash-completion/completions/fanmill", "zsh/site-functions/_fanmill"):
                self.assertGreater(os.path.getsize(os.path.join(share, path)), 0, path)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
