# SPDX-License-Identifier: ISC
"""Bans outlast what happens to the daemon, can be seen and lifted, and come into the packet filter."""

import datetime
import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys

from claims import WAIT, claim, expect, expect_equal
from harness import wait_until
from talk import ask
from varlink import reevectl

OTHER = ("127.0.0.2", 0)
HEAD = "reeve-bans 1\n"


def is_served(client):
    try:
        client.sendall(b"?")
        return client.recv(1) == b"?"
    except (BrokenPipeError, ConnectionResetError):
        return False


def trap(scene, keys="ban_time=1h"):
    return scene.line("trap", "tcp4", "builtin:discard", "sensor " + keys) + scene.line(
        "echo", "tcp4")


def touch(daemon, service="trap", **how):
    """Be banned by a sensor."""
    mark = daemon.log.mark()
    expect(not is_served(daemon.client(service, **how)), "a sensor serves")
    return daemon.wait_for_event("source_banned", since=mark, service=service)


def book(daemon):
    """The lines of the file of bans; none while it is not there."""
    try:
        with open(os.path.join(daemon.state_dir, "bans"), encoding="utf-8") as file:
            lines = file.readlines()
    except FileNotFoundError:
        return []
    expect_equal(lines[0], HEAD, "the first line of the file")
    return [line.split() for line in lines[1:]]


def wait_for_book(daemon, count):
    return wait_until(lambda: len(book(daemon)) == count and (book(daemon) or True),
                      "a file of %d bans" % count)


