# SPDX-License-Identifier: ISC
"""Attacks: what strangers try, and that others hardly notice. What is claimed are counts and bounds;
latencies are figures, which -v shows."""

import json
import os
import socket
import struct
import subprocess
import time

from claims import HAS_SANITIZER, SLOW, claim, expect, expect_equal
from harness import wait_until
from system import memory_kib
from talk import ask, receive
from varlink import reevectl

FLOOD = 2000 if HAS_SANITIZER else 10000
MANY_SOURCES = 5000 if HAS_SANITIZER else 50000
BANNED = FLOOD // 10
OFFENDER = ("127.0.0.9", 0)


def is_served(client):
    try:
        client.sendall(b"?")
        return client.recv(1) == b"?"
    except (BrokenPipeError, ConnectionResetError):
        return False


def counters(daemon, service):
    status = json.loads(reevectl(daemon, "status", "--json", service)[0])
    return [row for row in status["services"] if row["name"] == service][0]["counters"]


def visit(scene, address):
    """Seconds that a good client takes from its connect to its answer."""
    begin = time.monotonic()
    client = scene.connect(address)
    expect_equal(ask(client, b"good"), b"good", "what a good client is answered")
    client.close()
    return time.monotonic() - begin


def visits(scene, address, count=300):
    return [visit(scene, address) for _ in range(count)]


