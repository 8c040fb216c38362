# SPDX-License-Identifier: ISC
"""What the Debian package does to a system: install, upgrade, remove, purge."""

import functools
import os
import pwd
import socket
import subprocess
import sys

from claims import IS_ROOT, TREE, claim, expect, expect_equal
from system import is_gone
from talk import ask, is_refused, receive_line

sys.path.insert(0, os.path.join(TREE, "tests", "systemd"))
from manager import DAYTIME, ECHO, Clients, Service, UNIT, expect_echo, run, talk  # noqa: E402

THIS = "/reeve/debs/this.deb"
NEXT = "/reeve/debs/next.deb"
STAYING = "\nstay 127.0.0.1:1700/tcp user=nobody /bin/sh -c 'echo $$; exec cat'\n"
# What dpkg, systemd and the clock change all the time.
RESTLESS = ("/proc", "/sys", "/dev", "/run", "/tmp", "/reeve", "/var/lib/dpkg", "/var/log",
            "/var/cache/ldconfig", "/root", "/var/lib/systemd/random-seed", "/var/backups")


def of_the_package(seconds=120):
    """Register a claim about a system that lacks the package; its function gets a Service."""
    def register(function):
        @functools.wraps(function)
        def judge(scene):
            expect(IS_ROOT, "root")
            purge()
            scene.stack.callback(purge)
            function(Service(scene))
        return claim(needs=["root", "box"], seconds=seconds)(judge)
    return register


def dpkg(*words):
    return run("dpkg", *words)


def purge():
    for path in ("/etc/reeve/services.d/ours",):
        if os.path.exists(path):
            os.unlink(path)
    subprocess.run(["dpkg", "--purge", "reeve"], stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, check=False)


def files():
    """Every path of the system that does not change by itself, with its content's size."""
    found = {}
    for folder, folders, names in os.walk("/"):
        folders[:] = [name for name in folders
                      if not os.path.join(folder, name).startswith(RESTLESS)]
        for name in folders + names:
            path = os.path.join(folder, name)
            if not path.startswith(RESTLESS):
                found[path] = os.lstat(path).st_size if name in names else 0
    return found


def listening():
    """The addresses that reeve's ports are open at."""
    lines = run("ss", "--no-header", "-lntup").splitlines()
    return {line.split()[4].rsplit(":", 1)[0] for line in lines if "reeve" in line}


@of_the_package()
def installing_it_serves_this_host_alone(service):
    dpkg("--install", THIS)
    expect_echo()
    expect(talk(DAYTIME).endswith(b"\r\n"), "daytime")
    expect_equal(listening(), {"127.0.0.1", "[::1]"}, "where ports are open")
    expect_equal(run("systemctl", "is-enabled", UNIT).strip(), "enabled", "the service")
    expect_equal(pwd.getpwnam("reeve").pw_shell, "/usr/sbin/nologin", "the user's shell")
    expect_equal(service.show("NRestarts"), "0", "restarts")


@of_the_package()
def the_socket_unit_is_there_and_off(service):
    dpkg("--install", THIS)
    expect_equal(run("systemctl", "is-enabled", "reeved.socket", status=None).strip(), "disabled",
                 "reeved.socket")
    expect_equal(service.show("ActiveState", "reeved.socket"), "inactive", "reeved.socket")


@of_the_package()
def what_it_installs_is_what_it_lists_unchanged(service):
    dpkg("--install", THIS)
    expect_equal(dpkg("--verify", "reeve"), "", "changed files")
    expect_equal(service.show("LoadError"), "", "the unit")


@of_the_package()
def an_upgrade_keeps_settings_and_starts_the_new_version(service):
    dpkg("--install", THIS)
    service.add_to_table("more 127.0.0.1:2000/tcp builtin:echo\n")
    service.systemctl("reload")
    before = service.pid()
    dpkg("--install", NEXT)
    expect_equal(talk(("127.0.0.1", 2000), b"kept"), b"kept", "a service of the administrator's")
    expect(service.show("ActiveState") == "active" and service.pid() > 0, "the service")
    expect("+next" in dpkg("--status", "reeve"), "the version")
    program = os.stat("/proc/%d/exe" % service.pid())
    expect_equal(program.st_ino, os.stat("/usr/sbin/reeved").st_ino,
                 "the program of process %d, before %d" % (service.pid(), before))


