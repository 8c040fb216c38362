# SPDX-License-Identifier: ISC
"""The PROXY protocol: a proxy in front says whom it speaks for, and everything behind that (access,
the log, the program) sees the client."""

import os
import pwd
import re
import socket
import struct

from claims import claim, expect, expect_equal
from harness import wait_until
from talk import receive, receive_all, receive_line

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
HERE = "proxy_from=127.0.0.1,::1"
V1 = b"PROXY TCP4 192.0.2.1 198.51.100.2 40000 80\r\n"
V1_V6 = b"PROXY TCP6 2001:db8::1 2001:db8::2 40000 80\r\n"


def v2(command=1, family=0x11, addresses=None, facts=b""):
    if addresses is None:
        addresses = (socket.inet_aton("192.0.2.1") + socket.inet_aton("198.51.100.2")
                     + struct.pack("!HH", 40000, 80))
    body = addresses + facts
    return SIGNATURE + bytes([0x20 | command, family]) + struct.pack("!H", len(body)) + body


NAMED = {"v1": V1, "v2": v2(), "v2 with facts": v2(facts=b"\x02\x00\x04here")}
NAMELESS = {"v1": b"PROXY UNKNOWN\r\n", "v2": v2(command=0, family=0, addresses=b"")}
BROKEN = {
    "no header": b"GET / HTTP/1.0\r\n\r\n",
    "a line without an end": b"PROXY TCP4 " + b"1" * 120,
    "an address too many": b"PROXY TCP4 192.0.2.1 198.51.100.2 1 2 3\r\n",
    "another family": V1_V6.replace(b"TCP6", b"TCP4"),
    "an unknown command": v2(command=7),
    "an unknown family": v2(family=0x77),
    "cut addresses": v2(addresses=b"\x01\x02"),
}


def echo(scene, keys=HERE, protocol="tcp4"):
    return scene.daemon(scene.line("echo", protocol, keys=keys))


@claim(each=sorted(NAMED))
def a_client_is_served_and_logged_as_the_one_that_the_proxy_names(scene, form):
    daemon = echo(scene)
    client = daemon.client("echo")
    client.sendall(NAMED[form] + b"hello")
    expect_equal(receive(client, 5), b"hello", "the echo")
    client.shutdown(socket.SHUT_WR)
    expect_equal(receive_all(client), b"", "the rest")
    event = daemon.wait_for_event("conn_ended", service="echo")
    expect_equal(event["peer"], "192.0.2.1:40000", "the peer of the log")


@claim(each=sorted(NAMED))
def a_header_may_come_byte_by_byte(scene, form):
    client = echo(scene).client("echo")
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in NAMED[form] + b"x":
        client.sendall(bytes([byte]))
    expect_equal(receive(client, 1), b"x", "the echo")


@claim(each=sorted(NAMED), needs=["probe"])
def a_program_gets_the_clients_address_and_every_byte_behind_the_header(scene, form):
    daemon = scene.daemon(scene.program("env", "/usr/bin/env", keys=HERE)
                          + scene.program("cat", "/bin/cat", keys=HERE))
    client = daemon.client("env")
    client.sendall(NAMED[form])
    lines = receive_all(client).decode().splitlines()
    for wanted in ("TCPREMOTEIP=192.0.2.1", "TCPREMOTEPORT=40000", "REMOTE_ADDR=192.0.2.1",
                   "REMOTE_HOST=192.0.2.1", "TCPLOCALIP=198.51.100.2", "TCPLOCALPORT=80"):
        expect(wanted in lines, "%s is not in %s", wanted, lines)
    client = daemon.client("cat")
    client.sendall(NAMED[form] + b"the first bytes")
    expect_equal(receive(client, 15), b"the first bytes", "what the program read")


@claim(each=sorted(NAMELESS))
def a_proxy_that_names_nobody_speaks_for_itself(scene, form):
    daemon = echo(scene)
    client = daemon.client("echo")
    client.sendall(NAMELESS[form] + b"hello")
    expect_equal(receive(client, 5), b"hello", "the echo")
    client.shutdown(socket.SHUT_WR)
    expect_equal(receive_all(client), b"", "the rest")
    event = daemon.wait_for_event("conn_ended", service="echo")
    expect(event["peer"].startswith("127.0.0.1:"), "not the proxy: %s", event["peer"])


