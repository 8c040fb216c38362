# SPDX-License-Identifier: ISC
"""Rules that name the interface that a client came by."""

import socket

from claims import WAIT, claim, expect
from harness import wait_until
from networks import Network
from talk import is_silent

V4 = {"left": "10.77.1.1", "right": "10.77.2.1"}
V6 = {"left": "fd77:1::1", "right": "fd77:2::1"}
KINDS = {"tcp4": (socket.AF_INET, socket.SOCK_STREAM, V4),
         "tcp6": (socket.AF_INET6, socket.SOCK_STREAM, V6),
         "udp4": (socket.AF_INET, socket.SOCK_DGRAM, V4),
         "udp6": (socket.AF_INET6, socket.SOCK_DGRAM, V6)}
PORT = 7007


def wire(scene):
    """The daemon's network with the interfaces left and right, and the clients' one."""
    ours, theirs = Network(scene), Network(scene)
    for number, name in enumerate(("left", "right"), 1):
        ours.cable(name, theirs, name)
        ours.address(name, "10.77.%d.1/24" % number, "fd77:%d::1/64" % number)
        theirs.address(name, "10.77.%d.2/24" % number, "fd77:%d::2/64" % number)
        wait_until(lambda name=name: ours.is_up(name) and theirs.is_up(name), name + " to be up")
    return ours, theirs


def client_of(scene, network, protocol, interface, address=None):
    family, kind, addresses = KINDS[protocol]
    client = scene.keep(network.socket(family, kind))
    client.settimeout(WAIT)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode())
    client.connect((address or addresses[interface], PORT))
    return client


def is_served(client):
    try:
        client.sendall(b"hello")
        return client.recv(100) == b"hello"
    except (ConnectionResetError, BrokenPipeError):
        return False


def expect_refused(daemon, client, protocol, service="echo"):
    """Nothing came back, and the event tells the rule."""
    is_datagram = protocol.startswith("udp")
    if is_datagram:
        client.send(b"hello")
    else:
        expect(not is_served(client), "it was served")
    event = daemon.wait_for_event("datagrams_refused" if is_datagram else "conn_refused",
                                  service=service, verdict="access")
    expect(not is_datagram or is_silent(client), "it was answered")
    return event


@claim(each=list(KINDS), needs=("networks",))
def a_rule_for_an_interface_fits_the_clients_that_came_by_it(scene, protocol):
    ours, theirs = wire(scene)
    for keys, served in (("only_from=interface:left", "left"),
                         ("no_access=interface:left", "right"),
                         ("only_from=interface:right no_access=ALL", "right")):
        daemon = scene.daemon("echo %d/%s %s builtin\n" % (PORT, protocol, keys),
                              wrapper=ours.wrapper)
        other = "right" if served == "left" else "left"
        expect(is_served(client_of(scene, theirs, protocol, served)), "%s: refused", keys)
        event = expect_refused(daemon, client_of(scene, theirs, protocol, other), protocol)
        expect(event["rule"].endswith(":1"), "the rule is %s", event["rule"])
        daemon.stop()


@claim(each=["tcp4", "udp4"], needs=("networks",))
def it_is_the_interface_that_counts_and_not_whose_address_was_asked(scene, protocol):
    ours, theirs = wire(scene)
    theirs.ip("route add 10.77.1.1/32 via 10.77.2.1 dev right metric 1")
    scene.daemon("echo %d/%s only_from=interface:right builtin\n" % (PORT, protocol),
                 wrapper=ours.wrapper)
    asked_left = client_of(scene, theirs, protocol, "right", V4["left"])
    expect(is_served(asked_left), "a client by way of right that asked left's address")


@claim(needs=("networks",))
def an_interface_may_come_go_and_come_again_without_a_reload(scene):
    ours, theirs = wire(scene)
    daemon = scene.daemon("echo %d/tcp4 only_from=interface:later builtin\n" % PORT,
                          wrapper=ours.wrapper)
    daemon.wait_for_event("access_interface", interface="later", index="0")

    def serves():
        return is_served(client_of(scene, theirs, "tcp4", "left"))

    expect(not serves(), "served by way of another interface")
    ours.ip("link set left down")
    ours.ip("link set left name later")
    ours.address("later")
    wait_until(serves, "an interface that was given the name")
    mark = daemon.log.mark()
    ours.ip("link delete later")
    daemon.wait_for_event("access_interface", since=mark, interface="later", index="0")
    ours.cable("later", theirs, "left")
    ours.address("later", "10.77.1.1/24")
    theirs.address("left", "10.77.1.2/24")
    wait_until(serves, "another interface of that name")


@claim()
def no_rule_for_an_interface_concerns_unix_clients(scene):
    table = scene.line("echo", "unix", keys="no_access=interface:lo") \
        + scene.line("other", "unix", "builtin:echo", keys="only_from=interface:lo")
    daemon = scene.daemon(table)
    expect(is_served(daemon.client("echo", "unix")), "refused by an interface's rule")
    expect_refused(daemon, daemon.client("other", "unix"), "unix", "other")


@claim(each=["tcp4", "tcp6", "udp4", "udp6"])
def loopback_is_an_interface_like_any_other(scene, protocol):
    table = scene.line("echo", protocol, keys="only_from=interface:lo") \
        + scene.line("other", protocol, "builtin:echo", keys="no_access=interface:lo")
    daemon = scene.daemon(table)
    expect(is_served(daemon.client("echo", protocol)), "not served")
    expect_refused(daemon, daemon.client("other", protocol), protocol, "other")
