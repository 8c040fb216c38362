# SPDX-License-Identifier: ISC
"""reevectl explain: what would happen to a peer, and whether that is what happens."""

import json
import os
import subprocess

from claims import IS_ROOT, REEVED, WAIT, Skip, claim, expect, expect_equal
from harness import SANITIZER_REPORT
from talk import ask
from varlink import reevectl

REEVECTL = os.path.join(os.path.dirname(REEVED), "reevectl")


def explain(scene, table, *words, wrapper=()):
    """Its exit status, what it wrote to stdout and to stderr. No daemon runs."""
    done = subprocess.run(
        list(wrapper) + [
            REEVECTL, "--services", scene.write("table", table), "--run-dir", scene.path("none"),
            "explain"] + list(words),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=scene.folder,
        env=dict(os.environ, XDG_CONFIG_HOME=scene.folder, HOME=scene.folder),
        timeout=WAIT, check=False)
    texts = (done.stdout.decode(), done.stderr.decode())
    expect(not SANITIZER_REPORT.search(texts[1]), "a sanitizer says: %s", texts[1])
    return (done.returncode,) + texts


def judge(scene, table, *words):
    """(says, verdict, the last step's name, its line) of the only answer."""
    status, out, err = explain(scene, table, "--json", *words)
    expect(status in (0, 1), "explain %s: %s%s", words, out, err)
    answers = json.loads(out)
    expect_equal(len(answers), 1, "answers")
    told = answers[0]
    expect_equal(status, 1 if told["says"] == "no" else 0, "the exit status")
    last = told["steps"][-1]
    return told["says"], told["verdict"], last["step"], last["line"]


@claim()
def explain_goes_through_the_steps_up_to_the_first_no(scene):
    table = ("# rules\n"
             "git 20418/tcp only_from=10.0.0.0/8 no_access=10.1.0.0/16 access_times=08:00-22:00 "
             "per_source=4 instances=20 builtin:echo\n")
    status, out, _ = explain(scene, table, "git", "10.2.3.4", "--at", "09:00")
    path = scene.path("table")
    expect_equal((status, out), (0, "\n".join((
        "git: 10.2.3.4:49152, by a stream, at 09:00",
        "  socket   yes      0.0.0.0:20418/tcp4 (%s:2)" % path,
        "  places   yes      instances=20 (%s:2)" % path,
        "  access   yes      only_from and no_access admit it (%s:2)" % path,
        "  times    yes      it is within access_times",
        "  source   -        as long as it keeps to per_source=4",
        "  answers  yes      the built-in echo (%s:2)" % path,
        "  served", ""))), "who is served")
    status, out, _ = explain(scene, table, "git", "10.1.0.1", "--at", "09:00")
    expect_equal((status, out.splitlines()[3:]), (1, [
        "  access   no       only_from and no_access do not admit it (%s:2)" % path,
        "  refused (access): The rules only_from and no_access do not admit the client."]),
        "who is not")


