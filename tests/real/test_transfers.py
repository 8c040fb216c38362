# SPDX-License-Identifier: ISC
"""Programs that files are fetched from and sent to."""

import filecmp
import os

from claims import expect, expect_equal
from inetd import (MEGABYTE, content_of, folder_of, random_file, real, run, serve, unpacked)

GIT_WHO = {name: "tester" for name in ("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME",
                                       "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL")}


def expect_same_folders(one, other):
    """The same files with the same bytes, all the way down."""
    compared = filecmp.dircmp(one, other, ignore=[".git", ".svn", "CVS"])
    _, different, strange = filecmp.cmpfiles(one, other, compared.common_files, shallow=False)
    expect_equal((compared.left_only, compared.right_only, different, strange),
                 ([], [], [], []), "what differs between %s and %s" % (one, other))
    for name in compared.common_dirs:
        expect_same_folders(os.path.join(one, name), os.path.join(other, name))


def tree_of_files(scene, name):
    """A folder of folders with files, one of them of a megabyte."""
    top = folder_of(scene, name)
    os.makedirs(os.path.join(top, "deep", "deeper"))
    for place, length in (("empty", 0), ("big", MEGABYTE), ("deep/text", 1000),
                          ("deep/deeper/odd name", 77)):
        random_file(scene, os.path.join(top, place), length)
    return top


@real("git")
def git_clones_what_was_committed_and_fetches_what_came_later(scene):
    top = tree_of_files(scene, "project")
    run(scene, "git", "-C", top, "-c", "init.defaultBranch=main", "init")

    def commit():
        run(scene, "git", "-C", top, "add", "-A")
        run(scene, "git", "-C", top, "commit", "-m", "change", env=GIT_WHO)
    commit()
    scene.write("gitconfig", "[safe]\n\tdirectory = *\n")
    run(scene, "git", "config", "--system", "--replace-all", "safe.directory", "*")
    daemon = serve(scene, "git stream tcp nowait nobody /usr/bin/git git daemon --inetd "
                          "--verbose --export-all --base-path=%s %s" % (scene.folder, top))
    clone = scene.path("clone")
    run(scene, "git", "clone", "git://127.0.0.1:%d/project" % daemon.port("git"), clone)
    expect_same_folders(top, clone)
    random_file(scene, os.path.join(top, "late"))
    commit()
    run(scene, "git", "-C", clone, "pull")
    expect_same_folders(top, clone)
    run(scene, "git", "-C", clone, "fsck", "--full")


@real("rsync")
def rsync_pulls_and_pushes_a_tree(scene):
    top = tree_of_files(scene, "source")
    inbox = folder_of(scene, "inbox", "nobody")
    settings = scene.write("rsyncd.conf", "\n".join([
        "[source]", "path = " + top, "use chroot = yes",
        "[inbox]", "path = " + inbox, "read only = no", "uid = nobody", "gid = nogroup", ""]))
    daemon = serve(scene, "rsync stream tcp nowait root /usr/bin/rsync rsyncd --daemon "
                          "--config=" + settings)
    url = "rsync://127.0.0.1:%d/" % daemon.port("rsync")
    run(scene, "rsync", "-a", url + "source/", scene.path("pulled"))
    expect_same_folders(top, scene.path("pulled"))
    run(scene, "rsync", "-rt", top + "/", url + "inbox/")
    expect_same_folders(top, inbox)
    listing = run(scene, "rsync", url).decode().split()
    expect_equal(listing, ["source", "inbox"], "the modules")


FTP_LINES = {
    "proftpd-core": "ftp stream tcp nowait root /usr/sbin/tcpd /usr/sbin/proftpd -c "
                    "%(folder)s/proftpd.conf",
    "vsftpd": "ftp stream tcp nowait root %(folder)s/vsftpd/usr/sbin/vsftpd vsftpd "
              "%(folder)s/vsftpd.conf",
}


