# SPDX-License-Identifier: ISC
"""Datagrams: whom an answer goes to, from where, and how much of it."""

import errno
import socket
import time

from claims import Skip, claim, expect, expect_equal
from system import free_port
from talk import ask_until_answered, is_silent, receive_datagram

SMALL_PORTS = ["7", "9", "13", "17", "19", "37"]
BUDGET, REFILL = 1024, 256


@claim(each=["127.0.0.1", "127.0.0.2", "127.0.0.3"])
def an_answer_leaves_from_the_address_that_was_asked(scene, asked):
    daemon = scene.daemon("echo 0/udp4 builtin\ndaytime 0/udp4 builtin\n")
    for service in ("echo", "daytime"):
        client = scene.socket("udp4")
        port = daemon.port(service, "udp4")
        for _ in range(3):
            client.sendto(b"who are you?", (asked, port))
            expect_equal(receive_datagram(client)[1], (asked, port), "where it came from")


@claim(needs=["ipv6"])
def an_answer_over_ipv6_leaves_from_the_address_that_was_asked(scene):
    daemon = scene.daemon("echo 0/udp6 builtin\n")
    client = scene.socket("udp6")
    client.sendto(b"?", ("::1", daemon.port("echo", "udp6")))
    expect_equal(receive_datagram(client)[1][:2], ("::1", daemon.port("echo", "udp6")),
                 "where it came from")


@claim()
def udp_on_the_wildcard_serves_both_families_on_one_port(scene):
    daemon = scene.daemon("echo 0/udp builtin\n")
    port = daemon.port("echo", "udp4")
    client = scene.socket("udp4")
    client.sendto(b"four", ("127.0.0.1", port))
    expect_equal(receive_datagram(client)[0], b"four", "the answer")
    if socket.has_ipv6 and daemon.log.find("listening", service="echo", protocol="udp6"):
        expect_equal(daemon.port("echo", "udp6"), port, "the port of udp6")
        client = scene.socket("udp6")
        client.sendto(b"six", ("::1", port))
        expect_equal(receive_datagram(client)[0], b"six", "the answer over IPv6")


@claim(each=["udp4", "udp6", "unix-dgram"])
def echo_answers_an_empty_datagram_with_an_empty_one(scene, protocol):
    client = scene.daemon(scene.line("echo", protocol)).client("echo", protocol)
    client.send(b"")
    expect_equal(receive_datagram(client)[0], b"", "the answer")
    client.send(b"next")
    expect_equal(receive_datagram(client)[0], b"next", "the next answer")


@claim(each=["udp4", "udp6"])
def echo_answers_65507_bytes_whole(scene, protocol):
    client = scene.daemon(scene.line("echo", protocol)).client("echo", protocol)
    question = bytes(number % 251 for number in range(65507))
    for _ in range(3):
        client.send(question)
        answer = receive_datagram(client)[0]
        expect_equal(len(answer), 65507, "bytes of the answer")
        expect(answer == question, "the answer is not the question")


@claim(each=["udp4", "udp6", "unix-dgram"])
def echo_keeps_every_datagram_of_a_burst_apart_and_in_order(scene, protocol):
    daemon = scene.daemon(scene.line("echo", protocol), args=["--gates", "2"])
    client = daemon.client("echo", protocol)
    for burst in range(40):
        sent = [b"%d:%d:" % (burst, number) + b"x" * (number * 37) for number in range(8)]
        for question in sent:
            client.send(question)
        for question in sent:
            expect_equal(receive_datagram(client)[0], question, "the answer")


@claim(each=["udp4", "udp6"])
def many_clients_get_each_their_own_answers(scene, protocol):
    daemon = scene.daemon(scene.line("echo", protocol), args=["--gates", "2"])
    clients = [daemon.client("echo", protocol) for _ in range(50)]
    for number, client in enumerate(clients):
        client.send(b"client %d" % number)
    for number, client in enumerate(clients):
        expect_equal(receive_datagram(client)[0], b"client %d" % number, "the answer")


