# SPDX-License-Identifier: ISC
"""reevectl top on a terminal: what it shows, its keys, its size, and how it leaves."""

import contextlib
import json
import os
import signal
import subprocess

from claims import REEVED, WAIT, claim, expect, expect_equal
from harness import wait_until
from screen import Terminal
from talk import ask
from varlink import reevectl

REEVECTL = os.path.join(os.path.dirname(REEVED), "reevectl")


def top(scene, daemon, columns=80, lines=24, **rest):
    return scene.keep(Terminal([REEVECTL, "--run-dir", daemon.run_dir, "top"], columns, lines,
                               **rest))


def start(scene, table=None, **rest):
    daemon = scene.daemon(table or scene.line("echo", "tcp4") + scene.line("quiet", "tcp4",
                                                                        "builtin:discard"))
    terminal = top(scene, daemon, **rest)
    terminal.wait_for("SERVICE")
    return daemon, terminal


def visit(daemon, service="echo"):
    with contextlib.closing(daemon.client(service)) as client:
        with contextlib.suppress(ConnectionError):
            client.sendall(b"x")
            client.recv(1)


def row(terminal, name):
    """The words of the line that begins with that name; none if there is no such line."""
    for line in terminal.text():
        if line.split()[:1] == [name]:
            return line.split()
    return []


@claim()
def top_shows_rates_and_connections_as_they_are(scene):
    daemon, terminal = start(scene)
    terminal.press("+++")
    inside = [daemon.client("echo") for _ in range(3)]
    for client in inside:
        ask(client, b"x")

    def shows_it():
        visit(daemon)
        words = row(terminal, "echo")
        return len(words) > 2 and words[1] == "3" and float(words[2]) > 0
    terminal.wait_until(shows_it, "three connections and a rate")
    expect_equal(row(terminal, "quiet")[1:3], ["0", "0"], "of the service that nobody visits")
    header = [line for line in terminal.text() if line.startswith("SERVICE")][0]
    expect_equal(header.split(), ["SERVICE", "ACTIVE", "CONN/s", "PROG/s", "DGRAM/s", "IN/s",
                                  "REFUSED/s", "WAITS/s", "STATE"], "the columns at 80")
    expect("2 services" in terminal.text()[0], "the sums: %s", terminal.text()[0])


@claim()
def top_shows_who_is_refused_and_why(scene):
    daemon, terminal = start(scene, scene.line("shut", "tcp4", "builtin:echo", "only_from=10.0.0.1"))
    terminal.press("+++")

    def shows_it():
        visit(daemon, "shut")
        return "refusing" in row(terminal, "shut")
    terminal.wait_until(shows_it, "that clients are refused")
    terminal.press("v")
    terminal.wait_for("VERDICT", "access")
    terminal.wait_until(lambda: int((row(terminal, "shut") + ["0"] * 4)[3]) > 0, "the total")


@claim()
def top_shows_who_is_there_and_who_is_kept_out(scene):
    daemon, terminal = start(scene)
    inside = [daemon.client("echo") for _ in range(3)]
    for client in inside:
        ask(client, b"x")
    reevectl(daemon, "ban", "192.0.2.0/24", "--service", "echo", "--for", "1h")
    terminal.press("vv")
    terminal.wait_for("SOURCE", "127.0.0.1", "192.0.2.0/24", "banned from echo")
    terminal.wait_until(lambda: row(terminal, "127.0.0.1")[:2] == ["127.0.0.1", "3"],
                        "connections of a source")
    terminal.press("v")
    terminal.wait_for("SERVICE", "quiet")


@claim()
def top_shows_what_happens_by_source(scene):
    daemon, terminal = start(scene, columns=132)
    terminal.press("vv")
    terminal.wait_for("SOURCE")
    header = [line for line in terminal.text() if line.startswith("SOURCE")][0]
    expect_equal(header.split(), ["SOURCE", "ACTIVE", "WAITING", "CONN/s", "IN/s", "OUT/s",
                                  "REFUSED/s", "REFUSED", "STATE"], "the columns at 132")
    expect("sources by ACTIVE" in terminal.text()[1], "the order: %s", terminal.text()[1])
    inside = [daemon.client("echo"), daemon.client("echo")]

    def shows_it():
        inside.pop().close()
        inside.append(daemon.client("echo"))
        for client in inside:
            ask(client, b"x")
        words = row(terminal, "127.0.0.1")
        return len(words) > 5 and all(float(word) > 0 for word in words[3:6])
    terminal.wait_until(shows_it, "new connections and bytes")


