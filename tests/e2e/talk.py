# SPDX-License-Identifier: ISC
"""Speak to a service over a socket, with a deadline on everything."""

import contextlib
import errno
import select
import socket

from claims import Failure, WAIT, shorten


def receive(conn, length):
    """Exactly so many bytes of a stream."""
    parts = []
    while length > 0:
        try:
            part = conn.recv(min(length, 1 << 18))
        except socket.timeout:
            raise Failure("%d bytes are missing after %s" % (
                length, shorten(b"".join(parts)))) from None
        if not part:
            raise Failure("the connection ended %d bytes early after %s" % (
                length, shorten(b"".join(parts))))
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


def receive_line(conn):
    """One line of a stream, byte by byte so that the rest stays."""
    line = b""
    while not line.endswith(b"\n"):
        line += receive(conn, 1)
    return line.decode("utf-8", "backslashreplace").rstrip("\r\n")


def receive_all(conn):
    """Everything until the other side has ended."""
    parts = []
    while True:
        try:
            part = conn.recv(1 << 18)
        except socket.timeout:
            raise Failure("no end after %s" % shorten(b"".join(parts))) from None
        if not part:
            return b"".join(parts)
        parts.append(part)


def receive_datagram(conn):
    try:
        return conn.recvfrom(70000)
    except socket.timeout:
        raise Failure("no datagram came") from None


def ask_until_answered(conn, question):
    """Repeat a datagram until something comes back: the daemon's queue may have been full."""
    for _ in range(20):
        conn.send(question)
        if select.select([conn], [], [], WAIT / 20)[0]:
            return conn.recv(70000)
    raise Failure("no answer to a question asked again and again")


def is_silent(conn):
    """Nothing can be read now: neither a byte nor the end."""
    return not select.select([conn], [], [], 0)[0]


def ask(conn, question, length=None):
    """Send, and receive so many bytes (as many as were sent)."""
    conn.sendall(question)
    return receive(conn, len(question) if length is None else length)


def is_refused(address, family=socket.AF_INET):
    with contextlib.closing(socket.socket(family)) as attempt:
        attempt.settimeout(WAIT)
        return attempt.connect_ex(address) == errno.ECONNREFUSED