def write_ftp_settings(scene, home):
    # Its own list of system calls is too short for this C library, in a bare accept and exec too.
    scene.write("vsftpd.conf", "\n".join([
        "listen=NO", "listen_ipv6=NO", "anonymous_enable=YES", "anon_upload_enable=YES",
        "write_enable=YES", "anon_umask=022", "ftp_username=daemon", "anon_root=" + home,
        "secure_chroot_dir=" + folder_of(scene, "empty"), "seccomp_sandbox=NO", ""]))
    scene.write("proftpd.conf", "\n".join([
        "ServerType inetd", "User nobody", "Group nogroup", "UseIPv6 off", "WtmpLog off",
        "ScoreboardFile none", "AuthOrder mod_auth_unix.c", "RequireValidShell off",
        "SystemLog " + scene.path("proftpd.log"), "UseFtpUsers off","TransferLog none",
        "<Anonymous %s>" % home, "User daemon", "Group daemon", "UserAlias anonymous daemon",
        "</Anonymous>", ""]))


@real("proftpd-core", "vsftpd", "curl", "tcpd", each=list(FTP_LINES))
def ftp_takes_and_gives_a_megabyte_in_passive_mode(scene, package):
    home = folder_of(scene, "home")
    inbox = folder_of(scene, "home/inbox", "daemon")
    content = random_file(scene, "home/content")[1]
    path, sent = random_file(scene, "sent")
    write_ftp_settings(scene, home)
    if package == "vsftpd":
        unpacked(scene, package)
    daemon = serve(scene, FTP_LINES[package] % {"folder": scene.folder})
    url = "ftp://127.0.0.1:%d/" % daemon.port("ftp")
    expect_equal(run(scene, "curl", "-sS", url + "content"), content, "the file fetched")
    run(scene, "curl", "-sS", "-T", path, url + "inbox/")
    expect_equal(content_of(os.path.join(inbox, "sent")), sent, "the file sent")
    listing = run(scene, "curl", "-sS", url + "inbox/").decode()
    expect("sent" in listing, "not in the listing: %s", listing)
    daemon.wait_for_event("handler_ended", service="ftp", count=3)


@real("subversion")
def subversion_checks_out_and_commits(scene):
    top = folder_of(scene, "repositories")
    run(scene, "svnadmin", "create", top + "/project")
    scene.write("repositories/project/conf/svnserve.conf", "[general]\nanon-access = write\n")
    run(scene, "chown", "-R", "nobody:", top)
    daemon = serve(scene, "svn stream tcp nowait nobody /usr/bin/svnserve svnserve -i -r " + top)
    url = "svn://127.0.0.1:%d/project" % daemon.port("svn")
    mine = scene.path("mine")
    run(scene, "svn", "checkout", url, mine)
    _, content = random_file(scene, "mine/content")
    run(scene, "svn", "add", mine + "/content")
    run(scene, "svn", "commit", "-m", "a file", mine)
    yours = scene.path("yours")
    run(scene, "svn", "checkout", url, yours)
    expect_equal(content_of(yours + "/content"), content, "what was committed")


@real("cvs")
def cvs_imports_and_checks_out_by_its_pserver(scene):
    top = folder_of(scene, "cvs")
    run(scene, "cvs", "-d", top, "init")
    scene.write("cvs/CVSROOT/passwd", "guest::nobody\n")
    run(scene, "chown", "-R", "nobody:", top)
    source = folder_of(scene, "source")
    _, content = random_file(scene, "source/content")
    daemon = serve(scene, "cvspserver stream tcp nowait root /usr/bin/cvs cvs -f "
                          "--allow-root=%s pserver" % top)
    server = ["cvs", "-d", ":pserver:guest:@127.0.0.1:%d%s" % (daemon.port("cvspserver"), top)]
    run(scene, *server, "import", "-ko", "-m", "first", "project", "us", "start", cwd=source)
    run(scene, *server, "checkout", "project")
    expect_equal(content_of(scene.path("project/content")), content, "what was imported")

