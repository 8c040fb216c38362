# SPDX-License-Identifier: ISC
"""reeved.service of the box's systemd: its table, its state, its part of the journal."""

import functools
import json
import os
import shutil
import socket
import subprocess
import threading

import claims
from claims import Failure, expect, expect_equal
from harness import wait_until
from system import children

UNIT = "reeved.service"
TABLE = "/etc/reeve/services"
TABLE_AS_INSTALLED = TABLE + ".installed"
EXAMPLES = "/usr/share/doc/reeve/examples"
RUNTIME_UNITS = "/run/systemd/system"
DROPINS = "%s/%s.d" % (RUNTIME_UNITS, UNIT)
ECHO = ("127.0.0.1", 7)
DAYTIME = ("127.0.0.1", 13)


def lacks_box():
    """These claims stop services and write into /etc: that is for nobody's machine."""
    return None if os.environ.get("REEVED") == "/usr/sbin/reeved" and \
        os.path.isdir("/reeve/tree") else "needs the box of make check-systemd"


claims.NEEDS["box"] = lacks_box


def run(*words, seconds=60, status=0):
    """What a command prints, both streams together. `status` None: any."""
    done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=seconds * claims.SLOW, check=False)
    text = done.stdout.decode("utf-8", "backslashreplace")
    if status is not None and done.returncode != status:
        raise Failure("%s: status %d instead of %d: %s" % (
            " ".join(words), done.returncode, status, text))
    return text


class Service:
    """What a claim may do with reeved.service."""

    def __init__(self, scene):
        self.scene = scene
        self.cursor = ""
        self.forget_the_journal()

    def systemctl(self, verb, *rest, status=0):
        return run("systemctl", verb, UNIT, *rest, status=status)

    def show(self, name, unit=UNIT):
        return run("systemctl", "show", "--property", name, "--value", unit).strip()

    def pid(self):
        return int(self.show("MainPID"))

    def gates(self):
        return sorted(pid for pid, facts in children(self.pid()).items()
                      if facts[2] == "reeve-gate")

    def write_table(self, text):
        self.scene.write(TABLE, text)

    def add_to_table(self, text):
        with open(TABLE, encoding="utf-8") as table:
            self.write_table(table.read() + text)

    def restart(self, table=None):
        if table is not None:
            self.write_table(table)
        self.systemctl("restart")

    def drop_in(self, name, text):
        """Change the unit, with effect at its next start."""
        os.makedirs(DROPINS, exist_ok=True)
        self.scene.write("%s/%s.conf" % (DROPINS, name), text)
        run("systemctl", "daemon-reload")

    def lift_the_start_limit(self):
        """systemd starts nothing more than five times in ten seconds, whoever asks."""
        self.drop_in("limit", "[Unit]\nStartLimitIntervalSec=0\n")

    def take_example(self, name):
        with open("%s/%s.conf" % (EXAMPLES, name), encoding="utf-8") as example:
            self.drop_in(name, example.read())

    def add_unit(self, name, text):
        self.scene.write("%s/%s" % (RUNTIME_UNITS, name), text)
        run("systemctl", "daemon-reload")
        self.scene.stack.callback(self.remove_unit, name)

    @staticmethod
    def remove_unit(name):
        run("systemctl", "stop", name)
        os.unlink("%s/%s" % (RUNTIME_UNITS, name))

    def forget_the_journal(self):
        """Look at what comes from now on alone."""
        run("journalctl", "--sync")
        text = run("journalctl", "--show-cursor", "--lines", "1", "--output", "cat")
        self.cursor = text.rsplit("-- cursor: ", 1)[1].strip()

    def records(self, **fields):
        """The unit's records that have these fields, as dictionaries."""
        run("journalctl", "--sync")
        text = run("journalctl", "--output", "json", "--unit", UNIT, "--after-cursor", self.cursor)
        found = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
        return [record for record in found
                if all(record.get(name) == value for name, value in fields.items())]

    def wait_for_record(self, **fields):
        return wait_until(lambda: self.records(**fields), "a record with %s" % fields)[0]

    def undo(self):
        """As it was after the boot."""
        shutil.copyfile(TABLE_AS_INSTALLED, TABLE)
        shutil.rmtree(DROPINS, ignore_errors=True)
        run("systemctl", "daemon-reload")
        run("systemctl", "reset-failed")
        self.systemctl("restart")


def in_box(each=(None,), seconds=60):
    """Register a claim about the service; its function gets a Service. It serves the installed table
    at the beginning, and does so again for the next claim."""
    def register(function):
        @functools.wraps(function)
        def judge(scene, *case):
            if not os.path.exists(TABLE_AS_INSTALLED):
                shutil.copyfile(TABLE, TABLE_AS_INSTALLED)
            service = Service(scene)
            scene.stack.callback(service.undo)
            function(service, *case)
        return claims.claim(each=each, needs=["root", "box"], seconds=seconds)(judge)
    return register


def talk(address, question=b"", seconds=10):
    """Everything that a service says to one question."""
    with socket.create_connection(address, timeout=seconds) as conn:
        conn.sendall(question)
        conn.shutdown(socket.SHUT_WR)
        answer = b""
        while True:
            part = conn.recv(65536)
            if not part:
                return answer
            answer += part


def expect_echo():
    expect_equal(talk(ECHO, b"are you there?"), b"are you there?", "what echo says")


class Clients:
    """Four that ask an echo without a pause, and note what went wrong; a context."""

    def __init__(self, address):
        self.address = address
        self.answers = 0
        self.problems = []
        self.is_over = threading.Event()
        self.threads = [threading.Thread(target=self.ask_on) for _ in range(4)]

    def ask_on(self):
        while not self.is_over.is_set():
            try:
                expect_equal(talk(self.address, b"are you there?"), b"are you there?", "echo")
                self.answers += 1
            except Exception as problem:  # whatever it is, it is what we look for
                self.problems.append(repr(problem))

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, error, *_):
        try:
            if error is None:
                wait_until(lambda: self.answers > 10 or self.problems, "clients to be served")
        finally:
            self.is_over.set()
            for thread in self.threads:
                thread.join()

    def expect_no_problem(self):
        expect_equal(self.problems[:5], [], "of %d connections, %d with problems" % (
            self.answers, len(self.problems)))
