# SPDX-License-Identifier: ISC
"""Rates and sources: who comes too fast or too often is refused, and nobody else is."""

import os
import select
import signal
import socket
import struct
import threading
import time

from claims import SLOW, STREAMS, Failure, claim, expect, expect_equal
from harness import wait_until
from talk import ask, is_silent, receive, receive_datagram, receive_line

OTHER = ("127.0.0.2", 0)


def end_of(client):
    """How a client that is refused finds its connection: "closed" or "reset"."""
    try:
        rest = client.recv(100)
    except ConnectionResetError:
        return "reset"
    except socket.timeout:
        raise Failure("the client is neither served nor refused") from None
    expect_equal(rest, b"", "what a refused client is sent")
    return "closed"


def is_let_in(client):
    """Is it served by echo? A client that is refused may hear of it while it speaks."""
    try:
        client.sendall(b"?")
        return client.recv(1) == b"?"
    except (BrokenPipeError, ConnectionResetError):
        return False


def comes_in(daemon, service, protocol="tcp4"):
    """A client that is let in; None if it is refused."""
    client = daemon.client(service, protocol)
    return client if is_let_in(client) else None


def echo(scene, keys, protocol="tcp4", gates="2", **rest):
    return scene.daemon(scene.line("echo", protocol, keys=keys), args=["--gates", gates], **rest)


# ---------------------------------------------------------------- how many at once

@claim(each=STREAMS)
def a_source_has_no_more_connections_than_per_source_lets_it(scene, protocol):
    daemon = echo(scene, "per_source=3", protocol)
    inside = [daemon.client("echo", protocol) for _ in range(3)]
    for client in inside:
        expect(is_let_in(client), "one of the first three is refused")
    for _ in range(5):
        expect(not is_let_in(daemon.client("echo", protocol)), "a fourth connection is served")
    daemon.wait_for_event("conn_refused", service="echo", verdict="per-source")
    for client in inside:
        expect_equal(ask(client, b"still"), b"still", "the answer for who is inside")


@claim(each=STREAMS)
def a_source_may_come_again_once_one_of_its_connections_has_ended(scene, protocol):
    daemon = echo(scene, "per_source=1", protocol)
    for number in range(10):
        # What it held is free a moment after its end is told.
        wait_until(lambda: comes_in(daemon, "echo", protocol), "its only connection").close()
        daemon.wait_for_event("conn_ended", service="echo", count=number + 1)


@claim()
def a_source_that_is_full_is_no_hindrance_for_another(scene):
    daemon = echo(scene, "per_source=1")
    expect(is_let_in(daemon.client("echo")), "the first is refused")
    expect(not is_let_in(daemon.client("echo")), "the second is served")
    expect(is_let_in(daemon.client("echo", source=OTHER)), "another source is refused")


@claim()
def sources_are_as_large_as_their_prefix(scene):
    daemon = echo(scene, "per_source=1 source_prefix4=24")
    expect(is_let_in(daemon.client("echo")), "the first is refused")
    expect(not is_let_in(daemon.client("echo", source=("127.0.0.99", 0))),
           "a neighbour of the same network is served")
    expect(is_let_in(daemon.client("echo", source=("127.0.1.1", 0))),
           "another network is refused")


@claim(needs=["probe"])
def the_programs_of_a_source_count_as_long_as_they_run_whichever_gate_dies(scene):
    daemon = scene.daemon(scene.program("hold", scene.probe + " hold", keys="per_source=2"),
                          args=["--gates", "2"])
    first, first_pid = daemon.hold()
    second, _ = daemon.hold()
    expect_equal(end_of(daemon.client("hold")), "closed", "a third client's connection")
    mark = daemon.log.mark()
    for gate in daemon.gates():
        os.kill(gate, signal.SIGKILL)
    daemon.wait_for_event("gate_started", since=mark, count=2)
    expect_equal(end_of(daemon.client("hold")), "closed", "a third client's after the gates died")
    first.close()
    daemon.wait_for_event("handler_ended", pid=first_pid)

    def is_started():
        client = daemon.client("hold")
        return client if client.recv(100).startswith(b"ready") else None
    third = wait_until(is_started, "a program in the place of the first")
    expect_equal(end_of(daemon.client("hold")), "closed", "a fourth client's connection")
    third.close()
    second.close()


