# SPDX-License-Identifier: ISC
"""reeved.service: the boot, start, stop, reload, restart, and the ends that nobody asked for."""

import os
import pwd
import signal
import socket
import stat

from claims import expect, expect_equal
from harness import wait_until
from manager import ECHO, UNIT, expect_echo, in_box, run, talk
from system import children, is_gone, proc_field
from talk import ask, is_refused, receive_line

MISTAKE = "echo 127.0.0.1:7/tpc builtin\n"
STAYING = "stay 127.0.0.1:1700/tcp user=nobody /bin/sh -c 'echo $$; exec cat'\n"


def monotonic(service, name, unit):
    text = service.show(name, unit)
    return int(text)


@in_box()
def a_boot_starts_it_after_its_user_and_folders_are_made_and_the_network_is_there(service):
    began = monotonic(service, "InactiveExitTimestampMonotonic", UNIT)
    for unit in ("systemd-sysusers.service", "systemd-tmpfiles-setup.service"):
        ended = monotonic(service, "ExecMainExitTimestampMonotonic", unit)
        expect(0 < ended < began, "%s ended at %d, reeved began at %d", unit, ended, began)
    expect("network-online.target" in service.show("After").split(), "after the network")
    expect(UNIT in service.show("Wants", "multi-user.target").split(), "a part of the boot")
    expect_echo()


@in_box()
def its_gates_run_as_the_user_reeve_without_privileges_and_with_their_own_filter(service):
    expect(len(service.gates()) >= 1, "there are gates")
    filters = proc_field(service.pid(), "Seccomp_filters")
    for pid in service.gates():
        user = pwd.getpwnam("reeve")
        expect_equal(proc_field(pid, "Uid").split()[0], str(user.pw_uid), "the user of a gate")
        expect_equal(int(proc_field(pid, "CapBnd"), 16), 0, "capabilities")
        expect_equal(int(proc_field(pid, "Seccomp_filters")), int(filters) + 1, "filters")


@in_box()
def the_folders_are_made_anew_by_tmpfiles_with_the_modes_of_the_unit(service):
    modes = {"/run/reeve": 0o755, "/var/lib/reeve": 0o700}
    service.systemctl("stop")
    for path, mode in modes.items():
        expect_equal(stat.S_IMODE(os.stat(path).st_mode), mode, "the unit's " + path)
        run("rm", "-r", path)
    run("systemd-tmpfiles", "--create", "/usr/lib/tmpfiles.d/reeve.conf")
    for path, mode in modes.items():
        expect_equal(stat.S_IMODE(os.stat(path).st_mode), mode, path)
    service.systemctl("start")


@in_box()
def systemctl_status_tells_what_is_served(service):
    expect_equal(service.show("StatusText").split(" with ")[0], "Serving 4 services on 8 ports",
                 "the status")
    expect("Serving 4 services on 8 ports" in service.systemctl("status", "--no-pager"),
           "systemctl status shows it")


@in_box()
def systemctl_start_returns_when_the_ports_answer(service):
    service.lift_the_start_limit()
    for _ in range(5):
        service.systemctl("stop")
        expect(is_refused(ECHO), "refused while it is stopped")
        service.systemctl("start")
        expect_echo()


@in_box()
def a_start_with_a_mistake_fails_and_the_journal_says_where(service):
    service.systemctl("stop")
    service.write_table(MISTAKE)
    service.systemctl("start", status=1)
    said = [record["MESSAGE"] for record in service.records()]
    expect(any("/etc/reeve/services:1:18:" in line and '"tcp"' in line for line in said),
           "the place in the journal: %s", said)
    service.systemctl("stop")


@in_box()
def systemctl_reload_returns_when_the_new_table_serves(service):
    before = service.pid()
    for port in range(2000, 2005):
        service.add_to_table("more%d 127.0.0.1:%d/tcp builtin:echo\n" % (port, port))
        service.systemctl("reload")
        expect_equal(talk(("127.0.0.1", port), b"new"), b"new", "what the new service says")
    expect_equal(service.pid(), before, "the daemon")
    expect_equal(service.show("StatusText").split(" on ")[0], "Serving 9 services", "the status")


