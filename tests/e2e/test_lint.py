# SPDX-License-Identifier: ISC
"""reevectl lint: what it says of a configuration, to people and to programs. The rules themselves
are in tests/unit/test_lint.c."""

import json
import os
import subprocess

from claims import REEVED, WAIT, claim, expect, expect_equal
from harness import SANITIZER_REPORT

REEVECTL = os.path.join(os.path.dirname(REEVED), "reevectl")


def lint(scene, table, *words):
    """Its exit status, what it wrote to stdout and to stderr. No daemon runs."""
    done = subprocess.run(
        [REEVECTL, "--services", scene.write("table", table), "lint"] + list(words),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=scene.folder,
        env=dict(os.environ, XDG_CONFIG_HOME=scene.folder, HOME=scene.folder),
        timeout=WAIT, check=False)
    texts = (done.stdout.decode(), done.stderr.decode())
    expect(not SANITIZER_REPORT.search(texts[1]), "a sanitizer says: %s", texts[1])
    return (done.returncode,) + texts


@claim()
def lint_finds_nothing_in_a_modest_configuration(scene):
    status, out, _ = lint(scene, "echo 127.0.0.1:20007/tcp,udp builtin\n")
    expect_equal((status, out), (0, "0 findings\n"), "lint")


@claim()
def lint_shows_each_finding_with_its_place_and_line(scene):
    status, out, _ = lint(scene, "# a comment\ngen 20019/udp builtin:chargen\n")
    expect_equal(status, 1, "the exit status")
    expect_equal(out.splitlines(), [
        scene.path("table") + ":2:5: amplifier (warning): "
        '"gen" answers everybody\'s datagrams with more than they were',
        "    2 | gen 20019/udp builtin:chargen",
        "      |     ^^^^^^^^^",
        "1 finding"], "what is printed")


@claim()
def lint_is_json_for_programs(scene):
    status, out, _ = lint(scene, "gen 20019/udp builtin:chargen\n"
                          "quiet 20017/udp lint_ignore=amplifier builtin:qotd\n", "--json")
    expect_equal(status, 1, "the exit status")
    told = json.loads(out)
    expect_equal(told, {"findings": [{
        "rule": "amplifier", "severity": "warning", "service": "gen",
        "file": scene.path("table"), "line": 1, "column": 5,
        "text": '"gen" answers everybody\'s datagrams with more than they were'}],
        "ignored": 1}, "the object")


@claim()
def lint_is_json_whatever_files_are_called(scene):
    path = os.fsencode(scene.folder) + b"/table\xff\x1b"
    with open(path, "wb") as file:
        file.write(b"gen 20019/udp builtin:chargen\n")
    done = subprocess.run([REEVECTL, "--json", "--services", path, "lint"],
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=WAIT, check=False)
    expect_equal(done.returncode, 1, "the exit status")
    expect(json.loads(done.stdout)["findings"][0]["file"].endswith("/table\\xff\\x1b"),
           "the file: %s", done.stdout)


@claim()
def lint_leaves_out_what_is_below_the_level(scene):
    table = "gen 20019/udp builtin:chargen\nfull 20020/udp reply_budget=1M builtin:echo\n"
    status, out, _ = lint(scene, table, "--level", "danger")
    expect_equal(status, 1, "the exit status")
    expect("reply-budget" in out and "amplifier" not in out, "at level danger: %s", out)
    status, out, _ = lint(scene, "gen 20019/udp builtin:chargen\n", "--level", "danger")
    expect_equal((status, out), (0, "0 findings\n"), "nothing is left")


@claim()
def lint_wants_a_configuration_without_mistakes(scene):
    status, out, err = lint(scene, "gen 20019/upd builtin:chargen\n")
    expect_equal((status, out), (2, ""), "status and stdout")
    expect(scene.path("table") + ":1:11:" in err and "mend the mistakes first" in err,
           "what is told: %s", err)
    os.unlink(scene.path("table"))
    done = subprocess.run([REEVECTL, "--services", scene.path("table"), "lint"],
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=WAIT, check=False)
    expect_equal(done.returncode, 2, "without the file")


@claim()
def lint_says_what_is_wrong_with_its_command_line(scene):
    for words, wanted in (
            (("--level", "dangr"), "did you mean danger"),
            (("--level", "\x1b[2J"), "wanted: advice, warning or danger"),
            (("--level",), "requires an argument"),
            (("gen",), "is too much"),
            (("--frob",), "unrecognized option")):
        status, out, err = lint(scene, "echo 127.0.0.1:20007/tcp builtin\n", *words)
        expect_equal((status, out), (2, ""), "status and stdout of %s" % (words,))
        expect(wanted in err and "\x1b" not in err, "lint %s says: %s", words, err)


@claim()
def lint_lists_its_rules(scene):
    status, out, _ = lint(scene, "", "--rules")
    expect_equal(status, 0, "the exit status")
    words = [line.split()[0] for line in out.splitlines() if not line.startswith(" ")]
    status, out, _ = lint(scene, "", "--rules", "--json")
    expect_equal([rule["rule"] for rule in json.loads(out)], words, "the same rules as JSON")
    for word in words:
        _, out, _ = lint(scene, "echo 127.0.0.1:7/tcp lint_ignore=%s builtin\n" % word)
        expect("no rule" not in out, "lint_ignore does not know %s", word)
