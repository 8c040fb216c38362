# SPDX-License-Identifier: ISC
"""A program per connection: what it is given, what becomes of what it says, and how it ends."""

import contextlib
import os
import pwd
import shutil
import signal

from claims import HANDLERS, SLOW, Skip, claim, expect, expect_equal
from harness import descriptor_counts, wait_until
from programs import Report, hold_daemon, report_of
from system import descriptors
from talk import ask, is_silent, receive_all


@claim(needs=["probe"], each=["tcp4", "tcp6", "unix", "unix-seqpacket"])
def a_program_has_the_socket_on_0_and_1_a_pipe_on_2_and_nothing_else(scene, protocol):
    report, _, _ = report_of(scene, protocol)
    fds = dict(line.split(" ", 1) for line in report.all("fd"))
    expect_equal(sorted(fds), ["0", "1", "2"], "open descriptors")
    expect(fds["0"].startswith("socket:"), "0 is no socket: %s", fds)
    expect_equal(fds["1"], fds["0"], "descriptor 1")
    expect(fds["2"].startswith("pipe:"), "2 is no pipe: %s", fds)
    expect_equal(report.one("nonblocking"), "0", "non-blocking")


@claim(needs=["probe"])
def no_descriptor_of_the_starter_reaches_a_program(scene):
    secret = scene.write("secret", "secret")
    with open(secret, "rb") as file:
        daemon = scene.daemon(scene.program("report", scene.probe + " report"),
                              launch={"keep": [os.dup2(file.fileno(), 150)]})
    os.close(150)
    for gate in set(daemon.gates()) & set(descriptor_counts(daemon)):
        files = [os.readlink("/proc/%d/fd/%d" % (gate, fd)) for fd in descriptors(gate)]
        expect(secret not in files, "a gate has the starter's file: %s", files)
    report = Report(daemon.client("report"))
    expect_equal(len(report.all("fd")), 3, "open descriptors")


@claim(needs=["probe"])
def the_environment_is_built_from_nothing(scene):
    report, client, daemon = report_of(
        scene, keys="env=COLOUR=blue passenv=WANTED",
        environment={"SECRET_TOKEN": "x", "LD_LIBRARY_PATH": "/nowhere", "WANTED": "yes",
                     "IFS": "z", "WATCHDOG_USEC": "1000000000"})
    env = report.env()
    for name in ("SECRET_TOKEN", "LD_LIBRARY_PATH", "IFS", "NOTIFY_SOCKET", "LISTEN_FDS",
                 "WATCHDOG_USEC", "E2E_PROBE", "PYTHONPATH", "OLDPWD"):
        expect(name not in env, "%s reached the program", name)
    expect_equal((env.get("COLOUR"), env.get("WANTED")), ("blue", "yes"), "env= and passenv=")
    expect("PATH" in env and "/bin" in env["PATH"], "no PATH: %s", env)
    host, port = client.getsockname()
    expect_equal({name: env.get(name) for name in (
        "PROTO", "TCPREMOTEIP", "TCPREMOTEPORT", "TCPLOCALIP", "TCPLOCALPORT", "REMOTE_ADDR",
        "REMOTE_PORT", "REMOTE_HOST")}, {
            "PROTO": "TCP", "TCPREMOTEIP": host, "TCPREMOTEPORT": str(port),
            "TCPLOCALIP": "127.0.0.1", "TCPLOCALPORT": str(daemon.port("report")),
            "REMOTE_ADDR": host, "REMOTE_PORT": str(port), "REMOTE_HOST": host},
                 "the peer's variables")


@claim(needs=["probe", "ipv6"])
def an_ipv4_peer_is_written_as_ipv4_and_an_ipv6_peer_without_brackets(scene):
    report, _, _ = report_of(scene, "tcp6")
    expect_equal(report.env().get("TCPREMOTEIP"), "::1", "TCPREMOTEIP")
    expect_equal(report.env().get("REMOTE_ADDR"), "::1", "REMOTE_ADDR")


