/* SPDX-License-Identifier: ISC */
/* When programs of a service fail one after another, it is slowed: a pause, a trial with one
 * program, a longer pause if that fails too, and full speed again with the first that does well.
 * Pure: what failed and when is told. */
#ifndef REEVE_BACKOFF_H
#define REEVE_BACKOFF_H

#include "base/util.h"

#define BACKOFF_FAILURES 5 /* in a row, until the first pause */
#define BACKOFF_FIRST_MS 100
#define BACKOFF_MAX_MS 3000

enum backoff_state { BACKOFF_NONE, BACKOFF_PAUSE, BACKOFF_TRIAL };

/* Zeroed: full speed. */
struct backoff {
	enum backoff_state state;
	uint32_t failures; /* in a row */
	msec pause;        /* the present or the last one */
	msec began;        /* the first of them */
};

/* What that changes, for the caller to act upon. */
enum backoff_change { BACKOFF_SAME, BACKOFF_BEGINS, BACKOFF_AGAIN, BACKOFF_ENDS };

/* A program failed, or did well. While the service is slowed only the one that was started as a
 * trial counts: others are from before. After BEGINS and AGAIN there is a pause of `pause`. */
enum backoff_change backoff_failed(struct backoff *backoff, bool is_trial, msec now);
enum backoff_change backoff_did_well(struct backoff *backoff, bool is_trial);

/* The pause is over: one program may be tried. */
void backoff_try(struct backoff *backoff);

#endif
