# SPDX-License-Identifier: ISC
"""How long programs live, who ends them, and what is told of the bytes that they moved."""

import os
import signal
import socket
import struct

from claims import IS_ROOT, WAIT, Skip, claim, expect, expect_equal
from harness import wait_until
from system import free_port
from talk import ask, receive, receive_all, receive_line

SO_COOKIE = 57
MEASURED = ["bytes_in", "bytes_out", "rtt_us", "retransmits"]


def tells_ends():
    """Does this kernel tell of the ends of connections?"""
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 4) as notices:
            notices.bind((0, 0))
            notices.setsockopt(270, 1, 1)
    except OSError:
        return False
    return True


def needs_notices():
    if not tells_ends():
        raise Skip("this kernel does not tell of the ends of connections")


def serve(scene, handler, keys="", protocol="tcp4", **rest):
    return scene.daemon(scene.program("it", handler, protocol, keys), **rest)


def ended(daemon, **fields):
    return daemon.wait_for_event("handler_ended", service="it", **fields)


def expect_bytes(event, bytes_in, bytes_out):
    expect_equal((event["bytes_in"], event["bytes_out"]), (str(bytes_in), str(bytes_out)),
                 "bytes in and out")


# --- what is told of a connection


@claim(each=["tcp4", "tcp6"])
def the_bytes_of_a_program_are_told_when_the_client_ends_first(scene, protocol):
    needs_notices()
    daemon = serve(scene, "/bin/cat", protocol=protocol)
    client = daemon.client("it", protocol)
    sent = os.urandom(300000)
    reader = ask(client, sent[:1000])
    expect_equal(reader, sent[:1000], "what came back")
    client.shutdown(socket.SHUT_WR)
    expect_equal(receive_all(client), b"", "the rest")
    event = ended(daemon)
    expect_bytes(event, 1000, 1000)
    expect(int(event["rtt_us"]) > 0, "no round trip: %s", event.line)
    expect_equal(event["retransmits"], "0", "retransmits")


@claim(each=["tcp4", "tcp6"])
def the_bytes_of_a_program_are_told_when_the_program_ends_first(scene, protocol):
    needs_notices()
    daemon = serve(scene, "/bin/sh -c \"read line; head -c 200000 /dev/zero\"", protocol=protocol)
    client = daemon.client("it", protocol)
    client.sendall(b"twelve bytes\n")
    expect_equal(len(receive_all(client)), 200000, "bytes that came")
    expect_bytes(ended(daemon), 13, 200000)


@claim()
def the_bytes_of_a_program_that_nobody_spoke_to_are_0(scene):
    needs_notices()
    daemon = serve(scene, "/bin/cat")
    daemon.client("it").close()
    expect_bytes(ended(daemon), 0, 0)


@claim(needs=["probe"])
def a_connection_that_a_child_of_the_program_still_holds_is_told_as_far_as_it_has_come(scene):
    needs_notices()
    daemon = serve(scene, scene.probe + " hold")
    client, pid = daemon.hold("it")
    client.sendall(b"orphan\n")
    orphan = receive_line(client)
    event = ended(daemon, pid=pid)
    expect_bytes(event, len("orphan\n"), len("ready %d\n%s\n" % (pid, orphan)))
    expect_equal(ask(client, b"still\n"), b"still\n", "the child's answer")


@claim(needs=["probe"])
def a_program_on_a_unix_socket_has_no_bytes_in_its_event(scene):
    daemon = serve(scene, scene.probe + " hold", protocol="unix")
    client = daemon.client("it", "unix")
    receive_line(client)
    client.close()
    event = ended(daemon)
    expect_equal([name for name in MEASURED if name in event.fields], [], "fields")


@claim()
def the_processor_time_of_a_program_is_told(scene):
    daemon = serve(scene, "/bin/sh -c \"i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done\"")
    receive_all(daemon.client("it"))
    expect(int(ended(daemon)["cpu_ms"]) > 0, "no time")


@claim()
def a_built_in_tells_its_round_trip_and_retransmits(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4") + scene.line("local", "unix", "builtin:echo"))
    client = daemon.client("echo")
    ask(client, b"hello")
    client.close()
    event = daemon.wait_for_event("conn_ended", service="echo")
    expect(int(event["rtt_us"]) > 0, "no round trip: %s", event.line)
    expect_equal((event["bytes_in"], event["bytes_out"], event["retransmits"]), ("5", "5", "0"),
                 "bytes and retransmits")
    client = daemon.client("local", "unix")
    ask(client, b"hello")
    client.close()
    event = daemon.wait_for_event("conn_ended", service="local")
    expect("rtt_us" not in event.fields, "a round trip without a network: %s", event.line)


@claim(needs=["probe"])
def the_client_sees_the_end_though_the_supervisor_stands_still(scene):
    daemon = serve(scene, scene.probe + " hold", keys="idle=1h max_time=1h first_byte=1h")
    client, _ = daemon.hold("it")
    os.kill(daemon.pid, signal.SIGSTOP)
    scene.stack.callback(os.kill, daemon.pid, signal.SIGCONT)
    client.sendall(b"exit 0\n")
    expect_equal(receive_all(client), b"", "what follows")


def netlink_sockets(pid):
    """How many of its descriptors are sockets for sock_diag."""
    with open("/proc/%d/net/netlink" % pid, encoding="utf-8") as table:
        rows = [line.split() for line in table][1:]
    inodes = {row[9] for row in rows if row[1] == "4"}
    targets = []
    for name in os.listdir("/proc/%d/fd" % pid):
        try:
            targets.append(os.readlink("/proc/%d/fd/%s" % (pid, name)))
        except FileNotFoundError:
            continue
    return sum(target[len("socket:["):-1] in inodes for target in targets)


@claim(needs=["probe"])
def the_kernel_is_asked_for_nothing_that_will_not_be_written(scene):
    port = free_port()
    daemon = scene.daemon("it 127.0.0.1:%d/tcp4 %s %s hold\n" % (port, scene.user, scene.probe),
                          settings='log_level = "notice";')
    receive_line(scene.connect(("127.0.0.1", port)))
    expect_equal(netlink_sockets(daemon.pid), 0, "sockets for what nobody reads")
    other = scene.daemon(scene.line("echo", "tcp4"))
    ask(other.client("echo"), b"hello")
    expect_equal(netlink_sockets(other.pid), 0, "sockets without a program")


@claim(seconds=120)
def programs_that_end_at_once_have_each_its_own_bytes(scene):
    needs_notices()
    # The system gives a plain user room for a few hundred notices.
    count = 1000 if IS_ROOT else 100
    daemon = serve(scene, "/bin/cat")
    clients = [daemon.client("it") for _ in range(count)]
    for number, client in enumerate(clients):
        client.sendall(b"x" * (number + 1))
    for number, client in enumerate(clients):
        receive(client, number + 1)
    for client in clients:
        client.close()
    daemon.wait_for_event("handler_ended", count=count, seconds=4 * WAIT)
    told = sorted(int(event["bytes_in"]) for event in daemon.log.find("handler_ended"))
    expect_equal(told, list(range(1, count + 1)), "bytes in of each")
