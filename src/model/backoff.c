/* SPDX-License-Identifier: ISC */
/* How a failing service is slowed. */
#include "model/backoff.h"

#include <sys/param.h>

enum backoff_change
backoff_failed(struct backoff *backoff, bool is_trial, msec now)
{
	if (backoff->state == BACKOFF_NONE) {
		if (++backoff->failures < BACKOFF_FAILURES)
			return BACKOFF_SAME;
		backoff->state = BACKOFF_PAUSE;
		backoff->pause = BACKOFF_FIRST_MS;
		backoff->began = now;
		return BACKOFF_BEGINS;
	}
	if (!is_trial)
		return BACKOFF_SAME;
	backoff->failures++;
	backoff->state = BACKOFF_PAUSE;
	backoff->pause = MIN(backoff->pause * 2, BACKOFF_MAX_MS);
	return BACKOFF_AGAIN;
}

enum backoff_change
backoff_did_well(struct backoff *backoff, bool is_trial)
{
	if (backoff->state == BACKOFF_NONE)
		backoff->failures = 0;
	if (backoff->state == BACKOFF_NONE || !is_trial)
		return BACKOFF_SAME;
	*backoff = (struct backoff){ .began = backoff->began };
	return BACKOFF_ENDS;
}

void
backoff_try(struct backoff *backoff)
{
	if (backoff->state == BACKOFF_PAUSE)
		backoff->state = BACKOFF_TRIAL;
}
