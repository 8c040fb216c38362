# SPDX-License-Identifier: ISC
"""chat, as people with nc and telnet and programs with sockets meet in it."""

import re
import resource
import socket

from claims import WAIT, Skip, claim, expect, expect_equal
from talk import is_silent, receive_datagram, receive_line
from people import Nc, Telnet


def chat(scene, protocols="tcp4", keys="", **rest):
    return scene.daemon("chat 127.0.0.1:0/%s %s builtin\n" % (protocols, keys), **rest)


def enter(person, name):
    """Answer the prompt for a name and wait to be in."""
    person.sees("Your name [")
    person.say(name)
    person.sees("*** You are %s." % name)
    return person


def with_nc(scene, daemon, name):
    return enter(Nc(scene, "127.0.0.1", daemon.port("chat")), name)


def with_telnet(scene, daemon, name):
    return enter(Telnet(scene, "127.0.0.1", daemon.port("chat")), name)


class Member:
    """A program in the room: a socket and its lines."""

    def __init__(self, daemon, name):
        self.conn = daemon.client("chat")
        self.conn.sendall(name.encode() + b"\r\n")
        self.sees(r"^\*\*\* You are %s\.$" % re.escape(name))

    def say(self, line):
        self.conn.sendall(line if isinstance(line, bytes) else line.encode() + b"\r\n")

    def sees(self, pattern):
        """The next line that fits; lines before it are passed over."""
        while True:
            line = receive_line(self.conn)
            if re.search(pattern, line):
                return line


@claim(needs=["nc"])
def two_people_with_nc_talk(scene):
    daemon = chat(scene)
    ann = with_nc(scene, daemon, "ann")
    bob = with_nc(scene, daemon, "bob")
    ann.sees("*** bob has joined\r\n")
    ann.say("hello bob")
    bob.sees("<ann> hello bob\r\n")
    bob.say("hello ann, ça va ?")
    ann.sees("<bob> hello ann, ça va ?\r\n")
    bob.leave()
    ann.sees("*** bob has left\r\n")


@claim(needs=["nc", "telnet"])
def a_person_with_telnet_and_one_with_nc_talk_and_no_command_byte_is_shown(scene):
    daemon = chat(scene)
    ann = with_telnet(scene, daemon, "ann")
    bob = with_nc(scene, daemon, "bob")
    ann.sees("bob")
    bob.say("typed in nc")
    ann.sees("<bob> typed in nc")
    ann.say("typed in telnet")
    bob.sees("<ann> typed in telnet\r\n")
    # At Ctrl-C telnet sends IP and a timing mark, and shows nothing until that is answered.
    ann.write(b"\x03")
    ann.say("still there")
    bob.sees("<ann> still there\r\n")
    bob.say("after the interrupt")
    ann.sees("<bob> after the interrupt")
    for person in (ann, bob):
        expect(b"\xff" not in person.shown, "IAC is shown: %s", person.shown)


@claim(needs=["telnet"])
def telnet_shows_each_line_on_a_line_of_its_own(scene):
    daemon = chat(scene)
    ann = with_telnet(scene, daemon, "ann")
    bob = Member(daemon, "bob")
    bob.say("one")
    bob.say("two")
    ann.sees("<bob> one\r\n<bob> two\r\n")


@claim(each=["crlf", "lf", "cr nul"])
def every_kind_of_line_end_is_understood(scene, end):
    daemon = chat(scene)
    ann, bob = Member(daemon, "ann"), Member(daemon, "bob")
    ann.say(b"one" + {"crlf": b"\r\n", "lf": b"\n", "cr nul": b"\r\0"}[end])
    expect_equal(bob.sees("one"), "<ann> one", "what the other sees")


@claim()
def control_and_escape_bytes_never_reach_another_user(scene):
    daemon = chat(scene)
    ann, bob = Member(daemon, "ann"), Member(daemon, "bob")
    ann.say(b"a\x1b[31mred\x07\x08\x00\x7f\xc2\x9b2Jz\r\n")
    line = bob.sees("<ann>")
    expect(all(ord(character) >= 0x20 and not 0x7f <= ord(character) < 0xa0
               for character in line), "control bytes in %r", line)
    expect(line.startswith("<ann> a") and line.endswith("z"), "the text is lost: %r", line)
    ann.say(b"bad \xff\xfe\xc0\x80 utf-8\r\n")
    line = bob.sees("utf-8")
    expect("\\x" not in line, "invalid UTF-8 reached another user: %s", line)


