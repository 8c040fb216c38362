# SPDX-License-Identifier: ISC
"""SIGHUP: all or nothing, and nobody who is being served notices."""

import os
import signal
import socket
import threading

from claims import claim, expect, expect_equal
from harness import descriptor_counts, wait_for_no_more_descriptors, wait_until
from system import free_port, free_ports, own_memory_kib
from talk import ask, is_refused, is_silent, receive, receive_all, receive_datagram, receive_line


def inode_of_listener(port):
    """The inode of the socket that listens on 127.0.0.1:port (all, when there is one a gate)."""
    wanted = "0100007F:%04X" % port
    with open("/proc/net/tcp", encoding="ascii") as table:
        rows = [line.split() for line in table]
    return sorted(row[9] for row in rows if row[1] == wanted and row[3] == "0A")


@claim()
def a_reload_keeps_the_socket_of_an_unchanged_service(scene):
    table = scene.line("echo", "tcp4")
    daemon = scene.daemon(table)
    port = daemon.port("echo")
    before = inode_of_listener(port)
    expect(before, "no listener in /proc/net/tcp")
    event = daemon.reload(table + scene.line("other", "tcp4", "builtin:echo"))
    expect_equal(inode_of_listener(port), before, "the listening sockets")
    expect_equal((event["closed"], int(event["opened"]) > 0), ("0", True), "closed, opened")
    for service in ("echo", "other"):
        expect_equal(ask(daemon.client(service), b"x"), b"x", "the answer of " + service)


@claim(each=["1", "2"])
def a_client_in_the_kernels_queue_survives_a_reload(scene, gates):
    table = scene.line("echo", "tcp4", keys="instances=1")
    daemon = scene.daemon(table, args=["--gates", gates])
    first = daemon.client("echo")
    ask(first, b"mine")
    waiting = [daemon.client("echo") for _ in range(5)]
    for client in waiting:
        client.sendall(b"x")
    daemon.wait_for_event("service_full", service="echo")
    for _ in range(3):
        daemon.reload(table)
    expect(all(is_silent(client) for client in waiting), "a waiting client was served or ended")
    first.close()
    while waiting:
        wait_until(lambda: not all(is_silent(client) for client in waiting),
                   "one of %d waiting clients to be served" % len(waiting))
        for client in [client for client in waiting if not is_silent(client)]:
            expect_equal(receive(client, 1), b"x", "a waiting client's answer")
            client.close()
            waiting.remove(client)


@claim()
def a_removed_service_is_closed_and_its_sessions_finish(scene):
    other = scene.line("other", "tcp4", "builtin:echo")
    daemon = scene.daemon(scene.line("echo", "tcp4") + other)
    address = daemon.address("echo", "tcp4")
    client = daemon.client("echo")
    ask(client, b"before")
    daemon.reload(other)
    wait_until(lambda: is_refused(address), "new clients to be refused")
    daemon.wait_for_event("listen_closed", service="echo")
    expect_equal(ask(client, b"after"), b"after", "the session's answer")
    client.shutdown(socket.SHUT_WR)
    expect_equal(receive_all(client), b"", "its end")


@claim()
def a_removed_datagram_service_is_closed(scene):
    other = scene.line("other", "tcp4", "builtin:echo")
    daemon = scene.daemon(scene.line("echo", "udp4") + other)
    client = daemon.client("echo", "udp4")
    client.send(b"x")
    receive_datagram(client)
    daemon.reload(other)

    def is_closed():
        try:
            client.send(b"y")
            client.recv(10)
        except ConnectionRefusedError:
            return True
        return False
    wait_until(is_closed, "the port to be closed")


@claim()
def a_port_moves(scene):
    old, new = free_ports(2)
    daemon = scene.daemon(scene.echo_at(old))
    client = daemon.client("echo")
    ask(client, b"before")
    daemon.reload(scene.echo_at(new))
    moved = scene.connect(("127.0.0.1", new))
    expect_equal(ask(moved, b"there"), b"there", "the answer on the new port")
    wait_until(lambda: is_refused(("127.0.0.1", old)), "the old port to be closed")
    expect_equal(ask(client, b"after"), b"after", "the old session's answer")


