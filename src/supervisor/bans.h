/* SPDX-License-Identifier: ISC */
/* The supervisor's book of bans. What holds lies in the memory that gates share; the book is what
 * we know of it, so that bans outlast a restart (bans_file.c), can be looked at and lifted, and
 * come into the packet filter (bans_export.c). Gates say whom they ban; for how long and from what
 * follows from the service's keys, so that a gate gone bad cannot say more than "this source". */
#ifndef REEVE_SUPERVISOR_BANS_H
#define REEVE_SUPERVISOR_BANS_H

#include "model/ban_book.h"
#include "supervisor/state.h"

/* Make the book and put back what is in the file: before the first gate is started. 0 or -errno;
 * a file that cannot be used is told of and no error. Leave: write down what is not yet. */
int bans_init(struct supervisor *supervisor, const struct config *config);
void bans_fini(struct supervisor *supervisor);

/* A configuration has been taken. */
void bans_configured(struct supervisor *supervisor);

/* A gate has banned somebody. NULL, or what is wrong with what it said. */
const char *bans_told(struct supervisor *supervisor, const struct message_banned *told);

/* We are about to become another program: write down what is not yet, without waiting for the disk,
 * and end the packet filter's program, which the next of us starts anew. */
void bans_leave(struct supervisor *supervisor);

/* A child of ours has ended: was it the packet filter's program? */
bool bans_reaped(struct supervisor *supervisor, pid_t pid, int status);

/* --- for those who may change them: sources as ban_source_read takes them, `service` NULL for all.
 * Every gate goes by it from the next client on. */

/* 0; -EINVAL: *ret_problem says why; -ENOSPC: there is no room for it. */
int bans_add(struct supervisor *supervisor, const char *source, const char *service, msec span,
	const char **ret_problem);

/* Lift all bans of that source, and those that lie within it; without a service from all services
 * and each. *ret_count: how many. 0; -EINVAL: *ret_problem says why. */
int bans_remove(struct supervisor *supervisor, const char *source, const char *service,
	size_t *ret_count, const char **ret_problem);

/* All of them, in no order; one that has ended may still be among them. */
size_t bans_count(const struct supervisor *supervisor);
const struct ban *bans_at(const struct supervisor *supervisor, size_t place);

/* --- among the files of this room */

struct bans {
	struct supervisor *supervisor;
	struct ban_book *book;
	struct timer sweep;
	msec unknown_until; /* until then bans may hold that are not in the book */
	uint64_t untold;    /* that found no room in it */
	msec full_told;

	/* The file. */
	char *folder; /* NULL: none */
	int lock_fd;
	int save_fd; /* of the file that is being written; -1: none */
	size_t saved;
	struct timer save;
	msec save_begun;
	bool is_dirty;
	bool is_unsynced; /* the file is there, but nobody has waited for the disk */
	bool is_failing;  /* and that has been told */

	struct export *export;
};

struct shared_sources *bans_memory(const struct bans *bans);

/* Have what changed written down by and by. */
void bans_file_changed(struct bans *bans);

/* The same, now; and wait until the disk has it, if it `is_durable`. */
void bans_file_save(struct bans *bans, bool is_durable);
void bans_file_load(struct bans *bans, void (*take)(struct bans *bans, struct ban *ban));

int bans_export_init(struct bans *bans);
void bans_export_stop(struct bans *bans); /* the program alone; its end is told as always */
void bans_export_fini(struct bans *bans);
void bans_export_configured(struct bans *bans);
void bans_export_changed(struct bans *bans, bool is_all_anew);
bool bans_export_reaped(struct bans *bans, pid_t pid, int status);

#endif
