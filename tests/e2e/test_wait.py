# SPDX-License-Identifier: ISC
"""Wait services: the program gets the listening socket, and has it until it ends."""

import os
import signal
import socket

from claims import DATAGRAMS, STREAMS, claim, expect, expect_equal
from harness import descriptor_counts, wait_for_no_more_descriptors, wait_until
from programs import Report
from system import children, free_port, is_gone, memory_kib
from talk import is_refused, is_silent, receive_datagram, receive_line


def wait_line(scene, name="take", protocol="udp4", keys="", program="take"):
    return scene.program(name, "%s %s" % (scene.probe, program), protocol, "wait " + keys)


def wait_daemon(scene, protocol="udp4", keys="", **rest):
    return scene.daemon(wait_line(scene, "take", protocol, keys), **rest)


def receive_packet(client):
    """A line that comes as one: seqpacket sockets lose what is not taken of a packet."""
    return client.recv(4096).decode().rstrip("\n")


def ask_pid(client, text=b"hello"):
    """Send a datagram; the process id of the program that answers."""
    client.send(text)
    return answered_pid(client, text)


def answered_pid(client, text=b"hello"):
    pid, _, rest = receive_datagram(client)[0].partition(b" ")
    expect_equal(rest, text, "what came back")
    return int(pid)


def greeted_pid(client):
    words = receive_packet(client).split()
    expect_equal(words[0], "ready", "the program's first word")
    return int(words[1])


class DatagramReport(Report):
    def __init__(self, client):
        client.send(b"report")
        text = receive_datagram(client)[0].decode()
        self.lines = [line.partition(" ") for line in text.splitlines()]


@claim(needs=["probe"], each=DATAGRAMS)
def a_datagram_program_has_the_socket_itself_on_0_and_1_blocking(scene, protocol):
    daemon = wait_daemon(scene, protocol)
    client = daemon.client("take", protocol)
    report = DatagramReport(client)
    fds = dict(line.split(" ", 1) for line in report.all("fd"))
    expect_equal(sorted(fds), ["0", "1", "2"], "open descriptors")
    expect(fds["0"].startswith("socket:"), "0 is no socket: %s", fds)
    expect_equal(fds["1"], fds["0"], "descriptor 1")
    expect_equal(report.one("nonblocking"), "0", "non-blocking")
    expect_equal(report.one("session"), report.one("pid"), "session")


@claim(needs=["probe"], each=STREAMS)
def a_stream_program_accepts_its_clients_itself(scene, protocol):
    daemon = wait_daemon(scene, protocol)
    for _ in range(3):
        client = daemon.client("take", protocol)
        pid = greeted_pid(client)
        client.sendall(b"anybody?\n")
        expect_equal(receive_packet(client), "anybody?", "what came back")
        client.close()
        event = daemon.wait_for_event("handler_ended", service="take", pid=pid)
        expect_equal(event["ending"], "exited", "ending")
        expect("peer" not in event.fields, "nobody knows the peer: %s", event.line)


@claim(needs=["probe"], each=["udp4", "udp6"])
def the_environment_has_the_local_address_and_no_peer(scene, protocol):
    daemon = wait_daemon(scene, protocol)
    client = daemon.client("take", protocol)
    env = DatagramReport(client).env()
    host, port = client.getpeername()[:2]
    expect_equal({name: env.get(name) for name in ("PROTO", "UDPLOCALIP", "UDPLOCALPORT")},
                 {"PROTO": "UDP", "UDPLOCALIP": host, "UDPLOCALPORT": str(port)}, "variables")
    strange = [name for name in env if "REMOTE" in name or name.startswith("TCP")]
    expect_equal(strange, [], "variables of a peer")


@claim(needs=["probe"])
def the_environment_of_a_unix_datagram_program_says_unix(scene):
    daemon = wait_daemon(scene, "unix-dgram")
    env = DatagramReport(daemon.client("take", "unix-dgram")).env()
    expect_equal(env.get("PROTO"), "UNIX", "PROTO")


