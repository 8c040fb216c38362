# SPDX-License-Identifier: ISC
"""Programs that take the listening socket itself, as inetd's `wait` gives it."""

import os
import signal
import smtplib
import struct

from claims import expect, expect_equal
from inetd import (content_of, end_leftovers, folder_of, random_file, real, run,
                   serve, unpacked, wait_for_turn, wait_gone)
from talk import receive

TFTP_LINES = {
    "tftpd-hpa": "tftp dgram udp wait root /usr/sbin/in.tftpd in.tftpd -s -c -p -u nobody "
                 "--timeout 1 %s/files",
    "atftpd": "tftp dgram udp4 wait nobody %s/atftpd/usr/sbin/in.tftpd in.tftpd "
              "--tftpd-timeout 1 %s/files",
}
READ_REQUEST, DATA, ACKNOWLEDGEMENT = 1, 3, 4


def tftp_daemon(scene, package):
    if package == "atftpd":
        unpacked(scene, package)
    files = folder_of(scene, "files", "nobody")
    line = TFTP_LINES[package]
    daemon = serve(scene, line % ((scene.folder,) * line.count("%s")))
    return daemon, files, str(daemon.port("tftp", "udp4"))


def hpa_client(scene, port, verb, local, remote):
    names = (remote, local) if verb == "get" else (local, remote)
    run(scene, "tftp", "-m", "binary", "127.0.0.1", port, "-c", verb, *names)


def atftp_client(scene, port, verb, local, remote):
    run(scene, "atftp", "--" + verb, "-l", local, "-r", remote, "127.0.0.1", port)


CLIENTS = {"tftp-hpa": hpa_client, "atftp": atftp_client}
PAIRS = ["%s with %s" % (client, server) for server in TFTP_LINES for client in CLIENTS]


@real("tftpd-hpa", "atftpd", "tftp-hpa", "atftp", each=PAIRS)
def tftp_carries_a_megabyte_both_ways(scene, pair):
    client, server = pair.split(" with ")
    daemon, files, port = tftp_daemon(scene, server)
    sent_path, sent = random_file(scene, "sent")
    given = random_file(scene, files + "/given")[1]
    CLIENTS[client](scene, port, "put", sent_path, "taken")
    CLIENTS[client](scene, port, "get", scene.path("fetched"), "given")
    expect_equal(content_of(scene.path("fetched")), given, "the file fetched")
    expect_equal(content_of(files + "/taken"), sent, "the file sent")
    daemon.wait_for_event("handler_ended", service="tftp", ending="exited")


class SlowReader:
    """Fetches a file by TFTP, one block when it is told to."""

    def __init__(self, scene, port, name):
        self.socket = scene.socket("udp4")
        self.server = ("127.0.0.1", int(port))
        self.content = b""
        self.block = 0
        self.socket.sendto(struct.pack("!H", READ_REQUEST) + name + b"\0octet\0", self.server)

    def take_block(self):
        """The next block, acknowledged; whether there are more."""
        while True:
            packet, self.server = self.socket.recvfrom(1000)
            kind, number = struct.unpack("!HH", packet[:4])
            expect_equal(kind, DATA, "the kind of packet")
            if number == self.block + 1:
                break
        self.block = number
        self.content += packet[4:]
        return len(packet) == 4 + 512

    def acknowledge(self):
        self.socket.sendto(struct.pack("!HH", ACKNOWLEDGEMENT, self.block), self.server)


@real("tftpd-hpa", "tftp-hpa")
def a_transfer_goes_on_while_the_port_is_served_by_another_program(scene):
    daemon, files, port = tftp_daemon(scene, "tftpd-hpa")
    given = random_file(scene, files + "/given", 10000)[1]
    slow = SlowReader(scene, port, b"given")
    slow.take_block()
    first = int(daemon.wait_for_event("handler_ended", service="tftp")["pid"])
    hpa_client(scene, port, "get", scene.path("fetched"), "given")
    expect_equal(content_of(scene.path("fetched")), given, "the other client's file")
    second = int(daemon.wait_for_event("handler_ended", service="tftp", count=2)["pid"])
    expect(second != first, "the same program serves again")
    slow.acknowledge()
    while slow.take_block():
        slow.acknowledge()
    slow.acknowledge()
    expect_equal(slow.content, given, "the slow client's file")


def vnc_screen(client):
    """Shake hands; the screen's name."""
    expect_equal(receive(client, 12), b"RFB 003.008\n", "the greeting")
    client.sendall(b"RFB 003.008\n")
    kinds = receive(client, receive(client, 1)[0])
    expect(1 in kinds, "security types: %s", list(kinds))
    client.sendall(b"\1")
    expect_equal(receive(client, 4), bytes(4), "the result of the handshake")
    client.sendall(b"\1")  # leave the screen to others too
    width, height = struct.unpack("!HH", receive(client, 4))
    receive(client, 16)
    name = receive(client, struct.unpack("!I", receive(client, 4))[0])
    return "%dx%d %s" % (width, height, name.decode())


