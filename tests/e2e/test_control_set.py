# SPDX-License-Identifier: ISC
"""Settings by hand: taken like a configuration, shown, and taken back."""

import json

from claims import claim, expect, expect_equal
from harness import wait_until
from talk import ask, is_silent
from varlink import Client, reevectl


def settings(control, service="echo"):
    return control.call("Status", service=service)["services"][0]["settings"]


def instances(control, service="echo"):
    return control.call("Status", service=service)["services"][0]["instances"]


@claim()
def set_changes_a_setting_until_the_next_reload(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4", keys="idle=1h") +
                          scene.line("other", "tcp4", "builtin:echo"))
    control = Client(scene, daemon)
    first = daemon.client("echo")
    ask(first, b"hello")
    shown, _ = reevectl(daemon, "set", "echo", "instances=1")
    expect("serves with it" in shown, shown)
    expect_equal((instances(control), instances(control, "other")), (1, 1000), "instances")
    expect_equal(settings(control), [{"setting": "instances=1"}], "settings")
    second = daemon.client("echo")
    second.send(b"hello")
    daemon.wait_for_event("service_full", service="echo", instances=1)
    expect(is_silent(second), "there is a second place")
    ask(first, b"still")
    shown, _ = reevectl(daemon, "status", "echo")
    expect("set by hand: instances=1, until a reload" in shown, shown)
    control.call("Reload")
    expect_equal((instances(control), settings(control)), (1000, []), "after the reload")
    expect_equal(second.recv(100), b"hello", "the answer to who has waited")


@claim()
def set_wins_over_all_files_and_the_last_of_a_key_wins(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4", keys="instances=5"),
                          settings="defaults: { instances = 6; };\n"
                                   "service: { echo: { instances = 7; }; };\n")
    control = Client(scene, daemon)
    for value in (3, 4):
        control.call("Set", service="echo", setting="instances=%d" % value)
        expect_equal(instances(control), value, "instances")
    control.call("Set", service="echo", setting="idle=5s")
    expect_equal(sorted(one["setting"] for one in settings(control)), ["idle=5s", "instances=4"],
                 "settings")
    plan = control.call("Plan")["steps"][0]
    expect_equal((plan["action"], plan["reason"]),
                 ("retune", "instances 4 -> 5; idle 5s -> auto"), "what a reload would do")


