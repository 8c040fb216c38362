# SPDX-License-Identifier: ISC
"""Programs that fail at once, again and again: their service is slowed, and comes back by itself."""

import contextlib
import os
import select
import signal
import socket
import subprocess
import time

from claims import DATAGRAMS, REEVED, STREAMS, WAIT, claim, expect, expect_equal
from system import cpu_seconds
from talk import ask, receive, receive_all, receive_line
from test_wait import answered_pid, ask_pid, wait_daemon, wait_line

STARTS_AT_MOST = 20  # in five seconds


def script(scene, text, name="program"):
    """A program that can be mended while the daemon runs."""
    path = scene.write(name, "#!/bin/sh\n" + text + "\n")
    os.chmod(path, 0o755)
    return path


def failing_daemon(scene, text="exit 127", protocol="tcp4", keys="", more=""):
    return scene.daemon(scene.program("it", script(scene, text), protocol, keys) + more)


def visit(daemon, protocol="tcp4"):
    """One client, from its coming to the end of its connection."""
    with contextlib.closing(daemon.client("it", protocol)) as client:
        with contextlib.suppress(ConnectionError):
            return receive_all(client)


def throttle(daemon, protocol="tcp4"):
    for _ in range(5):
        visit(daemon, protocol)
    return daemon.wait_for_event("service_throttled", service="it")


def starts(daemon):
    return len(daemon.log.find("handler_ended", service="it") +
               daemon.log.find("handler_failed", service="it"))


@claim(needs=["probe"], each=STREAMS)
def a_crash_loop_is_slowed_and_said_once(scene, protocol):
    daemon = failing_daemon(scene, protocol=protocol)
    end = time.monotonic() + 2.5
    while time.monotonic() < end:
        visit(daemon, protocol)
    daemon.wait_for_event("handler_ended", service="it", count=6)
    expect(starts(daemon) <= STARTS_AT_MOST - 5, "%d starts", starts(daemon))
    event = daemon.wait_for_event("service_throttled", service="it")
    expect_equal((event["reason"], event["exit_status"], event["failures"], event["pause_ms"]),
                 ("exit", "127", "5", "100"), "the event")
    expect_equal(len(daemon.log.find("service_throttled")), 1, "events")


@claim()
def a_signal_is_told_as_the_reason(scene):
    daemon = failing_daemon(scene, "kill -SEGV $$")
    event = throttle(daemon)
    expect_equal((event["reason"], event["signal"]), ("signal", str(int(signal.SIGSEGV))), "reason")


@claim()
def a_step_that_fails_is_told_as_the_reason(scene):
    daemon = failing_daemon(scene)
    os.unlink(scene.path("program"))
    event = throttle(daemon)
    expect_equal((event["reason"], event["step"]), ("start", "execve"), "reason")
    expect("ENOENT" in event["error"], "error: %s", event.line)


@claim(seconds=30)
def who_waits_is_served_by_the_first_program_that_does_well(scene):
    daemon = failing_daemon(scene)
    throttle(daemon)
    waiting = [daemon.client("it") for _ in range(5)]
    script(scene, "echo well")
    mended = time.monotonic()
    answers = []
    for client in waiting:
        with contextlib.suppress(ConnectionError):
            answers.append(receive_all(client))
    expect(b"well\n" in answers, "nobody was served: %s", answers)
    restored = daemon.wait_for_event("service_restored", service="it")
    expect(time.monotonic() - mended < 5, "not back in 5 s")
    expect(int(restored["duration_ms"]) >= 100, "duration: %s", restored.line)
    for _ in range(20):
        expect_equal(visit(daemon), b"well\n", "the answer at full speed")
    expect_equal(len(daemon.log.find("service_restored")), 1, "events")


@claim(seconds=30)
def a_trial_that_runs_for_a_second_restores_the_service_while_it_runs(scene):
    daemon = failing_daemon(scene)
    throttle(daemon)
    script(scene, "exec cat")
    clients = [daemon.client("it") for _ in range(4)]
    for client in clients:
        client.sendall(b"x")
    served = select.select(clients, [], [], WAIT)[0]
    expect(served, "no trial runs")
    first = served[0]
    expect_equal(receive(first, 1), b"x", "the answer of the trial")
    daemon.wait_for_event("service_restored", service="it")
    last = daemon.client("it")
    expect_equal(ask(last, b"more"), b"more", "the answer to one more")
    expect_equal(ask(first, b"first"), b"first", "the answer to the trial's client")


