# SPDX-License-Identifier: ISC
"""Become the daemon, in a state that a starter may have left.

    launch.py SETTINGS PROGRAM [ARGUMENT ...]

SETTINGS is JSON: `sockets` are descriptors to hand over from 3 on with LISTEN_FDS, `names` their
names; `keep` are descriptors to leave open as they are; `ignore` and `block` are signal numbers;
`umask` is a number; `files` the soft and the hard limit of descriptors. The process id stays, as
sd_listen_fds(3) wants it.
"""

import json
import os
import resource
import signal
import sys


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


def main():
    settings = json.loads(sys.argv[1])
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    for number in settings.get("ignore", []):
        signal.signal(number, signal.SIG_IGN)
    if settings.get("block"):
        signal.pthread_sigmask(signal.SIG_BLOCK, settings["block"])
    if "umask" in settings:
        os.umask(settings["umask"])
    if settings.get("sockets"):
        hand_over(settings["sockets"], settings.get("names"))
    if "files" in settings:
        resource.setrlimit(resource.RLIMIT_NOFILE, settings["files"])
    os.execv(sys.argv[2], sys.argv[2:])


main()
