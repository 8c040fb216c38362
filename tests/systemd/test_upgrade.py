# SPDX-License-Identifier: ISC
"""An upgrade in place under a real systemd, and programs that a restart leaves to the next daemon."""

import os
import signal
import socket

from claims import expect_equal
from harness import wait_until
from manager import ECHO, Clients, in_box
from system import is_gone
from talk import ask, receive_all, receive_line

HOLD = "hold 127.0.0.1:1700/tcp user=nobody instances=1 /bin/sh -c 'echo $$; exec cat'\n"


@in_box()
def an_upgrade_under_load_refuses_and_resets_nobody_and_keeps_the_main_process(service):
    before = service.pid()
    with Clients(ECHO) as clients:
        for _ in range(5):
            service.forget_the_journal()
            os.kill(before, signal.SIGUSR2)
            service.wait_for_record(REEVE_EVENT="upgraded")
            wait_until(lambda: service.show("ActiveState") == "active", "READY=1")
    clients.expect_no_problem()
    expect_equal((service.pid(), service.show("NRestarts")), (before, "0"), "main process, restarts")


@in_box()
def a_program_is_adopted_by_the_daemon_after_it_and_still_has_its_place(service):
    service.restart(HOLD)
    with socket.create_connection(("127.0.0.1", 1700), timeout=10) as conn:
        pid = int(receive_line(conn))
        service.forget_the_journal()
        service.restart()
        record = service.wait_for_record(REEVE_EVENT="restarted")
        expect_equal(record["REEVE_HANDLERS"], "1", "programs")
        ask(conn, b"still served")
        with socket.create_connection(("127.0.0.1", 1700), timeout=10) as waiting:
            service.wait_for_record(REEVE_EVENT="service-full")
            conn.shutdown(socket.SHUT_WR)
            receive_all(conn)
            wait_until(lambda: is_gone(pid), "the program's end")
            receive_line(waiting)
