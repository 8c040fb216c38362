# SPDX-License-Identifier: ISC
"""A client of Varlink as varlink.org describes it, independent of reeve's own, and a strict reader of
its interface language."""

import array
import json
import os
import re
import socket
import subprocess

from claims import REEVED, WAIT, Failure

REEVECTL = os.path.join(os.path.dirname(REEVED), "reevectl")


class VarlinkError(Exception):
    def __init__(self, name, parameters):
        super().__init__("%s %s" % (name, parameters))
        self.name = name
        self.parameters = parameters


class Client:
    """One connection to the control socket of a daemon."""

    def __init__(self, scene, daemon):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        scene.stack.callback(self.socket.close)
        self.socket.settimeout(WAIT)
        self.pending = b""
        self.descriptors = []
        folder = os.open(daemon.run_dir, os.O_PATH | os.O_DIRECTORY)
        try:
            self.socket.connect("/proc/self/fd/%d/control.sock" % folder)
        finally:
            os.close(folder)

    def send(self, message):
        text = message if isinstance(message, bytes) else json.dumps(message).encode()
        self.socket.sendall(text + b"\0")

    def receive(self):
        """The next message; None at the end."""
        while b"\0" not in self.pending:
            room = socket.CMSG_SPACE(array.array("i").itemsize)
            try:
                data, ancillary, _, _ = self.socket.recvmsg(65536, room)
            except ConnectionResetError:
                return None
            for _, _, fds in ancillary:
                self.descriptors.extend(array.array("i", fds))
            if not data:
                return None
            self.pending += data
        text, self.pending = self.pending.split(b"\0", 1)
        return json.loads(text)

    def reply(self):
        """The parameters of the next reply, and whether another one follows."""
        message = self.receive()
        if message is None:
            raise Failure("the daemon has closed the connection")
        if set(message) - {"parameters", "continues", "error"}:
            raise Failure("no reply of Varlink: %s" % message)
        if "error" in message:
            raise VarlinkError(message["error"], message.get("parameters", {}))
        return message["parameters"], message.get("continues", False)

    def call(self, method, **parameters):
        self.send({"method": full_name(method), "parameters": parameters})
        answer, continues = self.reply()
        if continues:
            raise Failure("%s goes on though nobody asked for more" % method)
        return answer

    def begin(self, method, **parameters):
        """Call it, and have more than one reply."""
        self.send({"method": full_name(method), "parameters": parameters, "more": True})

    def fails(self, method, **parameters):
        """The error that the call ends with."""
        try:
            answer = self.call(method, **parameters)
        except VarlinkError as error:
            return error
        raise Failure("%s does not fail: %s" % (method, answer))


def full_name(method):
    return method if "." in method else "io.reeve.Control." + method


def reevectl(daemon, *words, status=0, **how):
    """Run reevectl on that daemon; what it wrote to stdout and to stderr."""
    command = [REEVECTL, "--run-dir", daemon.run_dir, "--config", daemon.conf]
    if daemon.services is not None:
        command += ["--services", daemon.services]
    done = subprocess.run(command + list(words), capture_output=True, text=True, timeout=WAIT,
                          stdin=subprocess.DEVNULL, **how)
    if done.returncode != status:
        raise Failure("reevectl %s: status %d, not %d\n%s%s" % (
            " ".join(words), done.returncode, status, done.stdout, done.stderr))
    return done.stdout, done.stderr


class Interface:
    """A description, read by the grammar of varlink.org/Interface-Definition and nothing more lenient;
    every type that it names has to be there."""

    TOKEN = re.compile(r"(?:[ \t\n]|#[^\n]*\n)*(->|\[string\]|\[\]|[?(),:]|[A-Za-z][A-Za-z0-9_.-]*|$)")
    INTERFACE = re.compile(r"[A-Za-z]([-]*[A-Za-z0-9])*(\.[A-Za-z0-9]([-]*[A-Za-z0-9])*)+$")
    NAME = re.compile(r"[A-Z][A-Za-z0-9]*$")
    FIELD = re.compile(r"[A-Za-z](_?[A-Za-z0-9])*$")
    PLAIN = {"bool", "int", "float", "string", "object"}

    def __init__(self, text):
        self.text = text
        self.at = 0
        self.token = None
        self.methods, self.types, self.errors, self.wanted = {}, {}, {}, set()
        self.step()
        self.take("interface")
        self.name = self.take(self.INTERFACE)
        while self.token:
            self.member()
        if self.wanted - set(self.types):
            raise Failure("no such type: %s" % (self.wanted - set(self.types)))

    def step(self):
        match = self.TOKEN.match(self.text, self.at)
        if not match:
            raise Failure("no interface language: %r" % self.text[self.at:self.at + 60])
        self.at = match.end()
        self.token = match.group(1)

    def take(self, wanted):
        token = self.token
        if not (token == wanted if isinstance(wanted, str) else wanted.match(token)):
            raise Failure("%r where %s is wanted, before %r" % (
                token, wanted, self.text[self.at:self.at + 60]))
        self.step()
        return token

    def member(self):
        kind = self.token
        place = {"method": self.methods, "type": self.types, "error": self.errors}.get(kind)
        if place is None:
            raise Failure("%r begins no member" % kind)
        self.step()
        name = self.take(self.NAME)
        if name in self.methods or name in self.types or name in self.errors:
            raise Failure("%s is there twice" % name)
        fields = self.struct()
        if kind == "method":
            self.take("->")
            fields = (fields, self.struct())
        place[name] = fields

    def struct(self):
        fields = {}
        self.take("(")
        while self.token != ")":
            name = self.take(self.FIELD)
            if name in fields:
                raise Failure("%s is there twice" % name)
            self.take(":")
            fields[name] = self.type()
            if self.token != ")":
                self.take(",")
                if self.token == ")":
                    raise Failure("a comma before the end")
        self.step()
        return fields

    def type(self):
        prefix = ""
        if self.token == "?":
            prefix += self.take("?")
        while self.token in ("[]", "[string]"):
            prefix += self.take(self.token)
        if self.token == "(":
            return prefix, self.struct()
        if self.token in self.PLAIN:
            return prefix, self.take(self.token)
        self.wanted.add(self.token)
        return prefix, self.take(self.NAME)

    def check(self, fields, value, where):
        """Does a value that came have the members that the description says, of their types?"""
        unknown = set(value) - set(fields)
        if unknown:
            raise Failure("%s: undescribed %s" % (where, unknown))
        for name, (prefix, kind) in fields.items():
            if value.get(name) is None:
                if not prefix.startswith("?"):
                    raise Failure("%s: no %s in %s" % (where, name, value))
                continue
            self.check_value(prefix.lstrip("?"), kind, value[name], "%s.%s" % (where, name))

    def check_value(self, prefix, kind, value, where):
        if prefix.startswith("[]"):
            for item in value:
                self.check_value(prefix[2:], kind, item, where)
        elif prefix.startswith("[string]"):
            for key, item in value.items():
                self.check_value(prefix[8:], kind, item, "%s.%s" % (where, key))
        elif isinstance(kind, dict) or kind in self.types:
            self.check(self.types.get(kind, kind) if isinstance(kind, str) else kind, value, where)
        else:
            wanted = {"bool": bool, "int": int, "float": float, "string": str, "object": object}[kind]
            if not isinstance(value, wanted) or (kind == "int" and isinstance(value, bool)):
                raise Failure("%s: %r is no %s" % (where, value, kind))
