# SPDX-License-Identifier: ISC
"""Rules that name hosts and domains."""

import os
import signal

from claims import Skip, claim, expect, expect_equal
from dns import Dns, reverse_name
from harness import children, wait_until
from talk import is_silent
from test_upgrade import upgrade

LOOPBACK = {"4": "127.0.0.1", "6": "::1"}
# Somebody whom /etc/hosts does not name: what it says comes before the DNS.
STRANGER = "127.77.0.5"


def settings(dns, more=""):
    return 'names_servers = "%s"; names_refresh = "1s"; %s' % (dns.server, more)


def is_served(client):
    try:
        client.sendall(b"hello")
        return client.recv(100) == b"hello"
    except (ConnectionResetError, BrokenPipeError):
        return False


def stranger(protocol):
    if protocol.endswith("4"):
        return STRANGER
    with open("/etc/hosts", encoding="utf-8") as hosts:
        if "::1" in hosts.read():
            raise Skip("/etc/hosts has a name for ::1")
    return "::1"


def visit(daemon, service, protocol="tcp4"):
    return daemon.client(service, protocol, source=(stranger(protocol), 0))


def is_closed(client):
    try:
        client.sendall(b"hello?")
        return client.recv(100) == b""
    except (ConnectionResetError, BrokenPipeError):
        return True


def resolvers(daemon):
    return [pid for pid, facts in children(daemon.pid).items()
            if facts[2] == "reeve-resolver" and facts[1] not in "ZX"]


@claim(each=["tcp4", "tcp6", "udp4", "udp6"])
def a_host_that_only_from_names_is_admitted_by_its_addresses(scene, protocol):
    dns = Dns(scene)
    dns.host("friend.example.org", LOOPBACK[protocol[-1]], "192.0.2.1", "2001:db8::1")
    dns.host("other.example.org", "192.0.2.1", "2001:db8::1")
    table = scene.line("echo", protocol, keys="only_from=Friend.example.org.") \
        + scene.line("other", protocol, "builtin:echo", keys="only_from=other.example.org")
    daemon = scene.daemon(table, settings(dns))
    for host in ("friend", "other"):
        daemon.wait_for_event("host_known", host=host + ".example.org")
    if protocol.startswith("tcp"):
        wait_until(lambda: is_served(daemon.client("echo", protocol)), "the friend is served")
        expect(is_closed(daemon.client("other", protocol)), "another one is served")
        event = daemon.wait_for_event("conn_refused", service="other", verdict="access")
        expect(event["rule"].endswith(":2"), "the rule is %s", event["rule"])
        return

    def is_answered():
        client = daemon.client("echo", protocol)
        client.settimeout(0.2)
        try:
            return is_served(client)
        except TimeoutError:
            return False

    wait_until(is_answered, "the friend is answered")
    client = daemon.client("other", protocol)
    client.send(b"hello")
    daemon.wait_for_event("datagrams_refused", service="other", verdict="access")
    expect(is_silent(client), "another one is answered")


@claim()
def a_name_that_moves_is_followed_without_a_reload(scene):
    dns = Dns(scene)
    dns.host("friend.example.org", "192.0.2.1")
    daemon = scene.daemon(scene.line("echo", "tcp4", keys="only_from=friend.example.org"),
                          settings(dns))
    daemon.wait_for_event("host_known", host="friend.example.org", addresses="1")
    expect(is_closed(daemon.client("echo")), "served before its name has the address")
    dns.host("friend.example.org", "192.0.2.1", "127.0.0.1")
    daemon.wait_for_event("host_known", host="friend.example.org", addresses="2")
    wait_until(lambda: is_served(daemon.client("echo")), "the name's new address is served")


