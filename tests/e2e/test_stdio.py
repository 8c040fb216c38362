# SPDX-License-Identifier: ISC
"""Programs that have pipes or a terminal in place of the socket (stdio=)."""

import hashlib
import os
import signal
import socket
import threading
import time

from claims import HAS_SANITIZER, claim, expect, expect_equal
from harness import descriptor_counts, wait_for_no_more_descriptors, wait_until
from talk import receive, receive_all, receive_line

STREAMS = ["tcp4", "tcp6", "unix"]
MUCH = 10 << 20


def script(scene, text, name="program.sh"):
    path = scene.write(name, text)
    os.chmod(path, 0o755)
    return path


def piped(scene, program, protocol="tcp4", keys="", **rest):
    daemon = scene.daemon(scene.program("p", program, protocol, "stdio=pipe " + keys), **rest)
    return daemon, daemon.client("p", protocol)


def resident(pid):
    """Kilobytes of memory that the process has."""
    with open("/proc/%d/status" % pid, encoding="ascii") as status:
        for line in status:
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
    return 0


# ---------------------------------------------------------------- stdio=pipe

@claim(each=STREAMS)
def a_program_with_pipes_has_pipes(scene, protocol):
    program = script(scene, "#!/bin/sh\nfor fd in 0 1 2; do readlink /proc/self/fd/$fd; done\n"
                     "ls /proc/self/fd | wc -l\n")
    _, client = piped(scene, program, protocol)
    lines = receive_all(client).decode().split()
    for fd in range(3):
        expect(lines[fd].startswith("pipe:"), "%d is no pipe: %s", fd, lines)
    expect(lines[0] != lines[1], "one pipe for both ways")


@claim(each=STREAMS)
def bytes_go_through_the_pipes_both_ways(scene, protocol):
    daemon, client = piped(scene, "/bin/cat", protocol)
    client.sendall(b"hello\n")
    expect_equal(receive_line(client), "hello", "the answer")
    client.sendall(b"again\n")
    expect_equal(receive_line(client), "again", "the answer")
    client.shutdown(socket.SHUT_WR)
    expect_equal(receive_all(client), b"", "the rest")
    daemon.wait_for_event("handler_ended", service="p", ending="exited")
    event = daemon.wait_for_event("conn_ended", service="p")
    expect_equal((event["bytes_in"], event["bytes_out"]), ("12", "12"), "bytes")
    expect_equal(event["ending"], "client-closed", "the ending")


@claim(each=STREAMS)
def the_end_of_a_clients_input_reaches_the_program_which_then_answers(scene, protocol):
    program = script(scene, "#!/bin/sh\nsha256sum\n")
    _, client = piped(scene, program, protocol)
    data = os.urandom(300000)
    client.sendall(data)
    client.shutdown(socket.SHUT_WR)
    expect_equal(receive_all(client).split()[0].decode(), hashlib.sha256(data).hexdigest(),
                 "what it read")


@claim(each=STREAMS)
def the_end_of_a_programs_output_reaches_the_client_which_may_go_on(scene, protocol):
    path = scene.path("heard")
    program = script(scene, "#!/bin/sh\necho enough\nexec >&-\ncat >%s~ && mv %s~ %s\n" % (
        path, path, path))
    os.chmod(scene.folder, 0o777)
    _, client = piped(scene, program, protocol)
    expect_equal(receive_all(client), b"enough\n", "what it said")
    client.sendall(b"more")
    client.shutdown(socket.SHUT_WR)
    wait_until(lambda: os.path.exists(path), "the program's file")
    expect_equal(open(path, "rb").read(), b"more", "what it heard")


@claim(each=STREAMS, seconds=60)
def much_goes_through_byte_for_byte_to_a_slow_reader_in_little_memory(scene, protocol):
    daemon, client = piped(scene, "/bin/cat", protocol, args=["--gates", "1"])
    before = resident(daemon.gates()[0])
    data = os.urandom(MUCH)
    sender = threading.Thread(target=lambda: (client.sendall(data),
                                              client.shutdown(socket.SHUT_WR)))
    sender.start()
    got = bytearray()
    most = 0
    while True:
        part = client.recv(65536)
        if not part:
            break
        got += part
        if len(got) % (1 << 20) < len(part):
            time.sleep(0.01)  # slow: everything on the way is full meanwhile
            most = max(most, resident(daemon.gates()[0]))
    sender.join()
    expect_equal(len(got), MUCH, "bytes")
    expect(got == data, "other bytes came back")
    # A sanitizer keeps for a while what was freed.
    if not HAS_SANITIZER:
        expect(most - before < 4096, "the gate grew by %s kB", most - before)


