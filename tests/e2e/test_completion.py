# SPDX-License-Identifier: ISC
"""What shells offer at the tabulator for reevectl: asked of the shells themselves."""

import os
import shutil
import subprocess

from claims import REEVED, WAIT, Skip, claim, expect, expect_equal
from screen import Terminal

REEVECTL = os.path.join(os.path.dirname(REEVED), "reevectl")
TABLE = ("echo 127.0.0.1:20007/tcp builtin\n"
         "exchange 127.0.0.1:20008/tcp builtin:echo\n"
         "odd'$(touch${IFS}came)' 127.0.0.1:20009/tcp builtin:echo\n")


def environment(scene):
    """reevectl is the one that is tried, and the configuration is nobody else's."""
    return dict(os.environ, PATH=os.path.dirname(REEVECTL) + ":" + os.environ["PATH"],
                HOME=scene.folder, XDG_CONFIG_HOME=scene.folder)


def run(scene, *command):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          env=environment(scene), cwd=scene.folder, timeout=WAIT, check=False)
    expect_equal((done.returncode, done.stderr), (0, ""), "status and stderr of %s" % (command,))
    return done.stdout


def script(scene, shell):
    return scene.write("completion." + shell, run(scene, REEVECTL, "completion", shell))


def bash_offers(scene, *words):
    """The words for the last one, which may be empty. readline's parts: = is a word of its own."""
    offered = run(scene, "bash", "--norc", "--noprofile", "-c",
                  'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _reevectl; '
                  'printf "%s\\n" "${COMPREPLY[@]}"', "bash", script(scene, "bash"), "reevectl",
                  *words)
    return offered.split("\n")[:-1]


def verbs(scene):
    """Those that the help lists; of some the explanation is on the next line."""
    return [line.split()[0] for line in run(scene, REEVECTL, "help").splitlines()[2:]
            if line.startswith("  ") and line[2] != " "]


@claim()
def bash_offers_every_verb_and_the_options_of_each(scene):
    expect_equal(sorted(bash_offers(scene, "")), sorted(verbs(scene)), "verbs")
    expect_equal(bash_offers(scene, "exp"), ["explain"], "what begins with exp")
    common = ["--config", "--services", "--run-dir", "--json", "--help", "--version"]
    expect_equal(bash_offers(scene, "-"), common, "options of all")
    expect_equal(bash_offers(scene, "lint", "--"), ["--level", "--rules"] + common, "of lint")
    expect_equal(bash_offers(scene, "lint", "--level", ""), ["advice", "warning", "danger"],
                 "levels")
    expect_equal(bash_offers(scene, "lint", "--level", "=", "d"), ["danger"], "behind a =")
    expect_equal(bash_offers(scene, "completion", ""), ["bash", "zsh", "fish"], "shells")
    expect_equal(bash_offers(scene, "explain", "echo", "--at", ""), [""], "nothing is known")


@claim()
def bash_offers_the_services_of_the_table(scene):
    table = scene.write("table", TABLE)
    for words in (("--services", table), ("--services", "=", table), ("-s", table)):
        expect_equal(bash_offers(scene, *words, "explain", ""), ["echo", "exchange"],
                     "services with %s" % (words,))
    expect_equal(bash_offers(scene, "-s", table, "explain", "--at", "09:00", "ex"), ["exchange"],
                 "behind an option with a value")
    expect_equal(bash_offers(scene, "-s", table, "kill", "--service", "ec"), ["echo"],
                 "an option's value")
    expect(not os.path.exists(scene.path("came")), "a service's name was run as a command")


@claim()
def bash_completes_what_is_typed(scene):
    """The same at a prompt, with the key itself."""
    table = scene.write("table", TABLE)
    shell = scene.keep(Terminal(
        ["bash", "--norc", "--noprofile", "-i"], cwd=scene.folder, is_shell=True,
        HISTFILE="/dev/null", PS1="ready> ", INPUTRC="/dev/null",
        **{name: environment(scene)[name] for name in ("PATH", "HOME", "XDG_CONFIG_HOME")}))
    shell.wait_for("ready>")
    shell.press("source %s; echo sour''ced\n" % script(scene, "bash"))
    shell.wait_for("sourced")
    shell.press("clear; reevectl --services=%s expl\tex\t--a\t" % os.path.basename(table))
    shell.wait_for("--services=table explain exchange --at")
    shell.press("\x03exit\n")


@claim()
def fish_offers_the_same(scene):
    if shutil.which("fish") is None:
        raise Skip("needs fish")
    table = scene.write("table", TABLE)

    def offers(line):
        got = run(scene, "fish", "--no-config", "-c", "source $argv[1]; complete -C $argv[2]",
                  script(scene, "fish"), line)
        return [one.split("\t")[0] for one in got.splitlines()]
    expect_equal(sorted(offers("reevectl ")), sorted(verbs(scene)), "verbs")
    expect_equal(offers("reevectl lint --level d"), ["danger"], "a level")
    expect_equal(offers("reevectl -s %s explain ec" % table), ["echo"], "a service")
    expect("--rules" in offers("reevectl lint --"), "no option of lint")
    expect(not os.path.exists(scene.path("came")), "a service's name was run as a command")


@claim()
def zsh_offers_the_same(scene):
    if shutil.which("zsh") is None:
        raise Skip("needs zsh")
    table = scene.write("table", TABLE)
    os.rename(script(scene, "zsh"), scene.path("_reevectl"))
    shell = scene.keep(Terminal(
        ["zsh", "-f", "-i"], cwd=scene.folder, is_shell=True, **{name: environment(scene)[name]
                                                  for name in ("PATH", "HOME", "XDG_CONFIG_HOME")}))
    shell.press("PS1='ready> '; fpath=($PWD $fpath); autoload -Uz compinit; compinit -u -D; "
                "echo load''ed\n")
    shell.wait_for("loaded")
    shell.press("clear; reevectl -s %s expl\tex\t--us\t" % os.path.basename(table))
    shell.wait_for("-s table explain exchange --user")
    expect(not os.path.exists(scene.path("came")), "a service's name was run as a command")
    shell.press("\x03exit\n")


@claim()
def completion_says_which_shells_it_knows(scene):
    for words, wanted in ((("tcsh",), "wanted: bash, zsh or fish"), ((), "SHELL: is lacking"),
                          (("bash", "more"), "is too much")):
        done = subprocess.run([REEVECTL, "completion", *words], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=WAIT, check=False)
        expect_equal((done.returncode, done.stdout), (2, ""), "status and stdout")
        expect(wanted in done.stderr, "completion %s says: %s", words, done.stderr)


@claim()
def names_are_those_of_the_table_mistakes_or_not(scene):
    table = scene.write("table", TABLE + "wrong 20010/tpc builtin:echo\n")
    out = run(scene, REEVECTL, "--services", table, "names")
    expect_equal(out.splitlines()[:2], ["echo", "exchange"], "names")
    expect_equal(run(scene, REEVECTL, "--services", scene.path("none"), "names"), "",
                 "without a table")
