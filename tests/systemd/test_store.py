# SPDX-License-Identifier: ISC
"""The service manager's store of descriptors keeps the ports while nobody serves them."""

import os
import signal

from claims import Skip, expect, expect_equal
from harness import wait_until
from manager import ECHO, Clients, in_box


def with_a_store(service):
    if service.show("FileDescriptorStoreMax") == "0":
        raise Skip("the unit keeps no descriptors")
    service.lift_the_start_limit()
    service.restart()
    expect(int(service.show("NFileDescriptorStore")) > 0, "the store has descriptors")


@in_box()
def restarts_under_load_refuse_and_reset_nobody(service):
    with_a_store(service)
    with Clients(ECHO) as clients:
        for _ in range(10):
            before = service.pid()
            service.systemctl("restart")
            expect(service.pid() != before, "another process")
    clients.expect_no_problem()


@in_box()
def a_daemon_that_is_killed_under_load_refuses_nobody(service):
    with_a_store(service)
    with Clients(ECHO) as clients:
        before = service.pid()
        os.kill(before, signal.SIGKILL)
        wait_until(lambda: service.pid() not in (0, before) and
                   service.show("ActiveState") == "active", "another daemon")
    refused = [problem for problem in clients.problems if "Refused" in problem]
    expect_equal(refused, [], "of %d connections" % clients.answers)


@in_box()
def a_restart_with_another_table_opens_and_closes_what_changed(service):
    with_a_store(service)
    service.restart("echo 127.0.0.1:7/tcp builtin\nmore 127.0.0.1:2000/tcp builtin:echo\n")
    expect_equal(service.show("StatusText").split(" with ")[0], "Serving 2 services on 2 ports",
                 "the status")
    service.restart("more 127.0.0.1:2000/tcp builtin:echo\n")
    with Clients(("127.0.0.1", 2000)) as clients:
        service.systemctl("restart")
    clients.expect_no_problem()
