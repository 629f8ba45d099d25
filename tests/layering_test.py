#!/usr/bin/env python3
"""Holds the tree to its own rules (CONTRIBUTING.md): who may include whom, what pure code must not
touch, how long a file may be, and that every rule of PROTOCOL.md is cited by a test."""
import os
import re
import subprocess
import sys
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ROLES = {"ventilator", "worker", "sink", "controller"}
PURE_TARGETS = {
    "lib/core": "fanmill_core",
    "lib/report": "fanmill_report",
    "lib/verify": "fanmill_verify",
    "ventilator": "ventilator_core",
    "worker": "worker_core",
    "sink": "sink_core",
    "controller": "controller_core",
}
PURE_SYSTEM_HEADERS_BANNED = re.compile(
    r"#include <(thread|mutex|fstream|iostream|random|filesystem|future|condition_variable|ctime|"
    r"unistd\.h|fcntl\.h|poll\.h|zmq.*|spdlog/.*|sys/.*)>")
PURE_NAMES_BANNED = re.compile(
    r"steady_clock|system_clock|random_device|mt19937|_distribution\b|\babsl::Now\b|\bgetenv\b|"
    r"\babsl::BitGen\b|\babsl::Hash\b|\bstd::this_thread\b|map<.*> [a-z_]+ = \d+;  // proto map")
LINES_MAX = 500


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def tracked(*suffixes):
    names = subprocess.run(["git", "-C", ROOT, "ls-files", "--cached", "--others",
                            "--exclude-standard"], check=True, capture_output=True,
                           text=True).stdout.split()
    return [n for n in names if n.endswith(suffixes) and os.path.exists(os.path.join(ROOT, n))]


def includes(path):
    return re.findall(r'#include "([^"]+)"', read(path))


def sources_of(folder, target):
    text = read(folder + "/CMakeLists.txt")
    found = re.search(r"add_library\(\s*%s\b([^)]*)\)" % target, text)
    if found is None:
        raise AssertionError("%s/CMakeLists.txt has no library %s" % (folder, target))
    words = re.sub(r"#.*", "", found.group(1)).split()
    return [folder + "/" + word for word in words if word.endswith(".cc")]


def pure_files():
    """The sources of the pure targets, and every header of the project that they reach."""
    files = [s for folder, target in PURE_TARGETS.items() for s in sources_of(folder, target)]
    seen = set()
    while files:
        path = files.pop()
        if path in seen or path.startswith("proto/"):
            continue
        seen.add(path)
        files += [i for i in includes(path) if os.path.exists(os.path.join(ROOT, i))]
    return sorted(seen)


class LayeringTest(unittest.TestCase):
    def test_pure_code_includes_only_pure_code(self):
        sources = {s for folder, target in PURE_TARGETS.items() for s in sources_of(folder, target)}
        for path in pure_files():
            for name in includes(path):
                if name.startswith(("proto/", "absl/", "nlohmann/", "google/")):
                    continue
                with self.subTest(path=path, include=name):
                    beside = name[:-2] + ".cc"
                    self.assertTrue(
                        not os.path.exists(os.path.join(ROOT, beside)) or beside in sources,
                        "%s is pure and includes %s, which belongs to a shell" % (path, name))

    def test_pure_code_touches_no_world(self):
        for path in pure_files():
            text = re.sub(r"//.*", "", read(path))
            with self.subTest(path=path):
                self.assertIsNone(PURE_SYSTEM_HEADERS_BANNED.search(text))
                self.assertIsNone(PURE_NAMES_BANNED.search(text))

    def test_roles_never_include_each_other(self):
        for path in tracked(".cc", ".h"):
            role = path.split("/")[0]
            if role not in ROLES or path.startswith("controller/run/"):  # it wires them, as a main
                continue
            for name in includes(path):
                other = name.split("/")[0]
                with self.subTest(path=path, include=name):
                    self.assertFalse(other in ROLES and other != role)

    def test_the_library_includes_no_role(self):
        for path in tracked(".cc", ".h"):
            if path.startswith("lib/"):
                for name in includes(path):
                    with self.subTest(path=path, include=name):
                        self.assertNotIn(name.split("/")[0], ROLES | {"tests", "bench"})

    def test_the_simulator_includes_no_shell(self):
        pure = set(pure_files())
        for path in tracked(".cc", ".h"):
            if path.startswith("tests/sim/"):
                for name in includes(path):
                    if name.startswith(("tests/sim/", "proto/", "CLI/", "absl/", "gtest/")):
                        continue
                    with self.subTest(path=path, include=name):
                        self.assertIn(name, pure)

    def test_zmq_is_used_in_one_folder(self):
        for path in tracked(".cc", ".h"):
            if "zmq.h" in read(path):
                with self.subTest(path=path):
                    self.assertTrue(path.startswith(("lib/io/", "tests/", "bench/")))

    def test_what_zeromq_offers_and_we_do_not_take(self):
        banned = re.compile(r"ZMQ_HEARTBEAT|ZMQ_FD\b|ZMQ_CONFLATE|zmq_socket_monitor|ZMQ_SNDMORE")
        for path in tracked(".cc", ".h"):
            if path.startswith(("tests/", "bench/")):
                continue
            with self.subTest(path=path):
                found = banned.search(re.sub(r"//.*", "", read(path)))
                # A REQ's empty delimiter, given back to it, is the one second frame there is.
                self.assertTrue(found is None or (found.group() == "ZMQ_SNDMORE" and
                                                  path == "lib/io/line.cc"), path)

    def test_files_hold_one_idea(self):
        for path in tracked(".cc", ".h"):
            with self.subTest(path=path):
                self.assertLessEqual(read(path).count("\n"), LINES_MAX)

    def test_headers_say_what_they_are(self):
        for path in tracked(".h"):
            with self.subTest(path=path):
                self.assertTrue(read(path).startswith("// "), "opens with no comment")

    def test_every_rule_has_a_test_that_cites_it(self):
        rules = set(re.findall(r"\*\*(R\d+)\*\*", read("proto/PROTOCOL.md")))
        self.assertGreater(len(rules), 50)
        cited = set()
        for path in tracked(".cc", ".py"):
            if path.startswith("tests/"):
                cited |= set(re.findall(r"\bR\d+\b", read(path)))
        self.assertEqual(sorted(rules - cited, key=lambda r: int(r[1:])), [])

    def test_rules_that_code_cites_exist(self):
        rules = set(re.findall(r"\*\*(R\d+)\*\*", read("proto/PROTOCOL.md")))
        for path in tracked(".cc", ".h"):
            for rule in re.findall(r"// (R\d+)\b", read(path)):
                with self.subTest(path=path, rule=rule):
                    self.assertIn(rule, rules)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=1)