@claim(needs=["probe"], each=DATAGRAMS)
def datagrams_that_are_left_start_the_next_program_at_once(scene, protocol):
    daemon = wait_daemon(scene, protocol)
    client = daemon.client("take", protocol)
    for number in range(8):
        client.send(b"%d" % number)
    pids = [answered_pid(client, b"%d" % number) for number in range(8)]
    expect_equal(len(set(pids)), 8, "programs")


@claim(needs=["probe"], each=DATAGRAMS)
def while_a_program_runs_every_datagram_is_its_own(scene, protocol):
    daemon = wait_daemon(scene, protocol)
    client = daemon.client("take", protocol)
    pid = ask_pid(client, b"stay")
    others = [daemon.client("take", protocol) for _ in range(3)]
    for other in others:
        expect_equal(ask_pid(other), pid, "the program")
    expect_equal(len(daemon.handlers()), 1, "programs")
    ask_pid(client, b"exit 0")
    daemon.wait_for_event("handler_ended", service="take", pid=pid)
    expect(ask_pid(client) != pid, "no new program")


@claim(needs=["probe"])
def a_client_that_comes_while_a_program_runs_waits_in_the_kernel(scene):
    daemon = wait_daemon(scene, "tcp4")
    first = daemon.client("take")
    pid = greeted_pid(first)
    second = daemon.client("take")
    first.sendall(b"ping\n")
    expect_equal(receive_line(first), "ping", "what came back")
    expect(is_silent(second), "a second program was started")
    expect_equal(len(daemon.handlers()), 1, "programs")
    first.close()
    expect(greeted_pid(second) != pid, "the same program")


@claim(needs=["probe"])
def the_port_is_watched_again_when_the_child_ends_though_its_own_child_lives_on(scene):
    daemon = wait_daemon(scene)
    client = daemon.client("take", "udp4")
    client.send(b"leave")
    pid, _, child = receive_datagram(client)[0].split()
    scene.stack.callback(os.kill, int(child), signal.SIGKILL)
    daemon.wait_for_event("handler_ended", service="take", pid=int(pid))
    expect(ask_pid(client) not in (int(pid), int(child)), "the program that was told to end")
    expect(not is_gone(int(child)), "its child has ended")


@claim(needs=["probe", "ipv6"])
def each_socket_of_a_service_has_its_own_program(scene):
    daemon = scene.daemon("take 0/udp wait %s %s take\n" % (scene.user, scene.probe))
    port = daemon.port("take", "udp4")
    clients = [scene.connect(("127.0.0.1", port), "udp4"), scene.connect(("::1", port), "udp6")]
    pids = [ask_pid(client, b"stay") for client in clients]
    expect(pids[0] != pids[1], "one program for both")
    for client, pid in zip(clients, pids):
        expect_equal(ask_pid(client), pid, "the program")
        ask_pid(client, b"exit 0")


@claim(needs=["probe", "ipv6"])
def a_socket_that_finds_no_place_is_served_when_there_is_one(scene):
    daemon = scene.daemon("take 0/udp wait instances=1 %s %s take\n" % (scene.user, scene.probe))
    port = daemon.port("take", "udp4")
    first, second = (scene.connect(("127.0.0.1", port), "udp4"),
                     scene.connect(("::1", port), "udp6"))
    pid = ask_pid(first, b"stay")
    second.send(b"hello")
    expect_equal(ask_pid(first), pid, "the program")
    expect(is_silent(second), "a second program")
    ask_pid(first, b"exit 0")
    expect(answered_pid(second) != pid, "the same program")


@claim(needs=["probe"])
def what_a_program_did_to_the_sockets_flags_the_next_one_does_not_see(scene):
    daemon = wait_daemon(scene)
    client = daemon.client("take", "udp4")
    ask_pid(client, b"async")
    expect_equal(DatagramReport(client).one("nonblocking"), "0", "non-blocking")


