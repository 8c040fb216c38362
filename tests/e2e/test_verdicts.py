# SPDX-License-Identifier: ISC
"""Every verdict there is, provoked over IPv4, IPv6 and a unix socket: it is told, and counted under
its name."""

import contextlib
import json
import os
import re
import socket

import openmetrics
from claims import TREE, Failure, claim, expect, expect_equal
from dns import Dns
from harness import wait_until
from networks import Network
from talk import ask, receive_all
from test_banners import LONG, narrow_client, narrow_listener
from test_libwrap import wrapped
from test_names import settings
from varlink import reevectl

TABLE = os.path.join(TREE, "src", "base", "verdicts.def")
FAMILIES = ["tcp4", "tcp6", "unix"]
OF_DATAGRAMS = {"tcp4": "udp4", "tcp6": "udp6", "unix": "unix-dgram"}
HERE = {"tcp4": "127.0.0.1", "tcp6": "::1", "unix": "unix"}
# Whom a proxy names, also on a unix socket: clients there have no address that could have a name.
NAMED = {"tcp4": b"PROXY TCP4 192.0.2.5 192.0.2.1 40000 80\r\n",
         "tcp6": b"PROXY TCP6 2001:db8::5 2001:db8::1 40000 80\r\n",
         "unix": b"PROXY TCP4 192.0.2.5 192.0.2.1 40000 80\r\n"}
FILES = 128
OWN_PORTS = 4


def verdicts():
    """Word to the name of its counter, as the table has them."""
    with open(TABLE, encoding="utf-8") as table:
        found = re.findall(r'^VERDICT\((\w+), "([^"]+)"', table.read(), re.MULTILINE)
    return {word: "verdict_" + name for name, word in found}


class Row:
    """How a verdict is provoked: by what line of the table, and by what a client does. `told` is
    the event; `never` says where it cannot happen, and why; `place` by which claim it is played."""

    silent = ("service_queues", "service_throttled")  # events that name no verdict

    def __init__(self, word, line, provoke, told="conn_refused", never=None, place="together"):
        self.word, self.line, self.provoke = word, line, provoke
        self.told, self.never, self.place = told, never or {}, place
        self.service = word

    def protocol(self, family):
        return family

    def come(self, client):
        """What a client does for the service to see it."""


class Datagrams(Row):
    """The same by datagrams."""

    def __init__(self, word, line, provoke, **rest):
        super().__init__(word, line, provoke, "datagrams_refused", **rest)
        self.service = word + "-of-datagrams"

    def protocol(self, family):
        return OF_DATAGRAMS[family]

    def come(self, client):
        client.send(b"?")


class Play:
    """A daemon with a service for each row of a place, over one family."""

    def __init__(self, scene, family, place, conf="", network=None, launch=None, wrapper=()):
        self.scene, self.family, self.network = scene, family, network
        self.rows = [row for row in ROWS if row.place == place and family not in row.never]
        self.narrow = None
        table = "".join(row.line(self, row) for row in self.rows)
        if self.narrow:
            launch = {"sockets": [self.narrow.fileno()]}
        self.daemon = scene.daemon(table, conf, args=["--gates", "1"], launch=launch,
                                   wrapper=network.wrapper if network else wrapper)

    def client(self, row):
        return self.daemon.client(row.service, row.protocol(self.family))

    def is_told(self, row):
        return self.daemon.log.find(row.told, service=row.service)

    def counters(self):
        status = json.loads(reevectl(self.daemon, "status", "--json")[0])
        return {service["name"]: service["counters"] for service in status["services"]}

    def run(self):
        for row in self.rows:
            row.provoke(self, row)
            fields = {} if row.told in row.silent else {"verdict": row.word}
            self.daemon.wait_for_event(row.told, service=row.service, **fields)
        names, counters = verdicts(), self.counters()
        families = openmetrics.read(reevectl(self.daemon, "metrics")[0])
        for row in self.rows:
            counted = counters[row.service].get(names[row.word], 0)
            expect(counted > 0, "%s is not counted: %s", row.service, counters[row.service])
            metric = openmetrics.value(families, "reeve_service_refusals", "_total",
                                       service=row.service, verdict=row.word)
            expect(metric >= counted, "%s: %d, and then %s by its metric", row.service, counted,
                   metric)


# ---------------------------------------------------------------- lines of the table

def builtin(name, keys):
    return lambda play, row: play.scene.line(row.service, row.protocol(play.family),
                                             "builtin:" + name, keys.format(HERE[play.family]))