@claim()
def top_shows_who_is_refused_by_source(scene):
    daemon, terminal = start(scene, scene.line("shut", "tcp4", "builtin:echo", "only_from=10.0.0.1"),
                             columns=132)
    terminal.press("vv>>>>>")
    terminal.wait_for("sources by REFUSED")

    def shows_it():
        visit(daemon, "shut")
        words = row(terminal, "127.0.0.1")
        return words[1:2] == ["0"] and float(words[6]) > 0 and int(words[7]) > 0
    terminal.wait_until(shows_it, "refusals of a source without connections")


def refused_by_source(daemon):
    out, _ = reevectl(daemon, "--json", "top", "--sources")
    return {one["source"]: one["refused"] for one in json.loads(out)}


@claim()
def refusals_are_counted_by_source_over_reloads(scene):
    daemon = scene.daemon(
        scene.line("shut", "tcp4", "builtin:echo", "only_from=10.0.0.1") +
        scene.line("mute", "udp4", "builtin:echo", "only_from=10.0.0.1 source_prefix4=24"))
    expect_equal(refused_by_source(daemon), {}, "before anybody came")
    for _ in range(3):
        visit(daemon, "shut")
    expect_equal(refused_by_source(daemon), {"127.0.0.1": 3}, "three visits")
    reevectl(daemon, "reload")
    visit(daemon, "shut")
    peers = [daemon.client("mute", "udp4") for _ in range(2)]
    for peer in peers:
        peer.send(b"x")
    wait_until(lambda: refused_by_source(daemon) == {"127.0.0.1": 4, "127.0.0.0/24": 2},
               "what was refused before and after a reload")


@claim()
def top_fits_every_size(scene):
    name = "a-service-with-a-long-name"
    daemon, terminal = start(scene, scene.line(name, "tcp4", "builtin:echo") +
                             "".join(scene.line("s%02d" % number, "tcp4", "builtin:echo")
                                     for number in range(40)))
    for columns, lines in ((20, 5), (132, 50), (1, 1), (80, 24), (40, 3), (300, 2)):
        terminal.resize(columns, lines)
        wanted = "SERVICE"[:columns] if lines > 1 else ""
        terminal.wait_until(lambda wanted=wanted: any(
            line.startswith(wanted) if wanted else line for line in terminal.text()),
            "a screen of %dx%d" % (columns, lines))
    terminal.resize(20, 5)
    terminal.wait_for("SERVICE   ACTIVE", "a-servi\u2026       0", "s00")
    terminal.wait_until(lambda: len([line for line in terminal.text() if line]) == 5,
                        "five lines in use")
    terminal.press("\x1bOB\x1bOB")
    terminal.wait_for("s01", "s03")
    terminal.wait_until(lambda: not terminal.shows("a-servi"), "that it has scrolled")
    terminal.press("q")
    expect_equal(terminal.wait()[0], 0, "the exit status")


@claim()
def top_does_without_letters_that_the_terminal_lacks(scene):
    daemon, terminal = start(scene, scene.line("a-service-with-a-long-name", "tcp4",
                                               "builtin:echo"), LC_ALL="C")
    terminal.wait_for("a-service-with-a-lo~")
    expect(all(byte < 0x80 for byte in terminal.raw), "there is a letter beyond ASCII")


@claim()
def top_is_filtered_paused_and_explained_by_keys(scene):
    daemon, terminal = start(scene)
    terminal.press("/qui")
    terminal.wait_for("filter: qui_")
    terminal.wait_until(lambda: not row(terminal, "echo"), "that echo is gone")
    terminal.press("\r\x1b")
    terminal.wait_for("echo", "quiet")
    terminal.press("p")
    terminal.wait_for("PAUSED")
    terminal.press("h")
    terminal.wait_for("sort by another column")
    terminal.press("h")
    terminal.wait_for("SERVICE", "PAUSED")
    terminal.press(">")
    terminal.wait_for("services by PROG/s")
    terminal.press("r")
    terminal.wait_for("reversed")
    terminal.press("z")
    terminal.wait_for("without the idle")


