# SPDX-License-Identifier: ISC
"""What README shows people to type, with the real nc and telnet."""

import subprocess
import time

from claims import WAIT, claim, expect, expect_equal
from people import Nc, Telnet


@claim(needs=["nc"])
def nc_shows_the_date_and_ends(scene):
    daemon = scene.daemon(scene.line("daytime", "tcp4"))
    person = Nc(scene, "127.0.0.1", daemon.port("daytime"))
    person.ends_input()
    text = person.reads_all().decode()
    expect(time.strftime("%Y") in text and text.endswith("\n"), "no date: %r", text)


@claim(needs=["nc"])
def nc_over_udp_gets_the_date_by_an_empty_line(scene):
    daemon = scene.daemon(scene.line("daytime", "udp4"))
    person = Nc(scene, "-u", "127.0.0.1", daemon.port("daytime", "udp4"))
    for _ in range(3):
        person.say("")
        person.sees(time.strftime("%Y"))


@claim(needs=["nc"])
def nc_over_udp_gets_lines_of_chargen(scene):
    daemon = scene.daemon(scene.line("chargen", "udp4"))
    person = Nc(scene, "-u", "127.0.0.1", daemon.port("chargen", "udp4"))
    person.say("")
    person.sees("ABCDEFGHIJKLMNOPQRSTUVWXYZ")


@claim(needs=["nc"])
def nc_talks_to_echo_and_gets_all_back_after_its_end(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4"))
    text = b"a line\n" * 20000
    done = subprocess.run(["nc", "-N", "127.0.0.1", str(daemon.port("echo"))], input=text,
                          stdout=subprocess.PIPE, timeout=WAIT, check=True)
    expect_equal(done.stdout, text, "what came back")


@claim(needs=["nc"])
def nc_talks_to_a_unix_socket(scene):
    daemon = scene.daemon(scene.line("echo", "unix"))
    person = Nc(scene, "-U", daemon.address("echo", "unix"))
    person.say("over a file")
    person.sees("over a file\n")


@claim(needs=["nc", "ipv6"])
def nc_talks_over_ipv6(scene):
    daemon = scene.daemon(scene.line("echo", "tcp6"))
    person = Nc(scene, "-6", "::1", daemon.port("echo", "tcp6"))
    person.say("sechs")
    person.sees("sechs\n")


@claim(needs=["nc"])
def a_port_0_of_tcp_is_one_port_of_both_families(scene):
    daemon = scene.daemon("any 0/tcp builtin:echo\n")
    port = daemon.port("any", "tcp4")
    person = Nc(scene, "127.0.0.1", port)
    person.say("vier")
    person.sees("vier\n")
    if daemon.log.find("listening", protocol="tcp6"):
        expect_equal(daemon.port("any", "tcp6"), port, "the port of tcp6")


@claim(needs=["telnet"])
def telnet_talks_to_echo(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4"))
    person = Telnet(scene, "127.0.0.1", daemon.port("echo"))
    person.say("typed")
    person.sees("typed")


@claim(needs=["telnet"])
def telnet_shows_the_date_and_says_that_the_connection_was_closed(scene):
    daemon = scene.daemon(scene.line("daytime", "tcp4"))
    person = Telnet(scene, "127.0.0.1", daemon.port("daytime"))
    person.sees(time.strftime("%Y"))
    person.sees("Connection closed by foreign host")


@claim(needs=["nc"])
def nc_asks_tcpmux_for_help(scene):
    daemon = scene.daemon(scene.line("tcpmux", "tcp4")
                          + scene.line("daytime", "tcp4", keys="tcpmux=plain"))
    person = Nc(scene, "-C", "127.0.0.1", daemon.port("tcpmux"))
    person.say("help")
    person.ends_input()
    expect(b"daytime" in person.reads_all(), "no list: %s", person.shown)
