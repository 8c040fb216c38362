# SPDX-License-Identifier: ISC
"""Where the log goes, and what services want to be written of them."""

import json
import os
import signal

from claims import claim, expect, expect_equal
from harness import wait_until
from talk import ask, receive_all


def lines_of(path):
    """Every line of the file as JSON; an unfinished last one is not looked at."""
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except FileNotFoundError:
        return []
    return [json.loads(line) for line in text.split("\n")[:-1]]


def find(path, event, **fields):
    return [line for line in lines_of(path) if line["event"] == event and
            all(line.get(key) == value for key, value in fields.items())]


def json_daemon(scene, table, **rest):
    path = scene.path("log.json")
    daemon = scene.daemon(table, 'log = "json"; log_file = "%s";' % path, log="json", **rest)
    wait_until(lambda: find(path, "started"), "the first lines")
    return daemon, path


def port_of(path, service):
    return ("127.0.0.1", int(find(path, "listening", service=service)[0]["address"].split(":")[1]))


def use(scene, address, text=b"hello"):
    client = scene.connect(address)
    expect_equal(ask(client, text), text, "the echo")
    client.shutdown(1)
    receive_all(client)


@claim()
def lines_of_json_come_from_all_processes_into_one_file(scene):
    daemon, path = json_daemon(
        scene, scene.line("echo", "tcp4")
        + scene.program("sh", """/bin/sh -c "printf 'a\\\\033b\\\\377\\\\n' >&2" """),
        args=["--gates", "2"])
    use(scene, port_of(path, "echo"))
    receive_all(scene.connect(port_of(path, "sh")))
    wait_until(lambda: find(path, "handler-said"), "what the program said")
    wait_until(lambda: find(path, "handler-ended"), "its end")
    wait_until(lambda: find(path, "conn-ended", service="echo"), "the end of echo's connection")
    said = find(path, "handler-said")[0]
    expect_equal(said["line"], "a\x1bb\ufffd", "the line")
    expect_equal(said["id"], find(path, "handler-ended")[0]["id"], "the connection's id")
    ended = find(path, "conn-ended", service="echo")[0]
    expect_equal((ended["bytes_in"], ended["level"], ended["process"]), (5, "info", "reeve-gate"),
                 "the record")
    expect_equal(os.stat(path).st_mode & 0o7777, 0o640, "the mode")
    expect_equal(daemon.log.text(), "", "what stands on standard error")


@claim(each=["SIGHUP", "nothing"], seconds=30)
def a_file_that_was_moved_is_opened_again(scene, told_by):
    daemon, path = json_daemon(scene, scene.line("echo", "tcp4"), args=["--gates", "2"])
    address = port_of(path, "echo")
    use(scene, address)
    wait_until(lambda: len(find(path, "conn-ended")) == 1, "the first record")
    os.rename(path, path + ".1")
    if told_by == "SIGHUP":
        os.kill(daemon.pid, signal.SIGHUP)
    wait_until(lambda: os.path.exists(path), "the new file")
    for number in range(2, 20):
        use(scene, address)
        wait_until(lambda: len(find(path, "conn-ended")) + len(find(path + ".1", "conn-ended"))
                   == number, "record %d" % number)
        # Every gate has been told, and each is asked by chance.
        if len({line["process_id"] for line in find(path, "conn-ended")}) == 2:
            break
    mark = len(find(path + ".1", "conn-ended"))
    use(scene, address)
    wait_until(lambda: len(find(path + ".1", "conn-ended")) == mark, "nothing in the old file")


@claim()
def a_gate_that_is_started_later_writes_to_the_file_of_now(scene):
    daemon, path = json_daemon(scene, scene.line("echo", "tcp4"), args=["--gates", "1"])
    address = port_of(path, "echo")
    os.rename(path, path + ".1")
    os.kill(daemon.pid, signal.SIGHUP)
    wait_until(lambda: find(path, "reloaded"), "the reload")
    os.kill(daemon.gates()[0], signal.SIGKILL)
    wait_until(lambda: find(path, "gate-started"), "the next gate")
    use(scene, address)
    wait_until(lambda: find(path, "conn-ended"), "its record")


