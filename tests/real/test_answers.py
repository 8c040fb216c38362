# SPDX-License-Identifier: ISC
"""Programs that answer a question: web pages, mail, words, names, checks, compilers."""

import json
import os

from claims import expect, expect_equal
from harness import wait_until
from inetd import (add_account, content_of, folder_of, installed_line, random_file, real, run,
                      serve, unpacked)
from talk import receive_all, receive_line

WEB_LINES = {
    "busybox": "www stream tcp nowait nobody /usr/bin/busybox busybox httpd -i -h %s",
    "micro-httpd": "www stream tcp nowait nobody:www-data /usr/sbin/tcpd /usr/sbin/micro-httpd %s",
}


@real("busybox", "micro-httpd", "tcpd", "curl", each=list(WEB_LINES))
def a_web_server_gives_a_megabyte_and_knows_what_it_has_not(scene, package):
    site = folder_of(scene, "site")
    content = random_file(scene, "site/content")[1]
    daemon = serve(scene, WEB_LINES[package] % site)
    url = "http://127.0.0.1:%d/" % daemon.port("www")
    expect_equal(run(scene, "curl", "-sS", url + "content"), content, "the file")
    status = run(scene, "curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", url + "none")
    expect_equal(status, b"404", "the status of what is not there")
    pages = [url + "content"] * 20
    fetched = run(scene, "curl", "-sS", "--parallel", *pages)
    expect_equal(len(fetched), 20 * len(content), "twenty at once")


def make_certificate(scene):
    run(scene, "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
        "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1",
        "-keyout", scene.path("key.pem"), "-out", scene.path("certificate.pem"))
    return scene.path("certificate.pem")


@real("stunnel4", "openssl", "busybox", "curl")
def stunnel_puts_tls_before_a_plain_program(scene):
    site = folder_of(scene, "site")
    content = random_file(scene, "site/content")[1]
    certificate = make_certificate(scene)
    settings = scene.write("stunnel.conf", "\n".join([
        "cert = " + certificate, "key = " + scene.path("key.pem"), "syslog = no",
        "exec = /usr/bin/busybox", "execArgs = busybox httpd -i -h " + site, ""]))
    daemon = serve(scene, "https stream tcp nowait root /usr/bin/stunnel stunnel " + settings)
    fetched = run(scene, "curl", "-sS", "--cacert", certificate,
                  "https://127.0.0.1:%d/content" % daemon.port("https"))
    expect_equal(fetched, content, "the file")
    shaken = run(scene, "openssl", "s_client", "-verify_return_error", "-CAfile", certificate,
                 "-connect", "127.0.0.1:%d" % daemon.port("https"))
    expect(b"Verify return code: 0 (ok)" in shaken, "the handshake: %s", shaken)


@real("sslh", "busybox", "openssh-server", "curl")
def sslh_leads_to_two_services_behind_one_port(scene):
    site = folder_of(scene, "site")
    content = random_file(scene, "site/content")[1]
    behind = serve(scene, WEB_LINES["busybox"] % site,
                   "greeting stream tcp nowait nobody /bin/echo echo SSH-2.0-somebody")
    daemon = serve(scene, "https stream tcp nowait nobody /usr/sbin/sslh sslh -i "
                          "--http 127.0.0.1:%d --ssh 127.0.0.1:%d" % (
                              behind.port("www"), behind.port("greeting")))
    fetched = run(scene, "curl", "-sS", "http://127.0.0.1:%d/content" % daemon.port("https"))
    expect_equal(fetched, content, "the file")
    client = daemon.client("https")
    client.sendall(b"SSH-2.0-me\r\n")
    expect_equal(receive_line(client), "SSH-2.0-somebody", "the greeting")


@real("fingerd", "finger", "tcpd")
def finger_shows_what_it_shows_here(scene):
    serve(scene, installed_line("finger"), port="127.0.0.1:79")
    here = run(scene, "finger", "root")
    there = run(scene, "finger", "root@127.0.0.1").replace(b"\r", b"")
    expect(b"Login: root" in here, "no answer: %s", here)
    expect(there.endswith(here), "told is %s, not %s", there, here)