@claim()
def what_a_source_held_in_a_gate_that_died_is_given_back(scene):
    daemon = echo(scene, "per_source=4")
    inside = [daemon.client("echo") for _ in range(4)]
    expect(all(is_let_in(client) for client in inside), "one of four is refused")
    mark = daemon.log.mark()
    for gate in daemon.gates():
        os.kill(gate, signal.SIGKILL)
    daemon.wait_for_event("gate_started", since=mark, count=2)
    inside = [daemon.client("echo") for _ in range(4)]
    expect(all(is_let_in(client) for client in inside), "one of four is refused afterwards")
    expect(not is_let_in(daemon.client("echo")), "a fifth is served")


@claim()
def a_client_that_tcpmux_hands_over_counts_for_its_new_service(scene):
    daemon = scene.daemon(scene.line("tcpmux", "tcp4")
                          + scene.line("echo", "tcp4", keys="tcpmux=plain per_source=1"))
    inside = daemon.client("tcpmux")
    inside.sendall(b"echo\r\nx")
    expect_equal(receive(inside, 1), b"x", "the answer of the service")
    expect(not is_let_in(daemon.client("echo")), "a second connection is served")
    inside.close()
    daemon.wait_for_event("conn_ended", service="echo")
    wait_until(lambda: comes_in(daemon, "echo"), "the source's next one after its end")


@claim()
def behind_a_proxy_the_source_is_the_client_that_it_names(scene):
    daemon = echo(scene, "per_source=1 proxy_from=127.0.0.1")
    inside = []
    for number in (1, 2, 1):
        client = daemon.client("echo")
        client.sendall(b"PROXY TCP4 192.0.2.%d 198.51.100.2 40000 80\r\n" % number)
        inside.append(client)
        expect_equal(is_let_in(client), len(inside) < 3, "whether client %d is served" % number)
    event = daemon.wait_for_event("conn_refused", service="echo", verdict="per-source")
    expect_equal(event["peer"], "192.0.2.1:40000", "who was refused")


# ---------------------------------------------------------------- how fast

@claim(each=STREAMS)
def a_source_that_comes_faster_than_its_rate_is_refused(scene, protocol):
    daemon = echo(scene, "cps_per_source=3/h", protocol)
    for number in range(3):
        expect(is_let_in(daemon.client("echo", protocol)), "number %d is refused", number)
    for _ in range(10):
        expect(not is_let_in(daemon.client("echo", protocol)), "a fourth is served")
    daemon.wait_for_event("conn_refused", service="echo", verdict="source-rate")


@claim(needs=["probe"])
def no_program_is_started_for_a_source_that_comes_too_fast(scene):
    daemon = scene.daemon(scene.program("hold", scene.probe + " hold", keys="cps_per_source=2/h"),
                          args=["--gates", "2"])
    held = [daemon.hold() for _ in range(2)]
    for _ in range(20):
        expect_equal(end_of(daemon.client("hold")), "closed", "its connection")
    expect_equal(len(daemon.handlers()), len(held), "programs")


@claim()
def a_rate_has_a_burst_of_its_own_and_lasts_over_a_reload(scene):
    table = scene.line("echo", "tcp4", keys="cps_per_source=1/h cps_per_source_burst=4")
    daemon = scene.daemon(table, args=["--gates", "2"])
    for number in range(4):
        expect(is_let_in(daemon.client("echo")), "number %d is refused", number)
    expect(not is_let_in(daemon.client("echo")), "the fifth is served")
    daemon.reload(table + scene.line("other", "tcp4", "builtin:echo"))
    expect(not is_let_in(daemon.client("echo")), "a reload forgot the source")
    expect(is_let_in(daemon.client("echo", source=OTHER)), "another source is refused")
    expect(is_let_in(daemon.client("other")), "another service refuses it")