@claim(each=sorted(BROKEN))
def what_is_no_header_is_refused_without_an_answer(scene, form):
    daemon = echo(scene)
    client = daemon.client("echo")
    client.sendall(BROKEN[form])
    try:
        expect_equal(receive_all(client), b"", "the answer")
    except ConnectionResetError:
        pass
    daemon.wait_for_event("proxy_refused", service="echo")
    after = daemon.client("echo")
    after.sendall(V1 + b"y")
    expect_equal(receive(after, 1), b"y", "the next client's echo")


@claim()
def a_header_that_does_not_come_in_time_is_not_waited_for(scene):
    daemon = echo(scene, HERE + " proxy_timeout=100ms")
    silent, slow = daemon.client("echo"), daemon.client("echo")
    expect(is_turned_away(slow, V1[:20]), "half a header was answered")
    expect_equal(receive_all(silent), b"", "the answer to silence")
    daemon.wait_for_event("proxy_refused", service="echo", count=2)


@claim()
def who_is_no_listed_proxy_is_refused_whatever_it_says(scene):
    daemon = echo(scene, "proxy_from=192.0.2.0/24")
    client = daemon.client("echo")
    client.sendall(V1 + b"hello")
    try:
        expect_equal(receive_all(client), b"", "the answer")
    except ConnectionResetError:
        pass
    daemon.wait_for_event("conn_refused", service="echo", verdict="proxy")


@claim()
def proxies_that_wait_hold_places_and_leave_with_the_daemon(scene):
    # One gate, so that they come in the order in which they connect.
    daemon = scene.daemon(scene.line("echo", "tcp4", keys=HERE + " instances=2 proxy_timeout=10min"),
                          "daemon: { gates = 1; grace = \"1s\"; };")
    first, second = daemon.client("echo"), daemon.client("echo")
    third = daemon.client("echo")
    daemon.wait_for_event("service_full", service="echo")
    third.sendall(V1 + b"z")
    second.sendall(V1 + b"y")
    expect_equal(receive(second, 1), b"y", "the second's echo")
    first.close()
    expect_equal(receive(third, 1), b"z", "the third's echo, when there is a place")
    daemon.stop()
@claim()
def access_is_judged_by_the_clients_address_and_not_the_proxys(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4", keys=HERE + " no_access=192.0.2.0/24")
                          + scene.line("open", "tcp4", "builtin:echo",
                                       keys=HERE + " no_access=127.0.0.0/8"))
    client = daemon.client("echo")
    client.sendall(V1 + b"hello")
    try:
        expect_equal(receive_all(client), b"", "the answer")
    except ConnectionResetError:
        pass
    daemon.wait_for_event("conn_refused", service="echo", peer="192.0.2.1:40000")
    client = daemon.client("open")
    client.sendall(V1 + b"hello")
    expect_equal(receive(client, 5), b"hello", "the echo")


def half_a_header(daemon, service):
    """A proxy that has been taken in, and has not said yet whom it speaks for."""
    client = daemon.client(service)
    client.sendall(V1[:20])
    # One gate serves them in the order in which they came.
    after = daemon.client("open")
    after.sendall(b"x")
    expect_equal(receive(after, 1), b"x", "the echo of the other service")
    return client


def is_turned_away(client, rest):
    try:
        client.sendall(rest)
        return receive_all(client) == b""
    except (ConnectionResetError, BrokenPipeError):
        return True


@claim(each=["no rules", "other rules"])
def a_proxy_of_a_service_that_a_reload_takes_away_is_turned_away(scene, left):
    other = scene.line("open", "tcp4", "builtin:echo",
                       keys="" if left == "no rules" else "only_from=127.0.0.1")
    gone = scene.line("echo", "tcp4", keys=HERE + " proxy_timeout=1min only_from=198.51.100.0/24")
    daemon = scene.daemon(other + gone, "daemon: { gates = 1; };")
    gates = daemon.gates()
    client = half_a_header(daemon, "echo")
    daemon.reload(other)
    expect(is_turned_away(client, V1[20:] + b"hello"), "it was served")
    after = daemon.client("open")
    after.sendall(b"y")
    expect_equal(receive(after, 1), b"y", "the echo after that")
    expect_equal(daemon.gates(), gates, "the gates")
    daemon.wait_for_event("proxy_refused", service="echo")


