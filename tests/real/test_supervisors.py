# SPDX-License-Identifier: ISC
"""Service managers other than systemd, with the examples that are installed for them."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import threading

from claims import REEVED, TREE, WAIT, Failure, Skip, expect, expect_equal
from harness import wait_until
from inetd import real, run, wait_for_turn
from system import children, free_ports, is_gone
from talk import ask, is_refused, receive_line

TABLE = "/usr/local/etc/reeve/services"
LOG = "/var/log/reeve"


class Managed:
    """reeved as its example has it; a table with echo, and a program that stays."""

    def __init__(self, scene, manager):
        self.scene = scene
        # The examples have their table and folders where every host has them.
        wait_for_turn(scene, "reeve")
        self.ports = free_ports(3)
        shutil.rmtree(LOG, ignore_errors=True)
        os.makedirs(os.path.dirname(TABLE), exist_ok=True)
        self.write_table()
        self.folder = scene.path(manager)
        shutil.copytree(os.path.join(TREE, "etc", manager), self.folder)
        for place, _, names in os.walk(self.folder):
            for name in names:
                self.expand(os.path.join(place, name))

    @staticmethod
    def expand(path):
        with open(path, encoding="utf-8") as file:
            text = file.read()
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace("@SBINDIR@", os.path.dirname(REEVED)))

    def write_table(self, more=""):
        self.scene.write(TABLE, "echo 127.0.0.1:%d/tcp builtin\n"
                         "stay 127.0.0.1:%d/tcp user=nobody /bin/sh -c 'echo $$; exec cat'\n%s"
                         % (self.ports[0], self.ports[1], more))

    def pid(self):
        with open("/run/reeve/reeved.pid", encoding="ascii") as file:
            return int(file.read())

    def serves(self, place=0):
        """Not while those that outlive a killed daemon for a moment let their clients go."""
        with contextlib.suppress(OSError, Failure), \
                socket.create_connection(("127.0.0.1", self.ports[place]), WAIT) as client:
            return ask(client, b"x") == b"x"
        return False

    def hold(self):
        """A client of the program that stays, and the program."""
        client = self.scene.connect(("127.0.0.1", self.ports[1]))
        pid = int(receive_line(client))
        self.scene.stack.callback(end_if_there, pid)
        return client, pid

    def reloads_by(self, *command):
        """A new service is there after the command."""
        before = self.pid()
        self.write_table("more 127.0.0.1:%d/tcp builtin:echo\n" % self.ports[2])
        run(self.scene, *command)
        wait_until(lambda: self.serves(2), "the new service")
        expect_equal(self.pid(), before, "the daemon")

    def is_started_again_when_killed(self):
        before = self.pid()
        gates = [pid for pid, facts in children(before).items() if facts[2] == "reeve-gate"]
        os.kill(before, signal.SIGKILL)
        # Nobody else would serve then, and lose who comes to them.
        wait_until(lambda: all(is_gone(pid) for pid in gates), "the ends of its gates")
        wait_until(self.serves, "another daemon", 3 * WAIT)
        expect(self.pid() != before, "the pid file is that of the daemon before")

    def ends_by(self, *command):
        """The port is closed, and the program that serves somebody goes on."""
        client, program = self.hold()
        before = self.pid()
        run_and_reap(*command)
        wait_until(lambda: is_gone(before), "the daemon's end", 3 * WAIT)
        expect(is_refused(("127.0.0.1", self.ports[0])), "the port is closed")
        expect_equal(ask(client, b"still served"), b"still served", "the program")
        expect(not is_gone(program), "the program")

    def logs_into(self, path):
        def has_logged():
            with contextlib.suppress(FileNotFoundError), open(path, encoding="utf-8") as file:
                return "started: ready to serve" in file.read()
            return False
        wait_until(has_logged, "the start in " + path)


def run_and_reap(*command):
    """Run a command that waits for orphans to be gone, which are left to this process."""
    # sv says "ok: ", which would be read as a claim more.
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    def has_ended():
        for pid, facts in children(os.getpid()).items():
            if facts[1] == "Z" and pid != process.pid:
                is_gone(pid)
        return process.poll() is not None
    wait_until(has_ended, "the end of " + " ".join(command), 4 * WAIT)
    expect_equal(process.returncode, 0, "the status of " + " ".join(command))


def end_if_there(pid):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)


def start(scene, *command):
    """A process that the scene ends, and waits for."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)

    def end():
        process.terminate()
        process.wait(3 * WAIT)
    scene.stack.callback(end)
    return process


