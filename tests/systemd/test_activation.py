# SPDX-License-Identifier: ISC
"""Sockets that systemd opens, named for the services that they are for."""

import socket
import threading

from claims import expect, expect_equal
from harness import wait_until
from manager import DAYTIME, in_box, run, talk
from system import is_gone

SOCKET = """[Socket]
%s
FileDescriptorName=%s
Service=reeved.service
"""


@in_box()
def the_first_client_of_the_installed_socket_unit_starts_the_daemon(service):
    service.systemctl("stop")
    run("systemctl", "start", "reeved.socket")
    service.scene.stack.callback(run, "systemctl", "stop", "reeved.socket")
    expect_equal(service.show("ActiveState"), "inactive", "the service before")
    expect(talk(DAYTIME).endswith(b"\r\n"), "daytime answers the client that started it")
    # It answers while the manager has not read yet that everything is ready.
    wait_until(lambda: service.show("ActiveState") == "active", "the service after")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.settimeout(10)
        asker.sendto(b"?", DAYTIME)
        expect(asker.recv(100).endswith(b"\r\n"), "daytime answers by udp")
    expect_equal(service.records(REEVE_EVENT="socket-unknown"), [], "sockets that fit nothing")


@in_box()
def a_socket_goes_to_the_service_of_its_name(service):
    service.systemctl("stop")
    for name, port in (("one", 2101), ("two", 2102)):
        service.add_unit("reeved-%s.socket" % name, SOCKET % (
            "ListenStream=127.0.0.1:%d" % port, name))
        run("systemctl", "start", "reeved-%s.socket" % name)
    service.write_table("one 127.0.0.1:2101/tcp builtin:echo\n"
                        "two 127.0.0.1:2102/tcp user=nobody /bin/echo two\n"
                        "own 127.0.0.1:2103/tcp builtin:echo\n")
    expect_equal(talk(("127.0.0.1", 2102)), b"two\n", "what the second service says")
    expect_equal(talk(("127.0.0.1", 2101), b"one"), b"one", "what the first service says")
    expect_equal(talk(("127.0.0.1", 2103), b"own"), b"own", "a port of reeved's own")


@in_box()
def a_client_that_comes_while_it_restarts_waits_and_is_served(service):
    service.lift_the_start_limit()
    service.systemctl("stop")
    run("systemctl", "start", "reeved.socket")
    service.scene.stack.callback(run, "systemctl", "stop", "reeved.socket")
    talk(DAYTIME)
    problems = []
    is_over = threading.Event()
    asked = []

    def ask_on():
        while not is_over.is_set():
            try:
                asked.append(talk(DAYTIME))
            except OSError as problem:
                problems.append(problem)
    client = threading.Thread(target=ask_on)
    client.start()
    try:
        for _ in range(5):
            before = service.pid()
            service.systemctl("restart")
            expect(is_gone(before), "the daemon before")
    finally:
        is_over.set()
        client.join()
    expect_equal(problems, [], "refusals")
    expect(all(answer.endswith(b"\r\n") for answer in asked), "answers: %s", asked)
