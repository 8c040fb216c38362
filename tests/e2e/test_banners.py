# SPDX-License-Identifier: ISC
"""Banners: what clients are told before they are served, or instead of it."""

import re
import socket

from claims import INTERNET_LOOPBACK, STREAMS, Failure, claim, expect, expect_equal
from talk import ask, is_silent, receive, receive_all, receive_line
from varlink import reevectl

REFUSED = "no_access=ALL"


def hear(client):
    try:
        return client.recv(9000)
    except socket.timeout:
        raise Failure("the client is told nothing") from None


def receive_packets(client):
    """Everything until the end, whether it comes as a stream or in packets."""
    parts = []
    while True:
        part = hear(client)
        if not part:
            return b"".join(parts)
        parts.append(part)


def line(scene, handler, protocol, keys):
    if handler == "program":
        return scene.program("it", "/bin/cat", protocol, keys)
    return scene.line("it", protocol, "builtin:echo", keys)


@claim(each=["%s %s" % (handler, protocol) for handler in ("built-in", "program")
             for protocol in STREAMS])
def who_is_let_in_is_greeted_before_the_services_first_byte(scene, case):
    handler, protocol = case.split()
    daemon = scene.daemon(line(scene, handler, protocol,
                               '"banner=this is %s\\n" "banner_success=come in, %a\\n"'))
    client = daemon.client("it", protocol)
    client.sendall(b"early")
    address = {"tcp4": "127.0.0.1", "tcp6": "::1"}.get(protocol, "unix")
    wanted = "this is it\r\ncome in, %s\r\nearly" % address
    heard = b""
    while len(heard) < len(wanted):
        part = hear(client)
        expect(part, "it ends after %s", heard)
        heard += part
    expect_equal(heard, wanted.encode(), "what it hears")


@claim(each=["pipe", "pty"])
def a_program_on_pipes_or_a_terminal_speaks_after_the_banners(scene, way):
    daemon = scene.daemon(scene.program("it", "/bin/echo words", keys='stdio=%s "banner=one\\n" '
                                        '"banner_success=two\\n"' % way))
    heard = receive_all(daemon.client("it")).replace(b"\r\n", b"\n")
    expect_equal(heard, b"one\ntwo\nwords\n", "what the client hears")


@claim(each=STREAMS)
def who_is_refused_hears_why_and_the_end_whatever_it_has_sent(scene, protocol):
    daemon = scene.daemon(line(scene, "built-in", protocol, REFUSED + ' "banner=this is %s\\n" '
                               '"banner_fail=%a, %r\\n" banner_success=never'))
    for _ in range(10):
        client = daemon.client("it", protocol)
        try:
            client.sendall(b"GET / HTTP/1.0\r\n\r\n" * 50)
        except BrokenPipeError:
            pass
        address = {"tcp4": "127.0.0.1", "tcp6": "::1"}.get(protocol, "unix")
        expect_equal(receive_packets(client),
                     b"this is it\r\n%s, you may not come in\r\n" % address.encode(),
                     "what it hears")
    daemon.wait_for_event("conn_refused", service="it", verdict="access")


REASONS = {
    "per_source=1": rb"you have too many connections; a while",
    "instances=1 at_limit=banner": rb"all places are taken; a while",
    "cps_per_source=1/h": rb"you come too often; (60|5\d) minutes",
    "cps=1/h at_limit=banner": rb"too many have come; (60|5\d) minutes",
    "cps_per_source=1/h ban=2/min ban_time=90s": rb"you are kept out for a while; [6-9]\d seconds",
}


@claim(each=sorted(REASONS))
def each_refusal_has_its_reason_and_the_time_to_wait_where_it_is_known(scene, keys):
    daemon = scene.daemon(line(scene, "built-in", "tcp4",
                               keys + ' "banner_fail=%r; %w\\n"'), args=["--gates", "1"])
    first = daemon.client("it")
    expect_equal(ask(first, b"?"), b"?", "the first one's echo")
    for _ in range(2 if "ban=" in keys else 0):
        expect(receive_all(daemon.client("it")).startswith(b"you come too often"), "no refusal")
    heard = receive_all(daemon.client("it"))
    expect(re.fullmatch(REASONS[keys] + rb"\r\n", heard), "it hears %s", heard)


