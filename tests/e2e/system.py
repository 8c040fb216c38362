# SPDX-License-Identifier: ISC
"""What the kernel tells about processes and ports."""

import contextlib
import os
import random
import socket

from claims import Failure


def processes():
    """Every process that can be seen: {pid: (parent, state, name)}."""
    found = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError):
                with open("/proc/%s/stat" % entry, encoding="utf-8", errors="replace") as stat:
                    text = stat.read()
                name = text[text.index("(") + 1:text.rindex(")")]
                rest = text[text.rindex(")") + 2:].split()
                found[int(entry)] = (int(rest[1]), rest[0], name)
    return found


def children(pid):
    return {child: facts for child, facts in processes().items() if facts[0] == pid}


def is_gone(pid):
    """Ended, whether or not somebody has looked; looks, if it was ours to look at."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    facts = processes().get(pid)
    return facts is None or facts[1] in "ZX"


def proc_field(pid, name):
    with open("/proc/%d/status" % pid, encoding="utf-8") as status:
        for line in status:
            if line.startswith(name + ":"):
                return line.split(":", 1)[1].strip()
    raise Failure("no %s in /proc/%d/status" % (name, pid))


def memory_kib(pid):
    return int(proc_field(pid, "VmRSS").split()[0])


def own_memory_kib(pid):
    """What no file and no other process shares with it."""
    return int(proc_field(pid, "RssAnon").split()[0])


def descriptors(pid):
    return sorted(int(number) for number in os.listdir("/proc/%d/fd" % pid))


def cpu_seconds(pid):
    with open("/proc/%d/stat" % pid, encoding="utf-8", errors="replace") as stat:
        rest = stat.read().rsplit(")", 1)[1].split()
    return (int(rest[11]) + int(rest[12])) / os.sysconf("SC_CLK_TCK")


def first_client_port():
    """Where the range begins from which the kernel takes ports for clients."""
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as file:
        return int(file.read().split()[0])


RESERVED = []


def reserve(port):
    """Have no other claim be given that port as long as this one runs, whether it is bound or not:
    of those that try at the same time one alone can. Raises OSError where another has it."""
    mark = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        mark.bind("\0reeve-e2e-port-%d" % port)
    except OSError:
        mark.close()
        raise
    RESERVED.append(mark)  # until the claim's process ends


def free_ports(count, kind=socket.SOCK_STREAM):
    """Neighbouring ports that nobody has now, for tables that must name one. They lie outside the
    range from which the kernel takes ports for clients, so nobody gets one by chance."""
    end = min(first_client_port(), 65000)
    while True:
        first = random.randrange(2000, end - count)
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            for port in range(first, first + count):
                attempt = stack.enter_context(socket.socket(socket.AF_INET, kind))
                attempt.bind(("127.0.0.1", port))
                reserve(port)
            return list(range(first, first + count))


def free_port(kind=socket.SOCK_STREAM):
    return free_ports(1, kind)[0]
