# SPDX-License-Identifier: ISC
"""Which ports are opened: by number and name, in ranges, handed in by the starter."""

import contextlib
import os
import random
import socket

from claims import Skip, claim, expect, expect_equal
from harness import wait_until
from system import first_client_port, free_port, free_ports, reserve
from talk import ask, is_refused, receive, receive_all, receive_datagram


def handed_in(scene, kind=socket.SOCK_STREAM):
    made = scene.keep(socket.socket(socket.AF_INET, kind))
    made.bind(("127.0.0.1", 0))
    if kind == socket.SOCK_STREAM:
        made.listen(50)
    return made, made.getsockname()[1]


@claim(each=["1", "2"])
def a_socket_handed_in_by_address_is_served(scene, gates):
    stream, port = handed_in(scene)
    datagram, udp_port = handed_in(scene, socket.SOCK_DGRAM)
    early = scene.connect(("127.0.0.1", port))
    early.sendall(b"early")
    daemon = scene.daemon("echo 127.0.0.1:%d/tcp4 builtin\ndg 127.0.0.1:%d/udp4 builtin:echo\n"
                          % (port, udp_port), args=["--gates", gates],
                          launch={"sockets": [stream.fileno(), datagram.fileno()]})
    expect_equal(receive(early, 5), b"early", "the answer to who came before the daemon")
    for number in range(10):
        question = b"%d" % number
        expect_equal(ask(scene.connect(("127.0.0.1", port)), question), question, "the answer")
    client = scene.connect(("127.0.0.1", udp_port), "udp4")
    client.send(b"datagram")
    expect_equal(receive_datagram(client)[0], b"datagram", "the answer")
    daemon.stop()
    # The starter still holds it: it was never closed for others.
    scene.connect(("127.0.0.1", port))


@claim()
def a_socket_handed_in_by_name_is_served_by_the_service_of_that_name(scene):
    stream, port = handed_in(scene)
    scene.daemon("other 127.0.0.1:0/tcp4 builtin:discard\nnamed 127.0.0.1:0/tcp4 builtin:echo\n",
                 launch={"sockets": [stream.fileno()], "names": ["named"]})
    expect_equal(ask(scene.connect(("127.0.0.1", port)), b"by name"), b"by name", "the answer")


@claim()
def a_unix_socket_that_was_handed_in_keeps_its_file(scene):
    path = scene.path("handed.sock")
    made = scene.keep(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
    made.bind(path)
    made.listen(5)
    os.chmod(path, 0o600)
    daemon = scene.daemon("local %s/unix builtin:echo\n" % path,
                          launch={"sockets": [made.fileno()]})
    expect_equal(ask(scene.connect(path, "unix"), b"x"), b"x", "the answer")
    daemon.stop()
    expect(os.path.exists(path), "the starter's socket file was removed")


@claim()
def a_socket_that_fits_no_service_is_reported_and_closed(scene):
    stream, port = handed_in(scene)
    daemon = scene.daemon(scene.line("echo", "tcp4"),
                          launch={"sockets": [stream.fileno()], "names": ["stranger"]})
    daemon.wait_for_event("socket_unknown", name="stranger")
    stream.close()
    wait_until(lambda: is_refused(("127.0.0.1", port)), "the port to be closed")


@claim(needs=["probe"])
def programs_do_not_see_the_handover(scene):
    stream, port = handed_in(scene)
    scene.daemon("report 127.0.0.1:%d/tcp4 %s %s report\n" % (port, scene.user, scene.probe),
                 launch={"sockets": [stream.fileno()], "names": ["report"]})
    text = receive_all(scene.connect(("127.0.0.1", port))).decode()
    expect("LISTEN_" not in text, "LISTEN_ variables reached a program")


def registered_name():
    """A name of /etc/services whose port anybody may bind and nobody does, not even a client by
    chance; any, so that others who look for one at the same time find another."""
    names = []
    with contextlib.suppress(OSError), open("/etc/services", encoding="utf-8") as file:
        for words in (line.split() for line in file):
            if len(words) > 1 and words[1].endswith("/tcp") and words[0][0] != "#":
                names.append((words[0], int(words[1].split("/")[0])))
    random.shuffle(names)
    for name, port in names:
        if 1024 < port < first_client_port() and is_refused(("127.0.0.1", port)):
            with contextlib.suppress(OSError):
                reserve(port)
                return name, port
    raise Skip("no name in /etc/services to try")


@claim(each=["named", "left out"])
def a_port_is_looked_up_by_its_name(scene, how):
    name, port = registered_name()
    daemon = scene.daemon("%s tcp4 builtin:echo\n" % name if how == "left out"
                          else "it 127.0.0.1:%s/tcp4 builtin:echo\n" % name)
    expect_equal(daemon.port(name if how == "left out" else "it"), port, "the port")
    expect_equal(ask(scene.connect(("127.0.0.1", port)), b"x"), b"x", "the answer")


@claim()
def every_port_of_a_range_is_served(scene):
    ports = free_ports(5)
    scene.daemon("many 127.0.0.1:%d-%d/tcp4 builtin:echo\n" % (ports[0], ports[-1]))
    for port in ports:
        expect_equal(ask(scene.connect(("127.0.0.1", port)), b"x"), b"x", "answer of %d" % port)


@claim()
def a_second_daemon_does_not_share_a_port_in_silence(scene):
    port = free_port()
    first = scene.daemon(scene.echo_at(port))
    second = scene.daemon(scene.echo_at(port), is_ready=False)
    second.expects_status = 1
    expect_equal(second.wait(), 1, "exit status of the second")
    expect_equal(ask(first.client("echo"), b"mine"), b"mine", "the answer of the first")