@claim()
def telnet_commands_are_taken_out_wherever_the_segments_are_cut(scene):
    daemon = chat(scene)
    ann, bob = Member(daemon, "ann"), Member(daemon, "bob")
    for byte in b"he\xff\xfb\x01l\xff\xfa\x18\x00xterm\xff\xf0lo\r\n":
        ann.say(bytes([byte]))
    expect_equal(bob.sees("<ann>"), "<ann> hello", "what the other sees")


@claim()
def names_are_unique_whatever_their_case(scene):
    daemon = chat(scene)
    Member(daemon, "ann")
    other = daemon.client("chat")
    other.sendall(b"ANN\r\n")
    while receive_line(other) != "*** The name ann is taken.":
        pass
    other.sendall(b"bob\r\n")
    while receive_line(other) != "*** You are bob.":
        pass
    other.sendall(b"/nick Ann\r\n")
    while receive_line(other) != "*** The name ann is taken.":
        pass


@claim()
def an_empty_answer_takes_the_name_that_is_offered(scene):
    daemon = chat(scene)
    watcher = Member(daemon, "watcher")
    guest = daemon.client("chat")
    guest.sendall(b"\r\nhello\r\n")
    name = re.match(r"<([^<>\s]+)> hello$", watcher.sees("hello"))
    expect(name, "no name for who chose none")


@claim()
def the_commands_do_what_they_say(scene):
    daemon = chat(scene)
    ann, bob, cat = (Member(daemon, name) for name in ("ann", "bob", "cat"))
    ann.say("/help\r\n/quack")
    text = ""
    while "No command /quack" not in text:
        text += receive_line(ann.conn)
    for command in ("/nick", "/who", "/me", "/msg", "/topic", "/join", "/leave", "/rooms", "/quit"):
        expect("*** " + command in text, "no %s in /help: %s", command, text)
    ann.say("/who")
    ann.sees("3 in lobby")
    expect_equal({ann.sees(r"\(\d+s\)$").split()[1] for _ in range(3)}, {"ann", "bob", "cat"},
                 "who is here")
    ann.say("/me waves")
    expect_equal(bob.sees("waves"), "* ann waves", "/me")
    ann.say("/msg bob between us")
    expect_equal(bob.sees("between us"), "[ann] between us", "/msg")
    ann.say("/nick anna")
    expect_equal(bob.sees("anna"), "*** ann is now anna", "the new name's notice")
    ann.say("after the nick")
    expect_equal(bob.sees("after the nick"), "<anna> after the nick", "the new name")
    expect_equal(cat.sees("between us|after the nick"), "<anna> after the nick",
                 "what a third sees of a /msg")


@claim()
def rooms_part_what_is_said(scene):
    daemon = chat(scene)
    ann, bob, cat = (Member(daemon, name) for name in ("ann", "bob", "cat"))
    ann.say("/join garden")
    ann.sees("alone in garden")
    bob.say("/join garden")
    ann.sees("bob has joined")
    ann.say("only here")
    expect_equal(bob.sees("only here"), "<ann> only here", "in the room")
    ann.say("/topic roses and bees")
    bob.sees("ann has set the topic: roses and bees")
    cat.say("/rooms")
    cat.sees(r"garden \(2\) roses and bees")
    ann.say("/leave")
    bob.sees("ann has left")
    ann.say("back in the lobby")
    expect_equal(cat.sees("only here|back in the lobby"), "<ann> back in the lobby",
                 "what the lobby hears")


@claim()
def a_newcomer_is_shown_the_topic_and_the_last_lines(scene):
    daemon = chat(scene, keys="chat_history=3")
    ann = Member(daemon, "ann")
    ann.say("/topic what it is about")
    ann.sees("what it is about")
    for number in range(5):
        ann.say("line %d" % number)
    ann.say("/me ends")
    ann.sees("ends")
    bob = daemon.client("chat")
    bob.sendall(b"bob\r\n/me is in\r\n")
    lines = []
    while not lines or "is in" not in lines[-1]:
        lines.append(receive_line(bob))
    text = "\n".join(lines)
    expect("what it is about" in text, "no topic in:\n%s", text)
    expect("line 4" in text and "line 0" not in text, "not the last three lines:\n%s", text)


