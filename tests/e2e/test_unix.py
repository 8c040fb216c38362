# SPDX-License-Identifier: ISC
"""Unix sockets as files: their permissions, and what may lie in their place."""

import os
import pwd
import socket
import stat

from claims import WAIT, claim, expect, expect_equal
from harness import wait_until
from talk import ask, receive_datagram

KINDS = ["unix", "unix-dgram", "unix-seqpacket"]
TYPES = {"unix": socket.SOCK_STREAM, "unix-dgram": socket.SOCK_DGRAM,
         "unix-seqpacket": socket.SOCK_SEQPACKET}


def table(path, kind="unix", keys=""):
    return "local %s/%s %s builtin:echo\n" % (path, kind, keys)


def mode_of(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def is_served(daemon, kind="unix"):
    client = daemon.client("local", kind)
    client.send(b"here?")
    answer = receive_datagram(client)[0] if kind == "unix-dgram" else client.recv(100)
    expect_equal(answer, b"here?", "the answer")


def has_refused(daemon):
    """The port was not opened: the daemon has ended with 1."""
    if daemon.process.poll() is None:
        return False
    daemon.expects_status = 1
    return daemon.process.returncode == 1


@claim(each=KINDS)
def a_socket_file_gets_the_mode_of_its_line_whatever_the_umask(scene, kind):
    path = scene.path("it.sock")
    daemon = scene.daemon(table(path, kind, "mode=0640"), launch={"umask": 0o777})
    expect_equal(oct(mode_of(path)), oct(0o640), "mode")
    expect(stat.S_ISSOCK(os.stat(path).st_mode), "no socket")
    is_served(daemon, kind)


@claim()
def without_a_mode_everybody_may_connect(scene):
    path = scene.path("it.sock")
    scene.daemon(table(path))
    expect_equal(oct(mode_of(path)), oct(0o666), "mode")


@claim(needs=["root"])
def a_socket_file_gets_the_owner_and_group_of_its_line(scene):
    path = scene.path("it.sock")
    scene.daemon(table(path, keys="owner=nobody group=daemon"))
    facts = os.stat(path)
    expect_equal((facts.st_uid, facts.st_gid), (pwd.getpwnam("nobody").pw_uid, 1), "owner, group")


@claim(each=KINDS)
def a_stale_socket_file_is_replaced(scene, kind):
    path = scene.path("it.sock")
    stale = socket.socket(socket.AF_UNIX, TYPES[kind])
    stale.bind(path)
    stale.close()
    is_served(scene.daemon(table(path, kind)), kind)


@claim(each=KINDS)
def a_live_socket_is_not_taken_from_its_owner(scene, kind):
    path = scene.path("it.sock")
    owner = scene.socket(kind, source=path)
    if kind != "unix-dgram":
        owner.listen(5)
    before = os.stat(path).st_ino
    daemon = scene.daemon(table(path, kind), is_ready=False)
    wait_until(lambda: has_refused(daemon), "the refusal")
    expect_equal(os.stat(path).st_ino, before, "the owner's file")
    client = scene.connect(path, kind)
    client.send(b"for the owner")
    if kind == "unix-dgram":
        expect_equal(receive_datagram(owner)[0], b"for the owner", "what the owner got")
    else:
        # The daemon may have knocked to see whether somebody lives there.
        taken = [scene.keep(owner.accept()[0]) for _ in range(2)]
        expect(b"for the owner" in [conn.recv(100) for conn in taken], "the owner got nothing")


@claim()
def another_file_in_its_place_is_not_removed(scene):
    path = scene.write("it.sock", "precious")
    daemon = scene.daemon(table(path), is_ready=False)
    wait_until(lambda: has_refused(daemon), "the refusal")
    with open(path, encoding="utf-8") as file:
        expect_equal(file.read(), "precious", "the file")


@claim()
def a_symbolic_link_in_its_place_is_not_followed(scene):
    victim = scene.write("victim", "precious")
    os.symlink(victim, scene.path("it.sock"))
    daemon = scene.daemon(table(scene.path("it.sock"), keys="mode=0777"), is_ready=False)
    wait_until(lambda: has_refused(daemon) or daemon.log.find("listening"), "an answer")
    expect(os.path.exists(victim) and mode_of(victim) != 0o777, "the link was followed")


@claim(each=KINDS)
def a_socket_file_is_removed_at_the_end(scene, kind):
    path = scene.path("it.sock")
    daemon = scene.daemon(table(path, kind))
    is_served(daemon, kind)
    expect_equal(daemon.stop(), 0, "exit status")
    expect(not os.path.lexists(path), "the socket file is still there")


@claim(each=KINDS)
def a_start_after_a_hard_end_takes_over_the_left_file(scene, kind):
    path = scene.path("it.sock")
    first = scene.daemon(table(path, kind))
    is_served(first, kind)
    gates = first.gates()
    first.expects_status = -9
    first.process.kill()
    first.process.wait(WAIT)
    wait_until(lambda: not set(gates) & set(scene.leftovers()), "the gates to end")
    second = scene.daemon(table(path, kind))
    is_served(second, kind)


@claim()
def a_mode_is_changed_by_a_reload_and_the_socket_is_kept(scene):
    path = scene.path("it.sock")
    daemon = scene.daemon(table(path, keys="mode=0600"))
    client = daemon.client("local", "unix")
    before = os.stat(path).st_ino
    daemon.reload(table(path, keys="mode=0660"))
    expect_equal(oct(mode_of(path)), oct(0o660), "mode after the reload")
    expect_equal(os.stat(path).st_ino, before, "the socket's file")
    expect_equal(ask(client, b"still"), b"still", "the client's answer")


@claim()
def a_removed_service_takes_its_socket_file_with_it(scene):
    path = scene.path("it.sock")
    other = scene.line("other", "tcp4", "builtin:echo")
    daemon = scene.daemon(table(path) + other)
    daemon.reload(other)
    expect(not os.path.lexists(path), "the socket file is still there")