IDENT_LINES = {
    "nullidentd": ("ident stream tcp nowait nobody %s/nullidentd/usr/sbin/nullidentd nullidentd",
                   "foobar"),
    "oidentd": ("ident stream tcp nowait root /usr/sbin/oidentd oidentd -I", "root"),
}


@real("oidentd", "nullidentd", each=list(IDENT_LINES))
def ident_tells_who_a_connection_belongs_to(scene, package):
    line, owner = IDENT_LINES[package]
    if package == "nullidentd":
        unpacked(scene, package)
    daemon = serve(scene, line % scene.folder if "%s" in line else line)
    held = daemon.client("ident")
    asking = daemon.client("ident")
    question = "%d, %d" % (held.getsockname()[1], held.getpeername()[1])
    asking.sendall(question.encode() + b"\r\n")
    answer = [part.strip() for part in receive_line(asking).split(":")]
    expect_equal((answer[0].replace(" ", ""), answer[1], answer[-1]),
                 (question.replace(" ", ""), "USERID", owner), "the answer")


@real("distcc", "gcc")
def a_file_is_compiled_elsewhere_to_the_same_bytes(scene):
    daemon = serve(scene, "distcc stream tcp nowait.6000 distccd /usr/bin/distccd distccd "
                          "--inetd --allow 127.0.0.1 --enable-tcp-insecure")
    source = scene.write("source.c", "#include <stdio.h>\n"
                                     "int main(void) { return puts(\"hello\") < 0; }\n")
    there = {"DISTCC_HOSTS": "127.0.0.1:%d" % daemon.port("distcc"), "DISTCC_FALLBACK": "0",
             "DISTCC_DIR": scene.folder}
    run(scene, "distcc", "gcc", "-O2", "-c", source, "-o", scene.path("there.o"), env=there)
    run(scene, "gcc", "-O2", "-c", source, "-o", scene.path("here.o"))
    expect_equal(content_of(scene.path("there.o")), content_of(scene.path("here.o")), "the object")
    daemon.wait_for_event("handler_ended", service="distcc")


@real("dictd", "dict", "tcpd")
def a_dictionary_is_looked_into(scene):
    scene.write("tiny.dict", "reeve\n  The officer who kept a port.\n")
    scene.write("tiny.index", "reeve\tA\tk\n")
    settings = scene.write("dictd.conf", "database tiny { data \"%s\" index \"%s\" }\n" % (
        scene.path("tiny.dict"), scene.path("tiny.index")))
    daemon = serve(scene, "dict stream tcp nowait dictd.dictd /usr/sbin/tcpd /usr/sbin/dictd "
                          "--inetd -c " + settings)
    said = run(scene, "dict", "-P", "-", "-h", "127.0.0.1", "-p", daemon.port("dict"), "reeve")
    expect(b"The officer who kept a port." in said, "what the dictionary says: %s", said)
    run(scene, "dict", "-P", "-", "-h", "127.0.0.1", "-p", daemon.port("dict"), "-d", "tiny",
        "steward", status=20)


@real("exim4-daemon-light", "popa3d", "tcpd", "curl")
def mail_that_is_handed_in_is_delivered_and_fetched(scene):
    add_account("ann", "correct-horse")
    daemon = serve(scene, "smtp stream tcp nowait root /usr/sbin/exim4 exim4 -bs",
                   "pop3 stream tcp nowait root /usr/sbin/tcpd /usr/sbin/popa3d")
    letter = scene.write("letter", "From: root@localhost\nTo: ann@localhost\nSubject: port\n\n" +
                         "A line of the letter.\n" * 5000)
    run(scene, "curl", "-sS", "smtp://127.0.0.1:%d" % daemon.port("smtp"), "--mail-from",
        "root@localhost", "--mail-rcpt", "ann@localhost", "--crlf", "-T", letter)
    wait_until(lambda: os.path.exists("/var/mail/ann"), "the letter to be delivered")
    url = "pop3://127.0.0.1:%d/" % daemon.port("pop3")

    def fetched():
        return run(scene, "curl", "-sS", "-u", "ann:correct-horse", url + "1")
    wait_until(lambda: run(scene, "curl", "-sS", "-u", "ann:correct-horse", url).startswith(b"1 "),
               "a letter in the box")
    body = fetched().replace(b"\r", b"").split(b"\n\n", 1)[1]
    expect_equal(body.strip(), content_of(letter).split(b"\n\n", 1)[1].strip(), "the letter")


