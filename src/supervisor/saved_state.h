/* SPDX-License-Identifier: ISC */
/* What one reeved leaves to the next, as rows of text (base/saved.h) and the descriptors that
 * they name. The next may be another build: what it has to know is in state_rows.def and nowhere
 * else. */
#ifndef REEVE_SUPERVISOR_SAVED_STATE_H
#define REEVE_SUPERVISOR_SAVED_STATE_H

#include "base/saved.h"

#define SAVED_STATE_VERSION 2
#define SAVED_STATE_MAX (256U << 20)

#define SAVED_ROWS "supervisor/state_rows.def"
#include "base/saved_structs.def"

extern const struct saved_form saved_state_form;

#endif
