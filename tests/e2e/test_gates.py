# SPDX-License-Identifier: ISC
"""Gates: what they may do, and what happens when one dies."""

import contextlib
import os
import pwd
import signal
import socket
import threading

from claims import IS_ROOT, SLOW, WAIT, claim, expect, expect_equal
from harness import wait_until
from system import descriptors, is_gone, proc_field
from talk import ask, receive, receive_all, receive_datagram, receive_line


def kill_gate(daemon):
    """Kill the oldest gate and wait for the one that takes its place."""
    victim = daemon.gates()[0]
    mark = daemon.log.mark()
    os.kill(victim, signal.SIGKILL)
    daemon.wait_for_event("gate_ended", since=mark, pid=victim, signal=9)
    return daemon.wait_for_event("gate_started", since=mark)


@claim(needs=["root"])
def a_gate_of_root_is_not_root(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4"), args=["--gates", "2"])
    for gate in daemon.gates():
        uids = set(proc_field(gate, "Uid").split())
        expect("0" not in uids and len(uids) == 1, "uids of the gate: %s", uids)
        gids = set(proc_field(gate, "Gid").split())
        expect("0" not in gids and len(gids) == 1, "gids of the gate: %s", gids)
        expect("0" not in proc_field(gate, "Groups").split(), "the gate is in group 0")


@claim(needs=["root"])
def the_gates_user_can_be_chosen(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4"), settings='gate_user = "daemon";')
    expect_equal(proc_field(daemon.gates()[0], "Uid").split()[0],
                 str(pwd.getpwnam("daemon").pw_uid), "uid of the gate")


@claim()
def a_gate_has_no_capability_no_way_to_new_ones_and_a_seccomp_filter(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4"), args=["--gates", "2"])
    expect_equal(len(daemon.gates()), 2, "gates")
    for gate in daemon.gates():
        for name in ("CapEff", "CapPrm", "CapInh", "CapAmb", "CapBnd" if IS_ROOT else "CapEff"):
            expect_equal(int(proc_field(gate, name), 16), 0, name)
        expect_equal(proc_field(gate, "NoNewPrivs"), "1", "NoNewPrivs")
        expect_equal(proc_field(gate, "Seccomp"), "2", "Seccomp")


@claim(needs=["root"])
def a_gate_holds_no_file_of_the_file_system(scene):
    path = scene.write("quotations", "One.\n%\nTwo.\n")
    daemon = scene.daemon(scene.line("qotd", "tcp4", keys="file=" + path))
    receive_all(daemon.client("qotd"))
    for gate in daemon.gates():
        files = [os.readlink("/proc/%d/fd/%d" % (gate, fd)) for fd in descriptors(gate)]
        expect_equal([name for name in files if name.startswith("/")
                      and not name.startswith(("/dev/null", "/memfd:")) and name != path], [],
                     "files of the gate")


@claim()
def a_dead_gate_is_replaced_at_once_and_everything_is_served(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4") + scene.line("dg", "udp4", "builtin:echo")
                          + scene.line("local", "unix", "builtin:echo"), args=["--gates", "1"])
    lost = daemon.client("echo")
    ask(lost, b"x")
    kill_gate(daemon)
    expect(is_reset(lost) or lost.recv(1) == b"", "a session of the dead gate goes on")
    expect_equal(ask(daemon.client("echo"), b"tcp"), b"tcp", "the answer")
    expect_equal(ask(daemon.client("local", "unix"), b"unix"), b"unix", "the answer")
    client = daemon.client("dg", "udp4")
    client.send(b"udp")
    expect_equal(receive_datagram(client)[0], b"udp", "the answer")


def is_reset(client):
    try:
        client.recv(1, socket.MSG_PEEK)
    except ConnectionResetError:
        return True
    return False


class Load(threading.Thread):
    """Clients one after another; counts the served, the lost and the refused."""

    def __init__(self, address):
        super().__init__()
        self.address = address
        self.is_over = threading.Event()
        self.served = 0
        self.lost = 0
        self.refused = []

    def run(self):
        while not self.is_over.is_set():
            try:
                with contextlib.closing(socket.create_connection(self.address, WAIT)) as client:
                    client.sendall(b"x")
                    if client.recv(1) == b"x":
                        self.served += 1
                    else:
                        self.lost += 1
            except ConnectionRefusedError as problem:
                self.refused.append(problem)
            except OSError:
                self.lost += 1


@claim(each=["1", "2"], seconds=40)
def no_client_is_refused_while_gates_are_killed_under_load(scene, gates):
    daemon = scene.daemon(scene.line("echo", "tcp4"), args=["--gates", gates])
    loads = [Load(daemon.address("echo", "tcp4")) for _ in range(4)]
    for load in loads:
        load.start()
    try:
        for _ in range(3):
            seen = [load.served for load in loads]
            wait_until(lambda: all(load.served > before + 20
                                   for load, before in zip(loads, seen)), "clients to be served")
            kill_gate(daemon)
        seen = [load.served for load in loads]
        wait_until(lambda: all(load.served > before + 20
                               for load, before in zip(loads, seen)), "clients to be served")
    finally:
        for load in loads:
            load.is_over.set()
        for load in loads:
            load.join(WAIT)
    expect_equal([problem for load in loads for problem in load.refused], [], "refused clients")
    expect(sum(load.lost for load in loads) < 100, "%s clients were lost",
           [load.lost for load in loads])


@claim()
def clients_that_come_while_there_is_no_gate_wait_and_are_served(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4"), args=["--gates", "1"])
    address = daemon.address("echo", "tcp4")
    victim = daemon.gates()[0]
    os.kill(victim, signal.SIGSTOP)
    early = [scene.connect(address) for _ in range(50)]
    for client in early:
        client.sendall(b"early")
    os.kill(victim, signal.SIGKILL)
    for client in early:
        expect_equal(receive(client, 5), b"early", "the answer")


@claim(needs=["probe"])
def running_programs_are_untouched_by_the_death_of_a_gate_and_still_heard(scene):
    daemon = scene.daemon(scene.program("hold", scene.probe + " hold"), args=["--gates", "1"])
    client = daemon.client("hold")
    pid = int(receive_line(client).split()[1])
    kill_gate(daemon)
    expect_equal(ask(client, b"untouched\n"), b"untouched\n", "the program's answer")
    client.sendall(b"say heard by the new gate\n")
    daemon.wait_for_event("handler_said", service="hold", line="heard by the new gate")
    client.sendall(b"exit 5\n")
    daemon.wait_for_event("handler_ended", service="hold", pid=pid, exit_status=5)


@claim(needs=["probe"])
def the_places_of_a_dead_gate_are_free_again_and_those_of_programs_are_not(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4", keys="instances=2")
                          + scene.program("hold", scene.probe + " hold", keys="instances=1"),
                          args=["--gates", "1"])
    for _ in range(2):
        ask(daemon.client("echo"), b"x")
    holder = daemon.client("hold")
    receive_line(holder)
    kill_gate(daemon)
    for _ in range(2):
        expect_equal(ask(daemon.client("echo"), b"x"), b"x", "the answer")
    second = daemon.client("hold")
    daemon.wait_for_event("service_full", service="hold")
    holder.close()
    expect_equal(receive_line(second).split()[0], "ready", "the waiting client's program")


@claim(seconds=30)
def a_gate_that_dies_again_and_again_is_held_back(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4"), args=["--gates", "1"])
    waits = []
    for _ in range(4):
        mark = daemon.log.mark()
        os.kill(wait_until(daemon.gates, "a gate", 10 * SLOW)[0], signal.SIGKILL)
        waits.append(int(daemon.wait_for_event("gate_ended", since=mark)["restart_ms"]))
    expect_equal(waits[0], 0, "the wait after the first death")
    expect(waits[-1] > 0 and waits == sorted(waits), "no growing wait: %s", waits)
    daemon.wait_for_event("gate_started", since=mark, seconds=10 * SLOW)
    expect_equal(ask(daemon.client("echo"), b"x"), b"x", "the answer after all of them")


@claim()
def the_other_gates_connections_survive_the_death_of_one(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4"), args=["--gates", "2"])
    clients = [daemon.client("echo") for _ in range(40)]
    for client in clients:
        ask(client, b"x")
    kill_gate(daemon)
    alive = 0
    for client in clients:
        with contextlib.suppress(OSError):
            client.sendall(b"y")
            alive += client.recv(1) == b"y"
    expect(0 < alive < 40, "%d of 40 connections are alive", alive)


@claim()
def a_reload_reaches_a_gate_that_was_replaced(scene):
    table = scene.line("echo", "tcp4")
    daemon = scene.daemon(table, args=["--gates", "1"])
    daemon.reload(table + scene.line("first", "tcp4", "builtin:echo"))
    kill_gate(daemon)
    expect_equal(ask(daemon.client("first"), b"x"), b"x", "what a reload had added")
    daemon.reload(table + scene.line("second", "tcp4", "builtin:echo"))
    expect_equal(ask(daemon.client("second"), b"x"), b"x", "what a later reload added")


@claim()
def a_gate_killed_during_reloads_breaks_nothing(scene):
    table = scene.line("echo", "tcp4")
    daemon = scene.daemon(table, args=["--gates", "2"])
    for number in range(5):
        daemon.write_table(table + scene.line("more%d" % number, "tcp4", "builtin:echo"))
        mark = daemon.log.mark()
        gates = daemon.gates()
        os.kill(daemon.pid, signal.SIGHUP)
        if gates:
            os.kill(gates[0], signal.SIGKILL)
        wait_until(lambda: daemon.log.find("reloaded", since=mark)
                   or daemon.log.find("reload_refused", since=mark), "the end of the reload")
    daemon.reload(table)
    expect_equal(ask(daemon.client("echo"), b"x"), b"x", "the answer after all of them")


@claim()
def the_number_of_gates_can_be_chosen(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4"), settings="gates = 3;")
    expect_equal(len(daemon.gates()), 3, "gates")
    expect_equal(daemon.wait_for_event("started")["gates"], "3", "gates in the log")
    expect(not is_gone(daemon.gates()[2]), "the third gate is gone")
