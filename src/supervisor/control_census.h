/* SPDX-License-Identifier: ISC */
/* Ask all gates for their connections, or have them end some, on behalf of a call of the control
 * socket. A gate that does not answer in time is left out and counted. */
#ifndef REEVE_SUPERVISOR_CONTROL_CENSUS_H
#define REEVE_SUPERVISOR_CONTROL_CENSUS_H

#include "supervisor/control_peer.h"

/* One gate's answer. */
struct census_answer {
	uint32_t instance; /* of the gate */
	int memory_fd;
	uint32_t rows; /* in the memory */
	bool is_awaited;
};

struct control_census {
	struct control_peer *peer;
	uint64_t number;
	struct census_filter filter;
	bool ends;
	struct census_answer *answers;
	uint32_t answer_count;
	uint32_t awaited;
	uint32_t silent; /* gates that did not answer */
	uint64_t left;   /* connections for which there was no room */
	uint64_t ended;
	struct timer patience;
	void (*done)(struct control_peer *peer, struct control_census *census);

	/* What the lister makes of it (control_connections.c). */
	struct census_row *rows;
	size_t row_count;
	size_t row_room;
	size_t next;
};

/* Read the parameters `service` and `peer`; false: one is wrong, and the call has been answered. */
bool control_census_read(struct control_peer *peer, struct census_filter *ret_filter);

/* Ask. The census becomes the context of the open call; `done` is called once, maybe at once. */
void control_census_begin(struct control_peer *peer, const struct census_filter *filter, bool ends,
	void (*done)(struct control_peer *peer, struct control_census *census));

#endif
