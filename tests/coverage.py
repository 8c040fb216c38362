#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Report from gcov's counters which lines tests reach, and which functions none does.

usage: tests/coverage.py BUILD      (a build with CFLAGS=--coverage that ran its tests)

What runs confined in a gate cannot write its counters: the end-to-end tests count for the
supervisor only, the gate's rooms by their unit tests.
"""
import collections
import json
import os
import subprocess
import sys


def counters(build):
    for folder, _, names in os.walk(build):
        for name in names:
            if name.endswith(".gcda"):
                yield os.path.join(folder, name)


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: tests/coverage.py BUILD")
    lines = collections.defaultdict(lambda: collections.defaultdict(int))
    functions = collections.defaultdict(lambda: collections.defaultdict(int))
    for path in counters(sys.argv[1]):
        report = subprocess.run(["gcov", "--json-format", "--stdout", path], check=True,
                                capture_output=True).stdout
        for file in json.loads(report)["files"]:
            name = file["file"]
            if not name.startswith(("src/", "services/")):
                continue
            for line in file["lines"]:
                lines[name][line["line_number"]] += line["count"]
            for function in file["functions"]:
                functions[name][function["name"]] += function["execution_count"]
    reached_of_all = lines_of_all = 0
    for name in sorted(lines):
        reached = sum(1 for count in lines[name].values() if count)
        reached_of_all += reached
        lines_of_all += len(lines[name])
        print(f"{100 * reached / len(lines[name]):5.1f} %  {name}")
    if lines_of_all:
        print(f"{100 * reached_of_all / lines_of_all:5.1f} %  all")
    for name in sorted(functions):
        for function, count in sorted(functions[name].items()):
            if not count:
                print(f"never run: {name}: {function}")


if __name__ == "__main__":
    main()
