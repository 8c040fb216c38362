/* SPDX-License-Identifier: ISC */
/* The form of saved state, out of its table. */
#include "supervisor/saved_state.h"

#include "base/saved_tables.def"

const struct saved_form saved_state_form = { .name = "reeve-state",
	.version = SAVED_STATE_VERSION,
	.kinds = saved_kinds,
	.kind_count = ARRAY_SIZE(saved_kinds) };