@claim()
def a_file_is_sent_as_it_is_and_read_again_by_a_reload(scene):
    path = scene.write("banner", b"\x1b[1mlatin \xe9\n\\n 100% %a\n%z %% \0\r\n")
    table = line(scene, "built-in", "tcp4", "banner=file:%s" % path)
    daemon = scene.daemon(table)
    wanted = b"\x1b[1mlatin \xe9\n\\n 100% 127.0.0.1\n%z % \0\r\n"
    expect_equal(receive(daemon.client("it"), len(wanted)), wanted, "what the client hears")
    scene.write("banner", b"other\n")
    daemon.reload(table)
    expect_equal(receive_line(daemon.client("it")), "other", "what the client hears then")


@claim(each=["gone", "too long"])
def a_file_that_cannot_be_used_leaves_the_running_configuration_unchanged(scene, how):
    path = scene.write("banner", b"as before\n")
    table = line(scene, "built-in", "tcp4", "banner=file:%s" % path)
    daemon = scene.daemon(table)
    if how == "gone":
        table = table.replace(path, path + ".none")
    else:
        scene.write("banner", b"x" * 4097)
    daemon.reload(table, wanted="reload_refused")
    daemon.wait_for_event("config_mistake")
    expect_equal(receive_line(daemon.client("it")), "as before", "what the client hears")


@claim()
def behind_a_proxy_the_client_is_told_under_the_name_that_the_proxy_gives_it(scene):
    daemon = scene.daemon(line(scene, "built-in", "tcp4",
                               'proxy_from=127.0.0.1 "banner=hello %a %p\\n"'))
    client = daemon.client("it")
    expect(is_silent(client), "it is told something before it has a name")
    client.sendall(b"PROXY TCP4 192.0.2.1 198.51.100.2 40000 80\r\nwords")
    expect_equal(receive_line(client), "hello 192.0.2.1 40000", "the banner")
    expect_equal(receive(client, 5), b"words", "the echo")


@claim()
def tcpmux_greets_before_the_service_that_it_hands_over_to_speaks(scene):
    daemon = scene.daemon(scene.line("tcpmux", "tcp4", keys='"banner=mux\\n"') + scene.line(
        "it", "tcp4", "builtin:echo", 'tcpmux=plus "banner=one\\n" "banner_success=two\\n"'))
    client = daemon.client("tcpmux")
    client.sendall(b"it\r\nwords")
    expect_equal([receive_line(client) for _ in range(4)], ["mux", "+", "one", "two"],
                 "what it hears")
    expect_equal(receive(client, 5), b"words", "the echo")


def narrow_listener(scene, protocol="tcp4"):
    """A socket whose connections take no more than a few bytes at once."""
    listener = scene.socket(protocol, source=(INTERNET_LOOPBACK[protocol], 0))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
    listener.listen()
    return listener


def narrow_client(scene, address, protocol="tcp4"):
    client = scene.socket(protocol)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    client.connect(address)
    return client


def serve_narrow(scene, keys):
    scene.write("long", b"0123456789abcdef" * 256)
    listener = narrow_listener(scene)
    port = listener.getsockname()[1]
    table = "it 127.0.0.1:%d/tcp4 %s\n" % (port, keys.replace("LONG", "file:" + scene.path("long")))
    daemon = scene.daemon(table, launch={"sockets": [listener.fileno()]}, args=["--gates", "1"])
    return daemon, listener.getsockname()


LONG = b"0123456789abcdef" * 256


@claim(each=["built-in", "program"])
def a_banner_that_is_taken_piece_by_piece_comes_whole_and_first(scene, handler):
    end = "builtin:echo" if handler == "built-in" else scene.user + " /bin/cat"
    daemon, address = serve_narrow(scene, "banner=LONG banner_success=LONG " + end)
    clients = [narrow_client(scene, address) for _ in range(3)]
    for client in clients:
        client.sendall(b"words")
    for client in clients:
        expect_equal(receive(client, 2 * len(LONG) + 5), LONG + LONG + b"words", "what it hears")
    expect_equal(daemon.log.find("conn_refused"), [], "refusals")


