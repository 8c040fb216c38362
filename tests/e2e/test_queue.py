# SPDX-License-Identifier: ISC
"""The queue: at the limit clients are accepted, told to wait, and served in the order of coming."""

import os
import re
import signal
import socket
import time

from claims import STREAMS, Failure, claim, expect, expect_equal
from harness import wait_until
from system import cpu_seconds
from talk import ask, ask_until_answered, is_silent, receive, receive_all, receive_datagram, receive_line

TOLD = '"banner_queue=wait, you are %n\\n"'
FAILED = '"banner_fail=sorry: %r\\n"'
ONE_GATE = "daemon: { gates = 1; };"


def told(number):
    return b"wait, you are %d\r\n" % number


def hear(client):
    """What one banner is: alone, since nothing else is said before there is a place."""
    try:
        return client.recv(200)
    except socket.timeout:
        raise Failure("the client is told nothing") from None


def line(scene, handler, protocol, keys):
    if handler == "program":
        return scene.program("it", "/bin/cat", protocol, keys)
    return scene.line("it", protocol, "builtin:echo", keys)


def is_served(client):
    return ask(client, b"?") == b"?"


@claim(each=["%s %s" % (handler, protocol) for handler in ("built-in", "program")
             for protocol in STREAMS])
def who_finds_no_place_is_told_to_wait_and_served_once_there_is_one(scene, case):
    handler, protocol = case.split()
    daemon = scene.daemon(line(scene, handler, protocol, "instances=1 queue=2 " + TOLD))
    first = daemon.client("it", protocol)
    expect(is_served(first), "the first is not served")
    second, third = (daemon.client("it", protocol), None)
    second.sendall(b"said while it waits")
    expect_equal(hear(second), told(1), "what the second is told")
    third = daemon.client("it", protocol)
    expect_equal(hear(third), told(2), "what the third is told")
    expect(is_silent(second), "the second is told more than once")
    first.close()
    expect_equal(second.recv(100), b"said while it waits", "the second's echo")
    expect(is_silent(third), "the third is served beside the second")
    second.close()
    expect(is_served(third), "the third is not served")
    daemon.wait_for_event("service_queues", service="it", instances=1, queue=2)


@claim(each=["socket", "pipe", "pty"], needs=["probe"])
def what_a_client_sends_while_it_waits_is_all_for_its_program(scene, way):
    program = scene.write("program.sh", "#!/bin/sh\nread line\necho \"got $line\"\n")
    os.chmod(program, 0o755)
    daemon = scene.daemon(scene.program("it", program,
                                        keys="instances=1 queue=1 stdio=%s %s" % (way, TOLD)),
                          ONE_GATE)
    first, second = daemon.client("it"), daemon.client("it")
    expect_equal(hear(second), told(1), "what the second is told")
    second.sendall(b"early words\n")
    first.sendall(b"x\n")
    expect(b"got x" in receive_all(first), "the first is not served")
    expect(b"got early words" in receive_all(second), "the second's program lacks its input")


def serve_one_by_one(served, waiting):
    """End who is served, and see who is next; the order in which they came to be."""
    order = []
    while waiting:
        served.close()
        wait_until(lambda: any(not is_silent(client) for client in waiting), "somebody's turn")
        next_ones = [number for number, client in enumerate(waiting) if not is_silent(client)]
        expect_equal(next_ones, [0], "who is served of those who wait, by their coming")
        served = waiting.pop(0)
        order.append(receive(served, 1))
    return order


@claim(each=["1", "2", "4"])
def clients_are_served_in_the_order_of_their_coming_over_all_gates(scene, gates):
    daemon = scene.daemon(line(scene, "built-in", "tcp4", "instances=1 queue=20 " + TOLD),
                          "log_level = \"debug\";", args=["--gates", gates])
    first = daemon.client("it")
    expect(is_served(first), "the first is not served")
    waiting = []
    for number in range(10):
        client = daemon.client("it")
        client.sendall(b"%d" % number)
        expect_equal(hear(client), told(number + 1), "what number %d is told" % number)
        daemon.wait_for_event("queue_joined", service="it", count=number + 1)
        waiting.append(client)
    expect_equal(serve_one_by_one(first, waiting), [b"%d" % number for number in range(10)],
                 "the order")


