/* SPDX-License-Identifier: ISC */
/* A supervisor for tests of the gate: starts the real gate_main in a child and speaks the channel
 * with it. Its configuration is a text of lines "NAME BUILTIN PROTOCOL [KEY=VALUE ...]", BUILTIN
 * being "program" for one, PROTOCOL a word of protocols.def, followed by * for the wildcard
 * address; keys are the few that a gate looks at. A line's service keeps its row and its socket
 * from one configuration to the next. */
#ifndef REEVE_FAKE_SUPERVISOR_H
#define REEVE_FAKE_SUPERVISOR_H

#include "base/shared.h"
#include "base/shared_sources.h"
#include "config/config.h"
#include "effects/channel.h"

#include <sys/types.h>

#define FAKE_SERVICES_MAX 16
#define FAKE_PATIENCE_MS 10000
#define FAKE_SPEECH_LENGTH 16000 /* what the built-in `orator` sends */

struct fake_service {
	char name[32];
	enum protocol protocol;
	uint32_t listener;
	int listen_fd;
	struct netaddr bound;
	char path[108];
	bool is_known; /* to the gate */
};

struct fake_supervisor {
	pid_t gate_pid;
	int channel_fd;
	int log_fd; /* what the gate logged */
	struct shared *shared;
	int shared_fd;
	struct shared_sources *sources;
	int sources_fd;
	uint32_t generation;
	uint32_t descriptors; /* announced to the gate */
	uint32_t gate_count;  /* the same */
	enum channel_phase phase;
	char folder[64];
	struct fake_service services[FAKE_SERVICES_MAX]; /* the index is the row */
	uint32_t service_count;
	struct message message; /* the last that was received */
};

/* Start a gate, with that configuration; end it and look that it ended well. */
void fake_start(struct fake_supervisor *fake, const char *table);
void fake_finish(struct fake_supervisor *fake);

/* Hand over a configuration; the error of the gate's `serving`. */
int fake_configure(struct fake_supervisor *fake, const char *table);

/* The same in pieces, for those who want to get it wrong. */
void fake_send_config(struct fake_supervisor *fake, const char *table, uint32_t service_count);
void fake_send(struct fake_supervisor *fake, enum message_type type, const void *body);

/* Wait for the gate's next message, which must be of that type; it is in fake->message. */
void fake_expect(struct fake_supervisor *fake, enum message_type type);

/* Wait for the gate's end: its wait status. */
int fake_wait(struct fake_supervisor *fake);

/* Wait until the gate has logged a line that holds `words`. */
void fake_expect_log(const struct fake_supervisor *fake, const char *words);
bool fake_has_logged(const struct fake_supervisor *fake, const char *words);

const struct fake_service *fake_find(const struct fake_supervisor *fake, const char *name);
uint32_t fake_row(const struct fake_supervisor *fake, const char *name);

/* A client's socket, connected, which gives up after a while; without connection, for datagrams. */
int fake_connect(const struct fake_supervisor *fake, const char *name);
int fake_try_connect(const struct fake_supervisor *fake, const char *name);

/* Send all of it; expect these bytes; expect the end. */
void fake_say(int client_fd, const char *bytes, size_t length);
void fake_hear(int client_fd, const char *bytes, size_t length);
void fake_hear_end(int client_fd);

/* Wait until a condition of the shared memory holds. */
void fake_wait_active(const struct fake_supervisor *fake, const char *name, int64_t wanted);
void fake_wait_metric(const struct fake_supervisor *fake, const char *name, enum metric metric,
	uint64_t wanted);

#endif
