# SPDX-License-Identifier: ISC
"""Many programs, one after another and at once: nothing of them is left in the daemon."""

import resource

from claims import HAS_SANITIZER, WAIT, claim, expect, expect_equal
from harness import descriptor_counts, wait_for_no_more_descriptors, wait_until
from system import memory_kib, proc_field, processes
from talk import receive_all, receive_line

# A sanitizer keeps what was freed, and takes its time.
ONE_AFTER_ANOTHER = 500 if HAS_SANITIZER else 5000
AT_ONCE = 100 if HAS_SANITIZER else 1000


def memory(daemon):
    """What each process of the daemon has: resident, and as data."""
    return {pid: (memory_kib(pid), int(proc_field(pid, "VmData").split()[0]))
            for pid in daemon.family()}


def expect_nothing_left(daemon, work):
    """After the work is done again nothing is left, and no page more is resident or data than
    after it was done before. How high the tables grow depends on how many programs happen to end
    together, so a few rounds may add to it; what is lost with each program adds in every round."""
    work()
    wait_until(lambda: not daemon.handlers(), "no child but the gates", 2 * WAIT)
    descriptor_places = descriptor_counts(daemon)
    rounds = [memory(daemon)]
    while len(rounds) < 6 and not has_stopped_growing(rounds):
        work()
        wait_until(lambda: not daemon.handlers(), "no child but the gates", 2 * WAIT)
        wait_for_no_more_descriptors(daemon, descriptor_places)
        zombies = [pid for pid, facts in processes().items()
                   if facts[0] == daemon.pid and facts[1] == "Z"]
        expect_equal(zombies, [], "zombies")
        rounds.append(memory(daemon))
    expect(HAS_SANITIZER or has_stopped_growing(rounds),
           "KiB resident and of data after each round: %s", rounds)


def has_stopped_growing(rounds):
    if len(rounds) < 2:
        return False
    before, now = rounds[-2:]
    return HAS_SANITIZER or all(
        now[pid][0] <= before[pid][0] and now[pid][1] <= before[pid][1] for pid in before)


def start_one_after_another(daemon, count):
    for _ in range(count):
        client = daemon.client("ready")
        expect_equal(receive_all(client), b"ready\n", "what the program says")
        client.close()


@claim(seconds=180)
def thousands_of_programs_one_after_another_leave_nothing_behind(scene):
    daemon = scene.daemon(scene.program("ready", "/bin/echo ready"))
    start_one_after_another(daemon, ONE_AFTER_ANOTHER // 5)
    expect_nothing_left(daemon, lambda: start_one_after_another(daemon, ONE_AFTER_ANOTHER // 2))


def hold_at_once(daemon, count):
    """Start so many, have each answer its own client, and let them go."""
    clients = [daemon.client("hold") for _ in range(count)]
    pids = {receive_line(client).split()[1] for client in clients}
    expect_equal(len(pids), count, "different programs")
    for number, client in enumerate(clients):
        client.sendall(b"client %d\n" % number)
    for number, client in enumerate(clients):
        expect_equal(receive_line(client), "client %d" % number, "what came back")
    for client in clients:
        client.close()


@claim(needs=["probe"], seconds=180)
def a_thousand_programs_at_once_serve_each_its_client_and_leave_nothing_behind(scene):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    daemon = scene.daemon(scene.program("hold", scene.probe + " hold"))
    expect_nothing_left(daemon, lambda: hold_at_once(daemon, AT_ONCE))
