# SPDX-License-Identifier: ISC
"""WATCHDOG=1 is told while gates live; one that hangs is replaced."""

import os
import signal

from claims import SLOW, claim, expect_equal
from harness import wait_until
from system import processes
from talk import ask


def watched(scene, seconds, **rest):
    return scene.daemon(scene.line("echo", "tcp4"),
                        environment={"WATCHDOG_USEC": str(int(seconds * 1000000))}, **rest)


def told(daemon):
    return len([message for message in daemon.manager.messages if message == "WATCHDOG=1"])


@claim()
def the_manager_is_told_again_and_again_that_the_daemon_lives(scene):
    daemon = watched(scene, 1)
    for _ in range(3):
        daemon.wait_for_notify("WATCHDOG=1")


@claim(each=["none", "of another process"])
def without_a_watchdog_nothing_is_told(scene, variables):
    environment = {} if variables == "none" else {"WATCHDOG_USEC": "100000", "WATCHDOG_PID": "1"}
    daemon = scene.daemon(scene.line("echo", "tcp4"), environment=environment)
    daemon.reload()
    expect_equal(told(daemon), 0, "messages")


@claim(seconds=60)
def a_gate_that_hangs_is_replaced(scene):
    daemon = watched(scene, 4 * SLOW, args=["--gates", "2"])
    victim = daemon.gates()[0]
    os.kill(victim, signal.SIGSTOP)
    event = daemon.wait_for_event("gate_lied", message="ping", pid=victim, seconds=20 * SLOW)
    expect_equal(event["rule"], "it did not answer in time", "the rule")
    daemon.wait_for_event("gate_ended", pid=victim)
    wait_until(lambda: len(daemon.log.find("gate_started")) == 3, "the gate in its place")
    expect_equal(ask(daemon.client("echo"), b"x"), b"x", "the answer")
    before = told(daemon)
    wait_until(lambda: told(daemon) > before, "the manager to be told")


@claim(seconds=40)
def while_the_supervisor_hangs_nothing_is_told(scene):
    daemon = watched(scene, 2 * SLOW)  # a gate that is asked has half of it
    daemon.wait_for_notify("WATCHDOG=1")
    os.kill(daemon.pid, signal.SIGSTOP)
    wait_until(lambda: processes()[daemon.pid][1] == "T", "the supervisor to stand still")
    while daemon.manager.next_message("WATCHDOG=1", 0.2):
        pass
    expect_equal(daemon.manager.next_message("WATCHDOG=1", 1), None, "what the manager was told")
    before = told(daemon)
    os.kill(daemon.pid, signal.SIGCONT)
    wait_until(lambda: told(daemon) > before + 1, "the manager to be told again and again")
    expect_equal(daemon.log.find("gate_lied"), [], "gates that were blamed")
