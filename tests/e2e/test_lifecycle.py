# SPDX-License-Identifier: ISC
"""Start and end; the service manager; life in the foreground and as PID 1."""

import contextlib
import os
import re
import signal
import socket
import time

from claims import WAIT, claim, expect, expect_equal
from harness import wait_until
from system import children, free_port, free_ports, is_gone, proc_field, processes
from talk import ask, is_refused, receive_all, receive_line


@claim(each=["SIGTERM", "SIGINT"])
def a_signal_to_end_ends_with_0_and_leaves_no_process(scene, signal_name):
    daemon = scene.daemon(scene.line("echo", "tcp4") + scene.line("daytime", "udp4"),
                          args=["--gates", "2"])
    gates = daemon.gates()
    expect_equal(len(gates), 2, "gates")
    expect_equal(daemon.stop(getattr(signal, signal_name)), 0, "exit status")
    expect(all(is_gone(gate) for gate in gates), "a gate lives on")
    daemon.wait_for_event("stopping")
    daemon.wait_for_event("stopped", handlers_left=0)


@claim()
def built_in_connections_may_go_on_for_the_grace_time(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4"), settings='grace = "1min";')
    address = daemon.address("echo", "tcp4")
    client = daemon.client("echo")
    ask(client, b"before")
    os.kill(daemon.pid, signal.SIGTERM)
    daemon.wait_for_event("stopping")
    wait_until(lambda: is_refused(address), "new clients to be refused")
    expect_equal(ask(client, b"during"), b"during", "the answer within the grace time")
    client.shutdown(socket.SHUT_WR)
    expect_equal(receive_all(client), b"", "the end")
    expect_equal(daemon.wait(), 0, "exit status, once the last client has left")


@claim()
def after_the_grace_time_built_in_connections_are_ended(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4"), settings='grace = "300ms";')
    client = daemon.client("echo")
    ask(client, b"before")
    os.kill(daemon.pid, signal.SIGTERM)
    expect_equal(receive_all(client), b"", "the end")
    expect_equal(daemon.wait(), 0, "exit status")
    daemon.wait_for_event("conn_ended", service="echo", ending="shutdown")


@claim(needs=["probe"])
def running_programs_stay_alive_when_the_daemon_ends(scene):
    daemon = scene.daemon(scene.program("hold", scene.probe + " hold"))
    client, pid = daemon.hold()
    expect_equal(daemon.stop(), 0, "exit status")
    daemon.wait_for_event("stopped", handlers_left=1)
    expect_equal(ask(client, b"still here\n"), b"still here\n", "the program's answer")
    client.close()
    wait_until(lambda: is_gone(pid), "the program to end")


@claim()
def a_second_signal_to_end_is_no_problem(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4"), settings='grace = "500ms";')
    client = daemon.client("echo")
    ask(client, b"x")
    os.kill(daemon.pid, signal.SIGTERM)
    daemon.wait_for_event("stopping")
    expect(daemon.stop(signal.SIGTERM) in (0, -15), "exit status")
    daemon.expects_status = daemon.process.returncode


@claim(each=["1", "2"])
def a_signal_to_end_during_a_reload_ends_well(scene, gates):
    table = scene.line("echo", "tcp4")
    for _ in range(10):
        daemon = scene.daemon(table, args=["--gates", gates])
        os.kill(daemon.pid, signal.SIGHUP)
        daemon.wait_for_event("reload_started")
        expect_equal(daemon.stop(), 0, "exit status")
        daemon.log.thread.join(2)
        expect_equal(daemon.log.find("gate_lied") + daemon.log.find("gate_ended"), [],
                     "gates that went wrong")


@claim()
def its_port_can_be_bound_again_at_once_while_clients_were_connected(scene):
    port = free_port()
    first = scene.daemon(scene.echo_at(port), settings='grace = "0";')
    clients = [first.client("echo") for _ in range(5)]
    for client in clients:
        ask(client, b"x")
    expect_equal(first.stop(), 0, "exit status")
    second = scene.daemon(scene.echo_at(port))
    expect_equal(ask(second.client("echo"), b"again"), b"again", "the answer")


@claim()
def the_service_manager_is_told_of_every_phase(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4"))
    status = [line for text in daemon.manager.messages for line in text.splitlines()
              if line.startswith("STATUS=")]
    expect(status[-1:] and status[-1].startswith("STATUS=Serving 1 service on 1 port with "),
           "the status: %r", status)
    os.kill(daemon.pid, signal.SIGHUP)
    message = daemon.wait_for_notify("RELOADING=1")
    expect("MONOTONIC_USEC=" in message, "no time in %r", message)
    daemon.wait_for_notify("READY=1")
    daemon.write_table("nonsense")
    os.kill(daemon.pid, signal.SIGHUP)
    daemon.wait_for_notify("RELOADING=1")
    daemon.wait_for_notify("READY=1")
    os.kill(daemon.pid, signal.SIGTERM)
    daemon.wait_for_notify("STOPPING=1")
    expect_equal(daemon.wait(), 0, "exit status")


@claim()
def ready_means_that_every_port_answers(scene):
    ports = free_ports(5)
    scene.daemon("".join("s%d 127.0.0.1:%d/tcp4 builtin:echo\n" % pair
                         for pair in enumerate(ports)))
    for port in ports:
        expect_equal(ask(scene.connect(("127.0.0.1", port)), b"x"), b"x", "the answer")


@claim()
def the_log_goes_to_stderr_with_time_and_level(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4"))
    event = daemon.wait_for_event("started")
    expect_equal((event.level, event["services"]), ("notice", "1"), "level and services")
    expect(re.match(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d", event.line), "no time: %s", event.line)


@claim()
def announce_prints_a_command_to_try_for_every_port(scene):
    daemon = scene.daemon(scene.line("daytime", "tcp4") + scene.line("echo", "udp4")
                          + scene.line("local", "unix", "builtin:echo"), args=["--announce"])
    text = b""
    while text.count(b"\n") < 3:
        text += os.read(daemon.process.stdout.fileno(), 4096)
    for wanted in (r"nc\b.*127\.0\.0\.1 %d" % daemon.port("daytime"),
                   r"nc\b.*-\w*u\w*.*127\.0\.0\.1 %d" % daemon.port("echo", "udp4"),
                   r"nc\b.*-\w*U\w*.*" + re.escape(daemon.address("local", "unix"))):
        expect(re.search(wanted, text.decode()), "no %s in:\n%s", wanted, text.decode())


@claim(needs=["probe", "pid namespaces"])
def as_pid_1_it_serves_reaps_orphans_and_ends(scene):
    daemon = scene.daemon(scene.program("hold", scene.probe + " hold"),
                          wrapper=["unshare", "--pid", "--fork", "--mount-proc"], args=["-v"])
    inner = wait_until(lambda: [pid for pid, facts in children(daemon.pid).items()], "PID 1")[0]
    client = daemon.client("hold")
    expect_equal(receive_line(client).split()[0], "ready", "the program's first word")
    client.sendall(b"orphan\n")
    words = receive_line(client).split()
    expect_equal(words[0], "orphan", "the orphan's word")
    daemon.wait_for_event("handler_ended", service="hold")
    client.close()
    daemon.wait_for_event("orphan_reaped", pid=words[1])
    expect_equal([pid for pid, facts in processes().items()
                  if facts[0] == inner and facts[1] == "Z"], [], "zombies")
    os.kill(inner, signal.SIGTERM)
    expect_equal(daemon.wait(), 0, "exit status")


@claim(each=["1", "3"])
def gates_end_by_themselves_when_the_supervisor_is_killed(scene, gates):
    daemon = scene.daemon(scene.line("echo", "tcp4"), args=["--gates", gates])
    port = daemon.port("echo")
    pids = daemon.gates()
    expect_equal(len(pids), int(gates), "gates")
    client = daemon.client("echo")
    ask(client, b"x")
    daemon.expects_status = -9
    daemon.process.kill()
    daemon.process.wait(WAIT)
    wait_until(lambda: all(is_gone(pid) for pid in pids), "the gates to end")
    wait_until(lambda: is_refused(("127.0.0.1", port)), "the port to be free")


@claim(needs=["probe"])
def programs_outlive_a_killed_supervisor(scene):
    daemon = scene.daemon(scene.program("hold", scene.probe + " hold"))
    client, _ = daemon.hold()
    gates = daemon.gates()
    daemon.expects_status = -9
    daemon.process.kill()
    daemon.process.wait(WAIT)
    wait_until(lambda: all(is_gone(pid) for pid in gates), "the gates to end")
    expect_equal(ask(client, b"still here\n"), b"still here\n", "the program's answer")


@claim()
def the_pid_file_names_the_daemon_and_goes_with_it(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4"))
    files = [name for name in os.listdir(daemon.run_dir) if name.endswith("pid")]
    expect_equal(len(files), 1, "pid files in the run folder")
    path = os.path.join(daemon.run_dir, files[0])
    with open(path, encoding="ascii") as file:
        expect_equal(file.read().strip(), str(daemon.pid), "the pid file")
    daemon.stop()
    expect(not os.path.exists(path), "the pid file is still there")


@claim()
def an_idle_daemon_does_not_wake_up(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4") + scene.line("chat", "tcp4"))
    for _ in range(20):
        ask(daemon.client("echo"), b"x")

    def switches():
        return sum(int(proc_field(pid, "voluntary_ctxt_switches")) for pid in daemon.family())

    def wake_ups(seconds):
        before = switches()
        time.sleep(seconds)  # time in which nothing happens is what is measured
        return switches() - before
    wait_until(lambda: wake_ups(0.2) == 0, "the end of what there was to do")
    count = wake_ups(1.5)
    expect(count <= 2, "%d wake-ups in 1.5 s", count)


@claim()
def a_manager_that_does_not_read_blocks_nobody(scene):
    table = scene.line("echo", "tcp4")
    daemon = scene.daemon(table)
    with daemon.manager.held_up():
        for _ in range(30):
            daemon.reload(table)
        expect_equal(ask(daemon.client("echo"), b"x"), b"x", "the answer")


@claim(each=["the disk is full", "nobody reads it", "its reader is gone"])
def a_log_that_takes_nothing_holds_nobody_up(scene, trouble):
    port = free_port()
    path = "/dev/full" if trouble == "the disk is full" else scene.path("log")
    if path != "/dev/full":
        os.mkfifo(path)
        reader = os.open(path, os.O_RDWR)
    daemon = scene.daemon(scene.echo_at(port), wrapper=[
        "sh", "-c", 'log=$1; shift; exec "$@" 2>"$log"', "sh", path])
    if trouble == "its reader is gone":
        os.close(reader)
    for _ in range(1500):  # more lines than a pipe holds
        with contextlib.closing(socket.create_connection(("127.0.0.1", port), WAIT)) as client:
            expect_equal(ask(client, b"x"), b"x", "the answer")
    os.kill(daemon.pid, signal.SIGHUP)
    daemon.wait_for_notify("RELOADING=1")
    daemon.wait_for_notify("READY=1")
    expect_equal(daemon.stop(), 0, "exit status")
    if trouble == "nobody reads it":
        os.close(reader)


@claim(needs=["probe"])
def a_starter_that_closed_its_standard_streams_changes_nothing_for_programs(scene):
    port = free_port()
    scene.daemon("report 127.0.0.1:%d/tcp4 %s %s report\n" % (port, scene.user, scene.probe),
                 wrapper=["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh"])
    text = receive_all(scene.connect(("127.0.0.1", port))).decode()
    files = dict(re.findall(r"^fd (\d+) (.*)$", text, re.M))
    expect_equal(sorted(files), ["0", "1", "2"], "open descriptors")
    expect(files["0"] == files["1"] and files["0"].startswith("socket:"), "no socket: %s", files)


@claim()
def nobody_else_can_hold_the_lock_of_the_run_folder(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4"))
    mode = os.stat(os.path.join(daemon.run_dir, "lock")).st_mode
    expect_equal(mode & 0o777, 0o600, "mode of the lock")
    status, _, errors = scene.run_reeved("--foreground", "--config", daemon.conf, "--services",
                                         daemon.services, "--run-dir", daemon.run_dir)
    expect_equal(status, 1, "exit status of a second daemon")
    expect("run folder" in errors, "no reason in: %s", errors)