@claim()
def explain_knows_every_verdict_that_the_configuration_gives(scene):
    scene.write("blocked", "# offenders\n192.0.2.66\n")
    table = (
        "near 127.0.0.1:20001/tcp builtin:echo\n"
        "rules 20002/tcp no_access=file:%s access_times=08:00-22:00,23:00-01:00 builtin:echo\n"
        "trap 20003/tcp sensor builtin:discard\n"
        "proxied 20004/tcp proxy_from=10.0.0.5 only_from=192.0.2.0/24 builtin:echo\n"
        "small 20005/udp builtin:echo\n"
        "six [::1]:20006/tcp builtin:echo\n"
        "way 20007/tcp only_from=interface:lo builtin:echo\n"
        "local %s/unix only_from=user:root,group:daemon builtin:echo\n"
        % (scene.path("blocked"), scene.path("sock")))
    for words, wanted in (
            ("near 127.0.0.1", ("yes", None, "answers", 1)),
            ("near 192.0.2.1", ("no", None, "socket", 1)),
            ("near ::1", ("no", None, "socket", 1)),
            ("near unix", ("no", None, "socket", 1)),
            ("rules 192.0.2.66 --at 09:00", ("no", "access", "access", 2)),
            ("rules 192.0.2.67 --at 09:00", ("yes", None, "answers", 2)),
            ("rules 192.0.2.67 --at 22:01", ("no", "hours", "times", 2)),
            ("rules 192.0.2.67 --at 0:30", ("yes", None, "answers", 2)),
            ("trap 192.0.2.1", ("no", "sensor", "sensor", 3)),
            ("proxied 192.0.2.1", ("no", "proxy", "proxy", 4)),
            ("proxied 10.0.0.5", ("depends", None, "proxy", 4)),
            ("proxied 192.0.2.1 --via 10.0.0.5", ("yes", None, "answers", 4)),
            ("proxied 192.0.3.1 --via 10.0.0.5", ("no", "access", "access", 4)),
            ("proxied 192.0.2.1 --via 10.0.0.6", ("no", "proxy", "proxy", 4)),
            ("small 192.0.2.1:19", ("no", "loop", "sender", 0)),
            ("small 192.0.2.1:20005", ("no", "loop", "sender", 0)),
            ("small 255.255.255.255", ("no", "group", "sender", 0)),
            ("small [::ffff:192.0.2.1]:1000", ("yes", None, "answers", 5)),
            ("six ::1", ("yes", None, "answers", 6)),
            ("way 192.0.2.1 --interface lo", ("yes", None, "answers", 7)),
            ("way 192.0.2.1", ("no", "access", "access", 7)),
            ("local unix", ("no", "access", "access", 8)),
            ("local unix --user root", ("yes", None, "answers", 8)),
            ("local unix --user daemon", ("yes", None, "answers", 8)),
            ("local unix --user nobody", ("no", "access", "access", 8))):
        expect_equal(judge(scene, table, *words.split()), wanted, words)


@claim()
def explain_names_the_line_of_a_file_of_rules(scene):
    path = scene.write("blocked", "# offenders\n\n192.0.2.66\n")
    table = "rules 20002/tcp no_access=file:%s builtin:echo\n" % path
    _, out, _ = explain(scene, table, "rules", "192.0.2.66")
    expect("(%s:3)" % path in out, "the place is told: %s", out)


def is_served(client):
    try:
        client.sendall(b"x")
        return client.recv(1) == b"x"
    except ConnectionError:
        return False


@claim()
def explain_tells_what_happens_to_clients(scene):
    """Clients from several addresses of this host, and what was said of each beforehand."""
    rules = ("", "only_from=127.0.0.0/30", "no_access=127.0.0.2", "only_from=127.0.0.1,127.0.0.3",
             "only_from=ALL no_access=127.0.0.0/30 only_from=127.0.0.2", "only_from=",
             "access_times=", "proxy_from=127.0.0.3")
    table = "".join("s%d 127.0.0.1:0/tcp4 %s builtin:echo\n" % (number, rule)
                    for number, rule in enumerate(rules))
    daemon = scene.daemon(table)
    for number, rule in enumerate(rules):
        for last in (1, 2, 3):
            name, source = "s%d" % number, "127.0.0.%d" % last
            client = scene.connect(daemon.address(name, "tcp4"), "tcp4", source=(source, 0))
            if "proxy_from" in rule and last == 3:
                client.close()
                continue  # it depends on the header
            served = is_served(client)
            client.close()
            out, _ = reevectl(daemon, "--json", "explain", name, source, status=0 if served else 1)
            if not served:
                event = daemon.wait_for_event("conn_refused", service=name)
                told = json.loads(out)[0]
                expect_equal(told["verdict"], event["verdict"], "%s from %s" % (rule, source))


