# SPDX-License-Identifier: ISC
"""The world of a program: what reeve-handler(7) promises of it, whatever started reeved."""

import contextlib
import grp
import os
import pwd
import re
import resource
import shutil
import signal
import stat
import subprocess

from claims import IS_ROOT, Skip, TREE, claim, expect, expect_equal, may
from harness import wait_until
from programs import Report, hold_daemon, report_of
from system import descriptors, free_port
from talk import receive_all, receive_line


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def open_files(daemon):
    targets = []
    for fd in descriptors(daemon.pid):
        with contextlib.suppress(FileNotFoundError):
            targets.append(os.readlink("/proc/%d/fd/%d" % (daemon.pid, fd)))
    return targets


def own_report(scene):
    """What the probe finds when it is started by hand, here."""
    done = subprocess.run([scene.probe, "report"], stdout=subprocess.PIPE, check=True)
    return Report(text=done.stdout)


def number_in(path):
    return int(read(path).strip())


def shell(scene, script, keys="", **rest):
    return scene.daemon(scene.program("it", "/bin/sh -c '%s'" % script, keys=keys), **rest)


@claim(needs=["probe"])
def with_stderr_client_descriptor_2_is_the_socket_too(scene):
    report, _, daemon = report_of(scene, keys="stderr=client")
    fds = dict(line.split(" ", 1) for line in report.all("fd"))
    expect_equal(sorted(fds), ["0", "1", "2"], "open descriptors")
    expect(fds["2"].startswith("socket:") and fds["2"] == fds["0"], "2 is no socket: %s", fds)
    daemon.wait_for_event("handler_ended", service="report", ending="exited")


@claim()
def with_stderr_client_a_client_reads_what_the_program_complains_of(scene):
    daemon = shell(scene, "echo trouble >&2", "stderr=client")
    expect_equal(receive_all(daemon.client("it")), b"trouble\n", "what the client reads")
    daemon.wait_for_event("handler_ended", service="it", ending="exited")
    expect_equal(daemon.log.find("handler_said"), [], "what the log has")


@claim(needs=["probe"])
def with_stderr_null_descriptor_2_is_dev_null(scene):
    report, _, _ = report_of(scene, keys="stderr=null")
    expect_equal(report.all("fd")[2], "2 /dev/null", "descriptor 2")


@claim(needs=["probe"])
def with_a_path_stderr_is_appended_to_that_file(scene):
    path = scene.write("errors", "before\n")
    daemon = hold_daemon(scene, "stderr=" + path)
    client, _ = daemon.hold()
    client.sendall(b"say one\nsay two\nexit 0\n")
    daemon.wait_for_event("handler_ended", service="hold", ending="exited")
    expect_equal(read(path), "before\none\ntwo\n", "the file")
    expect_equal(daemon.log.find("handler_said"), [], "what the log has")


@claim(needs=["probe"])
def a_file_for_stderr_is_made_for_the_owner_of_reeved_and_nobody_else_to_write(scene):
    path = scene.path("errors")
    report, _, _ = report_of(scene, keys="stderr=" + path, launch={"umask": 0})
    file = os.stat(path)
    expect_equal(stat.S_IMODE(file.st_mode), 0o640, "mode")
    expect_equal(file.st_uid, os.geteuid(), "owner")
    expect_equal(report.all("fd")[2], "2 " + path, "descriptor 2")
    expect_equal(len(report.all("fd")), 3, "open descriptors")


@claim(needs=["probe"])
def services_that_name_one_file_share_its_descriptor(scene):
    path = scene.path("errors")
    daemon = scene.daemon("".join(
        scene.program("hold%d" % number, scene.probe + " hold", keys="stderr=" + path)
        for number in range(3)))
    expect_equal(open_files(daemon).count(path), 1, "descriptors of the file")
    for number in range(3):
        client, _ = daemon.hold("hold%d" % number)
        client.sendall(b"say %d\nexit 0\n" % number)
        daemon.wait_for_event("handler_ended", service="hold%d" % number)
    expect_equal(read(path), "0\n1\n2\n", "the file")


