# SPDX-License-Identifier: ISC
"""Start the real reeved in a folder of its own, watch what it says, and leave nothing behind.

A claim is a function that takes a Scene: everything that it opens or starts through the scene is
closed and ended in reverse order when it returns. Nothing here waits by sleeping for a fixed time:
what the daemon reports (sd_notify, log events) is waited for, and what it cannot report (a process
that is gone, a counter of the kernel) is looked at again and again under a deadline.
"""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

from claims import DATAGRAMS, HERE, IS_ROOT, REEVED, SLOW, WAIT, Failure, expect, expect_equal
from system import children, descriptors
from talk import receive_line

SANITIZER_REPORT = re.compile(r"AddressSanitizer|LeakSanitizer|UndefinedBehavior|runtime error:")


def wait_until(is_true, what, seconds=None):
    """Look again and again until it is true; gives what it was. For what nobody reports."""
    end = time.monotonic() + (WAIT if seconds is None else seconds)
    while True:
        truth = is_true()
        if truth:
            return truth
        if time.monotonic() > end:
            raise Failure("in vain waited for: " + what)
        time.sleep(0.01)


class Event:
    """One line of the log. Its name is that of events.def, with underscores."""

    LINE = re.compile(r"(?:^|\s)(err|warning|notice|info|debug) ([a-z_-]+): (.*)$")
    FIELD = re.compile(r' ([a-z_]+)=("(?:[^"\\]|\\.)*"|[^ ]*)')

    def __init__(self, line):
        match = self.LINE.search(line)
        self.line = line
        self.level = match.group(1) if match else None
        self.name = match.group(2).replace("-", "_") if match else None
        self.fields = {}
        for key, value in self.FIELD.findall(" " + match.group(3) if match else ""):
            self.fields[key] = value[1:-1] if value.startswith('"') else value

    def fits(self, name, fields):
        return self.name == name and all(
            self.fields.get(key) == str(value) for key, value in fields.items())

    def __repr__(self):
        return "<%s>" % self.line

    def __getitem__(self, key):
        if key not in self.fields:
            raise Failure("no field %s in: %s" % (key, self.line))
        return self.fields[key]


class Manager:
    """The service manager's end of sd_notify(3); reads at once, as a manager does."""

    def __init__(self, path):
        self.path = path
        self.messages = []
        self.stored = []
        self.looked_at = 0
        self.changed = threading.Condition()
        self.may_read = threading.Event()
        self.may_read.set()
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        os.chmod(path, 0o666)
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        while True:
            self.may_read.wait()
            message, fds, _, _ = socket.recv_fds(self.socket, 65536, 16)
            message = message.decode()
            with self.changed:
                if not message:
                    return
                self.keep(dict(line.split("=", 1) for line in message.split("\n")), fds)
                self.messages.append(message)
                self.changed.notify_all()

    def keep(self, fields, fds):
        """The store of descriptors: what is put into it, and what is taken out."""
        name = fields.get("FDNAME")
        if "FDSTOREREMOVE" in fields:
            for _, fd in [pair for pair in self.stored if pair[0] == name]:
                os.close(fd)
            self.stored = [pair for pair in self.stored if pair[0] != name]
        if "FDSTORE" in fields:
            self.stored += [(name, fd) for fd in fds]
        else:
            for fd in fds:
                os.close(fd)

    @contextlib.contextmanager
    def held_up(self):
        """A time in which it reads one more message and no further one."""
        self.may_read.clear()
        try:
            yield
        finally:
            self.may_read.set()

    def next_message(self, wanted, seconds):
        """The next message that has that line; None if none comes in time."""
        end = time.monotonic() + seconds
        with self.changed:
            while True:
                while self.looked_at < len(self.messages):
                    self.looked_at += 1
                    if wanted in self.messages[self.looked_at - 1].split("\n"):
                        return self.messages[self.looked_at - 1]
                if not self.changed.wait(max(0, end - time.monotonic())):
                    return None

    def close(self):
        with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as last:
            last.sendto(b"", self.path)
        self.thread.join()
        self.socket.close()
        for _, fd in self.stored:
            os.close(fd)
        os.unlink(self.path)


