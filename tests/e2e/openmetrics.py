# SPDX-License-Identifier: ISC
"""A strict reader of OpenMetrics 1.0: what is not in the format, or in the wrong place, or twice,
is a Failure that names the line."""

import re

from claims import Failure

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(,|$)')
SAMPLE = re.compile(r"(" + NAME + r")(?:\{(.*)\})? (-?[0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?)$")
META = re.compile(r"# (TYPE|UNIT|HELP) (" + NAME + r") (.*)$")
SUFFIXES = {"counter": ["_total"], "gauge": [""], "info": ["_info"],
            "histogram": ["_bucket", "_count", "_sum"]}


def wrong(number, line, why):
    raise Failure("line %d of the metrics, %s: %s" % (number, why, line))


class Family:
    def __init__(self, name):
        self.name = name
        self.meta = {}
        self.samples = {}  # (suffix, labels as sorted pairs) to a number


def read_labels(text):
    """The pairs in their order; None if that is no list of labels."""
    pairs = []
    at = 0
    while at < len(text):
        match = LABEL.match(text, at)
        if not match or (match.group(3) == "," and match.end() == len(text)):
            return None
        value = re.sub(r"\\(.)", lambda found: {"n": "\n"}.get(found.group(1), found.group(1)),
                       match.group(2))
        pairs.append((match.group(1), value))
        at = match.end()
    return pairs if len({key for key, _ in pairs}) == len(pairs) else None


def check_histogram(family):
    """Buckets that only grow, end with +Inf, and agree with the count."""
    buckets = {}
    for (suffix, labels), value in family.samples.items():
        if suffix == "_bucket":
            rest = tuple(pair for pair in labels if pair[0] != "le")
            buckets.setdefault(rest, []).append((float(dict(labels)["le"]), value))
    counts = {labels for suffix, labels in family.samples if suffix == "_count"}
    if set(buckets) != counts:
        raise Failure("buckets without a count in " + family.name)
    for labels, pairs in buckets.items():
        values = [value for _, value in pairs]
        if pairs != sorted(pairs) or values != sorted(values) or pairs[-1][0] != float("inf"):
            raise Failure("buckets in disorder in %s: %s" % (family.name, pairs))
        if values[-1] != family.samples[("_count", labels)]:
            raise Failure("the count is not the last bucket's in " + family.name)
        if ("_sum", labels) not in family.samples:
            raise Failure("no sum in " + family.name)


def finish(family):
    if family is None:
        return
    if set(family.meta) - {"UNIT"} != {"TYPE", "HELP"}:
        raise Failure("%s lacks its type or help: %s" % (family.name, family.meta))
    if "UNIT" in family.meta and not family.name.endswith("_" + family.meta["UNIT"]):
        raise Failure("the unit of %s is not in its name" % family.name)
    if family.meta["TYPE"] == "histogram":
        check_histogram(family)


def add_sample(family, number, line):
    match = SAMPLE.match(line)
    if not match or family is None:
        wrong(number, line, "which is no sample")
    suffix = match.group(1)[len(family.name):]
    if (not match.group(1).startswith(family.name)
            or suffix not in SUFFIXES.get(family.meta.get("TYPE"), [])):
        wrong(number, line, "which is not of the family %s" % family.name)
    labels = read_labels(match.group(2) or "")
    if labels is None or (match.group(2) == ""):
        wrong(number, line, "whose labels are malformed")
    key = (suffix, tuple(sorted(labels)))
    if key in family.samples:
        wrong(number, line, "which was there already")
    value = float(match.group(3))
    if value < 0 and family.meta["TYPE"] != "gauge":
        wrong(number, line, "which counts less than nothing")
    family.samples[key] = value


def read(text):
    """A whole text: families by their names."""
    families = {}
    family = None
    if not text.endswith("\n# EOF\n"):
        raise Failure("the metrics do not end as they should: %r" % text[-60:])
    for number, line in enumerate(text.split("\n")[:-2], 1):
        match = META.match(line)
        if match:
            kind, name, rest = match.groups()
            if family is None or family.name != name:
                finish(family)
                if name in families:
                    wrong(number, line, "whose family is over")
                family = families[name] = Family(name)
            if kind in family.meta or family.samples:
                wrong(number, line, "which is told twice, or too late")
            family.meta[kind] = rest
        else:
            add_sample(family, number, line)
    finish(family)
    return families


def value(families, name, suffix="", **labels):
    """One sample; None if it is not there."""
    return families[name].samples.get((suffix, tuple(sorted(labels.items()))))