@claim()
def who_does_not_take_a_banner_is_not_waited_for_and_holds_nobody_up(scene):
    daemon, address = serve_narrow(
        scene, "instances=2 banner=LONG banner_success=LONG builtin:echo")
    for _ in range(2):
        narrow_client(scene, address)
    patient = narrow_client(scene, address)
    daemon.wait_for_event("conn_refused", service="it", verdict="deaf")
    patient.sendall(b"words")
    expect_equal(receive(patient, 2 * len(LONG) + 5)[-5:], b"words", "the echo of who reads")


@claim()
def a_refusal_stands_behind_what_was_said_before_and_never_inside(scene):
    daemon, address = serve_narrow(
        scene, 'instances=1 queue=1 banner_queue=LONG "banner_fail=sorry\\n" builtin:echo')
    first = scene.connect(address, "tcp4")
    expect_equal(ask(first, b"?"), b"?", "the first one's echo")
    client = narrow_client(scene, address)
    heard = hear(client)
    while not is_silent(client):
        heard += hear(client)
    taken = len(heard)
    reevectl(daemon, "kill", "--service", "it")
    daemon.wait_for_event("conn_refused", service="it", verdict="gone")
    heard += receive_packets(client)
    # A rest that is no longer than what the kernel took before has room where that was.
    is_cut = taken < len(LONG) / 2 and LONG.startswith(heard)
    expect(heard == LONG + b"sorry\r\n" or is_cut, "of %d it hears %s", taken, heard)


@claim()
def clients_that_read_a_refusal_slowly_hold_no_place(scene):
    daemon = scene.daemon(line(scene, "built-in", "tcp4",
                               'instances=1 only_from=127.0.0.2 "banner_fail=no\\n"'),
                          args=["--gates", "1"])
    lingering = [daemon.client("it") for _ in range(20)]
    inside = daemon.client("it", source=("127.0.0.2", 0))
    expect_equal(ask(inside, b"?"), b"?", "the echo of who may come in")
    for client in lingering:
        expect_equal(receive_all(client), b"no\r\n", "what the refused hear")


# ---------------------------------------------------------------- how refusals are answered

def answer(daemon, **how):
    try:
        heard = daemon.client("it", **how).recv(100)
        return "closed" if heard == b"" else heard
    except ConnectionResetError:  # perhaps before connect(2) had returned
        return "reset"


ANSWERS = {
    # at_limit, refuse_with, is there a banner_fail: limit's answer, access's answer
    "close auto -": ("closed", "closed"),
    "reset auto -": ("reset", "reset"),
    "close auto text": ("closed", b"no\r\n"),
    "reset close text": ("reset", "closed"),
    "banner auto text": (b"no\r\n", b"no\r\n"),
    "banner reset text": (b"no\r\n", "reset"),
    "close banner text": ("closed", b"no\r\n"),
}


@claim(each=sorted(ANSWERS))
def at_limit_and_refuse_with_say_how_refusals_are_answered(scene, case):
    at_limit, refuse_with, banner = case.split()
    keys = "at_limit=%s refuse_with=%s" % (at_limit, refuse_with)
    if banner == "text":
        keys += ' "banner_fail=no\\n"'
    # One gate, which has given the place back before it looks at who comes after the end was told.
    daemon = scene.daemon(line(scene, "built-in", "tcp4",
                               "instances=1 no_access=127.0.0.2 " + keys), args=["--gates", "1"])
    first = daemon.client("it")
    expect_equal(ask(first, b"?"), b"?", "the first one's echo")
    limit = answer(daemon)
    first.close()
    daemon.wait_for_event("conn_ended", service="it")
    access = answer(daemon, source=("127.0.0.2", 0))
    expect_equal((limit, access), ANSWERS[case], "answers to the limit and to the rules")


# ---------------------------------------------------------------- the tarpit

