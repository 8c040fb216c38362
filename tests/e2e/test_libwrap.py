# SPDX-License-Identifier: ISC
"""tcp_wrappers' files, in a build that has their library, in a mount namespace that has our own."""

import os
import subprocess

from claims import IS_ROOT, NEEDS, REEVED, claim, expect, expect_equal
from dns import Dns
from harness import wait_until
from talk import is_silent
from test_names import STRANGER, is_closed, is_served, resolvers, settings, visit


OVERLAY = "mount -t overlay overlay -o lowerdir=%s:/etc /etc && "


def lacks_libwrap():
    resolver = os.path.join(os.path.dirname(REEVED), "reeve-resolver")
    with open(resolver, "rb") as program:
        if b"libwrap.so" not in program.read():
            return "built without tcp_wrappers' library"
    if not IS_ROOT:
        return "needs root to have an own /etc"
    attempt = subprocess.run(["unshare", "--mount", "sh", "-c", OVERLAY % "/usr" + "true"],
                             stderr=subprocess.DEVNULL, check=False)
    return None if attempt.returncode == 0 else "this host puts no files over those of /etc"


NEEDS["libwrap"] = lacks_libwrap


def wrapped(scene, allow="", deny=""):
    """What to start a daemon with so that it finds these files."""
    folder = scene.path("etc")
    os.mkdir(folder)
    os.chmod(folder, 0o755)
    for name, text in (("hosts.allow", allow), ("hosts.deny", deny)):
        scene.write("etc/" + name, text)
        os.chmod(scene.path("etc/" + name), 0o644)
    return ["unshare", "--mount", "sh", "-c", OVERLAY % folder + 'exec "$0" "$@"']


@claim(needs=("libwrap",))
def hosts_allow_and_hosts_deny_have_a_say(scene):
    dns = Dns(scene)
    names = {"first": True, "second": False, "third": True, "fourth": False, "fifth": True}
    table = "".join(scene.line(name, "tcp4", "builtin:echo", keys="libwrap=yes")
                    for name in ("first", "second")) \
        + scene.line("third", "tcp4", "builtin:echo", keys="libwrap=no") \
        + scene.line("fourth", "tcp4", "builtin:echo", keys="libwrap=second") \
        + scene.line("fifth", "tcp4", "builtin:echo", keys="libwrap=first")
    daemon = scene.daemon(table, settings(dns), wrapper=wrapped(
        scene, "first: 127.\n", "ALL: ALL\n"))
    for name, served in names.items():
        expect_equal(is_served(visit(daemon, name)), served, name)
    event = daemon.wait_for_event("conn_refused", service="second", verdict="libwrap")
    expect(event["rule"].endswith(":2"), "the rule is %s", event["rule"])
    expect_equal(dns.asked, [], "names that were looked up without need")


@claim(needs=("libwrap",))
def a_line_for_a_name_has_it_looked_up_and_confirmed(scene):
    dns = Dns(scene)
    dns.reverse(STRANGER, "a.example.org")
    dns.host("a.example.org", STRANGER)
    dns.reverse("127.77.0.6", "liar.example.org")
    dns.host("liar.example.org", "192.0.2.1")
    table = scene.line("echo", "tcp4", keys="libwrap=yes")
    daemon = scene.daemon(table, settings(dns), wrapper=wrapped(
        scene, "echo: .example.org\n", "ALL: ALL\n"))
    expect(is_served(visit(daemon, "echo")), "not served by its name")
    liar = daemon.client("echo", source=("127.77.0.6", 0))
    expect(is_closed(liar), "served by somebody else's name")


@claim(needs=("libwrap",))
def a_line_for_a_name_refuses_who_may_have_it(scene):
    dns = Dns(scene)
    dns.failing = True
    table = "".join(scene.line(name, "tcp4", "builtin:echo", keys="libwrap=yes")
                    for name in ("echo", "other"))
    daemon = scene.daemon(table, settings(dns), wrapper=wrapped(
        scene, deny="echo: .example.org\n"))
    expect(is_closed(visit(daemon, "echo")), "served, and nobody knows its name")
    expect(is_served(visit(daemon, "other")), "not served, where no line asks for its name")


