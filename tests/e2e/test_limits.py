# SPDX-License-Identifier: ISC
"""Limits: when full, clients wait in the kernel's queue; nobody is accepted and then closed."""

import os
import resource
import signal
import time

from claims import SLOW, Skip, claim, expect, expect_equal
from harness import wait_until
from system import cpu_seconds
from talk import ask, is_silent, receive, receive_line


@claim(each=["1", "2"])
def instances_of_a_built_in_are_never_exceeded_and_everybody_is_served_in_the_end(scene, gates):
    daemon = scene.daemon(scene.line("echo", "tcp4", keys="instances=2"), args=["--gates", gates])
    waiting = [daemon.client("echo") for _ in range(12)]
    for client in waiting:
        client.sendall(b"x")
    while waiting:
        wanted = min(2, len(waiting))
        wait_until(lambda: sum(not is_silent(client) for client in waiting) >= wanted,
                   "%d clients to be served" % wanted)
        served = [client for client in waiting if not is_silent(client)]
        expect_equal(len(served), wanted, "clients served at once")
        for client in served:
            expect_equal(receive(client, 1), b"x", "its answer")
        expect_equal(ask(served[0], b"again"), b"again", "another answer for who is served")
        expect(all(is_silent(client) for client in waiting), "more than %d are served", wanted)
        for client in served:
            client.close()
            waiting.remove(client)
    daemon.wait_for_event("service_full", service="echo")


@claim(each=["1", "2"], needs=["probe"])
def instances_of_a_program_are_never_exceeded_and_everybody_is_served_in_the_end(scene, gates):
    daemon = scene.daemon(scene.program("hold", scene.probe + " hold", keys="instances=2"),
                          args=["--gates", gates])
    waiting = [daemon.client("hold") for _ in range(8)]
    while waiting:
        wanted = min(2, len(waiting))
        wait_until(lambda: sum(not is_silent(client) for client in waiting) >= wanted,
                   "%d programs to serve" % wanted)
        served = [client for client in waiting if not is_silent(client)]
        expect_equal(len(served), wanted, "clients served at once")
        for client in served:
            expect_equal(receive_line(client).split()[0], "ready", "its program's word")
        expect(len(daemon.handlers()) <= 2, "more than two programs run")
        for client in served:
            client.close()
            waiting.remove(client)
    daemon.wait_for_event("handler_ended", service="hold", count=8)


@claim()
def a_full_service_takes_no_time_from_the_processor_and_none_from_others(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4", keys="instances=1")
                          + scene.line("other", "tcp4", "builtin:echo"))
    ask(daemon.client("echo"), b"x")
    for _ in range(20):
        daemon.client("echo").sendall(b"y")
    daemon.wait_for_event("service_full", service="echo")
    expect_no_spin(daemon)
    expect_equal(ask(daemon.client("other"), b"x"), b"x", "another service's answer")


def expect_no_spin(daemon):
    """In one second of nothing to do the daemon may not use a fifth of it."""
    before = {pid: cpu_seconds(pid) for pid in daemon.family()}
    time.sleep(1)  # the time in which it may not work is what is measured
    used = sum(cpu_seconds(pid) - before[pid] for pid in before)
    expect(used < 0.2 * SLOW, "%.2f s of processor time in one second of waiting", used)


@claim(seconds=30)
def a_gate_out_of_descriptors_neither_spins_nor_loses_the_port(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4"), args=["--gates", "1"])
    gate = daemon.gates()[0]
    limit = 50  # a few more than it has
    try:
        resource.prlimit(gate, resource.RLIMIT_NOFILE, (limit, limit))
    except PermissionError:
        raise Skip("may not change the limits of the gate from outside") from None
    clients = [daemon.client("echo") for _ in range(200)]
    for client in clients:
        client.sendall(b"x")
    served = wait_until(lambda: [client for client in clients if not is_silent(client)],
                        "the first clients to be served")
    expect_no_spin(daemon)
    expect_equal(daemon.gates(), [gate], "gates")
    while clients:
        served = wait_until(lambda: [client for client in clients if not is_silent(client)],
                            "further clients to be served")
        for client in served:
            expect_equal(receive(client, 1), b"x", "its answer")
            client.close()
            clients.remove(client)


@claim(each=["64", "80", "128", "150"], seconds=30)
def a_daemon_with_few_descriptors_serves_two_hundred_clients_in_turn_or_says_why_not(scene, files):
    daemon = scene.daemon(scene.line("echo", "tcp4"), args=["--gates", "1"], is_ready=False,
                          launch={"files": [int(files), int(files)]})
    wait_until(lambda: daemon.log.find("started") or daemon.process.poll() is not None, "a start")
    if daemon.process.poll() is not None:
        daemon.expects_status = 1
        daemon.log.thread.join(2)
        expect("descriptors" in daemon.log.text(), "no reason: %s", daemon.log.text())
        expect(int(files) < 80, "%s descriptors are enough for one service", files)
        return
    clients = [daemon.client("echo") for _ in range(200)]
    for client in clients:
        client.sendall(b"x")
    expect_no_spin(daemon)
    while clients:
        served = wait_until(lambda: [client for client in clients if not is_silent(client)],
                            "further clients to be served")
        for client in served:
            expect_equal(receive(client, 1), b"x", "its answer")
            client.close()
            clients.remove(client)


@claim(needs=["probe"], seconds=30)
def programs_beyond_the_descriptors_wait_or_fail_and_never_kill_the_daemon(scene):
    daemon = scene.daemon(scene.program("hold", scene.probe + " hold"), args=["--gates", "1"],
                          launch={"files": [220, 220]})
    clients = [daemon.client("hold") for _ in range(150)]
    wait_until(lambda: sum(not is_silent(client) for client in clients) > 10,
               "some programs to serve")
    expect_no_spin(daemon)
    for client in clients:
        client.close()
    wait_until(lambda: not daemon.handlers(), "the programs to end", 15 * SLOW)
    last = daemon.client("hold")
    expect_equal(receive_line(last).split()[0], "ready", "a program's word after that")
    expect_equal(len(daemon.gates()), 1, "gates")


@claim(seconds=40)
def a_thousand_idle_clients_need_no_process_and_no_processor(scene):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    daemon = scene.daemon(scene.line("echo", "tcp4", keys="instances=2000"),
                          launch={"files": [min(hard, 4096), hard]})
    count = min(1000, hard // 2)
    clients = [daemon.client("echo") for _ in range(count)]
    for client in clients:
        ask(client, b"x")
    expect_equal(daemon.handlers(), [], "processes besides the gates")
    expect_no_spin(daemon)
    for client in clients:
        expect_equal(ask(client, b"y"), b"y", "the answer of an idle client")


@claim()
def a_burst_of_clients_while_the_daemon_is_stopped_is_served_afterwards(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4"), args=["--gates", "1"])
    address = daemon.address("echo", "tcp4")
    gate = daemon.gates()[0]
    os.kill(gate, signal.SIGSTOP)
    clients = [scene.connect(address) for _ in range(400)]
    os.kill(gate, signal.SIGCONT)
    for client in clients:
        expect_equal(ask(client, b"x"), b"x", "the answer")