def end_in(seconds):
    now = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    return (now + datetime.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def write_book(scene, *lines, folder="state"):
    path = scene.path(folder)
    os.makedirs(path, exist_ok=True)
    with open(os.path.join(path, "bans"), "w", encoding="utf-8") as file:
        file.write(HEAD + "".join(line + "\n" for line in lines))
    return path


# ---------------------------------------------------------------- what they outlast

@claim(each=["SIGTERM", "SIGKILL"])
def a_ban_outlasts_the_daemon_whichever_way_it_ends(scene, name):
    signo = getattr(signal, name)
    table = trap(scene)
    daemon = scene.daemon(table, args=["--gates", "2"])
    touch(daemon)
    touch(daemon, source=("127.0.0.9", 0))
    if signo == signal.SIGKILL:
        wait_for_book(daemon, 2)  # who is killed writes nothing any more
        daemon.expects_status = -signal.SIGKILL
    daemon.stop(signo)
    expect_equal(sorted(words[2] for words in book(daemon)), ["127.0.0.1/32", "127.0.0.9/32"],
                 "who is written down")
    again = scene.daemon(table, args=["--gates", "2"], state_dir=daemon.state_dir)
    expect_equal(again.wait_for_event("bans_restored")["bans"], "2", "bans that hold again")
    for source in (("127.0.0.1", 0), ("127.0.0.9", 0)):
        expect(not is_served(again.client("echo", source=source)), "%s is served", source)
    again.wait_for_event("conn_refused", service="echo", verdict="ban")
    expect(is_served(again.client("echo", source=OTHER)), "somebody else is banned")


@claim()
def a_ban_outlasts_a_reload_that_tells_sources_apart_in_another_way(scene):
    table = scene.line("echo", "tcp4", keys="per_source=1 ban=2/h ban_time=1h")
    daemon = scene.daemon(table, args=["--gates", "2"])
    inside = daemon.client("echo")
    expect_equal(ask(inside, b"in"), b"in", "the first one's answer")
    for _ in range(2):
        expect(not is_served(daemon.client("echo")), "a second connection is served")
    daemon.wait_for_event("source_banned", service="echo")
    inside.close()
    daemon.wait_for_event("conn_ended", service="echo")
    for keys in ("source_prefix4=24 ban=2/h", "source_prefix4=8 ban=3/h", "ban=0", ""):
        daemon.reload(table.replace("per_source=1 ban=2/h", keys))
        expect(not is_served(daemon.client("echo")), "it is served after a reload with %s", keys)
        expect(is_served(daemon.client("echo", source=OTHER)), "another is banned with %s", keys)


@claim()
def a_ban_of_a_service_waits_for_it_to_come_back(scene):
    line = scene.line("echo", "tcp4", keys="no_access=127.0.0.1 ban=1/h ban_time=1h")
    other = scene.line("other", "tcp4", "builtin:discard")
    daemon = scene.daemon(line + other)
    expect(not is_served(daemon.client("echo")), "whom no_access names is served")
    daemon.wait_for_event("source_banned", service="echo", verdict="access")
    daemon.reload(other)
    mark = daemon.log.mark()
    daemon.reload(other + line.replace("no_access=127.0.0.1", ""))
    address = daemon.wait_for_event("listening", since=mark, service="echo")["address"]
    client = scene.connect(("127.0.0.1", int(address.rsplit(":", 1)[1])))
    expect(not is_served(client), "it is served again")


@claim()
def a_ban_ends_at_its_time_though_the_daemon_was_not_there(scene):
    folder = write_book(scene, end_in(1) + " 3600 127.0.0.1/32 =all sensor",
                        end_in(-5) + " 3600 127.0.0.2/32 =all sensor",
                        end_in(3000) + " 3600 127.0.0.3/32 echo ban")
    daemon = scene.daemon(scene.line("echo", "tcp4"), state_dir=folder)
    expect_equal(daemon.wait_for_event("bans_restored")["broken"], "0", "broken lines")
    expect(is_served(daemon.client("echo", source=OTHER)), "it is banned longer than it was to be")
    wait_until(lambda: is_served(daemon.client("echo")), "the ban's end")
    expect(not is_served(daemon.client("echo", source=("127.0.0.3", 0))), "all bans end")
    wait_for_book(daemon, 1)


@claim()
def no_ban_lasts_longer_from_a_start_on_than_it_was_made_for(scene):
    """A host whose clock said nonsense when the ban was made, or says it now."""
    folder = write_book(scene, end_in(10**8) + " 1 127.0.0.1/32 =all sensor")
    daemon = scene.daemon(scene.line("echo", "tcp4"), state_dir=folder)
    expect_equal(daemon.wait_for_event("bans_restored")["bans"], "1", "bans")
    wait_until(lambda: is_served(daemon.client("echo")), "the ban's end")


# ---------------------------------------------------------------- the file

@claim()
def a_broken_line_is_told_with_its_place_and_the_others_hold(scene):
    good = end_in(3600) + " 3600 127.0.0.%d/32 =all sensor"
    folder = write_book(
        scene, good % 1, "nonsense", end_in(3600) + " 3600 10.0.0.1/8 =all sensor",
        "2026-02-31T00:00:00Z 3600 192.0.2.1/32 =all sensor", good % 3 + " more",
        end_in(3600) + " 3600 192.0.2.1/32 =all whim", "x" * 5000, "", good % 4)
    daemon = scene.daemon(scene.line("echo", "tcp4"), state_dir=folder)
    for line, word in ((3, "five words"), (4, "behind its length"), (5, "no moment"), (6, "cause"),
                       (7, "cause"), (8, "so long"), (9, "five words")):
        event = wait_until(lambda line=line: [
            event for event in daemon.log.find("bans_file_broken")
            if event["complaint"].startswith("%s/bans:%d: " % (folder, line))],
            "a complaint about line %d" % line)[0]
        expect(word in event["complaint"], "line %d: %s", line, event["complaint"])
    expect_equal(daemon.wait_for_event("bans_restored")["bans"], "2", "bans")
    for number in (1, 4):
        expect(not is_served(daemon.client("echo", source=("127.0.0.%d" % number, 0))),
               "the ban of a good line does not hold")
    expect(is_served(daemon.client("echo", source=("127.0.0.3", 0))), "a broken line holds")


FOREIGN = {"text": "no bans\n", "no-head": "", "zeros": "\0\0\0\n", "newer": "reeve-bans 2\n"}


@claim(each=sorted(FOREIGN))
def a_file_that_is_none_of_ours_is_left_out(scene, kind):
    folder = write_book(scene)
    with open(os.path.join(folder, "bans"), "w", encoding="utf-8") as file:
        file.write(FOREIGN[kind] + end_in(3600) + " 3600 127.0.0.1/32 =all sensor\n")
    daemon = scene.daemon(scene.line("echo", "tcp4"), state_dir=folder)
    daemon.wait_for_event("bans_file_broken")
    expect(is_served(daemon.client("echo")), "it is banned")


@claim()
def the_file_is_for_nobody_else_and_replaced_as_a_whole(scene):
    daemon = scene.daemon(trap(scene))
    expect(not os.path.exists(daemon.state_dir), "a folder is made before it is needed")
    touch(daemon)
    wait_for_book(daemon, 1)
    path = os.path.join(daemon.state_dir, "bans")
    first = os.stat(path)
    expect_equal(stat.S_IMODE(first.st_mode), 0o600, "the file's mode")
    expect_equal(stat.S_IMODE(os.stat(daemon.state_dir).st_mode), 0o700, "the folder's mode")
    touch(daemon, source=OTHER)
    wait_for_book(daemon, 2)
    expect(os.stat(path).st_ino != first.st_ino, "the file was written over")
    expect_equal(sorted(os.listdir(daemon.state_dir)), ["bans", "bans.lock"], "what is in the folder")
    for words in book(daemon):
        expect_equal(words[1], "3600", "the seconds")
        expect_equal(words[3:], ["=all", "sensor"], "service and cause")


@claim()
def a_link_in_place_of_the_file_is_not_followed(scene):
    folder = write_book(scene)
    target = scene.write("target", "mine\n")
    os.symlink(target, os.path.join(folder, "bans.new"))
    daemon = scene.daemon(trap(scene), state_dir=folder)
    touch(daemon)
    wait_for_book(daemon, 1)
    with open(target, encoding="utf-8") as file:
        expect_equal(file.read(), "mine\n", "the file that the link names")


@claim()
def a_folder_that_cannot_be_written_is_told_and_no_hindrance(scene):
    scene.write("file", "no folder\n")
    daemon = scene.daemon(trap(scene), state_dir=scene.path("file"))
    daemon.wait_for_event("bans_not_kept")
    touch(daemon)
    expect(not is_served(daemon.client("echo")), "it is served")


@claim()
def two_daemons_do_not_write_one_file(scene):
    daemon = scene.daemon(trap(scene))
    touch(daemon)
    wait_for_book(daemon, 1)
    second = scene.daemon(trap(scene), state_dir=daemon.state_dir)
    expect("EWOULDBLOCK" in second.wait_for_event("bans_not_kept")["error"]
           or "EAGAIN" in second.wait_for_event("bans_not_kept")["error"], "another reason")
    touch(second, source=OTHER)
    second.stop()
    expect_equal([words[2] for words in book(daemon)], ["127.0.0.1/32"], "who is written down")


@claim()
def more_bans_than_the_book_holds_are_kept_out_and_told(scene):
    daemon = scene.daemon(trap(scene), "bans = 3;", args=["--gates", "1"])
    for number in range(1, 7):
        touch(daemon, source=("127.0.0.%d" % number, 0))
    daemon.wait_for_event("bans_full")
    expect_equal(len(daemon.log.find("bans_full")), 1, "lines about it")
    for number in range(1, 7):
        expect(not is_served(daemon.client("echo", source=("127.0.0.%d" % number, 0))),
               "%d is served", number)
    daemon.stop()
    expect_equal(sorted(words[2] for words in book(daemon)),
                 ["127.0.0.%d/32" % number for number in (1, 2, 3)], "the first stay")


# ---------------------------------------------------------------- who is banned, and from what

@claim()
def ban_scope_all_keeps_out_of_every_service(scene):
    table = scene.line("echo", "tcp4", keys="no_access=127.0.0.1 ban=2/h ban_scope=all") + (
        scene.line("other", "tcp4", "builtin:echo"))
    daemon = scene.daemon(table, args=["--gates", "2"])
    expect(is_served(daemon.client("other")), "it is banned already")
    for _ in range(2):
        expect(not is_served(daemon.client("echo")), "whom no_access names is served")
    daemon.wait_for_event("source_banned", service="echo", verdict="access")
    expect(not is_served(daemon.client("other")), "the other service still serves it")
    expect(is_served(daemon.client("other", source=OTHER)), "somebody else is banned")
    wait_for_book(daemon, 1)
    expect_equal(book(daemon)[0][2:], ["127.0.0.1/32", "=all", "access"], "the line")


@claim()
def who_touches_a_sensor_again_and_again_is_told_of_once(scene):
    daemon = scene.daemon(trap(scene), args=["--gates", "2"])
    touch(daemon)
    for _ in range(200):
        expect(not is_served(daemon.client("trap")), "a sensor serves")
    daemon.wait_for_event("conn_refused", service="trap")
    expect_equal(len(daemon.log.find("source_banned")), 1, "lines about one source")
    expect_equal(len(wait_for_book(daemon, 1)), 1, "lines of the file")


# ---------------------------------------------------------------- the packet filter

SETS = 'nft_set4 = "inet filter banned4"; nft_set6 = "inet filter banned6";'


def fake_nft(scene, body):
    """A program in nft's place. What it writes lies in the scene's folder."""
    os.chmod(scene.folder, 0o777)
    path = scene.write("nft", "#!/bin/sh\n" + body % {"folder": scene.folder})
    os.chmod(path, 0o755)
    return 'nft_program = "%s"; %s' % (path, SETS)


def recorded(scene, number):
    try:
        with open(scene.path("run.%d" % number), encoding="utf-8") as file:
            return file.read().split("\n")[:-1]
    except FileNotFoundError:
        return []


RECORDING = """cd %(folder)s; number=$(cat count 2>/dev/null || echo 0)
cat >"new"; mv new "run.$number"; echo $((number + 1)) >count
"""


@claim()
def nft_is_told_of_what_is_banned_from_all_and_of_nothing_else(scene):
    folder = write_book(
        scene, end_in(3000) + " 3600 192.0.2.7/32 =all sensor",
        end_in(3000) + " 3600 192.0.2.8/32 echo per-source",
        end_in(3000) + " 3600 198.51.100.9/32 =all sensor",
        end_in(3000) + " 3600 198.51.0.0/16 =all hand",
        end_in(3000) + " 3600 user:77 =all sensor",
        end_in(3000) + " 3600 2001:db8::/64 =all sensor")
    daemon = scene.daemon(trap(scene), fake_nft(scene, RECORDING), state_dir=folder)
    expect_equal(daemon.wait_for_event("bans_exported")["elements"], "3", "elements")
    lines = recorded(scene, 0)
    expect_equal(lines[:2], ["flush set inet filter banned4", "flush set inet filter banned6"],
                 "what comes first")
    expect_equal(len(lines), 4, "lines")
    for name, wanted in (("banned4", ("192.0.2.7", "198.51.0.0/16")),
                         ("banned6", ("2001:db8::/64",))):
        line = [line for line in lines if line.startswith("add element inet filter %s {" % name)][0]
        expect_equal(line.count("timeout"), len(wanted), name)
        for text in wanted:
            expect(re.search(re.escape(text) + r" timeout (29|30)\d\ds", line),
                   "%s is not in: %s", text, line)
    touch(daemon)
    wait_until(lambda: recorded(scene, 1), "the second run")
    expect_equal([re.sub(r" timeout 3[56]\d\ds", "", line) for line in recorded(scene, 1)], [
        word + " element inet filter banned4 { 127.0.0.1 }" for word in ("add", "delete", "add")],
        "what is added")


@claim()
def an_nft_that_fails_is_told_and_tried_again_from_the_beginning(scene):
    settings = fake_nft(scene, "cd %(folder)s; echo 'no such set' >&2; echo more >&2\n"
                        "test -e good || exit 1\n" + RECORDING)
    daemon = scene.daemon(trap(scene), settings)
    touch(daemon)
    event = daemon.wait_for_event("bans_not_exported")
    expect_equal(event["complaint"], "no such set", "its first line")
    expect_equal(event["retry_ms"], "1000", "the first pause")
    expect(not is_served(daemon.client("echo")), "the ban waits for the packet filter")
    daemon.wait_for_event("bans_not_exported", retry_ms=2000)
    scene.write("good", "")
    expect_equal(daemon.wait_for_event("bans_exported")["elements"], "1", "elements")
    expect_equal(recorded(scene, 0)[0], "flush set inet filter banned4", "what comes first")


@claim()
def an_nft_that_hangs_stops_nothing(scene):
    daemon = scene.daemon(trap(scene), fake_nft(scene, "echo $$ >%(folder)s/pid; exec sleep 1000\n"))
    wait_until(lambda: os.path.exists(scene.path("pid")), "nft's start")
    touch(daemon)
    expect(not is_served(daemon.client("echo")), "it is served")
    daemon.reload()
    expect(is_served(daemon.client("echo", source=OTHER)), "nobody is served")


@claim()
def an_nft_that_hangs_does_not_outlive_an_upgrade(scene):
    daemon = scene.daemon(trap(scene), fake_nft(
        scene, "echo $$ >%(folder)s/new; cd %(folder)s; mv new pid.$$; exec sleep 1000\n"))
    started = lambda: {name[4:] for name in os.listdir(scene.folder) if name.startswith("pid.")}
    wait_until(started, "nft's start")
    before = started()
    reevectl(daemon, "upgrade")
    wait_until(lambda: started() - before, "the start of another one")
    wait_until(lambda: not any(os.path.exists("/proc/" + pid) for pid in before), "the old one's end")


@claim(each=["/nonexistent/nft", "/etc/passwd"])
def an_nft_that_cannot_be_started_is_told(scene, path):
    daemon = scene.daemon(trap(scene), 'nft_program = "%s"; %s' % (path, SETS))
    daemon.wait_for_event("bans_not_exported")
    expect(is_served(daemon.client("echo")), "nobody is served")


def nft(daemon, *words, script=None):
    """Run the real one where the daemon is."""
    return subprocess.run(["nsenter", "--net=/proc/%d/ns/net" % daemon.pid, "nft"] + list(words),
                          input=script, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          encoding="utf-8", timeout=WAIT, check=False)


def elements(daemon, name):
    """Prefixes and seconds until they time out."""
    done = nft(daemon, "-j", "list", "set", "inet", "filter", name)
    expect_equal(done.returncode, 0, done.stdout)
    found = {}
    for element in json.loads(done.stdout)["nftables"][-1]["set"].get("elem", []):
        value = element["elem"]["val"]
        if isinstance(value, dict):
            value = "%s/%d" % (value["prefix"]["addr"], value["prefix"]["len"])
        found[value] = element["elem"]["expires"]
    return found


def touch_inside(daemon, address):
    """Touch the sensor from within the daemon's network."""
    words = ["nsenter", "--net=/proc/%d/ns/net" % daemon.pid, sys.executable, "-c",
             "import socket, sys\n"
             "client = socket.create_connection((sys.argv[1], int(sys.argv[2])))\n"
             "client.recv(1)", address[0], str(address[1])]
    subprocess.run(words, timeout=WAIT, check=True)


@claim(needs=["packet filter"])
def real_sets_hold_what_is_banned_until_its_end(scene):
    folder = write_book(scene, end_in(3000) + " 3600 192.0.2.7/32 =all sensor",
                        end_in(3000) + " 3600 2001:db8::/64 =all sensor")
    settings = 'nft_program = "%s"; %s' % (shutil.which("nft"), SETS)
    daemon = scene.daemon(trap(scene, "ban_time=5s"), settings, launch={"network": True},
                          state_dir=folder)
    # The sets are not there yet.
    daemon.wait_for_event("bans_not_exported")
    made = nft(daemon, "-f", "-", script="""
        add table inet filter
        add set inet filter banned4 { type ipv4_addr; flags interval, timeout; }
        add set inet filter banned6 { type ipv6_addr; flags interval, timeout; }
        add element inet filter banned4 { 203.0.113.1 timeout 1h }
        """)
    expect_equal(made.returncode, 0, made.stdout)
    expect_equal(daemon.wait_for_event("bans_exported")["elements"], "2", "elements")
    before = elements(daemon, "banned4")
    expect_equal(list(before), ["192.0.2.7"], "what the sets had before is not there any more")
    expect(2900 <= before["192.0.2.7"] <= 3000, "the time-out is %s", before)
    expect_equal(list(elements(daemon, "banned6")), ["2001:db8::/64"], "the other set")
    touch_inside(daemon, daemon.address("trap", "tcp4"))
    daemon.wait_for_event("source_banned")
    wait_until(lambda: "127.0.0.1" in elements(daemon, "banned4"), "the new element")
    wait_until(lambda: list(elements(daemon, "banned4")) == ["192.0.2.7"], "its end")
    reevectl(daemon, "ban", "192.0.2.0/24", "--for", "1h")
    reevectl(daemon, "ban", "192.0.2.99", "--for", "2h")
    wait_until(lambda: list(elements(daemon, "banned4")) == ["192.0.2.0/24"], "the network alone")
    reevectl(daemon, "unban", "2001:db8::/32")
    wait_until(lambda: not elements(daemon, "banned6"), "an empty set")
    daemon.stop()
