# SPDX-License-Identifier: ISC
"""People at a terminal: the real nc with a pipe, the real telnet on a pseudo-terminal."""

import contextlib
import fcntl
import os
import pty
import select
import signal
import subprocess
import termios
import time

from claims import WAIT, Failure, shorten


class Person:
    """A program that a person talks through. What it shows is kept; `sees` looks on from where it
    found the last thing, so that the order is checked too."""

    def __init__(self, scene):
        self.shown = b""
        self.place = 0
        self.is_over = False
        self.process = None
        scene.stack.callback(self.leave)

    def say(self, line):
        self.write(line.encode() + b"\n")

    def read_more(self, seconds):
        """Take what the program shows next: False at its end or when the time is over."""
        if self.is_over or not select.select([self.output], [], [], max(0, seconds))[0]:
            return False
        try:
            part = os.read(self.output, 65536)
        except OSError:  # what a pseudo-terminal gives at its end
            part = b""
        self.shown += part
        self.is_over = not part
        return not self.is_over

    def sees(self, text, seconds=None):
        """Wait until that text is shown."""
        wanted = text if isinstance(text, bytes) else text.encode()
        end = time.monotonic() + (WAIT if seconds is None else seconds)
        while True:
            found = self.shown.find(wanted, self.place)
            if found >= 0:
                self.place = found + len(wanted)
                return
            if not self.read_more(end - time.monotonic()):
                raise Failure("%r is not shown; shown is %s%s" % (
                    text, shorten(self.shown[self.place:]), " and the end" * self.is_over))

    def reads_all(self):
        """Everything that is shown until the program ends."""
        end = time.monotonic() + WAIT
        while self.read_more(end - time.monotonic()):
            pass
        if not self.is_over:
            raise Failure("no end after %s" % shorten(self.shown))
        return self.shown

    def leave(self):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        if self.process is not None:
            self.process.wait()
        self.close()


class Nc(Person):
    """A person with netcat."""

    def __init__(self, scene, *arguments):
        super().__init__(scene)
        self.process = subprocess.Popen(["nc"] + [str(word) for word in arguments],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, bufsize=0)
        self.output = self.process.stdout.fileno()

    def write(self, text):
        self.process.stdin.write(text)

    def ends_input(self):
        self.process.stdin.close()

    def close(self):
        for stream in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(OSError):
                stream.close()


def take_terminal():
    """Make the standard input our terminal, so that Ctrl-C on it is a signal."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class AtTerminal(Person):
    """A person with a program at a terminal that shows nothing but what the program writes."""

    def __init__(self, scene, *command, terminal="dumb"):
        super().__init__(scene)
        self.output, side = pty.openpty()
        modes = termios.tcgetattr(side)
        modes[3] &= ~termios.ECHO
        termios.tcsetattr(side, termios.TCSANOW, modes)
        self.process = subprocess.Popen([str(word) for word in command], stdin=side, stdout=side,
                                        stderr=side, start_new_session=True,
                                        preexec_fn=take_terminal,
                                        env=dict(os.environ, TERM=terminal))
        os.close(side)

    def write(self, text):
        os.write(self.output, text)

    def close(self):
        os.close(self.output)


class Telnet(AtTerminal):
    """A person with telnet."""

    def __init__(self, scene, host, port):
        super().__init__(scene, "telnet", host, port)
        self.sees("Escape character is '^]'.")
