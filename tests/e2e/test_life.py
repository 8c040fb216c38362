# SPDX-License-Identifier: ISC
"""How long programs live, who ends them, and what is told of the bytes that they moved."""

import os
import signal
import socket
import struct

from claims import HAS_SANITIZER, IS_ROOT, WAIT, Skip, claim, expect, expect_equal
from harness import wait_until
from system import free_port, is_gone
from talk import ask, is_silent, receive, receive_all, receive_line

SO_COOKIE = 57
MEASURED = ["bytes_in", "bytes_out", "rtt_us", "retransmits"]


def tells_ends():
    """Does this kernel tell of the ends of connections?"""
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 4) as notices:
            notices.bind((0, 0))
            notices.setsockopt(270, 1, 1)
    except OSError:
        return False
    return True


def needs_notices():
    if not tells_ends():
        raise Skip("this kernel does not tell of the ends of connections")


def serve(scene, handler, keys="", protocol="tcp4", **rest):
    return scene.daemon(scene.program("it", handler, protocol, keys), **rest)


def ended(daemon, **fields):
    return daemon.wait_for_event("handler_ended", service="it", **fields)


def wait_for_ends(daemon, count):
    """Wait until that many have ended; of a thousand at once the log may have lost some lines."""
    def have_ended():
        lost = sum(int(event["lines"]) for event in daemon.log.find("log_dropped"))
        return len(daemon.log.find("handler_ended")) + lost >= count
    wait_until(have_ended, "the end of %d programs" % count, seconds=4 * WAIT)
    return daemon.log.find("handler_ended")


def expect_bytes(event, bytes_in, bytes_out):
    expect_equal((event["bytes_in"], event["bytes_out"]), (str(bytes_in), str(bytes_out)),
                 "bytes in and out")


# --- what is told of a connection


@claim(each=["tcp4", "tcp6"])
def the_bytes_of_a_program_are_told_when_the_client_ends_first(scene, protocol):
    needs_notices()
    daemon = serve(scene, "/bin/cat", protocol=protocol)
    client = daemon.client("it", protocol)
    sent = os.urandom(300000)
    reader = ask(client, sent[:1000])
    expect_equal(reader, sent[:1000], "what came back")
    client.shutdown(socket.SHUT_WR)
    expect_equal(receive_all(client), b"", "the rest")
    event = ended(daemon)
    expect_bytes(event, 1000, 1000)
    expect(int(event["rtt_us"]) > 0, "no round trip: %s", event.line)
    expect_equal(event["retransmits"], "0", "retransmits")


@claim(each=["tcp4", "tcp6"])
def the_bytes_of_a_program_are_told_when_the_program_ends_first(scene, protocol):
    needs_notices()
    daemon = serve(scene, "/bin/sh -c \"read line; head -c 200000 /dev/zero\"", protocol=protocol)
    client = daemon.client("it", protocol)
    client.sendall(b"twelve bytes\n")
    expect_equal(len(receive_all(client)), 200000, "bytes that came")
    expect_bytes(ended(daemon), 13, 200000)


@claim()
def the_bytes_of_a_program_that_nobody_spoke_to_are_0(scene):
    needs_notices()
    daemon = serve(scene, "/bin/cat")
    daemon.client("it").close()
    expect_bytes(ended(daemon), 0, 0)


@claim(needs=["probe"])
def a_connection_that_a_child_of_the_program_still_holds_is_told_as_far_as_it_has_come(scene):
    needs_notices()
    daemon = serve(scene, scene.probe + " hold")
    client, pid = daemon.hold("it")
    client.sendall(b"orphan\n")
    orphan = receive_line(client)
    event = ended(daemon, pid=pid)
    expect_bytes(event, len("orphan\n"), len("ready %d\n%s\n" % (pid, orphan)))
    expect_equal(ask(client, b"still\n"), b"still\n", "the child's answer")


@claim(needs=["probe"])
def a_program_on_a_unix_socket_has_no_bytes_in_its_event(scene):
    daemon = serve(scene, scene.probe + " hold", protocol="unix")
    client = daemon.client("it", "unix")
    receive_line(client)
    client.close()
    event = ended(daemon)
    expect_equal([name for name in MEASURED if name in event.fields], [], "fields")


