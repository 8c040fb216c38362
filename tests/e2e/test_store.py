# SPDX-License-Identifier: ISC
"""The service manager's store of descriptors: a restart refuses nobody and forgets nothing."""

import os
import signal

from claims import STREAMS, WAIT, claim, expect, expect_equal
from harness import wait_until
from system import is_gone
from talk import ask, is_refused, receive, receive_all, receive_line
from test_gates import Load
from test_wait import ask_pid

STORE = {"FDSTORE": "1000"}


def first(scene, table, **rest):
    return scene.daemon(table, environment=STORE, **rest)


def second(scene, table, before, **rest):
    """What the manager starts after it, with what it has kept."""
    launch = {"sockets": [fd for _, fd in before.manager.stored],
              "names": [name for name, _ in before.manager.stored]}
    return scene.daemon(table, environment=STORE, launch=launch, stored=before.manager.stored,
                        **rest)


def names(daemon):
    return sorted(name for name, _ in daemon.manager.stored)


@claim()
def sockets_memories_and_state_are_stored_and_a_socket_that_is_closed_is_not(scene):
    table = scene.line("echo", "tcp4")
    daemon = first(scene, table, args=["--gates", "2"])
    own = ["reeve-config", "reeve-shared", "reeve-sources", "reeve-state"]
    wait_until(lambda: names(daemon) == own[:1] + ["reeve-l1-0", "reeve-l1-1"] + own[1:],
               "what is stored: %s" % names(daemon))
    daemon.reload(scene.line("other", "tcp4", "builtin:echo"))
    wait_until(lambda: names(daemon) == own[:1] + ["reeve-l2-0", "reeve-l2-1"] + own[1:],
               "what is stored after the reload: %s" % names(daemon))


@claim()
def without_a_store_nothing_is_stored(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4"))
    daemon.reload()
    expect_equal(names(daemon), [], "what is stored")


@claim(each=STREAMS)
def a_client_that_comes_between_two_daemons_is_served_by_the_second(scene, protocol):
    table = scene.line("echo", protocol)
    daemon = first(scene, table)
    address = daemon.address("echo", protocol)
    daemon.stop()
    client = scene.connect(address, protocol)
    client.sendall(b"early")
    after = second(scene, table, daemon)
    expect_equal(receive(client, 5), b"early", "the answer")
    event = after.wait_for_event("restarted")
    expect_equal(event["listeners"], "1", "listeners")
    expect_equal(after.log.find("listening"), [], "ports that were opened")
    expect_equal(ask(scene.connect(address, protocol), b"late"), b"late", "the answer of a later one")


@claim()
def rates_bans_and_counters_survive_a_restart(scene):
    table = scene.line("echo", "tcp4", keys="per_source=1 ban=3/h ban_time=1h")
    daemon = first(scene, table)
    address = daemon.address("echo", "tcp4")
    inside = daemon.client("echo")
    ask(inside, b"x")
    for _ in range(4):
        receive_all(daemon.client("echo"))
    daemon.wait_for_event("source_banned", service="echo")
    inside.close()
    daemon.stop()
    after = second(scene, table, daemon)
    expect_equal(receive_all(scene.connect(address)), b"", "what a banned client gets")
    after.wait_for_event("conn_refused", verdict="ban")


@claim(needs=["probe"])
def programs_that_run_are_adopted_counted_limited_and_heard(scene):
    table = scene.program("hold", scene.probe + " hold", keys="instances=1 max_time=1h")
    daemon = first(scene, table)
    address = daemon.address("hold", "tcp4")
    client, pid = daemon.hold()
    daemon.stop()
    expect(not is_gone(pid), "the program was ended")
    after = second(scene, table, daemon)
    expect_equal(after.wait_for_event("restarted")["handlers"], "1", "programs")
    client.sendall(b"say heard again\n")
    after.wait_for_event("handler_said", service="hold", pid=pid, line="heard again")
    waiting = scene.connect(address)
    after.wait_for_event("service_full", service="hold")
    client.sendall(b"exit 3\n")
    after.wait_for_event("handler_ended", service="hold", pid=pid, ending="unseen")
    expect_equal(receive_line(waiting).split()[0], "ready", "the waiting client's program")


@claim(needs=["probe"])
def a_limit_ends_an_adopted_program(scene):
    table = scene.program("hold", scene.probe + " hold", keys="max_time=4s")
    daemon = first(scene, table)
    client, pid = daemon.hold()
    daemon.stop()
    after = second(scene, table, daemon)
    expect_equal(ask(client, b"alive\n"), b"alive\n", "the program's answer")
    after.wait_for_event("handler_ended", pid=pid, ending="max-time")


@claim(needs=["probe"])
def a_program_that_ended_between_two_daemons_is_told_of(scene):
    table = scene.program("hold", scene.probe + " hold", keys="instances=1")
    daemon = first(scene, table)
    client, pid = daemon.hold()
    daemon.stop()
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: is_gone(pid), "the program's end")
    after = second(scene, table, daemon)
    after.wait_for_event("handler_ended", pid=pid, ending="unseen")
    client.close()