@in_box()
def a_refused_reload_fails_says_why_and_leaves_everything_running(service):
    before = service.pid()
    service.add_to_table(MISTAKE)
    service.systemctl("reload", status=1)
    expect_equal((service.show("ActiveState"), service.pid()), ("active", before), "the service")
    expect_echo()
    said = [record["MESSAGE"] for record in service.records()]
    expect(any("/etc/reeve/services:" in line and '"tcp"' in line for line in said),
           "the place in the journal: %s", said)


@in_box()
def a_connection_outlives_reloads_and_a_new_systemd(service):
    with socket.create_connection(ECHO, timeout=10) as conn:
        ask(conn, b"before")
        service.systemctl("reload")
        ask(conn, b"after the reload")
        run("systemctl", "daemon-reexec")
        ask(conn, b"after daemon-reexec")
        service.systemctl("reload")
        ask(conn, b"after the reload by the new systemd")
    expect_equal(service.show("ActiveState"), "active", "the service")
    expect_equal(service.show("NRestarts"), "0", "restarts")


@in_box(each=["restart", "stop"])
def a_program_that_serves_somebody_outlives_a(service, verb):
    service.restart(STAYING)
    with socket.create_connection(("127.0.0.1", 1700), timeout=10) as conn:
        pid = int(receive_line(conn))
        service.systemctl(verb)
        ask(conn, b"still served")
        expect(not is_gone(pid), "the program")
        if verb == "stop":
            service.systemctl("start")
            ask(conn, b"and after the next start")
    wait_until(lambda: is_gone(pid), "the program's end with its client")


@in_box()
def a_stop_ends_the_gates_and_is_no_failure(service):
    gates = service.gates()
    service.systemctl("stop")
    expect(all(is_gone(pid) for pid in gates), "the gates")
    expect_equal((service.show("ActiveState"), service.show("Result")), ("inactive", "success"),
                 "the service")
    expect(not os.path.exists("/run/reeve/reeved.pid"), "the pid file")


def is_replaced_by(service, signo):
    """Another daemon comes once this one was sent that signal, and serves."""
    before = service.pid()
    gates = service.gates()
    os.kill(before, signo)
    wait_until(lambda: service.pid() not in (0, before) and
               service.show("ActiveState") == "active", "another daemon")
    wait_until(lambda: all(is_gone(pid) for pid in gates), "the end of its gates")
    expect_echo()


@in_box()
def a_daemon_that_is_killed_is_started_again_and_serves(service):
    is_replaced_by(service, signal.SIGKILL)
    expect_equal(service.show("NRestarts"), "1", "restarts")


@in_box()
def a_daemon_that_hangs_is_killed_by_the_watchdog_and_serves_again(service):
    expect_equal(service.show("WatchdogUSec"), "30s", "WatchdogSec=")
    service.drop_in("quick", "[Service]\nWatchdogSec=3s\n")
    service.restart()
    is_replaced_by(service, signal.SIGSTOP)
    expect_equal(service.show("NRestarts"), "1", "restarts")


@in_box()
def a_daemon_that_was_upgraded_in_place_is_watched_and_reloaded_as_before(service):
    service.drop_in("quick", "[Service]\nWatchdogSec=3s\n")
    service.restart()
    before = service.pid()
    run("reevectl", "upgrade")
    service.add_to_table("more 127.0.0.1:2000/tcp builtin:echo\n")
    service.systemctl("reload")
    expect_equal(talk(("127.0.0.1", 2000), b"new"), b"new", "what the new service says")
    expect_equal((service.pid(), service.show("NRestarts")), (before, "0"), "process, restarts")
    is_replaced_by(service, signal.SIGSTOP)


@in_box()
def a_program_that_the_kernel_kills_for_memory_takes_nobody_with_it(service):
    expect_equal(service.show("OOMPolicy"), "continue", "OOMPolicy=")


@in_box()
def its_programs_get_the_usual_limit_of_descriptors(service):
    service.restart("limit 127.0.0.1:1701/tcp user=nobody /bin/sh -c 'ulimit -Sn'\n")
    expect_equal(talk(("127.0.0.1", 1701)), b"1024\n", "a program's limit")
    expect(len(children(service.pid())) >= 1, "gates")
