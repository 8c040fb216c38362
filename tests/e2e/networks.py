# SPDX-License-Identifier: ISC
"""Two networks of our own with a cable between them, for what loopback cannot show."""

import ctypes
import os
import shutil
import socket
import subprocess
import threading

from claims import IS_ROOT, NEEDS
from harness import wait_until

CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)


def lacks_networks():
    """Why there can be none; None if there can."""
    if not IS_ROOT:
        return "needs root to make networks"
    for program in ("ip", "nsenter", "unshare"):
        if not shutil.which(program):
            return "%s is not installed" % program
    attempt = subprocess.run(
        ["unshare", "--net", "ip", "link", "add", "left", "type", "veth", "peer", "name", "right"],
        stderr=subprocess.DEVNULL, check=False)
    return None if attempt.returncode == 0 else "this host makes no pairs of interfaces"


NEEDS["networks"] = lacks_networks


class Network:
    """A network namespace, held by a process that does nothing."""

    def __init__(self, scene):
        # pylint: disable=consider-using-with
        self.holder = subprocess.Popen(["unshare", "--net", "sleep", "1000"],
                                       stdin=subprocess.DEVNULL)
        scene.stack.callback(self.end)
        self.path = "/proc/%d/ns/net" % self.holder.pid
        own = os.readlink("/proc/self/ns/net")
        wait_until(lambda: os.readlink(self.path) != own, "a network of its own")
        self.wrapper = ["nsenter", "--net=" + self.path]
        self.ip("link set lo up")

    def end(self):
        self.holder.kill()
        self.holder.wait()

    def ip(self, command):
        subprocess.run(self.wrapper + ["ip"] + command.split(), check=True,
                       stdout=subprocess.DEVNULL)

    def address(self, interface, *addresses):
        for address in addresses:
            extra = " nodad" if ":" in address else ""
            self.ip("address add %s dev %s%s" % (address, interface, extra))
        self.ip("link set %s up" % interface)

    def is_up(self, interface):
        """A packet that is sent before is lost."""
        done = subprocess.run(self.wrapper + ["ip", "-o", "link", "show", interface], check=True,
                              stdout=subprocess.PIPE)
        return b" state UP " in done.stdout

    def cable(self, interface, other, others_interface):
        """A pair of interfaces, one in each network."""
        self.ip("link add %s type veth peer name %s netns %d"
                % (interface, others_interface, other.holder.pid))

    def socket(self, family, kind):
        """A socket of this network, made by a thread that goes there for it."""
        made = []

        def visit():
            with open(self.path, "rb") as namespace:
                if LIBC.setns(namespace.fileno(), CLONE_NEWNET) == 0:
                    made.append(socket.socket(family, kind))

        thread = threading.Thread(target=visit)
        thread.start()
        thread.join()
        return made[0]