def expect_restored(terminal):
    wait_until(terminal.has_restored_the_terminal, "the terminal as it was")
    wait_until(lambda: terminal.raw.rfind(b"\x1b[?1049l") > terminal.raw.rfind(b"\x1b[?1049h") > -1,
               "the screen that was there before")


@claim()
def top_gives_the_terminal_back_on_every_way_out(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4"))
    for key, signo, status in (("q", 0, 0), ("\x03", 0, -signal.SIGINT),
                               ("", signal.SIGTERM, -signal.SIGTERM),
                               ("", signal.SIGHUP, -signal.SIGHUP)):
        terminal = top(scene, daemon, name="xterm")
        wait_until(lambda terminal=terminal: b"SERVICE" in terminal.raw, "the first screen")
        expect(not terminal.has_restored_the_terminal(), "the terminal was not taken over")
        if key:
            terminal.press(key)
        else:
            terminal.process.send_signal(signo)
        expect_equal(terminal.wait(), (status, ""), "the end by %r %s" % (key, signo))
        expect_restored(terminal)


@claim()
def top_leaves_when_the_daemon_does(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4"))
    terminal = top(scene, daemon, name="xterm")
    wait_until(lambda: b"SERVICE" in terminal.raw, "the first screen")
    daemon.expects_status = daemon.stop(signal.SIGKILL)
    status, error = terminal.wait()
    expect_equal(status, 1, "the exit status")
    expect("no daemon runs" in error, "what is told: %s", error)
    expect_restored(terminal)


@claim()
def top_has_colours_but_for_those_who_want_none(scene):
    daemon = scene.daemon(scene.line("full", "tcp4", "builtin:echo", "instances=1"))
    ask(daemon.client("full"), b"x")
    for environment, wanted in (({}, True), ({"NO_COLOR": "1"}, False)):
        terminal = top(scene, daemon, name="xterm-256color", **environment)
        wait_until(lambda terminal=terminal: b"full" in terminal.raw, "a full service")
        terminal.press("q")
        terminal.wait()
        expect_restored(terminal)  # so all that it has written was read
        expect_equal(b"\x1b[33m" in terminal.raw, wanted, "colours with %s" % environment)


@claim()
def top_costs_the_daemon_nothing(scene):
    """It goes on while no process of the daemon does."""
    daemon = scene.daemon(scene.line("echo", "tcp4"))
    family = daemon.family()
    for pid in family:
        os.kill(pid, signal.SIGSTOP)
    try:
        terminal = top(scene, daemon)
        terminal.wait_for("SERVICE", "echo")
        terminal.press("+++v")
        terminal.wait_for("VERDICT")
        first = terminal.text()[0]
        terminal.wait_until(lambda: terminal.text()[0] != first, "the next second")
    finally:
        for pid in family:
            os.kill(pid, signal.SIGCONT)


@claim()
def top_is_json_for_programs(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4"))
    out, _ = reevectl(daemon, "--json", "top")
    told = json.loads(out)
    expect_equal([(one["service"], one["active"], one["state"]) for one in told],
                 [("echo", 0, "")], "the services")
    expect("connections_per_second" in told[0], "no rate: %s", told)


@claim()
def top_says_why_it_cannot_be_shown(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4"))
    _, error = reevectl(daemon, "top", status=2)
    expect("wants a terminal" in error, "without a terminal: %s", error)
    _, error = reevectl(daemon, "top", "echo", status=2)
    expect("is too much" in error, "with an operand: %s", error)
    # What curses has taken by then nobody can give back.
    terminal = top(scene, daemon, name="no-such-terminal", ASAN_OPTIONS="detect_leaks=0")
    status, error = terminal.wait()
    expect_equal(status, 1, "the exit status with an unknown terminal")
    expect('"no-such-terminal" is not known' in error, "what is told: %s", error)
    os.mkdir(scene.path("empty"))
    done = subprocess.run([REEVECTL, "--run-dir", scene.path("empty"), "--json", "top"],
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=WAIT, check=False)
    expect_equal(done.returncode, 1, "without a daemon")
    expect(b"no daemon runs" in done.stderr, "what is told: %s", done.stderr)
