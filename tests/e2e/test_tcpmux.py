# SPDX-License-Identifier: ISC
"""tcpmux (RFC 1078): one port that hands over to services by their names."""

import socket

from claims import claim, expect, expect_equal
from talk import receive, receive_all, receive_line


def mux(scene, **rest):
    return scene.daemon(
        scene.line("tcpmux", "tcp4") + scene.line("echo", "tcp4", keys="tcpmux=plus")
        + scene.line("daytime", "tcp4", keys="tcpmux=plain") + scene.line("discard", "tcp4")
        + (scene.program("hold", scene.probe + " hold", keys="tcpmux=plus")
           if scene.probe else ""), **rest)


@claim()
def help_lists_the_marked_services_one_a_line_and_no_other(scene):
    client = mux(scene).client("tcpmux")
    client.sendall(b"HELP\r\n")
    names = receive_all(client).decode().split("\r\n")
    expect_equal(names.pop(), "", "what follows the last line")
    expect({"echo", "daytime"} <= set(names), "marked services are missing: %s", names)
    expect(not {"discard", "tcpmux"} & set(names), "an unmarked service is listed: %s", names)


@claim(each=["help", "Help", "hELP"])
def help_is_known_in_any_case(scene, word):
    client = mux(scene).client("tcpmux")
    client.sendall(word.encode() + b"\r\n")
    expect("echo" in receive_all(client).decode(), "no list of services")


@claim(each=["echo", "ECHO", "Echo"])
def a_service_marked_plus_is_greeted_and_handed_over(scene, name):
    client = mux(scene).client("tcpmux")
    client.sendall(name.encode() + b"\r\n")
    expect_equal(receive_line(client)[:1], "+", "the greeting")
    client.sendall(b"after the greeting")
    expect_equal(receive(client, 18), b"after the greeting", "the echo")
    client.shutdown(1)
    expect_equal(receive_all(client), b"", "the rest")


@claim()
def a_service_marked_plain_greets_for_itself(scene):
    client = mux(scene).client("tcpmux")
    client.sendall(b"daytime\r\n")
    text = receive_all(client)
    expect(text[:1] != b"+" and text.endswith(b"\r\n"), "not daytime's answer: %s", text)


@claim(each=["nonsense", "discard", "tcpmux", "", "ech", "echoo", "echo echo"])
def what_is_not_marked_gets_a_minus_and_the_end(scene, name):
    client = mux(scene).client("tcpmux")
    client.sendall(name.encode() + b"\r\n")
    text = receive_all(client)
    expect(text[:1] == b"-" and text.endswith(b"\r\n"), "no refusal: %s", text)


@claim()
def bytes_behind_the_name_belong_to_the_service(scene):
    client = mux(scene).client("tcpmux")
    client.sendall(b"echo\r\nin the same segment")
    expect_equal(receive_line(client)[:1], "+", "the greeting")
    client.shutdown(1)
    expect_equal(receive_all(client), b"in the same segment", "the echo")


@claim()
def a_name_may_come_byte_by_byte(scene):
    client = mux(scene).client("tcpmux")
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in b"echo\r\n":
        client.sendall(bytes([byte]))
    expect_equal(receive_line(client)[:1], "+", "the greeting")


@claim(needs=["probe"])
def a_program_is_handed_over_to_with_not_one_byte_missing(scene):
    client = mux(scene).client("tcpmux")
    client.sendall(b"hold\r\nfirst words\n")
    expect_equal(receive_line(client)[:1], "+", "the greeting")
    expect_equal(receive_line(client).split()[0], "ready", "the program's first word")
    expect_equal(receive_line(client), "first words", "what came behind the name")


@claim()
def an_endless_name_is_refused(scene):
    daemon = mux(scene)
    client = daemon.client("tcpmux")
    try:
        client.sendall(b"x" * 100000)
        text = client.recv(100)
    except (ConnectionResetError, BrokenPipeError):
        text = b""
    expect(text[:1] in (b"", b"-"), "an endless name was answered with %s", text)
    expect_equal(len(daemon.gates()) > 0, True, "gates are there")
    daemon.wait_for_event("conn_ended", service="tcpmux")


@claim()
def a_client_that_never_says_a_name_is_ended(scene):
    daemon = scene.daemon(scene.line("tcpmux", "tcp4", keys="idle=1s"))
    client = daemon.client("tcpmux")
    client.sendall(b"ech")
    receive_all(client)
    daemon.wait_for_event("conn_ended", service="tcpmux")


@claim()
def the_services_own_limit_counts_what_tcpmux_hands_over(scene):
    daemon = scene.daemon(scene.line("tcpmux", "tcp4")
                          + scene.line("echo", "tcp4", keys="tcpmux=plus instances=1"))
    client = daemon.client("tcpmux")
    client.sendall(b"echo\r\n")
    expect_equal(receive_line(client)[:1], "+", "the greeting")
    waiting = daemon.client("echo")
    waiting.sendall(b"x")
    daemon.wait_for_event("service_full", service="echo")
    client.close()
    expect_equal(receive(waiting, 1), b"x", "the waiting client's answer")
