# SPDX-License-Identifier: ISC
"""reeved --explain: what happens, a line for each system call, in the order in which it does."""

import re

from claims import claim, expect, expect_equal
from harness import wait_until
from talk import ask, receive_all

LINE = re.compile(r"(reeved|reeve-gate)\[\d+\] ([a-z0-9_]+)\((.*)$")


def explained(scene, table):
    """A daemon all of whose lines up to its start have been read: READY=1 may come before them."""
    daemon = scene.daemon(table, args=["--explain"])
    daemon.wait_for_event("started")
    return daemon


def calls(daemon, since=0):
    """(process, call, what follows) of each line."""
    found = [LINE.match(line) for line in daemon.log.text().split("\n")]
    return [match.groups() for match in found if match][since:]


def port(daemon, kind):
    """That of the first socket of that kind."""
    lines = calls(daemon)
    begin = next(i for i, line in enumerate(lines) if line[1] == "socket" and kind in line[2])
    name = next(line[2] for line in lines[begin:] if line[1] == "getsockname")
    return ("127.0.0.1", int(re.search(r"127\.0\.0\.1:(\d+)", name).group(1)))


def expect_order(daemon, since, wanted):
    """These calls come in that order, whatever stands between them: process, call, and a pattern
    for what follows."""

    def is_all_there():
        rest = iter(calls(daemon, since))
        return all(any(line[:2] == want[:2] and re.search(want[2], line[2]) for line in rest)
                   for want in wanted)
    wait_until(is_all_there, "%s in that order among\n%s" % (
        wanted, "\n".join(str(line) for line in calls(daemon, since))))


@claim()
def a_connection_to_a_built_in_is_told_from_socket_to_close(scene):
    daemon = explained(scene, scene.line("echo", "tcp4"))
    expect_order(daemon, 0, [
        ("reeved", "socket", r"AF_INET, SOCK_STREAM\) = \d+:"),
        ("reeved", "bind", r"127\.0\.0\.1:0\)"),
        ("reeved", "listen", r"\d+, 4096\)"),
        ("reeved", "getsockname", r"127\.0\.0\.1:[1-9]"),
        ("reeved", "clone", r"= \d+"),
        ("reeved", "execve", r"reeve-gate"),
        ("reeved", "sendmsg", r"gate 0"),
        ("reeve-gate", "recvmsg", r"127\.0\.0\.1:[1-9]")])
    mark = len(calls(daemon))
    client = scene.connect(port(daemon, "SOCK_STREAM"))
    expect_equal(ask(client, b"hi\x1b\n"), b"hi\x1b\n", "the echo")
    name = re.escape("%s:%d" % client.getsockname())
    client.shutdown(1)
    expect_equal(receive_all(client), b"", "what follows")
    expect_order(daemon, mark, [
        ("reeve-gate", "epoll_wait", ""),
        ("reeve-gate", "accept4", name),
        ("reeve-gate", "recv", r'= 4 "hi\\x1b\\n"'),
        ("reeve-gate", "send", r'"hi\\x1b\\n"\) = 4'),
        ("reeve-gate", "recv", "= 0"),
        ("reeve-gate", "close", "")])


@claim()
def a_program_is_told_from_the_accept_to_its_end(scene):
    daemon = explained(scene, scene.program("cat", "/bin/cat"))
    mark = len(calls(daemon))
    client = scene.connect(port(daemon, "SOCK_STREAM"))
    expect_equal(ask(client, b"hello"), b"hello", "the answer")
    client.shutdown(1)
    expect_equal(receive_all(client), b"", "what follows")
    expect_order(daemon, mark, [
        ("reeve-gate", "accept4", ""),
        ("reeve-gate", "sendmsg", "goes to reeved"),
        ("reeved", "clone", ""),
        ("reeved", "execve", "/bin/cat"),
        ("reeved", "close", "reeved's copy"),
        ("reeved", "wait4", "exit status, 0")])


@claim()
def a_datagram_is_told_with_its_answer(scene):
    daemon = explained(scene, scene.line("echo", "udp4"))
    mark = len(calls(daemon))
    client = scene.connect(port(daemon, "SOCK_DGRAM"), "udp4")
    client.send(b"x" * 100)
    expect_equal(client.recv(200), b"x" * 100, "the answer")
    name = re.escape("%s:%d" % client.getsockname())
    shown = '"' + "x" * 60 + '"\.\.\.'
    expect_order(daemon, mark, [
        ("reeve-gate", "epoll_wait", ""),
        ("reeve-gate", "recvmmsg", "= 100 " + shown + ".*" + name),
        ("reeve-gate", "sendmmsg", shown + r"\) = 100.*" + name)])


@claim()
def a_carried_programs_bytes_are_told_both_ways(scene):
    daemon = explained(scene, scene.program("cat", "/bin/cat", keys="stdio=pipe"))
    mark = len(calls(daemon))
    client = scene.connect(port(daemon, "SOCK_STREAM"))
    expect_equal(ask(client, b"hello"), b"hello", "the answer")
    expect_order(daemon, mark, [
        ("reeve-gate", "read", "hello"), ("reeve-gate", "write", "hello"),
        ("reeve-gate", "read", "hello"), ("reeve-gate", "write", "hello")])


@claim()
def without_it_nothing_is_explained(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4"), args=["--verbose"])
    expect_equal(ask(daemon.client("echo"), b"hello"), b"hello", "the echo")
    expect(not calls(daemon), "it explains: %s", calls(daemon))