def p99(seconds):
    return sorted(seconds)[len(seconds) * 99 // 100] * 1000


def note(scene, what, before, during):
    scene.note("%s: p99 of the good client %.2f ms, quiet %.2f ms (%.1f times), %d visits" % (
        what, p99(during), p99(before), p99(during) / p99(before), len(during)))


class Flood:
    """Clients that connect as fast as they can, each from the next of so many addresses."""

    def __init__(self, scene, port, count, sources):
        self.process = subprocess.Popen(
            [os.environ["E2E_VISITS"], str(port), str(count), str(sources)],
            stdout=subprocess.PIPE)
        scene.stack.callback(self.end)

    def is_on(self):
        return self.process.poll() is None

    def result(self):
        """How many were answered, and how many refused."""
        text = self.process.communicate(timeout=60 * SLOW)[0]
        expect_equal(self.process.returncode, 0, "the flood's status")
        return tuple(map(int, text.split()))

    def end(self):
        self.process.kill()
        self.process.communicate()


def visits_during(scene, flood, address):
    seconds = [visit(scene, address)]
    while flood.is_on():
        seconds.append(visit(scene, address))
    return seconds


# ---------------------------------------------------------------- streams

@claim(seconds=60)
def slow_clients_that_fill_one_service_are_no_hindrance_for_another(scene):
    daemon = scene.daemon(scene.line("victim", "tcp4", "builtin:echo", "instances=20")
                          + scene.line("other", "tcp4", "builtin:echo"), args=["--gates", "1"])
    address = daemon.address("other", "tcp4")
    before = visits(scene, address)
    idlers = [daemon.client("victim") for _ in range(400)]
    daemon.wait_for_event("service_full", service="victim")
    during = visits(scene, address)
    note(scene, "400 idlers at 20 places", before, during)
    expect_equal(counters(daemon, "victim")["connections"], 20, "idlers that are let in")
    expect_equal(len(idlers), 400, "idlers")


@claim(needs=["visits"], seconds=60)
def a_flood_from_one_source_is_refused_while_others_are_served(scene):
    daemon = scene.daemon(
        scene.line("daytime", "tcp4", keys="cps_per_source=5/h")
        + scene.line("echo", "tcp4", keys="cps_per_source=1000000"), args=["--gates", "1"])
    address = daemon.address("echo", "tcp4")
    before = visits(scene, address)
    flood = Flood(scene, daemon.port("daytime"), FLOOD, 1)
    during = visits_during(scene, flood, address)
    answered, refused = flood.result()
    note(scene, "%d connections of one source" % FLOOD, before, during)
    expect_equal((answered, refused), (5, FLOOD - 5), "answered and refused")
    expect_equal(counters(daemon, "daytime")["verdict_refuse_source_rate"], FLOOD - 5, "counted")
    expect(len(daemon.log.find("conn_refused")) < 20, "a line for each refusal")


@claim(needs=["visits"], seconds=90)
def a_flood_from_many_sources_neither_grows_the_daemon_nor_frees_an_offender(scene):
    daemon = scene.daemon(
        scene.line("daytime", "tcp4", keys="cps_per_source=1/h per_source=2")
        + scene.line("echo", "tcp4")
        + scene.line("trap", "tcp4", "builtin:discard", "sensor ban_time=1h"),
        "sources = 16384;", args=["--gates", "1"])
    address = daemon.address("echo", "tcp4")
    expect(not is_served(daemon.client("trap", source=OFFENDER)), "a sensor serves")
    daemon.wait_for_event("source_banned")
    before = visits(scene, address)
    size = sum(memory_kib(pid) for pid in daemon.family())
    flood = Flood(scene, daemon.port("daytime"), MANY_SOURCES, MANY_SOURCES)
    during = visits_during(scene, flood, address)
    answered, refused = flood.result()
    grown = sum(memory_kib(pid) for pid in daemon.family()) - size
    note(scene, "%d sources, %d answered, %d KiB more memory" % (
        MANY_SOURCES, answered, grown), before, during)
    expect_equal(answered + refused, MANY_SOURCES, "answered and refused")
    expect(HAS_SANITIZER or grown < 8192, "the daemon has grown by %d KiB", grown)
    expect(not is_served(daemon.client("echo", source=OFFENDER)), "the offender is out early")


@claim(needs=["visits"], seconds=60)
def a_flood_of_banned_sources_costs_no_place_and_is_told_in_few_lines(scene):
    daemon = scene.daemon(
        scene.line("daytime", "tcp4", keys="cps_per_source=1/h ban=1/h")
        + scene.line("echo", "tcp4"), "bans = 100;", args=["--gates", "2"])
    flood = Flood(scene, daemon.port("daytime"), FLOOD, BANNED)
    during = visits_during(scene, flood, daemon.address("echo", "tcp4"))
    expect_equal(flood.result(), (BANNED, FLOOD - BANNED), "answered and refused")
    counted = counters(daemon, "daytime")
    rated, banned = (counted["verdict_refuse_" + name] for name in ("source_rate", "ban"))
    expect_equal(rated + banned, FLOOD - BANNED, "counted")
    expect(BANNED <= rated <= 3 * BANNED, "refused before they were banned: %d", rated)
    expect_equal(counted["connections"], BANNED, "connections that took a place")
    daemon.wait_for_event("bans_full")
    expect_equal(len(daemon.log.find("bans_full")), 1, "lines about the full book")
    scene.note("%d sources banned, %d connections refused for it: p99 of the good client "
               "%.2f ms, %d visits" % (BANNED, banned, p99(during), len(during)))


@claim()
def who_scans_the_ports_is_banned_from_all_at_the_first_trap(scene):
    traps = "".join(scene.line("trap%d" % number, "tcp4", "builtin:discard",
                               "sensor ban_time=1h") for number in range(8))
    daemon = scene.daemon(traps + scene.line("echo", "tcp4"), args=["--gates", "2"])
    inside = daemon.client("echo")
    expect(is_served(inside), "it is banned before it has done anything")
    for number in range(8):
        expect(not is_served(daemon.client("trap%d" % number, source=OFFENDER)), "a trap serves")
    expect(not is_served(daemon.client("echo", source=OFFENDER)), "who scans is served")
    daemon.wait_for_event("conn_refused", service="echo", verdict="ban")
    daemon.wait_for_event("source_banned")  # by another gate, perhaps
    expect_equal(len(daemon.log.find("source_banned")), 1, "lines about one source")
    expect(is_served(inside) and is_served(daemon.client("echo")), "somebody else is not served")


# ---------------------------------------------------------------- evasion

def named(scene, daemon, address):
    """A client of that IPv6 address, by the word of a proxy."""
    client = daemon.client("echo")
    client.sendall(b"PROXY TCP6 %s 2001:db8:ffff::1 40000 7\r\n" % address.encode())
    return client


@claim()
def nobody_evades_a_ban_by_another_address_of_his_network(scene):
    """A host has a /64 of IPv6 to itself, so that is what is counted and banned."""
    daemon = scene.daemon(scene.line(
        "echo", "tcp4", keys="proxy_from=127.0.0.1 cps_per_source=1/h ban=3/h ban_time=1h"),
        args=["--gates", "2"])
    expect(is_served(named(scene, daemon, "2001:db8::1")), "the first is refused")
    for number in range(2, 20):
        expect(not is_served(named(scene, daemon, "2001:db8::%x:1" % number)),
               "another address of the network is served")
    event = daemon.wait_for_event("source_banned", service="echo")
    expect(event["peer"].startswith("[2001:db8::"), "who is banned: %s", event)
    counted = counters(daemon, "echo")
    expect_equal((counted["verdict_refuse_source_rate"], counted["verdict_refuse_ban"]), (3, 15),
                 "refused for the rate, and for the ban")
    expect(is_served(named(scene, daemon, "2001:db8:0:1::1")), "the network beside is banned too")


# ---------------------------------------------------------------- datagrams

def forge(source_port, target_port, payload):
    """An IPv4 datagram from one of our own ports to another."""
    udp = struct.pack("!HHHH", source_port, target_port, 8 + len(payload), 0) + payload
    here = socket.inet_aton("127.0.0.1")
    return struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, socket.IPPROTO_UDP, 0,
                       here, here) + udp


@claim(needs=["root"])
def forged_datagrams_do_not_set_our_own_services_on_each_other(scene):
    daemon = scene.daemon(scene.line("echo", "udp4") + scene.line("chargen", "udp4")
                          + scene.line("daytime", "udp4"), args=["--gates", "2"])
    ports = {name: daemon.port(name, "udp4") for name in ("echo", "chargen", "daytime")}
    raw = scene.keep(socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW))
    pairs = [(a, b) for a in ports for b in ports]
    for source, target in pairs:
        raw.sendto(forge(ports[source], ports[target], b"loop"), ("127.0.0.1", 0))
    for name in ports:
        wait_until(lambda name=name: counters(daemon, name).get("verdict_refuse_loop") == 3,
                   "three refusals of %s" % name)
        expect_equal(counters(daemon, name).get("sent_datagrams", 0), 0, "answers of " + name)
    client = daemon.client("echo", "udp4")
    client.send(b"still there?")
    expect_equal(receive(client, 12), b"still there?", "what others are answered")