class Log:
    """The daemon's standard error, read by a thread so that it never fills."""

    def __init__(self, stream):
        self.events = []
        self.is_over = False
        self.changed = threading.Condition()
        self.thread = threading.Thread(target=self.read, args=(stream,), daemon=True)
        self.thread.start()

    def read(self, stream):
        with stream:
            for line in stream:
                with self.changed:
                    text = line.decode("utf-8", "backslashreplace").rstrip("\n")
                    self.events.append(Event(text))
                    self.changed.notify_all()
        with self.changed:
            self.is_over = True
            self.changed.notify_all()

    def mark(self):
        """Where the log ends now, for `since`."""
        with self.changed:
            return len(self.events)

    def find(self, name, /, since=0, **fields):
        with self.changed:
            return [event for event in self.events[since:] if event.fits(name, fields)]

    def wait_for_event(self, name, /, since=0, seconds=None, count=1, **fields):
        """The count-th event of that name and those fields after `since`."""
        end = time.monotonic() + (WAIT if seconds is None else seconds)
        with self.changed:
            while True:
                found = [event for event in self.events[since:] if event.fits(name, fields)]
                if len(found) >= count:
                    return found[count - 1]
                rest = end - time.monotonic()
                if rest <= 0 or self.is_over:
                    wanted = " ".join("%s=%s" % pair for pair in fields.items())
                    raise Failure("the log has %d of %d: %s %s%s" % (
                        len(found), count, name, wanted, " (log ended)" if self.is_over else ""))
                self.changed.wait(rest)

    def tail(self, count=25):
        with self.changed:
            return [event.line[:300] for event in self.events[-count:]]

    def text(self):
        with self.changed:
            return "\n".join(event.line for event in self.events)


def descriptor_counts(daemon):
    """How many each process of the daemon has open. A gate may be looked into by root alone."""
    counts = {}
    for pid in daemon.family():
        with contextlib.suppress(PermissionError):
            counts[pid] = len(descriptors(pid))
    return counts


def wait_for_no_more_descriptors(daemon, before):
    """Wait until no process of the daemon holds more than it did, and all are still there."""

    def holds_no_more():
        now = descriptor_counts(daemon)
        return now.keys() == before.keys() and all(now[pid] <= before[pid] for pid in now)
    wait_until(holds_no_more, "no more descriptors than before: %s" % before)