@real("nagios-nrpe-server", "nagios-nrpe-plugin")
def a_check_runs_here_and_its_status_is_told_there(scene):
    settings = scene.write("nrpe.cfg", "\n".join([
        "allowed_hosts=127.0.0.1", "nrpe_user=nagios", "nrpe_group=nagios",
        "pid_file=" + scene.path("nrpe.pid"), "command_timeout=10",
        "command[good]=/bin/echo all is well",
        "command[bad]=/bin/sh -c 'echo far too warm; exit 2'", ""]))
    daemon = serve(scene, "nrpe stream tcp nowait nagios /usr/sbin/nrpe nrpe -c %s --inetd" %
                   settings)
    ask = ["/usr/lib/nagios/plugins/check_nrpe", "-H", "127.0.0.1", "-p", daemon.port("nrpe"), "-c"]
    expect_equal(run(scene, *ask, "good"), b"all is well\n", "what a good check says")
    expect_equal(run(scene, *ask, "bad", status=2), b"far too warm\n", "what a bad check says")


@real("gophernicus", "curl")
def gopher_lists_and_gives_a_file(scene):
    hole = folder_of(scene, "hole")
    content = random_file(scene, "hole/content.bin")[1]
    daemon = serve(scene, installed_line("gopher") + " -nf -h localhost -r " + hole)
    url = "gopher://127.0.0.1:%d" % daemon.port("gopher")
    expect(b"content.bin" in run(scene, "curl", "-sS", url + "/1/"), "the file is not listed")
    expect_equal(run(scene, "curl", "-sS", url + "/9/content.bin"), content, "the file")


@real("p910nd", "tcpd")
def what_is_sent_to_the_printer_reaches_its_device(scene):
    os.makedirs("/run/lock/p910nd", exist_ok=True)
    device = scene.write("printer", "")
    _, content = random_file(scene, "page")
    daemon = serve(scene, "p9101 stream tcp nowait root /usr/sbin/tcpd /usr/sbin/p910nd -f " +
                   device)
    client = daemon.client("p9101")
    client.sendall(content)
    client.shutdown(1)
    receive_all(client)
    daemon.wait_for_event("handler_ended", service="p9101")
    expect_equal(content_of(device), content, "what the printer got")


@real("tang-common", "curl")
def tang_shows_its_keys(scene):
    keys = folder_of(scene, "keys")
    run(scene, "/usr/libexec/tangd-keygen", keys)
    run(scene, "chmod", "-R", "a+rX", keys)
    daemon = serve(scene, "tangdx stream tcp nowait nobody /usr/libexec/tangd tangd " + keys)
    shown = run(scene, "curl", "-sS", "http://127.0.0.1:%d/adv" % daemon.port("tangdx"))
    expect("payload" in json.loads(shown), "no advertisement: %s", shown)


@real("bitlbee")
def bitlbee_welcomes_and_serves_a_person(scene):
    folder = folder_of(scene, "accounts", "bitlbee")
    daemon = serve(scene, "ircd stream tcp nowait bitlbee /usr/sbin/bitlbee bitlbee -I -d %s" %
                   folder)
    client = daemon.client("ircd")
    client.sendall(b"NICK ann\r\nUSER ann 0 * :Ann\r\n")
    while " 001 ann " not in receive_line(client):
        pass
    client.sendall(b"PING :here\r\n")
    while "PONG" not in receive_line(client):
        pass
    client.sendall(b"QUIT\r\n")
    receive_all(client)
    daemon.wait_for_event("handler_ended", service="ircd")