@claim()
def a_line_over_the_limit_is_cut_with_a_notice(scene):
    daemon = chat(scene, keys="chat_line=64")
    ann, bob = Member(daemon, "ann"), Member(daemon, "bob")
    ann.say("x" * 500)
    ann.say("next")
    line = bob.sees("xxx")
    expect(0 < line.count("x") <= 64, "a line of %d", line.count("x"))
    expect_equal(bob.sees("."), "<ann> next", "the line after it")
    ann.sees(r"\*\*\* That line was cut")


@claim()
def a_flood_is_slowed_down_and_told_so(scene):
    daemon = chat(scene, keys="chat_rate=1 chat_burst=5")
    ann, bob = Member(daemon, "ann"), Member(daemon, "bob")
    ann.say(b"".join(b"flood %d\r\n" % number for number in range(30)))
    ann.sees(r"\*\*\* Too fast")
    cat = Member(daemon, "cat")
    cat.say("the end")
    seen = []
    while not seen or "the end" not in seen[-1]:
        seen.append(bob.sees("flood|the end"))
    expect(1 <= len(seen) - 1 <= 10, "%d lines of a flood reached the room", len(seen) - 1)


@claim(seconds=40)
def a_reader_that_is_too_slow_is_dropped_with_a_notice_and_blocks_nobody(scene):
    daemon = chat(scene, keys="chat_rate=1000 chat_burst=10000")
    ann, bob = Member(daemon, "ann"), Member(daemon, "bob")
    slow = scene.socket("tcp4")
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    slow.connect(daemon.address("chat", "tcp4"))
    slow.sendall(b"slow\r\n")
    bob.sees("slow has joined")
    text = b""
    for number in range(2000):
        for part in range(10):
            ann.say("%d.%d " % (number, part) + "x" * 1000)
        # Who reads hears every line, however slow the other one is.
        while b"<ann> %d.9 " % number not in text:
            text = text[-2000:] + bob.conn.recv(65536)
        if b"*** slow has left" in text:
            break
    expect(b"*** slow has left" in text, "the slow reader was not dropped")
    daemon.wait_for_event("conn_ended", service="chat", ending="slow")


@claim()
def users_stay_in_their_room_across_a_reload(scene):
    daemon = chat(scene)
    ann, bob = Member(daemon, "ann"), Member(daemon, "bob")
    ann.say("/join garden")
    ann.sees("alone in garden")
    bob.say("/join garden")
    ann.sees("bob has joined")
    with open(daemon.services, encoding="utf-8") as file:
        table = file.read()
    daemon.reload(table + scene.line("more", "tcp4", "builtin:echo"))
    ann.say("after the reload")
    expect_equal(bob.sees("after the reload"), "<ann> after the reload", "in the room")
    daemon.reload(table.replace(" builtin", " chat_history=5 builtin"))
    bob.say("after another")
    expect_equal(ann.sees("after another"), "<bob> after another", "in the room")


@claim()
def whoever_quits_is_let_go_and_the_room_hears_of_it(scene):
    daemon = chat(scene)
    ann, bob = Member(daemon, "ann"), Member(daemon, "bob")
    ann.say("/quit tired")
    bob.sees(r"\*\*\* ann has left \(tired\)")
    while ann.conn.recv(4096):
        pass
    daemon.wait_for_event("conn_ended", service="chat", ending="served")


@claim()
def two_gates_share_the_rooms(scene):
    daemon = chat(scene, args=["--gates", "2"])
    members = [Member(daemon, "user%d" % number) for number in range(12)]
    members[0].say("everybody here?")
    for member in members[1:]:
        expect_equal(member.sees("everybody"), "<user0> everybody here?", "what the others see")


@claim(each=["unix", "unix-seqpacket", "tcp6"])
def chat_speaks_over_every_stream(scene, protocol):
    daemon = scene.daemon(scene.line("chat", protocol))
    ann, bob = (daemon.client("chat", protocol) for _ in range(2))
    for client, name in ((ann, b"ann"), (bob, b"bob")):
        client.send(name + b"\r\n")
        text = b""
        while b"*** " not in text:
            text += client.recv(65536)
    ann.send(b"hello\r\n")
    text = b""
    while b"<ann> hello\r\n" not in text:
        text += bob.recv(65536)


class Stranger:
    """A datagram user."""

    def __init__(self, daemon, protocol="udp4", **how):
        self.conn = daemon.client("chat", protocol, **how)

    def ask_cookie(self):
        question = b"hello chat, let me in please\n"
        self.conn.send(question)
        answer = receive_datagram(self.conn)[0]
        expect(len(answer) <= len(question), "a stranger gets %d bytes for %d", len(answer),
               len(question))
        found = re.search(rb"/cookie \S+", answer)
        expect(found, "no cookie in %s", answer)
        return found.group(0)

    def enter(self, name):
        self.conn.send(self.ask_cookie() + b" " + name.encode() + b"\n")
        self.sees("*** You are %s." % name)
        return self

    def say(self, line):
        self.conn.send(line.encode() + b"\n")

    def sees(self, text):
        seen = ""
        while text not in seen:
            seen += receive_datagram(self.conn)[0].decode()


