# SPDX-License-Identifier: ISC
"""The world of a program: what reeve-handler(7) promises of it, whatever started reeved."""

import os
import stat

from claims import IS_ROOT, claim, expect, expect_equal
from harness import wait_until
from programs import hold_daemon, report_of
from talk import receive_all, receive_line


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def shell(scene, script, keys="", **rest):
    return scene.daemon(scene.program("it", "/bin/sh -c '%s'" % script, keys=keys), **rest)


@claim(needs=["probe"])
def with_stderr_client_descriptor_2_is_the_socket_too(scene):
    report, _, daemon = report_of(scene, keys="stderr=client")
    fds = dict(line.split(" ", 1) for line in report.all("fd"))
    expect_equal(sorted(fds), ["0", "1", "2"], "open descriptors")
    expect(fds["2"].startswith("socket:") and fds["2"] == fds["0"], "2 is no socket: %s", fds)
    daemon.wait_for_event("handler_ended", service="report", ending="exited")


@claim()
def with_stderr_client_a_client_reads_what_the_program_complains_of(scene):
    daemon = shell(scene, "echo trouble >&2", "stderr=client")
    expect_equal(receive_all(daemon.client("it")), b"trouble\n", "what the client reads")
    daemon.wait_for_event("handler_ended", service="it", ending="exited")
    expect_equal(daemon.log.find("handler_said"), [], "what the log has")


@claim(needs=["probe"])
def with_stderr_null_descriptor_2_is_dev_null(scene):
    report, _, _ = report_of(scene, keys="stderr=null")
    expect_equal(report.all("fd")[2], "2 /dev/null", "descriptor 2")


@claim(needs=["probe"])
def with_a_path_stderr_is_appended_to_that_file(scene):
    path = scene.write("errors", "before\n")
    daemon = hold_daemon(scene, "stderr=" + path)
    client, _ = daemon.hold()
    client.sendall(b"say one\nsay two\nexit 0\n")
    daemon.wait_for_event("handler_ended", service="hold", ending="exited")
    expect_equal(read(path), "before\none\ntwo\n", "the file")
    expect_equal(daemon.log.find("handler_said"), [], "what the log has")


@claim(needs=["probe"])
def a_file_for_stderr_is_made_for_the_owner_of_reeved_and_nobody_else_to_write(scene):
    path = scene.path("errors")
    report, _, _ = report_of(scene, keys="stderr=" + path, launch={"umask": 0})
    file = os.stat(path)
    expect_equal(stat.S_IMODE(file.st_mode), 0o640, "mode")
    expect_equal(file.st_uid, os.geteuid(), "owner")
    expect_equal(report.all("fd")[2], "2 " + path, "descriptor 2")
    expect_equal(len(report.all("fd")), 3, "open descriptors")


@claim(needs=["probe"])
def services_that_name_one_file_share_its_descriptor(scene):
    path = scene.path("errors")
    daemon = scene.daemon("".join(
        scene.program("hold%d" % number, scene.probe + " hold", keys="stderr=" + path)
        for number in range(3)))
    open_files = [os.readlink("/proc/%d/fd/%s" % (daemon.pid, fd))
                  for fd in os.listdir("/proc/%d/fd" % daemon.pid)]
    expect_equal(open_files.count(path), 1, "descriptors of the file")
    for number in range(3):
        client, _ = daemon.hold("hold%d" % number)
        client.sendall(b"say %d\nexit 0\n" % number)
        daemon.wait_for_event("handler_ended", service="hold%d" % number)
    expect_equal(read(path), "0\n1\n2\n", "the file")


@claim(needs=["probe"])
def a_reload_follows_a_stderr_file_that_was_rotated_and_keeps_nothing_open(scene):
    path = scene.path("errors")
    daemon = hold_daemon(scene, "stderr=" + path)
    old, _ = daemon.hold()
    os.rename(path, path + ".1")
    daemon.reload()
    wait_until(lambda: path + ".1" not in [
        os.readlink("/proc/%d/fd/%s" % (daemon.pid, fd))
        for fd in os.listdir("/proc/%d/fd" % daemon.pid)], "the old file to be closed")
    new, _ = daemon.hold()
    for client, text in ((old, b"old"), (new, b"new")):
        client.sendall(b"say " + text + b"\nsaid\n")
        expect_equal(receive_line(client), "said", "the answer")
    expect_equal((read(path + ".1"), read(path)), ("old\n", "new\n"), "the files")


@claim(needs=["probe"], each=["link", "fifo", "folder", "lost"])
def what_is_no_file_for_stderr_is_refused_and_changes_nothing(scene, kind):
    path = scene.path("errors")
    victim = scene.write("victim", "untouched")
    daemon = hold_daemon(scene)
    if kind == "link":
        os.symlink(victim, path)
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        os.mkdir(path)
    else:
        path = scene.path("nowhere/errors")
    daemon.reload(scene.program("hold", scene.probe + " hold", keys="stderr=" + path),
                  wanted="reload_refused")
    mistake = daemon.log.find("config_mistake")[-1]
    expect("stderr" in mistake.line and path in mistake.line, "the reason: %s", mistake.line)
    daemon.hold()
    expect_equal(read(victim), "untouched", "the other file")


@claim(needs=["probe", "root"])
def root_appends_to_no_file_that_has_another_name(scene):
    victim = scene.write("victim", "untouched")
    path = scene.path("errors")
    os.link(victim, path)
    daemon = hold_daemon(scene)
    daemon.reload(scene.program("hold", scene.probe + " hold", keys="stderr=" + path),
                  wanted="reload_refused")
    expect("further names" in daemon.log.find("config_mistake")[-1].line, "no reason")
