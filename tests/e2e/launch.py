# SPDX-License-Identifier: ISC
"""Become the daemon, in a state that a starter may have left.

    launch.py SETTINGS PROGRAM [ARGUMENT ...]

SETTINGS is JSON: `sockets` are descriptors to hand over from 3 on with LISTEN_FDS, `names` their
names; `keep` are descriptors to leave open as they are; `ignore` and `block` are signal numbers;
`umask` is a number; `files` the soft and the hard limit of descriptors. `limits` maps numbers of
resources to soft and hard ones; `groups` are supplementary ones; `nice`, `oom` and `policy` are
numbers; `close` are descriptors to close; `gone` has it stand in a folder that was removed;
`terminal` has it lead a session on a terminal; `network` has it in a network of its own. The process id stays, as sd_listen_fds(3) wants it.
"""

import contextlib
import ctypes
import fcntl
import json
import os
import resource
import signal
import socket
import struct
import sys
import tempfile
import termios


def hand_over(sockets, names):
    high = [os.dup2(fd, 100 + place) for place, fd in enumerate(sockets)]
    for place, fd in enumerate(high):
        os.dup2(fd, 3 + place, inheritable=True)
        os.close(fd)
    os.environ["LISTEN_PID"] = str(os.getpid())
    os.environ["LISTEN_FDS"] = str(len(sockets))
    if names:
        os.environ["LISTEN_FDNAMES"] = ":".join(names)
    os.closerange(3 + len(sockets), 100)


def stand_nowhere():
    folder = tempfile.mkdtemp()
    os.chdir(folder)
    os.rmdir(folder)


def lead_a_session():
    os.setsid()
    master, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    os.set_inheritable(master, True)  # for the terminal to stay


def leave_the_network():
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(0x40000000) != 0:  # CLONE_NEWNET
        raise OSError(ctypes.get_errno(), "unshare")
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as any_socket:
        up = struct.pack("16sH14x", b"lo", 1)  # IFF_UP
        fcntl.ioctl(any_socket, 0x8914, up)  # SIOCSIFFLAGS


def set_priorities(settings):
    os.nice(settings.get("nice", 0))
    if "policy" in settings:
        os.sched_setscheduler(0, settings["policy"], os.sched_param(0))
    if "oom" in settings:
        with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
            file.write(str(settings["oom"]))


def main():
    settings = json.loads(sys.argv[1])
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    for number in settings.get("ignore", []):
        signal.signal(number, signal.SIG_IGN)
    if settings.get("block"):
        signal.pthread_sigmask(signal.SIG_BLOCK, settings["block"])
    if settings.get("gone"):
        stand_nowhere()
    if "umask" in settings:
        os.umask(settings["umask"])
    if settings.get("sockets"):
        hand_over(settings["sockets"], settings.get("names"))
    if "files" in settings:
        resource.setrlimit(resource.RLIMIT_NOFILE, settings["files"])
    for number, limits in settings.get("limits", {}).items():
        resource.setrlimit(int(number), limits)
    if "groups" in settings:
        os.setgroups(settings["groups"])
    set_priorities(settings)
    if settings.get("network"):
        leave_the_network()
    if settings.get("terminal"):
        lead_a_session()
    for fd in settings.get("close", []):
        os.close(fd)
    os.execv(sys.argv[2], sys.argv[2:])


main()
