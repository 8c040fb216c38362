# SPDX-License-Identifier: ISC
"""Serve real programs by the lines that inetd.conf has for them, and run their real clients."""

import fcntl
import functools
import glob
import os
import pwd
import signal
import subprocess

import claims
from claims import WAIT, Failure, expect, shorten
from harness import wait_until
from system import is_gone

ARCHIVES = "/var/cache/apt/archives"
MEGABYTE = 1 << 20


def lacks_package(name):
    """Why not. A package that conflicts with others is there as a file alone."""
    done = subprocess.run(["dpkg-query", "-W", "-f", "${db:Status-Status}", name],
                          capture_output=True, check=False)
    if done.stdout == b"installed" or glob.glob("%s/%s_*.deb" % (ARCHIVES, name)):
        return None
    return "%s could not be had" % name


def lacks_own_root():
    """Programs with these settings are for nobody's machine: tests/real/run makes one for them."""
    return None if os.path.isdir("/reeve/build") else "needs the root folder of make check-real"


claims.NEEDS["own root"] = lacks_own_root


def real(*packages, each=(None,), seconds=30):
    """Register a claim about the programs of these packages."""
    for package in packages:
        claims.NEEDS.setdefault(package, functools.partial(lacks_package, package))
    return claims.claim(each=each, needs=["root", "own root", *packages], seconds=seconds)


def line_of(inetd_line, keys="", port="127.0.0.1:0"):
    """A line of inetd.conf in the words of reeve's table; the README has the rules."""
    name, kind, protocol, wait, user, path, *arguments = inetd_line.split()
    words = [name, port + {"stream": "/tcp4", "dgram": "/udp4"}[kind]]
    words.append("user=" + user.replace(".", ":"))
    if wait.startswith("wait"):
        words.append("wait")
    if arguments and arguments[0] != os.path.basename(path):
        words.append("argv0=" + arguments[0])
    expect(protocol[:3] in ("tcp", "udp"), "a protocol of another kind: %s", inetd_line)
    return " ".join(words + [keys, path] + arguments[1:]) + "\n"


def installed_line(name):
    """The line that the package itself has put into inetd.conf, though it may be switched off."""
    with open("/etc/inetd.conf", encoding="utf-8") as file:
        for line in file:
            words = line.replace("#<off>#", "").split()
            if words and words[0] == name:
                return " ".join(words)
    raise Failure("no line of %s in /etc/inetd.conf" % name)


def serve(scene, *inetd_lines, **how):
    """A daemon for these lines of inetd.conf. Programs that go on after it are ended."""
    scene.stack.callback(end_leftovers, scene)
    return scene.daemon("".join(line_of(line, **how) for line in inetd_lines))


def wait_for_turn(scene, what):
    """Be the only claim that runs with what the whole root folder has once."""
    turn = scene.keep(open("/run/turn-of-" + what, "w", encoding="ascii"))
    fcntl.flock(turn, fcntl.LOCK_EX)


def end_leftovers(scene):
    for pid in scene.leftovers():
        os.kill(pid, signal.SIGTERM)
    wait_until(lambda: not scene.leftovers(), "programs to end after SIGTERM")


def unpacked(scene, package):
    """The folder that a package's files are in without being installed."""
    folder = scene.path(package)
    archive, = glob.glob("%s/%s_*.deb" % (ARCHIVES, package))
    subprocess.run(["dpkg-deb", "--extract", archive, folder], check=True)
    return folder


def run(scene, *command, status=0, **rest):
    """Run a client to its end; what it printed."""
    words = [str(word) for word in command]
    environment = dict(os.environ, HOME=scene.folder, LC_ALL="C", **rest.pop("env", {}))
    if "input" not in rest:
        rest.setdefault("stdin", subprocess.DEVNULL)
    rest.setdefault("cwd", scene.folder)
    rest.setdefault("timeout", WAIT)
    try:
        done = subprocess.run(words, env=environment, capture_output=True, check=False, **rest)
    except subprocess.TimeoutExpired as problem:
        raise Failure("%s does not end; it said %s %s" % (
            " ".join(words), shorten(problem.stdout), shorten(problem.stderr))) from None
    if done.returncode != status:
        raise Failure("%s ended with status %d, not %d: %s" % (
            " ".join(words), done.returncode, status, shorten(done.stdout + done.stderr)))
    return done.stdout


def random_file(scene, name, length=MEGABYTE):
    """A file that everybody may read, and its bytes."""
    content = os.urandom(length)
    path = scene.write(name, content)
    os.chmod(path, 0o644)
    return path, content


def add_account(name, password):
    """An account of this root folder, with a mailbox and a home."""
    subprocess.run(["useradd", "--create-home", name], check=True)
    subprocess.run(["chpasswd"], input=("%s:%s\n" % (name, password)).encode(), check=True)


def folder_of(scene, name, user="root", mode=0o755):
    path = scene.path(name)
    os.mkdir(path, mode)
    os.chmod(path, mode)
    account = pwd.getpwnam(user)
    os.chown(path, account.pw_uid, account.pw_gid)
    return path


def content_of(path):
    with open(path, "rb") as file:
        return file.read()


def wait_gone(pid):
    wait_until(lambda: is_gone(pid), "process %d to be gone" % pid)
