# SPDX-License-Identifier: ISC
"""A small DNS server on loopback, whose records a claim changes as it likes."""

import errno
import ipaddress
import select
import socket
import struct
import threading

from claims import Skip

A, PTR, AAAA = 1, 12, 28
NO_ERROR, SERVER_FAILURE, NO_SUCH_NAME = 0, 2, 3
TRUNCATED = 0x0200
DATAGRAM_MAX = 512  # beyond that it is asked again over TCP
STREAM_MAX = 65535


def reverse_name(address):
    return ipaddress.ip_address(address).reverse_pointer


def encode_name(name):
    return b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\0"


def read_question(packet):
    """(name, type, what stands there)."""
    labels, at = [], 12
    while packet[at]:
        labels.append(packet[at + 1:at + 1 + packet[at]].decode())
        at += 1 + packet[at]
    return (".".join(labels).lower(), struct.unpack("!H", packet[at + 1:at + 3])[0],
            packet[12:at + 5])


class Dns:
    """Answers from `records`: (name, type) to a list of addresses or names. `mute` says nothing but
    of the names in `outspoken`, `failing` says that it cannot; `asked` counts what was asked."""

    def __init__(self, scene, port=0):
        self.records = {}
        self.ttl = 1
        self.mute = self.failing = False
        self.outspoken = set()
        self.asked = []
        self.held = []
        self.turn = threading.Lock()  # of who looks whether it is mute
        self.clients = []
        self.bind(scene, port)
        self.server = "%s:%d" % self.socket.getsockname()
        self.is_over = False
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()
        scene.stack.callback(self.end)

    def bind(self, scene, port):
        """An address where the port, or if it is 0 some port, is free for both protocols."""
        for number in range(1, 200):
            self.socket = scene.keep(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            self.streams = scene.keep(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            try:
                self.socket.bind(("127.78.0.%d" % number if port else "127.0.0.1", port))
                self.streams.bind(self.socket.getsockname())
                self.streams.listen()
                return
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
        raise Skip("somebody has port %d everywhere" % port)

    def end(self):
        self.is_over = True
        self.thread.join()

    def host(self, name, *addresses):
        """Give a name these addresses, and these only."""
        for kind, version in ((A, 4), (AAAA, 6)):
            self.records[name, kind] = [text for text in addresses
                                        if ipaddress.ip_address(text).version == version]

    def reverse(self, address, *names):
        self.records[reverse_name(address), PTR] = list(names)

    def forget(self, name):
        self.records.pop((name, A), None)
        self.records.pop((name, AAAA), None)

    def answer(self, packet, most=DATAGRAM_MAX):
        name, kind, question = read_question(packet)
        self.asked.append((name, kind))
        is_known = any(known == name for known, _ in self.records)
        code = SERVER_FAILURE if self.failing else NO_ERROR if is_known else NO_SUCH_NAME
        values = [] if self.failing else self.records.get((name, kind), [])
        parts = []
        for value in values:
            data = encode_name(value) if kind == PTR else ipaddress.ip_address(value).packed
            parts.append(b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, self.ttl, len(data)) + data)
        if 12 + len(question) + sum(map(len, parts)) > most:
            code, parts = code | TRUNCATED, []
        header = packet[:2] + struct.pack("!HHHHH", 0x8180 | code, 1, len(parts), 0, 0)
        return header + question + b"".join(parts)

    def serve(self):
        while not self.is_over:
            ready = select.select([self.socket, self.streams, *self.clients], [], [], 0.05)[0]
            if self.socket in ready:
                self.serve_datagram(*self.socket.recvfrom(4096))
            if self.streams in ready:
                self.clients.append(self.streams.accept()[0])
            for client in set(self.clients).intersection(ready):
                self.serve_stream(client)
        for client in self.clients:
            client.close()

    def serve_datagram(self, packet, peer):
        with self.turn:
            if self.mute and read_question(packet)[0] not in self.outspoken:
                self.held.append((packet, peer))
                self.asked.append(read_question(packet)[:2])
            else:
                self.socket.sendto(self.answer(packet), peer)

    def serve_stream(self, client):
        """A question with its length before it, or the client's end."""
        try:
            length = client.recv(2, socket.MSG_WAITALL)
            packet = client.recv(*struct.unpack("!H", length), socket.MSG_WAITALL)
            answer = self.answer(packet, STREAM_MAX)
            client.sendall(struct.pack("!H", len(answer)) + answer)
        except (OSError, struct.error):
            self.clients.remove(client)
            client.close()

    def speak(self):
        """Answer what was held back, and from now on."""
        with self.turn:
            self.mute = False
            for packet, peer in self.held:
                self.socket.sendto(self.answer(packet), peer)
            self.held = []