@of_the_package()
def a_program_that_serves_somebody_outlives_an_upgrade(service):
    dpkg("--install", THIS)
    service.add_to_table(STAYING)
    service.systemctl("reload")
    with socket.create_connection(("127.0.0.1", 1700), timeout=10) as conn:
        pid = int(receive_line(conn))
        dpkg("--install", NEXT)
        ask(conn, b"still served")
        expect(not is_gone(pid), "the program")


@of_the_package()
def an_upgrade_refuses_no_connection(service):
    dpkg("--install", THIS)
    before = service.pid()
    with Clients(ECHO) as clients:
        for package in (NEXT, THIS, NEXT):
            dpkg("--install", package)
    clients.expect_no_problem()
    expect_equal(service.pid(), before, "the process")
    expect_equal(len(service.records(REEVE_EVENT="upgraded")), 3, "upgrades in place")


@of_the_package()
def a_connection_outlives_an_upgrade(service):
    dpkg("--install", THIS)
    with socket.create_connection(ECHO, timeout=10) as conn:
        ask(conn, b"before")
        dpkg("--install", NEXT)
        ask(conn, b"after")


@of_the_package()
def an_upgrade_that_cannot_go_on_in_place_restarts_it(service):
    dpkg("--install", THIS)
    before = service.pid()
    os.rename("/run/reeve/control.sock", "/run/reeve/elsewhere")
    dpkg("--install", NEXT)
    expect_echo()
    expect(service.pid() != before, "another process")


@of_the_package()
def an_upgrade_starts_nothing_that_was_disabled(service):
    dpkg("--install", THIS)
    service.systemctl("disable", "--now")
    dpkg("--install", NEXT)
    expect_equal(service.show("ActiveState"), "inactive", "the service")
    expect_equal(run("systemctl", "is-enabled", UNIT, status=None).strip(), "disabled", "at a boot")


@of_the_package()
def removing_it_closes_the_ports_and_keeps_the_settings(service):
    dpkg("--install", THIS)
    service.add_to_table("# ours\n")
    pid = service.pid()
    dpkg("--remove", "reeve")
    expect(is_refused(ECHO) and is_gone(pid), "the ports are closed")
    with open("/etc/reeve/services", encoding="utf-8") as table:
        expect(table.read().endswith("# ours\n"), "the table")
    expect(not os.path.exists("/usr/sbin/reeved"), "the program")
    dpkg("--install", THIS)
    expect_echo()
    with open("/etc/reeve/services", encoding="utf-8") as table:
        expect(table.read().endswith("# ours\n"), "the table once it is installed again")


@of_the_package()
def purging_it_leaves_the_system_as_it_was(service):
    before = files()
    dpkg("--install", THIS)
    service.add_to_table("# ours\n")
    service.systemctl("reload")
    dpkg("--purge", "reeve")
    after = files()
    accounts = ("/etc/passwd-", "/etc/shadow-", "/etc/group-", "/etc/gshadow-", "/etc/.pwd.lock")
    changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    expect_equal(sorted(changed - set(accounts)), [], "what is different")
    expect(not os.path.exists("/run/reeve"), "the run folder")
    with open("/etc/passwd", encoding="utf-8") as accounts:
        expect("reeve:" not in accounts.read(), "the user")


@of_the_package()
def purging_it_leaves_what_the_administrator_put_beside_the_settings(service):
    dpkg("--install", THIS)
    service.scene.write("/etc/reeve/services.d/ours", "ours 127.0.0.1:2001/tcp builtin:echo\n")
    dpkg("--purge", "reeve")
    expect_equal(os.listdir("/etc/reeve/services.d"), ["ours"], "the folder")
    expect_equal(os.listdir("/etc/reeve"), ["services.d"], "the folder above")
