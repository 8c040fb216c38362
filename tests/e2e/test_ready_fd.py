# SPDX-License-Identifier: ISC
"""--ready-fd: who has started the daemon waits at a descriptor, as s6 does."""

import contextlib
import os
import select

from claims import WAIT, claim, expect, expect_equal
from harness import wait_until
from system import free_port
from talk import ask
from test_upgrade import upgrade


def pipe(scene):
    """Both ends, of which the scene closes the reading one."""
    read_fd, write_fd = os.pipe()
    scene.stack.callback(os.close, read_fd)
    return read_fd, write_fd


def daemon_with(scene, ready_fd):
    return scene.daemon(scene.line("echo", "tcp4"), launch={"keep": [ready_fd]},
                        args=["--ready-fd", str(ready_fd)])


def read_all(read_fd):
    """Everything until nobody can write any more."""
    text = b""
    while True:
        expect(select.select([read_fd], [], [], WAIT)[0], "no end after %s", text)
        part = os.read(read_fd, 100)
        if not part:
            return text
        text += part


def holds(daemon, pipe_fd):
    """Has the daemon an end of that pipe?"""
    name = os.readlink("/proc/self/fd/%d" % pipe_fd)
    folder = "/proc/%d/fd" % daemon.pid
    for number in os.listdir(folder):
        with contextlib.suppress(FileNotFoundError):
            if os.readlink("%s/%s" % (folder, number)) == name:
                return True
    return False


@claim()
def a_line_feed_and_the_end_come_once_everybody_is_served(scene):
    read_fd, write_fd = pipe(scene)
    port = free_port()
    scene.daemon(scene.echo_at(port), launch={"keep": [write_fd]},
                 args=["--ready-fd", str(write_fd)], is_ready=False)
    os.close(write_fd)
    expect_equal(read_all(read_fd), b"\n", "what came")
    expect_equal(ask(scene.connect(("127.0.0.1", port)), b"x"), b"x", "what echo says")


@claim()
def no_gate_and_no_program_gets_the_descriptor(scene):
    read_fd, write_fd = pipe(scene)
    daemon = scene.daemon(scene.program("hold", "/bin/cat"), launch={"keep": [write_fd]},
                          args=["--ready-fd", str(write_fd)])
    os.close(write_fd)
    daemon.client("hold").sendall(b"x")
    expect_equal(read_all(read_fd), b"\n", "what came")


@claim()
def a_daemon_that_has_mistakes_ends_the_descriptor_without_a_word(scene):
    read_fd, write_fd = pipe(scene)
    daemon = scene.daemon("echo 127.0.0.1:0/tpc builtin\n", launch={"keep": [write_fd]},
                          args=["--ready-fd", str(write_fd)], is_ready=False)
    daemon.expects_status = 1
    os.close(write_fd)
    expect_equal(read_all(read_fd), b"", "what came")
    expect_equal(daemon.wait(), 1, "exit status")


@claim()
def a_full_pipe_holds_nobody_up(scene):
    read_fd, write_fd = pipe(scene)
    os.set_blocking(write_fd, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(write_fd, b"x" * 4096)
    os.set_blocking(write_fd, True)
    daemon = daemon_with(scene, write_fd)
    os.close(write_fd)
    wait_until(lambda: not holds(daemon, read_fd), "the daemon to close its end")
    expect(b"\n" not in read_all(read_fd), "a line feed found room")


@claim()
def a_descriptor_that_is_not_open_is_no_start(scene):
    status, said, errors = scene.run_reeved("--foreground", "--ready-fd", "9", "--run-dir",
                                            scene.path("run"), "--services",
                                            scene.write("table", scene.line("echo", "tcp4")))
    expect_equal((status, said), (1, ""), "exit status and output")
    expect("descriptor 9 (--ready-fd) is not open" in errors, "said: %s", errors)


@claim()
def an_upgrade_says_nothing_more_and_touches_no_other_descriptor(scene):
    read_fd, write_fd = pipe(scene)
    daemon = daemon_with(scene, write_fd)
    os.close(write_fd)
    expect_equal(read_all(read_fd), b"\n", "what came")
    for _ in range(2):
        upgrade(daemon)
    expect_equal(daemon.client("echo").send(b"x"), 1, "echo")