@claim(each=["close", "reset"])
def who_is_refused_is_told_so_as_at_limit_says(scene, at_limit):
    daemon = echo(scene, "per_source=1 at_limit=" + at_limit)
    expect(is_let_in(daemon.client("echo")), "the first is refused")
    for _ in range(5):
        try:
            end = end_of(daemon.client("echo"))
        except ConnectionResetError:  # before connect(2) had returned
            end = "reset"
        expect_equal(end, {"close": "closed", "reset": "reset"}[at_limit], "the connection")


@claim(each=["1", "2"], seconds=30)
def a_service_at_its_rate_lets_clients_wait_and_serves_them_all_in_time(scene, gates):
    daemon = scene.daemon(scene.line("daytime", "tcp4", keys="cps=5 cps_burst=2"),
                          args=["--gates", gates])
    began = time.monotonic()
    clients = [daemon.client("daytime") for _ in range(8)]
    for client in clients:
        expect(len(receive_line(client)) > 10, "no date")
    # Two at once, and one each fifth of a second: six more take at least a second. Each gate may
    # have been a client early.
    took = time.monotonic() - began
    least = 1.2 - 0.2 * int(gates)
    expect(took > least - 0.01, "eight clients in %.3f s are more than cps lets in", took)
    daemon.wait_for_event("service_paced", service="daytime", verdict="cps")


@claim(each=["cps=2/h", "instances=2"])
def at_limit_close_turns_away_whom_the_service_cannot_take(scene, limit):
    verdict = "full" if limit.startswith("instances") else "cps-refused"
    daemon = echo(scene, limit + " at_limit=close")
    inside = [daemon.client("echo") for _ in range(2)]
    expect(all(is_let_in(client) for client in inside), "one of two is refused")
    for _ in range(5):
        expect(not is_let_in(daemon.client("echo")), "a third is served")
    daemon.wait_for_event("conn_refused", service="echo", verdict=verdict)


@claim(each=["0", "1000"])
def no_rate_ever_closes_the_port(scene, later):
    daemon = echo(scene, "cps=1/h")
    expect(is_let_in(daemon.client("echo")), "the first is refused")
    waiting = [daemon.client("echo") for _ in range(50)]  # connected, by the kernel
    daemon.wait_for_event("service_paced", service="echo")
    expect(all(is_silent(client) for client in waiting), "a client that waits heard something")
    table = open(daemon.services, encoding="utf-8").read().replace("cps=1/h", "cps=" + later)
    daemon.reload(table)
    for client in waiting:
        expect(is_let_in(client), "one that waited is refused")


@claim()
def clients_that_are_refused_use_up_nothing_of_the_services_rate(scene):
    daemon = echo(scene, "cps=3/h per_source=1")
    expect(is_let_in(daemon.client("echo")), "the first is refused")
    for _ in range(30):
        expect(not is_let_in(daemon.client("echo")), "a second one of a source is served")
    for number in (2, 3):
        expect(is_let_in(daemon.client("echo", source=("127.0.0.%d" % number, 0))),
               "the flood has used up the rate")


@claim(needs=["load"])
def a_service_waits_while_the_hosts_load_is_too_high(scene):
    table = scene.line("echo", "tcp4", keys="max_load=0.01") + scene.line(
        "strict", "tcp4", "builtin:echo", keys="max_load=0.01 at_limit=close") + scene.line(
        "patient", "tcp4", "builtin:echo", keys="max_load=100000")
    daemon = scene.daemon(table, args=["--gates", "1"])
    waiting = daemon.client("echo")
    daemon.wait_for_event("service_paced", service="echo", verdict="load")
    expect(is_silent(waiting), "a client of the service that waits heard something")
    expect_equal(end_of(daemon.client("strict")), "closed", "the connection")
    expect(is_let_in(daemon.client("patient")), "a service that bears more load refuses")
    daemon.reload(table.replace("max_load=0.01", "max_load=0"))
    expect(is_let_in(waiting), "the client that waited is refused")


# ---------------------------------------------------------------- datagrams

