# SPDX-License-Identifier: ISC
"""Nothing lost: reloads, upgrades and kills while clients come all the time. `make check-long` has
each go on for ten seconds with a thousand clients a second; here they are as many as there is time
for, in a second or two. What was counted is printed with LONG=1."""

import contextlib
import os
import signal
import socket
import sys
import threading
import time

from claims import WAIT, claim, expect, expect_equal
from harness import wait_until
from system import free_ports, is_gone
from talk import ask, receive_line

IS_LONG = os.environ.get("LONG") == "1"
SPAN = 10 if IS_LONG else 1.5
CLIENTS_A_SECOND = 1000
THREADS = 4


class Rush:
    """A thousand clients a second or as many as can be: each connects, asks, and reads the answer."""

    def __init__(self, address):
        self.address = address
        self.is_over = threading.Event()
        self.served = [0] * THREADS
        self.problems = []
        self.longest = 0
        self.threads = [threading.Thread(target=self.run, args=(number,))
                        for number in range(THREADS)]

    def visit(self):
        began = time.monotonic()
        with contextlib.closing(socket.create_connection(self.address, WAIT)) as client:
            client.sendall(b"are you there?")
            answer = b""
            while len(answer) < 14:
                part = client.recv(64)
                if not part:
                    raise ConnectionError("a short answer: %s" % answer)
                answer += part
        self.longest = max(self.longest, time.monotonic() - began)

    def run(self, number):
        due = time.monotonic()
        while not self.is_over.is_set():
            try:
                self.visit()
                self.served[number] += 1
            except OSError as problem:
                self.problems.append(repr(problem))
            due = max(due + THREADS / CLIENTS_A_SECOND, time.monotonic() - 1)
            self.is_over.wait(max(0, due - time.monotonic()))

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        for thread in self.threads:
            thread.join(WAIT)

    def expect_nothing_lost(self, what):
        expect_equal(self.problems, [], "clients refused, reset or answered in part, of %d" % (
            sum(self.served) + len(self.problems)))
        expect(sum(self.served) > 0, "nobody came")
        if IS_LONG:
            print("# %s: %d clients in %ds, none lost, the longest visit %.0f ms" % (
                what, sum(self.served), SPAN, self.longest * 1000), file=sys.stderr)


def repeat(work, pause):
    """Again and again for the span, `pause` seconds after another; how often."""
    count = 0
    end = time.monotonic() + SPAN
    while time.monotonic() < end:
        began = time.monotonic()
        work()
        count += 1
        threading.Event().wait(max(0, began + pause - time.monotonic()))
    return count


@claim(each=["1", "2"], seconds=60)
def a_hundred_reloads_a_second_lose_no_client(scene, gates):
    table = scene.line("echo", "tcp4")
    daemon = scene.daemon(table, args=["--gates", gates])
    with Rush(daemon.address("echo", "tcp4")) as rush:
        asked = repeat(lambda: os.kill(daemon.pid, signal.SIGHUP), 0.01)
    done = len(daemon.log.find("reloaded"))
    expect(done > 0, "no reload of %d", asked)
    rush.expect_nothing_lost("%d reloads of %d asked for, %s gates" % (done, asked, gates))


@claim(each=["1", "2"], seconds=60)
def upgrades_one_after_another_lose_no_client(scene, gates):
    daemon = scene.daemon(scene.line("echo", "tcp4"), args=["--gates", gates])

    def upgrade():
        mark = daemon.log.mark()
        os.kill(daemon.pid, signal.SIGUSR2)
        daemon.wait_for_event("upgraded", since=mark)
    with Rush(daemon.address("echo", "tcp4")) as rush:
        count = repeat(upgrade, 0.1)
    rush.expect_nothing_lost("%d upgrades, %s gates" % (count, gates))


@claim(needs=["probe"], seconds=60)
def after_kill_9_of_the_supervisor_gates_end_and_a_restart_binds_again_at_once(scene):
    echo_port, hold_port, take_port = free_ports(3)
    table = scene.echo_at(echo_port) + "".join(
        "%s 127.0.0.1:%d/tcp4 %s %s %s %s\n" % (name, port, keys, scene.user, scene.probe, name)
        for name, port, keys in (("hold", hold_port, ""), ("take", take_port, "wait")))
    daemon = scene.daemon(table)
    client = daemon.client("hold")
    pid = int(receive_line(client).split()[1])
    waiting = daemon.client("take")
    receive_line(waiting)
    connected = daemon.client("echo")
    ask(connected, b"x")
    gates = daemon.gates()
    daemon.expects_status = -signal.SIGKILL
    os.kill(daemon.pid, signal.SIGKILL)
    daemon.wait()
    wait_until(lambda: all(is_gone(gate) for gate in gates), "the gates' ends")
    began = time.monotonic()
    after = scene.daemon(table)
    took = time.monotonic() - began
    expect_equal(ask(after.client("echo"), b"x"), b"x", "the answer")
    expect_equal(ask(client, b"alive\n"), b"alive\n", "the program that lives on")
    expect(not is_gone(pid), "the program was ended")
    receive_line(after.client("hold"))
    if IS_LONG:
        print("# a restart after kill -9 serves after %.0f ms" % (took * 1000), file=sys.stderr)
