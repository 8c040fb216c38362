#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Run the end-to-end claims and print TAP.

    tests/e2e/run.py [-k WORD] [-j NUMBER] [--list] [--folder FOLDER]

-k takes the claims whose file or name contains WORD (several: any of them). --folder takes those of
another folder; tests/real/run does so. Environment: REEVED
(the daemon; build/reeved), HANDLERS (beside it), E2E_SLOW (stretch every deadline by this factor).
Each claim runs in a process of its own that adopts whatever its daemon leaves behind.
"""

import argparse
import ctypes
import glob
import importlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True

import claims  # noqa: E402
import harness  # noqa: E402
import system  # noqa: E402

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
OK, NOT_OK, SKIPPED = 0, 1, 2


def prctl(option, value):
    ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def load_claims(folder, words):
    sys.path.insert(0, folder)
    for path in sorted(glob.glob(os.path.join(folder, "test_*.py"))):
        importlib.import_module(os.path.basename(path)[:-3])
    return [claim for claim in claims.CLAIMS
            if not words or any(word in claim.place + "." + claim.name for word in words)]


def compile_probe(folder):
    """The program that the handler claims start, where every user may run it."""
    probe = os.path.join(folder, "probe")
    flood = os.path.join(folder, "visits")
    compiler = os.environ.get("CC", "cc")
    if shutil.which(compiler.split()[0]) is None:
        return
    subprocess.run(compiler.split() + ["-std=gnu11", "-D_GNU_SOURCE", "-O1", "-o", probe,
                                       os.path.join(HERE, "probe.c")], check=True)
    os.environ["E2E_PROBE"] = probe
    subprocess.run(compiler.split() + ["-std=gnu11", "-D_GNU_SOURCE", "-O1", "-o", flood,
                                       os.path.join(HERE, "..", "bench", "visits.c")], check=True)
    os.environ["E2E_VISITS"] = flood


def describe(problem):
    """A failure in the words of the claim; a traceback only for what nobody expected."""
    if isinstance(problem, claims.Failure):
        last = traceback.extract_tb(problem.__traceback__)
        lines = [str(problem)]
        lines += ["at %s:%d: %s" % (os.path.basename(place.filename), place.lineno, place.line)
                  for place in last if os.path.basename(place.filename).startswith("test_")]
        return "\n".join(lines)
    return "".join(traceback.format_exception(type(problem), problem, problem.__traceback__))


def judge(claim, scene):
    """Run one claim and its clean-up: (result, text)."""
    problems = []
    try:
        claim.run(scene)
    except claims.Skip as reason:
        problems.append((SKIPPED, str(reason)))
    except BaseException as problem:
        problems.append((NOT_OK, describe(problem)))
    signal.setitimer(signal.ITIMER_REAL, 20 * claims.SLOW)
    try:
        scene.end()
    except BaseException as problem:
        problems.append((NOT_OK, "at the end: " + describe(problem)))
    if not problems:
        return OK, "\n".join(scene.notes)
    result = max(problems, key=lambda problem: problem[0] == NOT_OK)[0]
    text = "\n".join(problem[1] for problem in problems)
    if result == NOT_OK:
        for daemon in scene.daemons:
            text += "\nlog:\n  " + "\n  ".join(daemon.log.tail())
    return result, text


def run_claim(claim, report_path):
    """In the claim's own process."""
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    prctl(PR_SET_PDEATHSIG, signal.SIGTERM)

    def too_late(_signo, _frame):
        raise claims.Deadline("not done within %d s" % claim.seconds)

    def told_to_end(_signo, _frame):
        raise claims.Failure("told to end")

    signal.signal(signal.SIGALRM, too_late)
    signal.signal(signal.SIGTERM, told_to_end)
    signal.setitimer(signal.ITIMER_REAL, claim.seconds)
    result, text = judge(claim, harness.new_scene())
    with open(report_path, "w", encoding="utf-8", errors="backslashreplace") as report:
        report.write(text)
    return result


class Runner:
    def __init__(self, waiting, jobs, folder):
        self.waiting = list(waiting)
        self.jobs = jobs
        self.folder = folder
        self.running = {}
        self.done = 0
        self.failed = []

    def start(self, claim):
        reason = claim.why_not()
        if reason:
            self.report(claim, SKIPPED, reason)
            return
        report_path = os.path.join(self.folder, "report-%d" % len(self.waiting))
        sys.stdout.flush()
        pid = os.fork()
        if pid == 0:
            status = NOT_OK
            try:
                status = run_claim(claim, report_path)
            finally:
                os._exit(status)
        self.running[pid] = (claim, report_path, time.monotonic())

    def report(self, claim, result, text):
        self.done += 1
        name = "%s: %s" % (claim.place.replace("test_", "", 1), claim.name)
        if result == NOT_OK:
            self.failed.append(name)
            print("not ok %d - %s" % (self.done, name))
            for line in text.split("\n"):
                print("  # " + line)
        else:
            reason = " # SKIP " + text if result == SKIPPED else ""
            print("ok %d - %s%s" % (self.done, name, reason))
            for line in text.split("\n") if result == OK and text else ():
                print("  # " + line)
        sys.stdout.flush()

    def reap(self):
        """Wait for one claim to end, and kill those that overstay even their clean-up."""
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid in self.running:
                claim, report_path, _ = self.running.pop(pid)
                text = "the claim's process died"
                if os.path.exists(report_path):
                    with open(report_path, encoding="utf-8") as report:
                        text = report.read()
                is_judged = os.WIFEXITED(status) and os.WEXITSTATUS(status) in (OK, SKIPPED)
                self.report(claim, os.WEXITSTATUS(status) if is_judged else NOT_OK, text)
                return
            for stuck, (claim, _, began) in self.running.items():
                if time.monotonic() > began + claim.seconds + 30 * claims.SLOW:
                    os.kill(stuck, signal.SIGKILL)
            time.sleep(0.01)

    def run(self):
        print("1..%d" % len(self.waiting))
        while self.waiting or self.running:
            if self.waiting and len(self.running) < self.jobs:
                self.start(self.waiting.pop(0))
            else:
                self.reap()
        for pid in system.children(os.getpid()):
            os.kill(pid, signal.SIGKILL)
        if self.failed:
            print("# %d of %d failed:" % (len(self.failed), self.done))
            for name in self.failed:
                print("#   " + name)
        return 1 if self.failed else 0


def main():
    parser = argparse.ArgumentParser(description="Run the end-to-end claims and print TAP.")
    parser.add_argument("-k", metavar="WORD", action="append", default=[])
    parser.add_argument("-j", metavar="NUMBER", type=int, default=2)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--folder", default=HERE)
    options = parser.parse_args()
    chosen = load_claims(options.folder, options.k)
    if options.list:
        for claim in chosen:
            print("%s: %s" % (claim.place.replace("test_", "", 1), claim.name))
        return 0
    if not os.access(claims.REEVED, os.X_OK):
        print("Bail out! no daemon at %s; build it or set REEVED" % claims.REEVED)
        return 1
    with tempfile.TemporaryDirectory(prefix="reeve-e2e-run-") as folder:
        os.chmod(folder, 0o755)
        compile_probe(folder)
        prctl(PR_SET_CHILD_SUBREAPER, 1)
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            return Runner(chosen, options.j, folder).run()
        except KeyboardInterrupt:
            print("Bail out! interrupted")  # the claims are told when we end, and clean up
            return 1


if __name__ == "__main__":
    sys.exit(main())