@claim(each=["udp4", "udp6", "unix-dgram"])
def a_source_that_sends_faster_than_its_rate_gets_no_answer(scene, protocol):
    daemon = echo(scene, "pps_per_source=5/h", protocol)
    clients = [daemon.client("echo", protocol) for _ in range(5)]
    for client in clients:
        client.send(b"first")
        expect_equal(receive_datagram(client)[0], b"first", "the answer")
    for client in clients:
        client.send(b"second")
    daemon.wait_for_event("datagrams_refused", service="echo", verdict="source-rate")
    expect(all(is_silent(client) for client in clients), "a sixth datagram is answered")
    if protocol == "udp4":
        other = daemon.client("echo", protocol, source=OTHER)
        other.send(b"and me?")
        expect_equal(receive_datagram(other)[0], b"and me?", "another source's answer")


@claim(needs=["root"])
def users_on_a_unix_datagram_socket_are_sources_of_their_own(scene):
    daemon = echo(scene, "pps_per_source=1/h", "unix-dgram")
    client = daemon.client("echo", "unix-dgram")
    client.send(b"first")
    expect_equal(receive_datagram(client)[0], b"first", "the answer")
    client.send(b"second")
    daemon.wait_for_event("datagrams_refused", service="echo", verdict="source-rate")
    nobody = struct.pack("3i", os.getpid(), 65534, 65534)  # root may say who it is
    client.sendmsg([b"and me?"], [(socket.SOL_SOCKET, socket.SCM_CREDENTIALS, nobody)])
    expect_equal(receive_datagram(client)[0], b"and me?", "another user's answer")


@claim(each=["1", "2", "4"])
def the_budget_of_a_source_is_one_for_all_gates(scene, gates):
    daemon = scene.daemon(scene.line("chargen", "udp4", keys="reply_budget=740 reply_budget_rate=0"),
                          args=["--gates", gates])
    clients = [daemon.client("chargen", "udp4") for _ in range(40)]
    for client in clients:
        client.send(b"")
    wait_until(lambda: sum(not is_silent(client) for client in clients) == 10,
               "ten answers of 74 bytes")
    daemon.wait_for_event("datagrams_refused", service="chargen", verdict="budget")
    for client in clients:
        if not is_silent(client):
            expect_equal(len(receive_datagram(client)[0]), 74, "bytes of the answer")
    for client in clients:
        client.send(b"x" * 600)  # answered for nothing, behind all that went before
        receive_datagram(client)
    expect(all(is_silent(client) for client in clients), "more answers than the budget pays for")


class Reflector:
    """A peer that sends every datagram back to where it came from, as an echo on a port that
    nobody knows; it counts."""

    def __init__(self, scene):
        self.socket = scene.socket("udp4", source=("127.0.0.1", 0))
        self.count = 0
        self.is_over = False
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()
        scene.stack.callback(self.stop)

    def run(self):
        while not self.is_over:
            if select.select([self.socket], [], [], 0.1)[0]:
                datagram, sender = self.socket.recvfrom(70000)
                self.count += 1
                self.socket.sendto(datagram, sender)

    def stop(self):
        self.is_over = True
        self.thread.join()


def goes_round_no_more(peer):
    before = peer.count
    time.sleep(0.05)  # the time in which nothing may happen is what is measured
    return peer.count == before


@claim(each=["1", "2"])
def two_that_answer_each_other_are_parted_within_a_second_and_nobody_else_is(scene, gates):
    daemon = scene.daemon(scene.line("echo", "udp4", keys="loop_guard=100"),
                          args=["--gates", gates])
    peer = Reflector(scene)
    for number in range(5):
        peer.socket.sendto(b"loop %d" % number, daemon.address("echo", "udp4"))
    event = daemon.wait_for_event("pair_blocked", service="echo", seconds=SLOW)
    expect_equal(event["peer"], "127.0.0.1:%d" % peer.socket.getsockname()[1], "who is blocked")
    daemon.wait_for_event("datagrams_refused", service="echo", verdict="pair")
    honest = daemon.client("echo", "udp4")
    honest.send(b"and me?")
    expect_equal(receive_datagram(honest)[0], b"and me?", "the answer to another port")

    wait_until(lambda: goes_round_no_more(peer), "the loop to end", SLOW)
    expect(peer.count < 2000, "%d datagrams went round", peer.count)
    peer.socket.sendto(b"again", daemon.address("echo", "udp4"))
    honest.send(b"and now?")
    expect_equal(receive_datagram(honest)[0], b"and now?", "the answer to another port")
    expect_equal(len(daemon.log.find("pair_blocked")), 1, "lines in the log for one loop")