@claim(each=STREAMS)
def the_tarpit_holds_who_is_refused_and_drips(scene, protocol):
    daemon = scene.daemon(line(scene, "built-in", protocol,
                               "no_access=ALL refuse_with=tarpit tarpit_pause=100ms instances=1"),
                          'log_level = "debug";')
    clients = [daemon.client("it", protocol) for _ in range(3)]
    for client in clients:
        for _ in range(3):
            expect(len(client.recv(1)) == 1, "it ends")
        client.sendall(b"never read")
        expect(len(client.recv(1)) == 1, "it ends")
    daemon.wait_for_event("conn_refused", service="it", verdict="access")
    clients[0].close()
    daemon.wait_for_event("tarpit_left", service="it")


@claim()
def the_tarpit_takes_no_place_of_those_who_are_let_in(scene):
    daemon = scene.daemon(line(scene, "built-in", "tcp4", "instances=1 at_limit=tarpit "
                               "only_from=127.0.0.1 refuse_with=tarpit"), args=["--gates", "1"])
    refused = [daemon.client("it", source=("127.0.0.2", 0)) for _ in range(5)]
    inside = daemon.client("it")
    expect_equal(ask(inside, b"?"), b"?", "the echo of who may come in")
    beyond = daemon.client("it")
    daemon.wait_for_event("conn_refused", service="it", verdict="full")
    expect(is_silent(beyond) and all(is_silent(client) for client in refused), "one is let go")
    inside.close()
    daemon.wait_for_event("conn_ended", service="it")
    expect_equal(ask(daemon.client("it"), b"?"), b"?", "the next one's echo")


@claim()
def a_full_tarpit_lets_the_oldest_go(scene):
    daemon = scene.daemon(line(scene, "built-in", "tcp4", "no_access=ALL refuse_with=tarpit "
                               "tarpit_instances=3"), 'log_level = "debug";',
                          args=["--gates", "1"])
    clients = [daemon.client("it") for _ in range(5)]
    for client in clients[:2]:
        expect_equal(client.recv(100), b"", "what the oldest hear")
    daemon.wait_for_event("tarpit_left", service="it", count=2)
    expect(all(is_silent(client) for client in clients[2:]), "one of the three newest is let go")


@claim()
def who_floods_the_tarpit_is_stopped_by_its_window(scene):
    daemon = scene.daemon(line(scene, "built-in", "tcp4", "no_access=ALL refuse_with=tarpit"))
    client = scene.socket("tcp4")
    client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    client.connect(daemon.address("it", "tcp4"))
    daemon.wait_for_event("conn_refused", service="it", verdict="access")
    client.settimeout(0.3)
    sent = 0
    try:
        while sent < 1 << 22:
            sent += client.send(b"x" * 1000)
    except socket.timeout:
        pass
    expect(sent < 1 << 18, "the tarpit has taken %d bytes", sent)


@claim(each=["reload", "stop"])
def the_tarpit_ends_with_its_service_and_with_the_daemon(scene, how):
    other = scene.line("other", "tcp4", "builtin:echo")
    daemon = scene.daemon(other + line(scene, "built-in", "tcp4",
                                       "no_access=ALL refuse_with=tarpit tarpit_pause=100ms"),
                          'daemon: { grace = "1min"; };')
    clients = [daemon.client("it") for _ in range(4)]
    for client in clients:
        expect_equal(len(receive(client, 1)), 1, "its first byte")
    if how == "reload":
        daemon.reload(other)
    else:
        expect_equal(daemon.stop(), 0, "its status")
    for client in clients:
        receive_all(client)


@claim()
def a_banned_source_may_be_held_in_the_tarpit(scene):
    daemon = scene.daemon(line(scene, "built-in", "tcp4", "cps_per_source=1/h ban=1/min "
                               "ban_time=1h refuse_with=tarpit tarpit_pause=100ms"))
    first = daemon.client("it")
    expect_equal(ask(first, b"?"), b"?", "the first one's echo")
    second = daemon.client("it")
    daemon.wait_for_event("source_banned", service="it")
    third = daemon.client("it")
    daemon.wait_for_event("conn_refused", service="it", verdict="ban")
    expect(receive(second, 1) and receive(third, 1), "one is let go")

