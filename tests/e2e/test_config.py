# SPDX-License-Identifier: ISC
"""The commands that read the configuration and serve nothing, and starts that must not happen."""

import contextlib
import json
import os
import re
import socket
import subprocess

from claims import IS_ROOT, TREE, Skip, claim, expect, expect_equal
from system import free_port
from talk import receive_line
from varlink import REEVECTL

PLACE = re.compile(r"^(\S+?):(\d+):(\d+): ", re.MULTILINE)

BAD_TABLE = """# three mistakes
echo   127.0.0.1:0/tpc   builtin
other  127.0.0.1:0/tcp4  instnaces=3  builtin:echo
third  127.0.0.1:0/tcp4  builtin:ehco
"""
GOOD_TABLE = """echo    127.0.0.1:0/tcp4,udp4  instances=7 idle=3s  builtin
mirror  %s/unix  mode=0600  builtin:echo
cat     127.0.0.1:0/tcp4  %s env=A="b c"  /bin/cat "two words" \\#x
"""


def good_table(scene):
    return GOOD_TABLE % (scene.path("mirror.sock"), scene.user)


def files(scene, table, conf="daemon: { };\n"):
    return ["--config", scene.write("reeve.conf", conf),
            "--services", scene.write("services", table)]


@claim()
def check_of_a_good_configuration_says_nothing_bad_and_ends_with_0(scene):
    status, _, errors = scene.run_reeved("--check", *files(scene, good_table(scene)))
    expect_equal((status, errors), (0, ""), "status and complaints")
    expect(not os.path.exists(scene.path("mirror.sock")), "--check has bound a socket")


@claim()
def check_reports_every_mistake_of_every_file_in_one_run(scene):
    table = scene.path("services")
    conf = scene.path("reeve.conf")
    status, out, errors = scene.run_reeved("--check", *files(
        scene, BAD_TABLE, 'daemon: { gates = 65; };\ndefaults: { idel = "3s"; };\n'))
    text = out + errors
    expect_equal(status, 1, "exit status")
    places = [(name, int(line)) for name, line, _ in PLACE.findall(text)]
    for place in ((table, 2), (table, 3), (table, 4), (conf, 1), (conf, 2)):
        expect(place in places, "no complaint about %s in:\n%s", place, text)
    for meant in ("tcp", "instances", "echo", "idle"):
        expect(re.search(r'did you mean "?%s' % meant, text), "no %s meant in:\n%s", meant, text)
    expect("^" in text and "instnaces=3" in text, "no line with a caret:\n%s", text)


