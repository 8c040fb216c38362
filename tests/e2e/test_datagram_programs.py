# SPDX-License-Identifier: ISC
"""Programs on datagram sockets that never see the socket: one for each datagram, one for each
peer."""

import contextlib
import os
import signal
import socket

from claims import DATAGRAMS, claim, expect, expect_equal
from harness import wait_for_no_more_descriptors, descriptor_counts, wait_until
from system import free_port
from talk import ask_until_answered, is_silent, receive_datagram

# A program of a peer: says who it is with each datagram that it sends back.
TELLER = """#!/bin/sh
exec python3 -c '
import os
while True:
    data = os.read(0, 70000)
    if data == b"end":
        break
    os.write(1, b"%d:" % os.getpid() + data)
'
"""


def script(scene, text):
    path = scene.write("program.sh", text)
    os.chmod(path, 0o755)
    return path


def one_each(scene, program, protocol="udp4", keys="", **rest):
    daemon = scene.daemon(scene.program("one", program, protocol, keys), **rest)
    return daemon, daemon.client("one", protocol)


def ask(client, question):
    client.send(question)
    return receive_datagram(client)[0]


def ask_teller(client, question):
    """The pid of the program that answered."""
    pid, _, said = ask(client, question).partition(b":")
    expect_equal(said, question, "the answer")
    return int(pid)


# ---------------------------------------------------------------- per=datagram

@claim(each=DATAGRAMS)
def a_program_answers_each_datagram_with_one(scene, protocol):
    daemon, client = one_each(scene, "/bin/cat", protocol)
    for question in (b"hello", b"x" * 65507, b"two\nlines\n"):
        expect_equal(ask(client, question), question, "the answer")
    daemon.wait_for_event("handler_ended", service="one", count=3, ending="exited")
    event = daemon.wait_for_event("conn_ended", service="one", bytes_in=65507)
    expect_equal(event["bytes_out"], "65507", "bytes of the answer")
    expect_equal(event["ending"], "served", "its ending")


@claim(each=DATAGRAMS)
def an_empty_datagram_starts_a_program_that_reads_the_end(scene, protocol):
    program = script(scene, "#!/bin/sh\nwc -c\n")
    _, client = one_each(scene, program, protocol)
    expect_equal(ask(client, b"").strip(), b"0", "bytes that it read")


@claim(each=DATAGRAMS)
def what_a_program_writes_in_pieces_is_one_datagram(scene, protocol):
    program = script(scene, "#!/bin/sh\nread word\necho one $word\necho two\nexec cat\n")
    _, client = one_each(scene, program, protocol)
    expect_equal(ask(client, b"word\nrest\n"), b"one word\ntwo\nrest\n", "the answer")


@claim(each=["127.0.0.1", "127.0.0.2", "127.0.0.3"])
def a_programs_answer_leaves_from_the_address_that_was_asked(scene, asked):
    daemon = scene.daemon("one 0/udp4 %s /bin/cat\npeer 0/udp4 per=peer %s /bin/cat\n" % (
        scene.user, scene.user))
    for service in ("one", "peer"):
        client = scene.socket("udp4")
        port = daemon.port(service, "udp4")
        for _ in range(3):
            client.sendto(b"who are you?", (asked, port))
            expect_equal(receive_datagram(client)[1], (asked, port), "where it came from")


@claim(each=["udp4", "udp6"])
def a_program_is_told_whom_it_answers(scene, protocol):
    daemon, client = one_each(scene, "/usr/bin/env", protocol, "reply_budget=10k",
                              args=["--gates", "1"])
    lines = dict(line.split("=", 1) for line in ask(client, b"?").decode().splitlines())
    host, port = client.getsockname()[:2]
    there = daemon.address("one", protocol)
    for name, value in (("PROTO", "UDP"), ("UDPREMOTEIP", host), ("UDPREMOTEPORT", str(port)),
                        ("UDPLOCALIP", there[0]), ("UDPLOCALPORT", str(there[1])),
                        ("REMOTE_ADDR", host), ("REMOTE_PORT", str(port)),
                        ("REMOTE_HOST", host), ("REEVE_SERVICE", "one")):
        expect_equal(lines.get(name), value, name)
    expect("TCPREMOTEIP" not in lines, "a name of TCP's is set")


@claim()
def a_program_without_output_sends_nothing(scene):
    daemon, client = one_each(scene, "/bin/true")
    client.send(b"anybody?")
    event = daemon.wait_for_event("conn_ended", service="one")
    expect_equal(event["bytes_out"], "0", "bytes that it sent")
    expect(is_silent(client), "an answer came")


@claim()
def a_program_has_no_way_to_the_socket(scene):
    program = script(scene, "#!/bin/sh\nls -l /proc/self/fd | grep -c socket\n"
                     "python3 -c 'import socket; s = socket.socket(fileno=0);"
                     " print(s.family.name, s.type.name)'\n")
    _, client = one_each(scene, program, keys="reply_budget=10k")
    expect_equal(ask(client, b"?").split()[-2:], [b"AF_UNIX", b"SOCK_STREAM"], "its socket")