@claim()
def input_that_nobody_wants_does_not_cost_the_answer(scene):
    program = script(scene, "#!/bin/sh\nhead -c 400000 /dev/zero\n")
    _, client = piped(scene, program)
    sender = threading.Thread(target=lambda: client.sendall(b"x" * (4 << 20)))
    sender.start()
    expect_equal(len(receive_all(client)), 400000, "bytes of the answer")
    sender.join()


@claim()
def a_client_that_vanishes_ends_a_program_that_writes(scene):
    daemon, client = piped(scene, "/usr/bin/yes")
    receive(client, 10)
    client.close()
    event = daemon.wait_for_event("handler_ended", service="p")
    expect_equal(event["signal"], str(int(signal.SIGPIPE)), "its signal")
    daemon.wait_for_event("conn_ended", service="p", ending="client-reset")


@claim()
def a_silent_connection_is_ended_after_idle(scene):
    daemon, client = piped(scene, "/bin/cat", keys="idle=1s")
    client.sendall(b"x")
    expect_equal(receive(client, 1), b"x", "the answer")
    expect_equal(receive_all(client), b"", "the rest")
    daemon.wait_for_event("conn_ended", service="p", ending="idle")
    daemon.wait_for_event("handler_ended", service="p")


@claim()
def a_client_that_says_nothing_is_ended_after_first_byte(scene):
    daemon, client = piped(scene, "/bin/cat", keys="first_byte=500ms")
    other = daemon.client("p")
    other.sendall(b"x")
    expect_equal(receive_all(client), b"", "what it was sent")
    daemon.wait_for_event("conn_ended", service="p", ending="first-byte")
    other.sendall(b"y")
    expect_equal(receive(other, 2), b"xy", "the other's answer")


@claim()
def a_relayed_connection_lives_over_a_reload_and_its_gate(scene):
    daemon, client = piped(scene, "/bin/cat", args=["--gates", "1"])
    client.sendall(b"before\n")
    expect_equal(receive_line(client), "before", "the answer")
    daemon.reload(scene.line("echo", "tcp4"))
    client.sendall(b"after\n")
    expect_equal(receive_line(client), "after", "the answer")
    os.kill(daemon.gates()[0], signal.SIGKILL)
    expect_equal(receive_all(client), b"", "the rest")
    daemon.wait_for_event("handler_ended", service="p", ending="exited")


@claim()
def a_program_that_cannot_be_started_leaves_a_clean_end(scene):
    program = script(scene, "#!/bin/sh\n")
    daemon = scene.daemon(scene.program("p", program, keys="stdio=pipe"))
    os.unlink(program)
    expect_equal(receive_all(daemon.client("p")), b"", "what it was sent")
    daemon.wait_for_event("handler_failed", service="p", step="execve")


@claim(seconds=60)
def many_relayed_connections_leave_nothing_behind(scene):
    daemon, client = piped(scene, "/bin/cat")
    client.close()
    daemon.wait_for_event("handler_ended", service="p")
    before = descriptor_counts(daemon)
    for batch in range(5):
        clients = [daemon.client("p") for _ in range(20)]
        for one in clients:
            one.sendall(b"%d" % batch)
        for one in clients:
            expect_equal(receive(one, 1), b"%d" % batch, "the answer")
            one.close()
    daemon.wait_for_event("handler_ended", service="p", count=101)
    wait_for_no_more_descriptors(daemon, before)


@claim()
def the_daemons_end_waits_for_relayed_connections_and_then_cuts_them(scene):
    daemon, client = piped(scene, "/bin/cat", settings='grace = "2s";')
    client.sendall(b"x")
    expect_equal(receive(client, 1), b"x", "the answer")
    os.kill(daemon.pid, signal.SIGTERM)
    daemon.wait_for_event("stopping")
    client.sendall(b"y")
    expect_equal(receive(client, 1), b"y", "the answer")
    expect_equal(receive_all(client), b"", "the rest")
    expect_equal(daemon.wait(), 0, "the exit status")