@claim(each=["udp4", "unix-dgram"])
def a_datagram_user_gets_in_with_a_cookie_and_shares_the_room(scene, protocol):
    port = scene.new_path(".dgram") if protocol == "unix-dgram" else "127.0.0.1:0"
    if protocol == "unix-dgram":
        daemon = scene.daemon("chat %s/unix-dgram builtin\n" % port)
        ann = Stranger(daemon, protocol).enter("ann")
    else:
        daemon = chat(scene, "tcp4,udp4")
        ann = Member(daemon, "ann")
    eve = Stranger(daemon, protocol).enter("eve")
    ann.sees("eve has joined")
    ann.say("hello datagrams")
    eve.sees("<ann> hello datagrams\r\n")
    eve.say("hello streams")
    ann.sees("<eve> hello streams")
    eve.say("/quit")
    ann.sees("eve has left")


@claim(needs=["nc"])
def a_person_with_nc_over_udp_gets_in_by_typing_the_cookie(scene):
    daemon = chat(scene, "tcp4,udp4")
    ann = Member(daemon, "ann")
    eve = Nc(scene, "-u", "127.0.0.1", daemon.port("chat", "udp4"))
    eve.say("hi")
    eve.say("hello chat, let me in please")
    eve.sees("Say /cookie ")
    eve.sees("\r\n")
    eve.say(re.search(rb"/cookie \S+", eve.shown).group(0).decode())
    eve.sees("Your name [")
    eve.say("eve")
    ann.sees("eve has joined")
    ann.say("welcome")
    eve.sees("<ann> welcome\r\n")


@claim()
def a_stranger_is_told_no_more_than_he_said(scene):
    daemon = chat(scene, "udp4", args=["--gates", "1"])
    stranger = Stranger(daemon)
    for length in range(60):
        question = b"x" * length
        stranger.conn.send(question)
        other = Stranger(daemon)
        other.ask_cookie()  # what comes later is answered: so the first one was looked at
        while not is_silent(stranger.conn):
            answer = receive_datagram(stranger.conn)[0]
            expect(len(answer) <= length, "%d bytes for %d", len(answer), length)
    stranger.say("/who")
    stranger.say("/nick mallory")
    Stranger(daemon).ask_cookie()
    while not is_silent(stranger.conn):
        expect(b"***" not in receive_datagram(stranger.conn)[0], "a stranger was let in")


@claim()
def a_cookie_is_worth_nothing_to_another_address(scene):
    daemon = chat(scene, "tcp4,udp4", args=["--gates", "1"])
    ann = Member(daemon, "ann")
    thief, owner = Stranger(daemon), Stranger(daemon)
    cookie = owner.ask_cookie()
    thief.conn.send(cookie + b" thief\n")
    thief.conn.send(b"/cookie 000000000000 thief\n")
    owner.conn.send(cookie + b" owner\n")
    expect_equal(ann.sees("has joined"), "*** owner has joined", "who came in")


@claim()
def a_silent_datagram_user_has_left(scene):
    daemon = chat(scene, "tcp4,udp4", keys="chat_udp_silence=1s")
    ann = Member(daemon, "ann")
    Stranger(daemon).enter("eve")
    ann.sees("eve has joined")
    ann.sees("eve has left")


@claim(each=["500", "10000"], seconds=60)
def many_users_in_one_room_hear_each_other(scene, count):
    files = int(count) + 200
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard < files:
        raise Skip("%d descriptors are needed, %d are allowed" % (files, hard))
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
    daemon = chat(scene, keys="instances=20000")
    address = daemon.address("chat", "tcp4")
    members = []
    for number in range(int(count)):
        client = scene.connect(address, seconds=WAIT * 5)
        client.sendall(b"user%d\r\n" % number)
        members.append(client)
    last = Member(daemon, "last")
    last.say("everybody?")
    for client in members:
        text = b""
        while b"<last> everybody?\r\n" not in text:
            part = client.recv(65536)
            expect(part, "a user was let go: %s", text[-200:])
            text = text[-100:] + part