@claim(needs=["probe"])
def a_reload_follows_a_stderr_file_that_was_rotated_and_keeps_nothing_open(scene):
    path = scene.path("errors")
    daemon = hold_daemon(scene, "stderr=" + path)
    old, _ = daemon.hold()
    os.rename(path, path + ".1")
    daemon.reload()
    wait_until(lambda: path + ".1" not in open_files(daemon), "the old file to be closed")
    new, _ = daemon.hold()
    for client, text in ((old, b"old"), (new, b"new")):
        client.sendall(b"say " + text + b"\nsaid\n")
        expect_equal(receive_line(client), "said", "the answer")
    expect_equal((read(path + ".1"), read(path)), ("old\n", "new\n"), "the files")


@claim(needs=["probe"], each=["link", "fifo", "folder", "lost"])
def what_is_no_file_for_stderr_is_refused_and_changes_nothing(scene, kind):
    path = scene.path("errors")
    victim = scene.write("victim", "untouched")
    daemon = hold_daemon(scene)
    if kind == "link":
        os.symlink(victim, path)
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        os.mkdir(path)
    else:
        path = scene.path("nowhere/errors")
    daemon.reload(scene.program("hold", scene.probe + " hold", keys="stderr=" + path),
                  wanted="reload_refused")
    mistake = daemon.log.find("config_mistake")[-1]
    expect("stderr" in mistake.line and path in mistake.line, "the reason: %s", mistake.line)
    daemon.hold()
    expect_equal(read(victim), "untouched", "the other file")


@claim(needs=["probe", "root"])
def root_appends_to_no_file_that_has_another_name(scene):
    victim = scene.write("victim", "untouched")
    path = scene.path("errors")
    os.link(victim, path)
    daemon = hold_daemon(scene)
    daemon.reload(scene.program("hold", scene.probe + " hold", keys="stderr=" + path),
                  wanted="reload_refused")
    expect("further names" in daemon.log.find("config_mistake")[-1].line, "no reason")


# --- who it is


@claim(needs=["probe", "root"])
def groups_are_exactly_those_of_the_key(scene):
    report, _, _ = report_of(scene, keys="groups=adm,31")
    expect_equal(sorted(report.status("Groups")), ["31", str(grp.getgrnam("adm").gr_gid)],
                 "groups")
    expect_equal(report.status("Gid"), [str(pwd.getpwnam("nobody").pw_gid)] * 4, "gids")


@claim(needs=["probe", "root"])
def an_empty_key_groups_means_none(scene):
    report, _, _ = report_of(scene, keys='groups=""')
    expect_equal(report.status("Groups"), [], "groups")


@claim(needs=["probe", "root"])
def without_the_key_groups_are_those_of_the_user_and_not_of_the_starter(scene):
    report, _, _ = report_of(scene, launch={"groups": [0, 4, 27]})
    nobody = pwd.getpwnam("nobody")
    wanted = os.getgrouplist("nobody", nobody.pw_gid)
    expect_equal(sorted(map(int, report.status("Groups"))), sorted(wanted), "groups")


@claim(needs=["probe", "root"])
def two_services_of_one_user_may_have_different_groups(scene):
    daemon = scene.daemon(
        scene.program("a", scene.probe + " report", keys="groups=4") +
        scene.program("b", scene.probe + " report", keys="groups=5"))
    expect_equal([Report(daemon.client(name)).status("Groups") for name in "ab"],
                 [["4"], ["5"]], "groups")


@claim(needs=["probe", "root"])
def a_program_of_roots_has_what_reeved_has_and_may_become_others(scene):
    scene.user = "user=root"
    report, _, daemon = report_of(scene, launch={"groups": [4, 27]})
    ours = int([line for line in read("/proc/%d/status" % daemon.pid).splitlines()
                if line.startswith("CapBnd")][0].split()[1], 16)
    sets = report.capabilities()
    expect_equal((sets["CapPrm"], sets["CapEff"], sets["CapBnd"]), (ours, ours, ours), "capabilities")
    expect_equal(report.status("NoNewPrivs"), ["0"], "no_new_privs")
    expect_equal(report.status("Groups"),
                 sorted(map(str, os.getgrouplist("root", 0))), "groups")