@claim()
def a_port_goes_from_one_service_to_another(scene):
    port = free_port()
    daemon = scene.daemon("first 127.0.0.1:%d/tcp4 builtin:discard\n" % port)
    daemon.reload("second 127.0.0.1:%d/tcp4 builtin:echo\n" % port)
    expect_equal(ask(scene.connect(("127.0.0.1", port)), b"mine now"), b"mine now", "the answer")


@claim(needs=["probe"])
def a_service_changes_from_a_built_in_to_a_program_and_back(scene):
    port = free_port()
    program = "it 127.0.0.1:%d/tcp4 %s %s hold\n" % (port, scene.user, scene.probe)
    builtin = "it 127.0.0.1:%d/tcp4 builtin:echo\n" % port
    daemon = scene.daemon(builtin)
    before = inode_of_listener(port)
    for _ in range(2):
        daemon.reload(program)
        expect_equal(receive_line(daemon.client("it")).split()[0], "ready", "the program")
        daemon.reload(builtin)
        expect_equal(ask(daemon.client("it"), b"ready?"), b"ready?", "the built-in's answer")
    expect_equal(inode_of_listener(port), before, "the listening sockets")


@claim()
def more_instances_take_effect_without_anybody_leaving(scene):
    port = free_port()
    daemon = scene.daemon(scene.echo_at(port, "instances=1"))
    first = daemon.client("echo")
    ask(first, b"x")
    waiting = daemon.client("echo")
    waiting.sendall(b"y")
    daemon.wait_for_event("service_full", service="echo")
    expect(is_silent(waiting), "the second client was served")
    daemon.reload(scene.echo_at(port, "instances=2"))
    expect_equal(receive(waiting, 1), b"y", "the waiting client's answer")


@claim(needs=["probe"])
def a_running_program_is_never_signalled_by_a_reload(scene):
    table = scene.program("hold", scene.probe + " hold")
    other = scene.line("other", "tcp4", "builtin:echo")
    daemon = scene.daemon(table + other)
    client, pid = daemon.hold()
    daemon.reload(table + other)
    daemon.reload(other)  # its service is gone now
    daemon.write_table("nonsense")
    daemon.reload(wanted="reload_refused")
    expect_equal(ask(client, b"no signal came\n"), b"no signal came\n", "what the program says")
    client.close()
    daemon.wait_for_event("handler_ended", pid=pid, ending="exited")


@claim(each=["a mistake", "nothing there", "a folder", "a port that is taken"])
def a_broken_configuration_changes_nothing_and_says_why(scene, breakage):
    table = scene.line("echo", "tcp4")
    daemon = scene.daemon(table + scene.line("gone", "tcp4", "builtin:echo"))
    port = daemon.port("echo")
    before = inode_of_listener(port)
    client = daemon.client("echo")
    ask(client, b"before")
    new = scene.line("new", "tcp4", "builtin:echo")
    if breakage == "a mistake":
        daemon.write_table(table + new + "bad 0/tpc builtin:echo\n")
    elif breakage == "a port that is taken":
        taken = scene.keep(socket.create_server(("127.0.0.1", 0)))
        daemon.write_table(table + new + "bad 127.0.0.1:%d/tcp4 builtin:echo\n"
                           % taken.getsockname()[1])
    else:
        os.unlink(daemon.services)
        if breakage == "a folder":
            os.mkdir(daemon.services)
    mark = daemon.log.mark()
    event = daemon.reload(wanted="reload_refused")
    expect(int(event["complaints"]) > 0, "no complaints: %s", event.line)
    reasons = [found["complaint"] for found in daemon.log.find("config_mistake", since=mark)]
    expect(any(daemon.services in reason or "bad" in reason for reason in reasons),
           "no reason with a place: %s", reasons)
    expect_equal(daemon.log.find("reloaded", since=mark), [], "a reload that was refused")
    expect_equal(inode_of_listener(port), before, "the listening sockets")
    expect_equal(ask(client, b"after"), b"after", "the session's answer")
    for service in ("echo", "gone"):
        expect_equal(ask(daemon.client(service), b"x"), b"x", "the answer of " + service)
    if breakage == "a folder":
        os.rmdir(daemon.services)
    daemon.reload(table + new)
    expect_equal(ask(daemon.client("new"), b"x"), b"x", "the answer after the mending")