@claim()
def without_a_file_json_goes_to_standard_error(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4"), log="json")
    wait_until(lambda: '"event":"started"' in daemon.log.text(), "the first lines")
    for line in daemon.log.text().split("\n"):
        json.loads(line)


@claim()
def a_file_that_cannot_be_is_said_before_anything_is_started(scene):
    os.symlink(scene.path("elsewhere"), scene.path("link"))
    for path, why in ((scene.path("link"), "it is a symbolic link"),
                      (scene.path("no/such"), "No such file or directory")):
        conf = scene.write("bad.conf", 'daemon: { log = "json"; log_file = "%s"; };\n' % path)
        table = scene.write("bad.services", scene.line("echo", "tcp4"))
        status, _, text = scene.run_reeved("--foreground", "--config", conf, "--services", table,
                                           "--run-dir", scene.path("run"))
        expect_equal(status, 1, "the status")
        expect(path in text and why in text, "the reason: %s", text)
    expect(not os.path.exists(scene.path("elsewhere")), "the link was followed")


@claim()
def a_service_is_logged_as_it_wants(scene):
    daemon = scene.daemon(
        scene.line("all", "tcp4", "builtin:echo")
        + scene.line("few", "tcp4", "builtin:echo", "log_on_success=DURATION,PID")
        + scene.line("quiet", "tcp4", "builtin:echo", "log_on_success=")
        + scene.line("none", "tcp4", "builtin:echo", "log_events=none only_from=10.9.8.7")
        + scene.line("attempt", "tcp4", "builtin:echo", "log_on_failure=ATTEMPT only_from=10.9.8.7")
        + scene.program("cat", "/bin/cat", keys="log_on_success=PID,EXIT"))
    daemon.wait_for_event("started")  # READY=1 may come before the lines that were written first
    addresses = {event["service"]: ("127.0.0.1", int(event["address"].rsplit(":", 1)[1]))
                 for event in daemon.log.find("listening")}
    expect("none" not in addresses, "a service that is not to be logged: %s", addresses)
    for service in ("few", "quiet", "cat", "all"):
        use(scene, addresses[service])
    receive_all(scene.connect(addresses["attempt"]))
    daemon.wait_for_event("conn_ended", service="all")
    few = daemon.wait_for_event("conn_ended", service="few")
    expect_equal(sorted(few.fields), ["duration_ms", "id", "service"], "fields of few")
    cat = daemon.wait_for_event("handler_ended", service="cat")
    expect_equal(sorted(cat.fields), ["ending", "id", "pid", "service"], "fields of cat")
    attempt = daemon.wait_for_event("conn_refused", service="attempt")
    expect("peer" not in attempt.fields, "the attempt: %s", attempt)
    expect_equal(daemon.log.find("conn_ended", service="quiet"), [], "records of quiet")


@claim()
def where_the_next_file_cannot_be_made_the_log_goes_on_in_the_old_one(scene):
    folder = scene.path("logs")
    os.mkdir(folder)
    path = os.path.join(folder, "log.json")
    daemon = scene.daemon(scene.line("echo", "tcp4"),
                          'log = "json"; log_file = "%s";' % path, log="json")
    os.rename(folder, folder + ".moved")
    moved = os.path.join(folder + ".moved", "log.json")
    os.kill(daemon.pid, signal.SIGHUP)
    wait_until(lambda: find(moved, "reloaded"), "the reload")
    kept = find(moved, "log-file-kept")
    expect_equal([(line["file"], line["errno"]) for line in kept], [(path, 2)], "what is told")


@claim()
def an_upgrade_goes_on_in_the_same_file(scene):
    daemon, path = json_daemon(scene, scene.line("echo", "tcp4"))
    address = port_of(path, "echo")
    os.kill(daemon.pid, signal.SIGUSR2)
    wait_until(lambda: find(path, "upgraded"), "the next program")
    use(scene, address)
    wait_until(lambda: find(path, "conn-ended"), "the record")