@claim(needs=["probe"], each=["1", "2"], seconds=30)
def many_clients_at_once_cause_no_more_starts(scene, gates):
    daemon = scene.daemon(scene.program("it", script(scene, "exit 127")), args=["--gates", gates])
    # Of programs that were started before the first one's end was seen nobody could know better.
    clients = [daemon.client("it") for _ in range(10)]
    daemon.wait_for_event("service_throttled", service="it")
    end = time.monotonic() + 2.5
    while time.monotonic() < end:
        clients += [daemon.client("it") for _ in range(10 - len(clients))]
        for client in list(clients):
            client.settimeout(0.02)
            with contextlib.suppress(socket.timeout):
                with contextlib.suppress(ConnectionError):
                    client.recv(1)
                client.close()
                clients.remove(client)
    expect(starts(daemon) <= 25, "%d starts", starts(daemon))


@claim(needs=["probe"])
def no_other_service_notices(scene):
    daemon = failing_daemon(scene, more=scene.line("echo", "tcp4") +
                            scene.program("hold", scene.probe + " hold"))
    throttle(daemon)
    for _ in range(20):
        expect_equal(ask(daemon.client("echo"), b"hello"), b"hello", "the echo")
        client, _ = daemon.hold()
        client.close()
    expect_equal(daemon.log.find("service_restored"), [], "restored")


@claim()
def throttle_no_switches_it_off(scene):
    daemon = failing_daemon(scene, keys="throttle=no")
    for _ in range(40):
        visit(daemon)
    expect_equal(daemon.log.find("service_throttled"), [], "events")


@claim()
def one_good_program_in_between_is_enough(scene):
    daemon = failing_daemon(scene, "read word; test \"$word\" = good || exit 127")
    for number in range(4):
        for place, word in enumerate((b"bad\n", b"bad\n", b"bad\n", b"bad\n", b"good\n")):
            client = daemon.client("it")
            client.sendall(word)
            receive_all(client)
            client.close()
            # The client may see the end before the daemon does, and the next one's before it.
            daemon.wait_for_event("handler_ended", count=number * 5 + place + 1)
    expect_equal(daemon.log.find("service_throttled"), [], "events")


@claim(each=["exit 1", "exit 255", "sleep 1.1; exit 127", "kill -TERM $$", "kill -PIPE $$"])
def what_is_not_the_programs_fault_does_not_count(scene, ending):
    daemon = failing_daemon(scene, ending)
    clients = [daemon.client("it") for _ in range(12)]
    for client in clients:
        receive_all(client)
    daemon.wait_for_event("handler_ended", service="it", count=12)
    expect_equal(daemon.log.find("service_throttled"), [], "events")


@claim()
def a_reload_begins_anew(scene):
    daemon = failing_daemon(scene)
    throttle(daemon)
    script(scene, "echo well")
    daemon.reload()
    daemon.wait_for_event("service_restored", service="it")
    for _ in range(5):
        expect_equal(visit(daemon), b"well\n", "the answer")


@claim()
def the_list_of_services_says_which_are_slowed(scene):
    daemon = failing_daemon(scene, more=scene.line("echo", "tcp4"))
    throttle(daemon)
    done = subprocess.run([os.path.join(os.path.dirname(REEVED), "reevectl"), "--run-dir",
                           daemon.run_dir, "list"], stdout=subprocess.PIPE, check=True)
    lines = {line.split()[0]: line for line in done.stdout.decode().splitlines()}
    expect(" throttled " in lines["it"], "the list: %s", lines)
    expect(" open " in lines["echo"], "the list: %s", lines)


@claim(each=["udp4", "unix-dgram", "tcp4", "unix"], needs=["probe"], seconds=30)
def a_wait_program_that_fails_is_slowed_and_what_it_left_is_served_later(scene, protocol):
    daemon = failing_daemon(scene, protocol=protocol, keys="wait")
    client = daemon.client("it", protocol)
    client.send(b"hello" if protocol in DATAGRAMS else b"exit 0\n")
    daemon.wait_for_event("service_throttled", service="it", reason="exit", seconds=5)
    daemon.wait_for_event("handler_ended", service="it", count=8)
    expect(starts(daemon) <= STARTS_AT_MOST, "%d starts", starts(daemon))
    script(scene, "exec %s take" % scene.probe)
    if protocol in DATAGRAMS:
        answered_pid(client)
    else:
        expect(receive_all(client).startswith(b"ready"), "no program took the client")
    daemon.wait_for_event("service_restored", service="it", seconds=5)