@claim()
def an_answer_that_the_budget_does_not_pay_is_refused(scene):
    program = script(scene, "#!/bin/sh\nhead -c 2000 /dev/zero\n")
    daemon, client = one_each(scene, program, args=["--gates", "1"])
    client.send(b"x" * 100)
    event = daemon.wait_for_event("datagrams_refused", service="one")
    expect_equal(event["verdict"], "budget", "the verdict")
    expect_equal(len(ask(client, b"x" * 1000)), 2000, "bytes of the answer")


@claim()
def more_than_a_datagram_can_hold_is_dropped_not_cut(scene):
    program = script(scene, "#!/bin/sh\nhead -c 65508 /dev/zero\n")
    daemon, client = one_each(scene, program, keys="reply_budget=1M")
    client.send(b"?")
    event = daemon.wait_for_event("datagrams_refused", service="one")
    expect_equal(event["verdict"], "length", "the verdict")
    expect(is_silent(client), "an answer came")


@claim()
def no_program_starts_for_the_port_of_a_small_service(scene):
    daemon = scene.daemon(scene.line("echo", "udp4") + scene.program("one", "/bin/cat", "udp4"))
    client = scene.socket("udp4", source=("127.0.0.2", daemon.port("echo", "udp4")))
    client.sendto(b"loop", daemon.address("one", "udp4"))
    event = daemon.wait_for_event("datagrams_refused", service="one")
    expect_equal(event["verdict"], "loop", "the verdict")
    expect_equal(daemon.log.find("handler_ended", service="one"), [], "programs")


@claim()
def datagrams_beyond_the_instances_wait_and_none_is_lost(scene):
    daemon, client = one_each(scene, "/bin/cat", keys="instances=2")
    questions = {b"%d" % number for number in range(20)}
    for question in questions:
        client.send(question)
    expect_equal({receive_datagram(client)[0] for _ in questions}, questions, "the answers")
    daemon.wait_for_event("handler_ended", service="one", count=20)


@claim()
def a_slow_program_keeps_no_other_waiting(scene):
    program = script(scene, "#!/bin/sh\nread word\n[ \"$word\" = slow ] && exec sleep 1000\n"
                     "echo $word\n")
    _, client = one_each(scene, program, keys="idle=2s")
    client.send(b"slow\n")
    expect_equal(ask(client, b"fast\n"), b"fast\n", "the answer")
    scene.daemons[0].wait_for_event("conn_ended", service="one", ending="idle")
    for pid in scene.daemons[0].handlers():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@claim(seconds=60)
def many_datagrams_leave_nothing_behind(scene):
    daemon, client = one_each(scene, "/bin/cat")
    expect_equal(ask(client, b"first"), b"first", "the answer")
    daemon.wait_for_event("handler_ended", service="one")
    before = descriptor_counts(daemon)
    for number in range(200):
        question = b"%d" % number
        expect_equal(ask(client, question), question, "the answer")
    daemon.wait_for_event("handler_ended", service="one", count=201)
    wait_for_no_more_descriptors(daemon, before)


# ---------------------------------------------------------------- per=peer

def tellers(scene, keys="", protocol="udp4", **rest):
    program = script(scene, TELLER)
    return scene.daemon(scene.program("peer", program, protocol,
                                      "per=peer reply_budget=100k " + keys), **rest)


@claim(each=DATAGRAMS)
def a_peer_keeps_its_program_and_another_has_another(scene, protocol):
    daemon = tellers(scene, protocol=protocol, args=["--gates", "2"])
    clients = [daemon.client("peer", protocol) for _ in range(6)]
    pids = [ask_teller(client, b"first") for client in clients]
    expect_equal(len(set(pids)), 6, "programs")
    for _ in range(5):
        for client, pid in zip(clients, pids):
            expect_equal(ask_teller(client, b"again"), pid, "the program")


@claim(each=DATAGRAMS)
def a_peers_datagrams_stay_apart_and_in_order(scene, protocol):
    daemon = tellers(scene, protocol=protocol, args=["--gates", "2"])
    client = daemon.client("peer", protocol)
    pid = ask_teller(client, b"first")
    for burst in range(20):
        sent = [b"%d:%d:" % (burst, number) + b"x" * (number * 37) for number in range(8)]
        for question in sent:
            client.send(question)
        for question in sent:
            expect_equal(receive_datagram(client)[0], b"%d:" % pid + question, "the answer")


@claim(each=DATAGRAMS)
def the_empty_and_the_longest_datagram_reach_a_peers_program(scene, protocol):
    daemon = tellers(scene, protocol=protocol)
    client = daemon.client("peer", protocol)
    ask_teller(client, b"")
    ask_teller(client, b"x" * 65490)
    ask_teller(client, b"")


