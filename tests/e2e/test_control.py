# SPDX-License-Identifier: ISC
"""The control socket: Varlink as others speak it, who may what, and its bounds."""

import json
import os
import socket
import stat

from claims import Failure, claim, expect, expect_equal
from varlink import Client, Interface, VarlinkError, full_name, reevectl


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
    for method in ("Status",):
        answer = client.call(method)
        interface.check(interface.methods[method][1], answer, method)
    error = client.fails("Status", wrong=1)
    expect_equal((error.name, error.parameters), (
        "org.varlink.service.InvalidParameter", {"parameter": "wrong"}), "error")


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
    before = len(os.listdir("/proc/%d/fd" % daemon.pid))
    reader, writer = os.pipe()
    for _ in range(3):
        socket.send_fds(client.socket, [b'{"method":"io.reeve.Control.Status"}\0'], [writer] * 20)
        client.reply()
    os.close(writer)
    expect_equal(os.read(reader, 1), b"", "what comes out of the pipe")
    os.close(reader)
    expect_equal(len(os.listdir("/proc/%d/fd" % daemon.pid)), before, "descriptors of the daemon")


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
def reevectl_says_what_is_wrong_with_its_command_line(scene):
    daemon = scene.daemon(scene.line("echo", "tcp4"))
    for words, said in ((("statu",), 'did you mean "status"?'), (("zzz",), "is no verb"),
                        (("status", "a", "b"), "b: is too much"),
                        (("status", "--zzz"), "--zzz")):
        _, complaint = reevectl(daemon, *words, status=2)
        expect(said in complaint, "%s: %s" % (words, complaint))