def mux(scene, mux_keys, echo_keys):
    return scene.daemon(scene.line("tcpmux", "tcp4", keys=mux_keys)
                        + scene.line("echo", "tcp4", keys="tcpmux=plus " + echo_keys))


@claim(each=["no header", "another proxy"])
def tcpmux_is_no_way_around_a_services_proxies(scene, lack):
    daemon = mux(scene, "" if lack == "no header" else HERE,
                 HERE if lack == "no header" else "proxy_from=192.0.2.0/24")
    client = daemon.client("tcpmux")
    client.sendall((b"" if lack == "no header" else V1) + b"echo\r\nhello")
    expect_equal(receive_all(client)[:1], b"-", "the answer")
    daemon.wait_for_event("conn_refused", service="echo", verdict="proxy")


@claim()
def tcpmux_hands_over_what_a_proxy_of_both_has_named(scene):
    client = mux(scene, HERE, HERE).client("tcpmux")
    client.sendall(V1 + b"echo\r\n")
    expect_equal(receive_line(client)[:1], "+", "the greeting")
    client.sendall(b"hello")
    expect_equal(receive(client, 5), b"hello", "the echo")


@claim(each=["socket", "pipe"], needs=["probe"])
def a_client_whom_a_proxy_names_after_a_reload_is_served_in_the_new_way(scene, way):
    other = scene.line("open", "tcp4", "builtin:echo")
    program = scene.write("program.sh", "#!/bin/sh\ncat /proc/self/fdinfo/0\nexec cat\n")
    os.chmod(program, 0o755)
    after = scene.program("p", program, "tcp4", HERE + " proxy_timeout=1min stdio=" + way)
    before = after.replace("stdio=" + way, "stdio=" + {"socket": "pipe", "pipe": "socket"}[way])
    daemon = scene.daemon(other + before, "daemon: { gates = 1; };")
    client = half_a_header(daemon, "p")
    daemon.reload(other + after)
    client.sendall(V1[20:])
    text = b""
    while b"flags:" not in text or not text.endswith(b"\n"):
        text += receive(client, 1)
    flags = int(re.search(rb"flags:\s*([0-7]+)", text).group(1), 8)
    expect(not flags & os.O_NONBLOCK, "its input does not block: %o", flags)
    # It has its client, who is silent; so is nobody else.
    neighbour = daemon.client("open")
    neighbour.sendall(b"y")
    expect_equal(receive(neighbour, 1), b"y", "another client's echo")


@claim(needs=["probe"])
def a_program_behind_a_proxy_on_a_unix_socket_gets_the_clients_address(scene):
    daemon = scene.daemon(scene.program("env", "/usr/bin/env", "unix", keys="proxy_from=unix"))
    client = daemon.client("env", "unix")
    client.sendall(V1)
    lines = receive_all(client).decode().splitlines()
    for wanted in ("PROTO=TCP", "TCPREMOTEIP=192.0.2.1", "REMOTE_PORT=40000"):
        expect(wanted in lines, "%s is not in %s", wanted, lines)


@claim(needs=["probe"])
def what_a_proxy_on_a_unix_socket_brought_is_the_programs_though_it_has_gone(scene):
    path = scene.path("heard")
    program = scene.write("program.sh", "#!/bin/sh\nhead -c 10 >%s.begun\nuntil test -e %s.gone; do "
                          "sleep 0.01; done\nwc -c >%s~ && mv %s~ %s\n" % ((path,) * 5))
    os.chmod(program, 0o755)
    os.chmod(scene.folder, 0o777)
    daemon = scene.daemon(scene.program("p", program, "unix", "proxy_from=unix stdio=pipe")
                          + scene.line("open", "tcp4", "builtin:echo"), "daemon: { gates = 1; };")
    client = daemon.client("p", "unix")
    client.sendall(V1 + b"x" * 100000)  # more than the pipe holds
    wait_until(lambda: os.path.exists(path + ".begun"), "the program's first read")
    client.close()
    after = daemon.client("open")
    after.sendall(b"y")
    expect_equal(receive(after, 1), b"y", "the other service's echo")
    scene.write("heard.gone", "")
    wait_until(lambda: os.path.exists(path), "the program's count")
    expect(int(open(path, encoding="ascii").read()) >= 100000 - 8192, "bytes were lost")