class Daemon:
    """One reeved. Made by Scene.daemon."""

    def __init__(self, scene, conf, services, run_dir, args=(), launch=None, wrapper=(),
                 environment=None, log="stderr", state_dir=None, reeved=REEVED,
                 stored=()):
        self.scene = scene
        self.conf = conf
        self.services = services
        self.run_dir = run_dir
        self.state_dir = state_dir or run_dir + ".state"
        self.expects_status = 0
        self.manager = Manager(scene.new_path(".notify"))
        self.manager.stored += [(name, os.dup(fd)) for name, fd in stored]
        self.reeved = reeved
        self.process = self.start(args, launch or {}, wrapper, environment or {}, log)
        self.pid = self.process.pid
        self.log = Log(self.process.stderr)

    def start(self, args, launch, wrapper, environment, log):
        command = list(wrapper) + [
            sys.executable, os.path.join(HERE, "launch.py"), json.dumps(launch), self.reeved,
            "--foreground", "--config", self.conf, "--run-dir", self.run_dir, "--log", log,
            "--state-dir", self.state_dir]
        if self.services is not None:
            command += ["--services", self.services]
        command += args
        env = dict(os.environ, NOTIFY_SOCKET=self.manager.path, **environment)
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, env=env,
                                pass_fds=launch.get("sockets", []) + launch.get("keep", []),
                                cwd=self.scene.folder)

    def wait_for_notify(self, wanted, seconds=None):
        """Wait for a line like READY=1 among the messages not looked at before."""
        end = time.monotonic() + (WAIT if seconds is None else seconds)
        while time.monotonic() < end:
            message = self.manager.next_message(wanted, 0.1)
            if message is not None:
                return message
            if self.process.poll() is not None:
                break
        raise Failure("no %s from the daemon (status %s); messages: %s" % (
            wanted, self.process.poll(), self.manager.messages))

    def wait_for_event(self, name, /, **rest):
        return self.log.wait_for_event(name, **rest)

    def address(self, service, protocol):
        """What connect(2) takes for that port, as the log tells it."""
        event = self.wait_for_event("listening", service=service, protocol=protocol)
        text = event["address"]
        if protocol.startswith("unix"):
            return text
        host, port = text.rsplit(":", 1)
        host = host.strip("[]")
        host = {"0.0.0.0": "127.0.0.1", "::": "::1", "*": "127.0.0.1"}.get(host, host)
        return (host, int(port))

    def port(self, service, protocol="tcp4"):
        return self.address(service, protocol)[1]

    def client(self, service, protocol="tcp4", **how):
        return self.scene.connect(self.address(service, protocol), protocol, **how)

    def gates(self):
        """Process ids of the gates, the oldest first."""
        return sorted(pid for pid, facts in children(self.pid).items()
                      if facts[2] == "reeve-gate" and facts[1] not in "ZX")

    def handlers(self):
        return sorted(pid for pid, facts in children(self.pid).items()
                      if facts[2] != "reeve-gate")

    def hold(self, service="hold"):
        """A client of a service that runs `probe hold`, and the program's process id."""
        client = self.client(service)
        words = receive_line(client).split()
        expect_equal(words[0], "ready", "the program's first word")
        return client, int(words[1])

    def family(self):
        return [self.pid] + self.gates()

    def write_table(self, table):
        self.scene.write(self.services, table)

    def reload(self, table=None, wanted="reloaded"):
        """Change the table, send SIGHUP and wait for the answer in the log."""
        if table is not None:
            self.write_table(table)
        mark = self.log.mark()
        os.kill(self.pid, signal.SIGHUP)
        return self.wait_for_event(wanted, since=mark)

    def wait(self, seconds=None):
        """Its exit status, once it has ended by itself."""
        try:
            return self.process.wait(WAIT if seconds is None else seconds)
        except subprocess.TimeoutExpired:
            raise Failure("the daemon does not end") from None

    def stop(self, signo=signal.SIGTERM):
        os.kill(self.pid, signo)
        return self.wait()

    def end(self):
        """Clean-up: end it if nobody has, and judge how it went."""
        problem = None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10 * SLOW)
            except subprocess.TimeoutExpired:
                problem = "the daemon did not end after SIGTERM"
                self.process.kill()
                self.process.wait()
        self.log.thread.join(2)
        self.process.stdout.close()
        self.manager.close()
        if SANITIZER_REPORT.search(self.log.text()):
            raise Failure("a sanitizer has something to say:\n" + self.log.text()[-4000:])
        if problem is None and self.process.returncode != self.expects_status:
            problem = "the daemon's exit status is %s, not %s" % (
                self.process.returncode, self.expects_status)
        if problem:
            raise Failure(problem)


