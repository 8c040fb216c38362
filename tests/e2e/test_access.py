# SPDX-License-Identifier: ISC
"""Who is admitted: only_from, no_access, access_times and files of prefixes."""

import os
import pwd
import socket
import time

from claims import DATAGRAMS, STREAMS, WAIT, claim, expect, expect_equal
from harness import wait_until
from talk import ask, is_silent, receive, receive_all, receive_datagram

OWN = {"4": "127.0.0.1", "6": "::1"}
NOBODYS = {"4": "192.0.2.0/24", "6": "2001:db8::/32"}


def own_rule(protocol):
    """The rule that fits this client and no other one."""
    return OWN.get(protocol[-1], "user:%d" % os.geteuid())


def nobodys_rule(protocol):
    return NOBODYS.get(protocol[-1], "user:54321")


def is_turned_away(client):
    """The connection was closed, and nothing came before."""
    try:
        client.sendall(b"hello?")
        return client.recv(100) == b""
    except (ConnectionResetError, BrokenPipeError):
        return True


def probe_datagram(client, text=b"hello?"):
    client.send(text)
    return receive_datagram(client)[0]


def expect_refusal(daemon, name, service, **fields):
    event = daemon.wait_for_event(name, service=service, **fields)
    expect("peer" in event.fields, "no peer: %s", event)
    return event


def line_of(table, name):
    """file:line of a service, as events give it."""
    number = [text.split(" ")[0] for text in table.split("\n")].index(name) + 1
    return "services0:%d" % number


def expect_rule(event, wanted):
    expect(event["rule"].endswith("/" + wanted), "the rule is %s, not %s", event["rule"], wanted)


# ---------------------------------------------------------------- streams

@claim(each=STREAMS)
def a_client_that_only_from_names_is_served(scene, protocol):
    daemon = scene.daemon(scene.line("echo", protocol, keys="only_from=" + own_rule(protocol)))
    client = daemon.client("echo", protocol)
    client.send(b"hello")
    expect_equal(client.recv(100), b"hello", "the answer")


@claim(each=STREAMS)
def a_client_that_only_from_does_not_name_is_closed_and_told_with_the_rule(scene, protocol):
    table = scene.line("other", protocol, "builtin:echo") \
        + scene.line("echo", protocol, keys="only_from=" + nobodys_rule(protocol))
    daemon = scene.daemon(table)
    client = daemon.client("echo", protocol)
    expect(is_turned_away(client), "it was served")
    event = expect_refusal(daemon, "conn_refused", "echo", verdict="access")
    expect_rule(event, line_of(table, "echo"))


@claim(each=STREAMS)
def a_client_that_no_access_names_is_closed(scene, protocol):
    daemon = scene.daemon(scene.line("echo", protocol, keys="no_access=" + own_rule(protocol)))
    expect(is_turned_away(daemon.client("echo", protocol)), "it was served")
    expect_refusal(daemon, "conn_refused", "echo", verdict="access")


@claim()
def a_rule_for_ipv4_holds_for_ipv4_clients_of_an_ipv6_socket(scene):
    if not socket.has_ipv6:
        return
    with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as listening:
        listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listening.bind(("::", 0))
        listening.listen(10)
        port = listening.getsockname()[1]
        launch = {"sockets": [listening.fileno()], "names": ["echo"]}
        daemon = scene.daemon("echo [::]:%d/tcp6 no_access=127.0.0.1 builtin\n" % port,
                              launch=launch)
        expect(is_turned_away(scene.connect(("127.0.0.1", port))), "it was served")
        daemon.wait_for_event("conn_refused", service="echo", verdict="access")


@claim()
def the_most_specific_rule_decides_and_on_a_tie_no_access_does(scene):
    rules = {"wide": ("127.0.0.0/8", "127.0.0.1", False), "narrow": ("127.0.0.1", "ALL", True),
             "tie": ("127.0.0.1", "127.0.0.1", False), "none": ("127.0.0.0/8", "10.0.0.0", True)}
    table = "".join("%s 127.0.0.1:0/tcp4 only_from=%s no_access=%s builtin:echo\n"
                    % (name, only, no) for name, (only, no, _) in rules.items())
    daemon = scene.daemon(table)
    for name, (_, _, is_served) in rules.items():
        client = daemon.client(name)
        if is_served:
            expect_equal(ask(client, b"x"), b"x", "the answer of " + name)
        else:
            expect(is_turned_away(client), "%s served", name)