@claim()
def a_name_that_cannot_be_looked_up_keeps_its_addresses_for_a_while_and_says_so(scene):
    dns = Dns(scene)
    dns.host("friend.example.org", "127.0.0.1")
    dns.host("enemy.example.org", "127.0.0.1")
    table = scene.line("echo", "tcp4", keys="only_from=friend.example.org") \
        + scene.line("other", "tcp4", "builtin:echo", keys="no_access=enemy.example.org")
    daemon = scene.daemon(table, settings(dns, 'names_keep = "4s";'))
    wait_until(lambda: is_served(daemon.client("echo")), "the friend is served")
    wait_until(lambda: not is_served(daemon.client("other")), "the enemy is refused")
    dns.failing = True
    daemon.wait_for_event("host_unknown", host="friend.example.org", addresses="1")
    expect(is_served(daemon.client("echo")), "it lost its address at once")
    daemon.wait_for_event("host_stale", host="friend.example.org")
    daemon.wait_for_event("host_stale", host="enemy.example.org")
    wait_until(lambda: is_closed(daemon.client("echo")), "only_from has lost it")
    expect(is_closed(daemon.client("other")), "no_access has lost it")
    dns.failing = False
    wait_until(lambda: is_served(daemon.client("echo")), "it is looked up again")


@claim(each=["start", "upgrade"])
def hosts_are_known_when_the_first_client_is_served(scene, after):
    dns = Dns(scene)
    dns.host("friend.example.org", "127.0.0.1")
    dns.host("enemy.example.org", "192.0.2.1")
    table = scene.line("echo", "tcp4", keys="only_from=friend.example.org") \
        + scene.line("other", "tcp4", "builtin:echo", keys="no_access=enemy.example.org")
    daemon = scene.daemon(table, settings(dns))
    daemon.wait_for_event("started")  # READY=1 may come before the lines that were written first
    if after == "upgrade":
        upgrade(daemon)
    if daemon.log.find("hosts_late"):
        raise Skip("the DNS server of this claim is too slow here")
    expect(is_served(daemon.client("echo")), "the friend is not known")
    expect(is_served(daemon.client("other")), "the enemy is not known")


@claim()
def hosts_that_cannot_be_looked_up_hold_up_the_start_for_a_moment(scene):
    dns = Dns(scene)
    dns.mute = True
    table = scene.line("echo", "tcp4",
                       keys="only_from=friend.example.org no_access=enemy.example.org")
    daemon = scene.daemon(table + scene.line("other", "tcp4", "builtin:echo"), settings(dns))
    daemon.wait_for_event("hosts_late", hosts="2")
    expect(is_served(daemon.client("other")), "another service is not served")
    expect(is_closed(daemon.client("echo")), "an unknown friend was served")


@claim()
def a_start_that_waits_for_hosts_can_be_ended(scene):
    dns = Dns(scene)
    dns.mute = True
    daemon = scene.daemon(scene.line("echo", "tcp4", keys="only_from=friend.example.org"),
                          settings(dns), is_ready=False)
    wait_until(lambda: dns.asked, "it is asked for the host")
    daemon.stop()
    if daemon.log.find("hosts_late"):
        raise Skip("what waited had an end before it was told to end")
    expect_equal(daemon.log.find("gate_started"), [], "gates")


@claim()
def a_name_that_was_never_known_admits_nobody_and_is_refused_as_everybody(scene):
    dns = Dns(scene)
    dns.failing = True
    table = scene.line("echo", "tcp4", keys="only_from=friend.example.org") \
        + scene.line("other", "tcp4", "builtin:echo", keys="no_access=enemy.example.org") \
        + scene.line("third", "tcp4", "builtin:echo",
                     keys="only_from=127.0.0.1,friend.example.org")
    daemon = scene.daemon(table, settings(dns))
    daemon.wait_for_event("host_unknown", host="enemy.example.org", addresses="0")
    expect(is_closed(daemon.client("echo")), "the unknown friend was admitted")
    expect(is_closed(daemon.client("other")), "the unknown enemy was admitted")
    event = daemon.wait_for_event("conn_refused", service="other", verdict="access")
    expect(event["rule"].endswith(":2"), "the rule is %s", event["rule"])
    expect(is_served(daemon.client("third")), "an address beside it does not count")
    dns.failing = False
    dns.host("enemy.example.org", "192.0.2.1")
    wait_until(lambda: is_served(daemon.client("other")), "all but the enemy are served")