@claim(needs=["probe"])
def a_wait_program_keeps_its_socket_over_a_restart(scene):
    table = scene.program("take", scene.probe + " take", "udp4", "wait")
    daemon = first(scene, table)
    client = daemon.client("take", "udp4")
    pid = ask_pid(client, b"stay")
    daemon.stop()
    second(scene, table, daemon)
    expect_equal(ask_pid(client), pid, "the program after the restart")
    ask_pid(client, b"exit 0")
    expect(ask_pid(client) != pid, "the program that ended")


@claim()
def after_a_crash_the_sockets_are_there_and_bans_hold(scene):
    table = scene.line("echo", "tcp4")
    daemon = first(scene, table)
    address = daemon.address("echo", "tcp4")
    gates = daemon.gates()
    wait_until(lambda: "reeve-state" in names(daemon), "the state to be stored")
    daemon.expects_status = -signal.SIGKILL
    os.kill(daemon.pid, signal.SIGKILL)
    daemon.wait()
    wait_until(lambda: all(is_gone(pid) for pid in gates), "the gates' ends")
    client = scene.connect(address)
    client.sendall(b"x")
    after = second(scene, table, daemon)
    expect_equal(receive(client, 1), b"x", "the answer")
    after.wait_for_event("restarted")


@claim(each=["lost", "spoiled"])
def without_a_state_that_can_be_read_the_sockets_are_used_all_the_same(scene, state):
    table = scene.line("echo", "tcp4")
    daemon = first(scene, table, args=["--gates", "1"])
    address = daemon.address("echo", "tcp4")
    daemon.stop()
    kept = [pair for pair in daemon.manager.stored if pair[0] != "reeve-state"]
    if state == "spoiled":
        kept.append(("reeve-state", os.memfd_create("spoiled")))
    daemon.manager.stored = kept
    client = scene.connect(address)
    client.sendall(b"x")
    port = table.replace("127.0.0.1:0", "127.0.0.1:%d" % address[1])
    after = second(scene, port, daemon)
    after.wait_for_event("legacy_unreadable")
    expect_equal(receive(client, 1), b"x", "the answer")
    wait_until(lambda: [name for name in names(after) if name.startswith("reeve-l")] == [
        "reeve-l1-0"], "the socket to be stored: %s" % names(after))


@claim()
def a_service_that_is_gone_from_the_table_is_closed_by_the_restart(scene):
    table = scene.line("echo", "tcp4")
    more = scene.line("more", "tcp4", "builtin:echo")
    daemon = first(scene, table + more)
    gone = daemon.address("more", "tcp4")
    daemon.stop()
    after = second(scene, table, daemon)
    wait_until(lambda: not any(name.startswith("reeve-l2") for name in names(after)),
               "it to be forgotten")
    for _, fd in daemon.manager.stored:
        os.close(fd)
    daemon.manager.stored = []
    wait_until(lambda: is_refused(gone), "the port to be closed")
    expect_equal(ask(scene.connect(daemon.address("echo", "tcp4")), b"x"), b"x", "the answer")


@claim(each=["1", "2"], seconds=60)
def restarts_under_load_refuse_nobody(scene, gates):
    table = scene.line("echo", "tcp4")
    daemon = first(scene, table, args=["--gates", gates], settings='grace = "500ms";')
    loads = [Load(daemon.address("echo", "tcp4")) for _ in range(4)]
    for load in loads:
        load.start()
    try:
        for _ in range(3):
            seen = [load.served for load in loads]
            wait_until(lambda: all(load.served > before + 20
                                   for load, before in zip(loads, seen)), "clients to be served")
            daemon.stop()
            daemon = second(scene, table, daemon, args=["--gates", gates],
                            settings='grace = "500ms";')
    finally:
        for load in loads:
            load.is_over.set()
        for load in loads:
            load.join(WAIT)
    expect_equal(sum(len(load.refused) + load.lost for load in loads), 0, "refused or lost")
