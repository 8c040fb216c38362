/* SPDX-License-Identifier: ISC */
/* What the parts of config_check share: whom they complain to, and what the host has answered
 * already, for ten thousand services ask for the same few users and programs. */
#ifndef REEVE_CHECK_H
#define REEVE_CHECK_H

#include "config/arena.h"
#include "config/config.h"
#include "config/key_place.h"
#include "config/keys.h"
#include "config/map.h"

struct check {
	const struct config *config;
	const struct config_host *host;
	struct complaint_list *complaints;
	struct arena *arena;
	struct map *answers;
	struct service_keys defaults;
};

/* --- check_files.c: a file or folder that is named; `root` is a program's chroot, or NULL */
enum check_use { CHECK_READ, CHECK_RUN, CHECK_ENTER };

/* Why it cannot be used that way; NULL: it can. Looked at once and kept. */
const char *check_file(struct check *check, enum check_use use, const char *root, const char *path);

/* Open it, close-on-exec; -1 and errno. */
int check_open(const char *root, const char *path, uint64_t flags);

/* --- check_reach.c: what on the way to a path (inside of the chroot, if there is one) the
 * program's user may not enter or execute; NULL: nothing, or reeved is not root */
const char *check_barrier(struct check *check, const struct service_keys *keys, const char *path);

/* --- check_programs.c: what a program is started with; check_rights.c: what needs a right */
void check_service_program(struct check *check, const struct service_config *service);
void check_service_rights(struct check *check, const struct service_config *service);

/* --- check_accounts.c: users and groups, and whether programs can run as them; of peers, whether
 * there are any of that name */
void check_daemon_accounts(struct check *check);
void check_service_accounts(struct check *check, const struct service_config *service);
void check_peer_account(struct check *check, const struct where *where, const char *key,
	const char *name, bool is_group);

/* --- check_access.c */
void check_service_access(struct check *check, const struct service_config *service);
void check_daemon_names(struct check *check);

/* --- check_filter.c: the packet filter's sets */
void check_daemon_filter(struct check *check);

/* --- check_log.c */
void check_service_log(struct check *check, const struct service_config *service);
void check_daemon_log(struct check *check);

/* --- check_lint.c */
void check_service_lint(struct check *check, const struct service_config *service);
/* --- check_banners.c */
void check_service_banners(struct check *check, const struct service_config *service);

/* --- check_sockets.c */
void check_service_sockets(struct check *check, const struct service_config *service);
void check_socket_count(struct check *check);

/* Every port and path is wanted once. -ENOMEM or 0. */
int check_conflicts(struct check *check);

#endif
