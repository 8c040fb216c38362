# SPDX-License-Identifier: ISC
"""What the daemon counts: by `reevectl metrics`, and by the built-in for Prometheus."""

import json
import os
import re
import shutil
import signal
import subprocess

import openmetrics
from claims import REEVED, TREE, Skip, claim, expect, expect_equal
from harness import wait_until
from talk import ask, receive_all

REEVECTL = os.path.join(os.path.dirname(REEVED), "reevectl")
SERVICE = "reeve_service_"


def text_of(daemon, *options):
    done = subprocess.run([REEVECTL, "--run-dir", daemon.run_dir, "metrics", *options],
                          stdout=subprocess.PIPE, check=True)
    return done.stdout.decode()


def count(daemon, name, suffix="_total", **labels):
    """A sample of a service, as it is now."""
    families = openmetrics.read(text_of(daemon))
    return openmetrics.value(families, SERVICE + name, suffix, **labels)


def get(daemon, head, service="metrics"):
    """Status line, header and body of the answer to those lines."""
    client = daemon.client(service)
    client.sendall(head.replace("\n", "\r\n").encode() + b"\r\n")
    answer, _, body = receive_all(client).decode().partition("\r\n\r\n")
    status, _, header = answer.partition("\r\n")
    return status, header, body


def use(daemon, service, clients):
    for _ in range(clients):
        client = daemon.client(service)
        expect_equal(ask(client, b"hello"), b"hello", "the echo")
        client.shutdown(1)
        expect_equal(receive_all(client), b"", "what follows")


@claim()
def connections_are_counted_and_measured_for_built_ins_and_programs(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4") + scene.program("cat", "/bin/cat"),
                          args=["--gates", "2"])
    use(daemon, "echo", 5)
    use(daemon, "cat", 3)
    wait_until(lambda: count(daemon, "connection_duration_seconds", "_count", service="cat") == 3
               and count(daemon, "connection_duration_seconds", "_count", service="echo") == 5,
               "the end of all")
    for service, clients in (("echo", 5), ("cat", 3)):
        expect_equal(count(daemon, "connections", service=service), clients, "connections")
        wait_until(lambda service=service: count(
            daemon, "active_connections", "", service=service) == 0, "nobody to be there")
        expect_equal(count(daemon, "accept_to_handler_seconds", "_count", service=service),
                     clients, "measured starts")
        took = count(daemon, "accept_to_handler_seconds", "_sum", service=service)
        expect(0 < took < 30, "starts took %s seconds", took)
    expect_equal(count(daemon, "handlers", service="cat"), 3, "programs")
    expect_equal(count(daemon, "received_bytes", service="echo"), 25, "bytes")


@claim(each=["pipe", "pty"])
def a_program_that_a_gate_carries_is_measured_once(scene, stdio):
    daemon = scene.daemon(scene.program("cat", "/bin/cat", keys="stdio=" + stdio))
    client = daemon.client("cat")
    client.sendall(b"hello\n")
    expect(client.recv(5), "no answer")
    client.close()
    wait_until(lambda: count(daemon, "connection_duration_seconds", "_count", service="cat"),
               "the end")
    daemon.wait_for_event("handler_ended")
    expect_equal(count(daemon, "connection_duration_seconds", "_count", service="cat"), 1, "ends")
    expect_equal(count(daemon, "accept_to_handler_seconds", "_count", service="cat"), 1, "starts")


ODD_LINE = r'a\"b\\c 127.0.0.1:0/tcp4 only_from=10.9.8.7 builtin:echo' + "\n"


def refused_client(scene, daemon):
    """The service of that line must be the table's first."""
    address = daemon.wait_for_event("listening")["address"]
    return receive_all(scene.connect(("127.0.0.1", int(address.rsplit(":", 1)[1]))))


@claim()
def refusals_have_their_verdict_and_names_are_escaped(scene):
    daemon = scene.daemon(ODD_LINE)
    expect_equal(refused_client(scene, daemon), b"", "what the refused client got")
    wait_until(lambda: count(daemon, "refusals", service='a"b\\c', verdict="access") == 1,
               "the refusal")


@claim()
def json_has_the_same_families_one_on_a_line(scene):
    daemon = scene.daemon(ODD_LINE + scene.line("echo", "tcp4"))
    refused_client(scene, daemon)
    use(daemon, "echo", 1)
    wait_until(lambda: count(daemon, "connection_duration_seconds", "_count", service="echo") == 1
               and count(daemon, "refusals", service='a"b\\c', verdict="access") == 1, "the ends")
    families = openmetrics.read(text_of(daemon))
    told = [json.loads(line) for line in text_of(daemon, "--json").splitlines()]
    expect_equal([family["name"] for family in told], list(families), "the families")
    for family in told:
        name = family["name"]
        samples = {(sample["name"][len(name):], tuple(sorted(sample["labels"].items()))):
                   sample["value"] for sample in family["samples"]}
        expect_equal({key.upper(): family[key] for key in ("type", "unit", "help") if key in family},
                     families[name].meta, name)
        if name.startswith(SERVICE):
            expect_equal(samples, families[name].samples, name)
        expect_equal(list(samples), list(families[name].samples), "the samples of " + name)
    expect_equal(text_of(daemon, "--json", "--plain")[:1], "{", "the beginning with --plain")