@claim()
def a_host_with_more_addresses_than_are_kept_is_refused_as_everybody(scene):
    dns = Dns(scene)
    many = ["127.9.0.%d" % number for number in range(1, 71)]
    dns.host("many.example.org", *many)
    table = scene.line("echo", "tcp4", keys="no_access=many.example.org") \
        + scene.line("other", "tcp4", "builtin:echo", keys="only_from=many.example.org")
    daemon = scene.daemon(table, settings(dns))
    daemon.wait_for_event("host_cut", host="many.example.org", addresses="64")
    wait_until(lambda: is_served(daemon.client("other", source=(many[0], 0))),
               "only_from admits one that is kept")
    for source in many:
        expect(is_closed(daemon.client("echo", source=(source, 0))), "%s was served", source)
    expect(is_closed(daemon.client("other", source=(many[-1], 0))), "one was not left out")
    event = daemon.wait_for_event("conn_refused", service="echo", verdict="access")
    expect(event["rule"].endswith(":1"), "the rule is %s", event["rule"])
    dns.host("many.example.org", *many[:64])
    daemon.wait_for_event("host_known", host="many.example.org", addresses="64")
    wait_until(lambda: is_served(daemon.client("echo", source=(many[-1], 0))),
               "all but the host are served")
    expect(is_closed(daemon.client("echo", source=(many[63], 0))), "the host was served")


@claim()
def a_host_with_too_many_addresses_that_is_gone_keeps_the_last_ones_alone(scene):
    dns = Dns(scene)
    many = ["127.9.0.%d" % number for number in range(1, 66)]
    dns.host("many.example.org", *many)
    daemon = scene.daemon(scene.line("echo", "tcp4", keys="no_access=many.example.org"),
                          settings(dns))
    daemon.wait_for_event("host_cut", host="many.example.org", addresses="64")
    dns.forget("many.example.org")
    daemon.wait_for_event("host_unknown", host="many.example.org", addresses="64")
    expect(is_closed(daemon.client("echo")), "forgotten at once that it had more")
    scene.write(os.path.basename(daemon.conf),
                "daemon: { %s };" % settings(dns, 'names_keep = "0s"; grace = "2s";'))
    daemon.reload()
    daemon.wait_for_event("host_stale", host="many.example.org", addresses="64")
    wait_until(lambda: is_served(daemon.client("echo")), "whose address it never was is served")
    daemon.reload()
    expect(is_served(daemon.client("echo")), "refused after a reload")
    expect(is_closed(daemon.client("echo", source=(many[0], 0))), "a last address was served")
    mark = daemon.log.mark()
    dns.host("many.example.org", *many)
    daemon.wait_for_event("host_cut", host="many.example.org", since=mark)
    wait_until(lambda: not is_served(daemon.client("echo")), "everybody is refused again")


@claim()
def a_name_with_more_addresses_than_are_kept_is_its_clients_all_the_same(scene):
    dns = Dns(scene)
    dns.reverse(STRANGER, "many.example.org")
    dns.host("many.example.org", *["127.9.0.%d" % number for number in range(1, 71)], STRANGER)
    table = scene.line("echo", "tcp4", keys="only_from=.example.org") \
        + scene.line("other", "tcp4", "builtin:echo", keys="no_access=.example.org")
    daemon = scene.daemon(table, settings(dns))
    expect(is_served(visit(daemon, "echo")), "only_from does not know it")
    expect(is_closed(visit(daemon, "other")), "no_access does not know it")