class Scene:
    """The folder of one claim, and all that has to be undone after it."""

    def __init__(self, folder):
        self.folder = folder
        self.stack = contextlib.ExitStack()
        self.daemons = []
        self.notes = []  # figures, for who looks
        self.names = 0
        self.probe = os.environ.get("E2E_PROBE", "")
        # Who is root must say whom a program runs as; a plain user must not.
        self.user = "user=nobody" if IS_ROOT else ""

    def path(self, name):
        return os.path.join(self.folder, name)

    def new_path(self, suffix):
        self.names += 1
        return self.path("%d%s" % (self.names, suffix))

    def write(self, name, text):
        """Put a file in place at once, as an editor does."""
        path = self.path(name)
        with open(path + "~", "wb") as file:
            file.write(text if isinstance(text, bytes) else text.encode())
        os.rename(path + "~", path)
        return path

    def line(self, name, protocol, handler="builtin", keys=""):
        """A line of the table on loopback, with a port that the kernel picks."""
        if protocol.startswith("unix"):
            port = self.new_path(".sock")
        elif protocol.endswith("6"):
            port = "[::1]:0"
        else:
            port = "127.0.0.1:0"
        return "%s %s/%s %s %s\n" % (name, port, protocol, keys, handler)

    def echo_at(self, port, keys=""):
        """A line for echo at a port that is known beforehand."""
        return "echo 127.0.0.1:%d/tcp4 %s builtin\n" % (port, keys)

    def program(self, name, arguments, protocol="tcp4", keys=""):
        """A line that starts a program."""
        return self.line(name, protocol, arguments, ("%s %s" % (self.user, keys)).strip())

    def daemon(self, table, settings="", args=(), is_ready=True, **rest):
        """Start reeved with that table and wait until it is ready. `settings` are those of the
        block `daemon`, or a whole reeve.conf, which may hold the table too (then `table` is
        None)."""
        number = len(self.daemons)
        if "{" not in settings:
            grace = "" if "grace" in settings else 'grace = "2s";'
            settings = "daemon: { %s %s };\n" % (grace, settings)
        conf = self.write("reeve%d.conf" % number, settings)
        services = None if table is None else self.write("services%d" % number, table)
        run_dir = self.path("run%d" % number)
        os.mkdir(run_dir)
        daemon = Daemon(self, conf, services, run_dir, args, **rest)
        self.daemons.append(daemon)
        self.stack.callback(daemon.end)
        if is_ready:
            daemon.wait_for_notify("READY=1")
        return daemon

    def run_reeved(self, *args, seconds=None):
        """Run reeved to its end: (status, stdout, stderr)."""
        done = subprocess.run([REEVED] + list(args), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=self.folder,
                              timeout=WAIT if seconds is None else seconds, check=False)
        texts = (done.stdout.decode(), done.stderr.decode("utf-8", "backslashreplace"))
        expect(not SANITIZER_REPORT.search(texts[1]), "a sanitizer says: %s", texts[1])
        return (done.returncode,) + texts

    def keep(self, thing):
        """Close it at the end."""
        self.stack.callback(thing.close)
        return thing

    def note(self, text):
        self.notes.append(text)

    def socket(self, protocol, source=None, seconds=None):
        """A socket of that protocol, bound if `source` says to what."""
        family = {"4": socket.AF_INET, "6": socket.AF_INET6}.get(protocol[-1], socket.AF_UNIX)
        kind = socket.SOCK_DGRAM if protocol in DATAGRAMS else (
            socket.SOCK_SEQPACKET if protocol == "unix-seqpacket" else socket.SOCK_STREAM)
        made = self.keep(socket.socket(family, kind))
        made.settimeout(WAIT if seconds is None else seconds)
        if protocol == "unix-dgram" and source is None:
            source = self.new_path(".client")
        if source is not None:
            made.bind(source)
        if protocol == "unix-dgram" and source and source[0] == "/":
            os.chmod(source, 0o777)
        return made

    def connect(self, address, protocol="tcp4", **how):
        made = self.socket(protocol, **how)
        made.connect(address)
        return made

    def leftovers(self):
        """Our children and what they left to us (this process is their reaper of last resort),
        except daemons that are meant to run."""
        running = {daemon.pid for daemon in self.daemons if daemon.process.poll() is None}
        left = {}
        for pid, facts in children(os.getpid()).items():
            if facts[1] in "ZX":
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, os.WNOHANG)
            elif pid not in running:
                left[pid] = facts
        return left

    def end(self):
        """Undo everything; the first problem is the failure. What is left after that is one."""
        problems = []
        try:
            self.stack.close()
        except Failure as problem:
            problems.append(problem)
        end = time.monotonic() + WAIT / 2
        left = self.leftovers()
        while left and time.monotonic() < end:
            time.sleep(0.01)
            left = self.leftovers()
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if left:
            problems.append(Failure("left behind: %s" % left))
        shutil.rmtree(self.folder, ignore_errors=True)
        if problems:
            raise problems[0]


def new_scene():
    folder = tempfile.mkdtemp(prefix="reeve-e2e-")
    os.chmod(folder, 0o755)
    return Scene(folder)
