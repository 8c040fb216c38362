# SPDX-License-Identifier: ISC
"""activation=yes: sockets are handed over as systemd does, from descriptor 3 on."""

import socket

from claims import STREAMS, claim, expect, expect_equal
from programs import Report
from system import free_port, free_ports
from talk import is_silent, receive_datagram
from test_wait import DatagramReport, answered_pid, ask_pid, greeted_pid


def descriptors_of(report):
    return dict(line.split(" ", 1) for line in report.all("fd"))


def listen_variables(report):
    env = report.env()
    return [env.get(name) for name in ("LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES")]


@claim(needs=["probe"], each=STREAMS)
def a_program_for_each_client_finds_its_connection_as_descriptor_3(scene, protocol):
    daemon = scene.daemon(scene.program("it", scene.probe + " connection", protocol,
                                        "activation"))
    client = daemon.client("it", protocol)
    report = Report(client)
    expect_equal(listen_variables(report), ["1", report.one("pid"), "connection"], "LISTEN_*")
    fds = descriptors_of(report)
    expect_equal((fds["0"], sorted(fds)), ("/dev/null", ["0", "1", "2", "3"]), "descriptors")
    expect_equal(fds["3"], fds["1"], "descriptor 3, which the probe made 1")
    if protocol == "tcp4":
        expect_equal(report.env().get("REMOTE_PORT"), str(client.getsockname()[1]), "REMOTE_PORT")


@claim(needs=["probe", "ipv6"])
def with_wait_one_program_gets_all_sockets_of_the_service(scene):
    daemon = scene.daemon("take 0/udp wait activation %s %s listen\n" % (
        scene.user, scene.probe))
    port = daemon.port("take", "udp4")
    clients = [scene.connect(("127.0.0.1", port), "udp4"), scene.connect(("::1", port), "udp6")]
    for client in clients:
        report = DatagramReport(client)
        expect_equal(listen_variables(report), ["2", report.one("pid"), "take:take"], "LISTEN_*")
        fds = descriptors_of(report)
        expect_equal(sorted(fds), ["0", "1", "2", "3", "4"], "descriptors")
        expect_equal((fds["0"], fds["1"]), ("/dev/null", "/dev/null"), "0 and 1")
        expect(fds["3"].startswith("socket:") and fds["4"].startswith("socket:") and
               fds["3"] != fds["4"], "3 and 4: %s", fds)
        expect_equal(report.one("nonblocking"), "0", "non-blocking")
    pid = ask_pid(clients[0], b"stay")
    expect_equal(ask_pid(clients[1]), pid, "the program of the other socket")
    expect_equal(len(daemon.handlers()), 1, "programs")
    ask_pid(clients[1], b"exit 0")
    expect(ask_pid(clients[1]) != pid, "the program that ended")
    ask_pid(clients[0])


@claim(needs=["probe"], each=["3", "100"])
def a_range_of_ports_is_handed_over_in_its_order(scene, count):
    ports = free_ports(int(count))
    daemon = scene.daemon("take 127.0.0.1:%d-%d/tcp4 wait activation %s %s listen\n" % (
        ports[0], ports[-1], scene.user, scene.probe))
    for port in (ports[0], ports[-1]):
        client = scene.connect(("127.0.0.1", port))
        pid = greeted_pid(client)
        expect_equal(len(daemon.handlers()), 1, "programs")
        client.close()
        daemon.wait_for_event("handler_ended", pid=pid, ending="exited")


@claim(needs=["probe", "ipv6"])
def a_socket_that_a_reload_adds_goes_to_the_next_program_together_with_the_others(scene):
    port = free_port(socket.SOCK_DGRAM)
    line = "take %d/udp4 wait activation %s %s listen\n" % (port, scene.user, scene.probe)
    daemon = scene.daemon(line)
    client = scene.connect(("127.0.0.1", port), "udp4")
    pid = ask_pid(client, b"stay")
    daemon.reload(line.replace("udp4", "udp"))
    other = scene.connect(("::1", port), "udp6")
    other.send(b"hello")
    expect_equal(ask_pid(client), pid, "the program")
    expect(is_silent(other), "a second program was started")
    ask_pid(client, b"exit 0")
    expect(answered_pid(other) != pid, "the program that ended")
    expect_equal(listen_variables(DatagramReport(client))[0], "2", "LISTEN_FDS")


@claim(needs=["probe"])
def activation_may_come_and_go_by_a_reload(scene):
    line = scene.program("take", scene.probe + " take", "udp4", "wait")
    daemon = scene.daemon(line)
    client = daemon.client("take", "udp4")
    ask_pid(client)
    daemon.reload(line.replace("wait", "wait activation").replace("probe take", "probe listen"))
    expect_equal(listen_variables(DatagramReport(client))[0], "1", "LISTEN_FDS")
    daemon.reload(line)
    report = DatagramReport(client)
    expect_equal(listen_variables(report), [None] * 3, "LISTEN_*")
    client.send(b"end")
    expect(receive_datagram(client)[0].endswith(b" end"), "no answer")
