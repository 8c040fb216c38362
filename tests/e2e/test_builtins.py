# SPDX-License-Identifier: ISC
"""The built-in services on streams and datagrams of every family."""

import hashlib
import os
import random
import socket
import struct
import threading
import time

from claims import DATAGRAMS, SLOW, STREAMS, WAIT, claim, expect, expect_equal
from system import memory_kib
from talk import ask, is_silent, receive, receive_all, receive_datagram, receive_line

EVERY = STREAMS + DATAGRAMS
BYTE_STREAMS = ["tcp4", "tcp6", "unix"]
RING = bytes(range(0x20, 0x7f))
QUOTATIONS = ["A port is a promise.", "Two lines\nof wisdom.", "Été, œuvre, 世界."]


def one_answer(scene, builtin, protocol, keys=""):
    """What a client gets that asks with one line (datagrams) or just comes (streams)."""
    daemon = scene.daemon(scene.line("it", protocol, "builtin:" + builtin, keys))
    client = daemon.client("it", protocol)
    if protocol in DATAGRAMS:
        client.send(b"\n")
        return receive_datagram(client)[0]
    return receive_all(client)


@claim(each=EVERY)
def echo_sends_back_what_arrives(scene, protocol):
    client = scene.daemon(scene.line("echo", protocol)).client("echo", protocol)
    for question in (b"hello\n", b"\x00\xff\r\n", bytes(range(256)) * 4):
        client.send(question)
        expect_equal(client.recv(4096), question, "the answer")


@claim(each=STREAMS)
def echo_sends_everything_back_after_the_clients_end(scene, protocol):
    client = scene.daemon(scene.line("echo", protocol)).client("echo", protocol)
    sent = os.urandom(30000)
    client.sendall(sent)
    client.shutdown(1)
    expect_equal(receive_all(client), sent, "what came back after the end")


@claim(each=BYTE_STREAMS, seconds=40)
def echo_returns_ten_megabytes_byte_for_byte(scene, protocol):
    client = scene.daemon(scene.line("echo", protocol)).client("echo", protocol)
    sent = random.Random(protocol).randbytes(10 << 20)

    def send():
        client.sendall(sent)
        client.shutdown(1)

    sender = threading.Thread(target=send)
    sender.start()
    got = receive_all(client)
    sender.join(WAIT)
    expect_equal(len(got), len(sent), "bytes that came back")
    expect_equal(hashlib.sha256(got).digest(), hashlib.sha256(sent).digest(), "their digest")


