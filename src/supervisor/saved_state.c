/* SPDX-License-Identifier: ISC */
/* The form of saved state, out of its table. */
#include "supervisor/saved_state.h"

#define ROW(kind) static const struct saved_field kind##_fields[] = {
#define FIELD(kind, type, name, since) \
	{ #name, SAVED_##type, since, offsetof(struct saved_##kind, name) },
#define END(kind) \
	}         \
	;
#include "supervisor/state_rows.def"
#undef ROW
#undef FIELD
#undef END

static const struct saved_kind kinds[] = {
#define ROW(kind) { #kind, sizeof(struct saved_##kind), kind##_fields, ARRAY_SIZE(kind##_fields) },
#define FIELD(kind, type, name, since)
#define END(kind)
#include "supervisor/state_rows.def"
#undef ROW
#undef FIELD
#undef END
};

const struct saved_form saved_state_form = { .name = "reeve-state",
	.version = SAVED_STATE_VERSION,
	.kinds = kinds,
	.kind_count = ARRAY_SIZE(kinds) };