@claim()
def without_a_loop_guard_a_port_may_be_answered_as_fast_as_it_asks(scene):
    daemon = echo(scene, "loop_guard=0", "udp4", gates="1")
    client = daemon.client("echo", "udp4")
    for number in range(3000):
        client.send(b"%d" % number)
        expect_equal(receive_datagram(client)[0], b"%d" % number, "answer %d" % number)


@claim()
def a_service_waits_while_the_host_is_short_of_memory(scene):
    table = scene.line("echo", "tcp4", keys="min_memory=1048576G") + scene.line(
        "strict", "tcp4", "builtin:echo", keys="min_memory=1048576G at_limit=close") + scene.line(
        "patient", "tcp4", "builtin:echo", keys="min_memory=1M")
    daemon = scene.daemon(table, args=["--gates", "2"])
    waiting = daemon.client("echo")
    daemon.wait_for_event("service_paced", service="echo", verdict="memory")
    expect(is_silent(waiting), "a client of the service that waits heard something")
    expect_equal(end_of(daemon.client("strict")), "closed", "the connection")
    daemon.wait_for_event("conn_refused", service="strict", verdict="memory-refused")
    expect(is_let_in(daemon.client("patient")), "a service that needs less refuses")
    daemon.reload(table.replace("min_memory=1048576G", "min_memory=1M"))
    expect(is_let_in(waiting), "the client that waited is refused")


@claim(needs=["memory pressure"])
def a_service_serves_under_less_memory_pressure_than_it_bears(scene):
    daemon = echo(scene, "max_memory_pressure=100 min_memory=1M")
    expect(is_let_in(daemon.client("echo")), "a client is refused")


# ---------------------------------------------------------------- bans

def refuse_often(daemon, count, service="echo", **how):
    for _ in range(count):
        expect(not is_let_in(daemon.client(service, **how)), "it is served")


@claim()
def who_is_refused_too_often_is_banned_and_nobody_else(scene):
    table = scene.line("echo", "tcp4", keys="per_source=1 ban=5/h ban_time=1h") + scene.line(
        "other", "tcp4", "builtin:echo")
    daemon = scene.daemon(table, args=["--gates", "2"])
    inside = daemon.client("echo")
    expect(is_let_in(inside), "the first is refused")
    refuse_often(daemon, 4)
    expect_equal(daemon.log.find("source_banned"), [], "bans after four refusals")
    refuse_often(daemon, 1)
    event = daemon.wait_for_event("source_banned", service="echo", verdict="per-source")
    expect_equal(event["duration_ms"], "3600000", "how long")
    expect_equal(ask(inside, b"still"), b"still", "the answer for who is inside")
    inside.close()
    daemon.wait_for_event("conn_ended", service="echo")
    refuse_often(daemon, 1)
    daemon.wait_for_event("conn_refused", service="echo", verdict="ban")
    expect(is_let_in(daemon.client("echo", source=OTHER)), "another source is banned too")
    expect(is_let_in(daemon.client("other")), "it is banned from another service")
    daemon.reload(table + scene.line("new", "tcp4", "builtin:echo"))
    refuse_often(daemon, 1)
    mark = daemon.log.mark()
    for gate in daemon.gates():
        os.kill(gate, signal.SIGKILL)
    daemon.wait_for_event("gate_started", since=mark, count=2)
    refuse_often(daemon, 1)


@claim()
def whom_the_rules_do_not_admit_is_banned_like_others_that_are_refused(scene):
    daemon = echo(scene, "no_access=127.0.0.1 ban=3/h ban_time=1h")
    refuse_often(daemon, 10)
    daemon.wait_for_event("source_banned", service="echo", verdict="access")
    expect_equal(len(daemon.log.find("source_banned")), 1, "bans of one source")
    expect(is_let_in(daemon.client("echo", source=OTHER)), "another source is banned too")


