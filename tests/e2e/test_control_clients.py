# SPDX-License-Identifier: ISC
"""What the control socket does to clients: lists and ends them, and has them wait."""

import json
import os
import signal

from claims import STREAMS, claim, expect, expect_equal
from harness import wait_until
from talk import ask, is_silent, receive_all
from varlink import Client, reevectl


def connections(control, **parameters):
    return control.call("Connections", **parameters)["connections"]


def all_kinds(scene):
    """A daemon with a client of each kind: of a built-in, of a program, of one behind pipes."""
    daemon = scene.daemon(scene.line("echo", "tcp4") + scene.program("cat", "/bin/cat") +
                          scene.program("piped", "/bin/cat", keys="stdio=pipe"))
    clients = {name: daemon.client(name) for name in ("echo", "cat", "piped")}
    for client in clients.values():
        ask(client, b"hello")
    return daemon, clients


@claim()
def connections_are_listed_with_what_is_known_of_each(scene):
    daemon, clients = all_kinds(scene)
    listed = {row["service"]: row for row in connections(Client(scene, daemon))}
    for name, client in clients.items():
        expect_equal(listed[name]["peer"], "127.0.0.1:%d" % client.getsockname()[1], name)
    expect_equal([listed[name]["kind"] for name in ("echo", "cat", "piped")],
                 ["builtin", "program", "program"], "kinds")
    expect_equal((listed["echo"]["bytes_in"], listed["echo"]["bytes_out"]), (5, 5), "echo's bytes")
    expect_equal((listed["piped"]["bytes_in"], listed["piped"]["bytes_out"]), (5, 5), "bytes")
    expect_equal(sorted([listed["cat"]["pid"], listed["piped"]["pid"]]), daemon.handlers(), "pids")
    shown, _ = reevectl(daemon, "connections", "--service", "echo")
    expect_equal([line.split()[1] for line in shown.splitlines()], ["SERVICE", "echo"], "lines")


@claim(each=["tcp4", "tcp6", "unix"])
def connections_are_chosen_by_service_and_by_peer(scene, protocol):
    daemon = scene.daemon(scene.line("one", protocol, "builtin:echo") +
                          scene.line("two", protocol, "builtin:echo"))
    for name in ("one", "two"):
        ask(daemon.client(name, protocol), b"hello")
    control = Client(scene, daemon)
    here, elsewhere = {"tcp4": ("127.0.0.0/8", "127.0.0.2"), "tcp6": ("::1", "2001:db8::/32"),
                       "unix": ("unix", "127.0.0.0/8")}[protocol]
    expect_equal([row["service"] for row in connections(control, service="two")], ["two"], "rows")
    expect_equal(len(connections(control, peer=here)), 2, "connections from here")
    expect_equal(connections(control, peer=elsewhere), [], "connections from elsewhere")
    expect_equal(connections(control, service="two", peer=elsewhere), [], "both")


@claim()
def connections_come_in_pieces_to_who_takes_more(scene):
    daemon = scene.daemon(scene.line("echo", "unix"))
    for _ in range(600):
        daemon.client("echo", "unix")
    control = Client(scene, daemon)
    wait_until(lambda: control.call("Status")["services"][0]["active"] == 600, "all clients")
    first = control.call("Connections")
    expect_equal((len(first["connections"]), first["left"]), (512, 88), "one reply")
    control.begin("Connections")
    ids, continues = set(), True
    while continues:
        answer, continues = control.reply()
        ids.update(row["id"] for row in answer["connections"])
    expect_equal((len(ids), answer["left"]), (600, 0), "all replies")
    shown, _ = reevectl(daemon, "connections")
    expect_equal(len(shown.splitlines()), 601, "lines of the table")


