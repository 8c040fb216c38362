# SPDX-License-Identifier: ISC
"""What the unit forbids, and that what reeve has to do still goes."""

import contextlib
import re
import socket

from claims import expect, expect_equal
from harness import wait_until
from manager import UNIT, expect_echo, in_box, run, talk

WITHOUT = "reeved does not have|reeved itself does not have"
PORT = ("127.0.0.1", 1710)


def exposure(unit=UNIT):
    text = run("systemd-analyze", "security", "--no-pager", unit)
    return float(re.search(r"Overall exposure level for \S+: ([0-9.]+)", text).group(1))


def shell(service, script, user="root", keys=""):
    """What a script prints that reeve starts for a client."""
    path = service.scene.write("/usr/local/bin/script", "#!/bin/sh\n" + script + "\n")
    run("chmod", "755", path)
    service.restart("script 127.0.0.1:1710/tcp user=%s %s %s\n" % (user, keys, path))
    return talk(PORT).decode()


@in_box()
def the_unit_without_drop_ins_is_exposed_as_much_as_its_comments_say(service):
    expect(exposure() < 7.5, "the exposure is %s", exposure())
    expect_equal(service.show("NoNewPrivileges"), "no", "what logins need")


@in_box()
def a_program_of_roots_may_do_what_logins_and_mail_need(service):
    said = shell(service, """
        setpriv --reuid=nobody --regid=nogroup --clear-groups id -u
        touch /etc/of-a-login /usr/of-a-login /home/of-a-login /root/of-a-login && echo wrote
        mkdir -p /tmp/shared && chmod 2775 /tmp/shared && echo setgid
        unshare --mount --pid --fork --net true && echo namespaces
        python3 -c 'import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW)' && echo packets
        ls /proc/1/fd >/dev/null && echo processes""")
    expect_equal(said.split(), ["65534", "wrote", "setgid", "namespaces", "packets", "processes"],
                 "what went")


@in_box()
def a_program_cannot_change_the_kernel(service):
    said = shell(service, """
        swapoff -a 2>/dev/null || echo swap
        date -s 2000-01-01 >/dev/null 2>&1 || echo clock
        dmesg >/dev/null 2>&1 || echo log
        ls /usr/lib/modules >/dev/null 2>&1 || echo modules
        echo 1 2>/dev/null >/proc/sys/net/ipv4/ip_forward || echo tunables""")
    for word in ("clock", "log", "tunables"):
        expect(word in said.split(), "%s was not forbidden: %s", word, said)


@in_box()
def the_drop_in_for_logins_lifts_what_the_unit_forbids(service):
    service.take_example("logins")
    said = shell(service, """
        dmesg >/dev/null 2>&1 && echo log
        echo 1 >/proc/sys/net/ipv4/ip_forward && echo tunables
        grep ^Cap[BP] /proc/self/status | sort -u -k 2 | wc -l
        setarch -R true && echo personality
        grep Seccomp_filters /proc/self/status""")
    for word in ("tunables", "personality"):
        expect(word in said.split(), "%s was forbidden: %s", word, said)
    expect_equal(said.split()[-1], "0", "filters")


@in_box()
def hardened_the_exposure_is_below_3(service):
    service.take_example("hardened")
    expect(exposure() < 3.0, "the exposure is %s", exposure())


def serves_by_name(address):
    """Once the name is known."""
    with contextlib.suppress(OSError):
        return talk(address, b"named") == b"named"
    return False


@in_box()
def hardened_it_serves_all_that_needs_no_root(service):
    service.take_example("hardened")
    service.restart("""
echo 127.0.0.1:7/tcp,udp builtin
upper 127.0.0.1:1710/tcp user=nobody nice=5 rlimit_cpu=10 max_time=1min /usr/bin/tr a-z A-Z
once 127.0.0.1:1711/udp user=nobody instances=3 /usr/bin/tr a-z A-Z
local /run/local.sock/unix mode=0660 group=users builtin:echo
term 127.0.0.1:1712/tcp user=nobody stdio=pty /bin/echo term
named 127.0.0.1:1713/tcp only_from=localhost builtin:echo
""")
    expect_echo()
    expect_equal(talk(PORT, b"program"), b"PROGRAM", "a program")
    expect_equal(talk(("127.0.0.1", 1712)).strip(), b"term", "a program on a terminal")
    wait_until(lambda: serves_by_name(("127.0.0.1", 1713)), "a service for a host by its name")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.settimeout(10)
        asker.sendto(b"datagram", ("127.0.0.1", 1711))
        expect_equal(asker.recv(100), b"DATAGRAM", "a program for a datagram")
    with socket.socket(socket.AF_UNIX) as conn:
        conn.connect("/run/local.sock")
        conn.sendall(b"local")
        expect_equal(conn.recv(100), b"local", "a unix socket")
    service.systemctl("reload")
    expect_equal(service.records(REEVE_EVENT="gate-unconfined"), [], "gates without confinement")
    ended = service.wait_for_record(REEVE_EVENT="handler-ended", REEVE_SERVICE="upper")
    expect_equal((ended["REEVE_BYTES_IN"], ended["REEVE_BYTES_OUT"]), ("7", "7"), "bytes counted")


@in_box()
def hardened_it_is_upgraded_in_place(service):
    service.take_example("hardened")
    service.restart()
    before = service.pid()
    run("reevectl", "upgrade")
    expect_echo()
    expect_equal((service.pid(), len(service.records(REEVE_EVENT="upgraded"))), (before, 1),
                 "process and upgrades")
    expect_equal(service.records(REEVE_EVENT="gate-unconfined"), [], "gates without confinement")


@in_box()
def hardened_it_still_ends_the_programs_that_overstay(service):
    service.take_example("hardened")
    service.restart("slow 127.0.0.1:1710/tcp user=nobody max_time=1s "
                    "/bin/sh -c 'setpriv --help >/dev/null; cat'\n")
    with socket.create_connection(PORT, timeout=20) as conn:
        expect_equal(conn.recv(10), b"", "the end of the connection")
    service.wait_for_record(REEVE_EVENT="handler-ended", REEVE_SERVICE="slow")


@in_box(each=["chroot=/", "capabilities=CAP_NET_ADMIN"])
def hardened_a_key_that_needs_more_is_refused_with_its_place(service, key):
    service.take_example("hardened")
    service.restart()
    service.add_to_table("more 127.0.0.1:1710/tcp user=nobody %s /bin/true\n" % key)
    service.systemctl("reload", status=1)
    said = " ".join(record["MESSAGE"] for record in service.records())
    place = r"/etc/reeve/services:\d+:37: %s: .*(%s)" % (key.split("=")[0], WITHOUT)
    expect(re.search(place, said), "refused: %s", said)
    expect_echo()
