/* SPDX-License-Identifier: ISC */
/* Every privileged call of the supervisor, and nothing else. Only reeved links this. The steps
 * between clone and exec are spawn.c's; they are made from the values looked up here. */
#ifndef REEVE_PRIV_H
#define REEVE_PRIV_H

#include "base/util.h"

#include <sys/resource.h>
#include <sys/types.h>

/* Whom a process becomes: looked up once, when the configuration is read. */
struct identity {
	uid_t uid;
	gid_t gid;
	gid_t *groups; /* supplementary; owned */
	size_t group_count;
	bool is_set; /* false: stay who we are */
	char *name;  /* USER, LOGNAME; owned, as the two below; NULL for a uid without entry */
	char *home;
	char *shell;
};

/* Look up USER, USER:GROUP or numbers; `group` (may be NULL) is used where USER names none. The
 * supplementary groups are `groups` (NULL-terminated), or those of the user if that is NULL.
 * Reads the user database, may block. 0, -ENOENT (no such user), -ESRCH (no such group),
 * -errno. */
int priv_look_up(struct identity *ret_identity, const char *user, const char *group,
	char *const *groups);
void priv_identity_fini(struct identity *identity);

/* A uid and gid that no account has, for a process that is to be nobody's equal (`nobody` may run
 * programs). 0 or -ENOENT. May block. */
int priv_unknown_identity(struct identity *ret_identity);

bool priv_is_root(void);

/* The gid of a group's name or number. 0 or -ESRCH. May block. */
int priv_look_up_group(const char *name, gid_t *ret_gid);

/* Owner, group (-1: leave) and mode of a socket's file; follows no link, touches nothing but a
 * socket. 0 or -errno. */
int priv_own_socket_file(const char *path, uid_t uid, gid_t gid, mode_t mode);

/* Give a pipe that `maker` made to the user of the program that gets it, who may then open it by
 * its name, as /dev/stderr. Anything else is left alone: a gate could send what it was only lent,
 * and a FIFO in a folder is somebody's file. 0 or -errno. */
int priv_give_pipe(int pipe_fd, uid_t maker, uid_t uid);

/* Raise the soft limit of descriptors to `wanted` (0: the hard limit). Gives what holds now and
 * what the limits were, for handlers. 0 or -errno. */
int priv_raise_descriptors(int64_t wanted, int64_t *ret_now, struct rlimit *ret_before);

/* Forget what the starter left: ignored signals, descriptors (they become close-on-exec; 0 to 2
 * are made sure of), umask. Blocks every signal. 0 or -errno. */
int priv_clean_start(void);

/* End a gate that we started, by pid. */
int priv_kill_gate(pid_t pid);

#endif
