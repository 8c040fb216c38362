# SPDX-License-Identifier: ISC
"""Programs that people log in with."""

import os
import subprocess

from claims import expect, expect_equal
from people import AtTerminal, Telnet
from inetd import (add_account, content_of, end_leftovers, installed_line, line_of, random_file,
                   real, run, serve)
from system import children

SSH_OPTIONS = ["-F", "/dev/null", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no",
               "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"]


def make_key(scene, name):
    run(scene, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", scene.path(name))
    return scene.path(name)


class Secure:
    """A secure shell daemon that knows our key, and its client."""

    def __init__(self, scene, line):
        self.scene = scene
        self.key = make_key(scene, "key")
        self.daemon = serve(scene, line)

    def command(self, *words):
        return ["ssh", *SSH_OPTIONS, "-i", self.key, "-p", str(self.daemon.port("ssh")),
                "root@127.0.0.1", *words]

    def run(self, *words, **how):
        return run(self.scene, *self.command(*words), **how)


def openssh(scene):
    os.makedirs("/run/sshd", exist_ok=True)
    host_key = make_key(scene, "host-key")
    settings = scene.write("sshd_config", "\n".join([
        "HostKey " + host_key, "AuthorizedKeysFile " + scene.path("key.pub"), "StrictModes no",
        "UsePAM no", "PasswordAuthentication no",
        "Subsystem sftp /usr/lib/openssh/sftp-server", ""]))
    return Secure(scene, "ssh stream tcp nowait root /usr/sbin/sshd sshd -i -f " + settings)


def dropbear(scene):
    host_key = scene.path("host-key")
    run(scene, "dropbearkey", "-t", "ed25519", "-f", host_key)
    secure = Secure(scene, "ssh stream tcp nowait root /usr/sbin/dropbear dropbear -i -r " +
                    host_key)
    os.makedirs("/root/.ssh", mode=0o700, exist_ok=True)
    with open("/root/.ssh/authorized_keys", "ab") as file:
        file.write(content_of(secure.key + ".pub"))
    return secure


DAEMONS = {"openssh-server": openssh, "dropbear-bin": dropbear}


@real("openssh-server", "dropbear-bin", "openssh-client", each=list(DAEMONS))
def a_key_logs_in_and_the_commands_output_and_status_come_back(scene, package):
    secure = DAEMONS[package](scene)
    expect_equal(secure.run("id -un; echo complaint >&2; exit 7", status=7), b"root\n", "output")
    secure.daemon.wait_for_event("handler_ended", service="ssh")


@real("openssh-server", "dropbear-bin", "openssh-client", each=list(DAEMONS))
def a_megabyte_goes_both_ways_through_a_secure_shell(scene, package):
    secure = DAEMONS[package](scene)
    _, content = random_file(scene, "content")
    expect_equal(secure.run("cat", input=content), content, "what came back")


@real("openssh-server", "openssh-client")
def sftp_gets_what_it_has_put(scene):
    secure = openssh(scene)
    path, content = random_file(scene, "content")
    orders = "put %s %s\nget %s %s\n" % (path, scene.path("there"), scene.path("there"),
                                         scene.path("back"))
    run(scene, "sftp", *SSH_OPTIONS, "-b", "-", "-i", secure.key, "-P",
        secure.daemon.port("ssh"), "root@127.0.0.1", input=orders.encode())
    expect_equal(content_of(scene.path("back")), content, "the file that came back")


@real("openssh-server", "dropbear-bin", "openssh-client", each=list(DAEMONS))
def a_session_outlives_reloads_its_service_and_the_daemon(scene, package):
    secure = DAEMONS[package](scene)
    session = subprocess.Popen(secure.command("cat"), stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE)
    scene.stack.callback(session.wait)
    scene.stack.callback(session.kill)

    def goes_on(text):
        session.stdin.write(text)
        session.stdin.flush()
        expect_equal(session.stdout.readline(), text, "what the session answers")
    goes_on(b"before\n")
    secure.daemon.reload()
    goes_on(b"after a reload\n")
    secure.daemon.reload("")
    goes_on(b"without its service\n")
    expect_equal(secure.daemon.stop(), 0, "the daemon's exit status")
    goes_on(b"without the daemon\n")
    session.stdin.close()
    expect_equal(session.wait(10), 0, "the session's exit status")


def logged_in(scene, daemon, name):
    """A new person, who has come in by telnet and sees the shell's prompt."""
    add_account(name, "correct horse")
    person = Telnet(scene, "127.0.0.1", daemon.port("telnet"))
    for question, answer in (("login: ", name), ("Password: ", "correct horse")):
        person.sees(question)
        person.say(answer)
    person.sees("$ ")
    return person


@real("inetutils-telnetd", "inetutils-telnet", "tcpd")
def telnet_leads_to_a_shell_on_a_terminal_of_its_own(scene):
    daemon = serve(scene, installed_line("telnet"))
    person = logged_in(scene, daemon, "cyd")
    person.say("echo $((6 * 7)) $(tty)")
    person.sees("42 /dev/pts/")
    program, = daemon.handlers()
    expect(children(program), "no shell below the program")
    person.say("exit")
    person.reads_all()
    daemon.wait_for_event("handler_ended", service="telnet")


@real("inetutils-telnetd", "inetutils-telnet", "tcpd", "talkd", "talk")
def two_people_talk(scene):
    daemon = scene_with_talk(scene)
    dora = logged_in(scene, daemon, "dora")
    dora.say("mesg y; export TERM=vt100; tty")
    dora.sees("/dev/pts/")
    bob = AtTerminal(scene, "talk", "dora@localhost", terminal="vt100")
    dora.sees("talk: connection requested by root@")
    bob.sees("Waiting for your party to respond")  # its daemon has the invitation only now
    dora.say("talk root@localhost")
    for person in (dora, bob):
        person.sees("onnection established")
    bob.write(b"is anybody there?")
    dora.sees("is anybody there?")
    dora.write(b"only the reeve")
    bob.sees("only the reeve")
    bob.write(b"\x03")
    dora.sees("closed. ^C to exit")


def scene_with_talk(scene):
    scene.stack.callback(end_leftovers, scene)
    return scene.daemon(line_of(installed_line("telnet")) +
                        line_of(installed_line("ntalk"), port="127.0.0.1:518"))