@claim(each=["pipe", "pty"])
def a_client_that_leaves_what_a_program_said_keeps_its_place(scene, way):
    # It ends when everything between it and the client is full.
    program = script(scene, "#!/bin/sh\ntimeout 0.5 cat /dev/zero\n")
    daemon = scene.daemon(scene.program("p", program, "unix",
                                        "instances=2 per_source=1 stdio=" + way), args=["--gates", "1"])
    reader = daemon.client("p", "unix")
    daemon.wait_for_event("handler_ended", service="p")
    refused = daemon.client("p", "unix")
    expect_equal(receive_all(refused), b"", "the answer to a second connection of the source")
    daemon.wait_for_event("conn_refused", service="p", verdict="per-source")
    expect_equal(len(daemon.log.find("handler_ended", service="p")), 1, "programs")
    expect(len(receive_all(reader)) > 0, "nothing came")
    daemon.wait_for_event("conn_ended", service="p")
    served = daemon.client("p", "unix")
    expect(len(receive(served, 10)) == 10, "nothing came")


# ---------------------------------------------------------------- stdio=pty

def on_terminal(scene, program, protocol="tcp4", keys="", **rest):
    daemon = scene.daemon(scene.program("t", program, protocol, "stdio=pty " + keys), **rest)
    return daemon, daemon.client("t", protocol)


def hear_until(client, words):
    """Everything up to those words."""
    heard = b""
    while words not in heard:
        heard += receive(client, 1)
    return heard


@claim(needs=["ps"], each=STREAMS)
def a_program_on_a_terminal_has_it_as_0_1_2_and_controlling(scene, protocol):
    program = script(scene, "#!/bin/sh\ntty\ntty <&1\ntty <&2\nps -o tty= -p $$\n"
                     "ps -o sess= -p $$; echo $$\nstty size; echo $TERM\n"
                     "stat -c %U $(tty); id -un\n: >/dev/tty && echo opened\n")
    _, client = on_terminal(scene, program, protocol)
    lines = [line.strip() for line in receive_all(client).decode().split("\r\n")]
    expect(lines[0].startswith("/dev/pts/"), "no terminal: %s", lines)
    expect_equal(lines[1:3], [lines[0], lines[0]], "descriptors 1 and 2")
    expect_equal("/dev/" + lines[3], lines[0], "the controlling terminal")
    expect_equal(lines[4], lines[5], "its session")
    expect_equal(lines[6:8], ["24 80", "dumb"], "size and TERM")
    expect_equal(lines[8], lines[9], "the terminal's owner")
    expect_equal(lines[10], "opened", "/dev/tty")


@claim(each=STREAMS)
def a_terminal_hands_over_lines_and_does_not_echo(scene, protocol):
    _, client = on_terminal(scene, script(scene, "#!/bin/sh\nwhile read l; do echo \"<$l>\"; done\n"),
                            protocol)
    for sent, heard in ((b"unix\n", b"<unix>\r\n"), (b"telnet\r\n", b"<telnet>\r\n"),
                        (b"key\r", b"<key>\r\n"), (b"nul\r\0", b"<nul>\r\n"),
                        (b"wrogn\x7f\x7fng\n", b"<wrong>\r\n")):
        client.sendall(sent)
        expect_equal(hear_until(client, b"\n"), heard, "the answer to %s" % sent)


@claim(each=STREAMS)
def the_end_of_a_clients_input_is_typed_at_the_terminal(scene, protocol):
    daemon, client = on_terminal(scene, script(scene, "#!/bin/sh\ncat\necho\ncat\necho over\n"),
                                 protocol)
    client.sendall(b"a line\npart of one")
    client.shutdown(socket.SHUT_WR)
    # The end of a socket lasts, and so does this one: there are two that wait for it.
    expect_equal(receive_all(client), b"a line\r\npart of one\r\nover\r\n", "what it said")
    daemon.wait_for_event("handler_ended", service="t", ending="exited")
    event = daemon.wait_for_event("conn_ended", service="t")
    expect_equal(event["bytes_in"], "18", "bytes")


@claim()
def an_interrupt_key_reaches_the_program(scene):
    program = script(scene, "#!/bin/sh\ntrap 'echo caught; exit 3' INT\necho ready\n"
                     "while :; do sleep 0.1; done\n")
    daemon, client = on_terminal(scene, program)
    hear_until(client, b"ready\r\n")
    client.sendall(b"\x03")
    expect(b"caught" in receive_all(client), "no signal came")
    daemon.wait_for_event("handler_ended", service="t", exit_status=3)