@claim(seconds=30)
def a_gate_that_does_not_answer_is_left_out_and_told(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4"), args=["--gates", "2"])
    control = Client(scene, daemon)
    stopped = daemon.gates()[0]
    os.kill(stopped, signal.SIGSTOP)
    scene.stack.callback(os.kill, stopped, signal.SIGCONT)
    expect_equal(control.call("Connections")["silent_gates"], 1, "silent gates")
    os.kill(stopped, signal.SIGCONT)
    expect_equal(control.call("Connections")["silent_gates"], 0, "silent gates afterwards")


@claim()
def kill_ends_one_connection_by_its_id_and_no_other(scene):
    daemon, clients = all_kinds(scene)
    control = Client(scene, daemon)
    for row in connections(control):
        answer = control.call("Kill", id=row["id"])
        expect_equal(answer["connections"] + answer["programs"], 1, "ended")
        expect_equal(receive_all(clients.pop(row["service"])), b"", "what the client gets")
        for other in clients.values():
            ask(other, b"still")
    for event in ("conn_ended", "handler_ended"):
        daemon.wait_for_event(event, ending="killed")


@claim()
def kill_ends_all_of_a_service_or_of_a_peer(scene):
    daemon, clients = all_kinds(scene)
    shown, _ = reevectl(daemon, "kill", "--service", "echo")
    expect("1 connection and 0 programs" in shown, shown)
    expect_equal(receive_all(clients["echo"]), b"", "what the client of echo gets")
    ask(clients["cat"], b"still")
    reevectl(daemon, "kill", "--peer", "127.0.0.0/8")
    for name in ("cat", "piped"):
        expect_equal(receive_all(clients[name]), b"", "what the client of %s gets" % name)


@claim(each=STREAMS)
def kill_tells_who_waits_why_and_counts_it_once(scene, protocol):
    daemon = scene.daemon(scene.line("echo", protocol, keys='instances=1 queue=3 '
                                     '"banner_fail=sorry: %r\\n"'), 'log_level = "debug";',
                          args=["--gates", "1"])
    expect_equal(ask(daemon.client("echo", protocol), b"hello"), b"hello", "who is served")
    waiting = [daemon.client("echo", protocol) for _ in range(2)]
    daemon.wait_for_event("queue_joined", service="echo", count=len(waiting))
    for client in waiting:
        client.sendall(b"words that nobody reads")
    answer = Client(scene, daemon).call("Kill", service="echo")
    expect_equal(answer["connections"], 3, "ended")
    for client in waiting:
        expect_equal((client.recv(100), client.recv(100)), (b"sorry: the service ends\r\n", b""),
                     "what is told")


@claim(needs=["probe"])
def kill_asked_for_twice_does_not_wait_for_a_program_that_stays(scene):
    daemon = scene.daemon(scene.program("stay", "/bin/sh -c 'trap \"\" TERM; echo ready; "
                                        "while :; do read line; done'", keys="stop_timeout=1h"))
    client = daemon.client("stay")
    expect_equal(client.recv(6), b"ready\n", "the first word")
    control = Client(scene, daemon)
    control.call("Kill", service="stay")
    expect_equal(len(connections(control)), 1, "programs after SIGTERM")
    control.call("Kill", service="stay")
    daemon.wait_for_event("handler_ended", service="stay", ending="killed", signal=9)


@claim()
def kill_leaves_the_program_of_a_removed_service_its_time(scene):
    other = scene.line("other", "tcp4", "builtin:echo")
    daemon = scene.daemon(other + scene.program(
        "stay", "/bin/sh -c 'trap \"echo bye; exit\" TERM; echo ready; while read line; do :; done'",
        keys="stop_timeout=1h"))
    client = daemon.client("stay")
    expect_equal(client.recv(6), b"ready\n", "the first word")
    daemon.reload(other)
    reevectl(daemon, "kill", "--peer", "127.0.0.0/8")
    expect_equal(receive_all(client), b"bye\n", "the last word")


@claim()
def kill_and_connections_say_what_is_wrong_with_what_they_are_told(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4"))
    control = Client(scene, daemon)
    for parameters, error, told in (
            ({}, "io.reeve.Control.Failed", "reason"),
            ({"id": 17}, "io.reeve.Control.NoSuchConnection", "id"),
            ({"id": 0}, "org.varlink.service.InvalidParameter", "parameter"),
            ({"id": -1}, "org.varlink.service.InvalidParameter", "parameter"),
            ({"service": "eco"}, "io.reeve.Control.NoSuchService", "nearest"),
            ({"peer": "10.0.0.1/8"}, "org.varlink.service.InvalidParameter", "parameter"),
            ({"peer": ""}, "org.varlink.service.InvalidParameter", "parameter")):
        got = control.fails("Kill", **parameters)
        expect_equal((got.name, told in got.parameters), (error, True), "error")
    expect_equal(control.fails("Connections", peer="nobody").parameters, {"parameter": "peer"}, "peer")
    _, complaint = reevectl(daemon, "kill", status=1)
    expect("which?" in complaint, complaint)
    _, complaint = reevectl(daemon, "kill", "x", status=2)
    expect('ID: "x" is not a number' in complaint, complaint)
    ask(daemon.client("echo"), b"hello")


@claim()
def ban_keeps_a_source_out_until_unban(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4") + scene.line("other", "tcp4", "builtin:echo"))
    control = Client(scene, daemon)
    reevectl(daemon, "ban", "127.0.0.1", "--service", "echo", "--for", "1h")
    expect_equal(receive_all(daemon.client("echo")), b"", "what a banned client gets")
    ask(daemon.client("other"), b"hello")
    ban, = control.call("Bans")["bans"]
    expect_equal((ban["source"], ban["service"], ban["cause"], ban["made_for_ms"]),
                 ("127.0.0.1/32", "echo", "hand", 3600000), "the ban")
    expect(0 < ban["left_ms"] <= 3600000, "left: %s", ban)
    shown, _ = reevectl(daemon, "bans")
    expect("127.0.0.1/32" in shown, shown)
    shown, _ = reevectl(daemon, "unban", "127.0.0.0/8")
    expect_equal(shown, "1 ban lifted\n", "what unban says")
    ask(daemon.client("echo"), b"hello")
    expect_equal(control.call("Bans")["bans"], [], "bans at the end")


@claim()
def bans_come_in_pieces_to_who_takes_more(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4"))
    control = Client(scene, daemon)
    for number in range(600):
        control.call("Ban", source="10.0.%d.%d" % divmod(number, 256))
    first = control.call("Bans")
    expect_equal((len(first["bans"]), first["left"]), (512, 88), "one reply")
    shown, _ = reevectl(daemon, "bans")
    expect_equal(len(shown.splitlines()), 601, "lines of the table")


@claim()
def ban_and_unban_say_what_is_wrong_with_what_they_are_told(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4"))
    control = Client(scene, daemon)
    for parameters in ({"source": "nobody"}, {"source": "10.0.0.1/8"}, {"source": ""},
                       {"source": "10.0.0.1", "for_ms": 0}, {"source": "10.0.0.1", "for_ms": -1}):
        expect_equal(control.fails("Ban", **parameters).name, "io.reeve.Control.Failed", parameters)
    for parameters in ({"source": "nobody"}, {"source": "10.0.0.1"}):
        expect_equal(control.fails("Unban", **parameters).name, "io.reeve.Control.Failed", parameters)
    expect_equal(control.fails("Ban", source="10.0.0.1", service="eco").parameters,
                 {"service": "eco", "nearest": "echo"}, "error")
    expect_equal(control.fails("Ban").parameters, {"parameter": "source"}, "error")
    _, complaint = reevectl(daemon, "ban", "10.0.0.1", "--for", "soon", status=2)
    expect('for: "soon" is not a time' in complaint, complaint)
    _, complaint = reevectl(daemon, "unban", "10.0.0.1", status=1)
    expect("nobody is banned by that" in complaint, complaint)
    expect_equal(control.call("Bans")["bans"], [], "bans")


def come_and_wait(daemon, service, protocol="tcp4"):
    """A client that is not served, while the only gate serves another one that came later."""
    client = daemon.client(service, protocol)
    client.send(b"hello")
    ask(daemon.client("other"), b"hello")
    expect(is_silent(client), "a client is served though the service is held")
    return client


def holding_daemon(scene, lines):
    return scene.daemon(lines + scene.line("other", "tcp4", "builtin:echo"), args=["--gates", "1"])


@claim(each=["tcp4", "udp4", "unix", "unix-dgram"])
def pause_has_clients_wait_until_resume(scene, protocol):
    daemon = holding_daemon(scene, scene.line("echo", protocol))
    control = Client(scene, daemon)
    control.call("Pause", service="echo")
    expect_equal(control.call("Status", service="echo")["services"][0]["state"], "paused", "state")
    client = come_and_wait(daemon, "echo", protocol)
    control.call("Resume", service="echo")
    expect_equal(client.recv(100), b"hello", "the answer")
    daemon.wait_for_event("service_resumed", service="echo")


@claim()
def pause_leaves_those_who_are_served_alone(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4"))
    client = daemon.client("echo")
    ask(client, b"hello")
    expect_equal(Client(scene, daemon).call("Pause", service="echo")["active"], 1, "active")
    ask(client, b"still")


@claim(each=["", "wait"])
def pause_holds_programs_too(scene, keys):
    line = scene.program("take", "%s take" % scene.probe, keys=keys) if keys else \
        scene.program("take", "/bin/cat")
    daemon = holding_daemon(scene, line)
    control = Client(scene, daemon)
    control.call("Pause", service="take")
    client = come_and_wait(daemon, "take")
    expect_equal(daemon.handlers(), [], "programs")
    control.call("Resume", service="take")
    expect(client.recv(100), "the client is not served after the resume")


@claim()
def pause_survives_a_reload_and_the_death_of_a_gate(scene):
    table = scene.line("echo", "tcp4") + scene.line("other", "tcp4", "builtin:echo")
    daemon = scene.daemon(table, args=["--gates", "1"])
    control = Client(scene, daemon)
    control.call("Pause", service="echo")
    daemon.reload(table + scene.line("new", "tcp4", "builtin:echo"))
    client = come_and_wait(daemon, "echo")
    mark = daemon.log.mark()
    os.kill(daemon.gates()[0], signal.SIGKILL)
    daemon.wait_for_event("gate_started", since=mark)
    ask(daemon.client("other"), b"hello")
    expect(is_silent(client), "the new gate serves a service that is paused")
    control.call("Resume", service="echo")
    expect_equal(client.recv(100), b"hello", "the answer")


@claim()
def pause_survives_an_upgrade(scene):
    daemon = holding_daemon(scene, scene.line("echo", "tcp4"))
    Client(scene, daemon).call("Pause", service="echo")
    reevectl(daemon, "upgrade")
    control = Client(scene, daemon)
    expect_equal(control.call("Status", service="echo")["services"][0]["state"], "paused", "state")
    client = come_and_wait(daemon, "echo")
    control.call("Resume", service="echo")
    expect_equal(client.recv(100), b"hello", "the answer")


@claim()
def drain_tells_how_many_are_left_until_nobody_is(scene):
    daemon = holding_daemon(scene, scene.line("echo", "tcp4") + scene.program("cat", "/bin/cat"))
    for service in ("echo", "cat"):
        clients = [daemon.client(service) for _ in range(2)]
        for client in clients:
            ask(client, b"hello")
        control = Client(scene, daemon)
        control.begin("Drain", service=service)
        expect_equal(control.reply(), ({"active": 2}, True), "the first word")
        waiting = come_and_wait(daemon, service)
        clients[0].close()
        expect_equal(control.reply(), ({"active": 1}, True), "the second word")
        clients[1].close()
        expect_equal(control.reply(), ({"active": 0}, False), "the last word")
        daemon.wait_for_event("service_drained", service=service)
        control.call("Resume", service=service)
        expect_equal(waiting.recv(100), b"hello", "the answer to who has waited")


@claim()
def drain_goes_on_over_an_upgrade(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4"))
    client = daemon.client("echo")
    ask(client, b"hello")
    control = Client(scene, daemon)
    control.begin("Drain", service="echo")
    expect_equal(control.reply(), ({"active": 1}, True), "the first word")
    reevectl(daemon, "upgrade")
    ask(client, b"still")
    control = Client(scene, daemon)
    expect_equal(control.call("Status", service="echo")["services"][0]["state"], "draining", "state")
    client.close()
    daemon.wait_for_event("service_drained", service="echo")
    expect_equal(control.call("Status", service="echo")["services"][0]["state"], "drained", "state")


@claim()
def drain_ends_when_somebody_resumes_the_service(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4"))
    ask(daemon.client("echo"), b"hello")
    waiting, other = Client(scene, daemon), Client(scene, daemon)
    waiting.begin("Drain", service="echo")
    expect_equal(waiting.reply(), ({"active": 1}, True), "the first word")
    other.call("Resume", service="echo")
    try:
        answer = waiting.reply()
    except Exception as error:  # whatever it is, its name is looked at
        answer = error
    expect_equal(getattr(answer, "name", answer), "io.reeve.Control.Failed", "the last word")


@claim()
def one_is_one_in_what_status_says(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4"), args=["--gates", "1"])
    shown, _ = reevectl(daemon, "status")
    expect(": 1 service on 1 port, served by 1 of 1 gate\n" in shown, shown)


@claim(each=["status", "list", "bans", "connections", "check", "lint", "names",
             "explain echo 127.0.0.1"])
def json_is_a_value_on_a_line(scene, words):
    daemon = scene.daemon(scene.line("echo", "tcp4"), args=["--gates", "1"])
    shown, _ = reevectl(daemon, *words.split(), "--json")
    expect(shown.count("\n") == 1 and shown.endswith("\n"), shown)
    json.loads(shown)


@claim()
def drain_of_a_service_without_clients_is_over_at_once(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4"))
    shown, _ = reevectl(daemon, "drain", "echo")
    expect("drained" in shown, shown)
    expect_equal(json.loads(reevectl(daemon, "status", "echo", "--json")[0])["services"][0]["state"],
                 "drained", "state")
    _, complaint = reevectl(daemon, "drain", "eco", status=1)
    expect('did you mean "echo"' in complaint, complaint)
    _, complaint = reevectl(daemon, "pause", status=2)
    expect("SERVICE: is lacking" in complaint, complaint)