@claim()
def set_for_a_time_is_taken_back_at_its_end(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4"))
    control = Client(scene, daemon)
    control.call("Set", service="echo", setting="idle=5s")
    reevectl(daemon, "set", "echo", "instances=1", "--for", "1s")
    found = {one["setting"]: one.get("left_ms") for one in settings(control)}
    expect_equal(sorted(found), ["idle=5s", "instances=1"], "settings")
    expect(0 <= found["instances=1"] <= 1000, "time left: %s", found)
    daemon.wait_for_event("setting_ended", service="echo", setting="instances=1")
    wait_until(lambda: instances(control) == 1000, "the setting of the files")
    expect_equal(settings(control), [{"setting": "idle=5s"}], "what is left")


@claim()
def set_is_refused_with_the_place_of_what_is_wrong(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4"))
    control = Client(scene, daemon)
    for setting, said in (
            ("instances=0", "reevectl set:1:1: instances: "),
            ("instnaces=1", 'did you mean "instances"?'),
            ("instances", "KEY=VALUE on one line is wanted"),
            ("", "KEY=VALUE on one line is wanted"),
            ("idle=5s\ninstances=1", "KEY=VALUE on one line is wanted"),
            ("instances=1\u001b[1m", "reevectl set:1:12: the control byte 1b"),
            ("grace=1s", "is a key of the daemon"),
            ("user=nobody", "user: "),
            ("only_from=10.0.0.1/8", "only_from: ")):
        error = control.fails("Set", service="echo", setting=setting)
        expect_equal(error.name, "io.reeve.Control.Mistakes", setting)
        expect(said in error.parameters["text"], "%r: %s" % (setting, error.parameters["text"]))
    expect_equal((instances(control), settings(control)), (1000, []), "after the refusals")
    _, complaint = reevectl(daemon, "set", "echo", "instances=0", status=1)
    expect("instances=0\n" in complaint and "^^^" in complaint, complaint)
    ask(daemon.client("echo"), b"hello")


@claim()
def set_says_what_is_wrong_with_what_it_is_told(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4"))
    control = Client(scene, daemon)
    expect_equal(control.fails("Set", service="eco", setting="instances=1").name,
                 "io.reeve.Control.NoSuchService", "error")
    for span in (0, -1, 999, 10 ** 12):
        expect_equal(control.fails("Set", service="echo", setting="instances=1", for_ms=span)
                     .parameters, {"parameter": "for_ms"}, "error")
    expect_equal(control.fails("Set", service="echo").parameters, {"parameter": "setting"}, "error")
    _, complaint = reevectl(daemon, "set", "echo", "instances=1", "--for", "1w", status=2)
    expect("is not a time like" in complaint, complaint)


@claim()
def set_lets_nothing_else_slip_in_that_has_changed_in_the_files(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4"))
    control = Client(scene, daemon)
    before = control.call("List")
    daemon.write_table(scene.line("echo", "tcp4") + scene.line("new", "tcp4", "builtin:echo"))
    error = control.fails("Set", service="echo", setting="instances=1")
    expect("reload first" in error.parameters["reason"], "error: %s", error)
    daemon.write_table("nonsense\n")
    expect_equal(control.fails("Set", service="echo", setting="instances=1").name,
                 "io.reeve.Control.Mistakes", "error")
    expect_equal(control.call("List"), before, "ports")


@claim()
def a_reload_that_is_refused_leaves_what_was_set(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4"))
    control = Client(scene, daemon)
    control.call("Set", service="echo", setting="instances=1")
    daemon.write_table("nonsense\n")
    control.fails("Reload")
    expect_equal((instances(control), settings(control)), (1, [{"setting": "instances=1"}]), "set")


@claim()
def a_setting_whose_time_is_over_stays_while_the_files_say_something_else(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4"))
    control = Client(scene, daemon)
    control.call("Set", service="echo", setting="instances=1", for_ms=1000)
    daemon.write_table("nonsense\n")
    daemon.wait_for_event("setting_stays", service="echo", setting="instances=1")
    expect_equal(instances(control), 1, "instances")
    daemon.write_table(scene.line("echo", "tcp4"))
    control.call("Reload")
    expect_equal((instances(control), settings(control)), (1000, []), "after the reload")


@claim()
def access_rules_are_set_too_and_keep_the_places_of_the_others(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4") +
                          scene.line("other", "tcp4", "builtin:echo", "no_access=127.0.0.1"))
    control = Client(scene, daemon)
    control.call("Set", service="echo", setting="no_access=127.0.0.0/8")
    for service, place in (("echo", "reevectl set:1"), ("other", "services0:2")):
        expect_equal(daemon.client(service).recv(1), b"", "what a client of %s gets" % service)
        event = daemon.wait_for_event("conn_refused", service=service, verdict="access")
        expect(place in event["rule"], "the rule: %s", event)


@claim()
def settings_are_told_as_json_and_have_a_bound(scene):
    daemon = scene.daemon("".join(scene.line("s%d" % i, "tcp4", "builtin:echo") for i in range(65)),
                          args=["--gates", "1"])
    control = Client(scene, daemon)
    for i in range(64):
        control.call("Set", service="s%d" % i, setting="instances=1")
    error = control.fails("Set", service="s64", setting="instances=1")
    expect("64 settings" in error.parameters["reason"], "error: %s", error)
    reply = json.loads(reevectl(daemon, "status", "s0", "--json")[0])
    expect_equal(reply["services"][0]["settings"], [{"setting": "instances=1"}], "settings")