def vnc_daemon(scene, mode):
    # Two servers that look for a free number of a display at once may choose the same.
    wait_for_turn(scene, "displays")
    os.makedirs("/tmp/.X11-unix", exist_ok=True)
    os.chmod("/tmp/.X11-unix", 0o1777)
    return serve(scene, "5951 stream tcp %s nobody /usr/bin/Xtigervnc Xtigervnc -inetd "
                        "-geometry 320x200 -desktop market -SecurityTypes=None "
                        "-MaxDisconnectionTime=1" % mode)


@real("tigervnc-standalone-server", seconds=120)
def one_screen_is_shared_by_its_clients_and_the_next_gets_a_new_one(scene):
    daemon = vnc_daemon(scene, "wait")
    clients = [daemon.client("5951", seconds=30) for _ in range(2)]
    for client in clients:
        expect_equal(vnc_screen(client), "320x200 market", "the screen")
    first, = daemon.handlers()
    for client in clients:
        client.close()
    daemon.wait_for_event("handler_ended", service="5951", pid=first)
    client = daemon.client("5951", seconds=30)
    expect_equal(vnc_screen(client), "320x200 market", "the next screen")
    second, = daemon.handlers()
    expect(second != first, "the same program serves again")
    client.close()


@real("tigervnc-standalone-server", seconds=120)
def each_client_gets_a_screen_of_its_own(scene):
    daemon = vnc_daemon(scene, "nowait")
    clients = []
    for _ in range(2):  # one after another: see above
        clients.append(daemon.client("5951", seconds=30))
        expect_equal(vnc_screen(clients[-1]), "320x200 market", "the screen")
    expect_equal(len(daemon.handlers()), 2, "programs")
    for client in clients:
        client.close()
    daemon.wait_for_event("handler_ended", service="5951", count=2)


@real("tigervnc-standalone-server", seconds=120)
def a_program_that_has_the_listening_socket_outlives_the_daemon(scene):
    daemon = vnc_daemon(scene, "wait")
    address = daemon.address("5951", "tcp4")
    client = daemon.client("5951", seconds=30)
    expect_equal(vnc_screen(client), "320x200 market", "the screen")
    program, = daemon.handlers()
    expect_equal(daemon.stop(), 0, "the daemon's exit status")
    late = scene.connect(address, "tcp4", seconds=30)
    expect_equal(vnc_screen(late), "320x200 market", "a late client's screen")
    os.kill(program, signal.SIGTERM)
    wait_gone(program)


@real("exim4-daemon-light")
def a_mail_server_serves_several_clients_and_leaves_after_its_silence(scene):
    daemon = serve(scene, "smtp stream tcp wait root /usr/sbin/exim4 exim4 -bw4s")
    clients = [smtplib.SMTP("127.0.0.1", daemon.port("smtp"), timeout=10) for _ in range(3)]
    for client in clients:
        expect_equal(client.helo("here")[0], 250, "the answer to a greeting")
    first, = daemon.handlers()
    for client in clients:
        client.quit()
    daemon.wait_for_event("handler_ended", service="smtp", pid=first, ending="exited")
    with smtplib.SMTP("127.0.0.1", daemon.port("smtp"), timeout=10) as client:
        expect_equal(client.noop()[0], 250, "the next program's answer")


@real("lighttpd", "curl")
def a_server_made_for_systemd_finds_its_sockets(scene):
    site = folder_of(scene, "site")
    content = random_file(scene, "site/content")[1]
    settings = scene.write("lighttpd.conf", "\n".join([
        'server.document-root = "%s"' % site, 'server.errorlog = "%s"' % os.path.join(folder_of(scene, 'logs', 'www-data'), 'errors'),
        'server.systemd-socket-activation = "enable"', ""]))
    scene.stack.callback(end_leftovers, scene)
    daemon = scene.daemon("www 127.0.0.1:0/tcp4 user=www-data wait activation=yes "
                          "/usr/sbin/lighttpd -D -f %s\n" % settings)
    url = "http://127.0.0.1:%d/content" % daemon.port("www")
    for _ in range(2):
        expect_equal(run(scene, "curl", "-sS", url), content, "the file")
    first, = daemon.handlers()
    os.kill(first, signal.SIGTERM)
    daemon.wait_for_event("handler_ended", service="www", pid=first)
    expect_equal(run(scene, "curl", "-sS", url), content, "the file from the next program")
    expect(daemon.handlers() != [first], "the same program serves again")