@claim()
def the_same_peer_asking_two_addresses_has_two_programs(scene):
    daemon = scene.daemon("peer 0/udp4 per=peer reply_budget=10k %s %s\n" % (
        scene.user, script(scene, TELLER)))
    client = scene.socket("udp4")
    pids = set()
    for asked in ("127.0.0.1", "127.0.0.2", "127.0.0.1", "127.0.0.2"):
        client.sendto(b"?", (asked, daemon.port("peer", "udp4")))
        answer, source = receive_datagram(client)
        expect_equal(source[0], asked, "where it came from")
        pids.add(answer)
    expect_equal(len(pids), 2, "programs")


@claim()
def a_peer_whose_program_ended_gets_another(scene):
    daemon = tellers(scene)
    client = daemon.client("peer", "udp4")
    pid = ask_teller(client, b"first")
    client.send(b"end")
    daemon.wait_for_event("handler_ended", service="peer", pid=pid)
    daemon.wait_for_event("conn_ended", service="peer", ending="served")
    expect(ask_teller(client, b"next") != pid, "the same program answers")


@claim()
def a_silent_peer_loses_its_program(scene):
    daemon = scene.daemon(scene.program("peer", "/bin/cat", "udp4", "per=peer idle=1s"))
    client = daemon.client("peer", "udp4")
    expect_equal(ask(client, b"here"), b"here", "the answer")
    event = daemon.wait_for_event("conn_ended", service="peer")
    expect_equal(event["ending"], "idle", "the ending")
    daemon.wait_for_event("handler_ended", service="peer", ending="exited")


@claim()
def a_new_peer_beyond_the_instances_is_dropped_and_said(scene):
    daemon = tellers(scene, "instances=1", args=["--gates", "1"])
    first = daemon.client("peer", "udp4")
    second = daemon.client("peer", "udp4")
    pid = ask_teller(first, b"first")
    second.send(b"me too")
    event = daemon.wait_for_event("datagrams_refused", service="peer")
    expect_equal(event["verdict"], "full", "the verdict")
    expect_equal(ask_teller(first, b"still"), pid, "the program")
    first.send(b"end")
    # Its place is free a moment after this is told.
    daemon.wait_for_event("handler_ended", service="peer")
    expect(ask_until_answered(second, b"now").endswith(b":now"), "another answer")


@claim()
def peers_of_a_service_that_stays_keep_their_programs_over_a_reload(scene):
    daemon = tellers(scene)
    table = open(scene.path("services0"), encoding="utf-8").read()
    client = daemon.client("peer", "udp4")
    pid = ask_teller(client, b"before")
    daemon.reload(table + scene.line("echo", "udp4"))
    expect_equal(ask_teller(client, b"after"), pid, "the program")
    daemon.reload(scene.line("echo", "udp4"))
    event = daemon.wait_for_event("conn_ended", service="peer")
    expect_equal(event["ending"], "shutdown", "the ending")


@claim()
def peers_of_a_socket_that_goes_to_another_service_get_that_ones_program(scene):
    line = "%%s 127.0.0.1:%d/udp4 %s per=peer reply_budget=100k %s\n" % (
        free_port(socket.SOCK_DGRAM), scene.user, script(scene, TELLER))
    daemon = scene.daemon(line % "first")
    client = daemon.client("first", "udp4")
    pid = ask_teller(client, b"before")
    daemon.reload(line % "second")
    expect(ask_teller(client, b"after") != pid, "the other service's program answered")
    event = daemon.wait_for_event("conn_ended", service="first")
    expect_equal(event["ending"], "shutdown", "the ending")
    daemon.wait_for_event("handler_ended", service="first")


@claim()
def the_death_of_a_gate_shows_its_programs_the_end_and_others_come(scene):
    daemon = scene.daemon(scene.program("peer", "/bin/cat", "udp4", "per=peer"),
                          args=["--gates", "1"])
    client = daemon.client("peer", "udp4")
    expect_equal(ask(client, b"before"), b"before", "the answer")
    os.kill(daemon.gates()[0], signal.SIGKILL)
    daemon.wait_for_event("handler_ended", service="peer", ending="exited")
    expect_equal(ask(client, b"after"), b"after", "the answer")


@claim()
def a_unix_peer_without_a_name_gets_no_answer_and_does_no_harm(scene):
    daemon = scene.daemon(scene.program("one", "/bin/cat", "unix-dgram"))
    nameless = scene.keep(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
    nameless.sendto(b"nobody", daemon.address("one", "unix-dgram"))
    event = daemon.wait_for_event("conn_ended", service="one")
    expect_equal(event["bytes_out"], "0", "bytes that were sent")
    expect_equal(ask(daemon.client("one", "unix-dgram"), b"named"), b"named", "the answer")


@claim()
def programs_of_peers_end_with_the_daemon(scene):
    daemon = scene.daemon(scene.program("peer", "/bin/cat", "udp4", "per=peer"))
    client = daemon.client("peer", "udp4")
    expect_equal(ask(client, b"here"), b"here", "the answer")
    pids = daemon.handlers()
    expect_equal(len(pids), 1, "programs")
    expect_equal(daemon.stop(), 0, "the exit status")
    wait_until(lambda: not os.path.exists("/proc/%d" % pids[0]) or scene.leftovers() == {},
               "the program's end")