@real("runit", seconds=240)
def runit_starts_reloads_restarts_and_ends_it(scene):
    managed = Managed(scene, "runit")
    service = managed.folder + "/reeved"
    start(scene, "runsv", service)
    wait_until(lambda: os.path.exists(service + "/supervise/status"), "runsv")
    scene.stack.callback(run, scene, "sv", "exit", service)
    # Of a service that is down, as it is at first, there is nothing to check.
    wait_until(lambda: b"run: " in run(scene, "sv", "status", service), "the daemon's start")
    expect(b"run: " in run(scene, "sv", "-w", "20", "check", service), "sv check")
    expect(managed.serves(), "it serves once sv check succeeds")
    managed.reloads_by("sv", "reload", service)
    managed.is_started_again_when_killed()
    managed.logs_into(LOG + "/current")
    managed.ends_by("sv", "-w", "20", "down", service)
    run(scene, "sv", "-w", "20", "up", service)
    wait_until(managed.serves, "it to serve again")


@real("runit", seconds=240)
def runit_tries_a_table_with_mistakes_again_and_serves_once_it_is_mended(scene):
    managed = Managed(scene, "runit")
    managed.write_table("no 7/tpc builtin\n")
    service = managed.folder + "/reeved"
    start(scene, "runsv", service)
    wait_until(lambda: os.path.exists(service + "/supervise/status"), "runsv")
    scene.stack.callback(run, scene, "sv", "exit", service)
    wait_until(lambda: b"finish" in run(scene, "sv", "status", service), "finish to wait")
    managed.write_table()
    wait_until(managed.serves, "it to serve")


@real("s6", seconds=240)
def s6_learns_that_it_is_ready_reloads_restarts_and_ends_it(scene):
    managed = Managed(scene, "s6")
    service = managed.folder + "/reeved"
    start(scene, "s6-svscan", managed.folder)
    wait_until(lambda: os.path.exists(service + "/supervise/status"), "s6-supervise")
    scene.stack.callback(run, scene, "s6-svscanctl", "-t", managed.folder)
    run(scene, "s6-svwait", "-U", "-t", "20000", service)
    expect(managed.serves(), "it serves once it is ready")
    expect(b"ready" in run(scene, "s6-svstat", service), "s6-svstat")
    managed.reloads_by("s6-svc", "-h", service)
    managed.is_started_again_when_killed()
    run(scene, "s6-svwait", "-U", "-t", "20000", service)
    managed.logs_into(LOG + "/current")
    managed.ends_by("s6-svc", "-wD", "-T", "20000", "-d", service)
    run(scene, "s6-svc", "-wU", "-T", "20000", "-u", service)
    expect(managed.serves(), "it serves again")


@real("openrc", seconds=240)
def openrc_starts_reloads_restarts_and_ends_it(scene):
    managed = Managed(scene, "openrc")
    if not os.path.exists("/sbin/openrc-run"):
        raise Skip("no openrc-run")
    os.makedirs("/run/openrc", exist_ok=True)
    scene.write("/run/openrc/softlevel", "default\n")
    shutil.copy(managed.folder + "/reeved", "/etc/init.d/reeved")
    take_syslog(scene)
    run(scene, "rc-service", "reeved", "start", timeout=60)
    scene.stack.callback(run_and_reap, "rc-service", "reeved", "stop")
    wait_until(managed.serves, "it to serve")
    managed.reloads_by("rc-service", "reeved", "reload")
    run(scene, "rc-service", "reeved", "checkconfig")
    managed.is_started_again_when_killed()
    managed.ends_by("rc-service", "reeved", "stop")


def take_syslog(scene):
    """Read what is logged: who writes there waits for room."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink("/dev/log")
    taker = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    taker.bind("/dev/log")

    def read():
        while taker.recv(65536) != b"end":
            pass
        taker.close()
    reader = threading.Thread(target=read)
    reader.start()

    def end():
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as last:
            last.sendto(b"end", "/dev/log")
        reader.join()
        os.unlink("/dev/log")
    scene.stack.callback(end)
