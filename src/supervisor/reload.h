/* SPDX-License-Identifier: ISC */
/* Take a configuration, all of it or nothing. */
#ifndef REEVE_SUPERVISOR_RELOAD_H
#define REEVE_SUPERVISOR_RELOAD_H

#include "supervisor/state.h"

/* The first configuration: load it (NULL: complaints have been printed), then start with it
 * (takes it over; 0, or -errno and complaints have been printed). */
struct config *reload_load_first(struct supervisor *supervisor, struct complaint_list *complaints);
int reload_first(struct supervisor *supervisor, struct config *config,
	struct complaint_list *complaints);

/* Read and check, with these settings over the files', and take nothing. NULL: there are
 * complaints. */
struct config *reload_load_checked(const struct supervisor *supervisor,
	const struct config_override *overrides, uint32_t count, struct complaint_list *complaints);

/* Serve that. 0: it is on its way to the gates; -EBUSY: another one is; -EINVAL: there are
 * complaints. */
int reload_settings(struct supervisor *supervisor, const struct config_override *overrides,
	uint32_t count, struct complaint_list *complaints);

/* Read the configuration again: now, or as soon as the last one has been taken. */
void reload_ask(struct supervisor *supervisor, const char *cause);

/* Sockets that programs had are the gates' now: hand them over, or as soon as there is time. */
void reload_hand_over(struct supervisor *supervisor);

/* A gate serves, or is gone: what waited for that goes on. */
void reload_gates_changed(struct supervisor *supervisor);

#endif
