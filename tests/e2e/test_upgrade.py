# SPDX-License-Identifier: ISC
"""Upgrade in place: another program goes on in the running one's process, and nothing is lost."""

import json
import os
import shutil
import signal

from claims import REEVED, STREAMS, WAIT, claim, expect, expect_equal
from harness import wait_until
from talk import ask, is_silent, receive, receive_all, receive_line
from test_chat import Member, Stranger, chat
from test_failures import failing_daemon, throttle
from test_gates import Load
from test_queue import TOLD, hear, told
from test_reload import inode_of_listener
from test_wait import ask_pid, wait_daemon
from varlink import reevectl


def upgrade(daemon, wanted="upgraded"):
    """Have it upgraded; the event that tells how it went."""
    mark = daemon.log.mark()
    os.kill(daemon.pid, signal.SIGUSR2)
    event = daemon.wait_for_event(wanted, since=mark)
    daemon.wait_for_notify("READY=1")
    return event


def installed(scene):
    """A copy of the programs that a claim may replace; the path of reeved."""
    folder = scene.path("bin")
    os.mkdir(folder)
    for name in ("reeved", "reeve-gate"):
        shutil.copy(os.path.join(os.path.dirname(REEVED), name), folder)
    return os.path.join(folder, "reeved")


@claim(each=["1", "2"])
def an_upgrade_keeps_pid_and_ports_and_new_gates_serve(scene, gates):
    daemon = scene.daemon(scene.line("echo", "tcp4"), args=["--gates", gates])
    before = inode_of_listener(daemon.port("echo"))
    old = daemon.gates()
    event = upgrade(daemon)
    expect_equal((event["listeners"], event["handlers"]), ("1", "0"), "listeners, handlers")
    expect_equal(inode_of_listener(daemon.port("echo")), before, "the listening sockets")
    expect_equal(ask(daemon.client("echo"), b"x"), b"x", "the answer")
    wait_until(lambda: not set(old) & set(daemon.gates()), "the old gates' ends")
    expect_equal((len(daemon.gates()), daemon.process.poll()), (int(gates), None), "gates, status")