@claim(needs=["probe"])
def a_program_starts_with_a_clean_state(scene):
    report, _, _ = report_of(scene, launch={
        "ignore": [signal.SIGPIPE, signal.SIGHUP], "block": [signal.SIGUSR1, signal.SIGTERM],
        "umask": 0o077})
    expect_equal(report.one("session"), report.one("pid"), "session")
    expect_equal(report.one("folder"), "/", "working folder")
    expect_equal(report.one("umask"), "022", "umask")
    expect_equal(int(report.status("SigBlk")[0], 16), 0, "blocked signals")
    expect_equal(int(report.status("SigIgn")[0], 16), 0, "ignored signals")


@claim(needs=["probe"])
def a_program_gets_the_descriptor_limit_of_the_starter_not_of_the_daemon(scene):
    report, _, _ = report_of(scene, launch={"files": [512, 4096]})
    expect_equal(report.one("files").split()[0], "512", "soft limit of descriptors")


@claim(needs=["probe"])
def a_program_gets_its_arguments_and_argv0(scene):
    report, _, _ = report_of(scene, keys="argv0=another", arguments='"two words" \\#three')
    expect_equal(report.all("argument"), ["0 another", "1 report", "2 two words", "3 #three"],
                 "arguments")


@claim(needs=["probe"])
def without_argv0_a_program_is_called_by_the_last_part_of_its_path(scene):
    report, _, _ = report_of(scene)
    expect_equal(report.all("argument")[0], "0 probe", "argv[0]")


@claim(needs=["probe", "root"])
def a_program_runs_as_its_user_with_the_users_groups_and_environment(scene):
    report, _, _ = report_of(scene)
    nobody = pwd.getpwnam("nobody")
    expect_equal(report.status("Uid"), [str(nobody.pw_uid)] * 4, "uids")
    expect_equal(report.status("Gid"), [str(nobody.pw_gid)] * 4, "gids")
    expect_equal(set(report.status("Groups")) - {str(nobody.pw_gid)}, set(), "groups")
    expect_equal(int(report.status("CapEff")[0], 16), 0, "capabilities")
    env = report.env()
    expect_equal((env.get("USER"), env.get("LOGNAME"), env.get("HOME"), env.get("SHELL")),
                 ("nobody", "nobody", nobody.pw_dir, nobody.pw_shell), "the user's variables")


@claim(needs=["probe", "root"])
def user_may_name_a_group_too(scene):
    scene.user = "user=nobody:daemon"
    report, _, _ = report_of(scene)
    expect_equal(report.status("Gid"), ["1"] * 4, "gids")


@claim(needs=["probe", "plain user"])
def a_program_of_a_plain_user_runs_as_that_user(scene):
    report, _, _ = report_of(scene)
    expect_equal(report.status("Uid"), [str(os.getuid())] * 4, "uids")


@claim(needs=["probe"])
def what_a_program_says_on_stderr_is_logged_line_by_line(scene):
    daemon = hold_daemon(scene)
    client, pid = daemon.hold()
    client.sendall(b"say first line\nsay second line\n")
    for text in ("first line", "second line"):
        event = daemon.wait_for_event("handler_said", service="hold", line=text)
        expect_equal(event.fields.get("pid", str(pid)), str(pid), "pid")
    client.sendall(b"exit 0\n")
    ended = daemon.wait_for_event("handler_ended", service="hold")
    expect_equal(ended["id"], event["id"], "the connection's id")


@claim(needs=["probe"])
def control_bytes_of_a_program_are_escaped_in_the_log(scene):
    daemon = hold_daemon(scene)
    client, _ = daemon.hold()
    client.sendall(b"raw 781b5b33316d07790d7a00770a\n")  # x ESC [31m BEL y CR z NUL w LF
    event = daemon.wait_for_event("handler_said", service="hold")
    expect(r"x\x1b[31m\x07y" in event.line, "not escaped: %r", event.line)
    expect(not any(ord(character) < 32 for character in daemon.log.text().replace("\n", "")),
           "a control byte reached the log")