@claim()
def a_ban_ends_by_itself(scene):
    daemon = echo(scene, "per_source=1 ban=3/min ban_time=1s")
    inside = daemon.client("echo")
    expect(is_let_in(inside), "the first is refused")
    refuse_often(daemon, 3)
    daemon.wait_for_event("source_banned", service="echo", verdict="per-source")
    inside.close()
    wait_until(lambda: is_let_in(daemon.client("echo")), "the ban to end")


@claim(each=STREAMS)
def who_touches_a_sensor_is_banned_from_all_services(scene, protocol):
    table = (scene.line("trap", protocol, "builtin:discard", "sensor ban_time=1h")
             + scene.line("echo", protocol) + scene.line("other", protocol, "builtin:echo"))
    daemon = scene.daemon(table, args=["--gates", "2"])
    inside = daemon.client("echo", protocol)
    expect(is_let_in(inside), "it is banned before it has done anything")
    expect_equal(end_of(daemon.client("trap", protocol)), "closed", "the sensor's connection")
    daemon.wait_for_event("source_banned", service="trap", verdict="sensor")
    for service in ("echo", "other"):
        expect(not is_let_in(daemon.client(service, protocol)), "%s still serves it", service)
    expect_equal(ask(inside, b"still"), b"still", "the answer for who is inside")
    if protocol == "tcp4":
        expect(is_let_in(daemon.client("echo", source=OTHER)), "another source is banned too")
    daemon.reload(table.replace("sensor ", ""))
    expect(not is_let_in(daemon.client("echo", protocol)), "the ban ends with the sensor")


@claim()
def a_ban_holds_for_datagrams_but_none_is_banned_for_them(scene):
    daemon = scene.daemon(
        scene.line("trap", "tcp4", "builtin:discard", "sensor ban_time=1h")
        + "echo 127.0.0.1:0/tcp4,udp4 pps_per_source=3/h ban=2/h builtin\n", args=["--gates", "2"])
    client = daemon.client("echo", "udp4", source=OTHER)
    for _ in range(20):
        client.send(b"?")
    daemon.wait_for_event("datagrams_refused", service="echo", verdict="source-rate")
    expect_equal(daemon.log.find("source_banned"), [], "bans for datagrams, which can be forged")
    expect_equal(end_of(daemon.client("trap")), "closed", "the sensor's connection")
    daemon.client("echo", "udp4").send(b"?")
    daemon.wait_for_event("datagrams_refused", service="echo", verdict="ban")


# ---------------------------------------------------------------- attacks

def rush(scene, address, count):
    """So many connections of one source, a hundred at a time; those that were let in are held."""
    held = []
    for _ in range(count // 100):
        rushing = []
        for _ in range(100):
            attempt = socket.socket()
            attempt.bind(("127.0.0.66", 0))
            attempt.setblocking(False)
            attempt.connect_ex(address)
            rushing.append(attempt)
        for attempt in rushing:
            attempt.settimeout(5 * SLOW)
            if is_let_in(attempt):
                held.append(attempt)
        for attempt in rushing:
            if attempt not in held:
                attempt.close()
        yield len(held)
    for attempt in held:
        attempt.close()


@claim(seconds=60)
def ten_thousand_connections_of_one_source_are_no_hindrance_for_another(scene):
    daemon = echo(scene, "instances=20 per_source=5 cps_per_source=1000")
    address = daemon.address("echo", "tcp4")
    good = daemon.client("echo", source=OTHER)
    for held in rush(scene, address, 10000):
        expect(held <= 5, "the source that floods holds %d connections", held)
        expect_equal(ask(good, b"inside"), b"inside", "the answer for who is inside")
        newcomer = daemon.client("echo", source=("127.0.0.3", 0))
        expect(is_let_in(newcomer), "a newcomer of another source is refused")
        newcomer.close()
    expect(len(daemon.log.find("conn_refused")) < 20, "a line for each refusal")
