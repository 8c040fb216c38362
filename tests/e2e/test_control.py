# SPDX-License-Identifier: ISC
"""The control socket: Varlink as others speak it, who may what, and its bounds."""

import json
import mmap
import os
import signal
import socket
import stat
import subprocess

from claims import WAIT, Failure, claim, expect, expect_equal
from harness import descriptor_counts, wait_for_no_more_descriptors, wait_until
from talk import ask
from varlink import REEVECTL, Client, Interface, VarlinkError, full_name, reevectl


@claim()
def control_socket_says_who_it_is_and_describes_its_interfaces(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4"))
    client = Client(scene, daemon)
    info = client.call("org.varlink.service.GetInfo")
    expect_equal(sorted(info), ["interfaces", "product", "url", "vendor", "version"], "members")
    expect_equal(info["interfaces"], ["org.varlink.service", "io.reeve.Control"], "interfaces")
    for name in info["interfaces"]:
        text = client.call("org.varlink.service.GetInterfaceDescription", interface=name)
        described = Interface(text["description"])
        expect_equal(described.name, name, "the described interface")
        expect(described.methods, "no method in %s" % name)


@claim()
def control_socket_answers_as_its_interface_is_described(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4"))
    client = Client(scene, daemon)
    text = client.call("org.varlink.service.GetInterfaceDescription", interface="io.reeve.Control")
    interface = Interface(text["description"])
    ask(daemon.client("echo"), b"hello")
    for method, parameters in (
            ("Ban", {"source": "10.0.0.1"}), ("Status", {}), ("List", {}), ("Plan", {}),
            ("Counters", {}), ("Reload", {}), ("Connections", {}), ("Bans", {}), ("Log", {}),
            ("Unban", {"source": "10.0.0.1"}), ("Pause", {"service": "echo"}),
            ("Resume", {"service": "echo"}), ("Kill", {"service": "echo"}),
            ("Drain", {"service": "echo"}), ("Stop", {})):
        answer = client.call(method, **parameters)
        interface.check(interface.methods[method][1], answer, method)


@claim()
def control_socket_names_what_is_wrong_with_a_call(scene):
    client = Client(scene, scene.daemon(scene.line("echo", "tcp4")))
    service = "org.varlink.service."
    for method, parameters, error, told in (
            ("Nothing", {}, "MethodNotFound", {"method": "io.reeve.Control.Nothing"}),
            (service + "Nothing", {}, "MethodNotFound", {"method": service + "Nothing"}),
            ("io.other.Thing", {}, "InterfaceNotFound", {"interface": "io.other"}),
            ("io.Thing", {}, "InterfaceNotFound", {"interface": "io"}),
            (service + "GetInterfaceDescription", {}, "InvalidParameter",
             {"parameter": "interface"}),
            (service + "GetInterfaceDescription", {"interface": "io.other"}, "InterfaceNotFound",
             {"interface": "io.other"}),
            ("Status", {"service": 7}, "InvalidParameter", {"parameter": "service"}),
            ("Status", {"service": "echo", "x\u001b[1m": 1}, "InvalidParameter",
             {"parameter": "x\u001b[1m"})):
        got = client.fails(method, **parameters)
        expect_equal((got.name, got.parameters), (service + error, told), method)


@claim()
def control_socket_answers_calls_in_their_order_and_oneway_calls_never(scene):
    client = Client(scene, scene.daemon(scene.line("echo", "tcp4")))
    status = full_name("Status")
    calls = [{"method": status, "oneway": True}, {"method": status},
             {"method": status, "oneway": True, "parameters": {"x": 1}},
             {"method": "org.varlink.service.GetInfo"}, {"method": status, "upgrade": True}]
    client.socket.sendall(b"".join(json.dumps(call).encode() + b"\0" for call in calls))
    client.socket.shutdown(socket.SHUT_WR)
    expect("daemon" in client.reply()[0], "the first answer is not that of Status")
    expect("vendor" in client.reply()[0], "the second answer is not that of GetInfo")
    try:
        raise Failure("the protocol is upgraded: %s" % client.reply())
    except VarlinkError as error:
        expect_equal(error.name, "org.varlink.service.MethodNotImplemented", "error")
    expect_equal(client.receive(), None, "what comes behind the last answer")


@claim()
def calls_that_were_sent_at_once_are_done_though_who_sent_them_is_gone(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4"))
    client = Client(scene, daemon)
    client.socket.sendall(b"".join(json.dumps({
        "method": full_name("Ban"), "oneway": True,
        "parameters": {"source": "192.0.2.%d" % number}}).encode() + b"\0" for number in range(200)))
    client.socket.close()
    control = Client(scene, daemon)
    wait_until(lambda: len(control.call("Bans")["bans"]) == 200, "all of them")


@claim()
def control_socket_lets_nobody_go_on_who_speaks_no_varlink(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4"))
    for bytes_sent in (b"GET / HTTP/1.0\r\n\r\n\0", b"\0", b"[1]\0", b"x" * 70000, b"[" * 60000 + b"\0",
                       b'{"method":"io.reeve.Control.Status","parameters":[]}\0',
                       b'{"method":"io.reeve.Control.Status","surprise":1}\0'):
        client = Client(scene, daemon)
        try:
            client.socket.sendall(bytes_sent)
        except (BrokenPipeError, ConnectionResetError):
            pass
        expect_equal(client.receive(), None, "the answer to %r" % bytes_sent[:20])
    expect("daemon" in Client(scene, daemon).call("Status"), "the daemon does not answer any more")


@claim()
def control_socket_keeps_few_clients_and_lets_the_idlest_go(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4"))
    idle = [Client(scene, daemon) for _ in range(32)]
    for client in idle:
        client.call("Status")
    expect("daemon" in Client(scene, daemon).call("Status"), "one more is not served")
    expect_equal(idle[0].receive(), None, "what the idlest is told")
    expect("daemon" in idle[31].call("Status"), "the last one is let go, too")


@claim()
def control_socket_drops_descriptors_that_nobody_asked_for(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4"))
    client = Client(scene, daemon)
    client.call("Status")
    before = descriptor_counts(daemon)
    reader, writer = os.pipe()
    for _ in range(3):
        try:
            socket.send_fds(client.socket, [b'{"method":"io.reeve.Control.Status"}\0'], [writer] * 20)
            client.reply()
        except PermissionError:  # since Linux 6.16 they do not even come
            client.call("Status")
    os.close(writer)
    expect_equal(os.read(reader, 1), b"", "what comes out of the pipe")
    os.close(reader)
    wait_for_no_more_descriptors(daemon, before)


@claim()
def control_socket_is_for_its_owner_and_gone_with_the_daemon(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4"))
    path = os.path.join(daemon.run_dir, "control.sock")
    mode = stat.S_IMODE(os.stat(path).st_mode)
    expect(mode & 0o007 == 0, "others may connect: mode %o" % mode)
    reevectl(daemon, "stop")
    daemon.wait()
    expect(not os.path.exists(path), "the socket is still there")
    _, complaint = reevectl(daemon, "status", status=1)
    expect("reeved is not running: no %s" % path in complaint, complaint)


@claim()
def reevectl_shows_status_to_people_and_to_programs(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4"))
    shown, _ = reevectl(daemon, "status")
    expect("pid %d" % daemon.pid in shown and "serving" in shown, shown)
    reply = json.loads(reevectl(daemon, "status", "--json")[0])
    expect_equal(reply["daemon"]["pid"], daemon.pid, "pid")


@claim()
def status_tells_of_each_service_what_it_holds(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4", keys="instances=1") +
                          scene.line("other", "tcp4", "builtin:discard"))
    control = Client(scene, daemon)
    client = daemon.client("echo")
    ask(client, b"hello")
    echo, other = control.call("Status")["services"]
    expect_equal((echo["name"], echo["state"], echo["active"], echo["instances"]),
                 ("echo", "full", 1, 1), "echo")
    expect_equal((other["state"], other["active"], other["counters"]), ("open", 0, {}), "other")
    expect_equal(echo["counters"]["connections"], 1, "connections")
    expect_equal(echo["endpoints"], [{"protocol": "tcp4", "address": "127.0.0.1:%d" %
                                     daemon.port("echo")}], "endpoints")
    alone = control.call("Status", service="other")["services"]
    expect_equal([service["name"] for service in alone], ["other"], "what is told of one")
    error = control.fails("Status", service="xother")
    expect_equal((error.name, error.parameters), ("io.reeve.Control.NoSuchService",
                 {"service": "xother", "nearest": "other"}), "error")
    expect_equal(control.call("Status")["daemon"]["near_limits"], ["echo"], "near their limits")
    shown, _ = reevectl(daemon, "status", "echo")
    expect("echo is full" in shown, shown)


@claim()
def list_tells_the_ports_that_the_kernel_chose(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4") + scene.line("local", "unix", "builtin:echo"))
    ports = json.loads(reevectl(daemon, "list", "--json")[0])["ports"]
    expect_equal([(port["service"], port["address"], port["handler"]) for port in ports],
                 [("echo", "127.0.0.1:%d" % daemon.port("echo"), "builtin:echo"),
                  ("local", daemon.address("local", "unix"), "builtin:echo")], "ports")


@claim()
def counters_come_with_memory_that_can_only_be_read(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4"))
    control = Client(scene, daemon)
    rows = control.call("Counters")["rows"]
    expect_equal([row["service"] for row in rows], ["echo"], "rows")
    memory, = control.descriptors
    scene.stack.callback(os.close, memory)
    mmap.mmap(memory, 4096, prot=mmap.PROT_READ).close()
    for write in (lambda: os.pwrite(memory, b"x", 0),
                  lambda: mmap.mmap(memory, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE)):
        try:
            write()
        except OSError:
            continue
        raise Failure("the counters can be written")
    mode = os.stat("/proc/self/fd/%d" % memory).st_mode
    expect(mode & 0o077 == 0, "others may open it anew: mode %o" % mode)


@claim()
def plan_tells_what_a_reload_would_do_and_changes_nothing(scene):
    echo, gone = scene.line("echo", "tcp4"), scene.line("gone", "tcp4", "builtin:discard")
    daemon = scene.daemon(echo + gone + scene.line("same", "tcp4", "builtin:echo"))
    control = Client(scene, daemon)
    before = control.call("List")
    daemon.write_table(scene.line("echo", "tcp4", keys="instances=7 idle=5s") +
                       scene.line("same", "tcp4", "builtin:echo") +
                       scene.line("new", "tcp4", "builtin:discard"))
    steps = {step["service"]: step for step in control.call("Plan")["steps"]}
    expect_equal({name: step["action"] for name, step in steps.items()},
                 {"echo": "retune", "same": "keep", "new": "open", "gone": "close"}, "actions")
    expect_equal(steps["echo"]["reason"], "instances 1000 -> 7; idle auto -> 5s", "reason")
    expect_equal(control.call("List"), before, "the ports after the plan")
    shown, _ = reevectl(daemon, "plan")
    expect("1 kept, 1 retuned, 1 opened, 1 closed" in shown and "same" not in shown, shown)


@claim()
def plan_tells_which_keys_take_a_restart(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4"))
    scene.write(os.path.basename(daemon.conf), 'daemon: { grace = "3s"; sources = 2048; };\n')
    plan = Client(scene, daemon).call("Plan")
    expect_equal((plan["settings"], plan["needs_restart"]), (["grace"], ["sources"]), "keys")


@claim()
def reload_waits_and_tells_what_it_did_or_what_is_wrong(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4"))
    daemon.write_table(scene.line("echo", "tcp4") + scene.line("new", "tcp4", "builtin:discard"))
    shown, _ = reevectl(daemon, "reload")
    expect("1 kept, 0 retuned, 1 opened, 0 closed" in shown, shown)
    ask(daemon.client("echo"), b"hello")
    daemon.write_table("echo 127.0.0.1:0/tpc builtin\n")
    _, complaint = reevectl(daemon, "reload", status=1)
    expect("services0:1:18: \"tpc\" is no protocol" in complaint, complaint)
    expect("the running configuration is unchanged" in complaint, complaint)
    error = Client(scene, daemon).fails("Reload")
    expect_equal((error.name, error.parameters["count"]), ("io.reeve.Control.Mistakes", 1), "error")
    expect_equal(len(error.parameters["complaints"]), 1, "complaints")


@claim()
def reloads_asked_for_at_once_are_all_answered(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4"))
    clients = [Client(scene, daemon) for _ in range(8)]
    for client in clients:
        client.send({"method": full_name("Reload")})
    for client in clients:
        expect_equal([step["action"] for step in client.reply()[0]["steps"]], ["keep"], "steps")


@claim()
def reload_that_takes_a_port_of_somebody_else_is_refused_with_the_reason(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4"))
    with socket.create_server(("127.0.0.1", 0)) as other:
        daemon.write_table(scene.line("echo", "tcp4") +
                           "taken 127.0.0.1:%d/tcp4 builtin:echo\n" % other.getsockname()[1])
        _, complaint = reevectl(daemon, "reload", status=1)
    expect("services0:2" in complaint, complaint)
    ask(daemon.client("echo"), b"hello")


def texts(answer, word):
    return [event["text"] for event in answer["events"] if event["text"].startswith(word)]


@claim()
def log_shows_the_last_events_of_all_processes(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4") + scene.line("other", "tcp4", "builtin:echo"))
    for name in ("echo", "other"):
        with daemon.client(name) as client:
            ask(client, b"hello")
        daemon.wait_for_event("conn_ended", service=name)
    control = Client(scene, daemon)
    answer = control.call("Log", last=1000)
    expect_equal(len(texts(answer, "conn-ended: a connection ended id=")), 2, "ends of connections")
    expect(texts(answer, "started: "), "the supervisor's events are lacking: %s", answer)
    expect_equal(sorted({event["from"].split()[0] for event in answer["events"]}),
                 ["gate", "supervisor"], "who has said it")
    times = [event["time_us"] for event in answer["events"]]
    expect_equal(times, sorted(times), "times")
    expect_equal(len(control.call("Log", last=2)["events"]), 2, "the last two")
    alone = control.call("Log", last=1000, service="other")["events"]
    expect(alone and all(" service=other" in event["text"] for event in alone), "others: %s", alone)
    levels = {event["level"] for event in control.call("Log", last=1000, level="notice")["events"]}
    expect_equal(levels, {"notice"}, "levels")
    shown, _ = reevectl(daemon, "log", "--last", "1", "--service", "echo")
    expect("Z info conn-ended: " in shown and shown.count("\n") == 1, shown)


@claim()
def log_follows_what_happens_as_it_happens(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4"))
    control = Client(scene, daemon)
    control.begin("Log", follow=True)
    expect_equal(control.reply(), ({"events": [], "missed": 0}, True), "what comes first")
    with daemon.client("echo") as client:
        ask(client, b"hello")
    found = []
    while not found:
        answer, continues = control.reply()
        expect(continues, "it does not go on")
        found = texts(answer, "conn-ended: ")
    expect("bytes_in=5" in found[0], found[0])


@claim()
def log_tells_a_slow_follower_how_many_events_it_has_missed(scene):
    daemon = scene.daemon(scene.line("echo", "unix"), args=["--gates", "1"])
    control = Client(scene, daemon)
    control.begin("Log", follow=True, service="echo")
    control.reply()
    os.kill(daemon.pid, signal.SIGSTOP)
    scene.stack.callback(os.kill, daemon.pid, signal.SIGCONT)
    for _ in range(400):
        with daemon.client("echo", "unix") as client:
            ask(client, b"x")
    daemon.wait_for_event("conn_ended", count=400)
    os.kill(daemon.pid, signal.SIGCONT)
    seen = missed = 0
    while seen + missed < 400:
        answer, _ = control.reply()
        seen += len(answer["events"])
        missed += answer["missed"]
    expect_equal((seen, missed), (256, 144), "seen and missed")


@claim()
def log_says_what_is_wrong_with_what_it_is_told(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4"))
    control = Client(scene, daemon)
    expect_equal(control.fails("Log", follow=True).name, "org.varlink.service.ExpectedMore", "error")
    for parameter, value in (("last", -1), ("last", 1001), ("level", "loud"), ("last", "x")):
        expect_equal(control.fails("Log", **{parameter: value}).parameters,
                     {"parameter": parameter}, "error")
    expect_equal(control.fails("Log", service="eco").name, "io.reeve.Control.NoSuchService", "error")


def in_own_groups(scene, gid):
    """A command's beginning: it runs where the group reeve is that one."""
    with open("/etc/group", encoding="utf-8") as file:
        lines = [line for line in file if not line.startswith("reeve:")]
    path = scene.write("group", "".join(lines) + "reeve:x:%d:\n" % gid)
    return ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/group && exec "$@"', path]


@claim(needs=["root", "mount namespaces"])
def members_of_the_group_may_look_and_others_may_not_even_connect(scene):
    gid = 54321
    daemon = scene.daemon(scene.line("echo", "tcp4"), wrapper=in_own_groups(scene, gid))
    os.chmod(scene.folder, 0o755)
    os.chmod(daemon.run_dir, 0o755)
    member = {"user": 65534, "group": 65534, "extra_groups": [gid]}
    shown, _ = reevectl(daemon, "status", **member)
    expect("serving" in shown, shown)
    for words in (("stop",), ("reload",), ("plan",), ("pause", "echo"), ("set", "echo", "idle=1s")):
        _, complaint = reevectl(daemon, *words, status=1, **member)
        expect("permission denied; root and the daemon's own user may" in complaint, complaint)
    daemon.wait_for_event("control_refused", method="Stop", uid=65534)
    stranger = {"user": 65534, "group": 65534, "extra_groups": []}
    _, complaint = reevectl(daemon, "status", status=1, **stranger)
    expect("permission denied; root, the daemon's own user and members of the group reeve" in
           complaint, complaint)
    shown, _ = reevectl(daemon, "list", **stranger)
    expect("127.0.0.1:%d" % daemon.port("echo") in shown, shown)


def flood(path, gid):
    """As somebody of that group: come more often than lookers may. How it went, as an exit code."""
    os.setgroups([gid])
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)
    clients = [socket.socket(socket.AF_UNIX) for _ in range(40)]
    for client in clients:
        client.settimeout(WAIT)
        client.connect(path)
    return any(client.recv(1) for client in clients[24:])


@claim(needs=["root", "mount namespaces"])
def lookers_push_nobody_out_who_may_change_something(scene):
    gid = 54321
    daemon = scene.daemon(scene.line("echo", "tcp4"), wrapper=in_own_groups(scene, gid))
    os.chmod(scene.folder, 0o755)
    os.chmod(daemon.run_dir, 0o755)
    idle = [Client(scene, daemon) for _ in range(8)]
    for client in idle:
        client.call("Status")
    pid = os.fork()
    if pid == 0:
        status = 2
        try:
            status = flood(os.path.join(daemon.run_dir, "control.sock"), gid)
        finally:
            os._exit(status)
    expect_equal(os.waitpid(pid, 0)[1], 0, "how the lookers have ended")
    for client in idle:
        expect("daemon" in client.call("Status"), "one who may change something is let go")


@claim()
def reevectl_says_what_is_wrong_with_its_command_line(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4"))
    for words, said in ((("statu",), 'did you mean "status"?'), (("zzz",), "is no verb"),
                        (("status", "a", "b"), "b: is too much"),
                        (("status", "--zzz"), "--zzz")):
        _, complaint = reevectl(daemon, *words, status=2)
        expect(said in complaint, "%s: %s" % (words, complaint))


@claim()
def reevectl_says_that_its_output_could_not_be_written(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4"))
    for words in (("status",), ("status", "--json"), ("metrics",), ("pause", "echo")):
        with open("/dev/full", "wb") as full:
            attempt = subprocess.run([REEVECTL, "-r", daemon.run_dir, *words], stdout=full,
                                     stderr=subprocess.DEVNULL, check=False, timeout=10)
        expect_equal(attempt.returncode, 1, words)