@claim()
def reloads_gates_and_the_configuration_are_told(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4"), args=["--gates", "2"])
    before = openmetrics.read(text_of(daemon))
    expect_equal(openmetrics.value(before, "reeve_config_generation"), 1, "the generation")
    expect_equal(openmetrics.value(before, "reeve_gates_serving"), 2, "gates")
    daemon.reload(scene.line("echo", "tcp4") + scene.line("discard", "tcp4"))
    daemon.reload("nonsense\n", wanted="reload_refused")
    mark = daemon.log.mark()
    os.kill(daemon.gates()[0], signal.SIGKILL)
    daemon.wait_for_event("gate_started", since=mark)
    after = openmetrics.read(text_of(daemon))
    wanted = {"config_generation": 2, "services": 2, "gates": 2, "gates_serving": 2,
              "config_complaints": 1}
    for name, number in wanted.items():
        expect_equal(openmetrics.value(after, "reeve_" + name), number, name)
    for name in ("reloads", "reload_failures", "gate_deaths"):
        expect_equal(openmetrics.value(after, "reeve_" + name, "_total"), 1, name)


@claim()
def a_service_that_a_reload_removed_is_no_longer_told(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4") + scene.line("discard", "tcp4"))
    client = daemon.client("discard")
    wait_until(lambda: count(daemon, "active_connections", "", service="discard") == 1, "client")
    daemon.reload(scene.line("echo", "tcp4"))
    expect("discard" not in text_of(daemon), "it is told")
    client.close()


@claim()
def prometheus_gets_the_same_by_http(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4") + scene.line("metrics", "tcp4"))
    use(daemon, "echo", 2)
    status, header, body = get(
        daemon, "GET /metrics HTTP/1.1\nHost: here\n"
        "Accept: application/openmetrics-text;version=1.0.0,text/plain;q=0.5\n")
    expect_equal(status, "HTTP/1.1 200 OK", "the status")
    expect("Content-Type: application/openmetrics-text; version=1.0.0; charset=utf-8" in header,
           "the header: %s", header)
    families = openmetrics.read(body)
    expect_equal(openmetrics.value(families, SERVICE + "connections", "_total", service="echo"), 2,
                 "connections")
    expect_equal(openmetrics.value(families, SERVICE + "active_connections", "",
                                   service="metrics"), 1, "whoever asks")
    expect_equal(set(openmetrics.read(text_of(daemon))), set(families), "the families")


@claim()
def other_requests_are_refused(scene):
    daemon = scene.daemon(scene.line("metrics", "tcp4"))
    for request, wanted in (("GET / HTTP/1.1\nHost: a\n", "404"), ("hello\n", "400"),
                            ("POST /metrics HTTP/1.0\n", "405"),
                            ("GET /metrics HTTP/1.0\nA: " + "x" * 9000 + "\n", "431")):
        status, header, _ = get(daemon, request)
        expect_equal(status.split()[1], wanted, "the status")
        expect("Connection: close" in header, "the header: %s", header)


@claim()
def thousands_of_services_are_told_whole_to_a_client_that_reads_slowly(scene):
    table = "".join("s%d %s/unix builtin:discard\n" % (i, scene.path("s%d" % i))
                    for i in range(700))
    daemon = scene.daemon(scene.line("metrics", "tcp4") + table)
    client = daemon.client("metrics")
    client.setsockopt(1, 8, 4096)  # SO_RCVBUF
    client.sendall(b"GET /metrics HTTP/1.0\r\nAccept: application/openmetrics-text\r\n\r\n")
    families = openmetrics.read(receive_all(client).decode().partition("\r\n\r\n")[2])
    expect_equal(len(families[SERVICE + "connections"].samples), 701, "services")


@claim()
def promtool_finds_nothing_wrong(scene):
    promtool = os.environ.get("PROMTOOL") or shutil.which("promtool")
    if not promtool:
        raise Skip("there is no promtool (Debian's package prometheus)")
    daemon = scene.daemon(ODD_LINE + scene.line("echo", "tcp4") + scene.line("metrics", "tcp4"))
    use(daemon, "echo", 2)
    refused_client(scene, daemon)
    _, header, body = get(daemon, "GET /metrics HTTP/1.0\n")
    expect("Content-Type: text/plain; version=0.0.4" in header, "the header: %s", header)
    for text in (body, text_of(daemon, "--plain")):
        done = subprocess.run([promtool, "check", "metrics"], input=text.encode(),
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        expect_equal((done.returncode, done.stdout.decode()), (0, ""), "what promtool says")


@claim()
def every_metric_of_the_dashboard_is_one_that_there_is(scene):
    with open(os.path.join(TREE, "etc", "grafana", "reeve.json"), encoding="utf-8") as file:
        dashboard = json.load(file)
    daemon = scene.daemon(scene.line("echo", "tcp4"))
    families = openmetrics.read(text_of(daemon))
    samples = {family.name + suffix for family in families.values()
               for suffix in openmetrics.SUFFIXES[family.meta["TYPE"]]}
    named = set()
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            found = set(re.findall(r"\breeve_[a-z_]+", target["expr"]))
            expect(found, "no metric in %s", target["expr"])
            named |= found
    for variable in dashboard["templating"]["list"]:
        named |= set(re.findall(r"\breeve_[a-z_]+", str(variable.get("query", ""))))
    expect(len(named) > 10, "only these are named: %s", named)
    expect_equal(sorted(named - samples), [], "what there is not")