@claim()
def a_shell_is_interactive_on_a_terminal(scene):
    daemon, client = on_terminal(scene, "/bin/bash --norc --noprofile -i",
                                 keys='"env=PS1=ready> "')
    hear_until(client, b"ready> ")
    client.sendall(b"echo $((6*7)) $TERM; jobs -l; set -o | grep monitor\n")
    heard = hear_until(client, b"ready> ")
    expect(b"42 dumb" in heard, "another answer: %s", heard)
    expect(b"monitor        \ton" in heard, "no job control: %s", heard)
    client.sendall(b"exit 7\n")
    receive_all(client)
    daemon.wait_for_event("handler_ended", service="t", exit_status=7)


@claim()
def an_interpreter_prompts_on_a_terminal(scene):
    _, client = on_terminal(scene, "/usr/bin/python3 -c \"name = input('who? '); "
                            "print('hello', name)\"", keys="env=TERM=vt100")
    expect_equal(receive(client, 5), b"who? ", "the prompt")
    client.sendall(b"ann\n")
    expect_equal(receive_all(client), b"hello ann\r\n", "the answer")


@claim(each=STREAMS, seconds=60)
def all_output_of_a_terminal_reaches_a_slow_client(scene, protocol):
    program = script(scene, "#!/bin/sh\nexec seq 200000\n")
    daemon, client = on_terminal(scene, program, protocol, args=["--gates", "1"])
    want = b"".join(b"%d\r\n" % number for number in range(1, 200001))
    got = bytearray()
    while True:
        part = client.recv(50000)
        if not part:
            break
        got += part
        time.sleep(0.001)  # slow, as the claim has it
    expect_equal(len(got), len(want), "bytes")
    expect(got == want, "other bytes came")
    daemon.wait_for_event("handler_ended", service="t", ending="exited")


@claim()
def a_client_that_vanishes_hangs_the_terminal_up(scene):
    daemon, client = on_terminal(scene, "/usr/bin/yes")
    receive(client, 10)
    client.close()
    event = daemon.wait_for_event("handler_ended", service="t")
    expect_equal(event["signal"], str(int(signal.SIGHUP)), "its signal")


@claim()
def a_silent_terminal_is_hung_up_after_idle(scene):
    daemon, client = on_terminal(scene, "/bin/cat", keys="idle=1s")
    expect_equal(receive_all(client), b"", "what it was sent")
    daemon.wait_for_event("conn_ended", service="t", ending="idle")
    daemon.wait_for_event("handler_ended", service="t", signal=int(signal.SIGHUP))


@claim()
def standard_error_of_a_terminal_may_go_elsewhere(scene):
    program = script(scene, "#!/bin/sh\necho out\necho err >&2\n")
    _, client = on_terminal(scene, program)
    expect_equal(receive_all(client), b"out\r\nerr\r\n", "what it was sent")
    _, client = on_terminal(scene, program, keys="stderr=null")
    expect_equal(receive_all(client), b"out\r\n", "what it was sent")


@claim()
def a_program_that_cannot_be_started_on_a_terminal_leaves_a_clean_end(scene):
    program = script(scene, "#!/bin/sh\n")
    daemon = scene.daemon(scene.program("t", program, keys="stdio=pty"))
    os.unlink(program)
    expect_equal(receive_all(daemon.client("t")), b"", "what it was sent")
    daemon.wait_for_event("handler_failed", service="t", step="execve")


def terminal_of(path):
    """Its path, and when it was made: another one may be called the same afterwards."""
    try:
        return path, os.stat(path).st_ctime_ns
    except FileNotFoundError:
        return path, None


@claim(seconds=60)
def many_terminals_leave_nothing_behind(scene):
    daemon, client = on_terminal(scene, script(scene, "#!/bin/sh\ntty\nexec cat\n"))
    receive_line(client)
    client.close()
    daemon.wait_for_event("handler_ended", service="t")
    before = descriptor_counts(daemon)
    terminals = set()
    for _ in range(5):
        clients = [daemon.client("t") for _ in range(20)]
        for one in clients:
            one.sendall(b"x\n")
        for one in clients:
            terminals.add(terminal_of(receive_line(one)))
            expect_equal(receive(one, 3), b"x\r\n", "the answer")
            one.close()
    daemon.wait_for_event("handler_ended", service="t", count=101)
    wait_for_no_more_descriptors(daemon, before)
    wait_until(lambda: not {terminal_of(path) for path, _ in terminals} & terminals,
               "the terminals' end")