@claim(needs=["probe"], seconds=30)
def a_wait_program_that_cannot_be_started_is_tried_again(scene):
    daemon = failing_daemon(scene, protocol="udp4", keys="wait")
    os.unlink(scene.path("program"))
    client = daemon.client("it", "udp4")
    client.send(b"hello")
    daemon.wait_for_event("service_throttled", service="it", reason="start", step="execve")
    before = cpu_seconds(daemon.pid)
    daemon.wait_for_event("handler_failed", service="it", count=8)
    expect(cpu_seconds(daemon.pid) - before < 0.2, "it spins")
    script(scene, "exec %s take" % scene.probe)
    answered_pid(client)


@claim(needs=["probe"], each=DATAGRAMS, seconds=30)
def a_datagram_that_is_left_unread_makes_nobody_spin(scene, protocol):
    program = script(scene, "exec %s ignore" % scene.probe)
    daemon = scene.daemon(scene.program("it", program, protocol, "wait"))
    client = daemon.client("it", protocol)
    client.send(b"hello")
    begin = time.monotonic()
    event = daemon.wait_for_event("service_throttled", service="it")
    expect_equal(event["reason"], "unread", "reason")
    daemon.wait_for_event("handler_ended", service="it", count=17)
    seconds = time.monotonic() - begin
    expect(seconds > 1.4, "17 starts in %.1f s", seconds)
    script(scene, "exec %s take" % scene.probe)
    answered_pid(client)
    daemon.wait_for_event("service_restored", service="it", seconds=5)
    expect(time.monotonic() - begin < 20, "it took too long")


@claim(needs=["probe"], each=["tcp4", "tcp6"], seconds=30)
def a_client_that_is_not_accepted_makes_nobody_spin(scene, protocol):
    program = script(scene, "exec %s ignore" % scene.probe)
    daemon = scene.daemon(scene.program("it", program, protocol, "wait"))
    client = daemon.client("it", protocol)
    event = daemon.wait_for_event("service_throttled", service="it")
    expect_equal(event["reason"], "unread", "reason")
    script(scene, "exec %s take" % scene.probe)
    expect_equal(receive_line(client).split()[0], "ready", "the program's first word")
    client.close()
    daemon.wait_for_event("service_restored", service="it", seconds=5)


@claim(needs=["probe"], each=["tcp4", "tcp6"], seconds=60)
def clients_that_are_accepted_one_by_one_are_no_spin(scene, protocol):
    daemon = scene.daemon(wait_line(scene, "take", protocol))
    clients = [daemon.client("take", protocol) for _ in range(100)]
    for client in clients:
        expect_equal(receive_line(client).split()[0], "ready", "the program's first word")
        client.close()
    daemon.wait_for_event("handler_ended", service="take", count=100)
    expect_equal(daemon.log.find("service_throttled"), [], "events")


@claim(needs=["probe"], each=DATAGRAMS, seconds=60)
def a_burst_that_is_served_one_by_one_is_no_spin(scene, protocol):
    daemon = wait_daemon(scene, protocol)
    clients = [daemon.client("take", protocol) for _ in range(4)]
    for client in clients:
        client.send(b"hello")
    for _ in range(100):
        for client in clients:
            answered_pid(client)
            client.send(b"hello")
    for client in clients:
        answered_pid(client)
    for _ in range(200):
        ask_pid(clients[0])
    expect_equal(daemon.log.find("service_throttled"), [], "events")


@claim(needs=["probe"], seconds=40)
def a_wait_service_without_throttling_is_not_slowed(scene):
    daemon = scene.daemon(wait_line(scene, "it", "udp4", "throttle=no", "ignore"))
    client = daemon.client("it", "udp4")
    client.send(b"hello")
    daemon.wait_for_event("handler_ended", service="it", count=60)
    expect_equal(daemon.log.find("service_throttled"), [], "events")