@claim(needs=["probe", "root"])
def capabilities_of_a_user_are_those_of_the_key_in_all_five_sets(scene):
    report, _, _ = report_of(scene, keys="capabilities=net_raw,CAP_CHOWN")
    expect_equal(set(report.capabilities().values()), {1 << 13 | 1 << 0}, "capabilities")
    expect_equal(report.status("Uid"), [str(pwd.getpwnam("nobody").pw_uid)] * 4, "uids")
    expect_equal(report.status("NoNewPrivs"), ["1"], "no_new_privs")


@claim(needs=["probe", "root"])
def capabilities_reduce_what_a_program_of_roots_has(scene):
    scene.user = "user=root"
    report, _, _ = report_of(scene, keys="capabilities=net_raw")
    expect_equal(set(report.capabilities().values()), {1 << 13}, "capabilities")


@claim(needs=["probe", "root"])
def an_empty_key_capabilities_leaves_root_with_none(scene):
    scene.user = "user=root"
    report, _, _ = report_of(scene, keys='capabilities=""')
    expect_equal(set(report.capabilities().values()), {0}, "capabilities")


@claim(needs=["root"])
def a_kept_capability_works(scene):
    path = scene.write("file", "")
    daemon = shell(scene, "exec chown 12345 %s 2>&1" % path, "capabilities=chown")
    os.chmod(scene.folder, 0o755)
    expect_equal(receive_all(daemon.client("it")), b"", "what chown says")
    expect_equal(os.stat(path).st_uid, 12345, "the file's owner")