@claim(needs=["probe"])
def a_last_line_without_its_newline_is_logged_too(scene):
    daemon = hold_daemon(scene)
    client, _ = daemon.hold()
    client.sendall(b"raw 756e66696e6973686564\nexit 3\n")
    daemon.wait_for_event("handler_said", service="hold", line="unfinished")


@claim(needs=["probe"])
def an_endless_line_of_a_program_does_not_fill_the_log_or_the_memory(scene):
    daemon = hold_daemon(scene)
    client, _ = daemon.hold()
    for _ in range(12):
        client.sendall(b"raw " + b"61" * 1500 + b"\n")
    client.sendall(b"raw 0a\nsay after it\n")
    daemon.wait_for_event("handler_said", service="hold", line="after it")
    longest = max(len(event.line) for event in daemon.log.find("handler_said"))
    expect(longest < 5000, "a log line of %d bytes", longest)


@claim(needs=["probe"])
def a_program_that_floods_its_stderr_is_cut_short_and_that_is_logged(scene):
    daemon = hold_daemon(scene)
    client, _ = daemon.hold()
    client.sendall(b"say flood\n" * 3000 + b"exit 0\n")
    daemon.wait_for_event("handler_ended", service="hold")
    wait_until(lambda: [event for event in daemon.log.find("handler_said")
                        if "left out" in event.line], "the note of what was left out")
    expect(len(daemon.log.find("handler_said", line="flood")) < 2500, "all lines were logged")


@claim(needs=["probe"], each=["0", "7", "255"])
def the_exit_status_and_the_pid_are_logged(scene, status):
    daemon = hold_daemon(scene)
    client, pid = daemon.hold()
    peer = "127.0.0.1:%d" % client.getsockname()[1]
    client.sendall(b"exit %s\n" % status.encode())
    expect_equal(receive_all(client), b"", "what follows")
    event = daemon.wait_for_event("handler_ended", service="hold", pid=pid, peer=peer)
    expect_equal(event["ending"], "exited" if status == "0" else "failed", "ending")
    expect_equal(event.fields.get("exit_status", "0"), status, "exit status")
    expect("signal" not in event.fields, "a signal: %s", event.line)


@claim(needs=["probe"])
def the_signal_that_ended_a_program_is_logged(scene):
    daemon = hold_daemon(scene)
    client, pid = daemon.hold()
    client.sendall(b"kill 9\n")
    event = daemon.wait_for_event("handler_ended", service="hold", pid=pid)
    expect_equal((event["ending"], event["signal"]), ("failed", "9"), "ending and signal")
    with contextlib.suppress(ConnectionResetError):
        expect_equal(receive_all(client), b"", "what follows")


@claim(needs=["probe"])
def a_program_that_is_gone_at_run_time_is_reported_with_its_step_and_closes_cleanly(scene):
    program = shutil.copy(scene.probe, scene.path("program"))
    daemon = scene.daemon(scene.program("it", program + " report"))
    expect(receive_all(daemon.client("it")) != b"", "the program said nothing")
    os.rename(program, program + ".away")
    for _ in range(3):
        mark = daemon.log.mark()
        expect_equal(receive_all(daemon.client("it")), b"", "what a client gets without it")
        event = daemon.wait_for_event("handler_failed", since=mark, service="it", step="execve")
        expect("ENOENT" in event.line, "no reason in: %s", event.line)
    os.rename(program + ".away", program)

    def is_back():
        return receive_all(daemon.client("it")) != b""
    wait_until(is_back, "the program to serve again")


@claim(needs=["probe"])
def a_program_that_is_no_longer_executable_is_reported(scene):
    program = shutil.copy(scene.probe, scene.path("program"))
    daemon = scene.daemon(scene.program("it", program + " report"))
    os.chmod(program, 0o644)
    expect_equal(receive_all(daemon.client("it")), b"", "what a client gets")
    event = daemon.wait_for_event("handler_failed", service="it", step="execve")
    expect("EACCES" in event.line, "no reason in: %s", event.line)