@claim(each=["tcp4", "tcp6"])
def a_client_of_a_domain_is_admitted_when_its_name_has_its_address(scene, protocol):
    dns = Dns(scene)
    address = stranger(protocol)
    dns.reverse(address, "liar.example.org", "a.lab.example.org")
    dns.host("liar.example.org", "192.0.2.1", "2001:db8::1")
    dns.host("a.lab.example.org", address)
    rules = {"one": ("only_from=.example.org", True),
             "two": ("only_from=.lab.example.org no_access=.example.org", True),
             "three": ("only_from=.example.org no_access=.lab.example.org", False),
             "four": ("no_access=.example.org", False),
             "five": ("no_access=.example.com", True),
             "six": ("only_from=.b.lab.example.org", False),
             "seven": ("only_from=.example.org no_access=ALL", True),
             "eight": ("only_from=%s no_access=.example.org" % address, True),
             "nine": ("only_from=.a.lab.example.org", False)}
    table = "".join(scene.line(name, protocol, "builtin:echo", keys=keys)
                    for name, (keys, _) in rules.items())
    daemon = scene.daemon(table, settings(dns))
    for name, (keys, served) in rules.items():
        expect_equal(is_served(visit(daemon, name, protocol)), served, keys)


@claim()
def a_name_that_its_owner_denies_is_none(scene):
    dns = Dns(scene)
    dns.reverse(STRANGER, "www.example.org")
    dns.host("www.example.org", "192.0.2.1")
    daemon = scene.daemon(scene.line("echo", "tcp4", keys="only_from=.example.org"),
                          settings(dns))
    expect(is_closed(visit(daemon, "echo")), "a name was believed that anybody can give himself")
    event = daemon.wait_for_event("conn_refused", service="echo", verdict="access")
    expect(event["rule"].endswith(":1"), "the rule is %s", event["rule"])


@claim()
def whoever_waits_for_his_name_holds_up_nobody(scene):
    dns = Dns(scene)
    dns.mute = True
    dns.reverse(STRANGER, "a.example.org")
    dns.host("a.example.org", STRANGER)
    table = scene.line("echo", "tcp4", keys="only_from=.example.org names_timeout=1min") \
        + scene.line("other", "tcp4", "builtin:echo")
    daemon = scene.daemon(table, settings(dns), args=["--gates", "1"])
    waiting = [visit(daemon, "echo") for _ in range(5)]
    wait_until(lambda: dns.asked, "the name is asked for")
    expect(is_served(visit(daemon, "other")), "another service's client waits too")
    expect(all(is_silent(client) for client in waiting), "one did not wait")
    dns.speak()
    for client in waiting:
        expect(is_served(client), "not served when the name was known")


@claim()
def no_more_than_so_many_clients_of_an_address_wait_for_an_answer(scene):
    dns = Dns(scene)
    dns.mute = True
    daemon = scene.daemon(
        scene.line("echo", "tcp4", keys="only_from=.example.org names_timeout=1min"),
        settings(dns), args=["--gates", "1"])
    clients = [visit(daemon, "echo") for _ in range(70)]
    event = daemon.wait_for_event("conn_refused", service="echo", verdict="names")
    expect(event["rule"].endswith(":1"), "the rule is %s", event["rule"])
    wait_until(lambda: sum(not is_silent(client) for client in clients) == 6,
               "those beyond 64 are refused")
    wait_until(lambda: dns.asked, "the name is asked for")
    expect_equal(len(set(dns.asked)), 1, "questions to the DNS")


@claim()
def without_an_answer_in_time_a_rule_for_a_domain_refuses(scene):
    dns = Dns(scene)
    dns.mute = True
    table = scene.line("echo", "tcp4", keys="only_from=.example.org names_timeout=100ms") \
        + scene.line("other", "tcp4", "builtin:echo",
                     keys="no_access=.example.org names_timeout=100ms") \
        + scene.line("third", "tcp4", "builtin:echo",
                     keys="only_from=127.0.0.0/8,.example.org names_timeout=1min")
    daemon = scene.daemon(table, settings(dns))
    for name, number in (("echo", 1), ("other", 2)):
        expect(is_closed(visit(daemon, name)), "%s served it", name)
        event = daemon.wait_for_event("conn_refused", service=name, verdict="names")
        expect(event["rule"].endswith(":%d" % number), "the rule is %s", event["rule"])
    expect(is_served(visit(daemon, "third")), "it waited for a name that does not matter")