def echo(keys):
    return builtin("echo", keys)


def program(text, keys=""):
    def line(play, row):
        path = play.scene.write(row.service + ".sh", "#!/bin/sh\n" + text + "\n")
        os.chmod(path, 0o755)
        return play.scene.program(row.service, path, row.protocol(play.family), keys)
    return line


def narrow(play, row):
    """Banners that do not fit into what a client's connection takes at once."""
    play.narrow = narrow_listener(play.scene, play.family)
    host, port = play.narrow.getsockname()[:2]
    path = play.scene.write("long", LONG)
    return "%s %s:%d/%s banner=file:%s banner_success=file:%s builtin:echo\n" % (
        row.service, "[%s]" % host if ":" in host else host, port, play.family, path, path)


def beside_our_own(play, row):
    own = "".join("own%d 127.0.0.1:0/udp4 builtin:echo\n" % number
                  for number in range(OWN_PORTS))
    return own + echo("")(play, row)


def everywhere(play, row):
    return "%s 0/%s builtin:echo\n" % (row.service, row.protocol(play.family))


# ---------------------------------------------------------------- clients

def beyond(inside):
    """One more than the service lets in."""

    def provoke(play, row):
        for _ in range(inside):
            expect_equal(ask(play.client(row), b"?"), b"?", "the answer of " + row.service)
        row.come(play.client(row))
    return provoke


def fail_until_slowed(play, row):
    """Have programs fail, until somebody comes in a pause."""

    def is_counted():
        with contextlib.closing(play.client(row)) as client:
            receive_all(client)
        return play.counters()[row.service].get(verdicts()[row.word])
    wait_until(is_counted, "a client that waits because programs fail")


def take_all_descriptors(play, row):
    for _ in range(FILES):
        play.client(row)


def wait_and_be_killed(play, row):
    beyond(1)(play, row)
    play.daemon.wait_for_event("service_queues", service=row.service)
    reevectl(play.daemon, "kill", "--service", row.service)


def take_no_banner(play, _row):
    narrow_client(play.scene, play.narrow.getsockname(), play.family)


def come_again(play, row):
    beyond(1)(play, row)
    play.daemon.wait_for_event("source_banned", service=row.service)
    play.client(row)


def come_by_a_proxy(play, row):
    play.client(row).sendall(NAMED[play.family])


def send_again_and_again(play, row, datagram=b"?"):
    client = play.client(row)
    wait_until(lambda: client.send(datagram) and play.is_told(row), "a datagram too many")


def send_more_than_is_read(play, row):
    send_again_and_again(play, row, b"x" * 30000)
    reevectl(play.daemon, "kill", "--service", row.service)
    play.daemon.wait_for_event("handler_ended", service=row.service)


def send_from_our_own_port(play, row):
    protocol = row.protocol(play.family)
    address = {"udp4": "127.0.0.2", "udp6": "::1"}[protocol]
    for number in range(OWN_PORTS):
        port = play.daemon.port("own%d" % number, "udp4")
        with contextlib.suppress(OSError):  # who has it at that address may be anybody
            client = play.scene.socket(protocol, source=(address, port))
            client.sendto(b"?", play.daemon.address(row.service, protocol))
            return
    raise Failure("none of our own ports is free at another address")


def send_to_everybody(play, row):
    client = play.scene.socket("udp4", source=(HERE["tcp4"], 0))
    client.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    client.sendto(b"?", ("255.255.255.255", play.daemon.port(row.service, "udp4")))


def send_to_all_of_a_link(play, row):
    client = play.scene.keep(play.network.socket(socket.AF_INET6, socket.SOCK_DGRAM))
    client.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"left")
    client.sendto(b"?", ("ff02::1", play.daemon.port(row.service, "udp6")))


# ---------------------------------------------------------------- the table

BUSY = "max_load=0.01 "
SHORT = "min_memory=1048576G "
PROXIED = "proxy_from={} "
NEVER = "access_times="
NO_PORT = {"unix": "a client on a unix socket has no port"}
NO_GROUP = {"unix": "no name of a unix socket is that of several"}
NO_FORGERY = {"unix": "nobody can forge who asks, so no budget pays for answers"}
TAKES_ALL = {"unix": "a unix socket takes more at once than banners are long"}

