# SPDX-License-Identifier: ISC
"""A terminal for a program that fills the screen: what it shows is read, keys are pressed, its size
changes. It understands what terminfo says of a vt100, and nothing more."""

import contextlib
import fcntl
import os
import re
import struct
import subprocess
import termios
import threading

from claims import WAIT, Failure
from harness import SANITIZER_REPORT, wait_until

PART = re.compile(
    rb"\x1b\[([?>]?)([0-9;]*)([A-Za-z])|\x1b[()]([0-9A-Z])|\x1b([0-9A-Z=><])|([\x00-\x1f])"
    rb"|([^\x00-\x1f\x1b]+)")


class Screen:
    """Letters on lines. Attributes are not kept."""

    def __init__(self, columns, lines):
        self.resize(columns, lines)

    def resize(self, columns, lines):
        self.columns, self.lines = columns, lines
        self.cells = [[" "] * columns for _ in range(lines)]
        self.x = self.y = 0
        self.top, self.bottom = 0, lines  # of what scrolls

    def text(self):
        return ["".join(line).rstrip() for line in self.cells]

    def erase(self, from_x, to_x, y):
        for x in range(from_x, to_x):
            self.cells[y][x] = " "

    def feed(self, taken):
        """Take bytes; what is left over is the beginning of something longer."""
        while taken:
            match = PART.match(taken)
            if match is None or (match.end() == len(taken) and match.group(7)
                                 and taken[-1] >= 0x80 and not ends_a_letter(match.group(7))):
                if match is None and len(taken) > 64:
                    raise Failure("no sequence of a vt100: %r" % taken[:64])
                return taken
            self.take(match)
            taken = taken[match.end():]
        return b""

    def take(self, match):
        private, numbers, final, _, single, control, letters = match.groups()
        if final and not private:
            self.sequence(final.decode(), [int(n) if n else 0 for n in numbers.split(b";")])
        elif single == b"M":
            self.feed_line_back()
        elif single == b"D":
            self.feed_line()
        elif control:
            self.control(control)
        elif letters:
            for letter in letters.decode("utf-8", "replace"):
                self.put(letter)

    def put(self, letter):
        if self.x == self.columns:
            self.x = 0
            self.feed_line()
        self.cells[self.y][self.x] = letter
        self.x += 1

    def feed_line(self):
        if self.y + 1 == self.bottom:
            self.cells.insert(self.bottom, [" "] * self.columns)
            del self.cells[self.top]
        else:
            self.y = min(self.lines - 1, self.y + 1)

    def feed_line_back(self):
        if self.y == self.top:
            self.cells.insert(self.top, [" "] * self.columns)
            del self.cells[self.bottom]
        else:
            self.y = max(0, self.y - 1)

    def control(self, byte):
        if byte == b"\r":
            self.x = 0
        elif byte == b"\n":
            self.feed_line()
        elif byte == b"\b":
            self.x = max(0, self.x - 1)
        elif byte == b"\t":
            self.x = min(self.columns - 1, self.x // 8 * 8 + 8)

    def sequence(self, final, numbers):
        count = max(1, numbers[0])
        self.x = min(self.x, self.columns - 1)  # it may stand behind the last letter
        if final == "H":
            numbers = (numbers + [1])[:2]
            self.y = min(max(1, numbers[0]), self.lines) - 1
            self.x = min(max(1, numbers[1]), self.columns) - 1
        elif final == "r":
            numbers = (numbers + [0])[:2]
            self.top, self.bottom = max(1, numbers[0]) - 1, numbers[1] or self.lines
            self.x = self.y = 0
        elif final == "A":
            self.y = max(0, self.y - count)
        elif final == "B":
            self.y = min(self.lines - 1, self.y + count)
        elif final == "C":
            self.x = min(self.columns - 1, self.x + count)
        elif final == "D":
            self.x = max(0, self.x - count)
        elif final == "K":
            first = self.x if numbers[0] == 0 else 0
            last = min(self.x + 1, self.columns) if numbers[0] == 1 else self.columns
            self.erase(first, last, self.y)
        elif final == "J":
            if numbers[0] == 0:
                self.erase(self.x, self.columns, self.y)
            for y in range(self.y + 1 if numbers[0] == 0 else 0, self.lines):
                self.erase(0, self.columns, y)


def ends_a_letter(text):
    """Is the last UTF-8 sequence whole?"""
    with contextlib.suppress(UnicodeDecodeError):
        return bool(text.decode())
    return False


class Terminal:
    """A program on a terminal of its own. Its standard error is apart, but a shell's is not."""

    def __init__(self, command, columns=80, lines=24, name="vt100", cwd=None, is_shell=False,
                 **environment):
        self.screen = Screen(columns, lines)
        self.raw = b""
        self.changed = threading.Lock()
        self.master, self.slave = os.openpty()
        self.set_size(columns, lines)
        self.before = termios.tcgetattr(self.slave)
        env = dict(os.environ, TERM=name, LC_ALL="C.UTF-8")
        for unwanted in ("COLUMNS", "LINES", "NO_COLOR"):
            env.pop(unwanted, None)
        env.update(environment)
        self.process = subprocess.Popen(
            command, stdin=self.slave, stdout=self.slave,
            stderr=self.slave if is_shell else subprocess.PIPE, env=env, start_new_session=True,
            cwd=cwd,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def set_size(self, columns, lines):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def read(self):
        rest = b""
        while True:
            try:
                got = os.read(self.master, 65536)
            except OSError:
                return
            if not got:
                return
            with self.changed:
                self.raw += got
                rest = self.screen.feed(rest + got)

    def text(self):
        with self.changed:
            return self.screen.text()

    def shows(self, *words):
        """Is each of the words somewhere on the screen?"""
        text = "\n".join(self.text())
        return all(word in text for word in words)

    def wait_until(self, is_true, what):
        try:
            wait_until(is_true, what)
        except Failure as failure:
            raise Failure("%s; it shows:\n%s" % (failure, "\n".join(self.text()))) from None

    def wait_for(self, *words):
        self.wait_until(lambda: self.shows(*words), "on the screen: %s" % (words,))

    def press(self, keys):
        os.write(self.master, keys.encode())

    def resize(self, columns, lines):
        """As a window does: the screen is empty until the program has drawn it anew."""
        with self.changed:
            self.screen.resize(columns, lines)
        self.set_size(columns, lines)

    def has_restored_the_terminal(self):
        return termios.tcgetattr(self.slave) == self.before

    def wait(self):
        """The exit status, negative for a signal, and what was written to stderr."""
        try:
            _, error = self.process.communicate(timeout=WAIT)
        except subprocess.TimeoutExpired:
            raise Failure("it does not end; it shows:\n" + "\n".join(self.text())) from None
        error = error.decode("utf-8", "backslashreplace")
        if SANITIZER_REPORT.search(error):
            raise Failure("a sanitizer says: " + error)
        return self.process.returncode, error

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self.process.stderr is not None:
            self.process.stderr.close()
        os.close(self.slave)
        self.thread.join(WAIT)  # the last slave is closed: its read ends
        os.close(self.master)
