/* SPDX-License-Identifier: ISC */
/* What is written of a program that has ended: the event handler-ended, with the bytes that its
 * connection moved. The kernel tells them when it ends the connection, which is before the
 * program's end is known, after it, or much later, if a child of the program holds it.
 *
 * The kernel makes its notices for every TCP connection of the host: they are asked for only while
 * there are programs whose event will be written. */
#ifndef REEVE_SUPERVISOR_RECORDS_H
#define REEVE_SUPERVISOR_RECORDS_H

#include "effects/sockdiag.h"
#include "supervisor/saved_state.h"
#include "supervisor/variables.h"

void records_init(struct supervisor *supervisor);

/* A program is about to be started: keep what its connection is known by. NULL: no bytes will be
 * known of it, or nobody wants them. */
struct record *records_begin(struct supervisor *supervisor, const struct start *start);

/* It could not be started. */
void records_cancel(struct supervisor *supervisor, struct record *record);

/* It has ended: write the event, at once or when the kernel has told the rest, a second later at
 * the latest. `record` (may be NULL) is taken over; `event` is copied. */
void records_end(struct supervisor *supervisor, struct record *record,
	const struct event_handler_ended *event);

/* Write all that wait, with what is known. */
void records_flush(struct supervisor *supervisor);
void records_fini(struct supervisor *supervisor);

/* sockdiag_ask, with a socket that is opened when it is first needed. */
int records_ask(struct supervisor *supervisor, const struct sockdiag_name *name,
	struct sockdiag *ret_facts);

/* What the next reeved has to know of a program's connection. NULL: its bytes will not be known. */
void records_save(const struct record *record, struct saved_record *ret_row);
struct record *records_restore(struct supervisor *supervisor, const struct netaddr *peer,
	const struct saved_record *row);

#endif