@claim()
def upgrades_one_after_another_leak_nothing(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4"))
    upgrade(daemon)
    wait_until(lambda: len(daemon.log.find("gate_drained")) == len(daemon.gates()), "drained gates")
    before = len(os.listdir("/proc/%d/fd" % daemon.pid))
    for number in range(2, 5):
        upgrade(daemon)
        wait_until(lambda: len(daemon.log.find("gate_drained")) == number * len(daemon.gates()),
                   "drained gates")
    wait_until(lambda: len(os.listdir("/proc/%d/fd" % daemon.pid)) <= before, "no more descriptors")
    expect_equal(ask(daemon.client("echo"), b"x"), b"x", "the answer")


@claim(each=STREAMS)
def a_built_ins_connection_goes_on_in_the_gate_from_before(scene, protocol):
    daemon = scene.daemon(scene.line("echo", protocol, keys="instances=2"))
    old = daemon.client("echo", protocol)
    ask(old, b"before")
    upgrade(daemon)
    expect_equal(ask(old, b"after"), b"after", "the answer of the old connection")
    new = daemon.client("echo", protocol)
    expect_equal(ask(new, b"new"), b"new", "the answer of a new one")
    third = daemon.client("echo", protocol)
    third.sendall(b"third")
    daemon.wait_for_event("service_full", service="echo")
    old.close()
    expect_equal(receive(third, 5), b"third", "the answer of who waited for the old one's place")
    daemon.wait_for_event("gate_drained")


@claim()
def gates_from_before_cut_their_connections_when_upgrade_grace_is_over(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4"), settings='upgrade_grace = "2s";')
    old = daemon.client("echo")
    ask(old, b"x")
    upgrade(daemon)
    expect_equal(ask(old, b"y"), b"y", "the answer within the grace")
    expect_equal(receive_all(old), b"", "what came before the end")
    daemon.wait_for_event("gate_drained")
    daemon.wait_for_event("conn_ended", ending="shutdown")


@claim(needs=["probe"])
def running_programs_and_their_places_survive_and_are_heard_and_reaped(scene):
    daemon = scene.daemon(scene.program("hold", scene.probe + " hold", keys="instances=1"))
    client, pid = daemon.hold()
    started = daemon.log.mark()
    event = upgrade(daemon)
    expect_equal(event["handlers"], "1", "handlers")
    expect_equal(ask(client, b"untouched\n"), b"untouched\n", "the program's answer")
    client.sendall(b"say heard by the new gate\n")
    daemon.wait_for_event("handler_said", service="hold", pid=pid, line="heard by the new gate")
    waiting = daemon.client("hold")
    daemon.wait_for_event("service_full", service="hold", since=started)
    client.sendall(b"exit 5\n")
    ended = daemon.wait_for_event("handler_ended", service="hold", pid=pid, exit_status=5)
    expect(int(ended["bytes_in"]) > 0, "no bytes in: %s", ended.line)
    expect_equal(receive_line(waiting).split()[0], "ready", "the waiting client's program")


@claim(needs=["probe"])
def the_limits_of_running_programs_go_on_counting(scene):
    daemon = scene.daemon(scene.program("hold", scene.probe + " hold", keys="max_time=4s"))
    client, pid = daemon.hold()
    upgrade(daemon)
    expect_equal(ask(client, b"alive\n"), b"alive\n", "the program's answer")
    daemon.wait_for_event("handler_ended", pid=pid, ending="max-time")


@claim(needs=["probe"])
def a_wait_program_keeps_its_socket_and_it_is_watched_again_when_it_ends(scene):
    daemon = wait_daemon(scene)
    client = daemon.client("take", "udp4")
    pid = ask_pid(client, b"stay")
    upgrade(daemon)
    expect_equal(ask_pid(client), pid, "the program after the upgrade")
    expect_equal(len(daemon.handlers()), 1, "programs")
    ask_pid(client, b"exit 0")
    expect(ask_pid(client) != pid, "the program that ended")


@claim()
def a_service_that_is_slowed_stays_so(scene):
    daemon = failing_daemon(scene)
    throttle(daemon)
    mark = daemon.log.mark()
    upgrade(daemon)
    expect_equal(daemon.log.find("service_restored", since=mark), [], "restored")
    scene.write("program", "#!/bin/sh\necho well\nsleep 2\n")
    os.chmod(scene.path("program"), 0o755)
    expect_equal(receive_line(daemon.client("it")), "well", "what the mended program says")
    daemon.wait_for_event("service_restored", since=mark)


@claim()
def rates_and_bans_survive(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4", keys="per_source=1 ban=3/h ban_time=1h"))
    inside = daemon.client("echo")
    ask(inside, b"x")
    for _ in range(4):
        expect_equal(receive_all(daemon.client("echo")), b"", "what a refused client gets")
    daemon.wait_for_event("source_banned", service="echo")
    mark = daemon.log.mark()
    upgrade(daemon)
    expect_equal(receive_all(daemon.client("echo")), b"", "what a banned client gets")
    daemon.wait_for_event("conn_refused", since=mark, verdict="ban")


@claim()
def a_configuration_with_mistakes_refuses_it_and_nothing_changes(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4"))
    gates = daemon.gates()
    daemon.write_table("echo nonsense\n")
    event = upgrade(daemon, "upgrade_refused")
    expect("services0:1:6" in event["reason"], "the reason: %s", event.line)
    expect_equal(daemon.gates(), gates, "gates")
    expect_equal(ask(daemon.client("echo"), b"x"), b"x", "the answer")


@claim(each=["gone", "broken", "silent", "another"])
def a_program_that_cannot_go_on_is_refused_and_nothing_changes(scene, how):
    daemon = scene.daemon(scene.line("echo", "tcp4"), reeved=installed(scene))
    gates = daemon.gates()
    path = scene.path("bin/reeved")
    os.unlink(path)
    if how != "gone":
        text = {"broken": "no program", "silent": "#!/bin/sh\nexit 1\n",
                "another": "#!/bin/sh\necho what is --check-upgrade\nexit 2\n"}[how]
        scene.write("bin/reeved", text)
        os.chmod(path, 0o755)
    event = upgrade(daemon, "upgrade_refused")
    expect_equal(event["reason"], {"gone": "No such file or directory",
                                   "broken": "Exec format error",
                                   "silent": "it ended without a word",
                                   "another": "what is --check-upgrade"}[how], "the reason")
    expect_equal(daemon.gates(), gates, "gates")
    expect_equal(ask(daemon.client("echo"), b"x"), b"x", "the answer")


@claim()
def a_gate_that_dies_during_the_trial_of_a_refused_program_is_replaced(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4"), reeved=installed(scene))
    gates = daemon.gates()
    path, begun, goes_on = (scene.path(name) for name in ("bin/reeved", "begun", "goes-on"))
    os.unlink(path)
    scene.write("bin/reeved", "#!/bin/sh\n: > %s\nwhile ! test -e %s; do sleep 0.05; done\nexit 1\n"
                % (begun, goes_on))
    os.chmod(path, 0o755)
    os.kill(daemon.pid, signal.SIGUSR2)
    wait_until(lambda: os.path.exists(begun), "the trial")
    for gate in gates:
        os.kill(gate, signal.SIGKILL)
    daemon.wait_for_event("gate_ended", count=len(gates))
    open(goes_on, "w").close()
    daemon.wait_for_event("upgrade_refused")
    expect_equal(ask(daemon.client("echo"), b"x"), b"x", "the answer")
    daemon.reload()


@claim()
def a_legacy_that_cannot_be_read_costs_no_other_descriptor(scene):
    """By the time it is let go its number is somebody else's."""
    wrapper = ["/bin/sh", "-c", 'exec 3</dev/null "$@"', "sh"]
    daemon = scene.daemon(scene.line("echo", "tcp4"), wrapper=wrapper,
                          environment={"REEVE_LEGACY_FD": "3"})
    daemon.wait_for_event("legacy_unreadable")
    daemon.wait_for_event("upgraded")
    expect_equal(ask(daemon.client("echo"), b"x"), b"x", "the answer")
    daemon.reload()


@claim()
def a_gate_that_is_not_beside_the_new_program_refuses_it(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4"), reeved=installed(scene))
    os.unlink(scene.path("bin/reeve-gate"))
    shutil.copy("/bin/echo", scene.path("bin/reeve-gate"))
    event = upgrade(daemon, "upgrade_refused")
    expect("says it is " in event["reason"], "the reason: %s", event.line)
    expect_equal(ask(daemon.client("echo"), b"x"), b"x", "the answer")


@claim()
def a_program_that_passes_the_trial_and_does_not_start_leaves_the_old_one_with_new_gates(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4"), reeved=installed(scene))
    old = daemon.client("echo")
    ask(old, b"x")
    gates = daemon.gates()
    path = scene.path("bin/reeved")
    os.unlink(path)
    # The trial is its last run.
    scene.write("bin/reeved", "#!/bin/sh\nrm %s\necho reeved 9.9.9\n" % path)
    os.chmod(path, 0o755)
    event = upgrade(daemon, "upgrade_failed")
    expect("ENOENT" in event["error"], "error: %s", event.line)
    wait_until(lambda: len(daemon.log.find("gate_started")) == 2 * len(gates), "new gates")
    expect_equal(ask(daemon.client("echo"), b"x"), b"x", "the answer of a new connection")
    expect_equal(ask(old, b"y"), b"y", "the answer of the old one")
    daemon.reload()


@claim()
def a_reload_that_is_asked_for_meanwhile_is_done_afterwards(scene):
    table = scene.line("echo", "tcp4")
    daemon = scene.daemon(table)
    daemon.write_table(table + scene.line("more", "tcp4", "builtin:echo"))
    os.kill(daemon.pid, signal.SIGUSR2)
    os.kill(daemon.pid, signal.SIGHUP)
    daemon.wait_for_event("upgraded")
    expect_equal(ask(daemon.client("more"), b"x"), b"x", "the answer of what was added")


@claim(each=["1", "2"], seconds=40)
def no_client_is_refused_or_lost_while_it_is_upgraded_under_load(scene, gates):
    daemon = scene.daemon(scene.line("echo", "tcp4"), args=["--gates", gates])
    loads = [Load(daemon.address("echo", "tcp4")) for _ in range(4)]
    for load in loads:
        load.start()
    try:
        for _ in range(3):
            seen = [load.served for load in loads]
            upgrade(daemon)
            wait_until(lambda: all(load.served > before + 20
                                   for load, before in zip(loads, seen)), "clients to be served")
    finally:
        for load in loads:
            load.is_over.set()
        for load in loads:
            load.join(WAIT)
    expect_equal(sum(load.lost + len(load.refused) for load in loads), 0, "clients lost or refused")


@claim(needs=["probe"])
def reevectl_upgrade_waits_for_the_new_program_and_says_what_goes_on(scene):
    daemon = scene.daemon(scene.program("hold", scene.probe + " hold"))
    daemon.hold()
    out, _ = reevectl(daemon, "upgrade")
    event = daemon.wait_for_event("upgraded")
    expect_equal(out, "reeved %s goes on as process %d, in the place of %s, with 1 program\n" % (
        event["version"], daemon.pid, event["from"]), "what reevectl says")
    expect_equal(json.loads(reevectl(daemon, "--json", "upgrade")[0])["pid"], daemon.pid, "pid")


@claim()
def reevectl_upgrade_says_why_it_is_refused(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4"))
    daemon.write_table("echo nonsense\n")
    _, error = reevectl(daemon, "upgrade", status=1)
    expect("services0:1:6" in error, "what reevectl says: %s", error)
    expect_equal(ask(daemon.client("echo"), b"x"), b"x", "the answer")


@claim()
def chat_goes_on_with_nicks_rooms_topics_histories_and_half_lines(scene):
    daemon = chat(scene, "tcp4,udp4", "instances=4")
    ann, bob, cyd = Member(daemon, "ann"), Member(daemon, "bob"), Member(daemon, "cyd")
    for member in (ann, bob):
        member.say("/join den")
        member.sees("You are .* in den|You are in den")
    ann.say("/topic what lasts")
    bob.sees("what lasts")
    ann.say("before")
    bob.sees("^<ann> before$")
    ann.say(b"half a li")
    naming = daemon.client("chat")
    receive_line(naming)
    for _ in range(2):
        old = set(daemon.gates())
        upgrade(daemon)
        wait_until(lambda old=old: not old & set(daemon.gates()), "the old gates' ends")
    ann.say(b"ne\r\n")
    expect_equal(bob.sees("half"), "<ann> half a line", "what began before the upgrade")
    bob.say("/msg cyd psst")
    expect_equal(cyd.sees("psst"), "[bob] psst", "what goes to another room")
    naming.sendall(b"dan\r\n/join den\r\n")
    dan = Member.__new__(Member)
    dan.conn = naming
    dan.sees(r"You are dan\.")
    dan.sees("Topic: what lasts")
    dan.sees("<ann> before")
    ann.sees("dan has joined")
    fifth = daemon.client("chat")
    daemon.wait_for_event("service_full", service="chat")
    dan.say("/quit")
    ann.sees("dan has left")
    receive_line(fifth)
    expect_equal(daemon.log.find("kept_lost"), [], "what was lost")


@claim()
def who_waits_for_a_place_in_a_chat_gets_none_that_goes_on_elsewhere(scene):
    daemon = chat(scene, keys="instances=2 queue=2 " + TOLD)
    ann, bob = Member(daemon, "ann"), Member(daemon, "bob")
    waiting = daemon.client("chat")
    expect_equal(hear(waiting), told(1), "what who waits is told")
    upgrade(daemon)
    ann.say("all there?")
    bob.sees("^<ann> all there.$")
    expect(is_silent(waiting), "who waits is served beside the two, or ended")
    expect_equal(daemon.log.find("kept_lost"), [], "what was lost")
    ann.say("/quit")
    receive_line(waiting)


@claim(each=["udp4", "unix-dgram"])
def datagram_users_of_chat_stay_in_their_room(scene, protocol):
    daemon = scene.daemon(scene.line("chat", protocol) + scene.line("talk", "tcp4", "builtin:chat"))
    eve, fay = Stranger(daemon, protocol), Stranger(daemon, protocol)
    eve.enter("eve")
    fay.enter("fay")
    upgrade(daemon)
    eve.conn.send(b"still here\n")
    fay.sees("<eve> still here")


@claim(needs=["nc"], seconds=40)
def a_crowd_chats_over_an_upgrade(scene):
    daemon = chat(scene, keys="chat_rate=1000 chat_burst=1000")
    crowd = [Member(daemon, "user%d" % number) for number in range(300)]
    upgrade(daemon)
    crowd[0].say("everybody?")
    for member in crowd[1:]:
        member.sees("^<user0> everybody.$")