@claim(each=SMALL_PORTS, needs=["root"])
def a_datagram_from_a_small_services_port_gets_no_answer(scene, port):
    daemon = scene.daemon(scene.line("echo", "udp4") + scene.line("daytime", "udp4"),
                          args=["--gates", "1"])
    try:
        liar = scene.socket("udp4", source=("127.0.0.5", int(port)))
    except OSError as problem:
        if problem.errno != errno.EADDRINUSE:
            raise
        raise Skip("port %s is in use here" % port) from None
    judge_liar(scene, daemon, liar)


def judge_liar(scene, daemon, liar):
    """It gets nothing from echo and daytime, while another that asks later is answered."""
    for service in ("echo", "daytime"):
        address = daemon.address(service, "udp4")
        liar.sendto(b"let us loop", address)
        honest = scene.connect(address, "udp4")
        honest.send(b"good day")
        receive_datagram(honest)
        expect(is_silent(liar), "%s answered the port of a small service", service)
        daemon.wait_for_event("datagrams_refused", service=service, verdict="loop")


@claim()
def a_datagram_from_the_port_of_an_own_udp_builtin_gets_no_answer(scene):
    daemon = scene.daemon(scene.line("echo", "udp4") + scene.line("daytime", "udp4")
                          + scene.line("discard", "udp4"), args=["--gates", "1"])
    port = daemon.port("discard", "udp4")
    # The same port on another loopback address: what a forged datagram would look like.
    judge_liar(scene, daemon, scene.socket("udp4", source=("127.0.0.5", port)))


@claim()
def the_port_of_an_own_udp_builtin_is_guarded_after_a_reload_added_it(scene):
    table = scene.line("echo", "udp4") + scene.line("daytime", "udp4")
    daemon = scene.daemon(table, args=["--gates", "1"])
    port = free_port(socket.SOCK_DGRAM)
    liar = scene.socket("udp4", source=("127.0.0.5", port))
    liar.sendto(b"yet harmless", daemon.address("echo", "udp4"))
    expect_equal(receive_datagram(liar)[0], b"yet harmless", "the answer before the reload")
    daemon.reload(table + "discard 127.0.0.1:%d/udp4 builtin\n" % port)
    judge_liar(scene, daemon, liar)


@claim()
def a_person_always_gets_the_date(scene):
    client = scene.daemon(scene.line("daytime", "udp4")).client("daytime", "udp4")
    for _ in range(12):
        client.send(b"\n")
        expect(len(receive_datagram(client)[0]) > 10, "no date")


@claim()
def a_flood_of_small_questions_gets_no_more_than_the_budget(scene):
    daemon = scene.daemon(scene.line("chargen", "udp4"), args=["--gates", "1"])
    flood = daemon.client("chargen", "udp4")
    began = time.monotonic()
    asked = 0
    for _ in range(300):
        flood.send(b"\n")
        asked += 1
    # An answer no longer than its question is never charged: it comes after all the others.
    last = daemon.client("chargen", "udp4")
    ask_until_answered(last, b"x" * 600)
    allowed = BUDGET + REFILL * (time.monotonic() - began + 1) + asked
    answered = 0
    while not is_silent(flood):
        answered += len(receive_datagram(flood)[0])
    expect(answered > 0, "not even the first question was answered")
    expect(answered <= allowed, "%d bytes for a flood that may have %d", answered, allowed)


@claim()
def all_ports_of_one_source_share_its_budget(scene):
    daemon = scene.daemon(scene.line("chargen", "udp4"), args=["--gates", "1"])
    began = time.monotonic()
    clients = [daemon.client("chargen", "udp4") for _ in range(30)]
    for client in clients:
        client.send(b"\n")
    last = daemon.client("chargen", "udp4")
    ask_until_answered(last, b"x" * 600)
    allowed = BUDGET + REFILL * (time.monotonic() - began + 1) + len(clients)
    answered = sum(len(receive_datagram(client)[0]) for client in clients
                   if not is_silent(client))
    expect(0 < answered <= allowed, "%d bytes for a source that may have %d", answered, allowed)