@claim(each=["udp4", "udp6"])
def a_datagram_is_answered_once_its_sender_is_known(scene, protocol):
    dns = Dns(scene)
    address = stranger(protocol)
    dns.reverse(address, "a.example.org")
    dns.host("a.example.org", address)
    daemon = scene.daemon(scene.line("echo", protocol, keys="only_from=.example.org"),
                          settings(dns))
    client = visit(daemon, "echo", protocol)
    client.send(b"hello")
    daemon.wait_for_event("datagrams_refused", service="echo", verdict="names")
    client.settimeout(0.2)

    def is_answered():
        try:
            return is_served(client)
        except TimeoutError:
            return False

    wait_until(is_answered, "the sender's next datagram is answered")


@claim()
def senders_of_datagrams_leave_questions_to_clients_who_wait(scene):
    dns = Dns(scene)
    dns.mute = True
    dns.outspoken = {reverse_name(STRANGER), "a.example.org"}
    dns.reverse(STRANGER, "a.example.org")
    dns.host("a.example.org", STRANGER)
    daemon = scene.daemon(
        scene.line("echo", "tcp4,udp4", keys="only_from=.example.org names_timeout=1min"),
        settings(dns), args=["--gates", "1"])
    for number in range(300):
        source = "127.88.%d.%d" % (number // 200, number % 200 + 1)
        daemon.client("echo", "udp4", source=(source, 0)).send(b"forged")
    daemon.wait_for_event("datagrams_refused", service="echo", verdict="names")
    expect(is_served(visit(daemon, "echo")), "no question was left for the client")


@claim(needs=("root",))
def a_gate_that_is_behind_misses_no_answer(scene):
    dns = Dns(scene)
    daemon = scene.daemon(
        scene.line("echo", "tcp4", keys="no_access=.example.com names_timeout=1min"),
        settings(dns), args=["--gates", "1"])
    gate, = daemon.gates()
    resolver, = resolvers(daemon)

    def held():
        return len(os.listdir("/proc/%d/fd" % gate))

    expect(is_served(visit(daemon, "echo")), "not served while it could ask")
    before = held()
    os.kill(resolver, signal.SIGSTOP)
    clients = [daemon.client("echo", source=("127.88.1.%d" % number, 0))
               for number in range(1, 121)]
    wait_until(lambda: held() >= before + len(clients), "they are asked about")
    os.kill(gate, signal.SIGSTOP)
    os.kill(resolver, signal.SIGCONT)
    # The last one or two may be asked about when the gate goes on.
    wait_until(lambda: len(set(dns.asked)) > len(clients) - 10, "their names are looked up")
    os.kill(gate, signal.SIGCONT)
    for client in clients:
        expect(is_served(client), "%s was not served", client.getsockname())


@claim()
def answers_are_remembered(scene):
    dns = Dns(scene)
    dns.ttl = 60
    dns.reverse(STRANGER, "a.example.org")
    dns.host("a.example.org", STRANGER)
    daemon = scene.daemon(scene.line("echo", "tcp4", keys="only_from=.example.org"),
                          settings(dns), args=["--gates", "1"])
    for _ in range(10):
        expect(is_served(visit(daemon, "echo")), "not served")
    expect_equal(len(dns.asked), 2, "questions to the DNS")


@claim()
def a_resolver_that_dies_is_replaced_and_nobody_who_waits_notices(scene):
    dns = Dns(scene)
    dns.mute = True
    dns.reverse(STRANGER, "a.example.org")
    dns.host("a.example.org", STRANGER)
    daemon = scene.daemon(
        scene.line("echo", "tcp4", keys="only_from=.example.org names_timeout=1min"),
        settings(dns))
    client = visit(daemon, "echo")
    wait_until(lambda: dns.asked, "the name is asked for")
    dns.held = []
    first, = resolvers(daemon)
    os.kill(first, signal.SIGKILL)
    daemon.wait_for_event("resolver_ended", pid=str(first), signal="9")
    wait_until(lambda: dns.held, "the next one asks again")
    dns.speak()
    expect(is_served(client), "not served")


@claim(needs=["root", "mount namespaces"])
def a_name_of_a_client_is_not_completed(scene):
    dns = Dns(scene)
    dns.reverse(STRANGER, "a.example.org")
    dns.host("a.example.org.local.example", STRANGER)
    config = scene.write("resolv.conf", "search local.example\n")
    os.chmod(config, 0o644)
    daemon = scene.daemon(
        scene.line("echo", "tcp4", keys="only_from=.example.org"), settings(dns),
        wrapper=["unshare", "--mount", "sh", "-c",
                 'mount --bind "%s" /etc/resolv.conf && exec "$0" "$@"' % config])
    expect(is_closed(visit(daemon, "echo")), "served by a name that is not whole")
    expect("a.example.org" in [name for name, _ in dns.asked], "its name was not asked for")
    expect("a.example.org.local.example" not in [name for name, _ in dns.asked], "completed")


@claim(needs=["root", "mount namespaces"])
def another_resolv_conf_is_followed_while_questions_are_open(scene):
    before, after = Dns(scene, port=53), Dns(scene, port=53)
    before.mute = True
    sources = ["127.77.0.%d" % number for number in (6, 7)]
    for source in sources:
        after.reverse(source, "a.example.org")
    after.host("a.example.org", *sources)
    config = scene.write("resolv.conf", "nameserver %s\n" % before.server.split(":")[0])
    os.chmod(config, 0o644)
    daemon = scene.daemon(
        scene.line("echo", "tcp4", keys="only_from=.example.org names_timeout=1min"),
        args=["--gates", "1"],
        wrapper=["unshare", "--mount", "sh", "-c",
                 'mount --bind "%s" /etc/resolv.conf && exec "$0" "$@"' % config])
    first = daemon.client("echo", source=(sources[0], 0))
    wait_until(lambda: before.asked, "the name is asked for")
    with open(config, "w", encoding="utf-8") as file:
        file.write("nameserver %s\n# another one\n" % after.server.split(":")[0])
    second = daemon.client("echo", source=(sources[1], 0))
    expect(is_served(second), "not served")
    expect_equal({name for name, _ in before.asked}, {reverse_name(sources[0])},
                 "asked where it was before")
    first.close()


@claim()
def a_reload_while_hosts_are_looked_up_costs_no_resolver(scene):
    dns = Dns(scene)
    dns.mute = True
    table = scene.line("echo", "tcp4", keys="only_from=friend.example.org,other.example.org")
    daemon = scene.daemon(table, settings(dns))
    wait_until(lambda: {"friend.example.org", "other.example.org"} <=
               {name for name, _ in dns.asked}, "both are being looked up")
    first = resolvers(daemon)
    daemon.reload(table.replace(",other.example.org", ""))
    dns.host("friend.example.org", STRANGER)
    dns.speak()
    daemon.wait_for_event("host_known", host="friend.example.org")
    expect_equal(daemon.log.find("resolver_lied"), [], "what the resolver said of hosts")
    expect_equal(resolvers(daemon), first, "resolvers")


@claim()
def the_resolver_runs_only_while_rules_need_it(scene):
    dns = Dns(scene)
    dns.host("friend.example.org", STRANGER)
    table = scene.line("echo", "tcp4", keys="only_from=127.0.0.1")
    daemon = scene.daemon(table, settings(dns))
    expect_equal(resolvers(daemon), [], "resolvers without need")
    daemon.reload(table.replace("127.0.0.1 ", "friend.example.org "))
    daemon.wait_for_event("host_known", host="friend.example.org")
    expect_equal(len(resolvers(daemon)), 1, "resolvers")
    daemon.reload(table)
    wait_until(lambda: not resolvers(daemon), "it ends")


@claim()
def a_reload_keeps_what_is_known_of_hosts(scene):
    dns = Dns(scene)
    dns.host("friend.example.org", STRANGER)
    table = scene.line("echo", "tcp4", keys="only_from=friend.example.org")
    daemon = scene.daemon(table, settings(dns))
    wait_until(lambda: is_served(visit(daemon, "echo")), "served")
    dns.mute = True
    daemon.reload(table + scene.line("other", "tcp4", "builtin:echo"))
    expect(is_served(visit(daemon, "echo")), "its address was forgotten")
