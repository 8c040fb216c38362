# SPDX-License-Identifier: ISC
"""Services that run the probe, and what it tells of itself."""

from claims import expect_equal
from talk import receive_all


class Report:
    """What `probe report` told its client."""

    def __init__(self, client=None, text=None):
        if text is None:
            text = receive_all(client)
        self.lines = [line.partition(" ") for line in text.decode().splitlines()]

    def all(self, key):
        return [rest for word, _, rest in self.lines if word == key]

    def one(self, key):
        found = self.all(key)
        expect_equal(len(found), 1, "lines of " + key)
        return found[0]

    def env(self):
        return dict(pair.split("=", 1) for pair in self.all("env"))

    def limits(self):
        """By the words of rlimits.def: (soft, hard), -1 for unlimited."""
        return {word: (int(soft), int(hard)) for word, soft, hard in
                (line.split() for line in self.all("limit"))}

    def capabilities(self):
        """The five sets, as numbers."""
        return {name: int(self.status(name)[0], 16)
                for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")}

    def status(self, name):
        for line in self.all("status"):
            if line.startswith(name + ":"):
                return line.split(":", 1)[1].split()
        return []


def report_of(scene, protocol="tcp4", keys="", arguments="", **rest):
    daemon = scene.daemon(
        scene.program("report", "%s report %s" % (scene.probe, arguments), protocol, keys), **rest)
    client = daemon.client("report", protocol)
    return Report(client), client, daemon


def hold_daemon(scene, keys="", **rest):
    return scene.daemon(scene.program("hold", scene.probe + " hold", keys=keys), **rest)
