# SPDX-License-Identifier: ISC
"""The servers that are compared: how each is configured and started. Every throttle of each is
lifted, for here only speed is looked at."""
import collections
import os
import shutil
import subprocess

# One thing to serve on 127.0.0.1: `kind` is a built-in's name, "exec" for a program.
Service = collections.namedtuple("Service", "protocol port kind")

ALL_BUILTINS = {"tcp/echo", "tcp/discard", "tcp/daytime", "tcp/chargen",
                "udp/echo", "udp/daytime"}
MANY = 1000000000


class Server:
    """`can` is what it serves; `many` of them at once, in one process, read again on SIGHUP."""
    name = ""
    can = ALL_BUILTINS | {"tcp/exec"}
    many = True

    def __init__(self, program, answer):
        self.program = program
        self.answer = answer  # the command that the kind "exec" starts

    def command(self, folder, services):
        """Write what it reads into `folder`; the command that then serves `services`."""
        raise NotImplementedError


def write(folder, name, text):
    path = os.path.join(folder, name)
    with open(path + ".new", "w", encoding="ascii") as file:
        file.write(text)
    os.rename(path + ".new", path)
    return path


class Reeve(Server):
    name = "reeve"
    gates = 0

    def command(self, folder, services):
        config = write(folder, "reeve.conf",
                       'daemon: { log_level = "warning"; };\n'
                       "defaults: { instances = 1000000; backlog = 65535; idle = 0;\n"
                       "    reply_budget = 1073741824; reply_budget_rate = 1073741824;\n"
                       "    loop_guard = 1000000; };\n")
        user = "user=root " if os.geteuid() == 0 else ""
        table = write(folder, "services", "".join(
            f"s{s.port} 127.0.0.1:{s.port}/{s.protocol} " +
            (user + "wait " * (s.protocol == "udp") + " ".join(self.answer)
             if s.kind == "exec" else f"builtin:{s.kind}") + "\n" for s in services))
        return [self.program, "--foreground", "--config", config, "--services", table,
                "--run-dir", folder, "--state-dir", folder, "--gates", str(self.gates)]


class Bare(Server):
    name = "bare"
    many = False

    def command(self, folder, services):
        service = services[0]
        kind = "udp-" * (service.protocol == "udp") + service.kind
        return [self.program, kind, str(service.port)] + self.answer


class Contract(Server):
    """A loop that keeps some promises of reeve-handler(7), and does nothing else (contract.c)."""
    many = False

    def __init__(self, program, answer, promises):
        super().__init__(program, answer)
        self.promises = promises
        self.name = "+ " + promises[-1] if promises else "none"

    def command(self, folder, services):
        return [self.program, services[0].protocol, str(services[0].port),
                ",".join(self.promises) or "none"] + self.answer


class Xinetd(Server):
    name = "xinetd"

    def command(self, folder, services):
        text = "defaults\n{\n\tinstances = UNLIMITED\n\tper_source = UNLIMITED\n\tcps = " \
               f"{MANY} 1\n}}\n"
        for s in services:
            is_program = s.kind == "exec"
            text += (f"service {f's{s.port}' if is_program else s.kind}\n{{\n"
                     f"\tid = {s.protocol}{s.port}\n\tport = {s.port}\n\tbind = 127.0.0.1\n"
                     f"\ttype = {'' if is_program else 'INTERNAL '}UNLISTED\n"
                     f"\tprotocol = {s.protocol}\n\tuser = root\n"
                     f"\tsocket_type = {'stream' if s.protocol == 'tcp' else 'dgram'}\n"
                     f"\twait = {'no' if s.protocol == 'tcp' else 'yes'}\n")
            if is_program:
                text += (f"\tserver = {self.answer[0]}\n"
                         f"\tserver_args = {' '.join(self.answer[1:])}\n")
            text += "}\n"
        return [self.program, "-dontfork", "-stayalive", "-f", write(folder, "xinetd.conf", text),
                "-pidfile", os.path.join(folder, "pid"), "-filelog", os.path.join(folder, "log")]


class Inetd(Server):
    """The classic ones serve a built-in on its official port only, which a services file that
    they alone see moves."""
    options = []

    def command(self, folder, services):
        table = names = ""
        for s in services:
            kind = ("stream", "nowait") if s.protocol == "tcp" else ("dgram", "wait")
            if s.kind == "exec":
                name, what = s.port, " ".join([self.answer[0]] + self.answer)
            else:
                name, what = s.kind, "internal"
                names += f"{s.kind} {s.port}/{s.protocol}\n"
            table += f"127.0.0.1:{name} {kind[0]} {s.protocol} {kind[1]}.{MANY} root {what}\n"
        command = [self.program] + self.options + [write(folder, "inetd.conf", table)]
        if not names:
            return command
        return ["unshare", "-m", "sh", "-c", 'mount --bind "$0" /etc/services && exec "$@"',
                write(folder, "names", names)] + command


class OpenbsdInetd(Inetd):
    name = "openbsd-inetd"
    can = Inetd.can - {"udp/echo", "udp/daytime"}  # it does not answer loopback's datagrams
    options = ["-i", "-q", "4096", "-R", str(MANY)]


class InetutilsInetd(Inetd):
    name = "inetutils-inetd"
    options = ["-R", str(MANY)]


class Socat(Server):
    name = "socat"
    can = {"tcp/exec", "tcp/echo", "tcp/discard"}
    many = False

    def command(self, folder, services):
        listen = f"TCP4-LISTEN:{services[0].port},bind=127.0.0.1,reuseaddr,fork,backlog=4096"
        how = {"exec": [listen, f"EXEC:{' '.join(self.answer)},nofork"],
               "echo": ["-b", "65536", listen, "PIPE"],
               "discard": ["-u", "-b", "65536", listen, "OPEN:/dev/null"]}
        return [self.program] + how[services[0].kind]


def is_inetutils(program):
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    return "inetutils" in said.stdout


def find_peers(answer):
    """Those of the peers that are installed, and a line for each that is not."""
    peers, missing = [], []
    path = os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin"
    inetd = shutil.which("inetd", path=path)
    programs = {
        Xinetd: shutil.which("xinetd", path=path),
        OpenbsdInetd: inetd if inetd and not is_inetutils(inetd) else None,
        InetutilsInetd: shutil.which("inetutils-inetd", path=path) or
                        (inetd if inetd and is_inetutils(inetd) else None),
        Socat: shutil.which("socat", path=path),
    }
    for kind, program in programs.items():
        if not program:
            missing.append(f"{kind.name} is not installed and left out")
        elif issubclass(kind, (Inetd, Xinetd)) and os.geteuid() != 0:
            missing.append(f"{kind.name} needs root and is left out")
        else:
            peers.append(kind(program, answer))
    return peers, missing