@claim(each=STREAMS)
def who_hangs_up_loses_its_place_in_the_queue_at_once(scene, protocol):
    daemon = scene.daemon(line(scene, "built-in", protocol, "instances=1 queue=1 " + TOLD))
    first = daemon.client("it", protocol)
    expect(is_served(first), "the first is not served")
    for _ in range(3):
        client = daemon.client("it", protocol)
        client.sendall(b"never to be read")
        expect_equal(hear(client), told(1), "what it is told")
        client.close()
    daemon.wait_for_event("queue_left", service="it", count=3)
    client = daemon.client("it", protocol)
    client.sendall(b"mine")
    expect_equal(hear(client), told(1), "what the last is told")
    first.close()
    expect_equal(client.recv(100), b"mine", "the last one's echo")


@claim(each=STREAMS)
def who_has_waited_for_queue_time_is_told_so_and_ended(scene, protocol):
    daemon = scene.daemon(line(scene, "built-in", protocol,
                               "instances=1 queue=1 queue_time=100ms " + FAILED))
    first = daemon.client("it", protocol)
    expect(is_served(first), "the first is not served")
    client = daemon.client("it", protocol)
    client.sendall(b"words that nobody reads")
    expect_equal(hear(client), b"sorry: no place became free in time\r\n", "what it is told")
    expect_equal(receive_all(client), b"", "the rest")
    daemon.wait_for_event("conn_refused", service="it", verdict="queue-time")
    expect(is_served(first), "who is inside is not served any more")


@claim(each=["queue", "close"])
def beyond_the_queue_at_limit_says_what_becomes_of_clients(scene, at_limit):
    daemon = scene.daemon(line(scene, "built-in", "tcp4",
                               "instances=1 queue=1 at_limit=%s %s" % (at_limit, TOLD)), ONE_GATE)
    first = daemon.client("it")
    expect(is_served(first), "the first is not served")
    second = daemon.client("it")
    expect_equal(hear(second), told(1), "what the second is told")
    third = daemon.client("it")
    if at_limit == "close":
        expect_equal(receive_all(third), b"", "what the third is sent")
        daemon.wait_for_event("conn_refused", service="it", verdict="full")
        first.close()
        expect(is_served(second), "the second is not served")
        return
    expect(is_silent(third), "the third is told something")
    first.close()
    expect(is_served(second), "the second is not served")
    expect_equal(hear(third), told(1), "what the third is told when there is a seat")
    second.close()
    expect(is_served(third), "the third is not served")


@claim(each=["1", "2"])
def a_source_may_not_wait_more_often_than_per_source_lets_it_be_there(scene, gates):
    daemon = scene.daemon(line(scene, "built-in", "tcp4",
                               "instances=1 queue=5 per_source=2 " + TOLD), args=["--gates", gates])
    first = daemon.client("it")
    expect(is_served(first), "the first is not served")
    second = daemon.client("it")
    expect_equal(hear(second), told(1), "what the second is told")
    expect_equal(receive_all(daemon.client("it"))[-0:], b"wait, you are 2\r\n"[:0], "no more")
    daemon.wait_for_event("conn_refused", service="it", verdict="per-source")
    other = daemon.client("it", source=("127.0.0.2", 0))
    expect_equal(hear(other), told(2), "what another source is told")
    second.close()
    daemon.wait_for_event("queue_left", service="it")
    again = daemon.client("it")
    expect_equal(hear(again), told(2), "what the source is told once it waits no more")


@claim()
def a_client_behind_a_proxy_waits_under_its_own_name(scene):
    daemon = scene.daemon(line(scene, "built-in", "tcp4",
                               'instances=1 queue=2 proxy_from=127.0.0.1 "banner_queue=%a: %n\\n"'))
    header = b"PROXY TCP4 192.0.2.%d 198.51.100.2 40000 80\r\n"
    first = daemon.client("it")
    first.sendall(header % 1)
    expect(is_served(first), "the first is not served")
    second = daemon.client("it")
    second.sendall(header % 2 + b"words")
    expect_equal(hear(second), b"192.0.2.2: 1\r\n", "what the second is told")
    first.close()
    expect_equal(receive(second, 5), b"words", "its echo")
    second.close()
    daemon.wait_for_event("conn_ended", service="it", peer="192.0.2.2:40000")