@claim(seconds=40)
def forty_reloads_leak_no_descriptor_and_no_process(scene):
    table = scene.line("echo", "tcp4") + scene.line("time", "udp4") + scene.line("it", "unix",
                                                                                 "builtin:echo")
    more = table + scene.line("more", "tcp4", "builtin:echo") + scene.line("dg", "unix-dgram",
                                                                           "builtin:echo")
    daemon = scene.daemon(table, args=["--gates", "2"])
    daemon.reload(more)
    daemon.reload(table)
    family = daemon.family()
    before = descriptor_counts(daemon)
    for _ in range(20):
        daemon.reload(more)
        daemon.reload(table)
    expect_equal(daemon.family(), family, "processes")
    wait_for_no_more_descriptors(daemon, before)
    expect_equal(ask(daemon.client("echo"), b"x"), b"x", "the answer after all of them")


@claim()
def many_signals_to_reload_at_once_end_in_the_newest_table(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4"))
    for number in range(20):
        daemon.write_table(scene.line("s%d" % number, "tcp4", "builtin:echo"))
        os.kill(daemon.pid, signal.SIGHUP)
    daemon.wait_for_event("listening", service="s19")
    expect_equal(ask(daemon.client("s19"), b"newest"), b"newest", "the answer")


@claim()
def a_program_that_becomes_a_builtin_and_back_loses_no_client_and_no_gate(scene):
    # Both answer alike. The name keeps the port that the kernel picked.
    tables = [scene.program("swap", "/bin/cat"), scene.line("swap", "tcp4", "builtin:echo")]
    daemon = scene.daemon(tables[0])
    address = daemon.address("swap", "tcp4")
    is_over = threading.Event()
    answers = []

    def come_and_go():
        while not is_over.is_set():
            client = scene.connect(address)
            try:
                answers.append(ask(client, b"x"))
            except OSError as problem:
                answers.append(problem)
            client.close()

    visitors = [threading.Thread(target=come_and_go) for _ in range(4)]
    for visitor in visitors:
        visitor.start()
    try:
        for round_number in range(20):
            daemon.reload(tables[(round_number + 1) % 2])
    finally:
        is_over.set()
        for visitor in visitors:
            visitor.join()
    expect(len(answers) > 20, "only %d clients came", len(answers))
    expect_equal([answer for answer in answers if answer != b"x"], [], "wrong answers")
    for name in ("gate_lied", "gate_ended"):
        expect_equal(daemon.log.find(name), [], name)


@claim()
def a_refused_reload_leaves_no_socket_file_behind(scene):
    table = scene.line("echo", "tcp4")
    daemon = scene.daemon(table)
    taken = scene.keep(socket.create_server(("127.0.0.1", 0)))
    path = scene.new_path(".sock")
    daemon.write_table(table + "new %s/unix builtin:echo\n" % path
                       + "bad 127.0.0.1:%d/tcp4 builtin:echo\n" % taken.getsockname()[1])
    daemon.reload(wanted="reload_refused")
    expect(not os.path.lexists(path), "%s is there", path)


def expect_memory_given_back(scene, mistake, wanted):
    """After three reloads of a long table, to which that line is added."""
    table = "".join(scene.program("s%d" % i, "/bin/true " + " ".join(
        "%d.%d.%s" % (i, j, "x" * 40) for j in range(200))) for i in range(100))
    daemon = scene.daemon(table)
    before = [own_memory_kib(pid) for pid in daemon.family()]
    daemon.write_table(table + mistake)
    for _ in range(3):
        daemon.reload(wanted=wanted)

    def after():
        return [own_memory_kib(pid) for pid in daemon.family()]
    scene.note("KiB before and after: %s, %s" % (before, after()))
    wait_until(lambda: all(now <= 1.3 * then for now, then in zip(after(), before)),
               "%s KiB before the reloads: as little as that" % before)


@claim(needs=["plain memory"])
def what_reloads_of_many_services_take_is_given_back(scene):
    expect_memory_given_back(scene, "", "reloaded")


@claim(needs=["plain memory"])
def what_a_refused_reload_of_many_services_takes_is_given_back(scene):
    expect_memory_given_back(scene, "no such line\n", "reload_refused")
