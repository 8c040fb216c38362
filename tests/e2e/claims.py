# SPDX-License-Identifier: ISC
"""Claims: functions that say in their names what is true of the daemon, what they need to be
judged, and how they say that it is not true."""

import contextlib
import os
import shutil
import socket
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
TREE = os.path.dirname(os.path.dirname(HERE))
REEVED = os.path.abspath(os.environ.get("REEVED", os.path.join(TREE, "build", "reeved")))
HANDLERS = os.environ.get("HANDLERS", os.path.join(os.path.dirname(REEVED), "handlers"))
IS_ROOT = os.geteuid() == 0
INTERNET_LOOPBACK = {"tcp4": "127.0.0.1", "udp4": "127.0.0.1", "tcp6": "::1", "udp6": "::1"}
STREAMS = ["tcp4", "tcp6", "unix", "unix-seqpacket"]
DATAGRAMS = ["udp4", "udp6", "unix-dgram"]


def has_sanitizer():
    try:
        with open(REEVED, "rb") as program:
            return b"__asan_init" in program.read()
    except OSError:
        return False


HAS_SANITIZER = has_sanitizer()
SLOW = float(os.environ.get("E2E_SLOW", "3" if HAS_SANITIZER else "1"))
WAIT = 10 * SLOW


class Failure(Exception):
    """The claim is not true."""


class Skip(Exception):
    """The claim cannot be judged here; the text says why."""


class Deadline(Failure):
    """The claim took too long."""


class Claim:
    def __init__(self, function, case, needs, seconds):
        self.function = function
        self.case = case
        self.needs = needs
        self.seconds = seconds * SLOW
        self.name = function.__name__ + ("" if case is None else " [%s]" % case)
        self.place = function.__module__

    def why_not(self):
        """The reason to skip, or None."""
        for need in self.needs:
            reason = NEEDS[need]()
            if reason:
                return reason
        if self.case in INTERNET_LOOPBACK and self.case.endswith("6"):
            return lacks_ipv6()
        return None

    def run(self, scene):
        if self.case is None:
            self.function(scene)
        else:
            self.function(scene, self.case)


CLAIMS = []


def claim(each=(None,), needs=(), seconds=20):
    """Register a function as a claim, once for each of `each` (its second argument)."""

    def register(function):
        CLAIMS.extend(Claim(function, case, needs, seconds) for case in each)
        return function

    return register


def lacks_ipv6():
    with contextlib.closing(socket.socket(socket.AF_INET6)) as attempt:
        try:
            attempt.bind(("::1", 0))
        except OSError as problem:
            return "no IPv6 on loopback: %s" % problem.strerror
    return None


def lacks_program(name):
    return None if shutil.which(name) else "%s is not installed" % name


def lacks_handlers():
    return None if os.path.isdir(HANDLERS) else "no handlers in %s" % HANDLERS


def lacks_pid_namespaces():
    if not IS_ROOT:
        return "needs root to make a process namespace"
    attempt = subprocess.run(["unshare", "--pid", "--fork", "--mount-proc", "true"],
                             stderr=subprocess.DEVNULL, check=False)
    return None if attempt.returncode == 0 else "this host makes no process namespace"


def lacks_mount_namespaces():
    if not IS_ROOT:
        return "needs root to make a view of the files of its own"
    attempt = subprocess.run(["unshare", "--mount", "true"], stderr=subprocess.DEVNULL, check=False)
    return None if attempt.returncode == 0 else "this host makes no mount namespace"


def lacks_packet_filter():
    if not IS_ROOT:
        return "needs root to make a network of its own"
    if not shutil.which("nft") or not shutil.which("nsenter"):
        return "needs nft(8) and nsenter(1)"
    attempt = subprocess.run(["unshare", "--net", "nft", "add table inet filter"],
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return None if attempt.returncode == 0 else "this kernel has no nf_tables, or not for us"


def lacks_memory_pressure():
    try:
        with open("/proc/pressure/memory", encoding="utf-8") as pressure:
            pressure.read()
    except OSError as problem:
        return "this kernel does not tell memory pressure: %s" % problem.strerror
    return None


def lacks_load():
    with open("/proc/loadavg", encoding="utf-8") as loadavg:
        load = float(loadavg.read().split()[0])
    return None if load >= 0.1 else "this host has nothing to do"


def may(number):
    """Have we the capability of that number?"""
    with open("/proc/self/status", encoding="utf-8") as status:
        sets = [line.split()[1] for line in status if line.startswith("CapEff:")]
    return bool(int(sets[0], 16) >> number & 1)


NEEDS = {
    "root": lambda: None if IS_ROOT else "needs root",
    "plain user": lambda: "needs to run as a plain user" if IS_ROOT else None,
    "resources": lambda: None if may(24) else "needs CAP_SYS_RESOURCE",
    "ipv6": lacks_ipv6,
    "nc": lambda: lacks_program("nc"),
    "ps": lambda: lacks_program("ps"),
    "telnet": lambda: lacks_program("telnet"),
    "handlers": lacks_handlers,
    "pid namespaces": lacks_pid_namespaces,
    "mount namespaces": lacks_mount_namespaces,
    "packet filter": lacks_packet_filter,
    "memory pressure": lacks_memory_pressure,
    "load": lacks_load,
    "probe": lambda: None if "E2E_PROBE" in os.environ else "no C compiler for the probe",
    "visits": lambda: None if "E2E_VISITS" in os.environ else "no C compiler for the clients",
    "plain memory": lambda: "a sanitizer has its own memory" if HAS_SANITIZER else None,
}


def expect(truth, text, *details):
    if not truth:
        raise Failure(text % details if details else text)


def expect_equal(got, wanted, what):
    if got != wanted:
        raise Failure("%s: wanted %s, got %s" % (what, shorten(wanted), shorten(got)))


def shorten(value):
    text = repr(value)
    return text if len(text) <= 400 else "%s ... (%d)" % (text[:400], len(text))