def checked(*options):
    """How `reevectl check` ends, and what it writes to stdout and to stderr."""
    done = subprocess.run([REEVECTL, "check", *options], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


@claim()
def reevectl_check_says_the_same_and_json_has_it_in_pieces(scene):
    options = files(scene, BAD_TABLE, 'defaults: { idel = "3s"; };\n')
    status, _, errors = scene.run_reeved("--check", *options)
    expect_equal(checked(*options), (status, "", errors), "what reevectl says")
    status, out, errors_of_json = checked("--json", *options)
    expect_equal((status, errors_of_json), (1, ""), "status, and what is on stderr beside")
    told = json.loads(out)
    expect_equal((told["count"], told["services"]), (len(told["complaints"]), None), "numbers")
    lines = ["%(file)s:%(line)d:%(column)d: " % one + (one["key"] + ": " if one["key"] else "") +
             one["text"] for one in told["complaints"]]
    expect_equal(lines, [line for line in errors.splitlines() if PLACE.match(line)], "complaints")
    status, out, errors = checked("--json", *files(scene, good_table(scene)))
    expect_equal((status, json.loads(out), errors),
                 (0, {"complaints": [], "count": 0, "services": 3}, ""), "of one without mistakes")
    status, out, _ = checked("--json", "--config", scene.path("none.conf"))
    complaint, = json.loads(out)["complaints"]
    expect_equal((status, complaint["file"], complaint["line"], complaint["key"]),
                 (1, scene.path("none.conf"), 0, None), "of a file that there is not")


@claim()
def check_binds_nothing_even_where_ports_are_taken(scene):
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as taken:
        status, _, errors = scene.run_reeved("--check", *files(
            scene, "echo 127.0.0.1:%d/tcp4 builtin\n" % taken.getsockname()[1]))
    expect_equal((status, errors), (0, ""), "status and complaints")


@claim()
def a_start_with_a_bad_table_ends_with_1_names_the_place_and_opens_nothing(scene):
    port = free_port()
    daemon = scene.daemon("good 127.0.0.1:%d/tcp4 builtin:echo\n" % port + BAD_TABLE,
                          is_ready=False)
    daemon.expects_status = 1
    expect_equal(daemon.wait(), 1, "exit status")
    daemon.log.thread.join(2)
    text = daemon.log.text()
    expect((daemon.services, "3") in [found[:2] for found in PLACE.findall(text)],
           "no place in:\n%s", text)
    expect_equal(daemon.log.find("listening"), [], "opened ports")


@claim(each=["/nonexistent/services", "a folder"])
def a_table_that_cannot_be_read_is_a_mistake(scene, path):
    path = scene.folder if path == "a folder" else path
    status, out, errors = scene.run_reeved("--check", "--services", path, "--config",
                                           scene.write("reeve.conf", ""))
    expect_equal(status, 1, "exit status")
    expect(path in out + errors, "no name of the file in: %s", out + errors)


@claim()
def print_config_read_back_gives_the_same(scene):
    status, first, errors = scene.run_reeved("--print-config", *files(scene, good_table(scene)))
    expect_equal((status, errors), (0, ""), "status and complaints")
    for word in ("mirror", "two words", "b c", "instances"):
        expect(word in first, "%s is missing in:\n%s", word, first)
    again = scene.write("again.conf", first)
    status, second, errors = scene.run_reeved("--print-config", "--config", again)
    expect_equal((status, errors), (0, ""), "status and complaints of its own print")
    expect_equal(second, first, "the print of the print")


@claim()
def a_printed_configuration_can_be_served(scene):
    _, text, _ = scene.run_reeved("--print-config", *files(scene, scene.line("echo", "tcp4")))
    daemon = scene.daemon(None, settings=text)
    client = daemon.client("echo")
    client.sendall(b"printed\n")
    expect_equal(receive_line(client), "printed", "the echo")


@claim()
def defaults_service_and_line_win_in_that_order(scene):
    conf = ('defaults: { instances = 11; idle = "11s"; backlog = 11; };\n'
            'service: { echo: { instances = 22; idle = "22s"; }; };\n')
    table = "echo 127.0.0.1:0/tcp4 instances=33 builtin\nother 127.0.0.1:0/tcp4 builtin:echo\n"
    _, text, errors = scene.run_reeved("--print-config", *files(scene, table, conf))
    expect_equal(errors, "", "complaints")
    echo = text[text.index("echo"):text.index("other")]
    expect("33" in echo and "22s" in echo and "11" in echo, "not the line's values:\n%s", text)
    expect("11s" in text[text.index("other"):], "not the defaults:\n%s", text)


@claim()
def a_folder_of_tables_is_read_without_hidden_and_backup_files(scene):
    os.mkdir(scene.path("services.d"))
    scene.write("services.d/10-echo", "dropped 127.0.0.1:0/tcp4 builtin:echo\n")
    for name in (".hidden", "backup~"):
        with open(scene.path("services.d/" + name), "w", encoding="utf-8") as file:
            file.write("skipped 127.0.0.1:0/tcp4 builtin:echo\n")
    scene.write("services", "own 127.0.0.1:0/tcp4 builtin:echo\n")
    status, text, errors = scene.run_reeved("--print-config", "--config",
                                            scene.write("reeve.conf", ""))
    expect_equal((status, errors), (0, ""), "status and complaints")
    expect("dropped" in text and "own" in text, "a table is missing:\n%s", text)
    expect("skipped" not in text, "a hidden file was read:\n%s", text)


@claim()
def include_is_followed_and_a_loop_is_a_mistake(scene):
    scene.write("part.conf", "instances = 44;\n")
    conf = 'defaults: {\n@include "part.conf"\n};\n'
    _, text, errors = scene.run_reeved("--print-config", *files(
        scene, scene.line("echo", "tcp4"), conf))
    expect("44" in text, "the included file was not read: %s %s", text, errors)
    scene.write("loop.conf", '@include "loop.conf"\n')
    status, out, errors = scene.run_reeved("--check", "--config", scene.path("loop.conf"))
    expect_equal(status, 1, "exit status of a loop")
    expect("loop.conf" in out + errors, "no name of the file: %s", out + errors)


@claim(each=["/nonexistent/program", "/etc/passwd", "/etc"])
def a_program_that_cannot_run_is_a_mistake(scene, program):
    status, out, errors = scene.run_reeved("--check", *files(
        scene, scene.program("it", program)))
    expect_equal(status, 1, "exit status")
    expect(program in out + errors, "no name in: %s", out + errors)


@claim(needs=["root"])
def root_must_say_whom_a_program_runs_as(scene):
    status, out, errors = scene.run_reeved("--check", *files(
        scene, scene.line("it", "tcp4", "/bin/cat")))
    expect_equal(status, 1, "exit status")
    expect("user" in out + errors, "no word of user in: %s", out + errors)


@claim(needs=["plain user"])
def a_plain_user_cannot_say_whom_a_program_runs_as(scene):
    status, out, errors = scene.run_reeved("--check", *files(
        scene, scene.line("it", "tcp4", "/bin/cat", "user=root")))
    expect_equal(status, 1, "exit status")
    expect("user" in out + errors, "no word of user in: %s", out + errors)


@claim(needs=["plain user"])
def a_port_without_permission_to_bind_is_a_mistake(scene):
    with open("/proc/sys/net/ipv4/ip_unprivileged_port_start", encoding="utf-8") as file:
        if int(file.read()) < 8:
            raise Skip("every port is free for all on this host")
    status, out, errors = scene.run_reeved("--check", *files(
        scene, "echo 127.0.0.1:7/tcp4 builtin\n"))
    expect_equal(status, 1, "exit status")
    expect(":7" in out + errors or "port" in out + errors, "no port in: %s", out + errors)


@claim()
def an_unknown_user_is_a_mistake(scene):
    status, out, errors = scene.run_reeved("--check", *files(
        scene, scene.line("it", "tcp4", "/bin/cat", "user=no-such-user")))
    expect_equal(status, 1, "exit status")
    expect("no-such-user" in out + errors or not IS_ROOT, "no name in: %s", out + errors)


@claim()
def a_line_of_ten_megabytes_is_a_mistake_and_not_a_crash(scene):
    status, out, errors = scene.run_reeved("--check", *files(
        scene, "echo 0/tcp env=A=" + "x" * (10 << 20) + " builtin\n"), seconds=30)
    expect_equal(status, 1, "exit status")
    expect(len(out + errors) < 100000, "the complaint quotes %d bytes", len(out + errors))


@claim()
def help_config_tells_every_key(scene):
    _, text, _ = scene.run_reeved("--help-config")
    with open(os.path.join(TREE, "src", "config", "config_keys.def"), encoding="utf-8") as rows:
        names = re.findall(r"^KEY\(\w+, (\w+),", rows.read(), re.MULTILINE)
    expect(len(names) > 20, "few keys in config_keys.def: %s", names)
    for name in names:
        expect(re.search(r"\b%s\b" % name, text), "no %s in --help-config", name)
    _, manual, _ = scene.run_reeved("--help-config=mdoc")
    for name in names:
        expect(name in manual, "no %s in --help-config=mdoc", name)
    expect(".It" in manual or ".Cm" in manual, "no mdoc: %s", manual[:200])


@claim()
def the_version_is_told_and_an_unknown_option_is_not_served(scene):
    status, text, _ = scene.run_reeved("--version")
    expect(status == 0 and re.search(r"\d+\.\d+", text), "no version: %s", text)
    status, _, errors = scene.run_reeved("--no-such-option")
    expect(status not in (0, None) and errors, "an unknown option is taken")


@claim(needs=["root"])
def a_program_may_not_run_as_the_gates_user(scene):
    status, _, errors = scene.run_reeved("--foreground", "--run-dir", scene.path("run"), *files(
        scene, scene.line("it", "tcp4", "/bin/cat", "user=nobody"),
        'daemon: { gate_user = "nobody"; };\n'))
    expect_equal(status, 1, "exit status")
    expect("gates" in errors, "no reason in: %s", errors)