@claim(needs=["probe"])
def a_program_has_no_capability_and_no_new_privs(scene):
    report, _, _ = report_of(scene)
    sets = report.capabilities()
    expect_equal([sets[name] for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")], [0] * 4, "capabilities")
    expect_equal(report.status("NoNewPrivs"), ["1"], "no_new_privs")
    expect_equal(report.one("securebits"), "0", "securebits")


@claim(needs=["probe", "root"])
def capabilities_that_the_starter_made_inheritable_do_not_reach_a_program(scene):
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise Skip("no setpriv")
    report, _, _ = report_of(scene, wrapper=[setpriv, "--inh-caps", "+net_raw,+sys_admin",
                                             "--ambient-caps", "+net_raw"])
    sets = report.capabilities()
    expect_equal([sets[name] for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")], [0] * 4, "capabilities")


@claim(needs=["probe"], each=["no", "yes"])
def no_new_privs_is_what_the_key_says(scene, value):
    report, _, _ = report_of(scene, keys="no_new_privs=" + value)
    expect_equal(report.status("NoNewPrivs"), ["1" if value == "yes" else "0"], "no_new_privs")


@claim(needs=["probe", "root"])
def no_new_privs_may_be_on_for_root(scene):
    scene.user = "user=root"
    report, _, _ = report_of(scene, keys="no_new_privs=yes")
    expect_equal(report.status("NoNewPrivs"), ["1"], "no_new_privs")


# --- where it is


@claim(needs=["probe"])
def umask_and_cwd_are_those_of_the_keys(scene):
    report, _, daemon = report_of(scene, keys="umask=0027 cwd=/usr/bin")
    expect_equal((report.one("umask"), report.one("folder")), ("027", os.path.realpath("/usr/bin")),
                 "umask and folder")
    again = Report(daemon.client("report"))
    expect_equal(again.one("umask"), "027", "umask of the next")
    expect_equal(os.readlink("/proc/%d/cwd" % daemon.pid), os.path.realpath(scene.folder),
                 "reeved's own folder")


@claim(needs=["root"])
def a_folder_that_its_user_may_not_enter_is_not_entered(scene):
    folder = scene.path("private")
    os.mkdir(folder)
    os.chmod(folder, 0o755)
    os.chmod(scene.folder, 0o755)
    daemon = shell(scene, "echo here", "cwd=" + folder)
    os.chmod(folder, 0o700)
    expect_equal(receive_all(daemon.client("it")), b"", "what the client gets")
    event = daemon.wait_for_event("handler_failed", service="it", step="chdir")
    expect("EACCES" in event.line, "no reason in: %s", event.line)


@claim(needs=["root"])
def a_folder_that_its_user_may_not_enter_is_complained_of_when_it_is_read(scene):
    folder = scene.path("private")
    os.mkdir(folder, 0o700)
    os.chmod(scene.folder, 0o755)
    daemon = shell(scene, "echo here")
    daemon.reload(scene.program("it", "/bin/true", keys="cwd=" + folder), wanted="reload_refused")
    mistake = daemon.log.find("config_mistake")[-1]
    expect("x is missing on " + folder in mistake.line, "the reason: %s", mistake.line)


def fill_root(scene, program):
    """A folder that holds that program and what it is linked with."""
    root = scene.path("root")
    needed = subprocess.run(["ldd", program], stdout=subprocess.PIPE, check=False).stdout.decode()
    for path in [program] + re.findall(r"(/[^ ]+) \(0x", needed):
        os.makedirs(root + os.path.dirname(path), exist_ok=True)
        shutil.copy(path, root + path)
    for folder, _, _ in os.walk(root):
        os.chmod(folder, 0o755)
    os.chmod(scene.folder, 0o755)
    return root


@claim(needs=["probe", "root"])
def in_a_chroot_the_program_the_folder_and_nothing_else_are_inside(scene):
    root = fill_root(scene, scene.probe)
    os.mkdir(root + "/home", 0o755)
    daemon = scene.daemon(
        scene.program("a", scene.probe + " report", keys="chroot=" + root) +
        scene.program("b", scene.probe + " report", keys="chroot=%s cwd=/home" % root))
    for name, folder in (("a", "/"), ("b", "/home")):
        report = Report(daemon.client(name))
        expect_equal(int(report.one("root")), os.stat(root).st_ino, "the root's inode")
        expect_equal(report.one("folder"), folder, "folder")
    expect_equal(os.readlink("/proc/%d/root" % daemon.pid), "/", "reeved's own root")


# --- when it gets what


@claim(needs=["probe"])
def the_nice_value_is_that_of_the_key_and_reeveds_own_stays(scene):
    before = os.getpriority(os.PRIO_PROCESS, 0)
    report, _, daemon = report_of(scene, keys="nice=%d" % (before + 5))
    expect_equal(report.one("nice"), str(before + 5), "nice")
    expect_equal(os.getpriority(os.PRIO_PROCESS, daemon.pid), before, "reeved's own")


@claim(needs=["probe", "root"])
def with_root_a_program_may_be_more_urgent_and_is_not_as_nice_as_its_starter(scene):
    daemon = scene.daemon(scene.program("a", scene.probe + " report", keys="nice=-7") +
                          scene.program("b", scene.probe + " report"), launch={"nice": 9})
    expect_equal([Report(daemon.client(name)).one("nice") for name in "ab"], ["-7", "0"], "nice")


@claim(needs=["probe"], each=["other 0", "batch 3", "idle 5"])
def the_scheduling_policy_is_that_of_the_key(scene, case):
    word, number = case.split()
    report, _, _ = report_of(scene, keys="cpu_scheduling_policy=" + word)
    expect_equal(report.one("policy"), number + " 0", "policy and priority")


@claim(needs=["probe", "root"], each=["fifo 1", "rr 2"])
def a_real_time_policy_has_the_priority_of_the_key(scene, case):
    word, number = case.split()
    if subprocess.run(["chrt", "-f", "7", "true"], stderr=subprocess.DEVNULL,
                      check=False).returncode != 0:
        raise Skip("this host gives root no real-time policy")
    report, _, _ = report_of(
        scene, keys="cpu_scheduling_policy=%s cpu_scheduling_priority=7" % word)
    expect_equal(report.one("policy"), number + " 7", "policy and priority")


@claim(needs=["probe", "root"])
def the_scheduling_policy_of_the_starter_does_not_reach_a_program(scene):
    report, _, _ = report_of(scene, launch={"policy": os.SCHED_IDLE})
    expect_equal(report.one("policy"), "0 0", "policy and priority")


@claim(needs=["probe"], each=["best-effort:7 2 7", "idle:4 3 0", "best-effort:0 2 0"])
def the_disk_class_is_that_of_the_keys(scene, case):
    words, number, level = case.split()
    report, _, _ = report_of(
        scene, keys="io_scheduling_class=%s io_scheduling_priority=%s" % tuple(words.split(":")))
    value = int(report.one("io"))
    expect_equal(value >> 13, int(number), "class")
    if number != "3":
        expect_equal(value & 7, int(level), "priority")


@claim(needs=["probe"], each=["500", "1000"])
def the_oom_score_is_that_of_the_key_and_reeveds_own_stays(scene, score):
    before = number_in("/proc/self/oom_score_adj")
    daemon = scene.daemon(
        scene.program("a", scene.probe + " report", keys="oom_score_adjust=" + score) +
        scene.program("b", scene.probe + " report"))
    for _ in range(3):
        expect_equal(Report(daemon.client("a")).one("oom"), score, "the program's")
        expect_equal(Report(daemon.client("b")).one("oom"), "0" if IS_ROOT else str(before),
                     "another service's")
    for pid in daemon.family():
        expect_equal(number_in("/proc/%d/oom_score_adj" % pid), before, "reeved's own")


@claim(needs=["probe", "root", "resources"], each=["nobody", "root"])
def a_protected_reeved_does_not_protect_its_programs(scene, user):
    scene.user = "user=" + user
    report, _, daemon = report_of(scene, launch={"oom": -900})
    expect_equal(report.one("oom"), "0", "the program's")
    expect_equal(number_in("/proc/%d/oom_score_adj" % daemon.pid), -900, "reeved's own")


@claim(needs=["root"], seconds=30)
def programs_with_an_oom_score_leave_nothing_behind(scene):
    daemon = shell(scene, "echo x", "oom_score_adjust=300")
    receive_all(daemon.client("it"))  # the first opens what all need
    before = len(descriptors(daemon.pid))
    for _ in range(50):
        expect_equal(receive_all(daemon.client("it")), b"x\n", "what it says")
    daemon.wait_for_event("handler_ended", count=51)
    wait_until(lambda: not daemon.handlers(), "no child but the gates")
    wait_until(lambda: len(descriptors(daemon.pid)) <= before, "no more descriptors")
    expect_equal(daemon.log.find("orphan_reaped"), [], "children that nobody knows")


# --- limits


def lower(limit):
    """A limit below that one, for whoever may set no higher one."""
    top = limit[1] if limit[1] >= 0 else 1 << 40
    return (top // 4 * 2, top // 4 * 3)


@claim(needs=["probe"])
def every_limit_is_that_of_its_key(scene):
    own = own_report(scene).limits()
    rows = re.findall(r"^RLIMIT\((\w+),", read(os.path.join(TREE, "src/config/rlimits.def")), re.M)
    expect_equal(sorted(own), sorted(rows), "what the probe knows")
    wanted = {word: lower(own[word]) for word in rows}
    if may(24):
        wanted.update(nice=(3, 11), rtprio=(4, 9))
    report, _, _ = report_of(scene, keys=" ".join(
        "rlimit_%s=%d:%d" % ((word,) + limit) for word, limit in wanted.items()))
    expect_equal(report.limits(), wanted, "limits")


@claim(needs=["probe"])
def a_limit_may_be_one_number_with_a_unit_or_unlimited(scene):
    top = own_report(scene).limits()["fsize"]
    keys = "rlimit_stack=4M:8M rlimit_data=1G" + (" rlimit_fsize=unlimited" if top[1] < 0 else "")
    limits = report_of(scene, keys=keys)[0].limits()
    expect_equal((limits["stack"], limits["data"], limits["fsize"][1]),
                 ((4 << 20, 8 << 20), (1 << 30, 1 << 30), top[1]), "limits")


@claim(needs=["probe"])
def a_program_leaves_no_core_dump_unless_asked(scene):
    limits = own_report(scene).limits()
    daemon = scene.daemon(scene.program("a", scene.probe + " report") +
                          scene.program("b", scene.probe + " report", keys="rlimit_core=1k"))
    expect_equal(Report(daemon.client("a")).limits()["core"], (0, 0), "limit of a core dump")
    if limits["core"][1] < 0 or limits["core"][1] >= 1024:
        expect_equal(Report(daemon.client("b")).limits()["core"], (1024, 1024), "when asked")


@claim(needs=["probe"])
def other_limits_are_reeveds_own(scene):
    own = own_report(scene).limits()
    report, _, _ = report_of(scene)
    expect_equal(report.limits(), dict(own, core=(0, 0)), "limits")


@claim()
def a_limit_that_cannot_be_set_means_no_start_and_is_named(scene):
    if may(24):
        raise Skip("root may set any limit that the check lets pass")
    daemon = shell(scene, "echo started", "rlimit_files=100:200")
    resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, (150, 150))
    expect_equal(receive_all(daemon.client("it")), b"", "what the client gets")
    event = daemon.wait_for_event("handler_failed", service="it", step="rlimit_files")
    expect("EPERM" in event.line, "no reason in: %s", event.line)


@claim(needs=["probe", "root"])
def a_user_that_has_its_processes_gets_no_further_one(scene):
    scene.user = "user=61234:61234"
    daemon = hold_daemon(scene, "rlimit_nproc=2")
    held = [daemon.hold(), daemon.hold()]
    clients = [daemon.client("hold"), daemon.client("hold")]  # Linux since 5.14 lets one pass
    event = daemon.wait_for_event("handler_failed", service="hold", step="execve")
    expect("EAGAIN" in event.line, "no reason in: %s", event.line)
    for client in clients + [held.pop()[0]]:
        client.close()
    wait_until(lambda: len(daemon.handlers()) == len(held), "the others to be gone")
    daemon.hold()


@claim(needs=["probe"])
def a_limit_above_the_hard_one_is_refused_to_a_reeved_that_may_not_raise_it(scene):
    if may(24):
        raise Skip("root may raise it")
    daemon = hold_daemon(scene, launch={"limits": {"7": [100, 200]}})
    daemon.reload(scene.program("hold", scene.probe + " hold", keys="rlimit_files=300"),
                  wanted="reload_refused")
    expect("rlimit_files" in daemon.log.find("config_mistake")[-1].line, "no reason")


@claim(each=["tcp4", "tcp6"])
def a_client_that_has_spoken_is_not_reset_when_its_program_cannot_be_started(scene, protocol):
    folder = scene.path("folder")
    os.mkdir(folder, 0o755)
    daemon = scene.daemon(scene.program("it", "/bin/cat", protocol, "cwd=" + folder))
    os.rmdir(folder)
    os.kill(daemon.pid, signal.SIGSTOP)
    client = daemon.client("it", protocol)
    client.sendall(b"GET / HTTP/1.0\r\n\r\n" * 1000)
    os.kill(daemon.pid, signal.SIGCONT)
    daemon.wait_for_event("handler_failed", service="it", step="chdir")
    expect_equal(client.recv(100), b"", "what the client gets")


# --- whatever started reeved


HOSTILE = {
    "ignore": [signal.SIGHUP, signal.SIGPIPE, signal.SIGCHLD, signal.SIGTERM, 34, 64],
    "block": [signal.SIGUSR1, signal.SIGTERM, signal.SIGCHLD, 40],
    "umask": 0o777, "gone": True, "terminal": True,
    "limits": {"7": [300, 400], "6": [20000, 20000]}}


def expect_the_contract(report, pid=None):
    expect_equal(report.one("session"), report.one("pid"), "session")
    expect_equal(report.one("group"), report.one("pid"), "process group")
    expect_equal(report.one("terminal"), "0", "a controlling terminal")
    expect_equal(report.one("folder"), "/", "working folder")
    expect_equal(report.one("umask"), "022", "umask")
    expect_equal(report.one("pending"), "0", "signals that wait")
    expect_equal(report.one("death-signal"), "0", "signal at the parent's end")
    for name in ("SigBlk", "SigIgn", "SigPnd", "ShdPnd"):
        expect_equal(int(report.status(name)[0], 16), 0, name)
    expect_equal([line.split()[0] for line in report.all("fd")], ["0", "1", "2"], "descriptors")
    expect_equal(report.all("blocks"), ["0 1", "1 1", "2 1"], "descriptors that block")
    expect_equal(report.limits()["core"], (0, 0), "limit of a core dump")


@claim(needs=["probe"], each=["log", "client", "null"])
def a_hostile_starter_reaches_no_program(scene, error):
    environment = {"HUGE%d" % number: "x" * 100000 for number in range(10)}
    environment.update(SECRET_TOKEN="x", LD_LIBRARY_PATH="/nowhere", IFS="z", BASH_ENV="/etc/x",
                       LISTEN_FDNAMES="x", WATCHDOG_USEC="1000000000", CREDENTIALS_DIRECTORY="/x",
                       NOTIFY_ACCESS="all", HOME="/elsewhere", USER="somebody", SHELL="/bin/false")
    report, _, _ = report_of(scene, keys="stderr=" + error, launch=HOSTILE,
                             environment=environment)
    expect_the_contract(report)
    expect_equal(report.limits()["files"], (300, 400), "descriptors")
    env = report.env()
    user = pwd.getpwnam("nobody") if IS_ROOT else pwd.getpwuid(os.getuid())
    expect_equal((env.get("HOME"), env.get("USER"), env.get("SHELL")),
                 (user.pw_dir, user.pw_name, user.pw_shell), "the user's variables")
    expect_equal(sorted(set(env) - {
        "PATH", "HOME", "USER", "LOGNAME", "SHELL", "PROTO", "TCPLOCALIP", "TCPLOCALPORT",
        "TCPREMOTEIP", "TCPREMOTEPORT", "REMOTE_ADDR", "REMOTE_HOST", "REMOTE_PORT",
        "REEVE_SERVICE", "REEVE_CONNECTION"}), [], "other variables")


@claim(needs=["probe"], each=["0", "1", "2", "0 1 2"])
def descriptors_that_the_starter_has_closed_are_none_of_a_programs_business(scene, closed):
    port = free_port()
    scene.daemon("report 127.0.0.1:%d/tcp4 %s %s report\n" % (port, scene.user, scene.probe),
                 launch={"close": [int(fd) for fd in closed.split()]})
    expect_the_contract(Report(scene.connect(("127.0.0.1", port))))


@claim(needs=["probe", "plain memory"])
def the_library_that_the_starter_preloads_does_not_reach_a_program(scene):
    libraries = subprocess.run(["ldd", scene.probe], stdout=subprocess.PIPE, check=False).stdout
    library = re.search(r"(/[^ ]*libc\.so[^ ]*)", libraries.decode())
    if library is None:
        raise Skip("the probe is linked with no library")
    report, _, _ = report_of(scene, environment={"LD_PRELOAD": library.group(1)})
    expect("LD_PRELOAD" not in report.env(), "LD_PRELOAD reached the program")


@claim(needs=["probe"])
def a_program_can_be_traced_and_dumped_only_after_its_exec(scene):
    """What prctl(2) sets for a process does not survive execve: the limit of dumps does."""
    report, _, _ = report_of(scene)
    expect_equal(report.one("dumpable"), "1", "dumpable")


@claim(needs=["root"])
def a_program_may_open_its_standard_error_by_name(scene):
    daemon = scene.daemon(scene.program("it", '/bin/sh -c "echo oops >/dev/stderr"'))
    daemon.client("it")
    daemon.wait_for_event("handler_said", service="it", line="oops")


@claim(needs=["root"])
def a_program_on_pipes_may_open_them_by_name(scene):
    daemon = scene.daemon(scene.program(
        "it", '/bin/sh -c "read word </dev/stdin; echo $word >/dev/stdout"', keys="stdio=pipe"))
    client = daemon.client("it")
    client.sendall(b"hello\n")
    expect_equal(receive_all(client), b"hello\n", "what it wrote")