@claim(needs=("libwrap",))
def a_change_of_the_files_holds_without_a_reload(scene):
    table = scene.line("echo", "tcp4", keys="libwrap=yes")
    daemon = scene.daemon(table, wrapper=wrapped(scene, "echo: ALL\n"))
    expect(is_served(visit(daemon, "echo")), "not served")
    # In place, for the daemon sees the file itself.
    with open(scene.path("etc/hosts.allow"), "w", encoding="utf-8") as file:
        file.write("echo: ALL: deny\n")
    wait_until(lambda: is_closed(visit(daemon, "echo")), "the new files hold")


@claim(needs=("libwrap",))
def commands_in_the_files_are_not_carried_out(scene):
    trace = scene.path("trace")
    table = "".join(scene.line(name, "tcp4", "builtin:echo", keys="libwrap=yes")
                    for name in ("spawned", "twisted", "asked", "grouped", "become", "joined",
                                 "tuned", "other"))
    daemon = scene.daemon(table, wrapper=wrapped(
        scene, "spawned: ALL: spawn /bin/touch %s.spawn\n"
        "twisted: ALL: twist /bin/touch %s.twist\n"
        "asked: ALL: aclexec /bin/touch %s.aclexec\n"
        "grouped: @friends\n"
        "become: ALL: user nobody\n"
        "joined: ALL: group daemon\n"
        "tuned: ALL: keepalive: linger 5: nice 5: umask 022\n"
        "other: ALL\n" % (trace, trace, trace)))
    # The library takes twist for something else in its first question.
    for name, served in (("twisted", False), ("spawned", True), ("asked", False),
                         ("grouped", False), ("become", False), ("joined", False),
                         ("tuned", True), ("other", True)):
        expect_equal(is_served(visit(daemon, name)), served, name)
    daemon.wait_for_event("libwrap_said")
    for name in ("spawn", "twist", "aclexec"):
        expect(not os.path.exists(trace + "." + name), "%s was carried out", name)
    expect_equal(daemon.log.find("resolver_ended"), [], "resolvers that died")


@claim(needs=("libwrap",))
def a_file_that_cannot_be_read_refuses(scene):
    table = "".join(scene.line(name, "tcp4", "builtin:echo", keys="libwrap=yes")
                    for name in ("echo", "other"))
    wrapper = wrapped(scene, deny="echo: /etc/secret\n")
    os.chmod(scene.write("etc/secret", "192.0.2.1\n"), 0)
    daemon = scene.daemon(table, wrapper=wrapper)
    expect(is_closed(visit(daemon, "echo")), "served, and nobody could read who is not")
    expect(is_served(visit(daemon, "other")), "not served, where no line names the file")


def files_open(pid):
    return len(os.listdir("/proc/%d/fd" % pid))


@claim(needs=("libwrap",))
def questions_that_a_netgroup_ends_keep_no_file_open(scene):
    count = 8
    table = "".join(scene.line("echo%d" % i, "tcp4", "builtin:echo", keys="libwrap=yes")
                    for i in range(count))
    daemon = scene.daemon(table, wrapper=wrapped(scene, "ALL: @friends\n"))
    expect(is_closed(visit(daemon, "echo0")), "served")
    (resolver,) = resolvers(daemon)
    before = files_open(resolver)
    for i in range(1, count):
        expect(is_closed(visit(daemon, "echo%d" % i)), "served")
    # One may be read at this moment, or was then.
    wait_until(lambda: files_open(resolver) <= before + 1, "the resolver closes its files")


@claim(needs=("libwrap",))
def a_datagram_is_judged_by_the_files_once_they_were_asked(scene):
    table = scene.line("echo", "udp4", keys="libwrap=yes") \
        + scene.line("other", "udp4", "builtin:echo", keys="libwrap=yes")
    daemon = scene.daemon(table, wrapper=wrapped(scene, "echo: ALL\n", "ALL: ALL\n"))
    client = daemon.client("echo", "udp4")
    client.settimeout(0.2)

    def is_answered():
        try:
            return is_served(client)
        except TimeoutError:
            return False

    wait_until(is_answered, "the sender's next datagram is answered")
    client = daemon.client("other", "udp4")
    client.settimeout(0.2)

    def is_refused():
        client.send(b"hello")
        return daemon.log.find("datagrams_refused", service="other", verdict="libwrap")

    wait_until(is_refused, "the files refuse it")
    expect(is_silent(client), "it was answered")
