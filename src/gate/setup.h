/* SPDX-License-Identifier: ISC */
/* A configuration on its way in: gathered message by message without touching what serves, then
 * taken over as a whole by setup_commit. */
#ifndef REEVE_GATE_SETUP_H
#define REEVE_GATE_SETUP_H

#include "gate/state.h"

/* Each takes one message: 0, or -errno when the message makes no sense (or memory is short), with
 * *ret_rule saying in words what is wrong. Descriptors that are kept are taken from it. */
int setup_begin(struct gate *gate, struct message *message, const char **ret_rule);
int setup_add_services(struct gate *gate, const struct message *message, const char **ret_rule);
int setup_add_listeners(struct gate *gate, struct message *message, const char **ret_rule);
int setup_add_file(struct gate *gate, struct message *message, const char **ret_rule);

/* Is it complete, and the one that is to be committed? */
int setup_check(const struct gate *gate, const struct message_commit *commit,
	const char **ret_rule);

/* Serve it from now on. 0, or -errno: then the gate serves what it served before. Either way the
 * setup is over. */
int setup_commit(struct gate *gate);

struct setup *setup_free(struct setup *setup);

/* --- among the files of this room */

struct setup_listener {
	struct message_listeners_row row;
	int listen_fd; /* -1: the gate has it */
	struct listener *listener;
};

struct setup_service {
	uint32_t row;
	bool is_held; /* its clients are to wait */
	bool is_new;  /* made by this setup */
	char *file;
	size_t file_length;
	struct service *service;
};

struct setup {
	struct message_config asked;
	struct generation *generation;
	struct shared *shared;
	struct shared_sources *sources;
	struct setup_service *services; /* asked.service_count */
	uint32_t rows_known;
	struct setup_listener *listeners; /* asked.listener_count */
	uint32_t listeners_known;
	struct rules rules;
	struct memory memory;
};

#endif