@claim(needs=["probe"], each=DATAGRAMS + ["tcp4", "tcp6"])
def a_socket_that_a_program_shut_down_or_connected_is_mended(scene, protocol):
    line = wait_line(scene, "take", protocol, program="deafen")
    kind = socket.SOCK_STREAM if protocol in STREAMS else socket.SOCK_DGRAM
    # A port that the kernel picked is lost when a socket is shut down, one that was asked for not.
    for table in [line, line.replace(":0/", ":%d/" % free_port(kind))]:
        daemon = scene.daemon(table)
        for _ in range(3):
            client = daemon.client("take", protocol)
            if protocol in DATAGRAMS:
                client.send(b"hello")
            pid = greeted_pid(client)
            daemon.wait_for_event("handler_ended", service="take", pid=pid)
        daemon.stop()


@claim(needs=["probe"])
def its_standard_error_is_logged_with_the_number_of_the_start(scene):
    daemon = wait_daemon(scene, "tcp4")
    client = daemon.client("take")
    pid = greeted_pid(client)
    client.sendall(b"say hello log\n")
    said = daemon.wait_for_event("handler_said", service="take", line="hello log", pid=pid)
    client.sendall(b"exit 3\n")
    ended = daemon.wait_for_event("handler_ended", service="take", pid=pid, exit_status=3)
    expect_equal(ended["id"], said["id"], "the number")


@claim(needs=["probe"], each=["tcp4", "udp4"])
def a_socket_that_was_handed_in_may_be_a_wait_services(scene, protocol):
    kind = socket.SOCK_STREAM if protocol == "tcp4" else socket.SOCK_DGRAM
    made = scene.keep(socket.socket(socket.AF_INET, kind))
    made.bind(("127.0.0.1", 0))
    if protocol == "tcp4":
        made.listen(5)
    port = made.getsockname()[1]
    scene.daemon("take 127.0.0.1:%d/%s wait %s %s take\n" % (
        port, protocol, scene.user, scene.probe), launch={"sockets": [made.fileno()]})
    client = scene.connect(("127.0.0.1", port), protocol)
    if protocol == "tcp4":
        greeted_pid(client)
    else:
        expect_equal(DatagramReport(client).one("nonblocking"), "0", "non-blocking")


def first_table(scene, keys, program):
    """A daemon with one stream service; its port, which later tables name."""
    line = "it 127.0.0.1:0/tcp4 %s %s %s %s\n" % (scene.user, keys, scene.probe, program)
    daemon = scene.daemon(line)
    return daemon, line


@claim(needs=["probe"])
def nowait_becomes_wait_by_a_reload_and_queued_clients_are_served(scene):
    daemon, line = first_table(scene, "instances=1", "hold")
    first = daemon.client("it")
    greeted_pid(first)
    queued = [daemon.client("it") for _ in range(3)]
    daemon.reload(line.replace(" hold", " take").replace("instances=1", "wait"))
    for client in queued:
        pid = greeted_pid(client)
        client.close()
        daemon.wait_for_event("handler_ended", service="it", pid=pid)
    first.sendall(b"still here\n")
    expect_equal(receive_line(first), "still here", "what came back")
    expect_equal(greeted_pid(daemon.client("it")) > 0, True, "a new client")
    expect_equal(len(daemon.log.find("listening", service="it")), 1, "times the port was opened")


@claim(needs=["probe"], each=["unix", "tcp4"])
def wait_becomes_nowait_by_a_reload(scene, protocol):
    line = scene.program("it", scene.probe + " take", protocol, "wait")
    daemon = scene.daemon(line)
    client = daemon.client("it", protocol)
    greeted_pid(client)
    client.close()
    daemon.reload(line.replace(" wait", "").replace(" take", " hold"))
    clients = [daemon.client("it", protocol) for _ in range(3)]
    expect_equal(len({greeted_pid(client) for client in clients}), 3, "programs")


