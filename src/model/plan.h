/* SPDX-License-Identifier: ISC */
/* What a reload has to do to the sockets: compare those that are open with those that a
 * configuration wants. Pure: opens nothing, closes nothing. */
#ifndef REEVE_PLAN_H
#define REEVE_PLAN_H

#include "config/config.h"

/* An open socket, as the plan must know it. Identity: protocol and requested address; for a
 * port that the kernel picked also the service's name, since any other 0 is another port. */
struct plan_socket {
	uint32_t listener;   /* the caller's number for it */
	const char *service; /* name */
	struct endpoint wanted;
};

enum plan_action { PLAN_KEEP, PLAN_OPEN, PLAN_CLOSE };

struct plan_step {
	enum plan_action action;
	uint32_t listener; /* KEEP, CLOSE: that number */
	uint32_t service;  /* KEEP, OPEN: index in the configuration */
	uint32_t endpoint;
};

struct plan {
	struct plan_step *steps; /* every KEEP and OPEN in the configuration's order, then CLOSE */
	size_t count;
};

/* 0 or -ENOMEM. Linear in sockets and endpoints. */
int plan_make(struct plan *ret_plan, const struct plan_socket *open, size_t open_count,
	const struct config *config);
void plan_fini(struct plan *plan);

#endif