@claim()
def a_program_sees_the_clients_end_and_everything_it_writes_then_arrives(scene):
    daemon = scene.daemon(scene.program("cat", "/bin/cat"))
    client = daemon.client("cat")
    sent = os.urandom(60000)
    client.sendall(sent)
    client.shutdown(1)
    expect_equal(receive_all(client), sent, "what came back")


@claim()
def a_program_that_writes_and_ends_at_once_is_read_to_the_end(scene):
    daemon = scene.daemon(scene.program("text", "/bin/sh -c \"printf %s all-of-it\"", "tcp4"))
    for _ in range(20):
        expect_equal(receive_all(daemon.client("text")), b"all-of-it", "the text")


def handler(name):
    path = os.path.join(HANDLERS, name)
    if not os.access(path, os.X_OK):
        raise Skip("no %s" % path)
    return path


@claim(needs=["handlers"])
def order_answers_each_message_without_a_newline_and_ends_after_fin(scene):
    daemon = scene.daemon(scene.program("order", handler("order")))
    client = daemon.client("order")
    for message in ("bonjour", "un café", "x"):
        client.sendall(message.encode())
        wanted = ("vous m'avez demandé : %s bien reçu 5 / 5" % message).encode()
        expect_equal(ask(client, b"", len(wanted)), wanted, "the answer")
        expect(is_silent(client), "more than the answer")
    client.sendall(b"fin")
    expect_equal(receive_all(client), "vous m'avez demandé : fin bien reçu 5 / 5".encode(),
                 "the last answer")
    daemon.wait_for_event("handler_ended", service="order", ending="exited")


@claim(needs=["handlers"])
def order_serves_several_clients_at_once(scene):
    daemon = scene.daemon(scene.program("order", handler("order")))
    clients = [daemon.client("order") for _ in range(5)]
    for number, client in enumerate(clients):
        client.sendall(b"%d" % number)
    for number, client in enumerate(clients):
        expect_equal(client.recv(1024).decode(),
                     "vous m'avez demandé : %d bien reçu 5 / 5" % number, "the answer")


@claim(needs=["handlers"], each=["a", "0", "\x7f"])
def succ_answers_the_next_byte_and_ends(scene, byte):
    daemon = scene.daemon(scene.program("succ", handler("succ"), "unix"))
    client = daemon.client("succ", "unix")
    client.sendall(byte.encode())
    expect_equal(receive_all(client), bytes([ord(byte) + 1]), "the successor")


@claim(needs=["handlers"])
def every_shell_handler_starts_and_ends_well(scene):
    names = [name for name in sorted(os.listdir(HANDLERS)) if name not in ("order", "succ")
             and os.access(os.path.join(HANDLERS, name), os.X_OK)]
    if not names:
        raise Skip("no further handler in %s" % HANDLERS)
    daemon = scene.daemon("".join(scene.program(name, handler(name)) for name in names))
    for name in names:
        client = daemon.client(name)
        client.sendall(b"hello\n")
        client.shutdown(1)
        expect(receive_all(client) != b"", "%s said nothing", name)
        daemon.wait_for_event("handler_ended", service=name, ending="exited")


@claim(needs=["probe"])
def starting_a_program_costs_no_copy_of_the_supervisor(scene):
    """The supervisor's own page faults stay few: a plain fork would copy its memory each time."""
    lines = "".join("s%d %s/unix builtin:echo\n" % (number, scene.path("s%d" % number))
                    for number in range(300))
    daemon = scene.daemon(lines + scene.program("report", scene.probe + " report"))

    def faults():
        with open("/proc/%d/stat" % daemon.pid, encoding="utf-8") as stat:
            return int(stat.read().rsplit(")", 1)[1].split()[7])
    for _ in range(10):
        receive_all(daemon.client("report"))
    before = faults()
    for _ in range(50):
        receive_all(daemon.client("report"))
    each = (faults() - before) / 50
    expect(each < 40 * SLOW, "%.0f page faults of the supervisor for each program", each)