@claim()
def explain_counts_the_places_of_a_running_daemon(scene):
    daemon = scene.daemon(
        scene.line("full", "tcp4", "builtin:echo", keys="instances=1") +
        scene.line("shut", "tcp4", "builtin:echo", keys="instances=1 at_limit=close"))
    out, _ = reevectl(daemon, "explain", "full", "127.0.0.1")
    expect("instances=1 (0 taken now)" in out, "an empty service: %s", out)
    clients = [daemon.client(name) for name in ("full", "shut")]
    for client in clients:
        client.sendall(b"x")
        client.recv(1)
    out, _ = reevectl(daemon, "explain", "full", "127.0.0.1")
    expect("1 taken now" in out and "waits (instances)" in out, "a full service: %s", out)
    out, _ = reevectl(daemon, "explain", "shut", "127.0.0.1", status=1)
    expect("refused (full)" in out, "one that lets nobody wait: %s", out)


@claim()
def explain_counts_the_places_of_each_service_of_a_name(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4", keys="instances=5") +
                          scene.line("echo", "unix", keys="instances=7"))
    client = daemon.client("echo", "unix")
    expect_equal(ask(client, b"x"), b"x", "the answer")
    for peer, places in (("127.0.0.1", "instances=5 (0 taken now)"),
                         ("unix", "instances=7 (1 taken now)")):
        out, _ = reevectl(daemon, "explain", "echo", peer)
        expect(places in out, "not %s, but: %s", places, out)