@claim()
def tcpmux_hands_over_into_the_queue(scene):
    daemon = scene.daemon(scene.line("tcpmux", "tcp4") + scene.line(
        "it", "tcp4", "builtin:echo", "instances=1 queue=1 tcpmux=plus " + TOLD))
    first = daemon.client("it")
    expect(is_served(first), "the first is not served")
    second, third = daemon.client("tcpmux"), None
    second.sendall(b"it\r\n")
    expect_equal(receive_line(second)[:1], "+", "the greeting")
    expect_equal(receive_line(second), "wait, you are 1", "what it is told")
    third = daemon.client("tcpmux")
    third.sendall(b"it\r\n")
    expect_equal(receive_all(third)[:1], b"-", "the answer where there is no seat")
    first.close()
    expect(is_served(second), "the second is not served")


@claim()
def a_reload_with_more_places_serves_who_waits(scene):
    table = line(scene, "built-in", "tcp4", "instances=1 queue=3 " + TOLD)
    daemon = scene.daemon(table)
    first = daemon.client("it")
    expect(is_served(first), "the first is not served")
    second, third = daemon.client("it"), daemon.client("it")
    for client in (second, third):
        expect(hear(client).startswith(b"wait"), "it is not told to wait")
    daemon.reload(table.replace("instances=1", "instances=3"))
    expect(is_served(second) and is_served(third), "one of them still waits")


@claim(each=["a reload takes the service", "the daemon ends"])
def who_waits_is_told_that_the_service_ends(scene, how):
    other = scene.line("other", "tcp4", "builtin:echo")
    table = line(scene, "built-in", "tcp4", "instances=1 queue=3 " + FAILED)
    daemon = scene.daemon(other + table, "daemon: { gates = 1; grace = \"1min\"; log_level = \"debug\"; };")
    first = daemon.client("it")
    expect(is_served(first), "the first is not served")
    second = daemon.client("it")
    daemon.wait_for_event("queue_joined", service="it")
    if how == "the daemon ends":
        os.kill(daemon.pid, signal.SIGTERM)
    else:
        daemon.reload(other)
    expect_equal(receive_all(second), b"sorry: the service ends\r\n", "what it is told")
    expect(is_served(first), "who is inside is not served any more")
    first.close()
    if how == "the daemon ends":
        expect_equal(daemon.wait(), 0, "its status")


@claim(needs=["root"])
def the_death_of_a_gate_costs_the_seats_of_its_clients_and_no_others(scene):
    daemon = scene.daemon(scene.program("it", "/bin/cat", keys="instances=1 queue=8 " + TOLD),
                          args=["--gates", "2"])
    first = daemon.client("it")
    expect(is_served(first), "the first is not served")
    waiting = [daemon.client("it") for _ in range(8)]
    for client in waiting:
        expect(hear(client).startswith(b"wait"), "it is not told to wait")
    victim = daemon.gates()[0]
    os.kill(victim, signal.SIGKILL)
    daemon.wait_for_event("gate_ended", pid=victim)
    daemon.wait_for_event("gate_started", count=3)
    left = [client for client in waiting if is_silent(client)]
    rest = []
    while len(left) + len(rest) < 8:
        rest.append(daemon.client("it"))
        expect_equal(hear(rest[-1]), told(len(left) + len(rest)), "what a new one is told")
    first.close()
    for client in left + rest:
        expect(is_served(client), "somebody who waits is not served")
        client.close()