@claim(needs=["probe"])
def wait_becomes_nowait_only_after_its_program_has_ended(scene):
    daemon, line = first_table(scene, "wait", "take")
    first = daemon.client("it")
    greeted_pid(first)
    queued = [daemon.client("it") for _ in range(3)]
    daemon.reload(line.replace("wait", "").replace(" take", " hold"))
    first.sendall(b"undisturbed\n")
    expect_equal(receive_line(first), "undisturbed", "what came back")
    expect(all(is_silent(client) for client in queued), "the socket was not the program's")
    first.close()
    clients = queued + [daemon.client("it")]
    expect_equal(len({greeted_pid(client) for client in clients}), 4, "programs")
    daemon.reload(line)
    for client in clients:
        client.close()
    greeted_pid(daemon.client("it"))


@claim(needs=["probe"])
def wait_and_nowait_may_change_again_and_again(scene):
    daemon, line = first_table(scene, "wait", "take")
    for number in range(10):
        wanted = line if number % 2 else line.replace("wait", "").replace(" take", " hold")
        daemon.reload(wanted)
        client = daemon.client("it")
        greeted_pid(client)
        client.close()
    expect_equal(len(daemon.log.find("listening", service="it")), 1, "times the port was opened")
    expect_equal(daemon.log.find("gate_ended"), [], "gates that ended")


@claim(needs=["probe"])
def a_built_in_becomes_a_wait_program_and_back(scene):
    line = scene.line("it", "udp4", "builtin:echo")
    daemon = scene.daemon(line)
    client = daemon.client("it", "udp4")
    client.send(b"one")
    expect_equal(receive_datagram(client)[0], b"one", "the echo")
    daemon.reload(line.replace("builtin:echo", "wait %s %s take" % (scene.user, scene.probe)))
    pid = ask_pid(client, b"stay")
    daemon.reload(line)
    expect_equal(ask_pid(client), pid, "the program that still has the socket")
    ask_pid(client, b"exit 0")
    daemon.wait_for_event("handler_ended", pid=pid)
    client.send(b"two")
    expect_equal(receive_datagram(client)[0], b"two", "the echo")


@claim(needs=["probe"])
def a_service_that_is_removed_leaves_its_program_the_socket(scene):
    daemon, _ = first_table(scene, "wait", "take")
    port = daemon.port("it")
    client = daemon.client("it")
    pid = greeted_pid(client)
    daemon.reload(scene.line("echo", "tcp4"))
    client.sendall(b"undisturbed\n")
    expect_equal(receive_line(client), "undisturbed", "what came back")
    client.close()
    daemon.wait_for_event("handler_ended", pid=pid, service="it", ending="exited")
    wait_until(lambda: is_refused(("127.0.0.1", port)), "the port to be closed")


@claim(needs=["probe"])
def another_program_comes_after_the_one_that_runs_has_ended(scene):
    line = wait_line(scene)
    daemon = scene.daemon(line)
    client = daemon.client("take", "udp4")
    pid = ask_pid(client, b"stay")
    daemon.reload(line.replace("wait", "wait env=NEW=yes"))
    expect_equal(ask_pid(client), pid, "the program")
    ask_pid(client, b"exit 0")
    expect_equal(DatagramReport(client).env().get("NEW"), "yes", "the new environment")


@claim(needs=["probe"])
def the_end_of_the_daemon_leaves_the_program_alone(scene):
    daemon = wait_daemon(scene)
    client = daemon.client("take", "udp4")
    pid = ask_pid(client, b"stay")
    daemon.stop(signal.SIGTERM)
    expect_equal(ask_pid(client), pid, "the program")
    ask_pid(client, b"exit 0")
    wait_until(lambda: is_gone(pid), "the program's end")