@claim()
def the_processor_time_of_a_program_is_told(scene):
    daemon = serve(scene, "/bin/sh -c \"i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done\"")
    receive_all(daemon.client("it"))
    expect(int(ended(daemon)["cpu_ms"]) > 0, "no time")


@claim()
def a_built_in_tells_its_round_trip_and_retransmits(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4") + scene.line("local", "unix", "builtin:echo"))
    client = daemon.client("echo")
    ask(client, b"hello")
    client.close()
    event = daemon.wait_for_event("conn_ended", service="echo")
    expect(int(event["rtt_us"]) > 0, "no round trip: %s", event.line)
    expect_equal((event["bytes_in"], event["bytes_out"], event["retransmits"]), ("5", "5", "0"),
                 "bytes and retransmits")
    client = daemon.client("local", "unix")
    ask(client, b"hello")
    client.close()
    event = daemon.wait_for_event("conn_ended", service="local")
    expect("rtt_us" not in event.fields, "a round trip without a network: %s", event.line)


@claim(needs=["probe"])
def the_client_sees_the_end_though_the_supervisor_stands_still(scene):
    daemon = serve(scene, scene.probe + " hold", keys="idle=1h max_time=1h first_byte=1h",
                   args=["-v"])
    client, _ = daemon.hold("it")
    daemon.wait_for_event("handler_started")  # written when the start is over and done with
    os.kill(daemon.pid, signal.SIGSTOP)
    scene.stack.callback(os.kill, daemon.pid, signal.SIGCONT)
    client.sendall(b"exit 0\n")
    expect_equal(receive_all(client), b"", "what follows")


def netlink_sockets(pid):
    """How many of its descriptors are sockets for sock_diag."""
    with open("/proc/%d/net/netlink" % pid, encoding="utf-8") as table:
        rows = [line.split() for line in table][1:]
    inodes = {row[9] for row in rows if row[1] == "4"}
    targets = []
    for name in os.listdir("/proc/%d/fd" % pid):
        try:
            targets.append(os.readlink("/proc/%d/fd/%s" % (pid, name)))
        except FileNotFoundError:
            continue
    return sum(target[len("socket:["):-1] in inodes for target in targets)


@claim(needs=["probe"])
def the_kernel_is_asked_for_nothing_that_will_not_be_written(scene):
    port = free_port()
    daemon = scene.daemon("it 127.0.0.1:%d/tcp4 %s %s hold\n" % (port, scene.user, scene.probe),
                          settings='log_level = "notice";')
    receive_line(scene.connect(("127.0.0.1", port)))
    expect_equal(netlink_sockets(daemon.pid), 0, "sockets for what nobody reads")
    other = scene.daemon(scene.line("echo", "tcp4"))
    ask(other.client("echo"), b"hello")
    expect_equal(netlink_sockets(other.pid), 0, "sockets without a program")


@claim(seconds=120)
def programs_that_end_at_once_have_each_its_own_bytes(scene):
    needs_notices()
    # The system gives a plain user room for a few hundred notices.
    count = 1000 if IS_ROOT else 100
    daemon = serve(scene, "/bin/cat")
    clients = [daemon.client("it") for _ in range(count)]
    sent = {}
    for number, client in enumerate(clients):
        client.sendall(b"x" * (number + 1))
        sent["127.0.0.1:%d" % client.getsockname()[1]] = str(number + 1)
    for number, client in enumerate(clients):
        receive(client, number + 1)
    for client in clients:
        client.close()
    # A kernel that is busy may take more than the second that its word is waited for; and it tells
    # of everybody's connections, which may be more than are read while all these programs end.
    told = [event for event in wait_for_ends(daemon, count) if "bytes_in" in event.fields]
    expect(told != [] or daemon.log.find("notices_lost"), "the bytes of nobody")
    for event in told:
        expect_bytes(event, sent[event["peer"]], sent[event["peer"]])


# --- limits


def serve_script(scene, script, keys, **rest):
    """A service of a shell script that lies in a file: no quoting in the table."""
    path = scene.write("script", "#!/bin/sh\n" + script)
    os.chmod(path, 0o755)
    return serve(scene, path, keys, **rest)


def expect_limit(event, ending, least_ms):
    expect_equal(event["ending"], ending, "ending")
    expect(int(event["duration_ms"]) >= least_ms, "too early: %s", event.line)


def expect_gone(pids):
    wait_until(lambda: all(is_gone(pid) for pid in pids), "the end of %s" % pids)


@claim(each=["tcp4", "unix"])
def max_time_ends_a_program_that_obeys(scene, protocol):
    daemon = serve(scene, "/bin/sleep 1000", "max_time=300ms", protocol)
    client = daemon.client("it", protocol)
    event = ended(daemon)
    expect_limit(event, "max-time", 300)
    expect_equal(event["signal"], "15", "signal")
    expect_equal(receive_all(client), b"", "what the client gets")


@claim()
def a_program_may_end_in_good_order_when_its_time_is_over(scene):
    daemon = serve_script(scene, "trap 'echo bye; exit 7' TERM\necho ready\n"
                          "while :; do sleep 0.05; done\n", "max_time=2s")
    client = daemon.client("it")
    expect_equal(receive_all(client), b"ready\nbye\n", "its words")
    event = ended(daemon)
    expect_limit(event, "max-time", 2000)
    expect_equal(event["exit_status"], "7", "exit status")


@claim(needs=["probe"])
def max_time_ends_who_ignores_it_and_children_in_other_process_groups(scene):
    daemon = serve(scene, scene.probe + " hold", "max_time=2s stop_timeout=300ms")
    client, pid = daemon.hold("it")
    client.sendall(b"group\ngroup\n")
    others = [int(receive_line(client).split()[1]) for _ in range(2)]
    expect_equal(sorted(os.getpgid(other) for other in others), sorted(others), "process groups")
    expect_equal(receive_line(client), "signal 15", "the warning")
    event = ended(daemon, pid=pid)
    expect_limit(event, "max-time", 2300)
    expect_equal(event["signal"], "9", "signal")
    expect_gone([pid] + others)
    expect_equal(receive_all(client), b"", "what the client gets")


@claim()
def what_a_program_that_reached_a_limit_leaves_behind_has_stop_timeout_too(scene):
    told = scene.write("told", "")
    os.chmod(told, 0o666)
    daemon = serve_script(scene, "(trap 'sleep 0.3; echo in good order >%s; exit' TERM\n"
                          "echo ready; while :; do sleep 0.05; done) &\n"
                          "(trap '' TERM; echo ready; while :; do sleep 0.05; done) &\n"
                          "echo $!\nexec sleep 1000\n" % told, "max_time=2s stop_timeout=3s")
    client = daemon.client("it")
    lines = [receive_line(client) for _ in range(3)]
    stubborn = int([line for line in lines if line != "ready"][0])
    event = ended(daemon)
    expect_limit(event, "max-time", 2000)
    expect_equal(event["signal"], "15", "signal of the program itself")
    expect(not is_gone(stubborn), "it had no time")
    expect_gone([stubborn])
    with open(told, encoding="utf-8") as file:
        expect_equal(file.read(), "in good order\n", "what the other had to say")
    expect_equal(receive_all(client), b"", "what the client gets")


@claim()
def without_stop_timeout_a_program_is_ended_at_once(scene):
    daemon = serve_script(scene, "trap 'echo bye' TERM\nwhile :; do sleep 0.05; done\n",
                          "max_time=200ms stop_timeout=0")
    client = daemon.client("it")
    event = ended(daemon)
    expect_limit(event, "max-time", 200)
    expect_equal(event["signal"], "9", "signal")
    expect_equal(receive_all(client), b"", "its words")


@claim(needs=["probe"])
def children_of_a_program_that_ended_by_itself_are_left_alone(scene):
    table = scene.program("it", scene.probe + " hold", keys="max_time=3s stop_timeout=0")
    daemon = scene.daemon(table + scene.program("clock", "/bin/sleep 1000", keys="max_time=4s"))
    client, _ = daemon.hold("it")
    client.sendall(b"orphan\n")
    receive_line(client)
    clock = daemon.client("clock")
    ended(daemon, ending="exited")
    expect_equal(receive_all(clock), b"", "the clock's end")
    expect_equal(ask(client, b"still\n"), b"still\n", "the child's answer")


@claim(each=["tcp4", "tcp6"])
def a_silent_connection_is_ended_after_idle(scene, protocol):
    needs_notices()
    daemon = serve(scene, "/bin/cat", "idle=2s", protocol)
    client = daemon.client("it", protocol)
    ask(client, b"one move\n")
    event = ended(daemon)
    expect_limit(event, "idle", 2000)
    expect_equal(receive_all(client), b"", "what the client gets")
    expect_bytes(event, 9, 9)


def ticker(scene):
    return scene.program("tick", "/bin/sh -c \"while sleep 0.2; do echo tick; done\"")


@claim(seconds=40)
def idle_does_not_end_a_program_that_sends(scene):
    needs_notices()
    daemon = serve(scene, "/bin/sh -c \"while sleep 0.2; do echo tick; done\"", "idle=2s")
    client = daemon.client("it")
    for _ in range(25):
        expect_equal(receive_line(client), "tick", "what it sends")


@claim(seconds=40)
def idle_does_not_end_a_program_that_receives(scene):
    needs_notices()
    table = scene.program("it", "/bin/sh -c \"exec cat >/dev/null\"", keys="idle=2s")
    daemon = scene.daemon(table + ticker(scene))
    clock = daemon.client("tick")
    client = daemon.client("it")
    for _ in range(25):
        receive_line(clock)
        client.sendall(b"x")
    expect_equal(daemon.log.find("handler_ended"), [], "programs that ended")
    expect(is_silent(client), "the connection ended")


@claim()
def a_client_that_does_not_say_a_first_byte_in_time_is_left(scene):
    needs_notices()
    table = scene.program("it", "/bin/sh -c \"echo hello; exec cat\"", keys="first_byte=800ms")
    daemon = scene.daemon(table + scene.program("clock", "/bin/sleep 1000", keys="max_time=3s"))
    silent = daemon.client("it")
    speaking = daemon.client("it")
    speaking.sendall(b"x")
    clock = daemon.client("clock")
    event = ended(daemon)
    expect_limit(event, "first-byte", 800)
    expect_equal(event["peer"], "127.0.0.1:%d" % silent.getsockname()[1], "who was left")
    expect_equal(receive_all(silent), b"hello\n", "what the silent one gets")
    receive_all(clock)
    expect_equal(receive(speaking, 7), b"hello\nx", "what the other one gets")
    expect_equal(ask(speaking, b"y"), b"y", "the other one's answer")


@claim()
def programs_end_by_idle_only_if_the_table_says_so(scene):
    table = scene.program("it", "/bin/cat") + scene.line("echo", "tcp4", "builtin", "idle=300ms")
    daemon = scene.daemon(table)
    client = daemon.client("it")
    expect_equal(receive_all(daemon.client("echo")), b"", "the end of the built-in")
    expect_equal(ask(client, b"x"), b"x", "an answer")


@claim(seconds=120)
def a_thousand_programs_that_reach_their_limit_at_once_all_end(scene):
    count = 1000 if not HAS_SANITIZER else 200
    daemon = serve(scene, "/bin/sleep 1000", "max_time=3s stop_timeout=500ms")
    clients = [daemon.client("it") for _ in range(count)]
    found = wait_for_ends(daemon, count)
    for client in clients:
        expect_equal(receive_all(client), b"", "what a client gets")
    wait_until(lambda: not daemon.handlers(), "no child but the gates")
    wrong = [event.line for event in found
             if int(event["duration_ms"]) < 3000 or event["ending"] != "max-time"]
    expect_equal(wrong, [], "ended too early, or for another reason")
