# SPDX-License-Identifier: ISC
"""What journalctl finds."""

from claims import expect, expect_equal
from manager import UNIT, in_box, expect_echo, run, talk


@in_box()
def each_event_has_its_name_and_values_as_fields(service):
    expect_echo()
    record = service.wait_for_record(REEVE_EVENT="conn-ended")
    expect_equal((record["REEVE_SERVICE"], record["REEVE_BYTES_IN"], record["REEVE_ENDING"]),
                 ("echo", "14", "client-closed"), "the fields")
    expect(record["REEVE_PEER"].startswith("127.0.0.1:"), "the peer: %s", record["REEVE_PEER"])
    expect_equal((record["_SYSTEMD_UNIT"], record["PRIORITY"]), (UNIT, "6"), "unit and priority")
    expect_equal(record["SYSLOG_IDENTIFIER"], "reeve-gate", "who says so")


@in_box()
def journalctl_selects_by_a_field(service):
    expect_echo()
    service.wait_for_record(REEVE_EVENT="conn-ended")
    text = run("journalctl", "--output", "cat", "REEVE_SERVICE=echo", "REEVE_EVENT=conn-ended")
    expect("service=echo" in text, "its records: %s", text)
    expect("service=daytime" not in text, "others: %s", text)


@in_box()
def mistakes_of_a_reload_are_errors(service):
    service.add_to_table("echo 127.0.0.1:7/tpc builtin\n")
    pid = service.pid()
    run("kill", "-HUP", str(pid))
    record = service.wait_for_record(REEVE_EVENT="config-mistake")
    expect_equal(record["PRIORITY"], "3", "the priority")
    expect("/etc/reeve/services:" in record["REEVE_COMPLAINT"], "the place: %s", record)
    service.wait_for_record(REEVE_EVENT="reload-refused")


@in_box()
def a_line_on_a_programs_standard_error_has_its_service_and_process(service):
    service.restart("loud 127.0.0.1:1702/tcp user=nobody /bin/sh -c 'echo $$; echo oh >&2'\n")
    pid = talk(("127.0.0.1", 1702)).decode().strip()
    record = service.wait_for_record(REEVE_EVENT="handler-said")
    expect_equal((record["REEVE_SERVICE"], record["REEVE_PID"], record["REEVE_LINE"]),
                 ("loud", pid, "oh"), "the fields")


@in_box()
def a_clients_bytes_are_escaped(service):
    service.restart("loud 127.0.0.1:1702/tcp user=nobody /bin/sh -c 'cat >&2'\n")
    talk(("127.0.0.1", 1702), b"a\x1b[31mred\x07\n")
    record = service.wait_for_record(REEVE_EVENT="handler-said")
    expect(isinstance(record["MESSAGE"], str) and "\x1b" not in record["MESSAGE"],
           "the message: %r", record["MESSAGE"])