ROWS = [
    Row("instances", echo("instances=1"), beyond(1), "service_full"),
    Row("queued", echo("instances=1 queue=1"), beyond(1), "service_queues"),
    Row("failing", program("exit 127"), fail_until_slowed, "service_throttled"),
    Row("descriptors", echo(""), take_all_descriptors, "service_full", place="descriptors"),
    Row("cps", echo("cps=1/h"), beyond(1), "service_paced"),
    Row("load", echo(BUSY), beyond(0), "service_paced", place="load"),
    Row("memory", echo(SHORT), beyond(0), "service_paced"),
    Row("full", echo("instances=1 at_limit=close"), beyond(1)),
    Datagrams("full", program("exec cat", "per=peer instances=1"), beyond(1)),
    Row("queue-time", echo("instances=1 queue=1 queue_time=1ms"), beyond(1)),
    Row("gone", echo("instances=1 queue=1"), wait_and_be_killed),
    Row("deaf", narrow, take_no_banner, never=TAKES_ALL),
    Row("cps-refused", echo("cps=1/h at_limit=close"), beyond(1)),
    Row("load-refused", echo(BUSY + "at_limit=close"), beyond(0), place="load"),
    Row("memory-refused", echo(SHORT + "at_limit=close"), beyond(0)),
    Row("per-source", echo("per_source=1"), beyond(1)),
    Row("source-rate", echo("cps_per_source=1/h"), beyond(1)),
    Datagrams("source-rate", echo("pps_per_source=1/h"), beyond(1)),
    Row("ban", echo("per_source=1 ban=1/h ban_time=1h"), come_again),
    Datagrams("length", program("head -c 70000 /dev/zero", "reply_budget=1M"), beyond(0)),
    Datagrams("slow", program("exec sleep 1000", "per=peer"), send_more_than_is_read),
    Row("access", echo("no_access=ALL"), beyond(0)),
    Datagrams("access", echo("no_access=ALL"), beyond(0)),
    Row("names", echo(PROXIED + "only_from=.example.org names_timeout=100ms"), come_by_a_proxy),
    Row("libwrap", echo(PROXIED + "libwrap=yes"), come_by_a_proxy, place="libwrap"),
    Row("hours", echo(NEVER), beyond(0)),
    Datagrams("hours", echo(NEVER), beyond(0)),
    Datagrams("loop", beside_our_own, send_from_our_own_port, never=NO_PORT),
    Datagrams("group", everywhere, send_to_everybody,
              never=dict(NO_GROUP, tcp6="loopback has no group of IPv6: the next row")),
    Datagrams("group", everywhere, send_to_all_of_a_link, place="link",
              never=dict(NO_GROUP, tcp4="the row above")),
    Datagrams("pair", echo("loop_guard=1"), send_again_and_again, never=NO_PORT),
    Row("proxy", echo("proxy_from=192.0.2.1"), beyond(0)),
    Datagrams("budget", builtin("chargen", "reply_budget=0 reply_budget_rate=0"), beyond(0),
              never=NO_FORGERY),
    # The last, for it has its client banned from all services.
    Row("sensor", echo("sensor ban_time=1h"), beyond(0)),
]


@claim()
def each_verdict_has_a_row(_scene):
    expect_equal({row.word for row in ROWS}, set(verdicts()), "verdicts")
    expect_equal({row.place for row in ROWS},
                 {"together", "load", "descriptors", "libwrap", "link"}, "places")


@claim(each=FAMILIES, seconds=40)
def each_verdict_is_told_and_counted_under_its_name(scene, family):
    dns = Dns(scene)
    dns.mute = True
    Play(scene, family, "together", settings(dns)).run()


@claim(each=FAMILIES, needs=["load"])
def what_a_busy_host_says_is_told_and_counted_under_its_names(scene, family):
    Play(scene, family, "load").run()


@claim(each=FAMILIES)
def a_want_of_descriptors_is_told_and_counted_under_its_name(scene, family):
    Play(scene, family, "descriptors", launch={"files": [FILES, FILES]}).run()


@claim(each=FAMILIES, needs=["libwrap"])
def what_libwrap_says_is_told_and_counted_under_its_name(scene, family):
    Play(scene, family, "libwrap", wrapper=wrapped(scene, "", "ALL: ALL\n")).run()


@claim(each=["tcp6"], needs=["networks"])
def a_datagram_to_a_whole_link_is_told_and_counted_under_its_name(scene, family):
    network = Network(scene)
    network.ip("link add left type veth peer name right")
    network.address("left", "fd77::1/64")
    network.address("right")
    Play(scene, family, "link", network=network).run()
