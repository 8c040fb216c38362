/* SPDX-License-Identifier: ISC */
/* What a gate holds. Everything hangs from struct gate; the rooms' own memory (connections,
 * datagrams, the channel's queue) is opaque behind a pointer.
 *
 * A service is known by its row of the shared memory: a reload that still has the row retunes
 * the same struct service in place, so its connections and a chat's rooms live on. A service
 * that a reload removed loses its listeners and ends with its last user. */
#ifndef REEVE_GATE_STATE_H
#define REEVE_GATE_STATE_H

#include "base/loop.h"
#include "base/shared_measures.h"
#include "base/shared_sources.h"
#include "base/util.h"
#include "config/config.h"
#include "effects/channel.h"
#include "model/policy.h"
#include "services/service.h"

struct asking;
struct carries;
struct carry;
struct conn;
struct conns;
struct datagrams;
struct gate;
struct kept;
struct guest;
struct outbox;
struct proxies;
struct queue;
struct refusals;
struct relays;
struct said;
struct service;
struct setup;
struct tarpit;

/* A configuration, alive until the last service that was made from it is gone. */
struct generation {
	struct config *config;
	const void *banners; /* the files of its banners, mapped; NULL: there are none */
	size_t banners_size;
	uint32_t users;
};

/* What clients are judged by; NULL: no service has rules. */
struct rules {
	const struct access *access;
	size_t size;
};

/* Files that tell of the host's memory, -1: not asked for; and what they said. */
struct memory {
	int available_fd;
	int pressure_fd;
	int64_t available; /* bytes; -1: unknown */
	int64_t pressure;  /* hundredths of a percent; -1: unknown */
	msec looked;
};

struct listener {
	struct watch watch; /* first; events are 0 while it is paused */
	struct service *service;
	struct listener *next_of_service;
	struct listener *next_starved;
	struct carry *carries; /* programs that answer its datagrams */
	uint32_t id;
	enum protocol protocol;
	struct netaddr address; /* as bound */
	bool is_shared;
	bool is_wildcard; /* which address was asked is known only by asking the kernel */
	bool is_starved;  /* in the gate's list of those that are tried again */
	bool is_hungry;   /* and that because descriptors are short, which has been counted */
	uint8_t batch;    /* clients that are let in at once */
	uint8_t full_batches;
};

/* Memory for objects of one size, in chunks: an idle connection must not pay for malloc's
 * bookkeeping. */
struct pool {
	struct pool_chunk *chunks;
	struct pool_free *free;
	uint32_t size; /* of an object */
	uint32_t used_of_chunk;
	uint32_t live;
};

/* What only a built-in needs: the side of its service that it sees, and its connections. */
struct builtin {
	struct service *service;
	const struct service_ops *ops;
	void *state;
	char *file; /* the bytes of the option `file`; owned; NULL without */
	size_t file_length;
	struct timer tick;

	struct conn *oldest; /* connections by their last move, for the idle time-out */
	struct conn *newest;
	struct timer idle;
	struct pool pool;
};

struct service {
	struct gate *gate;
	struct service *next; /* of all that live */
	struct service *previous;
	struct generation *generation;
	const struct service_config *config;
	uint32_t row;
	uint64_t identity;   /* what sources are remembered under: its row and its name */
	uint64_t ban_number; /* what bans from it are known by: its name */
	uint32_t access_set; /* of the rules */
	bool may_ask;        /* they may have to ask the resolver about clients */
	uint32_t users; /* connections, programs that may still say something, the configuration */
	struct builtin *builtin; /* owned; NULL: it is a program, and stays one */
	struct listener *listeners;

	/* Clients wait. Besieged it is until places have been free for a while, so that the log
	 * tells of a siege once and not of each place that changes hands. */
	bool is_full;  /* no place was free */
	bool is_held;  /* somebody has said so (reevectl pause, drain) */
	bool is_paced; /* for a moment: the service's rate or the host's load is at its limit */
	bool is_besieged;
	struct timer pace;
	struct timer relief;

	struct queue *queue;   /* clients that were accepted and wait for a place; NULL: none yet */
	struct tarpit *tarpit; /* clients that were refused and are held; NULL: none yet */

	struct refusals *refusals; /* admission.c's; NULL: none yet */
	struct proxies *proxies;   /* who alone may connect, to speak for others */
};

struct gate {
	struct loop *loop;
	struct after after;
	struct shared *shared;
	struct shared_sources *sources;
	struct generation *generation;
	uint32_t configuration; /* its number */
	struct rules rules;
	uint32_t number;
	uint32_t gate_count; /* that share the sockets */
	uint32_t writer;     /* in the shared memory */
	uint32_t instance;
	uint32_t next_serial;
	enum channel_phase phase;

	struct service **services; /* in the configuration's order */
	uint32_t service_count;
	struct service **targets; /* those that tcpmux may hand over to, in the same order */
	uint32_t target_count;
	struct service *first_service; /* all, also those that end with their last user */
	struct listener **listeners;   /* sorted by id */
	uint32_t listener_count;
	struct setup *setup; /* the configuration that is being handed over, or NULL */

	struct said *first_said;   /* programs whose stderr is read */
	struct guest *first_guest; /* clients that wait to be served (gate/hall.h) */
	uint32_t farewell_count;   /* of them that were refused, and are given time to read it */
	uint32_t tarpit_count;     /* clients in tarpits */
	struct asking *asking;     /* NULL: nothing was ever asked */
	struct outbox *outbox;
	struct conns *conns;
	struct datagrams *datagrams;
	struct carries *carries;
	struct relays *relays;
	struct policy_ports own_ports;
	bool has_sensors; /* among the services that are served now */
	int64_t load;     /* of the host, in hundredths */
	msec load_looked;
	struct memory memory;

	/* Descriptors of clients and programs; beyond the bound listeners starve. */
	uint32_t descriptors;
	uint32_t descriptors_max;
	struct listener *first_starved;
	struct listener **starved_end;
	struct timer hunger;
	msec hunger_told;

	struct timer grace;
	struct kept *kept; /* connections that come from the gate before (gate/kept.h) */
	bool is_draining;  /* another gate has taken its place */
	bool is_drained;   /* and leaves when the supervisor has been told all there was to tell */
	uint32_t conn_count; /* connections of built-ins, those that are relayed, those that wait */
};

/* What a connection is called in the log, told apart from those of other gates and of earlier ones:
 * the first of the third gate that was started is 30000000000. */
static inline uint64_t
gate_connection_id(const struct gate *gate, uint32_t serial)
{
	return gate->instance * UINT64_C(10000000000) + serial;
}

/* It has been told to end. One that drains goes on for those whom it has let in. */
static inline bool
gate_is_stopping(const struct gate *gate)
{
	return gate->phase == CHANNEL_STOP && !gate->is_draining;
}

/* "Never" for moments that are compared with now. */
#define LONG_AGO (INT64_MIN / 2)

#endif