@claim(needs=["root"])
def a_gate_that_stands_still_does_not_stop_the_queue(scene):
    daemon = scene.daemon(line(scene, "program", "tcp4", "instances=1 queue=40 " + TOLD),
                          args=["--gates", "2"])
    first = daemon.client("it")
    expect(is_served(first), "the first is not served")
    # So many that the kernel gives some of them to each gate.
    waiting = [daemon.client("it") for _ in range(40)]
    for client in waiting:
        expect(hear(client).startswith(b"wait"), "it is not told to wait")
        client.sendall(b"x")
    stopped = daemon.gates()[0]
    os.kill(stopped, signal.SIGSTOP)
    try:
        first.close()
        served = wait_until(lambda: [client for client in waiting if not is_silent(client)],
                            "the turn of a client of the other gate")
        expect_equal(receive(served[0], 1), b"x", "its echo")
    finally:
        os.kill(stopped, signal.SIGCONT)


@claim(each=["1", "2"])
def many_who_come_and_go_are_all_told_to_wait_and_served(scene, gates):
    daemon = scene.daemon(line(scene, "built-in", "tcp4", "instances=3 queue=10 " + TOLD),
                          args=["--gates", gates])
    clients = {}
    for number in range(60):
        client = daemon.client("it")
        client.sendall(b"!")
        clients[client] = b""
        if number % 3 == 2:
            gone = list(clients)[0 if number % 2 else -1]
            del clients[gone]
            gone.close()
    while clients:
        heard = wait_until(lambda: [client for client in clients if not is_silent(client)],
                           "somebody who is served or told")
        for client in heard:
            clients[client] += hear(client)
            if clients[client].endswith(b"!"):
                expect(re.fullmatch(rb"(wait, you are \d+\r\n)?!", clients.pop(client)),
                       "one is told something else")
                client.close()


def both(scene, keys):
    """A program that answers connections and datagrams, each with what it is sent."""
    return scene.daemon("it 127.0.0.1:0/tcp4,udp4 %s %s /bin/cat\n" % (scene.user, keys),
                        args=["--gates", "1"])


def answers_datagrams(daemon):
    return ask_until_answered(daemon.client("it", "udp4"), b"question") == b"question"


@claim(each=["queue=5", "at_limit=close", "at_limit=queue"])
def datagrams_of_a_full_service_wait_in_the_kernel_whatever_its_clients_do(scene, keys):
    daemon = both(scene, "instances=1 " + keys)
    first = daemon.client("it")
    expect(is_served(first), "the first is not served")
    asker = daemon.client("it", "udp4")
    asker.send(b"question")
    daemon.wait_for_event("service_full", service="it")
    before = cpu_seconds(daemon.gates()[0])
    time.sleep(0.2)  # the time in which it may not work is what is measured
    spent = cpu_seconds(daemon.gates()[0]) - before
    expect(spent < 0.1, "the gate spins: %.3f s", spent)
    first.close()
    expect_equal(receive_datagram(asker)[0], b"question", "the answer once there is a place")


@claim()
def datagrams_go_on_while_the_services_rate_lets_nobody_connect(scene):
    daemon = both(scene, "cps=1/h")
    expect(is_served(daemon.client("it")), "the first is not served")
    late = daemon.client("it")
    daemon.wait_for_event("service_paced", service="it", verdict="cps")
    expect(answers_datagrams(daemon), "datagrams wait too")
    expect(is_silent(late), "the late client is served")


@claim(each=["built-in", "program"])
def who_waits_is_served_after_an_upgrade_in_its_turn(scene, handler):
    daemon = scene.daemon(line(scene, handler, "tcp4", "instances=1 queue=3 " + TOLD),
                          args=["--gates", "2"])
    first = daemon.client("it")
    expect(is_served(first), "the first is not served")
    waiting = []
    for number in range(2):
        waiting.append(daemon.client("it"))
        expect_equal(hear(waiting[-1]), told(number + 1), "what who waits is told")
    os.kill(daemon.pid, signal.SIGUSR2)
    daemon.wait_for_event("upgraded")
    waiting.append(daemon.client("it"))
    expect_equal(hear(waiting[-1]), told(3), "what is told after the upgrade")
    for number, client in enumerate(waiting):
        client.sendall(b"%d" % number)
    expect_equal(serve_one_by_one(first, waiting), [b"0", b"1", b"2"], "the order")