@claim()
def another_source_has_a_budget_of_its_own(scene):
    daemon = scene.daemon("chargen 0/udp4 builtin\n", args=["--gates", "1"])
    address = ("127.0.0.1", daemon.port("chargen", "udp4"))
    flood = scene.socket("udp4", source=("127.0.0.6", 0))
    for _ in range(50):
        flood.sendto(b"\n", address)
    daemon.wait_for_event("datagrams_refused", service="chargen", verdict="budget")
    other = scene.socket("udp4", source=("127.0.0.7", 0))
    other.sendto(b"\n", address)
    expect(len(receive_datagram(other)[0]) > 0, "the other source got nothing")


@claim()
def echo_is_never_charged(scene):
    daemon = scene.daemon(scene.line("echo", "udp4", keys="reply_budget=0 reply_budget_rate=0"))
    client = daemon.client("echo", "udp4")
    for number in range(500):
        client.send(b"%0100d" % number)
        expect_equal(receive_datagram(client)[0], b"%0100d" % number, "answer %d" % number)


@claim()
def the_budget_is_a_key_of_the_service(scene):
    daemon = scene.daemon(scene.line("daytime", "udp4", keys="reply_budget=0")
                          + scene.line("echo", "udp4"), args=["--gates", "1"])
    client = daemon.client("daytime", "udp4")
    client.send(b"")
    daemon.wait_for_event("datagrams_refused", service="daytime", verdict="budget")
    expect(is_silent(client), "an answer without a budget")


@claim()
def refusals_are_counted_and_not_logged_one_by_one(scene):
    daemon = scene.daemon(scene.line("chargen", "udp4"), args=["--gates", "1"])
    flood = daemon.client("chargen", "udp4")
    for _ in range(500):
        flood.send(b"\n")
    last = daemon.client("chargen", "udp4")
    ask_until_answered(last, b"x" * 600)
    daemon.wait_for_event("datagrams_refused", verdict="budget")
    expect(len(daemon.log.find("datagrams_refused")) < 20, "a line for each refusal")


@claim()
def an_unconnected_unix_client_without_a_name_gets_no_answer_and_harms_nobody(scene):
    daemon = scene.daemon(scene.line("echo", "unix-dgram"))
    address = daemon.address("echo", "unix-dgram")
    nameless = scene.keep(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
    for _ in range(10):
        nameless.sendto(b"to whom?", address)
    client = daemon.client("echo", "unix-dgram")
    client.send(b"to me")
    expect_equal(receive_datagram(client)[0], b"to me", "the answer")


@claim()
def a_unix_client_with_an_abstract_name_is_answered(scene):
    daemon = scene.daemon(scene.line("echo", "unix-dgram"))
    client = daemon.client("echo", "unix-dgram", source="\0" + scene.path("abstract"))
    client.send(b"abstract")
    expect_equal(receive_datagram(client)[0], b"abstract", "the answer")


@claim()
def a_unix_client_that_is_full_or_gone_blocks_nobody(scene):
    daemon = scene.daemon(scene.line("echo", "unix-dgram"), args=["--gates", "1"])
    address = daemon.address("echo", "unix-dgram")
    # Not connected: of a connected one the kernel bounds nothing but the sender's buffer.
    full = scene.socket("unix-dgram")
    full.setblocking(False)
    for _ in range(2000):
        try:
            full.sendto(b"x" * 1000, address)
        except BlockingIOError:
            break
    gone = daemon.client("echo", "unix-dgram")
    gone.send(b"bye")
    gone.close()
    client = daemon.client("echo", "unix-dgram")
    client.send(b"and me?")
    expect_equal(receive_datagram(client)[0], b"and me?", "the answer")