@claim()
def echo_serves_two_hundred_clients_at_once_without_mixing_them(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4"), args=["--gates", "2"])
    clients = [daemon.client("echo") for _ in range(200)]
    for number, client in enumerate(clients):
        client.sendall(b"client %d\n" % number)
    for number, client in enumerate(clients):
        expect_equal(receive_line(client), "client %d" % number, "the line of client %d" % number)


@claim(each=STREAMS)
def discard_reads_everything_and_says_nothing(scene, protocol):
    client = scene.daemon(scene.line("discard", protocol)).client("discard", protocol)
    for _ in range(256):
        client.sendall(b"x" * 4096)
    client.shutdown(1)
    expect_equal(receive_all(client), b"", "the answer of discard")


@claim(each=DATAGRAMS)
def discard_answers_no_datagram(scene, protocol):
    daemon = scene.daemon(scene.line("discard", protocol) + scene.line("echo", protocol),
                          args=["--gates", "1"])
    client = scene.socket(protocol)
    for _ in range(20):
        client.sendto(b"forget this", daemon.address("discard", protocol))
    client.sendto(b"answer this", daemon.address("echo", protocol))
    expect_equal(receive_datagram(client)[0], b"answer this", "the first datagram that came")
    expect(is_silent(client), "discard answered")


def chargen_lines(text):
    """Check the RFC's pattern: 72 characters of the ring a line, each line one further on."""
    expect(len(text) % 74 == 0, "chargen's text is no whole number of lines: %d", len(text))
    start = RING.index(text[:1])
    for number in range(len(text) // 74):
        line = text[number * 74:number * 74 + 74]
        place = (start + number) % 95
        expect_equal(line, ((RING + RING)[place:place + 72]) + b"\r\n", "line %d" % number)


@claim(each=BYTE_STREAMS)
def chargen_sends_the_rotating_lines_of_the_rfc(scene, protocol):
    client = scene.daemon(scene.line("chargen", protocol)).client("chargen", protocol)
    text = receive(client, 74 * 95 * 40)
    expect_equal(text[:1], b" ", "the first character")
    chargen_lines(text)


@claim()
def chargen_goes_on_whatever_the_client_sends_and_ends_with_the_client(scene):
    daemon = scene.daemon(scene.line("chargen", "tcp4"))
    client = daemon.client("chargen")
    client.sendall(b"anything " * 1000)
    chargen_lines(receive(client, 74 * 1000))
    client.close()
    daemon.wait_for_event("conn_ended", service="chargen")


@claim(each=DATAGRAMS)
def chargen_answers_a_datagram_with_at_most_512_bytes(scene, protocol):
    text = one_answer(scene, "chargen", protocol)
    expect(1 <= len(text) <= 512, "chargen's datagram has %d bytes", len(text))
    for line in text.split(b"\r\n"):
        expect(line in RING + RING, "no line of the pattern: %s", line)


@claim(each=EVERY)
def daytime_tells_the_date_in_one_line(scene, protocol):
    before = time.time()
    text = one_answer(scene, "daytime", protocol).decode("ascii")
    expect(text.endswith("\r\n") and text.count("\n") == 1, "no single line: %r", text)
    years = {time.strftime("%Y", time.localtime(moment)) for moment in (before, time.time())}
    expect(any(year in text for year in years), "no year in %r", text)


@claim(each=EVERY)
def time_sends_four_bytes_of_seconds_since_1900(scene, protocol):
    before = int(time.time())
    answer = one_answer(scene, "time", protocol)
    expect_equal(len(answer), 4, "bytes of the answer")
    seconds = struct.unpack(">I", answer)[0] - 2208988800
    expect(before <= seconds <= time.time() + 1, "%d is not now (%d)", seconds, before)


@claim(each=EVERY)
def qotd_tells_a_quotation_of_its_file(scene, protocol):
    path = scene.write("quotations", "\n%\n".join(QUOTATIONS) + "\n")
    text = one_answer(scene, "qotd", protocol, "file=" + path).decode()
    expect(text.replace("\r\n", "\n").rstrip("\n") in QUOTATIONS, "no quotation: %r", text)


@claim()
def qotd_tells_every_quotation_sooner_or_later(scene):
    path = scene.write("quotations", "\n%\n".join(QUOTATIONS) + "\n")
    daemon = scene.daemon(scene.line("qotd", "tcp4", keys="file=" + path))
    told = {receive_all(daemon.client("qotd")).replace(b"\r\n", b"\n").rstrip(b"\n")
            for _ in range(80)}
    expect_equal(sorted(text.decode() for text in told), sorted(QUOTATIONS), "quotations told")


def pump_until_stuck(client):
    """Send until the other side takes no more: gives how many bytes it took."""
    client.settimeout(0.5 * SLOW)
    sent = 0
    try:
        while sent < 256 << 20:
            sent += client.send(b"x" * 65536)
    except OSError:
        pass
    return sent


@claim(each=["tcp4", "unix"])
def an_echo_client_that_never_reads_is_not_read_from(scene, protocol):
    daemon = scene.daemon(scene.line("echo", protocol), args=["--gates", "1"])
    sent = pump_until_stuck(daemon.client("echo", protocol))
    expect(sent < 64 << 20, "%d bytes were taken from a client that never reads", sent)
    other = daemon.client("echo", protocol)
    expect_equal(ask(other, b"still there?"), b"still there?", "another client's answer")


@claim(needs=["plain memory"], seconds=40)
def clients_that_never_read_do_not_make_the_gate_grow(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4") + scene.line("chargen", "tcp4"),
                          args=["--gates", "1"])
    gate = daemon.gates()[0]
    warm = daemon.client("echo")
    ask(warm, b"warm")
    before = memory_kib(gate)
    silent = [daemon.client("chargen") for _ in range(50)]
    pushing = [daemon.client("echo") for _ in range(4)]
    for client in pushing:
        pump_until_stuck(client)
    chargen_lines(receive(daemon.client("chargen"), 74 * 5000))
    expect_equal(ask(warm, b"served"), b"served", "another client's answer")
    expect_equal(daemon.gates(), [gate], "gates")
    grown = memory_kib(gate) - before
    expect(grown < 8192, "the gate grew by %d KiB for %d clients", grown,
           len(silent) + len(pushing))


@claim(seconds=30)
def an_echo_client_that_reads_late_gets_everything(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4"))
    client = daemon.client("echo")
    sent = pump_until_stuck(client)
    client.settimeout(WAIT)
    sender = threading.Thread(target=client.shutdown, args=(1,))
    sender.start()
    got = receive_all(client)
    sender.join(WAIT)
    expect_equal(len(got), sent, "bytes that came back")


@claim()
def a_connection_is_logged_with_its_peer_its_ending_and_its_bytes(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4"))
    client = daemon.client("echo")
    ask(client, b"12345")
    peer = "127.0.0.1:%d" % client.getsockname()[1]
    client.close()
    event = daemon.wait_for_event("conn_ended", service="echo", peer=peer)
    expect_equal(event["ending"], "client-closed", "the ending")
    expect_equal((event["bytes_in"], event["bytes_out"]), ("5", "5"), "bytes in and out")
    expect(int(event["duration_ms"]) >= 0, "no duration: %s", event.line)


@claim()
def a_client_that_resets_is_logged_as_reset_and_harms_nobody(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4"))
    client = daemon.client("echo")
    ask(client, b"x")
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
    daemon.wait_for_event("conn_ended", service="echo", ending="client-reset")
    expect_equal(ask(daemon.client("echo"), b"next"), b"next", "the next client's answer")


@claim(each=["tcp4", "unix"])
def a_silent_client_is_ended_after_the_idle_time(scene, protocol):
    daemon = scene.daemon(scene.line("echo", protocol, keys="idle=1s"))
    began = time.monotonic()
    client = daemon.client("echo", protocol)
    expect_equal(receive_all(client), b"", "what a silent client gets")
    took = time.monotonic() - began
    expect(0.9 <= took < 1 + WAIT, "ended after %.1f s", took)
    daemon.wait_for_event("conn_ended", service="echo", ending="idle")


@claim()
def a_client_that_speaks_is_not_idle(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4", keys="idle=2s"))
    busy, silent = daemon.client("echo"), daemon.client("echo")
    ended = None
    silent.setblocking(False)
    while ended is None:
        expect_equal(ask(busy, b"x"), b"x", "the busy client's answer")
        try:
            ended = silent.recv(1)
        except BlockingIOError:
            time.sleep(0.05)  # the pace of the busy client
    expect_equal(ended, b"", "what the silent one got")
    expect_equal(ask(busy, b"y"), b"y", "the busy client's answer after that")
