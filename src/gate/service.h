/* SPDX-License-Identifier: ISC */
/* A service as the gate keeps it: made, retuned, ended; its places; its memory. */
#ifndef REEVE_GATE_SERVICE_H
#define REEVE_GATE_SERVICE_H

#include "gate/state.h"

/* A service for that row and configuration, its built-in (if it is one) not started. NULL: no
 * memory. */
struct service *service_new(struct gate *gate, struct generation *generation,
	const struct service_config *config, uint32_t row);

/* Start the built-in, if it is one. 0 or its -errno. */
int service_start(struct service *service);

/* Take over another configuration of the same service; `file` (may be NULL), which becomes its own,
 * replaces what the built-in reads. Cannot fail. */
void service_retune(struct service *service, struct generation *generation,
	const struct service_config *config, char *file, size_t file_length);

/* One user more or less (struct service). The last one ends it. */
void service_borrow(struct service *service);
void service_return(struct service *service);

/* Take a place for a connection; false: none is free, this gate is woken when one is. Give one
 * back (and wake whom it takes). */
bool service_admit(struct service *service);
void service_release(struct service *service);

/* The same for somebody who does not wait for one: what he brought is dropped. */
bool service_admit_or_drop(struct service *service);

/* The same without a word: for whom it is no news that there is none. */
bool service_try_place(struct service *service);

/* All places are taken, and clients wait, in the kernel or (VERDICT_wait_queue, which has been
 * counted) with us: told once for each siege. Nobody more is accepted: this gate is woken when
 * there is a place. */
void service_note_siege(struct service *service, enum verdict verdict);
void service_note_wait(struct service *service);

/* Something that others may wait for is free: have them woken. */
void service_tell_free(const struct service *service);

/* Take one in any case: for a client that stays when its program, which held one for it, has
 * ended. */
void service_keep_place(struct service *service);

/* Are all places taken? For those who would rather not ask for one; nobody notes that they wait. */
bool service_has_no_place(const struct service *service);

/* There is a place again: nobody is turned away for now, and before long the siege is over. */
void service_note_place(struct service *service);

const char *service_name(const struct service *service);

/* Count for the service. */
void service_count(const struct service *service, enum metric metric, uint64_t amount);

/* Note how long something of it took. */
void service_observe(const struct service *service, enum histogram histogram, int64_t took_us);

/* The live service of a row; NULL if there is none. */
struct service *service_of_row(const struct gate *gate, uint32_t row);

/* The configuration with its last user. */
struct generation *generation_new(struct config *config);
void generation_return(struct generation *generation);

#endif