@claim()
def an_empty_only_from_admits_nobody(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4", keys="only_from="))
    expect(is_turned_away(daemon.client("echo")), "it was served")


@claim(needs=["handlers"])
def no_program_is_started_for_a_refused_client(scene):
    mark = scene.path("was-started")
    daemon = scene.daemon(scene.program("touch", "/bin/touch " + mark,
                                        keys="only_from=192.0.2.1")
                          + scene.program("cat", "/bin/cat"), settings='log_level = "debug";')
    expect(is_turned_away(daemon.client("touch")), "it was served")
    daemon.wait_for_event("conn_refused", service="touch", verdict="access")
    expect_equal(ask(daemon.client("cat"), b"x"), b"x", "the answer of the other service")
    expect(not daemon.log.find("handler_started", service="touch"), "it was started")
    expect(not os.path.exists(mark), "it has run")


@claim()
def whoever_a_limit_refuses_was_refused_by_no_rule(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4", keys="only_from=127.0.0.1 per_source=1"))
    expect_equal(ask(daemon.client("echo"), b"in"), b"in", "the answer for the first")
    daemon.client("echo")
    event = expect_refusal(daemon, "conn_refused", "echo", verdict="per-source")
    expect("rule" not in event.fields, "a rule is named: %s", event)


@claim()
def a_refused_client_takes_no_place(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4", keys="instances=1 no_access=127.0.0.1"))
    for _ in range(20):
        expect(is_turned_away(daemon.client("echo")), "it was served")
    daemon.reload(scene.line("echo", "tcp4", keys="instances=1"))
    expect_equal(ask(daemon.client("echo"), b"x"), b"x", "the answer")


@claim()
def repeated_refusals_are_counted_and_not_logged_one_by_one(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4", keys="no_access=127.0.0.1"),
                          args=["--gates", "1"])
    for _ in range(50):
        expect(is_turned_away(daemon.client("echo")), "it was served")
    daemon.wait_for_event("conn_refused", service="echo")
    expect_equal(len(daemon.log.find("conn_refused", service="echo")), 1, "lines of the log")


@claim()
def defaults_hold_until_a_line_says_otherwise(scene):
    settings = 'defaults: { only_from = [ "192.0.2.0/24", "198.51.100.0/24" ]; };\n'
    daemon = scene.daemon(scene.line("echo", "tcp4")
                          + scene.line("open", "tcp4", "builtin:echo", "only_from=ALL"),
                          settings='daemon: { grace = "2s"; };\n' + settings)
    expect(is_turned_away(daemon.client("echo")), "it was served")
    event = daemon.wait_for_event("conn_refused", service="echo", verdict="access")
    expect_rule(event, "reeve0.conf:2")
    expect_equal(ask(daemon.client("open"), b"x"), b"x", "the answer")


@claim()
def the_rules_of_a_service_hold_for_clients_that_tcpmux_hands_over(scene):
    daemon = scene.daemon(
        scene.line("tcpmux", "tcp4")
        + scene.line("echo", "tcp4", keys="tcpmux=plus only_from=192.0.2.1")
        + scene.line("open", "tcp4", "builtin:echo", "tcpmux=plus"))
    client = daemon.client("tcpmux")
    client.sendall(b"echo\r\n")
    expect_equal(receive_all(client)[:1], b"-", "the answer")
    daemon.wait_for_event("conn_refused", service="echo", verdict="access")
    client = daemon.client("tcpmux")
    client.sendall(b"open\r\n")
    expect_equal(receive(client, 1), b"+", "the answer of the other service")


# ---------------------------------------------------------------- datagrams

@claim(each=DATAGRAMS)
def a_datagram_of_a_named_client_is_answered(scene, protocol):
    daemon = scene.daemon(scene.line("echo", protocol, keys="only_from=" + own_rule(protocol)))
    expect_equal(probe_datagram(daemon.client("echo", protocol)), b"hello?", "the answer")


@claim(each=DATAGRAMS)
def a_datagram_of_another_is_dropped_and_told_with_the_rule(scene, protocol):
    table = scene.line("open", protocol, "builtin:echo") \
        + scene.line("echo", protocol, keys="only_from=" + nobodys_rule(protocol))
    daemon = scene.daemon(table)
    client = daemon.client("echo", protocol)
    client.send(b"hello?")
    event = expect_refusal(daemon, "datagrams_refused", "echo", verdict="access")
    expect_rule(event, line_of(table, "echo"))
    expect(is_silent(client), "it was answered")


@claim(needs=["handlers"])
def a_refused_datagram_starts_no_program(scene):
    daemon = scene.daemon(scene.program("cat", "/bin/cat", "udp4", "no_access=127.0.0.1"),
                          settings='log_level = "debug";')
    client = daemon.client("cat", "udp4")
    client.send(b"hello?")
    daemon.wait_for_event("datagrams_refused", service="cat", verdict="access")
    expect(not daemon.log.find("handler_started", service="cat"), "it was started")


@claim()
def descriptors_that_come_with_a_unix_datagram_are_not_kept(scene):
    daemon = scene.daemon(scene.line("echo", "unix-dgram", keys="only_from=" + own_rule("unix")),
                          args=["--gates", "1"])
    client = daemon.client("echo", "unix-dgram")
    expect_equal(probe_datagram(client), b"hello?", "the answer")
    gate = daemon.gates()[0]
    before = len(os.listdir("/proc/%d/fd" % gate)) if os.geteuid() == 0 else None
    with open("/dev/null", "rb") as null:
        for _ in range(20):
            socket.send_fds(client, [b"take this"], [null.fileno()] * 3)
            expect_equal(receive_datagram(client)[0], b"take this", "the answer")
    if before is not None:
        expect_equal(len(os.listdir("/proc/%d/fd" % gate)), before, "the gate's descriptors")


# ---------------------------------------------------------------- users and groups

@claim(each=["unix", "unix-dgram"], needs=["root"])
def users_and_groups_of_unix_clients_are_told_apart(scene, protocol):
    nobody = pwd.getpwnam("nobody")
    daemon = scene.daemon(
        scene.line("byuser", protocol, "builtin:echo", "only_from=user:nobody")
        + scene.line("bygroup", protocol, "builtin:echo", "only_from=group:%d" % nobody.pw_gid)
        + scene.line("butuser", protocol, "builtin:echo",
                     "only_from=group:%d no_access=user:nobody" % nobody.pw_gid))
    os.chmod(scene.folder, 0o711)
    for name, is_served in (("byuser", True), ("bygroup", True), ("butuser", False)):
        address = daemon.address(name, protocol)
        # Nobody tells a datagram's sender that it was refused.
        answer = ask_as(nobody, address, protocol, scene.new_path(".client"),
                        WAIT if is_served else 2)
        expect_equal(answer, b"hello?" if is_served else b"", "what %s got" % name)
        if protocol == "unix":
            expect(is_turned_away(daemon.client(name, protocol)), "%s served root", name)


def ask_as(account, address, protocol, own_address, seconds):
    """What that user gets as an answer within that time."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            kind = socket.SOCK_DGRAM if protocol == "unix-dgram" else socket.SOCK_STREAM
            client = socket.socket(socket.AF_UNIX, kind)
            client.settimeout(seconds)
            if protocol == "unix-dgram":
                client.bind(own_address)
                os.chmod(own_address, 0o777)
            os.setgroups([])
            os.setresgid(account.pw_gid, account.pw_gid, account.pw_gid)
            os.setresuid(account.pw_uid, account.pw_uid, account.pw_uid)
            client.connect(address)
            client.send(b"hello?")
            os.write(writer, client.recv(100))
        except OSError:
            pass
        finally:
            os._exit(0)
    os.close(writer)
    os.waitpid(pid, 0)
    with os.fdopen(reader, "rb") as answer:
        return answer.read()


# ---------------------------------------------------------------- hours

def span(first_hour, last_hour):
    now = time.localtime()
    return "%02d:00-%02d:59" % ((now.tm_hour + first_hour) % 24, (now.tm_hour + last_hour) % 24)


@claim(each=["tcp4", "udp4"])
def outside_of_access_times_nobody_is_served(scene, protocol):
    daemon = scene.daemon(scene.line("shut", protocol, "builtin:echo", "access_times=" + span(2, 21))
                          + scene.line("open", protocol, "builtin:echo",
                                       "access_times=%s,%s" % (span(2, 3), span(-1, 1))))
    client = daemon.client("open", protocol)
    client.send(b"x")
    expect_equal(client.recv(10), b"x", "the answer within the hours")
    client = daemon.client("shut", protocol)
    client.send(b"x")
    event = daemon.wait_for_event("datagrams_refused" if protocol == "udp4" else "conn_refused",
                                  service="shut", verdict="hours")
    expect_rule(event, "services0:1")


# ---------------------------------------------------------------- reload, and files

@claim()
def a_reload_that_changes_rules_leaves_connections_alone(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4"))
    before = daemon.client("echo")
    expect_equal(ask(before, b"x"), b"x", "the answer")
    daemon.reload(scene.line("echo", "tcp4", keys="no_access=127.0.0.1"))
    expect(is_turned_away(daemon.client("echo")), "a new client was served")
    expect_equal(ask(before, b"y"), b"y", "the answer of the old connection")
    daemon.reload(scene.line("echo", "tcp4"))
    expect_equal(ask(daemon.client("echo"), b"z"), b"z", "the answer without the rule")


@claim()
def a_wrong_rule_is_refused_as_a_whole(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4", keys="only_from=192.0.2.1"))
    daemon.reload(scene.line("echo", "tcp4", keys="only_from=127.0.0.1/-0"), wanted="reload_refused")
    expect(is_turned_away(daemon.client("echo")), "a wrong rule opened the service")


def with_file(scene, text, keys="no_access=file:%s", **rest):
    path = scene.write("block.txt", text)
    daemon = scene.daemon(scene.line("echo", "tcp4", keys=keys % path), **rest)
    return daemon, path


def replace(scene, path, text):
    os.rename(scene.write("new.txt", text), path)


@claim()
def a_file_of_prefixes_refuses_with_its_own_line(scene):
    daemon, _ = with_file(scene, "# bad people\n192.0.2.0/24\n\n127.0.0.0/8 ; all of us\n")
    expect(is_turned_away(daemon.client("echo")), "it was served")
    expect_rule(daemon.wait_for_event("conn_refused", verdict="access"), "block.txt:4")


@claim(each=["renamed", "written", "linked"])
def a_file_that_changes_is_read_again_by_itself_and_connections_stay(scene, how):
    daemon, path = with_file(scene, "192.0.2.0/24\n")
    if how == "linked":
        os.mkdir(scene.path("elsewhere"))
        os.rename(path, scene.path("elsewhere/real.txt"))
        os.symlink(scene.path("elsewhere/real.txt"), path)
        daemon.reload()
    before = daemon.client("echo")
    expect_equal(ask(before, b"x"), b"x", "the answer")
    since = daemon.log.mark()
    if how == "renamed":
        replace(scene, path, "192.0.2.0/24\n127.0.0.1\n")
    else:
        with open(path, "w", encoding="ascii") as file:
            file.write("192.0.2.0/24\n127.0.0.1\n")
    event = daemon.wait_for_event("access_file_loaded", since=since, file=path, prefixes=2)
    expect(event, "not loaded")
    wait_until(lambda: is_turned_away(daemon.client("echo")), "the new rule")
    expect_equal(ask(before, b"y"), b"y", "the answer of the old connection")
    replace(scene, path, "")
    wait_until(lambda: not is_turned_away(daemon.client("echo")), "the service is open again")


@claim(each=["broken", "gone"])
def a_file_that_becomes_unusable_leaves_the_rules_as_they_are(scene, how):
    daemon, path = with_file(scene, "127.0.0.1\n")
    if how == "gone":
        os.unlink(path)
    else:
        replace(scene, path, "192.0.2.1\n127.0.0.1/-0\n")
    event = daemon.wait_for_event("access_file_kept", file=path)
    expect(event["complaint"], "no complaint")
    expect(is_turned_away(daemon.client("echo")), "the rule is gone")
    daemon.reload(wanted="reload_refused")
    expect(is_turned_away(daemon.client("echo")), "the rule is gone")
    since = daemon.log.mark()
    replace(scene, path, "192.0.2.1\n")
    daemon.wait_for_event("access_file_loaded", since=since, file=path, prefixes=1)
    wait_until(lambda: not is_turned_away(daemon.client("echo")), "the mended file")


@claim()
def a_gate_that_takes_the_place_of_a_dead_one_has_the_rules(scene):
    daemon, path = with_file(scene, "192.0.2.1\n", args=["--gates", "1"])
    replace(scene, path, "127.0.0.1\n")
    daemon.wait_for_event("access_file_loaded", file=path, prefixes=1)
    since = daemon.log.mark()
    os.kill(daemon.gates()[0], 9)
    daemon.wait_for_event("gate_started", since=since)
    expect(is_turned_away(daemon.client("echo")), "the new gate knows no rules")


@claim(seconds=60)
def a_million_prefixes_are_taken_and_judged_by(scene):
    lines = ["%d.%d.%d.0/24" % (11 + n // 65536, n // 256 % 256, n % 256) for n in range(1000000)]
    daemon, path = with_file(scene, "\n".join(lines) + "\n")
    expect_equal(ask(daemon.client("echo"), b"x"), b"x", "the answer")
    replace(scene, path, "\n".join(lines + ["127.0.0.1"]) + "\n")
    daemon.wait_for_event("access_file_loaded", file=path, prefixes=1000001)
    wait_until(lambda: is_turned_away(daemon.client("echo")), "the new rule")