@claim(each=["direct", "tcpmux"])
def a_unix_client_is_not_taken_for_the_proxy_that_names_it(scene, way):
    me = "user:" + pwd.getpwuid(os.getuid()).pw_name
    daemon = scene.daemon(scene.line("tcpmux", "unix", keys="proxy_from=unix")
                          + scene.line("echo", "unix", keys="proxy_from=unix tcpmux=plain only_from="
                                       + me))
    asked = b"hello" if way == "direct" else b"echo\r\nhello"
    door = "echo" if way == "direct" else "tcpmux"
    proxy = daemon.client(door, "unix")
    proxy.sendall(NAMELESS["v2"] + asked)
    expect_equal(receive(proxy, 5), b"hello", "the proxy's own echo")
    client = daemon.client(door, "unix")
    client.sendall(v2(family=0x31, addresses=b"/client".ljust(108, b"\0") * 2) + asked)
    try:
        expect(not receive_all(client).endswith(b"hello"), "the client was let in")
    except ConnectionResetError:
        pass
    daemon.wait_for_event("conn_refused", service="echo", verdict="access")


@claim(needs=["probe"])
def idle_ends_the_program_of_a_named_client_that_tcpmux_handed_over(scene):
    daemon = scene.daemon(
        scene.line("tcpmux", "tcp4", keys=HERE)
        + scene.program("cat", "/bin/cat", keys=HERE + " tcpmux=plain idle=2s"))
    client = daemon.client("tcpmux")
    client.sendall(V1 + b"cat\r\nhello")
    expect_equal(receive(client, 5), b"hello", "the echo")
    event = daemon.wait_for_event("handler_ended", service="cat")
    expect_equal(event["ending"], "idle", "the ending")


def fact(kind, value):
    return struct.pack("!BH", kind, len(value)) + value


@claim()
def what_a_proxy_knows_besides_the_address_is_in_the_log_and_steers_no_terminal(scene):
    daemon = echo(scene)
    tls = b"\1\0\0\0\0" + fact(0x21, b"TLSv1.3") + fact(0x22, b"\x1b[31m evil")
    facts = (fact(1, b"h2") + fact(2, b"example.org") + fact(5, b"\0\1")
             + fact(0x20, tls))
    client = daemon.client("echo")
    client.sendall(v2(facts=facts) + b"hello")
    expect_equal(receive(client, 5), b"hello", "the echo")
    event = daemon.wait_for_event("proxy_told", service="echo", peer="192.0.2.1:40000", alpn="h2",
                                  authority="example.org", unique_id="0x0001",
                                  ssl_version="TLSv1.3")
    expect_equal(event["ssl_cn"], "0x" + b"\x1b[31m evil".hex(), "a name that is no text")
    plain = daemon.client("echo")
    plain.sendall(v2(facts=fact(1, b"h3")) + b"x")
    expect_equal(receive(plain, 1), b"x", "the echo")
    event = daemon.wait_for_event("proxy_told", service="echo", alpn="h3")
    expect("ssl_cn" not in event.fields, "a fact that was not told is there: %s", event)


@claim()
def a_unix_client_whom_a_proxy_names_over_tcp_has_a_tcp_connection(scene):
    daemon = echo(scene)
    client = daemon.client("echo")
    client.sendall(v2(family=0x31, addresses=bytes(216)) + b"hello")
    expect_equal(receive(client, 5), b"hello", "the echo")
    client.close()
    event = daemon.wait_for_event("conn_ended", service="echo", peer="unix")
    expect(event["rtt_us"].isdigit(), "its round trip is not told: %s", event)