@claim()
def explain_knows_who_is_banned(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4") + scene.line("other", "tcp4", "builtin:echo"))
    out, _ = reevectl(daemon, "explain", "echo", "127.0.0.1")
    expect("ban      yes      none holds for it" in out, "without bans: %s", out)
    reevectl(daemon, "ban", "127.0.0.0/30", "--service", "echo", "--for", "1h")
    out, _ = reevectl(daemon, "explain", "echo", "127.0.0.2", status=1)
    expect("127.0.0.0/30 is banned from this service for " in out and "(hand)" in out and
           "refused (ban)" in out, "who is banned: %s", out)
    expect(not is_served(daemon.client("echo")), "the banned client is served")
    reevectl(daemon, "explain", "other", "127.0.0.2")
    reevectl(daemon, "explain", "echo", "127.0.0.4")
    reevectl(daemon, "ban", "127.0.0.2")
    out, _ = reevectl(daemon, "explain", "other", "127.0.0.2", status=1)
    expect("127.0.0.2/32 is banned from all services" in out, "from all: %s", out)


@claim()
def explain_looks_names_up(scene):
    """By /etc/hosts: no test asks the DNS."""
    table = ("host 127.0.0.1:20001/tcp4 only_from=localhost builtin:echo\n"
             "domain 127.0.0.1:20002/tcp4 only_from=.example.org builtin:echo\n"
             "not 127.0.0.1:20003/tcp4 no_access=localhost builtin:echo\n")
    with open("/etc/hosts", encoding="utf-8") as hosts:
        known = [line.split("#")[0].split() for line in hosts]
    if not any(words[:1] == ["127.0.0.1"] and "localhost" in words for words in known):
        raise Skip("needs localhost in /etc/hosts")
    expect_equal(judge(scene, table, "host", "127.0.0.1")[0], "yes", "by the name of a host")
    expect_equal(judge(scene, table, "host", "127.0.0.2")[0], "no", "another address")
    expect_equal(judge(scene, table, "not", "127.0.0.1")[0], "no", "by no_access")
    status, out, _ = explain(scene, table, "domain", "127.0.0.1")
    expect_equal(status, 1, "of no such domain")
    expect("  names    -  " in out, "its names: %s", out)


def in_own_hosts(scene, *lines):
    """A command's beginning: it runs where /etc/hosts has these lines."""
    path = scene.write("hosts", "\n".join(lines) + "\n")
    os.chmod(path, 0o644)
    return ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/hosts && exec "$@"', path]


@claim(needs=["root", "mount namespaces"])
def explain_takes_all_names_of_a_line_of_etc_hosts(scene):
    table = "domain 127.0.0.1:20002/tcp4 only_from=.example.org builtin:echo\n"
    status, out, err = explain(
        scene, table, "domain", "127.77.0.5",
        wrapper=in_own_hosts(scene, "127.77.0.5 first.example.com second.example.org"))
    expect_equal(status, 0, out + err)
    expect("first.example.com, second.example.org" in out, "its names: %s", out)


@claim(needs=["root", "mount namespaces"], each=["down", "twice"])
def explain_keeps_those_addresses_of_a_host_that_the_daemon_keeps(scene, order):
    last = 64 if order == "twice" else 65
    lines = ["127.9.0.%d many.example.org" % number for number in range(1, last + 1)]
    lines = lines[:1] + lines if order == "twice" else lines[::-1]
    table = ("friend 127.0.0.1:20001/tcp4 only_from=many.example.org builtin:echo\n"
             "enemy 127.0.0.1:20002/tcp4 no_access=many.example.org builtin:echo\n")

    def is_admitted(*words):
        status, out, err = explain(scene, table, *words, wrapper=in_own_hosts(scene, *lines))
        expect(status in (0, 1) and "  access  " in out, "explain %s: %s%s", words, out, err)
        return status == 0

    expect(is_admitted("friend", "127.9.0.1"), "the lowest is not kept")
    expect(is_admitted("friend", "127.9.0.64"), "the last that is kept")
    expect(not is_admitted("friend", "127.9.0.65"), "more are kept")
    expect(not is_admitted("enemy", "127.9.0.64"), "no_access admits one that is kept")
    expect_equal(is_admitted("enemy", "127.0.0.1"), order == "twice", "no_access admits others")


@claim()
def explain_says_what_a_program_is_run_as(scene):
    table = scene.program("it", "/bin/echo 'two words'", keys="wait" if not IS_ROOT else "")
    _, out, _ = explain(scene, table, "it", "127.0.0.1")
    expect("/bin/echo two words, as %s" % ("nobody" if IS_ROOT else "the user") in out,
           "the program and its user: %s", out)


@claim()
def explain_says_what_is_wrong_with_its_command_line(scene):
    table = ("echo 127.0.0.1:20007/tcp builtin\n"
             "local %s/unix builtin:echo\n" % scene.path("sock"))
    for words, wanted in (
            ("", "SERVICE: is lacking"),
            ("echo", "ADDRESS: is lacking"),
            ("ecko 127.0.0.1", 'no service "ecko"; did you mean "echo"?'),
            ("x\x1by 127.0.0.1", "no service \"x\\x1by\""),
            ("echo 127.0.0", "is no address"),
            ("echo 127.0.0.1:65536", "is no address"),
            ("echo 127.0.0.1:", "is no address"),
            ("echo [::1", "is no address"),
            ("echo [::1]7", "is no address"),
            ("echo localhost", "is no address"),
            ("echo 127.0.0.1 --at 24:00", "is no time of the day"),
            ("echo 127.0.0.1 --at 9", "is no time of the day"),
            ("echo 127.0.0.1 --at 09:00:00", "is no time of the day"),
            ("echo 127.0.0.1 --via nobody", "is no address"),
            ("echo 127.0.0.1 --user root", "only a peer on a unix socket"),
            ("echo 127.0.0.1 --interface no-such", 'this host has no "no-such"'),
            ("local unix --user no-such-user", "there is no user"),
            ("echo 127.0.0.1 more", "is too much")):
        status, out, err = explain(scene, table, *words.split(" ") if words else ())
        expect_equal((status, out), (2, ""), "status and stdout of %s" % words)
        expect(wanted in err and "\x1b" not in err, "explain %s says: %s", words, err)


@claim()
def explain_wants_a_configuration_without_mistakes(scene):
    status, out, err = explain(scene, "echo 7/tpc builtin\n", "echo", "127.0.0.1")
    expect_equal((status, out), (2, ""), "status and stdout")
    expect(":1:8:" in err and "mend the mistakes first" in err, "what is told: %s", err)