@claim(needs=["probe"], each=STREAMS + DATAGRAMS, seconds=40)
def a_program_that_outlives_a_killed_daemon_does_not_keep_the_port(scene, protocol):
    is_stream = protocol in STREAMS
    host = "[::1]" if protocol.endswith("6") else "127.0.0.1"
    port = "%s:%d" % (host, free_port(socket.SOCK_STREAM if is_stream else socket.SOCK_DGRAM))
    line = "take %s/%s wait %s %s take\n" % (
        scene.path("take.sock") if protocol.startswith("unix") else port, protocol, scene.user,
        scene.probe)

    def serve_one(daemon):
        client = daemon.client("take", protocol)
        pid = greeted_pid(client) if is_stream else ask_pid(client)
        client.close()
        return pid
    first = scene.daemon(line)
    held = first.client("take", protocol)
    if is_stream:
        old = greeted_pid(held)
    else:
        old = ask_pid(held, b"stay")
    first.expects_status = -signal.SIGKILL
    first.stop(signal.SIGKILL)
    second = scene.daemon(line)
    expect(old not in [serve_one(second) for _ in range(20)], "the old program was asked")
    if is_stream:
        held.sendall(b"still here\n")
        expect_equal(receive_packet(held), "still here", "what came back")
        held.close()
    else:
        os.kill(old, signal.SIGKILL)
    wait_until(lambda: is_gone(old), "the old program's end")
    for _ in range(20):
        serve_one(second)


@claim(needs=["probe"])
def a_port_that_another_program_has_stays_its_own(scene):
    taken = scene.socket("udp4", source=("127.0.0.1", 0))
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    daemon = scene.daemon("take 127.0.0.1:%d/udp4 wait %s %s take\n" % (
        taken.getsockname()[1], scene.user, scene.probe), is_ready=False)
    daemon.expects_status = 1
    expect_equal(daemon.wait(), 1, "exit status")


@claim(needs=["probe"])
def a_gate_that_dies_is_nothing_to_wait_services(scene):
    daemon = wait_daemon(scene)
    client = daemon.client("take", "udp4")
    pid = ask_pid(client, b"stay")
    mark = daemon.log.mark()
    os.kill(daemon.gates()[0], signal.SIGKILL)
    expect_equal(ask_pid(client), pid, "the program")
    daemon.wait_for_event("gate_started", since=mark)
    ask_pid(client, b"exit 0")
    expect(ask_pid(client) != pid, "the program that ended")


@claim(needs=["probe"], seconds=60)
def reloads_under_load_lose_no_datagram(scene):
    line = wait_line(scene)
    daemon = scene.daemon(line)
    client = daemon.client("take", "udp4")
    for number in range(30):
        for _ in range(5):
            client.send(b"hello")
        daemon.reload(line.replace("wait", "wait env=N=%d" % number))
        for _ in range(5):
            answered_pid(client)


@claim(needs=["probe", "plain memory"], seconds=120)
def five_thousand_starts_leave_no_zombie_no_descriptor_and_no_growth(scene):
    daemon = wait_daemon(scene, args=["--gates", "1"])
    client = daemon.client("take", "udp4")
    for _ in range(500):
        ask_pid(client)
    before, memory = descriptor_counts(daemon), memory_kib(daemon.pid)
    for _ in range(4500):
        ask_pid(client)
    daemon.wait_for_event("handler_ended", count=5000)
    wait_until(lambda: not daemon.handlers(), "no child but the gates")
    wait_for_no_more_descriptors(daemon, before)
    expect(memory_kib(daemon.pid) <= memory + 200, "grew from %d KiB to %d KiB", memory,
           memory_kib(daemon.pid))
    expect_equal([pid for pid, facts in children(daemon.pid).items() if facts[1] == "Z"], [],
                 "zombies")
    expect_equal(daemon.log.find("service_throttled"), [], "times that it was slowed")
